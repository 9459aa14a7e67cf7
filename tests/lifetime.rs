//! How long a key lives: timeouts, revoking, invalidating.
//!
//! | documented | test |
//! | --- | --- |
//! | `Timeout`: never 0, rounded up, nothing lost | [`no_time_is_never`], [`a_duration_is_rounded_up`], [`what_is_too_long_is_refused`] |
//! | `Timeout`: `Display` | [`a_timeout_is_shown_in_seconds`] |
//! | `set_timeout`: success | [`a_timeout_counts_from_the_call`], [`never_takes_it_back`] |
//! | "An expired key answers `KeyExpired`", "and stays so" | [`an_expired_key_answers_so_for_good`] |
//! | "Updating ... clears its timeout" | [`an_update_clears_the_timeout`] |
//! | `EACCES` | [`a_timeout_needs_setattr`], [`a_persistent_keyring_takes_none`] |
//! | `ENOKEY`, `EKEYREVOKED`, `EKEYEXPIRED`, of all three | [`what_is_gone_stays_so`] |
//! | `revoke`: success | [`a_revoked_key_answers_so`], [`a_revoked_keyring_lets_go_of_its_keys`] |
//! | `EACCES` | [`revoking_needs_write_or_setattr`] |
//! | `invalidate`: success | [`an_invalidated_key_is_gone_with_its_links`] |
//! | `EACCES` | [`invalidating_needs_search`] |
//! | `EPERM`, `EOPNOTSUPP`, what a sandbox says | [`other_refusals_arrive`] |
//! | "a negative key answers" | request.rs |
#![allow(unsafe_code, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use std::time::Duration;

use common::random::Random;
use common::{
    expired_key, key_in, key_of, lifetime, new_keyring, raw, require, seccomp, someone, unique, until,
};
use keyctl::syscall::op;
use keyctl::{Error, Key, KeyType, Keyring, Permissions, Result, Rights, Timeout, get_persistent};

fn after(seconds: u32) -> Timeout {
    Timeout::from_secs(seconds).unwrap()
}

// The type.

#[test]
fn no_time_is_never() {
    assert_eq!(Timeout::from_secs(0), Err(Error::TimeoutOutOfRange));
    assert_eq!(Timeout::try_from(Duration::ZERO), Err(Error::TimeoutOutOfRange));
    assert_eq!(Timeout::from_secs(1).map(|it| it == Timeout::Never), Ok(false));
}

#[test]
fn a_duration_is_rounded_up() {
    assert_eq!(Timeout::try_from(Duration::from_nanos(1)), Ok(after(1)));
    assert_eq!(Timeout::try_from(Duration::from_secs(1)), Ok(after(1)));
    assert_eq!(Timeout::try_from(Duration::new(1, 1)), Ok(after(2)));
    assert_eq!(Timeout::try_from(Duration::new(1, 999_999_999)), Ok(after(2)));
    assert_eq!(Timeout::try_from(Duration::from_secs(u32::MAX.into())), Ok(after(u32::MAX)));

    let mut random = Random::new(1);
    for _ in 0..20_000 {
        // As many short ones as long ones.
        let seconds = u32::try_from(random.next() >> 32).unwrap() >> random.below(32);
        let nanos =
            if random.below(4) == 0 { 0 } else { u32::try_from(random.below(1_000_000_000)).unwrap() };
        let duration = Duration::new(seconds.into(), nanos);
        let Ok(Timeout::After(timeout)) = Timeout::try_from(duration) else {
            assert!(duration.is_zero() || duration > Duration::from_secs(u32::MAX.into()), "{duration:?}");
            continue;
        };
        let timeout = Duration::from_secs(timeout.get().into());
        assert!(timeout >= duration && timeout - duration < Duration::from_secs(1), "{duration:?}");
    }
}

#[test]
fn what_is_too_long_is_refused() {
    for (seconds, nanos) in
        [(u32::MAX.into(), 1), (1 << 32, 0), ((1 << 32) + 1, 0), (1 << 33, 0), (u64::MAX, 0), (u64::MAX, 1)]
    {
        let timeout = Timeout::try_from(Duration::new(seconds, nanos));
        assert_eq!(timeout, Err(Error::TimeoutOutOfRange), "{seconds}.{nanos}");
    }
    assert_eq!(Timeout::try_from(Duration::MAX), Err(Error::TimeoutOutOfRange));
}

