//! The session keyring, what the special ids stand for, and who inherits what.
//!
//! | documented | test |
//! | --- | --- |
//! | `join_new_session`: success | [`a_new_session_is_empty_and_anonymous`] |
//! | "the calling thread"; "The other threads keep theirs" | [`a_session_is_the_threads_own`] |
//! | "no longer possessed" | [`what_the_old_session_led_to_is_not_possessed`] |
//! | `join_session`: success | [`a_named_session_is_made`] |
//! | "a new one is made beside it" | [`the_same_name_makes_a_second_one`] |
//! | "`None` when it is its session keyring already" | [`with_search_for_its_user_it_is_joined_again`] |
//! | a keyring of another user's | [`a_keyring_of_another_user_is_joined_if_it_lets`] |
//! | `EPERM`, `EINVAL`, `InteriorNul`, `TextTooLong` | [`names_that_are_refused`] |
//! | `EDQUOT` | [`a_session_counts_in_the_quota`] |
//! | `session_to_parent`: success | [`a_parent_gets_the_session`], [`a_parent_that_has_the_session_keeps_it`] |
//! | `EPERM` | [`a_parent_with_threads_gets_none`], [`a_parent_of_another_uid_gets_none`], [`a_session_of_another_owner_is_not_given`] |
//! | `EACCES`, `EKEYREVOKED` | [`a_session_without_link_is_not_given`], [`a_revoked_session_is_not_given`] |
//! | `resolve`, `resolve_or_create`: success | [`special_ids_have_serials`], [`a_thread_keyring_is_made_when_asked_for`], [`a_serial_stays_what_it_is`] |
//! | "Possession is lost on the way" | [`a_serial_is_not_possessed`] |
//! | "by installing the user's default session keyring" | [`the_default_session_is_kept_unless_one_is_to_be_made`] |
//! | `EINVAL`, `ENOKEY` | [`ids_that_stand_for_nothing`], [`what_can_not_be_made_is_not_there`] |
//! | `EACCES`, `EKEYREVOKED`, `EKEYEXPIRED` | [`resolving_needs_search`], [`what_is_gone_is_not_resolved`] |
//! | `ENOMEM`, what a sandbox says, of all | [`other_refusals_arrive`]; with every number in faults.rs |
//! | guide: threads, fork, exec, setuid | [`a_process_keyring_is_not_seen_by_older_threads`], [`a_thread_keyring_is_the_threads_own`], [`a_child_has_the_session_only`], [`a_program_has_the_session_only`], [`setuid_keeps_the_session`] |
#![allow(unsafe_code, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use std::ffi::CString;
use std::sync::mpsc::channel;
use std::thread;

use common::program::{self, Program};
use common::who::take_uids;
use common::{
    User, expired_key, in_child, in_thread, key_in, key_of, new_keyring, raw, require, seccomp, someone,
    spend_quota, unique,
};
use keyctl::syscall::op;
use keyctl::{
    Error, Key, KeySerial, Keyring, Permissions, Result, Rights, join_new_session, join_session,
    session_to_parent,
};

/// The parts of this binary as a program: see [`program::play`].
#[test]
#[ignore = "played by another test"]
fn play() {
    program::play(&[("has_the_session_only", |args| has_the_session_only(args[0].parse().unwrap()))]);
}

/// What is made with the rights that all new sessions have, and how it is called.
fn told(keyring: Keyring) -> (String, String) {
    let told = raw::describe(keyring).unwrap();
    let mut fields = told.splitn(5, ';').skip(3).map(str::to_owned);
    (fields.next().unwrap(), fields.next().unwrap())
}

// join_new_session.

#[test]
fn a_new_session_is_empty_and_anonymous() {
    require!(keyctl);
    in_thread(|| {
        let session = join_new_session().unwrap();
        assert_eq!(raw::resolve(Keyring::SESSION), Ok(session));
        assert_eq!(told(session), ("3f030000".into(), "_ses".into()));
        assert_eq!(raw::links(session), Ok(vec![]));
        let next = join_new_session().unwrap();
        assert_ne!(next, session);
        assert_eq!(raw::resolve(Keyring::SESSION), Ok(next));
    });
}

