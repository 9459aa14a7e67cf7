//! What the tests share: needs, witnesses, people, and refusals made to order.
//!
//! The calls under test are the crate's safe ones; what they did is looked at by another way, the raw
//! door of the crate ([`raw`]). Nothing that a test makes stays: keyrings hang from the thread keyring
//! of a thread that ends, and where somebody's persistent keyring is used, it is a throw-away user's
//! ([`who`]) unless the tests run without privilege.

// Each test binary takes what it needs.
#![allow(dead_code, unused_imports, unused_macros, unreachable_pub)]

pub mod model;
pub mod need;
pub mod random;
pub mod raw;
pub mod seccomp;
pub mod who;

use std::env;
use std::ffi::CString;
use std::fmt::Debug;
use std::fs;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread::{panicking, sleep};
use std::time::{Duration, Instant};

use keyctl::{Key, Keyring};
pub(crate) use need::{only_without, require};
pub use who::{User, in_child, in_thread, someone};

/// Whether `KEYCTL_LONG` asks for what takes minutes.
pub fn long() -> bool {
    env::var_os("KEYCTL_LONG").is_some()
}

/// A description that nothing else on this machine has.
pub fn unique() -> CString {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    CString::new(format!("keyctl:test:{}:{count}", std::process::id())).unwrap()
}

/// A new keyring in this thread's keyring, and so possessed by this thread.
pub fn new_keyring() -> Keyring {
    keyring_in(Keyring::THREAD)
}

/// A new keyring in another one.
pub fn keyring_in(keyring: Keyring) -> Keyring {
    raw::add_key(c"keyring", &unique(), b"", keyring).unwrap().serial().into()
}

/// A new key of type "user".
pub fn key_in(keyring: Keyring) -> Key {
    raw::add_key(c"user", &unique(), b"secret", keyring).unwrap()
}

/// Unlinks a key at the end, also of a test that fails: for what is put into a keyring that stays.
pub struct Unlink(pub Key, pub Keyring);

impl Drop for Unlink {
    fn drop(&mut self) {
        let unlinked = raw::unlink(self.0, self.1);
        assert!(unlinked.is_ok() || panicking(), "left behind: {unlinked:?}");
    }
}

/// Asks until the answer is `wanted`, for ten seconds at most.
pub fn until<T: PartialEq + Debug>(wanted: T, ask: impl Fn() -> T) {
    let deadline = Instant::now() + Duration::from_secs(10);
    loop {
        let answer = ask();
        if answer == wanted {
            return;
        }
        assert!(Instant::now() < deadline, "still {answer:?} instead of {wanted:?}");
        sleep(Duration::from_millis(20));
    }
}

/// The rest of a key's lifetime as `/proc/keys` has it: "perm", "expd", or a number and its unit.
pub fn lifetime(key: impl Into<Key>) -> String {
    let serial = format!("{:08x}", key.into().serial());
    let keys = fs::read("/proc/keys").unwrap();
    let keys = String::from_utf8_lossy(&keys);
    let line = keys.lines().find(|line| line.starts_with(&serial));
    line.and_then(|line| line.split_whitespace().nth(3)).expect("in sight in /proc/keys").to_owned()
}
