//! The links of a keyring: `link`, `unlink`, `move_to`, `clear`, `links`, `links_len`.
#![allow(unsafe_code, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use std::ffi::{CStr, CString};
use std::fs;
use std::mem::MaybeUninit;

use common::{
    User, all_but, expire, in_thread, key_count, key_in, keyring_in, negative_key_in, new_keyring, raw,
    require, seccomp, someone, spend_quota, unique, until, unusable_keyrings, unusable_keys, x509,
};
use keyctl::syscall::op;
use keyctl::{Collision, Error, Key, KeySerial, KeyType, Keyring, Rights};

/// Two keys of the same type and description.
fn twins() -> [Key; 2] {
    let name = unique();
    [(); 2].map(|()| raw::add_key(c"user", &name, b"secret", new_keyring()).unwrap())
}

fn links(keyring: Keyring) -> keyctl::Result<Vec<Key>> {
    keyring.links(&mut [MaybeUninit::uninit(); 1024]).map(|links| sorted(links.to_vec()))
}

fn sorted(mut keys: Vec<Key>) -> Vec<Key> {
    keys.sort_unstable();
    keys
}

// Linking.

#[test]
fn link_leads_to_the_key_as_long_as_it_is_there() {
    require!(keyctl);
    someone(|_| {
        let (keyring, first) = (new_keyring(), new_keyring());
        let key = key_in(first);
        assert_eq!(keyring.link(key), Ok(()));
        assert_eq!(raw::links(keyring), Ok(vec![key]));
        raw::unlink(key, first).unwrap();
        assert_eq!(raw::read(key).unwrap(), b"secret");
        raw::unlink(key, keyring).unwrap();
        until(Err(Error::NoKey), || raw::describe(key));
    });
}

#[test]
fn link_that_is_there_is_kept() {
    require!(keyctl);
    someone(|_| {
        let keyring = new_keyring();
        let key = key_in(keyring);
        assert_eq!(keyring.link(key), Ok(()));
        assert_eq!(keyring.link(key), Ok(()));
        assert_eq!(raw::links(keyring), Ok(vec![key]));
    });
}

#[test]
fn link_displaces_one_to_a_key_of_the_same_type_and_description() {
    require!(keyctl);
    someone(|_| {
        let (keyring, [first, second]) = (new_keyring(), twins());
        let other = key_in(keyring);
        assert_eq!(keyring.link(first), Ok(()));
        assert_eq!(keyring.link(second), Ok(()));
        assert_eq!(links(keyring), Ok(sorted(vec![second, other])));
    });
}

#[test]
fn special_keyrings_are_linked_and_linked_to() {
    require!(keyctl, root);
    User::new().run(|| {
        let user = raw::resolve(Keyring::USER).unwrap();
        let (keyring, key) = (new_keyring(), key_in(new_keyring()));
        assert_eq!(keyring.link(Keyring::USER), Ok(()));
        assert_eq!(raw::links(keyring), Ok(vec![user.into()]));
        for special in [Keyring::THREAD, Keyring::PROCESS, Keyring::SESSION, Keyring::USER] {
            assert_eq!(special.link(key), Ok(()));
            assert!(raw::links(raw::resolve(special).unwrap()).unwrap().contains(&key), "{special:?}");
        }
    });
}

