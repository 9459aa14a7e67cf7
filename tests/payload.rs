//! What keys hold: `add_key` for each type, `add_keyring`, `update`, `read`, `payload_len`, `read_secret`.
#![allow(unsafe_code, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use std::ffi::CStr;
use std::fs;

use common::who::as_uids;
use common::{
    Unlink, User, all_but, expire, heap, in_thread, key_count, key_in, keyring_in, lifetime, negative_key_in,
    new_keyring, only_without, page_size, raw, require, seccomp, someone, spend_quota, unique, until,
    unusable_keyrings, unusable_keys, x509,
};
use keyctl::syscall::op;
use keyctl::{Error, Key, KeySerial, KeyType, Keyring, Rights};
use rustix::process::{getegid, geteuid};

#[global_allocator]
static HEAP: heap::Heap = heap::Heap;

/// How a new key of ours is described.
fn new(key_type: &str, mask: &str, name: &CStr) -> keyctl::Result<String> {
    let (uid, gid, name) = (geteuid().as_raw(), getegid().as_raw(), name.to_str().unwrap());
    Ok(format!("{key_type};{uid};{gid};{mask};{name}"))
}

fn payload(key: Key) -> keyctl::Result<Vec<u8>> {
    let mut buffer = vec![0; 1 << 20];
    key.read(&mut buffer[..]).map(|payload| payload.to_vec())
}

// The types.

#[test]
fn user_key_holds_any_bytes() {
    require!(keyctl);
    someone(|_| {
        let (keyring, name) = (new_keyring(), unique());
        let bytes: Vec<u8> = (0..=255).collect();
        let key = keyring.add_key(KeyType::USER, &*name, &bytes).unwrap();
        assert_eq!(raw::describe(key), new("user", "3f010000", &name));
        assert_eq!(raw::links(keyring), Ok(vec![key]));
        assert_eq!(raw::read(key), Ok(bytes));
    });
}

#[test]
fn user_and_logon_keys_hold_1_to_32767_bytes() {
    // More than the quota of anybody else.
    require!(keyctl, root);
    in_thread(|| {
        let keyring = new_keyring();
        let add = |key_type, length| {
            let key = keyring.add_key(key_type, &*unique(), &vec![7; length])?;
            assert!(key_type == KeyType::LOGON || key.payload_len() == Ok(length));
            Ok(())
        };
        for key_type in [KeyType::USER, KeyType::LOGON] {
            for (length, result) in [
                (0, Err(Error::InvalidArgument)),
                (1, Ok(())),
                (32767, Ok(())),
                (32768, Err(Error::InvalidArgument)),
            ] {
                assert_eq!(add(key_type, length), result, "{length}");
            }
        }
    });
}

#[test]
fn logon_key_is_for_the_kernel_alone() {
    require!(keyctl);
    someone(|_| {
        let name = unique();
        let key = new_keyring().add_key(KeyType::LOGON, &*name, b"secret").unwrap();
        assert_eq!(raw::describe(key), new("logon", "3d010000", &name));
        assert_eq!(key.read(&mut [0; 8]), Err(Error::Unsupported));
        assert_eq!(key.payload_len(), Err(Error::Unsupported));
        assert_eq!(key.update(b"another"), Ok(()));
    });
}

#[test]
fn logon_description_needs_a_prefix() {
    require!(keyctl);
    someone(|_| {
        let keyring = new_keyring();
        for name in [c"keyctl", c":keyctl"] {
            assert_eq!(keyring.add_key(KeyType::LOGON, name, b"secret"), Err(Error::InvalidArgument));
        }
        assert_eq!(raw::links(keyring), Ok(vec![]));
    });
}

#[test]
fn keyring_is_made_empty() {
    require!(keyctl);
    someone(|_| {
        let (keyring, name) = (new_keyring(), unique());
        let made = keyring.add_keyring(&*name).unwrap();
        assert_eq!(raw::describe(made), new("keyring", "3f010000", &name));
        assert_eq!(raw::links(made), Ok(vec![]));
        assert_eq!(raw::links(keyring), Ok(vec![made.into()]));
        assert_eq!(keyring.add_key(KeyType::KEYRING, &*unique(), b"1"), Err(Error::InvalidArgument));
    });
}

