//! `keyctl_get_persistent(3)`, clause by clause: first what the page says, then what it leaves out.
//!
//! | the page (with keyctl(2) and persistent-keyring(7)) | test |
//! | --- | --- |
//! | "If uid is -1 then the calling process's real user ID will be used" | [`none_is_the_real_uid`], [`none_is_the_real_uid_where_another_is_effective`] |
//! | "EPERM if the user ID requested does not match either the caller's real or effective user IDs" | [`real_and_effective_uid_need_no_capability`], [`saved_and_file_system_uid_do_not_count`], [`foreign_uid_is_refused`], [`refused_uid_leaves_nothing_behind`] |
//! | "or if the calling process does not have SetUid capability" | [`root_without_cap_setuid_is_refused`], [`cap_setuid_reaches_any_uid`] |
//! | "some other UID in the same user namespace" | [`unmapped_uid_is_invalid`], [`uid_is_that_of_the_namespace`] |
//! | "a link to the persistent keyring will be added into keyring" | [`a_link_is_added`], [`a_second_call_finds_the_link`], [`an_impostor_is_displaced`], [`special_keyrings_are_destinations`], [`who_became_another_still_links_into_the_session_of_before`], [`default_session_keyring_is_replaced`] |
//! | "The persistent keyring may not be accessed directly" | [`not_accessible_without_a_link`] |
//! | "it must first be linked to one of a process's keyrings" | [`possession_comes_with_the_destination`] |
//! | "is not directly searched by request_key(2)" | [`request_key_finds_what_is_linked`] |
//! | "will be created by the kernel if it does not yet exist" | [`made_at_the_first_call`], [`first_calls_at_once_make_one`], [`made_anew_after_its_end`] |
//! | "a name of the form `_persistent.<UID>`" | [`described_as_the_owners`], [`nobody_may_change_it`] |
//! | "returns the serial number" | [`reply_is_a_serial`] |
//! | "shared between all threads", "independent of clone(2), ... `_exit(2)`" | [`outlives_the_thread`], and story.rs |
//! | "the expiration timeout reset" on each call, "removed" on timeout | expiry.rs |
//! | "The arguments arg4 and arg5 are ignored" | [`unused_arguments_are_ignored`] |
//! | "cast to `uid_t`", "cast to `key_serial_t`" | [`high_bits_are_ignored`] |
//! | EPERM: "Not permitted to access the persistent keyring" | above; and [`restricted_destination_is_refused`] |
//! | ENOMEM | [`out_of_memory`] |
//! | ENOKEY: "keyring does not exist" | [`no_such_destination`], [`special_ids_without_a_keyring`] |
//! | EKEYEXPIRED: "keyring has expired" | [`destination_expired`] |
//! | EKEYREVOKED: "keyring has been revoked" | [`destination_revoked`] |
//! | EDQUOT: "not sufficient quota to extend keyring" | [`quota_of_the_destination_is_charged`], [`outside_the_quota`] |
//! | EACCES: "does not grant write permission" | [`destination_must_grant_write`] |
//! | EINVAL, not on the page | [`zero_is_no_keyring`], [`special_ids_without_a_keyring`], [`unmapped_uid_is_invalid`] |
//! | ENOTDIR, not on the page | [`destination_is_not_a_keyring`] |
//! | EDEADLK, not on the page | [`destination_is_the_persistent_keyring`], [`destination_lies_in_the_persistent_keyring`] |
//! | ELOOP, not on the page | [`nested_too_deep_until_cleared`] |
//! | EOPNOTSUPP, not on the page | [`asymmetric_destination_is_unsupported`], [`absent_feature_is_unsupported`] |
//! | EPERM and ENOSYS of a sandbox | [`a_sandbox_may_refuse`] |
//! | any other number | [`unknown_numbers_arrive_as_they_are`], [`reply_that_makes_no_sense`] |
#![allow(unsafe_code, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use std::ffi::CString;
use std::sync::Barrier;
use std::thread;

use common::who::{self, as_uids, only_capable_of};
use common::{
    Unlink, User, expire, in_child, in_thread, key_count, key_in, keyring_in, new_keyring, only_without, raw,
    require, seccomp, someone, spend_quota, unique,
};
use keyctl::syscall::{Arg, op};
use keyctl::{Errno, Error, Key, KeySerial, Keyring, Uid, get_persistent};
use rustix::thread::{CapabilitySet, set_keep_capabilities};

