//! Refusals made to order: filters that answer calls in the kernel's stead, those of known sandboxes too.
//!
//! It needs no privilege, concerns the calling thread alone, and can't be taken off again.

use std::io;
use std::mem::offset_of;
use std::ptr;

use keyctl::syscall::op;
use keyctl::{Errno, Error, Result};
use libc::{
    BPF_ABS, BPF_JEQ, BPF_JMP, BPF_K, BPF_LD, BPF_RET, BPF_W, EACCES, ENOSYS, EPERM, SECCOMP_MODE_FILTER,
    SECCOMP_RET_ALLOW, SECCOMP_RET_ERRNO, SYS_add_key, SYS_keyctl, SYS_request_key, c_long, c_ulong,
    seccomp_data, sock_filter, sock_fprog,
};
use rustix::thread::set_no_new_privs;

use super::in_thread;

/// One line of a filter: the call, an operation of `keyctl` or all, and the error number that is answered,
/// or that it passes. The first line that fits decides; what fits none passes.
pub type Line = (c_long, Option<u32>, Option<i32>);

/// All three calls: as Docker does it, containerd, systemd-nspawn and flatpak.
pub const DOCKER: &[Line] = &[
    (SYS_keyctl, None, Some(EPERM)),
    (SYS_add_key, None, Some(EPERM)),
    (SYS_request_key, None, Some(EPERM)),
];

pub const PODMAN: &[Line] = &[(SYS_add_key, None, Some(ENOSYS)), (SYS_request_key, None, Some(ENOSYS))];

pub const LXC: &[Line] = &[(SYS_keyctl, None, Some(ENOSYS))];

pub const GVISOR: &[Line] = &[
    (SYS_add_key, None, Some(EACCES)),
    (SYS_request_key, None, Some(EACCES)),
    (SYS_keyctl, Some(op::GET_KEYRING_ID.number()), None),
    (SYS_keyctl, Some(op::JOIN_SESSION_KEYRING.number()), None),
    (SYS_keyctl, Some(op::SETPERM.number()), None),
    (SYS_keyctl, Some(op::DESCRIBE.number()), None),
    (SYS_keyctl, None, Some(ENOSYS)),
];

/// A kernel without keyrings.
pub const NO_KEYRINGS: &[Line] = &[
    (SYS_keyctl, None, Some(ENOSYS)),
    (SYS_add_key, None, Some(ENOSYS)),
    (SYS_request_key, None, Some(ENOSYS)),
];

/// From now on this thread's `keyctl(op, ...)` answers error number `errno`; 0 for the reply 0.
pub fn answer(op: u32, errno: u16) {
    apply(&[(SYS_keyctl, Some(op), Some(errno.into()))]);
}

/// From now on this thread's system call of that number answers error number `errno`.
pub fn answer_call(number: c_long, errno: u16) {
    apply(&[(number, None, Some(errno.into()))]);
}

/// From now on the calls of this thread, and of all that it starts, pass this filter.
pub fn apply(lines: &[Line]) {
    let refuse = |errno| SECCOMP_RET_ERRNO | u32::try_from(errno).unwrap();
    let lines = lines.iter().map(|&(call, op, answer)| (call, op, answer.map_or(SECCOMP_RET_ALLOW, refuse)));
    with_filter(lines, install).unwrap();
}

/// Hands `load` the filter of these lines, each with its action, for a thread that gains no privileges any more.
pub(super) fn with_filter<T>(
    lines: impl Iterator<Item = (c_long, Option<u32>, u32)>,
    load: impl FnOnce(*const sock_fprog) -> io::Result<T>,
) -> io::Result<T> {
    // The low half of the first argument, which is all that the kernel takes of it.
    let low = if cfg!(target_endian = "big") { 4 } else { 0 };
    let (number, first) = (offset_of!(seccomp_data, nr), offset_of!(seccomp_data, args) + low);
    let mut filter = vec![];
    for (call, op, action) in lines {
        filter.push(step(BPF_LD | BPF_W | BPF_ABS, number.try_into().unwrap(), 0));
        let others = if op.is_some() { 3 } else { 1 };
        filter.push(step(BPF_JMP | BPF_JEQ | BPF_K, call.try_into().unwrap(), others));
        if let Some(op) = op {
            filter.push(step(BPF_LD | BPF_W | BPF_ABS, first.try_into().unwrap(), 0));
            filter.push(step(BPF_JMP | BPF_JEQ | BPF_K, op, 1));
        }
        filter.push(step(BPF_RET | BPF_K, action, 0));
    }
    filter.push(step(BPF_RET | BPF_K, SECCOMP_RET_ALLOW, 0));
    let program = sock_fprog { len: filter.len().try_into().unwrap(), filter: filter.as_mut_ptr() };
    set_no_new_privs(true)?;
    load(&raw const program)
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