#[test]
fn a_session_is_the_threads_own() {
    require!(keyctl);
    in_thread(|| {
        let session = join_new_session().unwrap();
        let other = in_thread(|| {
            assert_eq!(raw::resolve(Keyring::SESSION), Ok(session));
            join_new_session().unwrap()
        });
        assert_ne!(other, session);
        assert_eq!(raw::resolve(Keyring::SESSION), Ok(session));
    });
}

#[test]
fn what_the_old_session_led_to_is_not_possessed() {
    require!(keyctl);
    in_thread(|| {
        join_new_session().unwrap();
        let key = key_in(Keyring::SESSION);
        in_thread(|| {
            assert_eq!(raw::read(key).unwrap(), b"secret");
            join_new_session().unwrap();
            assert_eq!(raw::read(key), Err(Error::AccessDenied));
        });
    });
}

// join_session.

#[test]
fn a_named_session_is_made() {
    require!(keyctl);
    in_thread(|| {
        let name = unique();
        let session = join_session(&*name).unwrap().unwrap();
        assert_eq!(raw::resolve(Keyring::SESSION), Ok(session));
        assert_eq!(told(session), ("3f130000".into(), name.to_str().unwrap().into()));
        assert_eq!(raw::links(session), Ok(vec![]));
    });
}

#[test]
fn the_same_name_makes_a_second_one() {
    require!(keyctl);
    in_thread(|| {
        let name = unique();
        let first = join_session(&*name).unwrap().unwrap();
        // Its mask grants no search to the user, nor is possession looked at.
        let (second, other) = in_thread(|| {
            let second = join_session(&*name).unwrap().unwrap();
            (second, join_session(&*name).unwrap().unwrap())
        });
        assert_ne!(second, first);
        assert_ne!(other, second);
        assert_eq!(raw::resolve(Keyring::SESSION), Ok(first));
    });
}

#[test]
fn with_search_for_its_user_it_is_joined_again() {
    require!(keyctl);
    in_thread(|| {
        let name = unique();
        let session = join_session(&*name).unwrap().unwrap();
        let permissions = Permissions::NONE.possessor(Rights::ALL).user(Rights::SEARCH);
        raw::set_permissions(session, permissions.as_raw()).unwrap();
        assert_eq!(join_session(&*name), Ok(None));
        assert_eq!(raw::resolve(Keyring::SESSION), Ok(session));
        in_thread(|| {
            join_new_session().unwrap();
            assert_eq!(join_session(name.to_bytes()), Ok(Some(session)));
            assert_eq!(join_session(name.to_str().unwrap()), Ok(None));
        });
    });
}

#[test]
fn a_keyring_of_another_user_is_joined_if_it_lets() {
    require!(keyctl, root);
    let other = User::new();
    in_thread(|| {
        let name = unique();
        let keyring: Keyring = raw::add_key(c"keyring", &name, b"", Keyring::THREAD).unwrap().into();
        let all = Permissions::NONE.possessor(Rights::ALL);
        raw::set_permissions(keyring, all.user(Rights::ALL).as_raw()).unwrap();
        assert_ne!(other.run(|| join_session(&*name)).unwrap(), Some(keyring));
        raw::set_permissions(keyring, all.other(Rights::SEARCH).as_raw()).unwrap();
        assert_eq!(other.run(|| join_session(&*name)), Ok(Some(keyring)));
    });
}

#[test]
fn names_that_are_refused() {
    require!(keyctl);
    in_thread(|| {
        let session = join_new_session().unwrap();
        assert_eq!(join_session(c".hidden"), Err(Error::NotPermitted));
        assert_eq!(join_session(c""), Err(Error::InvalidArgument));
        let long = CString::new(vec![b'x'; 4096]).unwrap();
        assert_eq!(join_session(&*long), Err(Error::InvalidArgument));
        assert_eq!(join_session(long.to_bytes()), Err(Error::TextTooLong));
        assert_eq!(join_session("nul\0inside"), Err(Error::InteriorNul));
        assert_eq!(raw::resolve(Keyring::SESSION), Ok(session));
        assert!(join_session(&long.to_bytes()[1..]).unwrap().is_some());
    });
}

#[test]
fn a_session_counts_in_the_quota() {
    require!(keyctl, root);
    User::new().run(|| {
        spend_quota();
        assert_eq!(join_new_session(), Err(Error::QuotaExceeded));
        assert_eq!(join_session(&*unique()), Err(Error::QuotaExceeded));
    });
}

