//! Finding keys: `search`, `search_and_link`, `find_or_create`.
#![allow(unsafe_code, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use std::ffi::{CStr, CString};

use common::{
    User, all_but, expire, keyring_in, negative_key_in, new_keyring, raw, require, seccomp, someone,
    spend_quota, unique, until, unusable_keyrings, x509,
};
use keyctl::syscall::op;
use keyctl::{Error, Key, KeyType, Keyring, Origin, Rights};

/// Adds a key of that name.
fn add(name: &CStr, keyring: Keyring) -> Key {
    raw::add_key(c"user", name, b"secret", keyring).unwrap()
}

/// The innermost of so many keyrings in one another. Each is also linked where it is possessed, which by way
/// of the others it is not at any depth.
fn nested(keyring: Keyring, depth: usize) -> Keyring {
    (0..depth).fold(keyring, |outer, _| {
        let inner = new_keyring();
        raw::link(inner, outer).unwrap();
        inner
    })
}

// Finding.

#[test]
fn key_is_found_by_type_and_whole_description() {
    require!(keyctl);
    someone(|_| {
        let (keyring, name) = (new_keyring(), c"keyctl:test:search");
        let key = add(name, keyring);
        add(c"keyctl:test:searching", keyring);
        assert_eq!(keyring.search(KeyType::USER, name), Ok(Some(key)));
        assert_eq!(keyring.search(KeyType::LOGON, name), Ok(None));
        assert_eq!(keyring.search(KeyType::KEYRING, name), Ok(None));
        assert_eq!(keyring.search(KeyType::USER, c"keyctl:test:searc"), Ok(None));
        assert_eq!(keyring.search(KeyType::USER, c"KEYCTL:TEST:SEARCH"), Ok(None));
        assert_eq!(keyring.search(KeyType::USER, c""), Ok(None));
    });
}

#[test]
fn special_keyrings_are_searched() {
    require!(keyctl, root);
    User::new().run(|| {
        let all = [Keyring::THREAD, Keyring::PROCESS, Keyring::SESSION, Keyring::USER, Keyring::USER_SESSION];
        for keyring in all {
            let name = unique();
            let key = add(&name, keyring);
            assert_eq!(keyring.search(KeyType::USER, &*name), Ok(Some(key)), "{keyring:?}");
        }
    });
}

#[test]
fn six_keyrings_deep_is_deep_enough_to_be_found() {
    require!(keyctl);
    someone(|_| {
        let (keyring, name, deeper) = (new_keyring(), unique(), unique());
        let sixth = nested(keyring, 6);
        let key = add(&name, sixth);
        let seventh = nested(sixth, 1);
        add(&deeper, seventh);
        assert_eq!(keyring.search(KeyType::USER, &*name), Ok(Some(key)));
        assert_eq!(keyring.search(KeyType::USER, &*deeper), Ok(None));
        // The seventh is in the sixth.
        let name = CString::new(raw::description(seventh).unwrap()).unwrap();
        assert_eq!(keyring.search(KeyType::KEYRING, &*name), Ok(Some(seventh.into())));
    });
}

#[test]
fn keyring_finds_itself() {
    require!(keyctl);
    someone(|_| {
        let (keyring, name) = (new_keyring(), unique());
        let outer = keyring.add_keyring(&*name).unwrap();
        let inner = outer.add_keyring(&*name).unwrap();
        assert_eq!(outer.search(KeyType::KEYRING, &*name), Ok(Some(outer.into())));
        assert_eq!(inner.search(KeyType::KEYRING, &*name), Ok(Some(inner.into())));
    });
}

#[test]
fn nearer_key_is_found_first() {
    require!(keyctl);
    someone(|_| {
        let (keyring, name) = (new_keyring(), unique());
        let inner = add(&name, keyring_in(keyring));
        assert_eq!(keyring.search(KeyType::USER, &*name), Ok(Some(inner)));
        let outer = add(&name, keyring);
        assert_eq!(keyring.search(KeyType::USER, &*name), Ok(Some(outer)));
    });
}