#[test]
fn a_timeout_is_shown_in_seconds() {
    assert_eq!(Timeout::Never.to_string(), "never");
    assert_eq!(after(3600).to_string(), "3600s");
    assert_eq!(after(u32::MAX).to_string(), "4294967295s");
}

// set_timeout.

#[test]
fn a_timeout_counts_from_the_call() {
    require!(keyctl, proc);
    let key = key_in(new_keyring());
    assert_eq!(lifetime(key), "perm");
    // Seconds over what is shown, however long the machine takes.
    for (seconds, shown) in [(119, "1m"), (2 * 3600 + 60, "2h"), (3 * 86_400 + 60, "3d"), (u32::MAX, "7101w")]
    {
        assert_eq!(key.set_timeout(after(seconds)), Ok(()));
        assert_eq!(lifetime(key), shown);
    }
    assert_eq!(key.set_timeout(after(119)), Ok(()));
    assert_eq!(lifetime(key), "1m");
}

#[test]
fn never_takes_it_back() {
    require!(keyctl, proc);
    let keyring = new_keyring();
    assert_eq!(keyring.set_timeout(after(119)), Ok(()));
    assert_eq!(keyring.set_timeout(Timeout::Never), Ok(()));
    assert_eq!(lifetime(keyring), "perm");
}

#[test]
fn an_expired_key_answers_so_for_good() {
    require!(keyctl);
    let (keyring, name) = (new_keyring(), unique());
    let key = raw::add_key(c"user", &name, b"secret", keyring).unwrap();
    assert_eq!(key.set_timeout(after(1)), Ok(()));
    until(Err(Error::KeyExpired), || raw::read(key).map(drop));
    assert_eq!(answers(key), [Err(Error::KeyExpired); 7]);
    assert_eq!(keyring.search(KeyType::USER, &*name), Err(Error::KeyExpired));
    assert_eq!(raw::links(keyring), Ok(vec![key]));
    assert_eq!(raw::unlink(key, keyring), Ok(()));
}

/// What a key answers to whatever is done with it.
fn answers(key: Key) -> [Result<()>; 7] {
    [
        raw::describe(key).map(drop),
        raw::read(key).map(drop),
        raw::update(key, b"secret"),
        raw::link(key, new_keyring()),
        key.set_timeout(Timeout::Never),
        key.revoke(),
        key.invalidate(),
    ]
}

#[test]
fn an_update_clears_the_timeout() {
    require!(keyctl, proc);
    for key_type in [c"user", c"logon"] {
        let name = std::ffi::CString::new(format!("a:{}", unique().to_str().unwrap())).unwrap();
        let keyring = new_keyring();
        let key = raw::add_key(key_type, &name, b"secret", keyring).unwrap();
        assert_eq!(key.set_timeout(after(119)), Ok(()));
        raw::update(key, b"other").unwrap();
        assert_eq!(lifetime(key), "perm");
        assert_eq!(key.set_timeout(after(119)), Ok(()));
        assert_eq!(raw::add_key(key_type, &name, b"secret", keyring), Ok(key));
        assert_eq!(lifetime(key), "perm");
    }
}

#[test]
fn a_timeout_needs_setattr() {
    require!(keyctl, proc);
    let key = key_granting(Rights::ALL - Rights::SETATTR);
    assert_eq!(key.set_timeout(after(119)), Err(Error::AccessDenied));
    assert_eq!(lifetime(key), "perm");
    let key = key_granting(Rights::SETATTR | Rights::SEARCH | Rights::VIEW);
    assert_eq!(key.set_timeout(after(119)), Ok(()));
    assert_eq!(lifetime(key), "1m");
}

/// A key that grants its possessor so much.
fn key_granting(rights: Rights) -> Key {
    let key = key_in(new_keyring());
    raw::set_permissions(key, Permissions::NONE.possessor(rights).as_raw()).unwrap();
    key
}