// session_to_parent.

/// A parent with one thread, and a session of its own, that has a child do this.
fn in_child_of_a_child(child: impl FnOnce()) {
    in_child(|| {
        raw::join_session(None).unwrap();
        in_child(child);
    });
}

#[test]
fn a_parent_gets_the_session() {
    require!(keyctl);
    let name = unique();
    in_child(|| {
        raw::join_session(None).unwrap();
        in_child(|| {
            raw::join_session(None).unwrap();
            raw::add_key(c"user", &name, b"secret", Keyring::SESSION).unwrap();
            assert_eq!(session_to_parent(), Ok(()));
        });
        let key = raw::search(Keyring::SESSION, c"user", &name).unwrap();
        assert_eq!(raw::read(key).unwrap(), b"secret");
    });
}

#[test]
fn a_parent_that_has_the_session_keeps_it() {
    require!(keyctl);
    in_child(|| {
        raw::join_session(None).unwrap();
        let session = raw::resolve(Keyring::SESSION);
        in_child(|| assert_eq!(session_to_parent(), Ok(())));
        assert_eq!(raw::resolve(Keyring::SESSION), session);
    });
}

#[test]
fn a_parent_with_threads_gets_none() {
    require!(keyctl);
    in_thread(|| {
        let session = join_new_session();
        in_child(|| {
            raw::join_session(None).unwrap();
            assert_eq!(session_to_parent(), Err(Error::NotPermitted));
        });
        assert_eq!(raw::resolve(Keyring::SESSION), session);
    });
}

#[test]
fn a_parent_of_another_uid_gets_none() {
    require!(keyctl, root);
    let user = User::new();
    in_child_of_a_child(|| {
        take_uids(user.uid(), user.uid(), user.uid()).unwrap();
        raw::join_session(None).unwrap();
        assert_eq!(session_to_parent(), Err(Error::NotPermitted));
    });
}

#[test]
fn a_session_of_another_owner_is_not_given() {
    require!(keyctl, root);
    let user = User::new();
    in_child_of_a_child(|| {
        raw::join_session(None).unwrap();
        raw::chown(Keyring::SESSION, user.uid()).unwrap();
        assert_eq!(session_to_parent(), Err(Error::NotPermitted));
    });
    // Nor is one taken away.
    in_child(|| {
        raw::join_session(None).unwrap();
        raw::chown(Keyring::SESSION, user.uid()).unwrap();
        in_child(|| {
            raw::join_session(None).unwrap();
            assert_eq!(session_to_parent(), Err(Error::NotPermitted));
        });
    });
}

#[test]
fn a_session_without_link_is_not_given() {
    require!(keyctl);
    in_child_of_a_child(|| {
        raw::join_session(None).unwrap();
        raw::set_permissions(Keyring::SESSION, 0x2f2f_2f2f).unwrap();
        assert_eq!(session_to_parent(), Err(Error::AccessDenied));
    });
}

#[test]
fn a_revoked_session_is_not_given() {
    require!(keyctl);
    in_child_of_a_child(|| {
        raw::join_session(None).unwrap();
        raw::revoke(Keyring::SESSION).unwrap();
        assert_eq!(session_to_parent(), Err(Error::KeyRevoked));
    });
}

// resolve and resolve_or_create.

#[test]
fn special_ids_have_serials() {
    require!(keyctl);
    someone(|me| {
        for (keyring, name) in [
            (Keyring::THREAD, "_tid".into()),
            (Keyring::PROCESS, "_pid".into()),
            (Keyring::SESSION, "_ses".into()),
            (Keyring::USER, format!("_uid.{}", me.as_raw())),
            (Keyring::USER_SESSION, format!("_uid_ses.{}", me.as_raw())),
        ] {
            let made = keyring.resolve_or_create().unwrap();
            assert!(!made.serial().is_special());
            assert_eq!(told(made).1, name);
            assert_eq!(keyring.resolve(), Ok(made));
            assert_eq!(keyring.resolve_or_create(), Ok(made));
        }
    });
}