#[test]
fn default_session_keyring_is_replaced_where_a_link_is_made_and_not_where_one_is_removed() {
    type Call = fn(Key, &CStr, Keyring) -> keyctl::Result<()>;
    require!(keyctl, moves, root);
    let calls: [(Call, bool); 8] = [
        (|_, name, _| Keyring::SESSION.add_key(KeyType::USER, name, b"1").map(drop), true),
        (|key, _, _| Keyring::SESSION.link(key), true),
        (|key, _, from| from.move_to(key, Keyring::SESSION, Collision::Displace), true),
        (|_, name, from| from.search_and_link(KeyType::USER, name, Keyring::SESSION).map(drop), true),
        (|_, _, _| Keyring::SESSION.clear(), true),
        (|key, _, _| Keyring::SESSION.unlink(key), false),
        (|_, name, _| Keyring::SESSION.search(KeyType::USER, name).map(drop), false),
        (|_, _, _| Keyring::SESSION.links_len().map(drop), false),
    ];
    let user = User::new();
    for (call, replaced) in calls {
        user.run(|| {
            let (name, from) = (unique(), new_keyring());
            let key = raw::add_key(c"user", &name, b"secret", from).unwrap();
            let default = raw::resolve(Keyring::USER_SESSION).unwrap();
            raw::link(key, Keyring::USER_SESSION).unwrap();
            let default_name = format!("_uid_ses.{}", user.uid().as_raw());
            raw::join_session(Some(&CString::new(default_name).unwrap())).unwrap();
            assert_eq!(raw::resolve(Keyring::SESSION), Ok(default));
            assert_eq!(call(key, &name, from), Ok(()));
            assert_eq!(raw::resolve(Keyring::SESSION) != Ok(default), replaced);
        });
    }
}

#[test]
fn keyring_does_not_contain_itself() {
    require!(keyctl);
    someone(|_| {
        let outer = new_keyring();
        let inner = keyring_in(outer);
        let innermost = keyring_in(inner);
        assert_eq!(outer.link(outer), Err(Error::Cycle));
        assert_eq!(inner.link(outer), Err(Error::Cycle));
        assert_eq!(innermost.link(outer), Err(Error::Cycle));
        assert_eq!(outer.link(innermost), Ok(()));
        assert_eq!(raw::links(innermost), Ok(vec![]));
    });
}

#[test]
fn keyring_in_which_others_nest_seven_deep_is_not_linked() {
    require!(keyctl);
    someone(|_| {
        let (outer, innermost) = (new_keyring(), key_in(new_keyring()));
        let mut nest = new_keyring();
        raw::link(innermost, nest).unwrap();
        for _ in 0..6 {
            let around = new_keyring();
            raw::link(nest, around).unwrap();
            nest = around;
            assert_eq!(outer.link(nest), Ok(()));
        }
        let around = new_keyring();
        raw::link(nest, around).unwrap();
        assert_eq!(outer.link(around), Err(Error::NestedTooDeep));
        let from = new_keyring();
        assert_eq!(from.link(around), Err(Error::NestedTooDeep));
    });
}

#[test]
fn keyring_to_link_into_must_be_one_that_can_be_written() {
    require!(keyctl);
    someone(|_| {
        let key = key_in(new_keyring());
        for (keyring, error) in unusable_keyrings(Rights::WRITE) {
            assert_eq!(keyring.link(key), Err(error), "{keyring:?}");
        }
    });
}

#[test]
fn key_to_link_must_be_one_that_can_be_linked() {
    require!(keyctl);
    someone(|_| {
        let keyring = new_keyring();
        for (key, error) in unusable_keys(Rights::LINK) {
            assert_eq!(keyring.link(key), Err(error), "{key:?}");
        }
        assert_eq!(raw::links(keyring), Ok(vec![]));
    });
}

#[test]
fn link_costs_four_bytes_of_the_quota_and_displacing_none() {
    require!(keyctl, root, proc);
    let user = User::new();
    user.run(|| {
        let (keyring, [first, second]) = (new_keyring(), twins());
        let (keys, counted, bytes) = key_count(user.uid()).unwrap();
        keyring.link(first).unwrap();
        assert_eq!(key_count(user.uid()), Some((keys, counted, bytes + 4)));
        keyring.link(second).unwrap();
        assert_eq!(key_count(user.uid()), Some((keys, counted, bytes + 4)));
        keyring.unlink(second).unwrap();
        assert_eq!(key_count(user.uid()), Some((keys, counted, bytes)));
    });
}