#[test]
fn keyring_displaces_one_of_the_same_name_and_all_in_it() {
    require!(keyctl);
    someone(|_| {
        let (keyring, name) = (new_keyring(), unique());
        let first = keyring.add_keyring(&*name).unwrap();
        let key = key_in(first);
        let second = keyring.add_keyring(&*name).unwrap();
        assert_ne!(second, first);
        assert_eq!(raw::links(keyring), Ok(vec![second.into()]));
        assert_eq!(raw::links(second), Ok(vec![]));
        until(Err(Error::NoKey), || raw::describe(key));
    });
}

#[test]
fn big_key_is_as_large_as_a_call_can_say() {
    require!(keyctl, big_key);
    someone(|_| {
        let (keyring, name) = (new_keyring(), unique());
        let key = keyring.add_key(KeyType::BIG_KEY, &*name, b"1").unwrap();
        assert_eq!(raw::describe(key), new("big_key", "3f010000", &name));
        assert_eq!(payload(key).unwrap(), b"1");

        // Far beyond the quota, of which it takes 16 bytes.
        let large: Vec<u8> = (0..(1 << 20) - 1).map(|i: u32| i.to_le_bytes()[1]).collect();
        let key = keyring.add_key(KeyType::BIG_KEY, &*unique(), &large).unwrap();
        assert_eq!(key.payload_len(), Ok(large.len()));
        assert!(payload(key).unwrap() == large);
        assert_eq!(keyring.add_key(KeyType::BIG_KEY, &*name, b""), Err(Error::InvalidArgument));
    });
}

#[test]
fn big_key_update_needs_room_in_the_quota() {
    require!(keyctl, big_key, root);
    User::new().run(|| {
        let (keyring, name) = (new_keyring(), unique());
        let large = vec![7; 100_000];
        let key = keyring.add_key(KeyType::BIG_KEY, &*name, &large).unwrap();
        assert_eq!(keyring.add_key(KeyType::BIG_KEY, &*name, &large), Err(Error::QuotaExceeded));
        assert_eq!(key.update(b"small"), Ok(()));
        assert_eq!(payload(key).unwrap(), b"small");
    });
}

#[test]
fn absent_big_key_is_unknown() {
    only_without!(big_key);
    require!(keyctl);
    assert_eq!(new_keyring().add_key(KeyType::BIG_KEY, &*unique(), b"1"), Err(Error::UnknownType));
}

/// An encrypted key of 32 bytes, and the name of its master.
fn encrypted_in(keyring: Keyring) -> (Key, String) {
    let master = unique();
    raw::add_key(c"user", &master, b"0123456789abcdef", keyring).unwrap();
    let master = format!("user:{}", master.to_str().unwrap());
    let command = format!("new default {master} 32");
    (keyring.add_key(KeyType::ENCRYPTED, &*unique(), command.as_bytes()).unwrap(), master)
}

#[test]
fn encrypted_key_is_read_encrypted_and_loaded_again() {
    require!(keyctl, encrypted);
    someone(|_| {
        let keyring = new_keyring();
        let (key, master) = encrypted_in(keyring);
        let text = String::from_utf8(payload(key).unwrap()).unwrap();
        let hex = text.strip_prefix(&format!("default {master} 32 ")).unwrap();
        // 16 bytes of a start value, 32 of data, 32 of authentication, and the NUL between.
        assert_eq!(hex.len(), 2 * (16 + 1 + 32 + 32));
        assert!(hex.bytes().all(|digit| digit.is_ascii_hexdigit()));

        let name = unique();
        let loaded = keyring.add_key(KeyType::ENCRYPTED, &*name, format!("load {text}").as_bytes()).unwrap();
        assert_eq!(raw::describe(loaded), new("encrypted", "3f010000", &name));
        assert_eq!(payload(loaded).unwrap(), text.as_bytes());
    });
}

