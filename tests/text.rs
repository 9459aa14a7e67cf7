//! Texts: the forms that a name or description may have, how long it may be, and what may be in it.
#![allow(unsafe_code, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use std::ffi::CString;
use std::str;

use common::{new_keyring, raw, require, seccomp, someone};
use keyctl::{Error, KeyType, Keyring, MAX_TEXT, join_session, request_key, request_key_with};

#[test]
fn each_form_names_the_same_key() {
    require!(keyctl);
    someone(|_| {
        let keyring = new_keyring();
        let key = keyring.add_key(KeyType::USER, c"keyctl:test", b"1").unwrap();
        assert_eq!(raw::description(key).unwrap(), b"keyctl:test");
        assert_eq!(keyring.add_key(KeyType::USER, "keyctl:test", b"1"), Ok(key));
        assert_eq!(keyring.add_key(KeyType::USER, b"keyctl:test", b"1"), Ok(key));
        assert_eq!(keyring.add_key(KeyType::USER, &b"keyctl:test"[..], b"1"), Ok(key));
    });
}

/// A name of that length, which differs from others of that length in its last byte alone.
fn name(length: usize, last: u8) -> Vec<u8> {
    let mut name = vec![b'x'; length];
    name[length - 1] = last;
    name
}

#[test]
fn text_of_any_length_up_to_4095_arrives_whole() {
    require!(keyctl);
    someone(|_| {
        for length in [1, 2, 254, 255, 256, 257, 4094, 4095] {
            let keyring = new_keyring();
            let (name, other) = (name(length, b'1'), name(length, b'2'));
            let key = keyring.add_key(KeyType::USER, &*name, b"1").unwrap();
            assert_eq!(raw::description(key), Ok(name.clone()));
            assert_eq!(keyring.search(KeyType::USER, str::from_utf8(&name).unwrap()), Ok(Some(key)));
            assert_eq!(keyring.search(KeyType::USER, &*CString::new(name).unwrap()), Ok(Some(key)));
            assert_eq!(keyring.search(KeyType::USER, &*other), Ok(None));
            raw::clear(keyring).unwrap();
        }
    });
}

#[test]
fn array_of_any_length_up_to_4095_arrives_whole() {
    require!(keyctl);
    fn arrives<const N: usize>(keyring: Keyring) {
        let key = keyring.add_key(KeyType::USER, &[b'x'; N], b"1").unwrap();
        assert_eq!(raw::description(key).unwrap(), [b'x'; N]);
    }
    someone(|_| {
        let keyring = new_keyring();
        arrives::<1>(keyring);
        arrives::<255>(keyring);
        arrives::<256>(keyring);
        arrives::<4095>(keyring);
    });
}

#[test]
fn longer_text_is_refused_here_or_by_the_kernel() {
    require!(keyctl);
    someone(|_| {
        assert_eq!(MAX_TEXT, 4095);
        let (keyring, name) = (new_keyring(), name(4096, b'1'));
        let add = |name: &str| keyring.add_key(KeyType::USER, name, b"1");
        assert_eq!(add(str::from_utf8(&name).unwrap()), Err(Error::TextTooLong));
        assert_eq!(keyring.add_key(KeyType::USER, &*name, b"1"), Err(Error::TextTooLong));
        assert_eq!(keyring.add_key(KeyType::USER, &[b'x'; 4096], b"1"), Err(Error::TextTooLong));
        assert_eq!(keyring.add_key(KeyType::USER, &vec![b'x'; 1 << 20][..], b"1"), Err(Error::TextTooLong));
        // What needs no copy is the kernel's to judge.
        let name = CString::new(name).unwrap();
        assert_eq!(keyring.add_key(KeyType::USER, &*name, b"1"), Err(Error::InvalidArgument));
        assert_eq!(raw::links(keyring), Ok(vec![]));
    });
}

#[test]
fn any_byte_but_nul_may_be_in_a_description() {
    require!(keyctl);
    someone(|_| {
        let keyring = new_keyring();
        let all: Vec<u8> = (1..=255).collect();
        for name in [&b"a;b;c;d;e;f"[..], b"two\nlines", b"\xff\xfe not UTF-8", b" ", b"%s%n", &all] {
            let key = keyring.add_key(KeyType::USER, name, b"1").unwrap();
            assert_eq!(raw::description(key).unwrap(), name);
            assert_eq!(keyring.search(KeyType::USER, name), Ok(Some(key)));
        }
    });
}

/// Whether every call that takes a text refuses this one, with the kernel not asked.
fn refused_unasked(text: &[u8], error: Error) {
    someone(|_| {
        let (ring, user) = (new_keyring(), KeyType::USER);
        for call in [libc::SYS_add_key, libc::SYS_request_key, libc::SYS_keyctl] {
            seccomp::answer_call(call, 4000);
        }
        let calls: [(&str, &dyn Fn() -> keyctl::Result<()>); 10] = [
            ("add_key", &|| ring.add_key(user, text, b"1").map(drop)),
            ("add_keyring", &|| ring.add_keyring(text).map(drop)),
            ("search", &|| ring.search(user, text).map(drop)),
            ("search_and_link", &|| ring.search_and_link(user, text, ring).map(drop)),
            ("find_or_create", &|| ring.find_or_create(text, ring).map(drop)),
            ("restrict", &|| ring.restrict(user, text)),
            ("request_key", &|| request_key(user, text, None).map(drop)),
            ("request_key_with", &|| request_key_with(user, text, c"", None).map(drop)),
            ("request_key_with", &|| request_key_with(user, c"", text, None).map(drop)),
            ("join_session", &|| join_session(text).map(drop)),
        ];
        for (name, call) in calls {
            assert_eq!(call(), Err(error), "{name}");
        }
    });
}

#[test]
fn nul_inside_is_refused_with_the_kernel_not_asked() {
    require!(keyctl, seccomp);
    for text in [&b"\0"[..], b"\0x", b"x\0x", b"x\0", &[0; 300], &[0; 4095]] {
        refused_unasked(text, Error::InteriorNul);
    }
}

#[test]
fn text_too_long_to_copy_is_refused_with_the_kernel_not_asked() {
    require!(keyctl, seccomp);
    refused_unasked(&[b'x'; 4096], Error::TextTooLong);
}

#[test]
fn nul_inside_is_refused_in_each_form() {
    require!(keyctl);
    someone(|_| {
        let keyring = new_keyring();
        assert_eq!(keyring.add_key(KeyType::USER, "x\0y", b"1"), Err(Error::InteriorNul));
        assert_eq!(keyring.add_key(KeyType::USER, b"x\0y", b"1"), Err(Error::InteriorNul));
        assert_eq!(keyring.add_key(KeyType::USER, &b"x\0y"[..], b"1"), Err(Error::InteriorNul));
        assert_eq!(raw::links(keyring), Ok(vec![]));
    });
}