#[test]
fn quota_ends_linking_and_moving() {
    require!(keyctl, root, moves);
    User::new().run(|| {
        let (keyring, full, from) = (new_keyring(), new_keyring(), new_keyring());
        let [first, second] = twins();
        raw::link(first, full).unwrap();
        raw::link(second, from).unwrap();
        spend_quota();
        assert_eq!(keyring.link(first), Err(Error::QuotaExceeded));
        // The new link is paid for before the old one is free.
        assert_eq!(from.move_to(second, keyring, Collision::Displace), Err(Error::QuotaExceeded));
        assert_eq!(raw::links(from), Ok(vec![second]));
        assert_eq!(full.link(second), Ok(()));
    });
}

#[test]
fn owner_of_the_keyring_pays_for_the_link() {
    require!(keyctl, root);
    in_thread(|| {
        let keyring = new_keyring();
        raw::set_permissions(keyring, all_but(Rights::empty())).unwrap();
        User::new().run(|| {
            let key = key_in(new_keyring());
            spend_quota();
            assert_eq!(keyring.link(key), Ok(()));
        });
    });
}

#[test]
fn link_passes_on_what_it_is_answered() {
    require!(keyctl, seccomp);
    let (keyring, key) = (new_keyring(), key_in(new_keyring()));
    let injected = [
        (op::LINK, &(|| keyring.link(key)) as &(dyn Fn() -> keyctl::Result<()> + Sync)),
        (op::UNLINK, &|| keyring.unlink(key)),
        (op::MOVE, &|| keyring.move_to(key, keyring, Collision::Refuse)),
        (op::CLEAR, &|| keyring.clear()),
    ];
    for (op, call) in injected {
        seccomp::passed_on(|errno| seccomp::answer(op.number(), errno), call);
    }
}

// Unlinking.

#[test]
fn unlinked_key_goes_with_its_last_link() {
    require!(keyctl);
    someone(|_| {
        let (keyring, other) = (new_keyring(), new_keyring());
        let key = key_in(keyring);
        raw::link(key, other).unwrap();
        assert_eq!(keyring.unlink(key), Ok(()));
        assert_eq!(raw::links(keyring), Ok(vec![]));
        assert_eq!(raw::read(key).unwrap(), b"secret");
        assert_eq!(keyring.unlink(key), Err(Error::NotFound));
        assert_eq!(other.unlink(key), Ok(()));
        until(Err(Error::NoKey), || raw::describe(key));
    });
}

#[test]
fn unlink_goes_by_type_and_description() {
    require!(keyctl);
    someone(|_| {
        let (keyring, [linked, named]) = (new_keyring(), twins());
        raw::link(linked, keyring).unwrap();
        assert_eq!(keyring.unlink(named), Ok(()));
        assert_eq!(raw::links(keyring), Ok(vec![]));
    });
}

#[test]
fn key_of_any_state_and_permissions_is_unlinked() {
    require!(keyctl);
    someone(|_| {
        let keyring = new_keyring();
        let [expired, revoked, closed] = [(); 3].map(|()| key_in(keyring));
        expire(expired);
        raw::revoke(revoked).unwrap();
        raw::set_permissions(closed, 0).unwrap();
        for key in [expired, revoked, closed, negative_key_in(keyring)] {
            assert_eq!(keyring.unlink(key), Ok(()), "{key:?}");
        }
        assert_eq!(raw::links(keyring), Ok(vec![]));
    });
}

#[test]
fn keyring_to_unlink_from_must_be_one_that_can_be_written() {
    require!(keyctl);
    someone(|_| {
        let key = key_in(new_keyring());
        for (keyring, error) in unusable_keyrings(Rights::WRITE) {
            assert_eq!(keyring.unlink(key), Err(error), "{keyring:?}");
        }
    });
}