#[test]
fn encrypted_key_is_updated_to_another_master() {
    require!(keyctl, encrypted, proc);
    someone(|_| {
        let keyring = new_keyring();
        let (key, _) = encrypted_in(keyring);
        let (_, other) = encrypted_in(keyring);
        raw::set_timeout(key, 1000).unwrap();
        key.update(format!("update {other}").as_bytes()).unwrap();
        assert!(payload(key).unwrap().starts_with(format!("default {other} 32 ").as_bytes()));
        assert_ne!(lifetime(key), "perm");
    });
}

#[test]
fn encrypted_key_is_there_without_its_master_but_not_to_be_read() {
    require!(keyctl, encrypted);
    someone(|_| {
        let keyring = new_keyring();
        let add = |command: &str| keyring.add_key(KeyType::ENCRYPTED, &*unique(), command.as_bytes());
        let key = add("new user:keyctl:test:nobody 32").unwrap();
        let length = key.payload_len().unwrap();
        assert_eq!(key.read(&mut vec![0; length][..]), Err(Error::NoKey));
        // That far it does not come when there is no room.
        assert!(matches!(key.read(&mut [0; 8]), Err(Error::BufferTooSmall { .. })));

        let (key, master) = encrypted_in(keyring);
        let text = String::from_utf8(payload(key).unwrap()).unwrap();
        let elsewhere = text.replace(&master, "user:keyctl:test:nobody");
        assert_eq!(add(&format!("load {elsewhere}")), Err(Error::NoKey));
    });
}

#[test]
fn encrypted_command_must_be_one() {
    require!(keyctl, encrypted);
    someone(|_| {
        let keyring = new_keyring();
        let (key, master) = encrypted_in(keyring);
        let before = raw::links(keyring).unwrap();
        for command in [
            String::new(),
            String::from("gibberish"),
            format!("new {master}"),
            format!("new {master} 19"),
            format!("new {master} 4097"),
            String::from("new nobody:else 32"),
            format!("load {master} 32 00"),
            format!("update {master}"),
        ] {
            let added = keyring.add_key(KeyType::ENCRYPTED, &*unique(), command.as_bytes());
            assert_eq!(added, Err(Error::InvalidArgument), "{command}");
        }
        assert_eq!(key.update(format!("new {master} 32").as_bytes()), Err(Error::InvalidArgument));
        assert_eq!(raw::links(keyring), Ok(before));
    });
}

#[test]
fn absent_encrypted_is_unknown() {
    only_without!(encrypted);
    require!(keyctl);
    let added = new_keyring().add_key(KeyType::ENCRYPTED, &*unique(), b"new user:x 32");
    assert_eq!(added, Err(Error::UnknownType));
}

#[test]
fn trusted_command_must_be_one() {
    require!(keyctl, trusted);
    let added = new_keyring().add_key(KeyType::TRUSTED, &*unique(), b"gibberish");
    assert_eq!(added, Err(Error::InvalidArgument));
}

#[test]
fn absent_trusted_is_unknown() {
    only_without!(trusted);
    require!(keyctl);
    assert_eq!(new_keyring().add_key(KeyType::TRUSTED, &*unique(), b"new 32"), Err(Error::UnknownType));
}

#[test]
fn asymmetric_key_is_neither_read_nor_updated() {
    require!(keyctl, x509);
    someone(|_| {
        let (keyring, name) = (new_keyring(), unique());
        let key = keyring.add_key(KeyType::ASYMMETRIC, &*name, x509::CA).unwrap();
        assert_eq!(raw::describe(key), new("asymmetric", "39010000", &name));
        assert_eq!(key.read(&mut [0; 4096]), Err(Error::Unsupported));
        assert_eq!(key.payload_len(), Err(Error::Unsupported));
        assert_eq!(key.update(x509::CA), Err(Error::AccessDenied));
        raw::set_permissions(key, all_but(Rights::empty())).unwrap();
        assert_eq!(key.update(x509::CA), Err(Error::Unsupported));

        // So the next one takes its place.
        let next = keyring.add_key(KeyType::ASYMMETRIC, &*name, x509::LEAF).unwrap();
        assert_ne!(next, key);
        assert_eq!(raw::links(keyring), Ok(vec![next]));
    });
}

