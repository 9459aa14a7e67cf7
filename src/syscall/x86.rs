//! The instruction on i386: number in eax, arguments in ebx, ecx, edx, esi, edi.
//!
//! LLVM keeps esi for itself, so the fourth argument is exchanged into it and back, out of a register that
//! is its own: an input alone may share one with another argument of the same value, which would then be lost.
//! `int 0x80` rather than the vDSO: it needs no start-up code, and nothing here is called often enough to care.

use core::arch::asm;

use super::Arg;

/// # Safety
///
/// See [`keyctl`](super::keyctl): the addresses among the arguments are the caller's to vouch for.
#[inline]
pub(super) unsafe fn syscall5(nr: u32, a1: Arg, a2: Arg, a3: Arg, a4: Arg, a5: Arg) -> isize {
    let ret;
    // SAFETY: the kernel changes eax only, esi is put back; the addresses are the caller's.
    unsafe {
        asm!(
            "xchg esi, {a4}",
            "int 0x80",
            "xchg esi, {a4}",
            a4 = inout(reg) a4.0 => _,
            inlateout("eax") nr => ret,
            in("ebx") a1.0,
            in("ecx") a2.0,
            in("edx") a3.0,
            in("edi") a5.0,
            options(nostack, preserves_flags)
        );
    }
    ret
}