#[test]
fn key_to_unlink_must_exist() {
    require!(keyctl);
    someone(|_| {
        let keyring = new_keyring();
        let unlink = |number| keyring.unlink(Key::from(KeySerial::from_raw(number).unwrap()));
        assert_eq!(unlink(1), Err(Error::NoKey));
        assert_eq!(unlink(KeySerial::REQUESTOR_KEYRING.as_raw()), Err(Error::NoKey));
        assert_eq!(unlink(KeySerial::GROUP_KEYRING.as_raw()), Err(Error::InvalidArgument));
    });
}

// Moving.

#[test]
fn moved_key_has_a_new_link_and_not_the_old_one() {
    require!(keyctl, moves);
    someone(|_| {
        for collision in [Collision::Displace, Collision::Refuse] {
            let (from, to) = (new_keyring(), new_keyring());
            let (key, left, there) = (key_in(from), key_in(from), key_in(to));
            assert_eq!(from.move_to(key, to, collision), Ok(()));
            assert_eq!(raw::links(from), Ok(vec![left]));
            assert_eq!(links(to), Ok(sorted(vec![key, there])));
        }
    });
}

#[test]
fn move_displaces_or_refuses_where_there_is_such_a_key() {
    require!(keyctl, moves);
    someone(|_| {
        let (from, to, [moved, there]) = (new_keyring(), new_keyring(), twins());
        raw::link(moved, from).unwrap();
        raw::link(there, to).unwrap();
        assert_eq!(from.move_to(moved, to, Collision::Refuse), Err(Error::AlreadyExists));
        assert_eq!(raw::links(from), Ok(vec![moved]));
        assert_eq!(raw::links(to), Ok(vec![there]));
        assert_eq!(from.move_to(moved, to, Collision::Displace), Ok(()));
        assert_eq!(raw::links(from), Ok(vec![]));
        assert_eq!(raw::links(to), Ok(vec![moved]));
        // Be it the same key.
        raw::link(moved, from).unwrap();
        assert_eq!(from.move_to(moved, to, Collision::Refuse), Err(Error::AlreadyExists));
    });
}

#[test]
fn move_unlinks_by_type_and_description() {
    require!(keyctl, moves);
    someone(|_| {
        let (from, to, [linked, named]) = (new_keyring(), new_keyring(), twins());
        raw::link(linked, from).unwrap();
        assert_eq!(from.move_to(named, to, Collision::Refuse), Ok(()));
        assert_eq!(raw::links(from), Ok(vec![]));
        assert_eq!(raw::links(to), Ok(vec![named]));
    });
}

#[test]
fn key_to_move_must_be_there_unless_it_would_not_move() {
    require!(keyctl, moves);
    someone(|_| {
        let (from, to, key) = (new_keyring(), new_keyring(), key_in(new_keyring()));
        assert_eq!(from.move_to(key, to, Collision::Displace), Err(Error::NotFound));
        assert_eq!(raw::links(to), Ok(vec![]));
        assert_eq!(from.move_to(key, from, Collision::Refuse), Ok(()));
        assert_eq!(raw::links(from), Ok(vec![]));
        assert_eq!(Keyring::from(key.serial()).move_to(key, key.serial().into(), Collision::Refuse), Ok(()));
    });
}

#[test]
fn keyring_is_not_moved_into_itself_nor_when_too_deep() {
    require!(keyctl, moves);
    someone(|_| {
        let outer = new_keyring();
        let moved = keyring_in(outer);
        let inner = keyring_in(moved);
        let move_to = |to| outer.move_to(moved, to, Collision::Displace);
        assert_eq!(move_to(moved), Err(Error::Cycle));
        assert_eq!(move_to(inner), Err(Error::Cycle));
        let mut innermost = inner;
        for _ in 0..6 {
            let deeper = new_keyring();
            raw::link(deeper, innermost).unwrap();
            innermost = deeper;
        }
        assert_eq!(move_to(new_keyring()), Err(Error::NestedTooDeep));
        assert_eq!(raw::links(outer), Ok(vec![moved.into()]));
    });
}

