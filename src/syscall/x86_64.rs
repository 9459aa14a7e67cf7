//! The instruction on x86-64: number in rax, arguments in rdi, rsi, rdx, r10, r8.
//!
//! The options are the same on every architecture: `nostack` and `preserves_flags` where the kernel
//! keeps both; never `readonly` or `nomem`, since the kernel reads texts and writes buffers.

use core::arch::asm;

use super::Arg;

/// # Safety
///
/// See [`keyctl`](super::keyctl): the addresses among the arguments are the caller's to vouch for.
#[inline]
pub(super) unsafe fn syscall5(nr: u32, a1: Arg, a2: Arg, a3: Arg, a4: Arg, a5: Arg) -> isize {
    let ret;
    // SAFETY: the kernel changes rax, rcx and r11 only; the addresses are the caller's.
    unsafe {
        asm!(
            "syscall",
            inlateout("rax") nr as usize => ret,
            in("rdi") a1.0,
            in("rsi") a2.0,
            in("rdx") a3.0,
            in("r10") a4.0,
            in("r8") a5.0,
            lateout("rcx") _,
            lateout("r11") _,
            options(nostack, preserves_flags)
        );
    }
    ret
}
