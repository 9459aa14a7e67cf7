//! The instruction on ARM and Thumb (EABI): number in r7, arguments in r0 to r4.
//!
//! Thumb keeps its frame pointer in r7, so the compiler refuses r7 as an operand there. It is saved in
//! a register of the compiler's choice, in both modes: one form to test, two moves in ARM mode.

use core::arch::asm;

use super::Arg;

/// # Safety
///
/// See [`keyctl`](super::keyctl): the addresses among the arguments are the caller's to vouch for.
#[inline]
pub(super) unsafe fn syscall5(nr: u32, a1: Arg, a2: Arg, a3: Arg, a4: Arg, a5: Arg) -> isize {
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
            inlateout("r0") a1.0 => ret,
            in("r1") a2.0,
            in("r2") a3.0,
            in("r3") a4.0,
            in("r4") a5.0,
            options(nostack, preserves_flags)
        );
    }
    ret
}
