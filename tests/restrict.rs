//! What a keyring takes: `restrict_all`, and `restrict` to keys that are signed.
#![allow(unsafe_code, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use std::ffi::CString;

use common::{
    expire, in_child, key_in, keyring_in, new_keyring, only_without, raw, require, seccomp, someone, unique,
    unusable_keyrings, x509,
};
use keyctl::syscall::op;
use keyctl::{Collision, Error, Key, KeyType, Keyring, Rights};

// To nothing.

#[test]
fn sealed_keyring_takes_no_link_of_any_kind() {
    require!(keyctl, moves);
    someone(|_| {
        let (keyring, elsewhere, name) = (new_keyring(), new_keyring(), unique());
        let key = raw::add_key(c"user", &name, b"secret", elsewhere).unwrap();
        assert_eq!(keyring.restrict_all(), Ok(()));
        assert_eq!(keyring.add_key(KeyType::USER, &*unique(), b"1"), Err(Error::NotPermitted));
        assert_eq!(keyring.add_keyring(&*unique()), Err(Error::NotPermitted));
        assert_eq!(keyring.link(key), Err(Error::NotPermitted));
        let found = elsewhere.search_and_link(KeyType::USER, &*name, keyring);
        assert_eq!(found, Err(Error::NotPermitted));
        for collision in [Collision::Displace, Collision::Refuse] {
            assert_eq!(elsewhere.move_to(key, keyring, collision), Err(Error::NotPermitted));
        }
        assert_eq!(raw::links(elsewhere), Ok(vec![key]));
        assert_eq!(raw::links(keyring), Ok(vec![]));
    });
}

#[test]
fn sealed_keyring_keeps_what_is_in_it_and_lets_it_be_read_and_updated() {
    require!(keyctl, restrict);
    someone(|_| {
        let (keyring, name) = (new_keyring(), unique());
        let key = raw::add_key(c"user", &name, b"first", keyring).unwrap();
        assert_eq!(keyring.restrict_all(), Ok(()));
        assert_eq!(raw::links(keyring), Ok(vec![key]));
        assert_eq!(keyring.search(KeyType::USER, &*name), Ok(Some(key)));
        assert_eq!(key.update(b"second"), Ok(()));
        assert_eq!(raw::read(key).unwrap(), b"second");
        // Each of these would do without a new link.
        assert_eq!(keyring.add_key(KeyType::USER, &*name, b"third"), Err(Error::NotPermitted));
        assert_eq!(keyring.link(key), Err(Error::NotPermitted));
        assert_eq!(raw::read(key).unwrap(), b"second");
    });
}

#[test]
fn sealed_keyring_can_be_emptied_and_stays_sealed() {
    require!(keyctl, moves);
    someone(|_| {
        let (keyring, elsewhere) = (new_keyring(), new_keyring());
        let (unlinked, moved) = (key_in(keyring), key_in(keyring));
        key_in(keyring);
        assert_eq!(keyring.restrict_all(), Ok(()));
        assert_eq!(keyring.unlink(unlinked), Ok(()));
        assert_eq!(keyring.move_to(moved, elsewhere, Collision::Refuse), Ok(()));
        assert_eq!(keyring.clear(), Ok(()));
        assert_eq!(raw::links(keyring), Ok(vec![]));
        assert_eq!(keyring.link(moved), Err(Error::NotPermitted));
    });
}

#[test]
fn what_is_in_a_sealed_keyring_is_not_sealed() {
    require!(keyctl, restrict);
    someone(|_| {
        let keyring = new_keyring();
        let inner = keyring_in(keyring);
        assert_eq!(keyring.restrict_all(), Ok(()));
        assert!(inner.add_key(KeyType::USER, &*unique(), b"1").is_ok());
    });
}

#[test]
fn restriction_is_for_good() {
    require!(keyctl, restrict, asymmetric);
    someone(|_| {
        let (sealed, signed) = (new_keyring(), new_keyring());
        let trusting = trusting(new_keyring(), "");
        assert_eq!(sealed.restrict_all(), Ok(()));
        assert_eq!(signed.restrict(KeyType::ASYMMETRIC, &*trusting), Ok(()));
        for keyring in [sealed, signed] {
            assert_eq!(keyring.restrict_all(), Err(Error::AlreadyExists));
            assert_eq!(keyring.restrict(KeyType::ASYMMETRIC, &*trusting), Err(Error::AlreadyExists));
        }
    });
}

