//! Who may do what with a key: the four subjects, the six rights, and who may change them.
//!
//! | documented | test |
//! | --- | --- |
//! | `Rights`, `Permissions`: `Display`, builder, raw mask | [`rights_are_shown_by_their_letters`], [`permissions_are_shown_by_subject`], [`each_subject_has_its_byte`] |
//! | what each right is for | [`each_right_lets_its_operations_pass`] |
//! | "what exactly one of the other three may" | [`each_subject_has_its_own_rights`], [`one_of_user_group_and_other_counts`] |
//! | user: the file-system uid; group: any of one's groups | [`the_file_system_uid_is_the_user`], [`a_supplementary_group_is_a_group`] |
//! | "and that has any right; else other" | [`a_group_without_rights_leaves_its_members_to_other`] |
//! | possession needs search, and adds read | [`what_grants_no_search_is_not_possessed`] |
//! | "No capability overrides this" | [`root_is_refused_as_others_are`] |
//! | `set_permissions`: success | [`permissions_are_set_as_given`] |
//! | setattr, and ownership or `CAP_SYS_ADMIN` | [`permissions_are_the_owners_to_set`], [`one_can_lock_oneself_out`], [`a_capability_of_a_namespace_does_not_count`] |
//! | `EINVAL` | [`unknown_bits_are_invalid`] |
//! | `set_owner`: success | [`root_gives_a_key_away`], [`a_key_may_go_to_a_group_of_ones_own`] |
//! | "With two `None`" | [`two_none_are_success_without_a_look`] |
//! | `EACCES` | [`only_root_gives_to_another`] |
//! | `EINVAL` | [`ids_that_are_not_mapped_are_invalid`] |
//! | `EDQUOT` | [`the_new_owners_quota_counts`] |
//! | `ENOKEY`, `EKEYEXPIRED`, `EKEYREVOKED`, of both | [`what_is_gone_can_not_be_changed`] |
//! | `ENOMEM`, and what a sandbox says, of both | [`other_refusals_arrive`] |
#![allow(unsafe_code, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use common::random::Random;
use common::who::{self, only_capable_of, take_uids};
use common::{
    User, expired_key, in_child, in_thread, key_in, key_of, new_keyring, raw, require, seccomp, someone,
    spend_quota,
};
use keyctl::syscall::op;
use keyctl::{Error, Gid, Key, Keyring, Permissions, Result, Rights, Uid};
use rustix::process::{getegid, getuid};
use rustix::thread::{CapabilitySet, set_thread_groups, set_thread_res_uid};

const NONE: Permissions = Permissions::NONE;

/// What this thread may do with a key, as the kernel shows by letting it.
fn granted(key: Key) -> Rights {
    let mut rights = Rights::empty();
    let mut note = |right: Rights, answer: Result<()>| match answer {
        Ok(()) => rights |= right,
        Err(why) => assert_eq!(why, Error::AccessDenied, "{right}"),
    };
    note(Rights::VIEW, raw::describe(key).map(drop));
    note(Rights::READ, raw::read(key).map(drop));
    note(Rights::WRITE, raw::update(key, b"secret"));
    note(Rights::SEARCH, raw::seek(key).map(drop));
    note(Rights::SETATTR, raw::set_timeout(key, 0));
    // The last, since it gives possession for a moment.
    let keyring = new_keyring();
    note(Rights::LINK, raw::link(key, keyring));
    raw::unlink(keyring, Keyring::THREAD).unwrap();
    rights
}

/// A key of this thread's, which others can see only by its number.
fn key_with(permissions: Permissions) -> Key {
    let key = key_in(new_keyring());
    key.set_permissions(permissions).unwrap();
    key
}

// The types.