#[test]
fn a_thread_keyring_is_made_when_asked_for() {
    require!(keyctl);
    in_child(|| {
        for keyring in [Keyring::THREAD, Keyring::PROCESS] {
            assert_eq!(keyring.resolve(), Err(Error::NoKey));
            let made = keyring.resolve_or_create().unwrap();
            assert_eq!(raw::resolve(keyring), Ok(made));
            assert_eq!(raw::links(made), Ok(vec![]));
        }
    });
}

#[test]
fn a_serial_stays_what_it_is() {
    require!(keyctl);
    let keyring = new_keyring();
    assert_eq!(keyring.resolve(), Ok(keyring));
    assert_eq!(keyring.resolve_or_create(), Ok(keyring));
    // Nothing asks whether it is a keyring.
    let key: Keyring = key_in(keyring).into();
    assert_eq!(key.resolve(), Ok(key));
}

#[test]
fn a_serial_is_not_possessed() {
    require!(keyctl);
    someone(|_| {
        let name = unique();
        let key = raw::add_key(c"user", &name, b"secret", Keyring::USER).unwrap();
        let _unlink = common::Unlink(key, Keyring::USER);
        let user = Keyring::USER.resolve().unwrap();
        assert_eq!(raw::search(Keyring::USER, c"user", &name), Ok(key));
        assert_eq!(raw::search(user, c"user", &name), Err(Error::AccessDenied));
    });
}

#[test]
fn the_default_session_is_kept_unless_one_is_to_be_made() {
    require!(keyctl, root);
    let user = User::new();
    user.run(|| {
        let default = Keyring::USER_SESSION.resolve();
        let name = CString::new(format!("_uid_ses.{}", user.uid().as_raw())).unwrap();
        assert_eq!(join_session(&*name).map(Option::unwrap), default);
        assert_eq!(Keyring::SESSION.resolve(), default);
        let made = Keyring::SESSION.resolve_or_create().unwrap();
        assert_eq!(told(made).1, "_ses");
        assert_eq!(Keyring::SESSION.resolve(), Ok(made));
    });
}

/// Both answers, which are the same.
fn resolved(keyring: impl Into<Key>) -> Result<Keyring> {
    let keyring = Keyring::from(keyring.into());
    let (found, made) = (keyring.resolve(), keyring.resolve_or_create());
    assert_eq!(found, made);
    found
}

#[test]
fn ids_that_stand_for_nothing() {
    require!(keyctl);
    for unknown in [KeySerial::GROUP_KEYRING.as_raw(), -9, i32::MIN] {
        assert_eq!(resolved(key_of(unknown)), Err(Error::InvalidArgument), "{unknown}");
    }
    for absent in [KeySerial::REQKEY_AUTH_KEY.as_raw(), KeySerial::REQUESTOR_KEYRING.as_raw(), 1, 2] {
        assert_eq!(resolved(key_of(absent)), Err(Error::NoKey), "{absent}");
    }
}

#[test]
fn what_can_not_be_made_is_not_there() {
    require!(keyctl, root);
    User::new().run(|| {
        spend_quota();
        assert_eq!(resolved(Keyring::USER), Err(Error::NoKey));
        assert_eq!(resolved(Keyring::USER_SESSION), Err(Error::NoKey));
        // These two do not ask the quota.
        in_child(|| {
            assert_eq!(Keyring::THREAD.resolve_or_create().map(told).unwrap().1, "_tid");
            assert_eq!(Keyring::PROCESS.resolve_or_create().map(told).unwrap().1, "_pid");
        });
    });
}

#[test]
fn resolving_needs_search() {
    require!(keyctl);
    let keyring = new_keyring();
    raw::set_permissions(keyring, 0x3737_3737).unwrap();
    assert_eq!(resolved(keyring), Err(Error::AccessDenied));
}

#[test]
fn what_is_gone_is_not_resolved() {
    require!(keyctl);
    let (revoked, invalidated) = (new_keyring(), new_keyring());
    raw::revoke(revoked).unwrap();
    raw::invalidate(invalidated).unwrap();
    assert_eq!(resolved(revoked), Err(Error::KeyRevoked));
    assert_eq!(resolved(invalidated), Err(Error::NoKey));
    assert_eq!(resolved(expired_key()), Err(Error::KeyExpired));
    in_thread(|| {
        raw::join_session(None).unwrap();
        raw::revoke(Keyring::SESSION).unwrap();
        assert_eq!(resolved(Keyring::SESSION), Err(Error::KeyRevoked));
    });
}

