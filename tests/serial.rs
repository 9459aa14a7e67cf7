//! [`KeySerial`] and the handles around it. Needs no kernel.
#![allow(unsafe_code, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use keyctl::{Key, KeySerial, Keyring};

fn serial(raw: i32) -> KeySerial {
    KeySerial::from_raw(raw).unwrap()
}

#[test]
fn zero_names_no_key() {
    assert_eq!(KeySerial::from_raw(0), None);
}

#[test]
fn any_other_number_is_kept() {
    for raw in [i32::MIN, -9, -1, 1, 0x2f1a_77d3, i32::MAX] {
        assert_eq!(serial(raw).as_raw(), raw);
    }
}

#[test]
fn four_bytes_with_or_without_a_key() {
    assert_eq!(size_of::<Option<KeySerial>>(), 4);
    assert_eq!(size_of::<Option<Key>>(), 4);
    assert_eq!(size_of::<Option<Keyring>>(), 4);
}

#[test]
fn negative_numbers_are_special() {
    assert!(serial(-1).is_special() && serial(i32::MIN).is_special());
    assert!(!serial(1).is_special() && !serial(i32::MAX).is_special());
}

#[test]
fn special_keyrings_stay_special() {
    assert_eq!(Keyring::THREAD.serial(), KeySerial::THREAD_KEYRING);
    assert_eq!(Keyring::PROCESS.serial(), KeySerial::PROCESS_KEYRING);
    assert_eq!(Keyring::SESSION.serial(), KeySerial::SESSION_KEYRING);
    assert_eq!(Keyring::USER.serial(), KeySerial::USER_KEYRING);
    assert_eq!(Keyring::USER_SESSION.serial(), KeySerial::USER_SESSION_KEYRING);
}

#[test]
fn printed_as_the_tools_do() {
    assert_eq!(serial(790_264_787).to_string(), "790264787");
    assert_eq!(serial(-3).to_string(), "-3");
    assert_eq!(format!("{:08x}", serial(0x00ab_cdef)), "00abcdef");
}

#[test]
fn debug_has_the_constants_name() {
    assert_eq!(format!("{:?}", KeySerial::SESSION_KEYRING), "KeySerial::SESSION_KEYRING");
    assert_eq!(format!("{:?}", serial(17)), "KeySerial(17)");
    assert_eq!(format!("{:?}", serial(-9)), "KeySerial(-9)");
}

#[test]
fn a_keyring_is_a_key() {
    let keyring = Keyring::from(serial(17));
    assert_eq!(Key::from(keyring), Key::from(serial(17)));
    assert_eq!(keyring.serial(), serial(17));
}