#[test]
fn rights_are_shown_by_their_letters() {
    for (rights, text) in [
        (Rights::empty(), "------"),
        (Rights::VIEW, "-----v"),
        (Rights::READ, "----r-"),
        (Rights::WRITE, "---w--"),
        (Rights::SEARCH, "--s---"),
        (Rights::LINK, "-l----"),
        (Rights::SETATTR, "a-----"),
        (Rights::ALL, "alswrv"),
        (Rights::SEARCH | Rights::VIEW, "--s--v"),
        // Bits without a name have no letter either.
        (Rights::from_bits_retain(0xc1), "-----v"),
    ] {
        assert_eq!(rights.to_string(), text);
    }
}

#[test]
fn permissions_are_shown_by_subject() {
    let some = NONE.possessor(Rights::ALL).user(Rights::VIEW).group(Rights::READ).other(Rights::SEARCH);
    assert_eq!(some.to_string(), "alswrv-----v----r---s---");
    assert_eq!(format!("{some:?}"), "Permissions(alswrv-----v----r---s---)");
    assert_eq!(NONE.to_string(), "-".repeat(24));
    assert_eq!(Permissions::default(), NONE);
}

#[test]
fn each_subject_has_its_byte() {
    let (rights, none) = (Rights::WRITE | Rights::LINK, Rights::empty());
    let of = |it: Permissions| (it.of_possessor(), it.of_user(), it.of_group(), it.of_other());
    for (it, mask, bytes) in [
        (NONE.possessor(rights), 0x1400_0000, (rights, none, none, none)),
        (NONE.user(rights), 0x0014_0000, (none, rights, none, none)),
        (NONE.group(rights), 0x0000_1400, (none, none, rights, none)),
        (NONE.other(rights), 0x0000_0014, (none, none, none, rights)),
    ] {
        assert_eq!((it.as_raw(), of(it)), (mask, bytes));
        assert_eq!(it, Permissions::from_raw(mask));
    }

    // Any mask comes back, and setting one byte leaves the others.
    let mut random = Random::new(1);
    for _ in 0..10_000 {
        let [mask, other] = [(); 2].map(|()| u32::try_from(random.next() >> 32).unwrap());
        let (it, other) = (Permissions::from_raw(mask), Permissions::from_raw(other));
        let (possessor, user, group, others) = of(it);
        assert_eq!(other.possessor(possessor).user(user).group(group).other(others), it);
        assert_eq!(it.as_raw(), mask);
        assert_eq!(of(it.group(other.of_group())), (possessor, user, other.of_group(), others));
    }
}

// What they decide.

#[test]
fn each_right_lets_its_operations_pass() {
    require!(keyctl);
    someone(|_| {
        for right in Rights::ALL {
            let key = key_with(NONE.user(right));
            assert_eq!(in_thread(|| granted(key)), right);
            // What can be found can be possessed, and what is possessed can be read.
            let found = Rights::SEARCH | Rights::READ;
            assert_eq!(granted(key_with(NONE.possessor(right | Rights::SEARCH))), right | found);
        }
    });
}

#[test]
fn what_grants_no_search_is_not_possessed() {
    require!(keyctl);
    someone(|_| {
        let all_but_search = Rights::ALL - Rights::SEARCH;
        assert_eq!(granted(key_with(NONE.possessor(all_but_search))), Rights::empty());
        // Whoever it is that search is granted to.
        let key = key_with(NONE.possessor(Rights::WRITE).user(Rights::SEARCH));
        assert_eq!(granted(key), Rights::WRITE | Rights::SEARCH | Rights::READ);
        assert_eq!(in_thread(|| granted(key)), Rights::SEARCH);
    });
}

/// A key of this thread's that belongs to another user and group.
fn key_for(owner: &User, group: &User, permissions: Permissions) -> Key {
    let key = key_in(new_keyring());
    key.set_owner(Some(owner.uid()), Some(group_of(group))).unwrap();
    key.set_permissions(permissions).unwrap();
    key
}

/// The group that a throw-away user is in, alone.
fn group_of(user: &User) -> Gid {
    Gid::from_raw(user.uid().as_raw())
}