#[test]
fn keyrings_to_move_between_must_be_ones_that_can_be_written() {
    require!(keyctl, moves);
    someone(|_| {
        let from = new_keyring();
        let key = key_in(from);
        for (unusable, error) in unusable_keyrings(Rights::WRITE) {
            assert_eq!(from.move_to(key, unusable, Collision::Displace), Err(error), "{unusable:?}");
            assert_eq!(unusable.move_to(key, from, Collision::Displace), Err(error), "{unusable:?}");
        }
        assert_eq!(raw::links(from), Ok(vec![key]));
    });
}

#[test]
fn key_to_move_must_be_one_that_can_be_linked() {
    require!(keyctl, moves);
    someone(|_| {
        let (from, to) = (new_keyring(), new_keyring());
        for (key, error) in unusable_keys(Rights::LINK) {
            assert_eq!(from.move_to(key, to, Collision::Displace), Err(error), "{key:?}");
        }
    });
}

// Clearing.

#[test]
fn cleared_keyring_has_no_links() {
    require!(keyctl);
    someone(|_| {
        let keyring = new_keyring();
        let (key, inner) = (key_in(keyring), keyring_in(keyring));
        let (kept, kept_in) = (key_in(inner), new_keyring());
        raw::link(kept, kept_in).unwrap();
        assert_eq!(keyring.clear(), Ok(()));
        assert_eq!(raw::links(keyring), Ok(vec![]));
        for gone in [key, inner.into()] {
            until(Err(Error::NoKey), || raw::describe(gone));
        }
        assert_eq!(raw::read(kept).unwrap(), b"secret");
        assert_eq!(keyring.clear(), Ok(()));
        assert_eq!(Keyring::THREAD.clear(), Ok(()));
    });
}

#[test]
fn keyring_to_clear_must_be_one_that_can_be_written() {
    require!(keyctl);
    someone(|_| {
        for (keyring, error) in unusable_keyrings(Rights::WRITE) {
            assert_eq!(keyring.clear(), Err(error), "{keyring:?}");
        }
    });
}

#[test]
fn root_clears_the_kernels_cache_of_names_without_the_right() {
    require!(keyctl, dns_resolver, root, proc);
    let keys = fs::read("/proc/keys").unwrap();
    let keys = String::from_utf8_lossy(&keys);
    let line = keys.lines().find(|line| line.contains(" .dns_resolver: ")).unwrap();
    let serial = i32::from_str_radix(line.split_whitespace().next().unwrap(), 16).unwrap();
    let cache = Keyring::from(KeySerial::from_raw(serial).unwrap());
    assert_eq!(cache.link(key_in(new_keyring())), Err(Error::AccessDenied));
    assert_eq!(cache.clear(), Ok(()));
    someone(|_| assert_eq!(cache.clear(), Err(Error::AccessDenied)));
}

// Listing.

/// Holds what is listed of a keyring of so many links.
fn lists(count: usize) {
    let keyring = new_keyring();
    let keys = sorted((0..count).map(|_| key_in(keyring)).collect());
    assert_eq!(keyring.links_len(), Ok(count));
    assert!(links(keyring) == Ok(keys.clone()), "of {count}");

    let mut exact = vec![MaybeUninit::uninit(); count];
    assert!(keyring.links(&mut exact[..]).is_ok_and(|links| sorted(links.to_vec()) == keys));
    if count > 0 {
        let needed = count.try_into().unwrap();
        let refused = keyring.links(&mut exact[1..]).map(drop);
        assert_eq!(refused, Err(Error::BufferTooSmall { needed }));
    }
    #[cfg(feature = "alloc")]
    {
        let mut links = Vec::new();
        assert!(keyring.links(&mut links).is_ok());
        assert!(sorted(links) == keys);
    }
}

#[test]
fn any_number_of_links_is_listed() {
    require!(keyctl);
    for count in [0, 1, 2, 50, 51, 64, 65] {
        someone(|_| lists(count));
    }
}

#[test]
fn thousand_links_are_listed() {
    require!(keyctl, root);
    in_thread(|| lists(1000));
}

