//! Who makes the calls: threads, processes and users that are there for one test.
//!
//! Credentials and keyrings belong to threads, so a thread that ends takes all of them along.

use std::fs;
use std::io;
use std::panic::{self, AssertUnwindSafe};
use std::process;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Mutex, Once, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use keyctl::{Error, Keyring, Uid, get_persistent};
use rustix::process::{DumpableBehavior, Gid, Pid, WaitOptions, getuid, set_dumpable_behavior, waitpid};
use rustix::thread::{
    CapabilitySet, CapabilitySets, UnshareFlags, capabilities, set_capabilities, set_thread_groups,
    set_thread_res_gid, set_thread_res_uid, unshare_unsafe,
};

use super::{key_count, need, raw, until};

/// Runs `f` in a thread of its own.
pub fn in_thread<T: Send>(f: impl FnOnce() -> T + Send) -> T {
    thread::scope(|scope| match scope.spawn(f).join() {
        Ok(result) => result,
        Err(panic) => panic::resume_unwind(panic),
    })
}

/// Runs `f` in a child process, which has a copy of this thread only, and waits for it. The child
/// keeps the session keyring; a thread or process keyring it has not. It must not fail.
pub fn in_child(f: impl FnOnce()) {
    let done = child(|| {
        f();
        true
    });
    assert!(done, "the child failed");
}

/// What `f` says in a child process; `false` if it fails.
///
/// A lock that another thread has in the moment of the fork is never given back in the child: it must
/// not print, and when it fails, not by way of the hook that the test harness counts on.
fn child(f: impl FnOnce() -> bool) -> bool {
    static CHILD: AtomicBool = AtomicBool::new(false);
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |why| match CHILD.load(Ordering::Relaxed) {
            true => need::say(why),
            false => before(why),
        }));
    });

    // SAFETY: the child waits for nothing that another thread of the parent would have to do.
    match unsafe { libc::fork() } {
        -1 => panic!("fork: {}", io::Error::last_os_error()),
        0 => {
            CHILD.store(true, Ordering::Relaxed);
            let yes = panic::catch_unwind(AssertUnwindSafe(f)).unwrap_or(false);
            // SAFETY: ends the child without a step into what is the parent's.
            unsafe { libc::_exit((!yes).into()) }
        }
        child => {
            let (_, status) = waitpid(Pid::from_raw(child), WaitOptions::empty()).unwrap().unwrap();
            status.exit_status() == Some(0)
        }
    }
}

/// Takes other uids for this thread, and a group of the real one's number alone.
pub fn take_uids(real: Uid, effective: Uid, saved: Uid) -> io::Result<()> {
    let group = Gid::from_raw(real.as_raw());
    set_thread_groups(&[])?;
    set_thread_res_gid(group, group, group)?;
    set_thread_res_uid(real, effective, saved)?;
    Ok(())
}

/// Keeps, of the capabilities that this thread has, these.
pub fn only_capable_of(wanted: CapabilitySet) {
    let permitted = capabilities(None).unwrap().permitted & wanted;
    let inheritable = CapabilitySet::empty();
    set_capabilities(None, CapabilitySets { effective: permitted, permitted, inheritable }).unwrap();
}

/// Makes a user namespace, in which no uid means anything yet. For a child.
pub fn unshare_users() -> io::Result<()> {
    // SAFETY: file descriptors stay shared.
    unsafe { unshare_unsafe(UnshareFlags::NEWUSER) }?;
    Ok(())
}

/// Gives the caller of [`unshare_users`], who was `uid`, the uid 0 in the new namespace.
pub fn map_to_root(uid: Uid) -> io::Result<()> {
    // Whose uid was changed does not own its own files in /proc, unless it may be dumped.
    set_dumpable_behavior(DumpableBehavior::Dumpable)?;
    fs::write("/proc/self/uid_map", format!("0 {} 1", uid.as_raw()))
}

pub fn can_unshare() -> bool {
    child(|| unshare_users().is_ok())
}

/// A user whom nobody else is, whose keyrings go with this value. For root.
pub struct User(Uid);

impl User {
    pub fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        assert!(count < 256, "too many users");
        // Test binaries may run at the same time; process ids are below 2^22.
        Self(Uid::from_raw(71_000 + process::id() * 256 + count))
    }

    pub fn uid(&self) -> Uid {
        self.0
    }

    /// Runs `f` as this user, in a thread with a new session keyring.
    pub fn run<T: Send>(&self, f: impl FnOnce() -> T + Send) -> T {
        as_uids(self.0, self.0, self.0, f)
    }

    /// Destroys this user's keyrings. By root, whose quota pays for the link.
    fn forget(&self) -> keyctl::Result<()> {
        match in_thread(|| raw::invalidate(get_persistent(Some(self.0), Keyring::THREAD)?)) {
            Ok(()) | Err(Error::Unsupported) => {}
            refused => return refused,
        }
        // Either of these is made with the other, so both are looked up first.
        self.run(|| {
            let both = [raw::resolve(Keyring::USER_SESSION)?, raw::resolve(Keyring::USER)?];
            both.into_iter().try_for_each(raw::invalidate)
        })
    }
}

impl Drop for User {
    fn drop(&mut self) {
        if thread::panicking() {
            let _ = self.forget();
        } else {
            // Quota comes back some time after the keys have gone.
            until(Ok(()), || self.forget());
        }
    }
}

/// Runs `f` with these uids, in a thread with a new session keyring. For root.
pub fn as_uids<T: Send>(real: Uid, effective: Uid, saved: Uid, f: impl FnOnce() -> T + Send) -> T {
    in_thread(|| {
        take_uids(real, effective, saved).unwrap();
        raw::join_session(None).unwrap();
        f()
    })
}

/// Runs `f` as a user without privileges, in a thread with a new session keyring: a throw-away user
/// where we are root, ourselves otherwise. It is told who that is.
pub fn someone<T: Send>(f: impl FnOnce(Uid) -> T + Send) -> T {
    // Tests that run at the same time would share our quota.
    static OURSELVES: Mutex<()> = Mutex::new(());
    if need::root().is_ok() {
        let user = User::new();
        user.run(|| f(user.uid()))
    } else {
        let _one = OURSELVES.lock().unwrap_or_else(PoisonError::into_inner);
        let before = key_count(getuid());
        let result = in_thread(|| {
            raw::join_session(None).unwrap();
            f(getuid())
        });
        // Quota comes back some time after the keys have gone. Others may be at it, too.
        let deadline = Instant::now() + Duration::from_secs(2);
        while key_count(getuid()) > before && Instant::now() < deadline {
            thread::sleep(Duration::from_millis(5));
        }
        result
    }
}