#[test]
fn each_subject_has_its_own_rights() {
    require!(keyctl, root);
    const ALL: Rights = Rights::ALL;
    const NO: Rights = Rights::empty();
    let (owner, member, stranger) = (User::new(), User::new(), User::new());
    in_thread(|| {
        for (permissions, possessor, others) in [
            (NONE.possessor(ALL), ALL, [NO, NO, NO]),
            (NONE.user(ALL), NO, [ALL, NO, NO]),
            (NONE.group(ALL), NO, [NO, ALL, NO]),
            // Who possesses a key and does not own it is another, too.
            (NONE.group(Rights::VIEW).other(ALL), ALL, [NO, Rights::VIEW, ALL]),
        ] {
            let key = key_for(&owner, &member, permissions);
            assert_eq!(granted(key), possessor, "{permissions}");
            let asked = [&owner, &member, &stranger].map(|user| user.run(|| granted(key)));
            assert_eq!(asked, others, "{permissions}");
        }
    });
}

#[test]
fn one_of_user_group_and_other_counts() {
    require!(keyctl, root);
    let (owner, stranger) = (User::new(), User::new());
    in_thread(|| {
        // The owner is in the group as well, and like everybody one of all.
        let key = key_for(&owner, &owner, NONE.user(Rights::VIEW).group(Rights::READ).other(Rights::WRITE));
        assert_eq!(owner.run(|| granted(key)), Rights::VIEW);
        assert_eq!(stranger.run(|| granted(key)), Rights::WRITE);
        let key = key_for(&owner, &owner, NONE.group(Rights::ALL).other(Rights::ALL));
        assert_eq!(owner.run(|| granted(key)), Rights::empty());
    });
}

#[test]
fn a_group_without_rights_leaves_its_members_to_other() {
    require!(keyctl, root);
    let (owner, member) = (User::new(), User::new());
    in_thread(|| {
        let key = key_for(&owner, &member, NONE.other(Rights::READ));
        assert_eq!(member.run(|| granted(key)), Rights::READ);
    });
}

#[test]
fn the_file_system_uid_is_the_user() {
    require!(keyctl, root);
    let (owner, other) = (User::new(), User::new());
    in_thread(|| {
        let key = key_for(&owner, &owner, NONE.user(Rights::READ).other(Rights::VIEW));
        who::as_uids(other.uid(), owner.uid(), other.uid(), || assert_eq!(granted(key), Rights::READ));
        who::as_uids(owner.uid(), other.uid(), owner.uid(), || {
            assert_eq!(granted(key), Rights::VIEW);
            // SAFETY: changes a number of this thread's.
            unsafe { libc::setfsuid(owner.uid().as_raw()) };
            assert_eq!(granted(key), Rights::READ);
        });
    });
}

#[test]
fn a_supplementary_group_is_a_group() {
    require!(keyctl, root);
    let (owner, member) = (User::new(), User::new());
    in_thread(|| {
        let key = key_for(&owner, &owner, NONE.group(Rights::READ));
        in_thread(|| {
            take_uids(member.uid(), Uid::ROOT, Uid::ROOT).unwrap();
            set_thread_groups(&[group_of(&owner)]).unwrap();
            assert_eq!(granted(key), Rights::READ);
        });
        assert_eq!(member.run(|| granted(key)), Rights::empty());
    });
}

#[test]
fn root_is_refused_as_others_are() {
    require!(keyctl, root);
    let owner = User::new();
    in_thread(|| {
        let key = key_for(&owner, &owner, NONE.user(Rights::ALL));
        assert_eq!(granted(key), Rights::empty());
    });
}

// set_permissions.