#[test]
fn asymmetric_key_describes_itself() {
    require!(keyctl, x509);
    someone(|_| {
        let key = new_keyring().add_key(KeyType::ASYMMETRIC, c"", x509::CA).unwrap();
        let description = String::from_utf8(raw::description(key).unwrap()).unwrap();
        assert!(description.starts_with("keyctl test CA: "), "{description}");
    });
}

#[test]
fn certificate_must_be_one() {
    require!(keyctl, x509);
    someone(|_| {
        let keyring = new_keyring();
        let add = |bytes: &[u8]| keyring.add_key(KeyType::ASYMMETRIC, &*unique(), bytes).map(drop);
        assert_eq!(add(b""), Err(Error::InvalidArgument));
        assert_eq!(add(b"gibberish"), Err(Error::Malformed));
        assert_eq!(add(&x509::CA[..100]), Err(Error::Malformed));
        assert_eq!(add(&x509::unknown_algorithm(x509::CA)), Err(Error::NoAlgorithm));
        // Whoever signed the other one is not asked for here.
        assert_eq!(add(&x509::tampered(x509::CA)), Err(Error::KeyRejected));
        assert_eq!(add(&x509::tampered(x509::LEAF)), Ok(()));
    });
}

#[test]
fn type_goes_by_its_name() {
    require!(keyctl, dns_resolver);
    someone(|_| {
        let name = unique();
        let key = new_keyring().add_key(KeyType::new(c"dns_resolver"), &*name, b"1.2.3.4\0").unwrap();
        assert!(raw::describe(key).unwrap().starts_with("dns_resolver;"));
    });
}

#[test]
fn type_must_be_one_and_not_the_kernels_own() {
    require!(keyctl);
    someone(|_| {
        let keyring = new_keyring();
        for (key_type, error) in [
            (c"keyctl-test-none", Error::UnknownType),
            (c"keyctl-test-of-just-31-bytes---", Error::UnknownType),
            (c"keyctl-test-of-one-byte-too-many", Error::InvalidArgument),
            (c"", Error::InvalidArgument),
            (c".request_key_auth", Error::NotPermitted),
        ] {
            let added = keyring.add_key(KeyType::new(key_type), &*unique(), b"1");
            assert_eq!(added, Err(error), "{key_type:?}");
        }
    });
}

#[test]
fn keyring_name_must_not_begin_with_a_dot() {
    require!(keyctl);
    someone(|_| {
        let keyring = new_keyring();
        assert_eq!(keyring.add_keyring(c".keyctl"), Err(Error::NotPermitted));
        assert!(keyring.add_key(KeyType::USER, c".keyctl", b"1").is_ok());
    });
}

#[test]
fn description_may_not_be_empty() {
    require!(keyctl);
    someone(|_| {
        let keyring = new_keyring();
        assert_eq!(keyring.add_key(KeyType::USER, c"", b"1"), Err(Error::InvalidArgument));
        assert_eq!(keyring.add_keyring(c""), Err(Error::InvalidArgument));
    });
}

#[test]
fn payload_of_a_mebibyte_is_too_long_for_any_type() {
    require!(keyctl);
    someone(|_| {
        // The length is looked at before the type is, and passes where the type is found to be none.
        let (keyring, none) = (new_keyring(), KeyType::new(c"keyctl-test-none"));
        let payload = vec![7; 1 << 20];
        assert_eq!(keyring.add_key(none, &*unique(), &payload), Err(Error::InvalidArgument));
        assert_eq!(keyring.add_key(none, &*unique(), &payload[1..]), Err(Error::UnknownType));
    });
}

// Adding where there is one.

#[test]
fn adding_again_updates() {
    require!(keyctl, proc);
    someone(|_| {
        for (key_type, mask) in [(KeyType::USER, 0x0701_0000), (KeyType::LOGON, 0x0501_0000)] {
            let (keyring, name) = (new_keyring(), unique());
            let key = keyring.add_key(key_type, &*name, b"first").unwrap();
            raw::set_timeout(key, 1000).unwrap();
            raw::set_permissions(key, mask).unwrap();
            let described = raw::describe(key);
            assert_eq!(keyring.add_key(key_type, &*name, b"second"), Ok(key));
            assert_eq!(raw::describe(key), described);
            assert_eq!(lifetime(key), "perm");
            assert_eq!(raw::links(keyring), Ok(vec![key]));
        }
    });
}