// Of all.

#[test]
fn other_refusals_arrive() {
    require!(keyctl, seccomp);
    let join = |errno| seccomp::answer(op::JOIN_SESSION_KEYRING.number(), errno);
    seccomp::passed_on(join, join_new_session);
    seccomp::passed_on(join, || join_session(c"name"));
    seccomp::passed_on(|errno| seccomp::answer(op::SESSION_TO_PARENT.number(), errno), session_to_parent);
    let resolve = |errno| seccomp::answer(op::GET_KEYRING_ID.number(), errno);
    seccomp::passed_on(resolve, || resolved(Keyring::THREAD));
}

// Who inherits what.

#[test]
fn a_process_keyring_is_not_seen_by_older_threads() {
    require!(keyctl);
    // A process that has none yet.
    in_child(|| {
        let (tell, told) = channel();
        thread::scope(|scope| {
            let older = scope.spawn(move || {
                told.recv().unwrap();
                (Keyring::PROCESS.resolve(), Keyring::PROCESS.resolve_or_create())
            });
            let process = Keyring::PROCESS.resolve_or_create();
            tell.send(()).unwrap();
            let (seen, made) = older.join().unwrap();
            assert_eq!(seen, Err(Error::NoKey));
            assert_ne!(made, process);
            assert_eq!(in_thread(|| Keyring::PROCESS.resolve()), process);
            assert_eq!(Keyring::PROCESS.resolve(), process);
        });
    });
}

#[test]
fn a_thread_keyring_is_the_threads_own() {
    require!(keyctl);
    in_thread(|| {
        let key = key_in(Keyring::THREAD);
        let ours = Keyring::THREAD.resolve();
        in_thread(|| {
            // Its maker had one, so it has one: another.
            let another = Keyring::THREAD.resolve();
            assert!(another.is_ok());
            assert_ne!(another, ours);
            assert_eq!(raw::read(key), Err(Error::AccessDenied));
        });
        assert_eq!(raw::read(key).unwrap(), b"secret");
    });
}

#[test]
fn a_child_has_the_session_only() {
    require!(keyctl);
    in_thread(|| {
        join_new_session().unwrap();
        let (thread, process) = (key_in(Keyring::THREAD), key_in(Keyring::PROCESS));
        let session = key_in(Keyring::SESSION);
        in_child(|| {
            assert_eq!(raw::read(session).unwrap(), b"secret");
            assert_eq!(raw::read(thread), Err(Error::AccessDenied));
            assert_eq!(raw::read(process), Err(Error::AccessDenied));
            assert_eq!(Keyring::THREAD.resolve(), Err(Error::NoKey));
            assert_eq!(Keyring::PROCESS.resolve(), Err(Error::NoKey));
        });
        raw::unlink(process, Keyring::PROCESS).unwrap();
    });
}

#[test]
fn a_program_has_the_session_only() {
    require!(keyctl);
    in_thread(|| {
        let session = join_new_session().unwrap().serial().to_string();
        new_keyring();
        let output = Program::this().run(&program::part("has_the_session_only", &[&session]));
        assert!(output.status.success(), "{output:?}");
    });
}

fn has_the_session_only(session: i32) {
    assert_eq!(Keyring::SESSION.resolve(), Ok(Keyring::from(key_of(session))));
    assert_eq!(Keyring::THREAD.resolve(), Err(Error::NoKey));
    assert_eq!(Keyring::PROCESS.resolve(), Err(Error::NoKey));
}

#[test]
fn setuid_keeps_the_session() {
    require!(keyctl, root);
    let user = User::new();
    in_thread(|| {
        let session = join_new_session().unwrap();
        let key = raw::add_key(c"user", &unique(), b"root's", Keyring::SESSION).unwrap();
        in_thread(|| {
            take_uids(user.uid(), user.uid(), user.uid()).unwrap();
            assert_eq!(Keyring::SESSION.resolve(), Ok(session));
            assert_eq!(raw::read(key).unwrap(), b"root's");
            assert_ne!(join_new_session(), Ok(session));
            assert_eq!(raw::read(key), Err(Error::AccessDenied));
        });
    });
}