/// What every persistent keyring is described as. It has no group, which the kernel shows as 65534.
fn description(uid: Uid) -> String {
    let uid = uid.as_raw();
    format!("keyring;{uid};65534;1f030000;_persistent.{uid}")
}

fn special(id: i32) -> Keyring {
    KeySerial::from_raw(id).unwrap().into()
}

// Whose keyring.

#[test]
fn none_is_the_real_uid() {
    require!(persistent);
    someone(|me| {
        let persistent = get_persistent(None, new_keyring()).unwrap();
        assert_eq!(raw::describe(persistent), Ok(description(me)));
        assert_eq!(get_persistent(Some(me), new_keyring()), Ok(persistent));
    });
}

#[test]
fn none_is_the_real_uid_where_another_is_effective() {
    require!(persistent, root);
    let (real, effective) = (User::new(), User::new());
    as_uids(real.uid(), effective.uid(), effective.uid(), || {
        let persistent = get_persistent(None, new_keyring()).unwrap();
        assert_eq!(raw::describe(persistent), Ok(description(real.uid())));
    });
}

#[test]
fn real_and_effective_uid_need_no_capability() {
    require!(persistent, root);
    let (real, effective) = (User::new(), User::new());
    as_uids(real.uid(), effective.uid(), effective.uid(), || {
        for uid in [real.uid(), effective.uid()] {
            let persistent = get_persistent(Some(uid), new_keyring()).unwrap();
            assert_eq!(raw::describe(persistent), Ok(description(uid)));
        }
    });
}

#[test]
fn saved_and_file_system_uid_do_not_count() {
    require!(persistent, root);
    let (me, saved) = (User::new(), User::new());
    as_uids(me.uid(), me.uid(), saved.uid(), || {
        assert_eq!(get_persistent(Some(saved.uid()), new_keyring()), Err(Error::NotPermitted));
        let keyring = new_keyring();
        // SAFETY: changes a number of this thread's.
        let set = |uid| unsafe { libc::setfsuid(uid) };
        set(saved.uid().as_raw());
        // It answers what was before, and -1 changes nothing.
        assert_eq!(set(u32::MAX).try_into(), Ok(saved.uid().as_raw()));
        assert_eq!(get_persistent(Some(saved.uid()), keyring), Err(Error::NotPermitted));
    });
}

#[test]
fn foreign_uid_is_refused() {
    require!(persistent);
    someone(|_| assert_eq!(get_persistent(Some(Uid::ROOT), new_keyring()), Err(Error::NotPermitted)));
}

#[test]
fn root_without_cap_setuid_is_refused() {
    require!(persistent, root);
    let user = User::new();
    in_thread(|| {
        let keyring = new_keyring();
        only_capable_of(!CapabilitySet::SETUID);
        assert_eq!(get_persistent(Some(user.uid()), keyring), Err(Error::NotPermitted));
    });
}

#[test]
fn cap_setuid_reaches_any_uid() {
    require!(persistent, root);
    let (me, other) = (User::new(), User::new());
    in_thread(|| {
        set_keep_capabilities(true).unwrap();
        who::take_uids(me.uid(), me.uid(), me.uid()).unwrap();
        only_capable_of(CapabilitySet::SETUID);

        let persistent = get_persistent(Some(other.uid()), new_keyring()).unwrap();
        assert_eq!(raw::describe(persistent), Ok(description(other.uid())));

        // The greatest that there is. Where the kernel describes a key it is signed.
        let greatest = Uid::from_raw(u32::MAX - 1);
        let persistent = get_persistent(Some(greatest), new_keyring()).unwrap();
        let described = raw::describe(persistent);
        raw::invalidate(persistent).unwrap();
        assert_eq!(described.unwrap(), "keyring;-2;65534;1f030000;_persistent.4294967294");
    });
}