#[test]
fn absence_is_none() {
    require!(keyctl);
    someone(|_| {
        let (keyring, name) = (new_keyring(), unique());
        assert_eq!(keyring.search(KeyType::USER, &*name), Ok(None));
        let key = add(&name, keyring);
        assert_eq!(keyring.search(KeyType::new(c"keyctl-test-none"), &*name), Ok(None));
        raw::unlink(key, keyring).unwrap();
        assert_eq!(keyring.search(KeyType::USER, &*name), Ok(None));
    });
}

#[test]
fn what_does_not_grant_search_is_passed_over() {
    require!(keyctl);
    someone(|_| {
        let (keyring, name) = (new_keyring(), unique());
        let (outer, closed, open) = (add(&name, keyring), keyring_in(keyring), new_keyring());
        let inner = add(&name, closed);
        raw::link(inner, open).unwrap();
        raw::set_permissions(outer, all_but(Rights::SEARCH)).unwrap();
        assert_eq!(keyring.search(KeyType::USER, &*name), Ok(Some(inner)));
        raw::set_permissions(closed, all_but(Rights::SEARCH)).unwrap();
        assert_eq!(keyring.search(KeyType::USER, &*name), Err(Error::AccessDenied));
        raw::link(open, keyring).unwrap();
        assert_eq!(keyring.search(KeyType::USER, &*name), Ok(Some(inner)));

        raw::unlink(open, keyring).unwrap();
        raw::unlink(outer, keyring).unwrap();
        assert_eq!(keyring.search(KeyType::USER, &*name), Ok(None));
    });
}

#[test]
fn match_that_has_ended_is_passed_over_and_told_where_it_is_the_only_one() {
    require!(keyctl);
    someone(|_| {
        let ends: [(fn(Key), Error); 2] =
            [(expire, Error::KeyExpired), (|key| raw::revoke(key).unwrap(), Error::KeyRevoked)];
        for (end, error) in ends {
            let (keyring, name) = (new_keyring(), unique());
            end(add(&name, keyring));
            assert_eq!(keyring.search(KeyType::USER, &*name), Err(error));
            let inner = add(&name, keyring_in(keyring));
            assert_eq!(keyring.search(KeyType::USER, &*name), Ok(Some(inner)));
        }
    });
}

#[test]
fn negative_match_answers_its_number_which_may_be_that_of_absence() {
    require!(keyctl);
    someone(|_| {
        let keyring = new_keyring();
        let name = raw::description(negative_key_in(keyring)).unwrap();
        assert_eq!(keyring.search(KeyType::USER, &*name), Ok(None));
    });
}

#[test]
fn invalidated_match_is_gone_once_it_is_collected() {
    require!(keyctl);
    someone(|_| {
        let (keyring, name) = (new_keyring(), unique());
        raw::invalidate(add(&name, keyring)).unwrap();
        let at_once = keyring.search(KeyType::USER, &*name);
        assert!(matches!(at_once, Ok(None) | Err(Error::KeyRevoked)), "{at_once:?}");
        until(Ok(None), || keyring.search(KeyType::USER, &*name));
    });
}

#[test]
fn asymmetric_key_is_found_by_identifier_and_a_revoked_one_taken_for_the_match() {
    require!(keyctl, x509);
    someone(|_| {
        let keyring = new_keyring();
        let ca = raw::add_key(c"asymmetric", c"keyctl:test:ca", x509::CA, keyring).unwrap();
        let leaf = raw::add_key(c"asymmetric", c"keyctl:test:leaf", x509::LEAF, keyring).unwrap();
        let search = |name| keyring.search(KeyType::ASYMMETRIC, name);
        assert_eq!(search(c"keyctl:test:leaf"), Ok(Some(leaf)));
        // By the end of its identifier, for which each key is looked at.
        assert_eq!(search(c"id:4b76db82"), Ok(Some(leaf)));
        assert_eq!(search(c"id:12345678"), Ok(None));
        raw::revoke(ca).unwrap();
        assert_eq!(search(c"id:4b76db82"), Ok(Some(leaf)));
        assert_eq!(search(c"id:12345678"), Err(Error::KeyRevoked));
        assert_eq!(search(c"keyctl:test:none"), Ok(None));
    });
}