#[test]
fn same_description_of_another_type_or_in_another_keyring_is_another_key() {
    require!(keyctl);
    someone(|_| {
        let (keyring, name) = (new_keyring(), unique());
        let user = keyring.add_key(KeyType::USER, &*name, b"user").unwrap();
        keyring.add_key(KeyType::LOGON, &*name, b"logon").unwrap();
        keyring.add_keyring(&*name).unwrap().add_key(KeyType::USER, &*name, b"inner").unwrap();
        assert_eq!(raw::links(keyring).unwrap().len(), 3);
        assert_eq!(raw::read(user).unwrap(), b"user");
    });
}

#[test]
fn adding_over_an_expired_key_revives_it() {
    require!(keyctl, proc);
    someone(|_| {
        let (keyring, name) = (new_keyring(), unique());
        let key = keyring.add_key(KeyType::USER, &*name, b"first").unwrap();
        expire(key);
        assert_eq!(keyring.add_key(KeyType::USER, &*name, b"second"), Ok(key));
        assert_eq!(raw::read(key).unwrap(), b"second");
        assert_eq!(lifetime(key), "perm");
    });
}

#[test]
fn adding_over_a_revoked_or_invalidated_key_makes_another() {
    require!(keyctl);
    someone(|_| {
        let ends: [fn(Key) -> keyctl::Result<()>; 2] = [raw::revoke, raw::invalidate];
        for end in ends {
            let (keyring, name) = (new_keyring(), unique());
            let key = keyring.add_key(KeyType::USER, &*name, b"first").unwrap();
            end(key).unwrap();
            let next = keyring.add_key(KeyType::USER, &*name, b"second").unwrap();
            assert_ne!(next, key);
            assert_eq!(raw::links(keyring), Ok(vec![next]));
            assert_eq!(raw::read(next).unwrap(), b"second");
        }
    });
}

#[test]
fn adding_over_a_negative_key_instantiates_it() {
    require!(keyctl);
    someone(|_| {
        let keyring = new_keyring();
        let key = negative_key_in(keyring);
        let name = raw::description(key).unwrap();
        assert_eq!(keyring.add_key(KeyType::USER, &*name, b"positive"), Ok(key));
        assert_eq!(raw::read(key).unwrap(), b"positive");
    });
}

#[test]
fn key_that_is_there_must_grant_write() {
    require!(keyctl);
    someone(|_| {
        let (keyring, name) = (new_keyring(), unique());
        let key = keyring.add_key(KeyType::USER, &*name, b"first").unwrap();
        raw::set_permissions(key, all_but(Rights::WRITE)).unwrap();
        assert_eq!(keyring.add_key(KeyType::USER, &*name, b"second"), Err(Error::AccessDenied));
        assert_eq!(raw::read(key).unwrap(), b"first");
    });
}

// Where to, and on whose account.

#[test]
fn special_keyrings_take_keys() {
    require!(keyctl, root);
    User::new().run(|| {
        let all = [Keyring::THREAD, Keyring::PROCESS, Keyring::SESSION, Keyring::USER, Keyring::USER_SESSION];
        for keyring in all {
            let key = keyring.add_key(KeyType::USER, &*unique(), b"1").unwrap();
            let links = raw::links(raw::resolve(keyring).unwrap()).unwrap();
            assert!(links.contains(&key), "{keyring:?} links {links:?}");
        }
    });
}

#[test]
fn new_key_belongs_to_the_effective_and_then_to_the_file_system_uid() {
    require!(keyctl, root);
    let (real, effective) = (User::new(), User::new());
    as_uids(real.uid(), effective.uid(), effective.uid(), || {
        let keyring = new_keyring();
        let owner = || {
            let key = keyring.add_key(KeyType::USER, &*unique(), b"1").unwrap();
            raw::describe(key).unwrap().split(';').nth(1).unwrap().parse::<u32>().unwrap()
        };
        assert_eq!(owner(), effective.uid().as_raw());
        // SAFETY: changes a number of this thread's.
        unsafe { libc::setfsuid(real.uid().as_raw()) };
        assert_eq!(owner(), real.uid().as_raw());
    });
}

