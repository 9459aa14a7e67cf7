//! What the key service can do, and whether it may be asked.
//!
//! | documented | test |
//! | --- | --- |
//! | `capabilities`: success | [`the_kernel_tells_its_capabilities`], [`capabilities_tell_the_truth`] |
//! | bits that a later kernel adds | [`unknown_bits_are_kept`] |
//! | `EOPNOTSUPP`, or what a sandbox answers | [`a_kernel_may_not_tell`] |
//! | `support`: on this machine | [`here_it_is_as_the_needs_say`] |
//! | the guide's table, and "absent" or "blocked" | [`sandboxes_are_told_apart`], [`a_kernel_without_persistent_keyrings`], [`a_kernel_without_keyrings`], [`other_answers_do_not_count`] |
//! | "calls that have no effect" | [`asking_leaves_no_trace`], [`asking_makes_no_keyring`] |
#![allow(unsafe_code, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use std::fs;

use common::seccomp::Line;
use common::{User, in_child, in_thread, key_of, need, new_keyring, only_without, raw, require, seccomp};
use keyctl::Availability::{Absent, Available, Blocked};
use keyctl::syscall::{self, Arg, op};
use keyctl::{
    Availability, Capabilities, Collision, Error, KeyType, Keyring, Support, capabilities, get_persistent,
    support,
};

/// Of `keyctl`, `add_key`, `request_key`, and of persistent keyrings.
type Told = (Availability, Availability, Availability, Availability);

fn told(it: Support) -> Told {
    (it.keyctl, it.add_key, it.request_key, it.persistent)
}

/// What is told under this filter.
fn under(profile: &[Line]) -> Told {
    in_thread(|| {
        seccomp::apply(profile);
        told(support())
    })
}

const BY_EPERM: Availability = Blocked(Error::NotPermitted);
const BY_ENOSYS: Availability = Blocked(Error::NotImplemented);
const BY_EACCES: Availability = Blocked(Error::AccessDenied);

// capabilities.

#[test]
fn the_kernel_tells_its_capabilities() {
    require!(keyctl);
    let first = raw::capabilities().map(u64::from);
    assert_eq!(capabilities().map(|it| it.bits() & 0xff), first);
    // The second byte came with the same release.
    if first.is_ok() {
        assert!(capabilities().unwrap().contains(Capabilities::CAPABILITIES | Capabilities::MOVE));
    }
}

#[test]
fn capabilities_tell_the_truth() {
    require!(keyctl);
    let Ok(told) = capabilities() else { return };
    // Each question is one to which there is no good answer.
    let (keyring, key, big) = (new_keyring(), key_of(1), KeyType::BIG_KEY);
    let dh = op::DH_COMPUTE.number();
    // SAFETY: null for the parameters, and no room for a result.
    let dh = unsafe { syscall::keyctl(dh, Arg::ZERO, Arg::ZERO, Arg::ZERO, Arg::ZERO) };
    let watch = raw::plain(op::WATCH_KEY, key.serial().into(), (-1).into(), (-1).into());
    let persistent = raw::get_persistent(u32::MAX.into(), Arg::ZERO, Arg::ZERO, Arg::ZERO);
    for (capability, answer, absent) in [
        (Capabilities::PERSISTENT_KEYRINGS, persistent.map(drop), Error::Unsupported),
        (Capabilities::DIFFIE_HELLMAN, dh.map(drop), Error::Unsupported),
        (Capabilities::PUBLIC_KEY, raw::restrict(keyring, Some((c"asymmetric", c"x"))), Error::NoKey),
        (Capabilities::BIG_KEY, keyring.add_key(big, c"x", b"").map(drop), Error::UnknownType),
        (Capabilities::INVALIDATE, key.invalidate(), Error::Unsupported),
        (Capabilities::RESTRICT_KEYRING, Keyring::from(key).restrict_all(), Error::Unsupported),
        (Capabilities::MOVE, keyring.move_to(key, keyring, Collision::Refuse), Error::Unsupported),
        (Capabilities::NOTIFICATIONS, watch.map(drop), Error::Unsupported),
    ] {
        let error = answer.unwrap_err();
        assert_eq!(told.contains(capability), error != absent, "{capability:?}: {error:?}");
    }
}

