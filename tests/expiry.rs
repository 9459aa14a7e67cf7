//! The expiry of a persistent keyring: what restarts it, and what its end means.
//!
//! | the page, and what it leaves out | test |
//! | --- | --- |
//! | "Each time this function is called, the persistent keyring will have its expiration timeout reset" | [`each_call_restarts_the_time`] |
//! | "to the value in `/proc/sys/kernel/keys/persistent_keyring_expiry`" | [`zero_is_never`], [`the_setting_counts_at_the_call`] |
//! | a call that fails resets nothing | [`refused_call_leaves_the_time_alone`] |
//! | "the persistent keyring will be removed and everything it pins" | [`removed_with_all_it_holds_then_made_anew`] |
//! | not at once: a call before that gives it back | [`expired_and_revived`] |
//!
//! The settings are those of the whole machine, hence a binary of its own, one test at a time. They are
//! put back at once: the short expiry is there for the length of a call.
#![allow(unsafe_code, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use std::fs;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use common::{User, in_thread, key_in, lifetime, new_keyring, raw, require, unique, until};
use keyctl::{Error, Keyring, Result, Uid, get_persistent};

/// A setting of the key service, which is put back when this is dropped.
struct Setting {
    path: String,
    before: String,
}

impl Setting {
    fn new(name: &str, value: u32) -> Self {
        let path = format!("/proc/sys/kernel/keys/{name}");
        let before = fs::read_to_string(&path).unwrap();
        fs::write(&path, value.to_string()).unwrap();
        Self { path, before }
    }
}

impl Drop for Setting {
    fn drop(&mut self) {
        fs::write(&self.path, &self.before).unwrap();
    }
}

/// Runs `f` on a throw-away user, in a thread of root's, while no other test does.
fn with_user(f: impl FnOnce(Uid) + Send) {
    static TURN: Mutex<()> = Mutex::new(());
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let user = User::new();
    in_thread(|| f(user.uid()));
}

/// The call, while the persistent keyring's expiry is set to `seconds`.
fn call(seconds: u32, user: Uid, keyring: Keyring) -> Result<Keyring> {
    let _setting = Setting::new("persistent_keyring_expiry", seconds);
    get_persistent(Some(user), keyring)
}

/// The seconds that are left, when they are less than 60.
fn seconds_left(keyring: Keyring) -> u64 {
    lifetime(keyring).strip_suffix('s').expect("less than a minute").parse().unwrap()
}

#[test]
fn each_call_restarts_the_time() {
    require!(persistent, root, sysctl, proc);
    with_user(|user| {
        let keyring = new_keyring();
        let persistent = call(59, user, keyring).unwrap();
        until(true, || seconds_left(persistent) <= 56);
        let called = Instant::now();
        assert_eq!(call(59, user, keyring), Ok(persistent));
        // However long the machine took for that. The kernel counts in whole seconds.
        let (left, passed) = (seconds_left(persistent), called.elapsed().as_secs() + 1);
        assert!(left + passed >= 59, "{left} seconds left after {passed}");
    });
}

#[test]
fn zero_is_never() {
    require!(persistent, root, sysctl, proc);
    with_user(|user| {
        let persistent = call(0, user, new_keyring()).unwrap();
        assert_eq!(lifetime(persistent), "perm");
    });
}

#[test]
fn the_setting_counts_at_the_call() {
    require!(persistent, root, sysctl, proc);
    with_user(|user| {
        let keyring = new_keyring();
        let persistent = call(86_400 * 3 - 1, user, keyring).unwrap();
        let _setting = Setting::new("persistent_keyring_expiry", 7 * 3600 - 1);
        assert_eq!(lifetime(persistent), "2d");
        assert_eq!(get_persistent(Some(user), keyring), Ok(persistent));
        assert_eq!(lifetime(persistent), "6h");
    });
}

#[test]
fn refused_call_leaves_the_time_alone() {
    require!(persistent, root, sysctl, proc);
    with_user(|user| {
        let persistent = call(0, user, new_keyring()).unwrap();
        // The last step before the time is set: the link.
        let restricted = new_keyring();
        raw::restrict(restricted, None).unwrap();
        assert_eq!(call(3600, user, restricted), Err(Error::NotPermitted));
        assert_eq!(lifetime(persistent), "perm");
    });
}

#[test]
fn expired_and_revived() {
    require!(persistent, root, sysctl, proc);
    with_user(|user| {
        let _delay = Setting::new("gc_delay", 300);
        let keyring = new_keyring();
        let persistent = call(3600, user, keyring).unwrap();
        let key = key_in(persistent);
        assert_eq!(call(1, user, keyring), Ok(persistent));
        until(Err(Error::KeyExpired), || raw::describe(persistent).map(drop));

        assert_eq!(lifetime(persistent), "expd");
        let name = unique();
        assert_eq!(raw::read(persistent), Err(Error::KeyExpired));
        assert_eq!(raw::clear(persistent), Err(Error::KeyExpired));
        assert_eq!(raw::revoke(persistent), Err(Error::KeyExpired));
        assert_eq!(raw::invalidate(persistent), Err(Error::KeyExpired));
        assert_eq!(raw::set_timeout(persistent, 0), Err(Error::KeyExpired));
        assert_eq!(raw::link(persistent, new_keyring()), Err(Error::KeyExpired));
        assert_eq!(raw::unlink(key, persistent), Err(Error::KeyExpired));
        assert_eq!(raw::add_key(c"user", &name, b"secret", persistent), Err(Error::KeyExpired));
        assert_eq!(raw::search(persistent, c"user", &name), Err(Error::KeyExpired));

        assert_eq!(call(3600, user, keyring), Ok(persistent));
        assert_eq!(raw::links(persistent), Ok(vec![key]));
        assert_eq!(raw::read(key).unwrap(), b"secret");
    });
}

#[test]
fn removed_with_all_it_holds_then_made_anew() {
    require!(persistent, root, sysctl, proc);
    with_user(|user| {
        let _delay = Setting::new("gc_delay", 1);
        let keyring = new_keyring();
        let persistent = call(3600, user, keyring).unwrap();
        let key = key_in(persistent);
        assert_eq!(call(1, user, keyring), Ok(persistent));
        until(Err(Error::NoKey), || raw::describe(persistent).map(drop));
        until(Err(Error::NoKey), || raw::describe(key).map(drop));
        assert_eq!(raw::links(keyring), Ok(vec![]));

        let anew = call(3600, user, keyring).unwrap();
        assert_ne!(anew, persistent);
        assert_eq!(raw::links(anew), Ok(vec![]));
        assert_eq!(raw::links(keyring), Ok(vec![anew.into()]));
    });
}
