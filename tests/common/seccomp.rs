//! Refusals made to order: a filter that answers a system call, or one operation of `keyctl`, in the
//! kernel's stead.
//!
//! It needs no privilege, concerns the calling thread alone, and can't be taken off again.

use std::io;
use std::mem::offset_of;
use std::ptr;

use keyctl::{Errno, Error, Result};
use libc::{
    BPF_ABS, BPF_JEQ, BPF_JMP, BPF_K, BPF_LD, BPF_RET, BPF_W, SECCOMP_MODE_FILTER, SECCOMP_RET_ALLOW,
    SECCOMP_RET_ERRNO, c_long, c_ulong, seccomp_data, sock_filter, sock_fprog,
};
use rustix::thread::set_no_new_privs;

use super::in_thread;

/// From now on this thread's `keyctl(op, ...)` answers error number `errno`; 0 for the reply 0.
pub fn answer(op: u32, errno: u16) {
    // The low half of the first argument, which is all that the kernel takes of it.
    let low = if cfg!(target_endian = "big") { 4 } else { 0 };
    let first = offset_of!(seccomp_data, args) + low;
    let is_op = [
        step(BPF_LD | BPF_W | BPF_ABS, first.try_into().unwrap(), 0),
        step(BPF_JMP | BPF_JEQ | BPF_K, op, 1),
    ];
    filter(libc::SYS_keyctl, &is_op, errno);
}

/// From now on this thread's system call of that number answers error number `errno`.
pub fn answer_call(number: c_long, errno: u16) {
    filter(number, &[], errno);
}

fn filter(call: c_long, condition: &[sock_filter], errno: u16) {
    let number = offset_of!(seccomp_data, nr).try_into().unwrap();
    let to_the_end = (condition.len() + 1).try_into().unwrap();
    let mut filter = vec![
        step(BPF_LD | BPF_W | BPF_ABS, number, 0),
        step(BPF_JMP | BPF_JEQ | BPF_K, call.try_into().unwrap(), to_the_end),
    ];
    filter.extend_from_slice(condition);
    filter.push(step(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | u32::from(errno), 0));
    filter.push(step(BPF_RET | BPF_K, SECCOMP_RET_ALLOW, 0));
    let program = sock_fprog { len: filter.len().try_into().unwrap(), filter: filter.as_mut_ptr() };
    set_no_new_privs(true).unwrap();
    install(&raw const program).unwrap();
}

/// Holds what `call` makes of refusals that a kernel can't be brought to, once each of them has been
/// put in its place by `answer`.
pub fn passed_on<T>(answer: impl Fn(u16) + Sync, call: impl Fn() -> Result<T> + Sync) {
    let answered = |errno: i32| {
        in_thread(|| {
            answer(errno.try_into().unwrap());
            call().err()
        })
    };
    for (errno, error) in [
        (libc::ENOMEM, Error::OutOfMemory),
        (libc::EINTR, Error::Interrupted),
        (libc::EIO, Error::Io),
        (libc::ENOPKG, Error::NoAlgorithm),
        (libc::EBADMSG, Error::Malformed),
        (libc::EPERM, Error::NotPermitted),
        (libc::ENOSYS, Error::NotImplemented),
        (libc::EOPNOTSUPP, Error::Unsupported),
    ] {
        assert_eq!(answered(errno), Some(error));
    }
    for number in [libc::EXDEV, 4094, 4095] {
        let error = answered(number).unwrap();
        assert_eq!(error, Error::from(Errno::from_raw_os_error(number)));
        assert!(matches!(error, Error::Other { .. }), "{error:?}");
    }
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
