//! The instruction on AArch64: number in x8, arguments in x0 to x4.

use core::arch::asm;

use super::Arg;

/// # Safety
///
/// See [`keyctl`](super::keyctl): the addresses among the arguments are the caller's to vouch for.
// Not inlined: the kernel may lose what SVE adds to the registers, and for that there is no clobber that
// a caller without SVE may name. Across a call the compiler expects it to be lost.
#[inline(never)]
pub(super) unsafe fn syscall5(nr: u32, a1: Arg, a2: Arg, a3: Arg, a4: Arg, a5: Arg) -> isize {
    let ret;
    // SAFETY: the kernel changes x0 only, and what of SVE is lost at a call too; the addresses are the caller's.
    unsafe {
        asm!(
            "svc 0",
            in("x8") nr as usize,
            inlateout("x0") a1.0 => ret,
            in("x1") a2.0,
            in("x2") a3.0,
            in("x3") a4.0,
            in("x4") a5.0,
            options(nostack, preserves_flags)
        );
    }
    ret
}