#[test]
fn keyring_to_search_must_be_one_that_can_be_searched() {
    require!(keyctl);
    someone(|_| {
        for (keyring, error) in unusable_keyrings(Rights::SEARCH) {
            let result = if error == Error::NoKey { Ok(None) } else { Err(error) };
            assert_eq!(keyring.search(KeyType::USER, &*unique()), result, "{keyring:?}");
        }
    });
}

#[test]
fn type_and_description_must_be_of_a_length_that_there_is() {
    require!(keyctl);
    someone(|_| {
        let (keyring, long) = (new_keyring(), CString::new([b'x'; 4096]).unwrap());
        let search = |key_type| keyring.search(KeyType::new(key_type), c"keyctl:test");
        assert_eq!(search(c"keyctl-test-of-one-byte-too-many"), Err(Error::InvalidArgument));
        assert_eq!(search(c""), Err(Error::InvalidArgument));
        assert_eq!(search(c".request_key_auth"), Err(Error::NotPermitted));
        assert_eq!(keyring.search(KeyType::USER, &*long), Err(Error::InvalidArgument));
    });
}

#[test]
fn search_passes_on_what_it_is_answered() {
    require!(keyctl, seccomp);
    let (keyring, name) = (new_keyring(), unique());
    let answer = |errno| seccomp::answer(op::SEARCH.number(), errno);
    seccomp::passed_on(answer, || keyring.search(KeyType::USER, &*name));
    seccomp::passed_on(answer, || keyring.search_and_link(KeyType::USER, &*name, keyring));
    seccomp::passed_on(answer, || keyring.find_or_create(&*name, keyring));
}

// Finding and linking.

#[test]
fn found_key_is_linked() {
    require!(keyctl);
    someone(|_| {
        let (keyring, destination, name) = (new_keyring(), new_keyring(), unique());
        let key = add(&name, keyring_in(keyring));
        let displaced = add(&name, destination);
        let find = |name: &CStr| keyring.search_and_link(KeyType::USER, name, destination);
        assert_ne!(key, displaced);
        assert_eq!(find(&name), Ok(Some(key)));
        assert_eq!(raw::links(destination), Ok(vec![key]));
        assert_eq!(find(&name), Ok(Some(key)));
        assert_eq!(raw::links(destination), Ok(vec![key]));
        assert_eq!(find(&unique()), Ok(None));
        assert_eq!(raw::links(destination), Ok(vec![key]));
    });
}

#[test]
fn found_key_is_possessed_by_its_link() {
    require!(keyctl);
    someone(|_| {
        // Which the new session does not link, though it may be searched under its special id.
        let name = unique();
        let key = add(&name, Keyring::USER);
        let _unlink = common::Unlink(key, Keyring::USER);
        assert_eq!(raw::read(key), Err(Error::AccessDenied));
        let found = Keyring::USER.search_and_link(KeyType::USER, &*name, Keyring::THREAD);
        assert_eq!(found, Ok(Some(key)));
        assert_eq!(raw::read(key).unwrap(), b"secret");
    });
}

#[test]
fn found_key_must_grant_link() {
    require!(keyctl);
    someone(|_| {
        let (keyring, destination, name) = (new_keyring(), new_keyring(), unique());
        let key = add(&name, keyring);
        raw::set_permissions(key, all_but(Rights::LINK)).unwrap();
        let found = keyring.search_and_link(KeyType::USER, &*name, destination);
        assert_eq!(found, Err(Error::AccessDenied));
        assert_eq!(raw::links(destination), Ok(vec![]));
    });
}