#[test]
fn unknown_bits_are_kept() {
    assert_eq!(Capabilities::from_bits_retain(1 << 63).bits(), 1 << 63);
    assert_eq!(Capabilities::from_bits(u64::MAX), Some(Capabilities::from_bits_retain(u64::MAX)));
    assert_eq!(Capabilities::NOTIFICATIONS.bits(), 0x0400);
}

#[test]
fn a_kernel_may_not_tell() {
    require!(keyctl, seccomp);
    for (errno, error) in [
        (libc::EOPNOTSUPP, Error::Unsupported),
        (libc::EPERM, Error::NotPermitted),
        (libc::ENOSYS, Error::NotImplemented),
    ] {
        in_thread(|| {
            seccomp::answer(op::CAPABILITIES.number(), errno.try_into().unwrap());
            assert_eq!(capabilities(), Err(error));
        });
    }
}

// support.

#[test]
fn here_it_is_as_the_needs_say() {
    require!(keyctl);
    let persistent = if need::present("persistent") { Available } else { Absent };
    assert_eq!(told(support()), (Available, Available, Available, persistent));
}

#[test]
fn sandboxes_are_told_apart() {
    require!(persistent, seccomp);
    assert_eq!(under(seccomp::DOCKER), (BY_EPERM, BY_EPERM, BY_EPERM, BY_EPERM));
    assert_eq!(under(seccomp::PODMAN), (Available, BY_ENOSYS, BY_ENOSYS, Available));
    assert_eq!(under(seccomp::LXC), (BY_ENOSYS, Available, Available, BY_ENOSYS));
    assert_eq!(under(seccomp::GVISOR), (Available, BY_EACCES, BY_EACCES, BY_ENOSYS));
    assert_eq!(under(seccomp::NO_KEYRINGS), (Absent, Absent, Absent, Absent));
}

#[test]
fn a_kernel_without_persistent_keyrings() {
    require!(keyctl, seccomp);
    let without = (libc::SYS_keyctl, Some(op::GET_PERSISTENT.number()), Some(libc::EOPNOTSUPP));
    assert_eq!(under(&[without]), (Available, Available, Available, Absent));
    assert_eq!(under(&[&[without], seccomp::PODMAN].concat()), (Available, BY_ENOSYS, BY_ENOSYS, Absent));
}

#[test]
fn a_kernel_without_keyrings() {
    only_without!(keyctl);
    let silent = Err(Error::NotImplemented);
    if raw::capabilities().map(drop) == silent && raw::add_key_answers() == silent {
        assert_eq!(told(support()), (Absent, Absent, Absent, Absent));
    }
}

#[test]
fn other_answers_do_not_count() {
    require!(keyctl, seccomp);
    // A security module's, a later kernel's: the question was understood.
    for errno in [libc::EINVAL, libc::EFAULT, libc::ENOKEY, libc::EDQUOT, libc::ENOMEM, 4094] {
        let all = [libc::SYS_keyctl, libc::SYS_add_key, libc::SYS_request_key];
        let profile = all.map(|call| (call, None, Some(errno)));
        assert_eq!(under(&profile), (Available, Available, Available, Available), "{errno}");
    }
}

/// All that this thread sees of its user's keys.
fn seen() -> Vec<String> {
    let uid = rustix::process::getuid().as_raw().to_string();
    let keys = fs::read("/proc/keys").unwrap();
    let keys = String::from_utf8_lossy(&keys);
    // But for how many use them at the moment.
    let told =
        |line: &str| line.split_whitespace().enumerate().filter(|it| it.0 != 2).map(|it| it.1).collect();
    keys.lines().filter(|line| line.split_whitespace().nth(5) == Some(&uid)).map(told).collect()
}

#[test]
fn asking_leaves_no_trace() {
    require!(keyctl, proc, root);
    User::new().run(|| {
        let before = seen();
        assert_eq!(before.len(), 1, "{before:?}");
        told(support());
        let _ = capabilities();
        assert_eq!(seen(), before);
        // It is not that one could not see it.
        raw::resolve(Keyring::USER).unwrap();
        let _ = get_persistent(None, Keyring::SESSION);
        assert_ne!(seen(), before);
    });
}

#[test]
fn asking_makes_no_keyring() {
    require!(keyctl);
    in_child(|| {
        told(support());
        let _ = capabilities();
        assert_eq!(raw::resolve(Keyring::THREAD), Err(Error::NoKey));
        assert_eq!(raw::resolve(Keyring::PROCESS), Err(Error::NoKey));
    });
}