#[test]
fn keyring_to_restrict_must_be_one_that_grants_setattr() {
    require!(keyctl, restrict, asymmetric);
    someone(|_| {
        let trusting = trusting(new_keyring(), "");
        for (keyring, error) in unusable_keyrings(Rights::SETATTR) {
            assert_eq!(keyring.restrict_all(), Err(error), "{keyring:?}");
            assert_eq!(keyring.restrict(KeyType::ASYMMETRIC, &*trusting), Err(error), "{keyring:?}");
        }
        // A child has no thread keyring, and it is not made to be restricted.
        in_child(|| assert_eq!(Keyring::THREAD.restrict_all(), Err(Error::NoKey)));
    });
}

#[test]
fn restriction_passes_on_what_it_is_answered() {
    require!(keyctl, seccomp);
    let keyring = new_keyring();
    let answer = |errno| seccomp::answer(op::RESTRICT_KEYRING.number(), errno);
    seccomp::passed_on(answer, || keyring.restrict_all());
    seccomp::passed_on(answer, || keyring.restrict(KeyType::ASYMMETRIC, c"builtin_trusted"));
}

// To what a type says.

/// The restriction to keys that are signed by a key, or one in a keyring.
fn trusting(by: impl Into<Key>, more: &str) -> CString {
    CString::new(format!("key_or_keyring:{}{more}", by.into().serial())).unwrap()
}

#[test]
fn type_must_have_restrictions() {
    require!(keyctl, restrict);
    someone(|_| {
        let keyring = new_keyring();
        for (key_type, error) in [
            (c"user", Error::NotFound),
            (c"keyring", Error::NotFound),
            (c"keyctl-test-none", Error::NoKey),
            (c"keyctl-test-of-one-byte-too-many", Error::InvalidArgument),
            (c"", Error::InvalidArgument),
            (c".request_key_auth", Error::NotPermitted),
        ] {
            assert_eq!(keyring.restrict(KeyType::new(key_type), c"x"), Err(error), "{key_type:?}");
        }
        assert_eq!(keyring.restrict_all(), Ok(()));
    });
}

#[test]
fn type_must_know_the_restriction() {
    require!(keyctl, restrict, asymmetric);
    someone(|_| {
        let keyring = new_keyring();
        let trusted = new_keyring();
        let restrict = |to: &str| keyring.restrict(KeyType::ASYMMETRIC, to);
        for unknown in [
            String::new(),
            String::from("gibberish"),
            String::from("builtin_trusted:"),
            String::from("key_or_keyring"),
            String::from("key_or_keyring:"),
            String::from("key_or_keyring:x"),
            format!("key_or_keyring:{}:", trusted.serial()),
            format!("key_or_keyring:{}:chained", trusted.serial()),
        ] {
            assert_eq!(restrict(&unknown), Err(Error::InvalidArgument), "{unknown}");
        }
        // No key has a number below 3, and special ids are none here.
        for none in ["key_or_keyring:1", "key_or_keyring:0", "key_or_keyring:-1", "key_or_keyring:1:chain"] {
            assert_eq!(restrict(none), Err(Error::NoKey), "{none}");
        }
        assert_eq!(keyring.restrict_all(), Ok(()));
    });
}

#[test]
fn absent_asymmetric_is_no_key() {
    only_without!(asymmetric);
    require!(keyctl, restrict);
    let restricted = new_keyring().restrict(KeyType::ASYMMETRIC, c"builtin_trusted");
    assert_eq!(restricted, Err(Error::NoKey));
}