#[test]
fn destination_must_be_one_that_can_be_written() {
    require!(keyctl);
    someone(|_| {
        let (keyring, name) = (new_keyring(), unique());
        add(&name, keyring);
        for (destination, error) in unusable_keyrings(Rights::WRITE) {
            let found = keyring.search_and_link(KeyType::USER, &*name, destination);
            // Which is no less an absence.
            let result = if error == Error::NoKey { Ok(None) } else { Err(error) };
            assert_eq!(found, result, "{destination:?}");
        }
    });
}

#[test]
fn destination_may_refuse_the_link() {
    require!(keyctl, restrict);
    someone(|_| {
        let (keyring, name) = (new_keyring(), unique());
        let found = keyring.add_keyring(&*name).unwrap();
        let find = |destination| keyring.search_and_link(KeyType::KEYRING, &*name, destination);
        assert_eq!(find(found), Err(Error::Cycle));
        assert_eq!(find(keyring_in(found)), Err(Error::Cycle));
        let sealed = new_keyring();
        raw::restrict(sealed, None).unwrap();
        assert_eq!(find(sealed), Err(Error::NotPermitted));
        nested(found, 7);
        assert_eq!(find(new_keyring()), Err(Error::NestedTooDeep));
    });
}

#[test]
fn quota_pays_for_the_link_to_what_is_found() {
    require!(keyctl, root);
    User::new().run(|| {
        let (keyring, destination, name) = (new_keyring(), new_keyring(), unique());
        let key = add(&name, keyring);
        spend_quota();
        let find = |destination| keyring.search_and_link(KeyType::USER, &*name, destination);
        assert_eq!(find(destination), Err(Error::QuotaExceeded));
        assert_eq!(find(keyring), Ok(Some(key)));
    });
}

// Finding or making.

#[test]
fn keyring_is_made_once_and_then_found() {
    require!(keyctl);
    someone(|_| {
        let (keyring, possessed, name) = (new_keyring(), new_keyring(), unique());
        let (made, origin) = keyring.find_or_create(&*name, possessed).unwrap();
        assert_eq!(origin, Origin::Created);
        assert_eq!(raw::description(made).unwrap(), name.to_bytes());
        assert_eq!(raw::links(made), Ok(vec![]));
        assert_eq!(raw::links(keyring), Ok(vec![made.into()]));
        assert_eq!(raw::links(possessed), Ok(vec![made.into()]));

        let another = new_keyring();
        assert_eq!(keyring.find_or_create(&*name, another), Ok((made, Origin::Found)));
        assert_eq!(raw::links(keyring), Ok(vec![made.into()]));
        assert_eq!(raw::links(another), Ok(vec![made.into()]));
    });
}

#[test]
fn keyring_of_that_name_is_displaced_where_the_found_or_made_one_is_linked() {
    require!(keyctl);
    someone(|_| {
        let (keyring, possessed, name) = (new_keyring(), new_keyring(), unique());
        possessed.add_keyring(&*name).unwrap();
        let (made, _) = keyring.find_or_create(&*name, possessed).unwrap();
        assert_eq!(raw::links(possessed), Ok(vec![made.into()]));
        let impostor = possessed.add_keyring(&*name).unwrap();
        assert_ne!(impostor, made);
        assert_eq!(keyring.find_or_create(&*name, possessed), Ok((made, Origin::Found)));
        assert_eq!(raw::links(possessed), Ok(vec![made.into()]));
    });
}

#[test]
fn keyring_of_that_name_is_found_wherever_a_search_leads() {
    require!(keyctl);
    someone(|_| {
        let (keyring, name) = (new_keyring(), unique());
        let inner = keyring_in(keyring).add_keyring(&*name).unwrap();
        assert_eq!(keyring.find_or_create(&*name, Keyring::THREAD), Ok((inner, Origin::Found)));
        // Also itself.
        assert_eq!(inner.find_or_create(&*name, Keyring::THREAD), Ok((inner, Origin::Found)));
    });
}

