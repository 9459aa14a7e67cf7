//! Refusals made to order: a filter that answers one operation of `keyctl` in the kernel's stead.
//!
//! It needs no privilege, concerns the calling thread alone, and can't be taken off again.

use std::io;
use std::mem::offset_of;
use std::ptr;

use libc::{
    BPF_ABS, BPF_JEQ, BPF_JMP, BPF_K, BPF_LD, BPF_RET, BPF_W, SECCOMP_MODE_FILTER, SECCOMP_RET_ALLOW,
    SECCOMP_RET_ERRNO, c_ulong, seccomp_data, sock_filter, sock_fprog,
};
use rustix::thread::set_no_new_privs;

/// From now on this thread's `keyctl(op, ...)` answers error number `errno`; 0 for the reply 0.
pub fn answer(op: u32, errno: u16) {
    // The low half of the first argument, which is all that the kernel takes of it.
    let low = if cfg!(target_endian = "big") { 4 } else { 0 };
    let (number, first) = (offset_of!(seccomp_data, nr), offset_of!(seccomp_data, args) + low);
    let mut filter = [
        step(BPF_LD | BPF_W | BPF_ABS, number.try_into().unwrap(), 0),
        step(BPF_JMP | BPF_JEQ | BPF_K, libc::SYS_keyctl.try_into().unwrap(), 3),
        step(BPF_LD | BPF_W | BPF_ABS, first.try_into().unwrap(), 0),
        step(BPF_JMP | BPF_JEQ | BPF_K, op, 1),
        step(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | u32::from(errno), 0),
        step(BPF_RET | BPF_K, SECCOMP_RET_ALLOW, 0),
    ];
    let program = sock_fprog { len: filter.len().try_into().unwrap(), filter: filter.as_mut_ptr() };
    set_no_new_privs(true).unwrap();
    install(&raw const program).unwrap();
}

/// One step of the filter: where it compares, `skip` steps are left out when not equal.
fn step(code: u32, k: u32, skip: u8) -> sock_filter {
    sock_filter { code: code.try_into().unwrap(), jt: 0, jf: skip, k }
}

fn install(program: *const sock_fprog) -> io::Result<()> {
    // SAFETY: the kernel copies the filter before it returns.
    match unsafe { libc::prctl(libc::PR_SET_SECCOMP, c_ulong::from(SECCOMP_MODE_FILTER), program) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// Whether the kernel has filters: one at no address is refused for its address only there.
pub fn works() -> io::Result<()> {
    match install(ptr::null()) {
        Err(why) if why.raw_os_error() == Some(libc::EFAULT) => Ok(()),
        other => other,
    }
}