#[test]
fn key_costs_description_payload_and_link() {
    require!(keyctl, root, proc);
    let user = User::new();
    user.run(|| {
        let keyring = new_keyring();
        let (keys, counted, bytes) = key_count(user.uid()).unwrap();
        keyring.add_key(KeyType::USER, c"0123456789", &[7; 100]).unwrap();
        assert_eq!(key_count(user.uid()), Some((keys + 1, counted + 1, bytes + 10 + 1 + 100 + 4)));
        keyring.add_key(KeyType::USER, c"0123456789", &[7; 50]).unwrap();
        assert_eq!(key_count(user.uid()), Some((keys + 1, counted + 1, bytes + 10 + 1 + 50 + 4)));
    });
}

#[test]
fn quota_of_bytes_ends_both_adding_and_updating() {
    require!(keyctl, root);
    User::new().run(|| {
        let (keyring, name) = (new_keyring(), unique());
        let key = keyring.add_key(KeyType::USER, &*name, b"first").unwrap();
        spend_quota();
        assert_eq!(keyring.add_key(KeyType::USER, &*unique(), b"1"), Err(Error::QuotaExceeded));
        assert_eq!(keyring.add_key(KeyType::USER, &*name, b"longer"), Err(Error::QuotaExceeded));
        assert_eq!(key.update(b"longer"), Err(Error::QuotaExceeded));
        assert_eq!(raw::read(key).unwrap(), b"first");
        assert_eq!(raw::links(keyring), Ok(vec![key]));
        assert_eq!(key.update(b"other"), Ok(()));
    });
}

#[test]
fn quota_of_keys_ends_adding() {
    require!(keyctl, root, proc);
    let user = User::new();
    user.run(|| {
        let limit = fs::read_to_string("/proc/sys/kernel/keys/maxkeys").unwrap().trim().parse().unwrap();
        let keyring = new_keyring();
        let add = |_: &u32| keyring.add_key(KeyType::USER, &*unique(), b"1").is_ok();
        let added = (0..limit).take_while(add).count();
        assert_eq!(keyring.add_key(KeyType::USER, &*unique(), b"1"), Err(Error::QuotaExceeded));
        assert_eq!(key_count(user.uid()).unwrap().1, limit);
        assert_eq!(raw::links(keyring).unwrap().len(), added);
    });
}

#[test]
fn keyring_that_cant_be_made_is_no_key() {
    require!(keyctl, root);
    User::new().run(|| {
        spend_quota();
        // What it lacks is quota.
        assert_eq!(Keyring::USER.add_key(KeyType::USER, &*unique(), b"1"), Err(Error::NoKey));
    });
}

#[test]
fn keyring_must_be_one_that_can_be_written() {
    require!(keyctl);
    someone(|_| {
        for (keyring, error) in unusable_keyrings(Rights::WRITE) {
            assert_eq!(keyring.add_key(KeyType::USER, &*unique(), b"1"), Err(error), "{keyring:?}");
            assert_eq!(keyring.add_keyring(&*unique()), Err(error), "{keyring:?}");
        }
    });
}

#[test]
fn adding_passes_on_what_it_is_answered() {
    require!(keyctl, seccomp);
    let name = unique();
    seccomp::passed_on(
        |errno| seccomp::answer_call(libc::SYS_add_key, errno),
        || Keyring::THREAD.add_key(KeyType::USER, &*name, b"1"),
    );
    in_thread(|| {
        seccomp::answer_call(libc::SYS_add_key, 0);
        assert_eq!(Keyring::THREAD.add_keyring(&*name), Err(Error::UnexpectedReply));
    });
}

// Updating.

#[test]
fn update_replaces_the_payload() {
    require!(keyctl);
    someone(|_| {
        let key = key_in(new_keyring());
        for payload in [&b"longer than before"[..], b"shorter", b"\0"] {
            assert_eq!(key.update(payload), Ok(()));
            assert_eq!(raw::read(key).unwrap(), payload);
        }
    });
}