#[test]
fn keyring_of_another_owner_is_filled_through_what_is_made() {
    require!(keyctl, root);
    let (owner, guest) = (User::new(), User::new());
    let (name, key_name) = (unique(), unique());
    let keyring = owner.run(|| {
        raw::link(Keyring::USER, Keyring::THREAD).unwrap();
        let keyring = keyring_in(Keyring::USER);
        // All for the possessor; write and search for the others.
        raw::set_permissions(keyring, 0x3f00_000c).unwrap();
        keyring
    });
    guest.run(|| {
        let (made, origin) = keyring.find_or_create(&*name, Keyring::THREAD).unwrap();
        assert_eq!(origin, Origin::Created);
        made.add_key(KeyType::USER, &*key_name, b"secret").unwrap();
        // It is found again by who possesses the one, or is granted search and link by the other.
        assert_eq!(keyring.find_or_create(&*name, Keyring::THREAD), Err(Error::AccessDenied));
        raw::set_permissions(made, 0x3f19_0000).unwrap();
        assert_eq!(keyring.find_or_create(&*name, Keyring::THREAD), Ok((made, Origin::Found)));
    });
    owner.run(|| {
        raw::link(Keyring::USER, Keyring::THREAD).unwrap();
        let key = keyring.search(KeyType::USER, &*key_name).unwrap().unwrap();
        assert_eq!(raw::read(key).unwrap(), b"secret");
    });
}

#[test]
fn keyring_that_cant_be_linked_stays_in_the_possessed_one() {
    require!(keyctl);
    someone(|_| {
        let (keyring, possessed, name) = (new_keyring(), new_keyring(), unique());
        raw::set_permissions(keyring, all_but(Rights::WRITE)).unwrap();
        assert_eq!(keyring.find_or_create(&*name, possessed), Err(Error::AccessDenied));
        assert_eq!(raw::links(keyring), Ok(vec![]));
        let made = raw::search(possessed, c"keyring", &name).unwrap();
        assert_eq!(raw::links(possessed), Ok(vec![made]));
    });
}

#[test]
fn keyring_that_ended_is_replaced() {
    require!(keyctl);
    someone(|_| {
        let (keyring, possessed, name) = (new_keyring(), new_keyring(), unique());
        let ends: [fn(Keyring); 2] = [|keyring| raw::revoke(keyring).unwrap(), |keyring| expire(keyring)];
        for end in ends {
            let ended = keyring.add_keyring(&*name).unwrap();
            end(ended);
            let (made, origin) = keyring.find_or_create(&*name, possessed).unwrap();
            assert_eq!(origin, Origin::Created);
            assert_eq!(raw::links(keyring), Ok(vec![made.into()]));
            assert_eq!(raw::links(possessed), Ok(vec![made.into()]));
        }
    });
}

#[test]
fn nothing_is_made_where_the_search_is_refused() {
    require!(keyctl);
    someone(|_| {
        let (keyring, possessed, name) = (new_keyring(), new_keyring(), unique());
        keyring.add_keyring(&*name).unwrap();
        raw::set_permissions(keyring, all_but(Rights::SEARCH)).unwrap();
        assert_eq!(keyring.find_or_create(&*name, possessed), Err(Error::AccessDenied));
        assert_eq!(raw::links(possessed), Ok(vec![]));
    });
}

#[test]
fn both_keyrings_must_be_usable() {
    require!(keyctl);
    someone(|_| {
        let keyring = new_keyring();
        for (unusable, error) in unusable_keyrings(Rights::WRITE) {
            assert_eq!(keyring.find_or_create(&*unique(), unusable), Err(error), "{unusable:?}");
            assert_eq!(unusable.find_or_create(&*unique(), keyring), Err(error), "{unusable:?}");
        }
    });
}