#[test]
fn refused_uid_leaves_nothing_behind() {
    require!(persistent, root);
    let (me, other) = (User::new(), User::new());
    me.run(|| {
        // A child has no thread keyring before it asks for one.
        in_child(|| {
            assert_eq!(get_persistent(Some(other.uid()), Keyring::THREAD), Err(Error::NotPermitted));
            assert_eq!(raw::resolve(Keyring::THREAD), Err(Error::NoKey));
        });
    });
    assert_eq!(key_count(other.uid()), None);
}

#[test]
fn unmapped_uid_is_invalid() {
    require!(persistent, userns);
    in_child(|| {
        who::unshare_users().unwrap();
        assert_eq!(get_persistent(Some(Uid::ROOT), Keyring::THREAD), Err(Error::InvalidArgument));
        // Without a mapping even the caller's own uid has no number.
        let persistent = get_persistent(None, Keyring::THREAD).unwrap();
        assert!(raw::describe(persistent).unwrap().ends_with(";1f030000;_persistent.4294967295"));
    });
}

#[test]
fn uid_is_that_of_the_namespace() {
    require!(persistent, userns);
    someone(|me| {
        let outside = get_persistent(None, new_keyring()).unwrap();
        in_child(|| {
            who::unshare_users().unwrap();
            who::map_to_root(me).unwrap();
            let inside = get_persistent(Some(Uid::ROOT), Keyring::THREAD).unwrap();
            assert_eq!(raw::describe(inside), Ok(description(Uid::ROOT)));
            assert_eq!(get_persistent(None, Keyring::THREAD), Ok(inside));
            assert_ne!(inside, outside);
            let other = Uid::from_raw(1);
            assert_eq!(get_persistent(Some(other), Keyring::THREAD), Err(Error::InvalidArgument));
        });
    });
}

// The link.

#[test]
fn a_link_is_added() {
    require!(persistent);
    someone(|_| {
        let keyring = new_keyring();
        let other = key_in(keyring);
        let persistent = get_persistent(None, keyring).unwrap();
        let mut links = raw::links(keyring).unwrap();
        links.retain(|&link| link != other);
        assert_eq!(links, [persistent.into()]);
    });
}

#[test]
fn a_second_call_finds_the_link() {
    require!(persistent);
    someone(|_| {
        let keyring = new_keyring();
        let persistent = get_persistent(None, keyring).unwrap();
        assert_eq!(get_persistent(None, keyring), Ok(persistent));
        assert_eq!(raw::links(keyring), Ok(vec![persistent.into()]));
    });
}

#[test]
fn an_impostor_is_displaced() {
    require!(persistent);
    someone(|me| {
        let keyring = new_keyring();
        let name = CString::new(format!("_persistent.{}", me.as_raw())).unwrap();
        let impostor = raw::add_key(c"keyring", &name, b"", keyring).unwrap();
        let persistent = get_persistent(None, keyring).unwrap();
        assert_ne!(Key::from(persistent), impostor);
        assert_eq!(raw::links(keyring), Ok(vec![persistent.into()]));
    });
}

#[test]
fn special_keyrings_are_destinations() {
    require!(persistent, root);
    User::new().run(|| {
        let all = [Keyring::THREAD, Keyring::PROCESS, Keyring::SESSION, Keyring::USER, Keyring::USER_SESSION];
        for keyring in all {
            let persistent = get_persistent(None, keyring).unwrap();
            let links = raw::links(raw::resolve(keyring).unwrap()).unwrap();
            assert!(links.contains(&persistent.into()), "{keyring:?} links {links:?}");
        }
    });
}

/// The session keyring stays that of before, and so does who pays for its links.
#[test]
fn who_became_another_still_links_into_the_session_of_before() {
    require!(persistent, root);
    let user = User::new();
    in_thread(|| {
        raw::join_session(None).unwrap();
        let session = raw::resolve(Keyring::SESSION).unwrap();
        let persistent = in_thread(|| {
            who::take_uids(user.uid(), user.uid(), user.uid()).unwrap();
            let own = new_keyring();
            spend_quota();
            assert_eq!(get_persistent(None, own), Err(Error::QuotaExceeded));
            get_persistent(None, Keyring::SESSION).unwrap()
        });
        assert_eq!(raw::links(session), Ok(vec![persistent.into()]));
        assert_eq!(raw::describe(persistent), Ok(description(user.uid())));
        assert!(raw::describe(session).unwrap().starts_with("keyring;0;"));
    });
}

