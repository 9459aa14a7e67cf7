//! The crate's numbers, held against the kernel's header and the C library's.
#![allow(unsafe_code, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use std::fs;

use common::require;
use keyctl::KeySerial;
use keyctl::syscall::op;

/// The number that the header defines for a name.
fn defined(name: &str) -> Option<i64> {
    let header = fs::read_to_string("/usr/include/linux/keyctl.h").unwrap();
    header.lines().find_map(|line| {
        let mut words = line.split_whitespace();
        let found = words.next() == Some("#define") && words.next() == Some(name);
        found.then(|| words.next().unwrap().parse().unwrap())
    })
}

#[test]
fn operations_are_the_headers() {
    require!(headers);
    for &(name, number) in op::ALL {
        assert_eq!(defined(name), Some(number.into()), "{name}");
    }
}

#[test]
fn special_ids_are_the_headers() {
    require!(headers);
    let ids = [
        ("KEY_SPEC_THREAD_KEYRING", KeySerial::THREAD_KEYRING),
        ("KEY_SPEC_PROCESS_KEYRING", KeySerial::PROCESS_KEYRING),
        ("KEY_SPEC_SESSION_KEYRING", KeySerial::SESSION_KEYRING),
        ("KEY_SPEC_USER_KEYRING", KeySerial::USER_KEYRING),
        ("KEY_SPEC_USER_SESSION_KEYRING", KeySerial::USER_SESSION_KEYRING),
        ("KEY_SPEC_GROUP_KEYRING", KeySerial::GROUP_KEYRING),
        ("KEY_SPEC_REQKEY_AUTH_KEY", KeySerial::REQKEY_AUTH_KEY),
        ("KEY_SPEC_REQUESTOR_KEYRING", KeySerial::REQUESTOR_KEYRING),
    ];
    for (name, id) in ids {
        assert_eq!(defined(name), Some(id.as_raw().into()), "{name}");
    }
}

#[test]
fn operations_are_numbered_without_a_gap() {
    let numbers: Vec<u32> = op::ALL.iter().map(|&(_, number)| number).collect();
    let expected: Vec<u32> = (0..).take(numbers.len()).collect();
    assert_eq!(numbers, expected);
}

#[test]
fn system_calls_are_the_c_librarys() {
    use linux_raw_sys::general::{__NR_add_key, __NR_keyctl, __NR_request_key};
    let ours = [__NR_add_key, __NR_request_key, __NR_keyctl].map(i64::from);
    let theirs = [libc::SYS_add_key, libc::SYS_request_key, libc::SYS_keyctl].map(i64::from);
    assert_eq!(ours, theirs);
}
