//! The story that `keyctl_get_persistent(3)` tells: "Unlike the session and user keyrings, this keyring
//! will persist once all login sessions have been deleted and can thus be used to carry authentication
//! tokens for processes that run without user interaction, such as programs started by cron."
#![allow(unsafe_code, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use std::ffi::CStr;

use common::who::take_uids;
use common::{Unlink, User, in_child, in_thread, raw, require, someone, unique};
use keyctl::{Error, Keyring, Uid, get_persistent};
use rustix::process::{getuid, setsid};

const TOKEN: &[u8] = b"ticket-granting ticket";

/// What PAM does, and cron: a process of its own with a session and a session keyring of its own.
fn session_of(uid: Uid, f: impl FnOnce()) {
    in_child(|| {
        setsid().unwrap();
        if uid != getuid() {
            take_uids(uid, uid, uid).unwrap();
        }
        raw::join_session(None).unwrap();
        f();
    });
}

/// A login, whose shell starts a program, which leaves a token. All of them have ended on return.
fn login_leaves_a_token(uid: Uid, name: &CStr) {
    session_of(uid, || {
        in_child(|| {
            in_child(|| {
                let persistent = get_persistent(None, Keyring::SESSION).unwrap();
                raw::add_key(c"user", name, TOKEN, persistent).unwrap();
            });
            // The session has it, and not just the program that is gone.
            let token = raw::request_key(c"user", name).unwrap();
            assert_eq!(raw::read(token).unwrap(), TOKEN);
        });
    });
}

/// A program of cron's finds the token there, and only there.
fn cron_reads_the_token(uid: Uid, name: &CStr) {
    session_of(uid, || {
        assert_eq!(raw::request_key(c"user", name), Err(Error::NoKey));
        let persistent = get_persistent(None, Keyring::PROCESS).unwrap();
        let token = raw::search(persistent, c"user", name).unwrap();
        assert_eq!(raw::read(token).unwrap(), TOKEN);
        assert_eq!(raw::request_key(c"user", name), Ok(token));
    });
}

#[test]
fn a_token_outlives_the_login() {
    require!(persistent);
    someone(|me| {
        let name = unique();
        login_leaves_a_token(me, &name);
        let persistent = get_persistent(None, Keyring::THREAD).unwrap();
        let _unlink = Unlink(raw::search(persistent, c"user", &name).unwrap(), persistent);
        cron_reads_the_token(me, &name);
    });
}

#[test]
fn it_is_of_no_use_to_another_user() {
    require!(persistent, root);
    let (owner, other, name) = (User::new(), User::new(), unique());
    login_leaves_a_token(owner.uid(), &name);
    cron_reads_the_token(owner.uid(), &name);

    // The numbers are no secret: here a privileged process finds them out.
    let (persistent, token) = in_thread(|| {
        let persistent = get_persistent(Some(owner.uid()), Keyring::THREAD).unwrap();
        (persistent, raw::search(persistent, c"user", &name).unwrap())
    });
    session_of(other.uid(), || {
        let ours = get_persistent(None, Keyring::SESSION).unwrap();
        assert_ne!(ours, persistent);
        assert_eq!(raw::request_key(c"user", &name), Err(Error::NoKey));
        assert_eq!(get_persistent(Some(owner.uid()), Keyring::SESSION), Err(Error::NotPermitted));
        assert_eq!(raw::links(persistent), Err(Error::AccessDenied));
        assert_eq!(raw::link(persistent, ours), Err(Error::AccessDenied));
        assert_eq!(raw::search(persistent, c"user", &name), Err(Error::AccessDenied));
        assert_eq!(raw::describe(token), Err(Error::AccessDenied));
        assert_eq!(raw::read(token), Err(Error::AccessDenied));
        assert_eq!(raw::link(token, ours), Err(Error::AccessDenied));
    });
}
