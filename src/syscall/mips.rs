//! The instruction on MIPS (o32): number in $2, arguments in $4 to $7, the fifth on the stack.
//!
//! An error is a positive number with $7 not 0; it is negated here, so that the return value reads as
//! on other architectures. The assembly is not stable Rust yet: `--cfg keyctl_experimental_asm`.

use core::arch::asm;

use super::Arg;

/// # Safety
///
/// See [`keyctl`](super::keyctl): the addresses among the arguments are the caller's to vouch for.
// Not inlined: the kernel may lose hi and lo, for which there is no clobber. Across a call they are lost.
#[inline(never)]
pub(super) unsafe fn syscall5(nr: u32, a1: Arg, a2: Arg, a3: Arg, a4: Arg, a5: Arg) -> isize {
    let ret: isize;
    let failed: usize;
    // SAFETY: the kernel changes $2, $3, $7 to $15, $24, $25 only, and the stack pointer is put
    // back (so no `nostack`); the addresses are the caller's.
    unsafe {
        asm!(
            ".set noat",
            "subu $sp, 32",
            "sw {a5}, 16($sp)",
            "syscall",
            "addu $sp, 32",
            ".set at",
            a5 = in(reg) a5.0,
            inlateout("$2") nr as usize => ret,
            in("$4") a1.0,
            in("$5") a2.0,
            in("$6") a3.0,
            inlateout("$7") a4.0 => failed,
            lateout("$3") _,
            lateout("$8") _,
            lateout("$9") _,
            lateout("$10") _,
            lateout("$11") _,
            lateout("$12") _,
            lateout("$13") _,
            lateout("$14") _,
            lateout("$15") _,
            lateout("$24") _,
            lateout("$25") _,
            options(preserves_flags)
        );
    }
    if failed == 0 { ret } else { ret.wrapping_neg() }
}