#[test]
fn keys_of_every_type_are_listed() {
    require!(keyctl);
    let types: [(&CStr, &[u8]); 7] = [
        (c"user", b"1"),
        (c"logon", b"1"),
        (c"keyring", b""),
        (c"big_key", b"1"),
        (c"encrypted", b"new user:x 32"),
        (c"asymmetric", x509::CA),
        (c"dns_resolver", b"1.2.3.4\0"),
    ];
    someone(|_| {
        let keyring = new_keyring();
        let mut keys: Vec<_> = types
            .iter()
            .filter_map(|(key_type, payload)| raw::add_key(key_type, &unique(), payload, keyring).ok())
            .collect();
        assert!(keys.len() >= 3);
        keys.push(negative_key_in(keyring));
        let [revoked, expired, closed] = [(); 3].map(|()| key_in(keyring));
        expire(expired);
        raw::revoke(revoked).unwrap();
        raw::set_permissions(closed, 0).unwrap();
        keys.extend([revoked, expired, closed]);
        assert_eq!(links(keyring), Ok(sorted(keys)));
    });
}

#[test]
fn keyring_is_listed_by_right_or_by_mere_possession() {
    require!(keyctl);
    someone(|_| {
        for (mask, result) in
            [(0x0800_0000, Ok(1)), (0x0002_0000, Ok(1)), (0x3700_0000, Err(Error::AccessDenied))]
        {
            let keyring = new_keyring();
            key_in(keyring);
            raw::set_permissions(keyring, mask).unwrap();
            assert_eq!(links(keyring).map(|links| links.len()), result, "{mask:08x}");
            assert_eq!(keyring.links_len(), result, "{mask:08x}");
        }
    });
}

#[test]
fn keyring_to_list_must_be_one_that_can_be_read() {
    require!(keyctl);
    someone(|_| {
        for (keyring, error) in unusable_keyrings(Rights::READ | Rights::SEARCH) {
            let error = match error {
                Error::InvalidArgument => Error::NoKey,
                // Its payload is "secret", of 6 bytes.
                Error::NotAKeyring => Error::UnexpectedReply,
                error => error,
            };
            // While an invalidated key is collected, it is not possessed for a moment.
            until(Err(error), || links(keyring));
            until(Err(error), || keyring.links_len());
        }
    });
}

#[test]
fn payload_that_looks_like_links_is_taken_for_them() {
    require!(keyctl);
    someone(|_| {
        let key = |payload: &[u8]| {
            let key = raw::add_key(c"user", &unique(), payload, new_keyring()).unwrap();
            Keyring::from(key.serial())
        };
        assert_eq!(links(key(&1234i32.to_ne_bytes())), Ok(vec![KeySerial::from_raw(1234).unwrap().into()]));
        assert_eq!(links(key(b"123")), Err(Error::UnexpectedReply));
        assert_eq!(links(key(b"1234\0\0\0\0")), Err(Error::UnexpectedReply));
        assert_eq!(key(b"1234\0\0\0\0").links_len(), Ok(2));
        // What is asked for would hold it, so that asking again comes to an end.
        let refused = key(b"123456").links(&mut [MaybeUninit::uninit(); 1]).map(drop);
        assert_eq!(refused, Err(Error::BufferTooSmall { needed: 2 }));
        let logon = raw::add_key(c"logon", &unique(), b"1234", new_keyring()).unwrap();
        assert_eq!(links(logon.serial().into()), Err(Error::Unsupported));
        assert_eq!(Keyring::from(logon.serial()).links_len(), Err(Error::Unsupported));
    });
}

#[test]
fn listing_passes_on_what_it_is_answered() {
    require!(keyctl, seccomp);
    let (keyring, answer) = (new_keyring(), |errno| seccomp::answer(op::READ.number(), errno));
    seccomp::passed_on(answer, || links(keyring));
    seccomp::passed_on(answer, || keyring.links_len());
}
