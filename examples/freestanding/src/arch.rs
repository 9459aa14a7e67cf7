//! What only assembly can do, for the five architectures on which keyctl's whole tree is free of libc:
//! the entry point, which hands the kernel's stack to `main`, and a system call of three arguments.
//!
//! The kernel aligns the stack as a call wants it. `main` does not return. With more to do than to write
//! a line, take rustix for the system calls; on 32-bit x86 it wants libc's `memset`, `strlen` and `bcmp`.
//!
//! # Safety
//!
//! An address among the arguments of `syscall` must be good for what the system call does with it.

use core::arch::{asm, global_asm};

#[cfg(target_arch = "x86_64")]
global_asm!(".globl _start", "_start:", "mov rdi, rsp", "call {main}", main = sym crate::main);

#[cfg(target_arch = "x86_64")]
pub unsafe fn syscall(nr: u32, a1: usize, a2: usize, a3: usize) -> isize {
    let ret;
    // SAFETY: the kernel changes rax, rcx and r11 only; the addresses are the caller's.
    unsafe {
        asm!(
            "syscall",
            inlateout("rax") nr as usize => ret,
            in("rdi") a1,
            in("rsi") a2,
            in("rdx") a3,
            lateout("rcx") _,
            lateout("r11") _,
            options(nostack, preserves_flags)
        );
    }
    ret
}

#[cfg(target_arch = "x86")]
global_asm!(
    ".globl _start",
    "_start:",
    "mov eax, esp",
    "sub esp, 12",
    "push eax",
    "call {main}",
    main = sym crate::main
);

#[cfg(target_arch = "x86")]
pub unsafe fn syscall(nr: u32, a1: usize, a2: usize, a3: usize) -> isize {
    let ret;
    // SAFETY: the kernel changes eax only; the addresses are the caller's.
    unsafe {
        asm!(
            "int 0x80",
            inlateout("eax") nr => ret,
            in("ebx") a1,
            in("ecx") a2,
            in("edx") a3,
            options(nostack, preserves_flags)
        );
    }
    ret
}

#[cfg(target_arch = "aarch64")]
global_asm!(".globl _start", "_start:", "mov x0, sp", "bl {main}", main = sym crate::main);

#[cfg(target_arch = "aarch64")]
pub unsafe fn syscall(nr: u32, a1: usize, a2: usize, a3: usize) -> isize {
    let ret;
    // SAFETY: the kernel changes x0 only; the addresses are the caller's.
    unsafe {
        asm!(
            "svc 0",
            in("x8") nr as usize,
            inlateout("x0") a1 => ret,
            in("x1") a2,
            in("x2") a3,
            options(nostack, preserves_flags)
        );
    }
    ret
}

// In ARM code, also where the compiler's is Thumb: the linker then joins the two.
#[cfg(target_arch = "arm")]
global_asm!(
    ".arm",
    ".globl _start",
    ".type _start, %function",
    "_start:",
    "mov r0, sp",
    "bl {main}",
    main = sym crate::main
);

#[cfg(target_arch = "arm")]
pub unsafe fn syscall(nr: u32, a1: usize, a2: usize, a3: usize) -> isize {
    let ret;
    // SAFETY: the kernel changes r0 only, r7 is put back; the addresses are the caller's.
    unsafe {
        asm!(
            "mov {saved}, r7",
            "mov r7, {nr}",
            "svc 0",
            "mov r7, {saved}",
            nr = in(reg) nr,
            saved = out(reg) _,
            inlateout("r0") a1 => ret,
            in("r1") a2,
            in("r2") a3,
            options(nostack, preserves_flags)
        );
    }
    ret
}

// A linker may shorten addresses by way of `gp`, except the one that sets it.
#[cfg(target_arch = "riscv64")]
global_asm!(
    ".globl _start",
    "_start:",
    ".option push",
    ".option norelax",
    "lla gp, __global_pointer$",
    ".option pop",
    "mv a0, sp",
    "call {main}",
    main = sym crate::main
);

#[cfg(target_arch = "riscv64")]
pub unsafe fn syscall(nr: u32, a1: usize, a2: usize, a3: usize) -> isize {
    let ret;
    // SAFETY: the kernel changes a0 only, and nothing here holds a vector; the addresses are the caller's.
    unsafe {
        asm!(
            "ecall",
            in("a7") nr as usize,
            inlateout("a0") a1 => ret,
            in("a1") a2,
            in("a2") a3,
            options(nostack, preserves_flags)
        );
    }
    ret
}
