//! A kernel that says what a test has it say: another thread answers operations of `keyctl` in its stead.
//!
//! Unlike [`seccomp::answer`](super::seccomp::answer) it can answer with any number, and write to the
//! memory that it was handed. It needs no privilege.

// `ioctl` takes a number of another type with each C library.
#![allow(clippy::cast_lossless, clippy::cast_possible_wrap)]

use std::io;
use std::mem::{offset_of, zeroed};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::ptr;
use std::slice;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::thread;

use libc::{
    BPF_ABS, BPF_JEQ, BPF_JMP, BPF_K, BPF_LD, BPF_RET, BPF_W, SECCOMP_FILTER_FLAG_NEW_LISTENER,
    SECCOMP_GET_ACTION_AVAIL, SECCOMP_RET_ALLOW, SECCOMP_RET_USER_NOTIF, SECCOMP_SET_MODE_FILTER,
    seccomp_data, seccomp_notif, seccomp_notif_resp, sock_filter, sock_fprog,
};
use rustix::thread::set_no_new_privs;

/// `_IOWR('!', 0, struct seccomp_notif)` and `_IOWR('!', 1, struct seccomp_notif_resp)`.
const RECV: libc::Ioctl = 0xc050_2100_u32 as libc::Ioctl;
const SEND: libc::Ioctl = 0xc018_2101_u32 as libc::Ioctl;

/// A call of `keyctl` that waits for its answer.
#[derive(Clone, Copy)]
pub struct Call {
    pub op: u32,
    /// From the second on: `args[0]` is the operation.
    pub args: [usize; 6],
}

impl Call {
    /// The bytes at the address that is this argument, of which there must be so many.
    pub fn bytes<const N: usize>(&self, argument: usize) -> [u8; N] {
        // SAFETY: the test knows what the call under test has there; its thread stands still.
        unsafe { ptr::read(ptr::with_exposed_provenance(self.args[argument])) }
    }

    /// What of the slice at the address that is this argument.
    pub fn slice(&self, argument: usize, length: usize) -> Vec<u8> {
        // SAFETY: as above.
        unsafe { slice::from_raw_parts(ptr::with_exposed_provenance(self.args[argument]), length) }.to_vec()
    }

    /// Writes where a kernel would.
    pub fn write(&self, argument: usize, bytes: &[u8]) {
        let to = ptr::with_exposed_provenance_mut(self.args[argument]);
        // SAFETY: as above; and there must be room for them.
        unsafe { ptr::copy_nonoverlapping(bytes.as_ptr(), to, bytes.len()) };
    }
}

/// Runs `f` in a thread of its own, where `keyctl(op, ...)` answers what `kernel` says if `op` is one of `ops`:
/// a result, or an error number negated.
pub fn reign<T: Send>(
    ops: &[u32],
    kernel: impl FnMut(Call) -> i64 + Send,
    f: impl FnOnce() -> T + Send,
) -> T {
    let over = &AtomicBool::new(false);
    let (to, from) = mpsc::channel();
    thread::scope(|scope| {
        // Its listener goes with it if it fails; then the calls are answered by ENOSYS.
        let impostor = scope.spawn(move || serve(&from.recv().unwrap(), over, kernel));
        let subject = scope.spawn(move || {
            to.send(listen(ops).unwrap()).unwrap();
            f()
        });
        let result = subject.join();
        over.store(true, Ordering::Relaxed);
        if let Err(why) = impostor.join() {
            std::panic::resume_unwind(why);
        }
        result.unwrap_or_else(|why| std::panic::resume_unwind(why))
    })
}

/// Whether the kernel lets others answer.
pub fn works() -> io::Result<()> {
    let action = SECCOMP_RET_USER_NOTIF;
    // SAFETY: reads one number.
    check(unsafe { libc::syscall(libc::SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &raw const action) })?;
    Ok(())
}

fn check(reply: libc::c_long) -> io::Result<i32> {
    if reply < 0 { Err(io::Error::last_os_error()) } else { Ok(reply.try_into().unwrap()) }
}

/// From now on this thread's calls of these operations wait for who has what is returned.
fn listen(ops: &[u32]) -> io::Result<OwnedFd> {
    // The low half of the first argument, which is all that the kernel takes of it.
    let low = if cfg!(target_endian = "big") { 4 } else { 0 };
    let (number, first) = (offset_of!(seccomp_data, nr), offset_of!(seccomp_data, args) + low);
    let mut filter = vec![
        step(BPF_LD | BPF_W | BPF_ABS, number.try_into().unwrap(), 0),
        step(BPF_JMP | BPF_JEQ | BPF_K, libc::SYS_keyctl.try_into().unwrap(), 1 + 2 * ops.len()),
        step(BPF_LD | BPF_W | BPF_ABS, first.try_into().unwrap(), 0),
    ];
    for &op in ops {
        filter.push(step(BPF_JMP | BPF_JEQ | BPF_K, op, 1));
        filter.push(step(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF, 0));
    }
    filter.push(step(BPF_RET | BPF_K, SECCOMP_RET_ALLOW, 0));
    let program = sock_fprog { len: filter.len().try_into().unwrap(), filter: filter.as_mut_ptr() };
    set_no_new_privs(true)?;
    // SAFETY: the kernel copies the filter before it returns.
    let listener = check(unsafe {
        libc::syscall(
            libc::SYS_seccomp,
            SECCOMP_SET_MODE_FILTER,
            SECCOMP_FILTER_FLAG_NEW_LISTENER,
            &raw const program,
        )
    })?;
    // SAFETY: a new descriptor, which is nobody else's.
    Ok(unsafe { OwnedFd::from_raw_fd(listener) })
}

/// One step of the filter: where it compares, `skip` steps are left out when not equal.
fn step(code: u32, k: u32, skip: usize) -> sock_filter {
    sock_filter { code: code.try_into().unwrap(), jt: 0, jf: skip.try_into().unwrap(), k }
}

fn serve(listener: &OwnedFd, over: &AtomicBool, mut kernel: impl FnMut(Call) -> i64) {
    while !over.load(Ordering::Relaxed) {
        let mut waiting = libc::pollfd { fd: listener.as_raw_fd(), events: libc::POLLIN, revents: 0 };
        // SAFETY: one structure of our own.
        if unsafe { libc::poll(&raw mut waiting, 1, 10) } != 1 || waiting.revents & libc::POLLIN == 0 {
            continue;
        }
        // SAFETY: all zeros, as the kernel wants it.
        let mut call: seccomp_notif = unsafe { zeroed() };
        // SAFETY: one structure of our own to write.
        check(unsafe { libc::ioctl(listener.as_raw_fd(), RECV, &raw mut call) }.into()).unwrap();
        // A 64-bit kernel may show the registers of a 32-bit program with their sign extended.
        #[allow(clippy::cast_possible_truncation)]
        let args = call.data.args.map(|arg| arg as usize);
        let val = kernel(Call { op: (call.data.args[0] & u64::from(u32::MAX)).try_into().unwrap(), args });
        // Either says what the register holds; `val` says it of what is no error number, too.
        let mut answer = seccomp_notif_resp { id: call.id, val, error: 0, flags: 0 };
        // SAFETY: one structure of our own.
        check(unsafe { libc::ioctl(listener.as_raw_fd(), SEND, &raw mut answer) }.into()).unwrap();
    }
}