#[test]
fn update_clears_the_timeout() {
    require!(keyctl, proc);
    someone(|_| {
        for key_type in [KeyType::USER, KeyType::LOGON] {
            let key = new_keyring().add_key(key_type, &*unique(), b"1").unwrap();
            raw::set_timeout(key, 1000).unwrap();
            assert_ne!(lifetime(key), "perm");
            assert_eq!(key.update(b"2"), Ok(()));
            assert_eq!(lifetime(key), "perm");
        }
    });
}

#[test]
fn update_takes_no_more_than_a_page() {
    require!(keyctl);
    // Asked for where /proc/self can be read, which after a change of uid it can't.
    let page = page_size();
    someone(|_| {
        let (keyring, name) = (new_keyring(), unique());
        let key = keyring.add_key(KeyType::USER, &*name, b"1").unwrap();
        let payload = vec![7; page + 1];
        assert_eq!(key.update(&payload), Err(Error::InvalidArgument));
        assert_eq!(key.update(b""), Err(Error::InvalidArgument));
        assert_eq!(key.payload_len(), Ok(1));
        // With pages of 64 KiB it is the type that ends it.
        if page < 32767 {
            assert_eq!(key.update(&payload[1..]), Ok(()));
            assert_eq!(key.payload_len(), Ok(page));
            assert_eq!(keyring.add_key(KeyType::USER, &*name, &payload), Ok(key));
            assert_eq!(key.payload_len(), Ok(page + 1));
        }
    });
}

#[test]
fn keyring_is_not_updated() {
    require!(keyctl);
    someone(|_| {
        let keyring = new_keyring();
        assert_eq!(keyring.update(b"1"), Err(Error::Unsupported));
        assert_eq!(keyring.update(b""), Err(Error::Unsupported));
    });
}

#[test]
fn key_to_update_must_be_one_that_can_be_written() {
    require!(keyctl);
    someone(|_| {
        for (key, error) in unusable_keys(Rights::WRITE) {
            assert_eq!(key.update(b"1"), Err(error), "{key:?}");
        }
    });
}

#[test]
fn update_passes_on_what_it_is_answered() {
    require!(keyctl, seccomp);
    let key = key_in(new_keyring());
    seccomp::passed_on(|errno| seccomp::answer(op::UPDATE.number(), errno), || key.update(b"1"));
}

// Reading.

#[test]
fn read_answers_the_payload_and_nothing_after_it() {
    require!(keyctl);
    someone(|_| {
        let key = new_keyring().add_key(KeyType::USER, &*unique(), b"secret").unwrap();
        assert_eq!(key.read(&mut [b'x'; 16]).unwrap(), b"secret");
        assert_eq!(key.payload_len(), Ok(6));
        key.update(b"longer secret").unwrap();
        assert_eq!(key.read(&mut [b'x'; 16]).unwrap(), b"longer secret");
        assert_eq!(key.payload_len(), Ok(13));
    });
}

#[test]
fn payload_of_a_keyring_is_its_links() {
    require!(keyctl);
    someone(|_| {
        let keyring = new_keyring();
        assert_eq!(keyring.payload_len(), Ok(0));
        let key = key_in(keyring);
        assert_eq!(keyring.payload_len(), Ok(4));
        assert_eq!(keyring.read(&mut [0; 8]).unwrap(), key.serial().as_raw().to_ne_bytes());
        assert_eq!(keyring.read(&mut [0; 5]), Err(Error::InvalidArgument));
    });
}

#[test]
fn read_needs_the_right_or_mere_possession() {
    require!(keyctl);
    someone(|_| {
        let keyring = new_keyring();
        for (mask, result) in [
            // Of the user: the right.
            (0x0002_0000, Ok(6)),
            // Of the possessor, or of the user: to find it is to possess it.
            (0x0800_0000, Ok(6)),
            (0x0008_0000, Ok(6)),
            // What the possessor may not find is not possessed.
            (0x3700_0000, Err(Error::AccessDenied)),
            (0x0035_0000, Err(Error::AccessDenied)),
        ] {
            let key = key_in(keyring);
            raw::set_permissions(key, mask).unwrap();
            assert_eq!(key.read(&mut [0; 8]).map(|payload| payload.len()), result, "{mask:08x}");
            assert_eq!(key.payload_len(), result, "{mask:08x}");
        }
    });
}

