//! A kernel that says what a test has it say: another thread answers system calls in its stead.
//!
//! Unlike [`seccomp::answer`](super::seccomp::answer) it can answer with any number, and write to the
//! memory that it was handed. It needs no privilege.

// `ioctl` takes a number of another type with each C library.
#![allow(clippy::cast_lossless, clippy::cast_possible_wrap)]

use std::fmt::Debug;
use std::io;
use std::mem::zeroed;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::ptr;
use std::slice;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, mpsc};
use std::thread;

use keyctl::{Errno, Error};
use libc::{
    SECCOMP_FILTER_FLAG_NEW_LISTENER, SECCOMP_GET_ACTION_AVAIL, SECCOMP_RET_USER_NOTIF,
    SECCOMP_SET_MODE_FILTER, SYS_keyctl, c_long, seccomp_notif, seccomp_notif_resp,
};

use super::{seccomp, short};

/// `_IOWR('!', 0, struct seccomp_notif)` and `_IOWR('!', 1, struct seccomp_notif_resp)`.
const RECV: libc::Ioctl = 0xc050_2100_u32 as libc::Ioctl;
const SEND: libc::Ioctl = 0xc018_2101_u32 as libc::Ioctl;

/// A system call, and of `keyctl` an operation.
pub type Line = (c_long, Option<u32>);

/// What can be answered: an operation of `keyctl` by its number, or all of a system call by its own.
pub trait Asked: Copy + Debug + Send + Sync {
    fn line(self) -> Line;
}

impl Asked for u32 {
    fn line(self) -> Line {
        (SYS_keyctl, Some(self))
    }
}

impl Asked for c_long {
    fn line(self) -> Line {
        (self, None)
    }
}

/// Some of either kind.
impl Asked for Line {
    fn line(self) -> Self {
        self
    }
}

/// A system call that waits for its answer.
#[derive(Clone, Copy)]
pub struct Call {
    pub number: c_long,
    /// Of `keyctl`, where it is the first argument.
    pub op: u32,
    pub args: [usize; 6],
}

impl Call {
    pub fn is(&self, asked: impl Asked) -> bool {
        let (number, op) = asked.line();
        self.number == number && op.is_none_or(|op| self.op == op)
    }

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

/// Runs `f` in a thread of its own, where what is `asked` answers what `kernel` says: a result, or an error
/// number negated.
pub fn reign<T: Send>(
    asked: &[impl Asked],
    kernel: impl FnMut(Call) -> i64 + Send,
    f: impl FnOnce() -> T + Send,
) -> T {
    let over = &AtomicBool::new(false);
    let (to, from) = mpsc::channel();
    thread::scope(|scope| {
        // Its listener goes with it if it fails; then the calls are answered by ENOSYS.
        let impostor = scope.spawn(move || serve(&from.recv().unwrap(), over, kernel));
        let subject = scope.spawn(move || {
            to.send(listen(asked).unwrap()).unwrap();
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

/// What `f` makes of each of these replies. `kernel` is told the one whose turn it is.
pub fn each<T: Send>(
    asked: &[impl Asked],
    replies: impl IntoIterator<Item = i64> + Send,
    mut kernel: impl FnMut(Call, i64) -> i64 + Send,
    f: impl Fn() -> T + Send,
) -> Vec<T> {
    let now = &Mutex::new(0);
    let said = move |call| kernel(call, *now.lock().unwrap());
    reign(asked, said, move || {
        let set = |reply| *now.lock().unwrap() = reply;
        replies.into_iter().map(|reply| (set(reply), f()).1).collect()
    })
}

/// Holds that `f` answers each error number that there is, for what it is, and that another negative reply is
/// unexpected. `kernel` is told the reply of the moment.
pub fn refusals_arrive<const N: usize>(
    asked: &[impl Asked],
    kernel: impl FnMut(Call, i64) -> i64 + Send,
    f: impl Fn() -> [Error; N] + Send,
) {
    let errors = (1..=4095).step_by(if short() { 37 } else { 1 });
    let lies = [-4096, -5000, i32::MIN.into()];
    let beyond_32_bits = [i64::MIN, -(1 << 32)].into_iter().filter(|_| cfg!(target_pointer_width = "64"));
    let replies: Vec<i64> = errors.map(|number: i64| -number).chain(lies).chain(beyond_32_bits).collect();
    for (reply, answers) in replies.iter().zip(each(asked, replies.iter().copied(), kernel, f)) {
        let (number, wanted) = match reply.wrapping_neg() {
            number @ 1..4096 => {
                let number = number.try_into().unwrap();
                (Some(number), Error::from(Errno::from_raw_os_error(number)))
            }
            _ => (None, Error::UnexpectedReply),
        };
        for answer in answers {
            assert_eq!((answer.raw_os_error(), answer), (number, wanted), "{asked:?}");
        }
    }
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

/// From now on what is asked by this thread waits for who has what is returned.
fn listen(asked: &[impl Asked]) -> io::Result<OwnedFd> {
    let lines = asked.iter().map(|asked| (asked.line().0, asked.line().1, SECCOMP_RET_USER_NOTIF));
    let listener = seccomp::with_filter(lines, |program| {
        // SAFETY: the kernel copies the filter before it returns.
        check(unsafe {
            libc::syscall(
                libc::SYS_seccomp,
                SECCOMP_SET_MODE_FILTER,
                SECCOMP_FILTER_FLAG_NEW_LISTENER,
                program,
            )
        })
    })?;
    // SAFETY: a new descriptor, which is nobody else's.
    Ok(unsafe { OwnedFd::from_raw_fd(listener) })
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
        let op = (call.data.args[0] & u64::from(u32::MAX)).try_into().unwrap();
        let val = kernel(Call { number: call.data.nr.into(), op, args });
        // Either says what the register holds; `val` says it of what is no error number, too.
        let mut answer = seccomp_notif_resp { id: call.id, val, error: 0, flags: 0 };
        // SAFETY: one structure of our own.
        check(unsafe { libc::ioctl(listener.as_raw_fd(), SEND, &raw mut answer) }.into()).unwrap();
    }
}
