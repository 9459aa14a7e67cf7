//! The instruction on RISC-V, 32 and 64 bits: number in a7, arguments in a0 to a4.
//!
//! The kernel may discard the vector registers at a system call, and vtype and vl with them: hence the
//! list, and no `preserves_flags`.

use core::arch::asm;

use super::Arg;

/// # Safety
///
/// See [`keyctl`](super::keyctl): the addresses among the arguments are the caller's to vouch for.
#[inline]
pub(super) unsafe fn syscall5(nr: u32, a1: Arg, a2: Arg, a3: Arg, a4: Arg, a5: Arg) -> isize {
    let ret;
    // SAFETY: the kernel changes a0 and the vector state only; the addresses are the caller's.
    unsafe {
        asm!(
            "ecall",
            in("a7") nr as usize,
            inlateout("a0") a1.0 => ret,
            in("a1") a2.0,
            in("a2") a3.0,
            in("a3") a4.0,
            in("a4") a5.0,
            lateout("v0") _, lateout("v1") _, lateout("v2") _, lateout("v3") _, lateout("v4")
            _, lateout("v5") _, lateout("v6") _, lateout("v7") _, lateout("v8") _,
            lateout("v9") _, lateout("v10") _, lateout("v11") _, lateout("v12") _,
            lateout("v13") _, lateout("v14") _, lateout("v15") _, lateout("v16") _,
            lateout("v17") _, lateout("v18") _, lateout("v19") _, lateout("v20") _,
            lateout("v21") _, lateout("v22") _, lateout("v23") _, lateout("v24") _,
            lateout("v25") _, lateout("v26") _, lateout("v27") _, lateout("v28") _,
            lateout("v29") _, lateout("v30") _, lateout("v31") _,
            options(nostack)
        );
    }
    ret
}