#[test]
fn default_session_keyring_is_replaced() {
    require!(persistent, root);
    let user = User::new();
    user.run(|| {
        let default = raw::resolve(Keyring::USER_SESSION).unwrap();
        let key = key_in(default);
        let name = CString::new(format!("_uid_ses.{}", user.uid().as_raw())).unwrap();
        raw::join_session(Some(&name)).unwrap();
        assert_eq!(raw::resolve(Keyring::SESSION), Ok(default));
        assert_eq!(raw::read(key).unwrap(), b"secret");

        let persistent = get_persistent(None, Keyring::SESSION).unwrap();
        let session = raw::resolve(Keyring::SESSION).unwrap();
        assert_ne!(session, default);
        assert_eq!(raw::links(session), Ok(vec![persistent.into()]));
        assert_eq!(raw::read(key), Err(Error::AccessDenied));
    });
}

// What the link is for.

#[test]
fn not_accessible_without_a_link() {
    require!(persistent);
    someone(|_| {
        let keyring = new_keyring();
        let persistent = get_persistent(None, keyring).unwrap();
        let key = key_in(persistent);
        let _unlink = Unlink(key, persistent);
        raw::unlink(persistent, keyring).unwrap();

        // The owner may look, and no more. `_unlink` needs it again.
        let name = unique();
        assert!(raw::links(persistent).unwrap().contains(&key));
        assert_eq!(raw::read(key), Err(Error::AccessDenied));
        assert_eq!(raw::search(persistent, c"user", &name), Err(Error::AccessDenied));
        assert_eq!(raw::add_key(c"user", &name, b"secret", persistent), Err(Error::AccessDenied));
        assert_eq!(raw::unlink(key, persistent), Err(Error::AccessDenied));
        assert_eq!(raw::link(persistent, keyring), Err(Error::AccessDenied));
        assert_eq!(raw::invalidate(persistent), Err(Error::AccessDenied));

        assert_eq!(get_persistent(None, keyring), Ok(persistent));
        assert_eq!(raw::read(key).unwrap(), b"secret");
    });
}

#[test]
fn possession_comes_with_the_destination() {
    require!(persistent, root);
    User::new().run(|| {
        let add = |keyring| raw::add_key(c"user", &unique(), b"secret", keyring).map(drop);
        // The new session keyring does not link the user keyring.
        let persistent = get_persistent(None, Keyring::USER).unwrap();
        assert_eq!(add(persistent), Err(Error::AccessDenied));
        assert_eq!(get_persistent(None, Keyring::USER_SESSION), Ok(persistent));
        assert_eq!(add(persistent), Err(Error::AccessDenied));

        for possessed in [Keyring::THREAD, Keyring::PROCESS, Keyring::SESSION] {
            assert_eq!(get_persistent(None, possessed), Ok(persistent));
            assert_eq!(add(persistent), Ok(()), "{possessed:?}");
            raw::unlink(persistent, possessed).unwrap();
            assert_eq!(add(persistent), Err(Error::AccessDenied), "{possessed:?}");
        }
    });
}

#[test]
fn request_key_finds_what_is_linked() {
    require!(persistent);
    someone(|_| {
        let keyring = new_keyring();
        let persistent = get_persistent(None, keyring).unwrap();
        let name = unique();
        let key = raw::add_key(c"user", &name, b"secret", persistent).unwrap();
        let _unlink = Unlink(key, persistent);
        assert_eq!(raw::request_key(c"user", &name), Ok(key));
        raw::unlink(persistent, keyring).unwrap();
        assert_eq!(raw::request_key(c"user", &name), Err(Error::NoKey));
        assert_eq!(get_persistent(None, keyring), Ok(persistent));
    });
}

// Its making and its nature.

#[test]
fn made_at_the_first_call() {
    require!(persistent, root);
    let user = User::new();
    in_thread(|| {
        assert_eq!(key_count(user.uid()), None);
        let persistent = get_persistent(Some(user.uid()), Keyring::THREAD).unwrap();
        assert_eq!(key_count(user.uid()), Some((1, 0, 0)));
        assert_eq!(raw::links(persistent), Ok(vec![]));
        assert_eq!(get_persistent(Some(user.uid()), Keyring::THREAD), Ok(persistent));
        assert_eq!(key_count(user.uid()), Some((1, 0, 0)));
    });
}