#[test]
fn permissions_are_set_as_given() {
    require!(keyctl);
    let key = key_in(new_keyring());
    for mask in [0x3f3f_3f3f, 0x3f01_0000, 0x2f00_0a01] {
        assert_eq!(key.set_permissions(Permissions::from_raw(mask)), Ok(()));
        let told = raw::describe(key).unwrap();
        assert_eq!(told.split(';').nth(3), Some(format!("{mask:08x}").as_str()));
    }
    // A keyring's too, by its special id.
    let keyring = new_keyring();
    assert_eq!(keyring.set_permissions(NONE.possessor(Rights::ALL)), Ok(()));
    assert!(raw::describe(keyring).unwrap().contains(";3f000000;"));
    in_thread(|| {
        assert_eq!(Keyring::THREAD.set_permissions(NONE.possessor(Rights::ALL)), Ok(()));
        assert!(raw::describe(Keyring::THREAD).unwrap().ends_with(";3f000000;_tid"));
    });
}

#[test]
fn permissions_are_the_owners_to_set() {
    require!(keyctl, root);
    let (owner, other) = (User::new(), User::new());
    let set = |key: Key| key.set_permissions(NONE.other(Rights::SETATTR));
    in_thread(|| {
        let key = key_for(&owner, &owner, NONE.user(Rights::ALL - Rights::SETATTR).other(Rights::SETATTR));
        assert_eq!(owner.run(|| set(key)), Err(Error::AccessDenied));
        assert_eq!(other.run(|| set(key)), Err(Error::AccessDenied));
        in_thread(|| {
            only_capable_of(!CapabilitySet::SYS_ADMIN);
            assert_eq!(set(key), Err(Error::AccessDenied));
        });
        in_thread(|| {
            only_capable_of(CapabilitySet::SYS_ADMIN);
            assert_eq!(set(key), Ok(()));
        });
        let key = key_for(&owner, &owner, NONE.user(Rights::SETATTR));
        assert_eq!(set(key), Err(Error::AccessDenied));
        assert_eq!(owner.run(|| set(key)), Ok(()));
    });
}

#[test]
fn one_can_lock_oneself_out() {
    require!(keyctl);
    let key = key_with(NONE);
    assert_eq!(key.set_permissions(NONE.possessor(Rights::ALL)), Err(Error::AccessDenied));
}

#[test]
fn a_capability_of_a_namespace_does_not_count() {
    require!(keyctl, root, userns);
    let owner = User::new();
    in_child(|| {
        let key = key_for(&owner, &owner, NONE.possessor(Rights::ALL));
        assert_eq!(key.set_permissions(NONE.possessor(Rights::ALL)), Ok(()));
        who::unshare_users().unwrap();
        assert_eq!(key.set_permissions(NONE.possessor(Rights::ALL)), Err(Error::AccessDenied));
    });
}

#[test]
fn unknown_bits_are_invalid() {
    require!(keyctl);
    let key = key_in(new_keyring());
    for bit in (0..32).filter(|bit| bit % 8 > 5) {
        let unknown = Permissions::from_raw(1 << bit);
        assert_eq!(key.set_permissions(unknown), Err(Error::InvalidArgument));
        // Whatever the key.
        assert_eq!(key_of(1).set_permissions(unknown), Err(Error::InvalidArgument));
    }
}

// set_owner.

/// The owner and the group of a key.
fn owned(key: Key) -> (String, String) {
    let told = raw::describe(key).unwrap();
    let mut fields = told.split(';').skip(1).map(str::to_owned);
    (fields.next().unwrap(), fields.next().unwrap())
}

#[test]
fn root_gives_a_key_away() {
    require!(keyctl, root);
    let (user, group) = (User::new(), User::new());
    in_thread(|| {
        let key = key_in(new_keyring());
        let (root, [owner, its]) = (owned(key), [&user, &group].map(|user| user.uid().as_raw().to_string()));
        assert_eq!(key.set_owner(Some(user.uid()), None), Ok(()));
        assert_eq!(owned(key), (owner.clone(), root.1));
        assert_eq!(key.set_owner(None, Some(group_of(&group))), Ok(()));
        assert_eq!(owned(key), (owner, its));
        assert_eq!(key.set_owner(Some(Uid::ROOT), Some(Gid::ROOT)), Ok(()));
        assert_eq!(owned(key), ("0".into(), "0".into()));
    });
}

