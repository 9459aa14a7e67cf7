//! What the tests share: needs, witnesses, people, and refusals made to order.
//!
//! The calls under test are the crate's safe ones; what they did is looked at by another way, the raw
//! door of the crate ([`raw`]). Nothing that a test makes stays: keyrings hang from the thread keyring
//! of a thread that ends, and where somebody's persistent keyring is used, it is a throw-away user's
//! ([`who`]) unless the tests run without privilege.

// Each test binary takes what it needs.
#![allow(dead_code, unused_imports, unused_macros, unreachable_pub)]

pub mod heap;
pub mod impostor;
pub mod memory;
pub mod model;
pub mod need;
pub mod program;
pub mod random;
pub mod raw;
pub mod seccomp;
pub mod who;
pub mod x509;

use std::env;
use std::ffi::CString;
use std::fmt::Debug;
use std::fs;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread::{panicking, sleep};
use std::time::{Duration, Instant};

use keyctl::{Error, Key, KeySerial, Keyring, Rights, Uid};
pub use memory::{before_a_wall, page_size, zeros};
pub(crate) use need::{only_without, require};
pub use who::{User, in_child, in_thread, someone};

/// A certificate of an RSA key of 2048 bits, and that key: see the README there.
pub const RSA_CERTIFICATE: &[u8] = include_bytes!("../fixtures/rsa2048.cert.der");
pub const RSA_KEY: &[u8] = include_bytes!("../fixtures/rsa2048.key.der");
/// A certificate of a key on the curve P-256.
pub const P256_CERTIFICATE: &[u8] = include_bytes!("../fixtures/p256.cert.der");

/// Whether `KEYCTL_LONG` asks for what takes minutes.
pub fn long() -> bool {
    env::var_os("KEYCTL_LONG").is_some()
}

/// Whether `KEYCTL_SHORT` asks for less of what is tried over and over, as emulated machines are slow.
pub fn short() -> bool {
    env::var_os("KEYCTL_SHORT").is_some()
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

/// A key of type "user" that is negative: what a request leaves when no key could be made.
pub fn negative_key_in(keyring: Keyring) -> Key {
    let name = unique();
    // Which of its reasons the kernel has depends on the helper program: none here, or one that refuses.
    raw::request_key_with(c"user", &name, c"", keyring).unwrap_err();
    let described = |key: &Key| raw::description(*key) == Ok(name.to_bytes().to_vec());
    raw::links(keyring).unwrap().into_iter().find(described).expect("a negative key")
}

/// The key of that number. There is none below 3.
pub fn key_of(serial: i32) -> Key {
    KeySerial::from_raw(serial).unwrap().into()
}

/// Has a key expire, which takes a second.
pub fn expire(key: impl Into<Key>) {
    let key = key.into();
    raw::set_timeout(key, 1).unwrap();
    until(Err(Error::KeyExpired), || raw::describe(key).map(drop));
}

/// All permissions for all, but for some.
pub fn all_but(rights: Rights) -> u32 {
    0x3f3f_3f3f & !(u32::from(rights.bits()) * 0x0101_0101)
}

/// Keys that are of no use to a call that needs these rights, with what it answers.
pub fn unusable_keys(rights: Rights) -> Vec<(Key, Error)> {
    let mut unusable = unusable(key_in, rights);
    unusable.push((negative_key_in(new_keyring()), Error::NoKey));
    unusable
}

/// Keyrings that are of no use to a call that needs these rights, with what it answers.
pub fn unusable_keyrings(rights: Rights) -> Vec<(Keyring, Error)> {
    let mut unusable = unusable(|keyring| keyring_in(keyring).into(), rights);
    unusable.push((key_in(new_keyring()), Error::NotAKeyring));
    unusable.into_iter().map(|(key, error)| (key.serial().into(), error)).collect()
}

fn unusable(make: impl Fn(Keyring) -> Key, rights: Rights) -> Vec<(Key, Error)> {
    let make = || make(new_keyring());
    let [expired, revoked, invalidated, closed] = [make(), make(), make(), make()];
    expire(expired);
    raw::revoke(revoked).unwrap();
    raw::invalidate(invalidated).unwrap();
    raw::set_permissions(closed, all_but(rights)).unwrap();
    let number = |number| Key::from(KeySerial::from_raw(number).unwrap());
    vec![
        (expired, Error::KeyExpired),
        (revoked, Error::KeyRevoked),
        (invalidated, Error::NoKey),
        (closed, Error::AccessDenied),
        // No key has a number below 3.
        (number(1), Error::NoKey),
        (KeySerial::REQUESTOR_KEYRING.into(), Error::NoKey),
        (KeySerial::GROUP_KEYRING.into(), Error::InvalidArgument),
        (number(i32::MIN), Error::InvalidArgument),
    ]
}

/// A key that expired, in this thread's keyring.
pub fn expired_key() -> Key {
    let key = key_in(new_keyring());
    expire(key);
    key
}

/// Spends the caller's quota of bytes, to the last one, on keys that end with this thread.
pub fn spend_quota() {
    let (keyring, payload) = (new_keyring(), [0; 1 << 15]);
    for _ in 0..256 {
        let (name, mut length) = (unique(), 0);
        // The longest that fits. Adding a key of the same name changes it.
        for bit in (0..15).rev() {
            let longer = length | 1 << bit;
            if raw::add_key(c"user", &name, &payload[..longer], keyring).is_ok() {
                length = longer;
            }
        }
        // Less than the kernel takes, so the quota was what ended it.
        if length < payload.len() - 1 {
            return;
        }
    }
    panic!("no end of the quota");
}

/// How many keys a user owns, how many of them the quota counts, and their bytes. `None`: none at all.
pub fn key_count(uid: Uid) -> Option<(u32, u32, u32)> {
    // The kernel counts lines anew at each read(2): when somebody goes in between, another is passed over.
    (0..3).find_map(|_| key_count_once(uid))
}

fn key_count_once(uid: Uid) -> Option<(u32, u32, u32)> {
    // "71000:     5 5/5 4/200 44/20000": references, keys, counted keys, bytes.
    let users = fs::read_to_string("/proc/key-users").ok()?;
    let prefix = format!("{}:", uid.as_raw());
    let line = users.lines().find_map(|line| line.trim_start().strip_prefix(&prefix))?;
    let used: Vec<u32> =
        line.split('/').map(|n| n.split_whitespace().last().unwrap().parse().unwrap()).collect();
    Some((used[0], used[1], used[2]))
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
