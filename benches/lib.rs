//! What the benches share: the floor, and the peer that has to be opened.

use std::arch::asm;
use std::ffi::{c_char, c_int, c_long, c_uint, c_void};

use libloading::Library;

pub mod work;

/// The instruction and nothing around it: the floor below which no binding gets. The registers count as
/// lost, so that a loop sets them for each call, as a program does that has other things to do in between.
///
/// # Safety
///
/// What the system call takes as an address must be one.
#[inline(always)]
pub unsafe fn bare(nr: usize, a1: usize, a2: usize, a3: usize, a4: usize, a5: usize) -> isize {
    let ret;
    #[cfg(target_arch = "x86_64")]
    // SAFETY: the kernel changes rax, rcx and r11 only; the addresses are the caller's.
    unsafe {
        asm!(
            "syscall",
            inlateout("rax") nr => ret,
            inlateout("rdi") a1 => _,
            inlateout("rsi") a2 => _,
            inlateout("rdx") a3 => _,
            inlateout("r10") a4 => _,
            inlateout("r8") a5 => _,
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
            in("x8") nr,
            inlateout("x0") a1 => ret,
            inlateout("x1") a2 => _,
            inlateout("x2") a3 => _,
            inlateout("x3") a4 => _,
            inlateout("x4") a5 => _,
            options(nostack, preserves_flags)
        );
    }
    ret
}

/// libkeyutils, the C library. Opened at run time: a machine that has it need not have its headers.
pub struct LibKeyutils {
    pub keyctl: unsafe extern "C" fn(c_int, ...) -> c_long,
    pub get_persistent: unsafe extern "C" fn(libc::uid_t, i32) -> c_long,
    pub add_key: unsafe extern "C" fn(*const c_char, *const c_char, *const c_void, usize, i32) -> i32,
    pub search: unsafe extern "C" fn(i32, *const c_char, *const c_char, i32) -> c_long,
    pub read: unsafe extern "C" fn(i32, *mut c_char, usize) -> c_long,
    pub read_alloc: unsafe extern "C" fn(i32, *mut *mut c_void) -> c_long,
    pub describe: unsafe extern "C" fn(i32, *mut c_char, usize) -> c_long,
    pub describe_alloc: unsafe extern "C" fn(i32, *mut *mut c_char) -> c_int,
    pub find: unsafe extern "C" fn(*const c_char, *const c_char, i32) -> i32,
    pub link: unsafe extern "C" fn(i32, i32) -> c_long,
    pub set_timeout: unsafe extern "C" fn(i32, c_uint) -> c_long,
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
                    keyctl: *library.get("keyctl")?,
                    get_persistent: *library.get("keyctl_get_persistent")?,
                    add_key: *library.get("add_key")?,
                    search: *library.get("keyctl_search")?,
                    read: *library.get("keyctl_read")?,
                    read_alloc: *library.get("keyctl_read_alloc")?,
                    describe: *library.get("keyctl_describe")?,
                    describe_alloc: *library.get("keyctl_describe_alloc")?,
                    find: *library.get("find_key_by_type_and_desc")?,
                    link: *library.get("keyctl_link")?,
                    set_timeout: *library.get("keyctl_set_timeout")?,
                })
            }
        };
        open().inspect_err(|error: &libloading::Error| eprintln!("no bar for libkeyutils: {error}")).ok()
    }
}