#[test]
fn first_calls_at_once_make_one() {
    require!(persistent, root);
    for _ in 0..8 {
        let (user, start) = (User::new(), Barrier::new(8));
        let call = || {
            start.wait();
            get_persistent(Some(user.uid()), Keyring::THREAD)
        };
        let made: Vec<_> = thread::scope(|scope| {
            let threads: Vec<_> = (0..8).map(|_| scope.spawn(call)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert!(made[0].is_ok());
        assert_eq!(made, [made[0]; 8]);
    }
}

#[test]
fn made_anew_after_its_end() {
    require!(persistent, root);
    User::new().run(|| {
        let first = get_persistent(None, Keyring::THREAD).unwrap();
        raw::revoke(first).unwrap();
        let second = get_persistent(None, Keyring::THREAD).unwrap();
        assert_ne!(second, first);
        raw::invalidate(second).unwrap();
        let third = get_persistent(None, Keyring::THREAD).unwrap();
        assert_ne!(third, second);
    });
}

#[test]
fn described_as_the_owners() {
    require!(persistent, root);
    let user = User::new();
    in_thread(|| {
        // Made by root, and still the user's.
        let persistent = get_persistent(Some(user.uid()), Keyring::THREAD).unwrap();
        assert_eq!(raw::describe(persistent), Ok(description(user.uid())));
    });
}

#[test]
fn nobody_may_change_it() {
    require!(persistent, root);
    let user = User::new();
    let refused = |persistent| {
        assert_eq!(raw::set_permissions(persistent, 0x3f3f_0000), Err(Error::AccessDenied));
        assert_eq!(raw::set_timeout(persistent, 0), Err(Error::AccessDenied));
        assert_eq!(raw::chown(persistent, user.uid()), Err(Error::AccessDenied));
        assert_eq!(raw::restrict(persistent, None), Err(Error::AccessDenied));
    };
    user.run(|| refused(get_persistent(None, Keyring::THREAD).unwrap()));
    in_thread(|| refused(get_persistent(Some(user.uid()), Keyring::THREAD).unwrap()));
}

#[test]
fn outside_the_quota() {
    require!(persistent, root);
    let user = User::new();
    in_thread(|| {
        // A destination of root's that is open to all, for the link has to be paid for.
        let keyring = new_keyring();
        raw::set_permissions(keyring, 0x3f3f_3f3f).unwrap();
        user.run(|| {
            spend_quota();
            let (keys, counted, bytes) = key_count(user.uid()).unwrap();
            let persistent = get_persistent(None, keyring).unwrap();
            assert_eq!(raw::describe(persistent), Ok(description(user.uid())));
            assert_eq!(key_count(user.uid()), Some((keys + 1, counted, bytes)));
        });
    });
}

#[test]
fn reply_is_a_serial() {
    require!(persistent);
    someone(|_| {
        let serial = get_persistent(None, Keyring::THREAD).unwrap().serial();
        assert!(serial.as_raw() >= 3, "{serial}");
    });
}

#[test]
fn outlives_the_thread() {
    require!(persistent);
    someone(|_| {
        let name = unique();
        let (persistent, key) = in_thread(|| {
            let persistent = get_persistent(None, Keyring::THREAD).unwrap();
            (persistent, raw::add_key(c"user", &name, b"secret", persistent).unwrap())
        });
        assert_eq!(raw::read(key), Err(Error::AccessDenied));

        assert_eq!(get_persistent(None, Keyring::THREAD), Ok(persistent));
        let _unlink = Unlink(key, persistent);
        assert_eq!(raw::search(persistent, c"user", &name), Ok(key));
        assert_eq!(raw::read(key).unwrap(), b"secret");
    });
}

// The registers.

#[test]
fn unused_arguments_are_ignored() {
    require!(persistent);
    someone(|_| {
        let keyring = new_keyring();
        let (nobody, ring) = (Arg::from(u32::MAX), Arg::from(keyring.serial()));
        let serial = raw::get_persistent(nobody, ring, Arg::ZERO, Arg::ZERO).unwrap();
        assert_eq!(raw::get_persistent(nobody, ring, usize::MAX.into(), 8u32.into()), Ok(serial));
        let persistent = get_persistent(None, keyring).unwrap();
        assert_eq!(persistent.serial().as_raw().try_into(), Ok(serial));
    });
}

#[test]
#[cfg(target_pointer_width = "64")]
fn high_bits_are_ignored() {
    require!(persistent);
    someone(|me| {
        const HIGH: usize = 0x1234_5678 << 32;
        let keyring = new_keyring();
        let uid = HIGH | usize::try_from(me.as_raw()).unwrap();
        let ring = HIGH | usize::try_from(keyring.serial().as_raw()).unwrap();
        let serial = raw::get_persistent(uid.into(), ring.into(), Arg::ZERO, Arg::ZERO).unwrap();
        let persistent = get_persistent(None, keyring).unwrap();
        assert_eq!(persistent.serial().as_raw().try_into(), Ok(serial));
    });
}

// The refusals, on the page and not, in its order.

#[test]
fn restricted_destination_is_refused() {
    require!(persistent);
    someone(|_| {
        let keyring = new_keyring();
        raw::restrict(keyring, None).unwrap();
        assert_eq!(get_persistent(None, keyring), Err(Error::NotPermitted));
        assert_eq!(raw::links(keyring), Ok(vec![]));
    });
}

/// What `get_persistent` answers where the kernel's answer is error number `errno`.
fn answered(errno: i32) -> keyctl::Result<Keyring> {
    in_thread(|| {
        seccomp::answer(op::GET_PERSISTENT.number(), errno.try_into().unwrap());
        get_persistent(None, new_keyring())
    })
}

#[test]
fn out_of_memory() {
    require!(keyctl, seccomp);
    assert_eq!(answered(libc::ENOMEM), Err(Error::OutOfMemory));
}

#[test]
fn no_such_destination() {
    require!(persistent);
    someone(|_| {
        // No key has a number below 3.
        assert_eq!(get_persistent(None, special(1)), Err(Error::NoKey));
        let keyring = new_keyring();
        raw::invalidate(keyring).unwrap();
        assert_eq!(get_persistent(None, keyring), Err(Error::NoKey));
    });
}

#[test]
fn destination_expired() {
    require!(persistent);
    someone(|_| {
        let keyring = new_keyring();
        expire(keyring);
        assert_eq!(get_persistent(None, keyring), Err(Error::KeyExpired));
    });
}

#[test]
fn destination_revoked() {
    require!(persistent);
    someone(|_| {
        let keyring = new_keyring();
        raw::revoke(keyring).unwrap();
        assert_eq!(get_persistent(None, keyring), Err(Error::KeyRevoked));
    });
}

#[test]
fn quota_of_the_destination_is_charged() {
    require!(persistent, root);
    User::new().run(|| {
        let (keyring, linked) = (new_keyring(), new_keyring());
        let persistent = get_persistent(None, linked).unwrap();
        spend_quota();
        assert_eq!(get_persistent(None, keyring), Err(Error::QuotaExceeded));
        // A link that is there already costs nothing.
        assert_eq!(get_persistent(None, linked), Ok(persistent));
    });
}

#[test]
fn destination_must_grant_write() {
    require!(persistent);
    someone(|_| {
        const ALL_BUT_WRITE: u32 = 0x3b3b_3b3b;
        let keyring = new_keyring();
        raw::set_permissions(keyring, ALL_BUT_WRITE).unwrap();
        assert_eq!(get_persistent(None, keyring), Err(Error::AccessDenied));
        // Asked before whether it is a keyring.
        let key = key_in(new_keyring());
        raw::set_permissions(key, ALL_BUT_WRITE).unwrap();
        assert_eq!(get_persistent(None, key.serial().into()), Err(Error::AccessDenied));
    });
}

#[test]
fn zero_is_no_keyring() {
    require!(persistent);
    let reply = raw::get_persistent(u32::MAX.into(), Arg::ZERO, Arg::ZERO, Arg::ZERO);
    assert_eq!(reply, Err(Error::InvalidArgument));
}

#[test]
fn special_ids_without_a_keyring() {
    require!(persistent);
    someone(|_| {
        for unknown in [KeySerial::GROUP_KEYRING.as_raw(), -9, i32::MIN] {
            assert_eq!(get_persistent(None, special(unknown)), Err(Error::InvalidArgument), "{unknown}");
        }
        for absent in [KeySerial::REQKEY_AUTH_KEY, KeySerial::REQUESTOR_KEYRING] {
            assert_eq!(get_persistent(None, absent.into()), Err(Error::NoKey), "{absent:?}");
        }
    });
}

#[test]
fn destination_is_not_a_keyring() {
    require!(persistent);
    someone(|_| {
        let key = key_in(new_keyring());
        assert_eq!(get_persistent(None, key.serial().into()), Err(Error::NotAKeyring));
    });
}

#[test]
fn destination_is_the_persistent_keyring() {
    require!(persistent);
    someone(|_| {
        let persistent = get_persistent(None, Keyring::THREAD).unwrap();
        assert_eq!(get_persistent(None, persistent), Err(Error::Cycle));
    });
}

#[test]
fn destination_lies_in_the_persistent_keyring() {
    require!(persistent);
    someone(|_| {
        let persistent = get_persistent(None, Keyring::THREAD).unwrap();
        let keyring = keyring_in(persistent);
        let _unlink = Unlink(keyring.into(), persistent);
        assert_eq!(get_persistent(None, keyring), Err(Error::Cycle));
        assert_eq!(get_persistent(None, keyring_in(keyring)), Err(Error::Cycle));
    });
}

#[test]
fn nested_too_deep_until_cleared() {
    require!(persistent, root);
    let user = User::new();
    user.run(|| {
        let persistent = get_persistent(None, Keyring::THREAD).unwrap();
        let mut innermost = persistent;
        for _ in 0..6 {
            innermost = keyring_in(innermost);
            assert_eq!(get_persistent(None, new_keyring()), Ok(persistent));
        }
        keyring_in(innermost);
        // Whatever the destination, one that has the link already too. Cleared before anything can
        // fail, for otherwise nobody could.
        let replies = [new_keyring(), Keyring::THREAD].map(|keyring| get_persistent(None, keyring));
        raw::clear(persistent).unwrap();
        assert_eq!(replies, [Err(Error::NestedTooDeep); 2]);
        assert_eq!(get_persistent(None, new_keyring()), Ok(persistent));
    });
}

#[test]
fn asymmetric_destination_is_unsupported() {
    require!(persistent, asymmetric);
    someone(|_| {
        let keyring = new_keyring();
        let trusted = CString::new(format!("key_or_keyring:{}", new_keyring().serial())).unwrap();
        raw::restrict(keyring, Some((c"asymmetric", &trusted))).unwrap();
        assert_eq!(get_persistent(None, keyring), Err(Error::Unsupported));
        assert_eq!(raw::links(keyring), Ok(vec![]));
    });
}

#[test]
fn absent_feature_is_unsupported() {
    only_without!(persistent);
    require!(keyctl);
    assert_eq!(get_persistent(None, Keyring::THREAD), Err(Error::Unsupported));
}

#[test]
fn a_sandbox_may_refuse() {
    require!(keyctl, seccomp);
    assert_eq!(answered(libc::EPERM), Err(Error::NotPermitted));
    assert_eq!(answered(libc::ENOSYS), Err(Error::NotImplemented));
    // Nothing else is refused there.
    in_thread(|| {
        seccomp::answer(op::GET_PERSISTENT.number(), 1);
        assert_eq!(raw::describe(new_keyring()).map(drop), Ok(()));
    });
}

#[test]
fn unknown_numbers_arrive_as_they_are() {
    require!(keyctl, seccomp);
    for number in [libc::EXDEV, 4094, 4095] {
        let error = answered(number).unwrap_err();
        assert!(matches!(error, Error::Other { .. }), "{error:?}");
        assert_eq!(error.raw_os_error(), Some(number));
        assert_eq!(error.errno(), Some(Errno::from_raw_os_error(number)));
    }
}

#[test]
fn reply_that_makes_no_sense() {
    require!(keyctl, seccomp);
    assert_eq!(answered(0), Err(Error::UnexpectedReply));
}
