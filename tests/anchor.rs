//! Where to keep keys: the persistent keyring, or the user keyring where the kernel has none. krb5's rule.
//!
//! | documented | test |
//! | --- | --- |
//! | the persistent keyring | [`where_there_are_persistent_keyrings_it_is_one`] |
//! | "or the user keyring where the kernel has no persistent ones" | [`where_there_are_none_it_is_the_user_keyring`], [`this_kernel_has_none`] |
//! | "only for the caller's own keyring": `None`, or the real uid | [`a_foreign_uid_has_no_stand_in`], [`the_user_keyring_is_the_real_uids`] |
//! | "a restricted `keyring` can't confuse" | [`a_destination_that_takes_signed_keys_only_is_refused`] |
//! | "everything else ... is the caller's to know" | [`a_sandbox_is_no_reason`], [`other_refusals_arrive`] |
//! | `Anchor::keyring` | [`an_anchor_is_a_keyring`] |
#![allow(unsafe_code, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use std::ffi::CString;

use common::who::as_uids;
use common::{
    User, expired_key, in_thread, key_in, key_of, new_keyring, only_without, raw, require, seccomp, someone,
};
use keyctl::syscall::op;
use keyctl::{Anchor, Error, Keyring, MAX_DESCRIPTION, Result, Uid, get_persistent, persistent_or_user};

/// The answer where the kernel's answer to `GET_PERSISTENT` is this error number.
fn answered(errno: i32, uid: Option<Uid>) -> Result<Anchor> {
    seccomp::answer(op::GET_PERSISTENT.number(), errno.try_into().unwrap());
    persistent_or_user(uid, new_keyring())
}

#[test]
fn an_anchor_is_a_keyring() {
    let keyring = Keyring::from(key_of(4711));
    assert_eq!(Anchor::Persistent(keyring).keyring(), keyring);
    assert_eq!(Anchor::User.keyring(), Keyring::USER);
}

#[test]
fn where_there_are_persistent_keyrings_it_is_one() {
    require!(persistent);
    someone(|me| {
        let keyring = new_keyring();
        let anchor = persistent_or_user(None, keyring).unwrap();
        assert_eq!(anchor, Anchor::Persistent(get_persistent(None, new_keyring()).unwrap()));
        assert_eq!(raw::links(keyring), Ok(vec![anchor.keyring().into()]));
        assert_eq!(persistent_or_user(Some(me), keyring), Ok(anchor));
    });
}

#[test]
fn where_there_are_none_it_is_the_user_keyring() {
    require!(keyctl, seccomp);
    someone(|me| {
        assert_eq!(answered(libc::EOPNOTSUPP, None), Ok(Anchor::User));
        assert_eq!(answered(libc::EOPNOTSUPP, Some(me)), Ok(Anchor::User));
        // It is of use, and nothing is linked for it.
        let key = key_in(Anchor::User.keyring());
        raw::unlink(key, Keyring::USER).unwrap();
        let keyring = new_keyring();
        assert_eq!(persistent_or_user(None, keyring), Ok(Anchor::User));
        assert_eq!(raw::links(keyring), Ok(vec![]));
    });
}

#[test]
fn this_kernel_has_none() {
    only_without!(persistent);
    require!(keyctl);
    someone(|me| {
        assert_eq!(persistent_or_user(None, Keyring::THREAD), Ok(Anchor::User));
        assert_eq!(persistent_or_user(Some(me), Keyring::THREAD), Ok(Anchor::User));
    });
}

#[test]
fn a_foreign_uid_has_no_stand_in() {
    require!(keyctl, seccomp);
    someone(|_| assert_eq!(answered(libc::EOPNOTSUPP, Some(Uid::ROOT)), Err(Error::Unsupported)));
}

#[test]
fn the_user_keyring_is_the_real_uids() {
    require!(keyctl, seccomp, root);
    let (real, effective) = (User::new(), User::new());
    as_uids(real.uid(), effective.uid(), effective.uid(), || {
        let name = format!("_uid.{}", real.uid().as_raw());
        let user = Keyring::USER.describe(&mut [0; MAX_DESCRIPTION]).unwrap().description.to_vec();
        assert_eq!(user, name.as_bytes());
        assert_eq!(answered(libc::EOPNOTSUPP, None), Ok(Anchor::User));
        assert_eq!(answered(libc::EOPNOTSUPP, Some(real.uid())), Ok(Anchor::User));
        assert_eq!(answered(libc::EOPNOTSUPP, Some(effective.uid())), Err(Error::Unsupported));
    });
}

#[test]
fn a_destination_that_takes_signed_keys_only_is_refused() {
    require!(persistent, asymmetric);
    someone(|_| {
        let keyring = new_keyring();
        let trusted = CString::new(format!("key_or_keyring:{}", new_keyring().serial())).unwrap();
        raw::restrict(keyring, Some((c"asymmetric", &trusted))).unwrap();
        assert_eq!(persistent_or_user(None, keyring), Err(Error::Unsupported));
    });
}

#[test]
fn a_sandbox_is_no_reason() {
    require!(keyctl, seccomp);
    for (profile, error) in [
        (seccomp::DOCKER, Error::NotPermitted),
        (seccomp::LXC, Error::NotImplemented),
        (seccomp::GVISOR, Error::NotImplemented),
        (seccomp::NO_KEYRINGS, Error::NotImplemented),
    ] {
        in_thread(|| {
            seccomp::apply(profile);
            assert_eq!(persistent_or_user(None, Keyring::THREAD), Err(error));
        });
    }
}

#[test]
fn other_refusals_arrive() {
    require!(persistent);
    someone(|_| {
        assert_eq!(persistent_or_user(Some(Uid::ROOT), new_keyring()), Err(Error::NotPermitted));
        let refused = |serial| persistent_or_user(None, Keyring::from(serial));
        assert_eq!(refused(key_in(new_keyring()).serial()), Err(Error::NotAKeyring));
        assert_eq!(refused(key_of(1).serial()), Err(Error::NoKey));
        assert_eq!(refused(key_of(-6).serial()), Err(Error::InvalidArgument));
        assert_eq!(refused(expired_key().serial()), Err(Error::KeyExpired));
    });
}