#[test]
fn a_key_may_go_to_a_group_of_ones_own() {
    require!(keyctl, root);
    let (user, group) = (User::new(), User::new());
    let give = |key: Key| key.set_owner(Some(user.uid()), Some(group_of(&group)));
    in_thread(|| {
        let without = key_for(&user, &user, NONE.user(Rights::SETATTR));
        assert_eq!(user.run(|| give(without)), Err(Error::AccessDenied));
        set_thread_groups(&[group_of(&group)]).unwrap();
        set_thread_res_uid(user.uid(), user.uid(), user.uid()).unwrap();
        let key = key_in(new_keyring());
        assert_eq!(give(key), Ok(()));
        assert_eq!(owned(key).1, group.uid().as_raw().to_string());
    });
}

#[test]
fn two_none_are_success_without_a_look() {
    require!(keyctl);
    assert_eq!(key_of(1).set_owner(None, None), Ok(()));
    assert_eq!(key_with(NONE).set_owner(None, None), Ok(()));
}

#[test]
fn only_root_gives_to_another() {
    require!(keyctl);
    someone(|me| {
        let key = key_in(new_keyring());
        assert_eq!(key.set_owner(Some(Uid::ROOT), None), Err(Error::AccessDenied));
        assert_eq!(key.set_owner(None, Some(Gid::ROOT)), Err(Error::AccessDenied));
        // To whom it belongs already is another matter.
        assert_eq!(key.set_owner(Some(me), Some(getegid())), Ok(()));
        let key = key_with(NONE.possessor(Rights::ALL - Rights::SETATTR));
        assert_eq!(key.set_owner(Some(me), None), Err(Error::AccessDenied));
    });
}

#[test]
fn ids_that_are_not_mapped_are_invalid() {
    require!(keyctl, userns);
    in_child(|| {
        let key = key_in(new_keyring());
        let (uid, gid) = (getuid(), getegid());
        who::unshare_users().unwrap();
        assert_eq!(key.set_owner(Some(uid), None), Err(Error::InvalidArgument));
        assert_eq!(key.set_owner(None, Some(gid)), Err(Error::InvalidArgument));
    });
}

#[test]
fn the_new_owners_quota_counts() {
    require!(keyctl, root);
    let user = User::new();
    in_thread(|| {
        let key = key_with(NONE.user(Rights::ALL));
        who::as_uids(user.uid(), user.uid(), Uid::ROOT, || {
            spend_quota();
            set_thread_res_uid(Uid::ROOT, Uid::ROOT, Uid::ROOT).unwrap();
            assert_eq!(key.set_owner(Some(user.uid()), None), Err(Error::QuotaExceeded));
        });
        assert_eq!(owned(key).0, "0");
    });
}

// Of both.

fn both(key: Key) -> [Result<()>; 2] {
    [key.set_permissions(NONE.possessor(Rights::ALL)), key.set_owner(Some(getuid()), None)]
}

#[test]
fn what_is_gone_can_not_be_changed() {
    require!(keyctl);
    let (revoked, invalidated) = (key_in(new_keyring()), key_in(new_keyring()));
    raw::revoke(revoked).unwrap();
    raw::invalidate(invalidated).unwrap();
    assert_eq!(both(revoked), [Err(Error::KeyRevoked); 2]);
    assert_eq!(both(invalidated), [Err(Error::NoKey); 2]);
    assert_eq!(both(key_of(1)), [Err(Error::NoKey); 2]);
    assert_eq!(both(expired_key()), [Err(Error::KeyExpired); 2]);
}

#[test]
fn other_refusals_arrive() {
    require!(keyctl, seccomp);
    let key = key_in(new_keyring());
    let call = || key.set_permissions(Permissions::NONE);
    seccomp::passed_on(|errno| seccomp::answer(op::SETPERM.number(), errno), call);
    seccomp::passed_on(|errno| seccomp::answer(op::CHOWN.number(), errno), || key.set_owner(None, None));
}
