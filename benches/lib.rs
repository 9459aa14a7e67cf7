//! What the benches share: the floor, and the peer that has to be opened.

use std::arch::asm;
use std::ffi::{c_int, c_long};

use libloading::Library;

/// `keyctl(op, arg2, arg3, arg4, arg5)` and nothing around it: the floor below which no binding gets.
///
/// # Safety
///
/// What `op` takes as an address must be one.
#[inline(always)]
pub unsafe fn bare(op: usize, arg2: usize, arg3: usize, arg4: usize, arg5: usize) -> isize {
    let ret;
    #[cfg(target_arch = "x86_64")]
    // SAFETY: the kernel changes rax, rcx and r11 only; the addresses are the caller's.
    unsafe {
        asm!(
            "syscall",
            inlateout("rax") libc::SYS_keyctl => ret,
            in("rdi") op,
            in("rsi") arg2,
            in("rdx") arg3,
            in("r10") arg4,
            in("r8") arg5,
            lateout("rcx") _,
            lateout("r11") _,
            options(nostack, preserves_flags)
        );
    }
    #[cfg(target_arch = "aarch64")]
    // SAFETY: the kernel changes x0 only; the addresses are the caller's.
    unsafe {
        asm!(
            "svc 0",
            in("x8") libc::SYS_keyctl,
            inlateout("x0") op => ret,
            in("x1") arg2,
            in("x2") arg3,
            in("x3") arg4,
            in("x4") arg5,
            options(nostack, preserves_flags)
        );
    }
    ret
}

/// libkeyutils, the C library. Opened at run time: a machine that has it need not have its headers.
pub struct LibKeyutils {
    pub get_persistent: unsafe extern "C" fn(libc::uid_t, i32) -> c_long,
    pub keyctl: unsafe extern "C" fn(c_int, ...) -> c_long,
}

impl LibKeyutils {
    /// `None`, and a line on standard error, where it is missing.
    pub fn open() -> Option<Self> {
        let open = || {
            // SAFETY: what it runs when opened touches nothing of ours. It is never closed.
            let library = Box::leak(Box::new(unsafe { Library::new("libkeyutils.so.1") }?));
            // SAFETY: the types are those of keyutils.h.
            unsafe {
                Ok(Self {
                    get_persistent: *library.get("keyctl_get_persistent")?,
                    keyctl: *library.get("keyctl")?,
                })
            }
        };
        open().inspect_err(|error: &libloading::Error| eprintln!("no bar for libkeyutils: {error}")).ok()
    }
}
