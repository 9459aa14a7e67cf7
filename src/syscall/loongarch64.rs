//! The instruction on LoongArch: number in a7, arguments in a0 to a4; t0 to t8 are lost.

use core::arch::asm;

use super::Arg;

/// # Safety
///
/// See [`keyctl`](super::keyctl): the addresses among the arguments are the caller's to vouch for.
#[inline]
pub(super) unsafe fn syscall5(nr: u32, a1: Arg, a2: Arg, a3: Arg, a4: Arg, a5: Arg) -> isize {
    let ret;
    // SAFETY: the kernel changes a0 and t0 to t8 only; the addresses are the caller's.
    unsafe {
        asm!(
            "syscall 0",
            in("$a7") nr as usize,
            inlateout("$a0") a1.0 => ret,
            in("$a1") a2.0,
            in("$a2") a3.0,
            in("$a3") a4.0,
            in("$a4") a5.0,
            lateout("$t0") _,
            lateout("$t1") _,
            lateout("$t2") _,
            lateout("$t3") _,
            lateout("$t4") _,
            lateout("$t5") _,
            lateout("$t6") _,
            lateout("$t7") _,
            lateout("$t8") _,
            options(nostack, preserves_flags)
        );
    }
    ret
}