#[test]
fn keyrings_do_not_restrict_each_other() {
    require!(keyctl, restrict, asymmetric);
    someone(|_| {
        let [first, second, third] = [(); 3].map(|()| new_keyring());
        let restrict = |keyring: Keyring, by| keyring.restrict(KeyType::ASYMMETRIC, &*trusting(by, ""));
        assert_eq!(restrict(first, first), Err(Error::Cycle));
        assert_eq!(restrict(first, second), Ok(()));
        assert_eq!(restrict(second, third), Ok(()));
        assert_eq!(restrict(third, first), Err(Error::Cycle));
        assert_eq!(third.restrict_all(), Ok(()));
    });
}

#[test]
fn keyring_for_signed_keys_takes_no_others() {
    require!(keyctl, moves, asymmetric);
    someone(|_| {
        let (keyring, elsewhere, name) = (new_keyring(), new_keyring(), unique());
        let key = raw::add_key(c"user", &name, b"secret", elsewhere).unwrap();
        keyring.restrict(KeyType::ASYMMETRIC, &*trusting(new_keyring(), "")).unwrap();
        assert_eq!(keyring.add_key(KeyType::USER, &*unique(), b"1"), Err(Error::Unsupported));
        assert_eq!(keyring.add_keyring(&*unique()), Err(Error::Unsupported));
        assert_eq!(keyring.link(key), Err(Error::Unsupported));
        assert_eq!(keyring.link(new_keyring()), Err(Error::Unsupported));
        let found = elsewhere.search_and_link(KeyType::USER, &*name, keyring);
        assert_eq!(found, Err(Error::Unsupported));
        let moved = elsewhere.move_to(key, keyring, Collision::Displace);
        assert_eq!(moved, Err(Error::Unsupported));
        assert_eq!(raw::links(keyring), Ok(vec![]));
    });
}

#[test]
fn builtin_keys_did_not_sign_ours() {
    require!(keyctl, restrict, x509);
    someone(|_| {
        for builtin in [c"builtin_trusted", c"builtin_and_secondary_trusted"] {
            let keyring = new_keyring();
            assert_eq!(keyring.restrict(KeyType::ASYMMETRIC, builtin), Ok(()));
            let refused = keyring.add_key(KeyType::ASYMMETRIC, c"", x509::CA).unwrap_err();
            // The latter from a kernel that is built without any.
            assert!(matches!(refused, Error::NoKey | Error::NotPermitted), "{refused:?}");
            assert_eq!(raw::links(keyring), Ok(vec![]));
        }
    });
}

/// Adds a certificate, with a description that it makes up itself.
fn add(keyring: Keyring, certificate: &[u8]) -> keyctl::Result<Key> {
    keyring.add_key(KeyType::ASYMMETRIC, c"", certificate)
}

#[test]
fn keyring_takes_keys_signed_by_a_key_or_one_in_a_keyring() {
    require!(keyctl, moves, x509);
    someone(|_| {
        let authorities = new_keyring();
        let ca = add(authorities, x509::CA).unwrap();
        for by in [ca, authorities.into()] {
            let keyring = new_keyring();
            assert_eq!(keyring.restrict(KeyType::ASYMMETRIC, &*trusting(by, "")), Ok(()));
            let middle = add(keyring, x509::MIDDLE).unwrap();
            assert_eq!(raw::links(keyring), Ok(vec![middle]));
            // The leaf is signed by what is there, but that is not asked.
            assert_eq!(add(keyring, x509::LEAF), Err(Error::NoKey));
            assert_eq!(add(keyring, &x509::tampered(x509::MIDDLE)), Err(Error::KeyRejected));
            assert_eq!(add(keyring, &x509::unknown_algorithm(x509::MIDDLE)), Err(Error::NoAlgorithm));
            // The authority signed itself.
            assert_eq!(keyring.link(ca), Ok(()));
            assert_eq!(keyring.link(middle), Ok(()));
        }
    });
}

#[test]
fn keyring_that_is_trusted_is_asked_each_time() {
    require!(keyctl, restrict, x509);
    someone(|_| {
        let (authorities, keyring) = (new_keyring(), new_keyring());
        keyring.restrict(KeyType::ASYMMETRIC, &*trusting(authorities, "")).unwrap();
        assert_eq!(add(keyring, x509::LEAF), Err(Error::NoKey));
        let middle = add(authorities, x509::MIDDLE).unwrap();
        let leaf = add(keyring, x509::LEAF).unwrap();
        // What has been taken stays.
        raw::unlink(middle, authorities).unwrap();
        assert_eq!(raw::links(keyring), Ok(vec![leaf]));
        assert_eq!(keyring.link(leaf), Err(Error::NoKey));
    });
}