#[test]
fn possession_goes_with_the_link() {
    require!(keyctl);
    someone(|_| {
        // Which the new session does not link.
        let key = key_in(Keyring::USER);
        let _unlink = Unlink(key, Keyring::USER);
        assert_eq!(key.read(&mut [0; 8]), Err(Error::AccessDenied));
        raw::link(Keyring::USER, Keyring::THREAD).unwrap();
        assert_eq!(key.read(&mut [0; 8]).unwrap(), b"secret");
        raw::unlink(Keyring::USER, Keyring::THREAD).unwrap();
        assert_eq!(key.read(&mut [0; 8]), Err(Error::AccessDenied));
    });
}

#[test]
fn possession_reaches_six_keyrings_deep() {
    require!(keyctl);
    someone(|_| {
        // Below the thread keyring. Each is also in a keyring from which it is filled.
        let workshop = new_keyring();
        let mut innermost = new_keyring();
        let deeper = |outer| {
            let inner = keyring_in(workshop);
            raw::link(inner, outer).unwrap();
            inner
        };
        for _ in 1..6 {
            innermost = deeper(innermost);
        }
        let sixth = key_in(innermost);
        let seventh = key_in(deeper(innermost));
        raw::unlink(workshop, Keyring::THREAD).unwrap();
        assert_eq!(sixth.read(&mut [0; 8]).unwrap(), b"secret");
        assert_eq!(seventh.read(&mut [0; 8]), Err(Error::AccessDenied));
    });
}

#[test]
fn key_to_read_must_be_one_that_can_be_read() {
    require!(keyctl);
    someone(|_| {
        for (key, error) in unusable_keys(Rights::READ | Rights::SEARCH) {
            // Whatever it is that makes a name none.
            let error = if error == Error::InvalidArgument { Error::NoKey } else { error };
            // While an invalidated key is collected, it is not possessed for a moment.
            until(Err(error), || key.read(&mut [0; 8]).map(drop));
            until(Err(error), || key.payload_len().map(drop));
        }
        assert_eq!(Key::from(KeySerial::REQKEY_AUTH_KEY).read(&mut [0; 8]), Err(Error::NoKey));
    });
}

#[test]
fn read_passes_on_what_it_is_answered() {
    require!(keyctl, seccomp);
    let (key, read) = (key_in(new_keyring()), |errno| seccomp::answer(op::READ.number(), errno));
    seccomp::passed_on(read, || key.read(&mut [0; 8]).map(drop));
    seccomp::passed_on(read, || key.payload_len());
}

// Secrets.

/// Long enough to be read into memory that has to be asked for twice. The start of this file, as it happens.
#[cfg(feature = "alloc")]
static SECRET: [u8; 1024] = *include_bytes!("payload.rs").first_chunk().unwrap();

#[cfg(feature = "alloc")]
#[test]
fn secret_holds_the_payload_and_does_not_show_it() {
    require!(keyctl);
    someone(|_| {
        let key = new_keyring().add_key(KeyType::USER, &*unique(), &SECRET).unwrap();
        let secret = key.read_secret().unwrap();
        assert_eq!(*secret, SECRET);
        assert_eq!(format!("{secret:?}"), "Secret(1024 bytes)");

        let logon = new_keyring().add_key(KeyType::LOGON, &*unique(), &SECRET).unwrap();
        assert_eq!(logon.read_secret().unwrap_err(), Error::Unsupported);
    });
}

#[cfg(feature = "alloc")]
#[test]
fn secret_is_wiped_before_its_memory_is_given_back() {
    require!(keyctl);
    someone(|_| {
        let key = new_keyring().add_key(KeyType::USER, &*unique(), &SECRET).unwrap();
        let mark = &SECRET[500..532];
        let read = || assert_eq!(*key.read_secret().unwrap(), SECRET);
        assert_eq!(heap::given_back_with(mark, read), 0);
        // That it would be seen.
        let read = || assert_eq!(*key.read(&mut Vec::new()).unwrap(), SECRET);
        assert_eq!(heap::given_back_with(mark, read), 1);
    });
}
