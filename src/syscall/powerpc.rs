//! The instruction on PowerPC, 32 and 64 bits: number in r0, arguments in r3 to r7.
//!
//! An error is a positive number with the summary-overflow bit of cr0 set; it is negated here, so that
//! the return value reads as on other architectures. Stable Rust has this assembly since 1.95.

use core::arch::asm;

use super::Arg;

/// # Safety
///
/// See [`keyctl`](super::keyctl): the addresses among the arguments are the caller's to vouch for.
#[inline]
pub(super) unsafe fn syscall5(nr: u32, a1: Arg, a2: Arg, a3: Arg, a4: Arg, a5: Arg) -> isize {
    let ret;
    // SAFETY: the kernel changes r0, r3 to r12, cr0, ctr and xer only; the addresses are the caller's.
    unsafe {
        asm!(
            "sc",
            "bns 2f",
            "neg 3, 3",
            "2:",
            inlateout("r0") nr as usize => _,
            inlateout("r3") a1.0 => ret,
            inlateout("r4") a2.0 => _,
            inlateout("r5") a3.0 => _,
            inlateout("r6") a4.0 => _,
            inlateout("r7") a5.0 => _,
            lateout("r8") _,
            lateout("r9") _,
            lateout("r10") _,
            lateout("r11") _,
            lateout("r12") _,
            lateout("cr0") _,
            lateout("ctr") _,
            lateout("xer") _,
            options(nostack, preserves_flags)
        );
    }
    ret
}
