//! The instruction on s390x: number in r1, arguments in r2 to r6.

use core::arch::asm;

use super::Arg;

/// # Safety
///
/// See [`keyctl`](super::keyctl): the addresses among the arguments are the caller's to vouch for.
#[inline]
pub(super) unsafe fn syscall5(nr: u32, a1: Arg, a2: Arg, a3: Arg, a4: Arg, a5: Arg) -> isize {
    let ret;
    // SAFETY: the kernel changes r2 only; the addresses are the caller's.
    unsafe {
        asm!(
            "svc 0",
            in("r1") nr as usize,
            inlateout("r2") a1.0 => ret,
            in("r3") a2.0,
            in("r4") a3.0,
            in("r5") a4.0,
            in("r6") a5.0,
            options(nostack, preserves_flags)
        );
    }
    ret
}
