//! Makes each system call once with arguments that tell the registers apart, for `qemu-ARCH -strace`
//! to show, and once more if it understood the answers. No libc and no other assembly than the
//! crate's (but on mips): so it runs wherever Rust's core can be built.
#![no_std]
#![no_main]
#![cfg_attr(keyctl_experimental_asm, feature(asm_experimental_arch))]

use core::ptr;

use keyctl::Error;
use keyctl::syscall::{Arg, add_key, keyctl, request_key};

#[unsafe(no_mangle)]
extern "C" fn _start() -> ! {
    let arg = |number: u32| Arg::from(number);
    // SAFETY: no operation has this number.
    let a = unsafe { keyctl(1001, arg(1002), arg(1003), arg(1004), arg(1005)) };
    // SAFETY: nothing is mapped at the addresses, which only the kernel would follow.
    let b = unsafe { add_key(arg(2001), arg(2002), arg(2003), 2004, arg(2005)) };
    // SAFETY: as before.
    let c = unsafe { request_key(arg(3001), arg(3002), arg(3003), arg(3004)) };
    // User emulation passes none of them on.
    if (a, b, c) == (Err(Error::NotImplemented), Err(Error::NotImplemented), Err(Error::NotImplemented)) {
        // Equal arguments, which the compiler may have in one register.
        // SAFETY: no operation has this number.
        let _ = unsafe { keyctl(4001, arg(4002), arg(4002), arg(4002), arg(4002)) };
    }
    stop()
}

// A function on mips expects its own address in $25, and the kernel leaves it 0.
#[cfg(keyctl_experimental_asm)]
core::arch::global_asm!(
    ".globl __start",
    "__start:",
    "lui $25, %hi(_start)",
    "addiu $25, $25, %lo(_start)",
    "jr $25",
    "nop",
);

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    stop()
}

/// By a fault: to leave properly would take assembly of our own.
fn stop() -> ! {
    loop {
        // SAFETY: not sound, and not meant to come back.
        unsafe { ptr::without_provenance_mut::<u8>(1).write_volatile(0) };
    }
}