#[test]
fn links_of_signed_keys_are_judged_like_new_ones() {
    require!(keyctl, moves, x509);
    someone(|_| {
        let (ca, elsewhere, keyring) = (new_keyring(), new_keyring(), new_keyring());
        let by = add(ca, x509::CA).unwrap();
        keyring.restrict(KeyType::ASYMMETRIC, &*trusting(by, "")).unwrap();
        let name = unique();
        let leaf = elsewhere.add_key(KeyType::ASYMMETRIC, &*name, x509::LEAF).unwrap();
        assert_eq!(keyring.link(leaf), Err(Error::NoKey));
        assert_eq!(elsewhere.move_to(leaf, keyring, Collision::Displace), Err(Error::NoKey));
        // Found, and yet absent: for a search it is the same number.
        let found = elsewhere.search_and_link(KeyType::ASYMMETRIC, &*name, keyring);
        assert_eq!(found, Ok(None));
        assert_eq!(raw::links(keyring), Ok(vec![]));
        let forged = add(elsewhere, &x509::tampered(x509::MIDDLE)).unwrap();
        assert_eq!(keyring.link(forged), Err(Error::KeyRejected));
        assert_eq!(elsewhere.move_to(forged, keyring, Collision::Refuse), Err(Error::KeyRejected));
        let middle = add(elsewhere, x509::MIDDLE).unwrap();
        assert_eq!(elsewhere.move_to(middle, keyring, Collision::Refuse), Ok(()));
    });
}

#[test]
fn chain_goes_on_from_what_is_there() {
    require!(keyctl, restrict, x509);
    someone(|_| {
        let authorities = new_keyring();
        let ca = add(authorities, x509::CA).unwrap();
        let keyring = new_keyring();
        assert_eq!(keyring.restrict(KeyType::ASYMMETRIC, &*trusting(ca, ":chain")), Ok(()));
        assert_eq!(add(keyring, x509::LEAF), Err(Error::NoKey));
        add(keyring, x509::MIDDLE).unwrap();
        assert!(add(keyring, x509::LEAF).is_ok());

        // From nothing else: what is there first is what is trusted.
        let keyring = new_keyring();
        raw::link(ca, keyring).unwrap();
        assert_eq!(keyring.restrict(KeyType::ASYMMETRIC, c"key_or_keyring:0:chain"), Ok(()));
        assert_eq!(add(keyring, x509::LEAF), Err(Error::NoKey));
        add(keyring, x509::MIDDLE).unwrap();
        assert!(add(keyring, x509::LEAF).is_ok());
    });
}

#[test]
fn key_that_is_trusted_must_be_valid() {
    require!(keyctl, restrict, x509);
    someone(|_| {
        let [expired, revoked] = [(); 2].map(|()| {
            let ca = add(new_keyring(), x509::CA).unwrap();
            let keyring = new_keyring();
            keyring.restrict(KeyType::ASYMMETRIC, &*trusting(ca, "")).unwrap();
            (ca, keyring)
        });
        expire(expired.0);
        raw::revoke(revoked.0).unwrap();
        assert_eq!(add(expired.1, x509::MIDDLE), Err(Error::KeyExpired));
        assert_eq!(add(revoked.1, x509::MIDDLE), Err(Error::KeyRevoked));
    });
}

#[test]
fn key_that_signs_nothing_can_be_trusted_in_vain() {
    require!(keyctl, restrict, x509);
    someone(|_| {
        // Of whatever type, and whosever it is.
        let keyring = new_keyring();
        let key = key_in(new_keyring());
        raw::set_permissions(key, 0).unwrap();
        assert_eq!(keyring.restrict(KeyType::ASYMMETRIC, &*trusting(key, "")), Ok(()));
        assert_eq!(add(keyring, x509::MIDDLE), Err(Error::Unsupported));
        assert_eq!(raw::links(keyring), Ok(vec![]));
    });
}