#[test]
fn a_persistent_keyring_takes_none() {
    require!(persistent);
    someone(|_| {
        let persistent = get_persistent(None, Keyring::THREAD).unwrap();
        assert_eq!(persistent.set_timeout(Timeout::Never), Err(Error::AccessDenied));
    });
}

// revoke.

#[test]
fn a_revoked_key_answers_so() {
    require!(keyctl);
    let (keyring, name) = (new_keyring(), unique());
    let key = raw::add_key(c"user", &name, b"secret", keyring).unwrap();
    assert_eq!(key.revoke(), Ok(()));
    assert_eq!(answers(key), [Err(Error::KeyRevoked); 7]);
    assert_eq!(keyring.search(KeyType::USER, &*name), Err(Error::KeyRevoked));
    assert_eq!(raw::links(keyring), Ok(vec![key]));
    assert_eq!(raw::unlink(key, keyring), Ok(()));
}

#[test]
fn a_revoked_keyring_lets_go_of_its_keys() {
    require!(keyctl);
    let keyring = new_keyring();
    let key = key_in(keyring);
    assert_eq!(keyring.revoke(), Ok(()));
    assert_eq!(raw::links(keyring), Err(Error::KeyRevoked));
    until(Err(Error::NoKey), || raw::describe(key).map(drop));
}

#[test]
fn revoking_needs_write_or_setattr() {
    require!(keyctl);
    for (right, answer) in [
        (Rights::WRITE, Ok(())),
        (Rights::SETATTR, Ok(())),
        (Rights::ALL - Rights::WRITE - Rights::SETATTR, Err(Error::AccessDenied)),
    ] {
        assert_eq!(key_granting(right | Rights::SEARCH).revoke(), answer, "{right}");
    }
}

// invalidate.

#[test]
fn an_invalidated_key_is_gone_with_its_links() {
    require!(keyctl);
    let (keyring, other, name) = (new_keyring(), new_keyring(), unique());
    let key = raw::add_key(c"user", &name, b"secret", keyring).unwrap();
    raw::link(key, other).unwrap();
    assert_eq!(key.invalidate(), Ok(()));
    // By its number at once. Until the collector comes, a search may still meet it.
    let found = keyring.search(KeyType::USER, &*name);
    assert!(found == Err(Error::KeyRevoked) || found == Ok(None), "{found:?}");
    assert_eq!(raw::describe(key), Err(Error::NoKey));
    assert_eq!(raw::update(key, b"secret"), Err(Error::NoKey));
    assert_eq!(raw::link(key, new_keyring()), Err(Error::NoKey));
    until(Ok(vec![]), || raw::links(keyring));
    assert_eq!(keyring.search(KeyType::USER, &*name), Ok(None));
    until(Ok(vec![]), || raw::links(other));
}

#[test]
fn invalidating_needs_search() {
    require!(keyctl);
    assert_eq!(key_granting(Rights::SEARCH).invalidate(), Ok(()));
    assert_eq!(key_granting(Rights::ALL - Rights::SEARCH).invalidate(), Err(Error::AccessDenied));
}

// Of all three.

fn all(key: Key) -> [Result<()>; 3] {
    [key.set_timeout(after(119)), key.revoke(), key.invalidate()]
}

#[test]
fn what_is_gone_stays_so() {
    require!(keyctl);
    let (revoked, invalidated) = (key_in(new_keyring()), key_in(new_keyring()));
    raw::revoke(revoked).unwrap();
    raw::invalidate(invalidated).unwrap();
    assert_eq!(all(revoked), [Err(Error::KeyRevoked); 3]);
    assert_eq!(all(invalidated), [Err(Error::NoKey); 3]);
    assert_eq!(all(key_of(1)), [Err(Error::NoKey); 3]);
    assert_eq!(all(expired_key()), [Err(Error::KeyExpired); 3]);
}

#[test]
fn other_refusals_arrive() {
    require!(keyctl, seccomp);
    let key = key_in(new_keyring());
    let answer = |op: op::Plain| move |errno| seccomp::answer(op.number(), errno);
    seccomp::passed_on(answer(op::SET_TIMEOUT), || key.set_timeout(Timeout::Never));
    seccomp::passed_on(answer(op::REVOKE), || key.revoke());
    seccomp::passed_on(answer(op::INVALIDATE), || key.invalidate());
}
