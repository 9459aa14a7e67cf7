//! `/proc/keys`, `/proc/key-users` and the sysctls of keys.
//!
//! | documented | test |
//! | --- | --- |
//! | the columns of `/proc/keys` | [`a_key_is_listed_as_it_is`], [`lines_of_the_kernel_are_read`], [`what_the_kernel_prints_is_read_back`] |
//! | flags | [`each_state_has_its_flag`], [`an_unknown_flag_is_kept`] |
//! | `Expiry`: rounded down to one unit, `expd` also of a revoked key | [`lifetimes_are_told_to_one_unit`], [`lines_of_the_kernel_are_read`] |
//! | ids of 2³¹ and more | [`great_ids_are_what_they_are`] |
//! | the type is "cut off after 9 bytes" | [`a_long_type_is_cut_off`] |
//! | "whoever makes a key can thus forge the line of another" | [`a_description_can_forge_a_line`] |
//! | `parse`: "`None` when it is none" | [`what_is_no_line_is_none`], [`hostile_bytes_are_told_apart`] |
//! | lines of any length | [`a_line_that_does_not_fit_says_its_size`], [`any_buffer_gives_every_line_or_an_error`] |
//! | `UnexpectedReply`: "more ... than there was room for" | [`more_than_there_was_room_for_ends_it`] |
//! | `Masked`, `NotFound` | [`a_masked_file_is_told`], [`no_proc_is_not_found`] |
//! | "the thread that opened it" | [`who_opens_it_decides_what_is_seen`] |
//! | `find` asks the keys | [`find_asks_the_key`], [`find_tells_of_lines_that_do_not_fit`], [`find_passes_over_forged_lines`], [`find_goes_on_behind_what_it_found`], [`find_tells_what_a_sandbox_says`], [`find_passes_over_a_description_that_no_key_could_be_given`] |
//! | `/proc/key-users` | [`users_are_counted`], [`lines_of_users_are_read`] |
//! | the sysctls | [`sysctls_are_read`] |
#![cfg(feature = "proc")]
#![allow(unsafe_code, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use std::ffi::{CStr, CString};
use std::time::Duration;
use std::{fs, ptr};

use common::impostor::{self, Call};
use common::random::Random;
use common::{
    expired_key, in_child, in_thread, key_in, new_keyring, raw, require, seccomp, someone, unique, until,
    x509,
};
use keyctl::proc::{Entry, Expiry, Flags, Keys, User, Users, gc_delay, persistent_keyring_expiry};
use keyctl::syscall::op;
use keyctl::{Error, Gid, Key, KeyType, Keyring, MAX_DESCRIPTION, Permissions, Result, Timeout, Uid};
use rustix::process::{getegid, geteuid};
use rustix::thread::{UnshareFlags, unshare_unsafe};

/// Somebody who has no keys.
const STRANGER: Uid = Uid::from_raw_unchecked(u32::MAX - 7);

/// What `f` says of the line of a key, if there is one.
fn line_of<T>(key: Key, f: impl Fn(Entry<'_>) -> T) -> Option<T> {
    let mut buffer = [0; 8192];
    let mut keys = Keys::open(&mut buffer).unwrap();
    while let Some(entry) = keys.next() {
        match entry {
            Ok(entry) if entry.key == key => return Some(f(entry)),
            Ok(_) | Err(Error::UnexpectedReply) => {}
            Err(error) => panic!("{error}"),
        }
    }
    None
}

fn named(name: &[u8], keyring: Keyring) -> Key {
    raw::add_key(c"user", &CString::new(name).unwrap(), b"secret", keyring).unwrap()
}

fn find(name: &[u8], owner: Option<Uid>) -> Result<Option<Key>> {
    Keys::open(&mut [0; 8192])?.find(KeyType::USER, name, owner)
}

// What is listed.

#[test]
fn a_key_is_listed_as_it_is() {
    require!(keyctl, proc);
    someone(|me| {
        let (name, ring) = (unique(), new_keyring());
        let key = named(name.to_bytes(), ring);
        let seen = line_of(key, |it| {
            assert_eq!((it.uid, it.gid), (me, getegid()));
            assert_eq!(it.permissions, Permissions::from_raw(0x3f01_0000));
            assert_eq!((it.expiry, it.usage), (Expiry::Never, 1));
            assert_eq!(it.flags, Flags::INSTANTIATED | Flags::IN_QUOTA);
            assert_eq!(it.key_type, b"user");
            it.summary.to_vec()
        });
        assert_eq!(seen, Some([name.to_bytes(), b": 6"].concat()));
        let of_ring = line_of(ring.into(), |it| (it.key_type.to_vec(), it.summary.ends_with(b": 1")));
        assert_eq!(of_ring, Some((b"keyring".to_vec(), true)));
    });
}

#[test]
fn each_state_has_its_flag() {
    require!(keyctl, proc);
    let flags = |key| line_of(key, |it| (it.flags, it.expiry));
    let key = key_in(new_keyring());
    let usual = Flags::INSTANTIATED | Flags::IN_QUOTA;
    assert_eq!(flags(key), Some((usual, Expiry::Never)));
    raw::revoke(key).unwrap();
    assert_eq!(flags(key), Some((usual | Flags::REVOKED, Expiry::Expired)));
    assert_eq!(flags(expired_key()), Some((usual, Expiry::Expired)));
}

#[test]
fn lifetimes_are_told_to_one_unit() {
    require!(keyctl, proc);
    const MINUTE: u64 = 60;
    const HOUR: u64 = 60 * MINUTE;
    const DAY: u64 = 24 * HOUR;
    const WEEK: u64 = 7 * DAY;
    let key = key_in(new_keyring());
    for (seconds, unit) in [
        (50, 1),
        (MINUTE + 30, MINUTE),
        (HOUR - 30, MINUTE),
        (HOUR + 30, HOUR),
        (DAY - 30, HOUR),
        (DAY + 30, DAY),
        (WEEK - 30, DAY),
        (WEEK + 30, WEEK),
        (u32::MAX.into(), WEEK),
    ] {
        raw::set_timeout(key, seconds.try_into().unwrap()).unwrap();
        let Some(Expiry::Within { at_least, less_than }) = line_of(key, |it| it.expiry) else { panic!() };
        // The test itself takes time, but not half a minute.
        let left = Duration::from_secs(seconds);
        assert!((at_least..less_than + Duration::from_secs(20)).contains(&left), "{at_least:?}");
        assert_eq!(less_than - at_least, Duration::from_secs(unit));
    }
}

#[test]
fn great_ids_are_what_they_are() {
    require!(keyctl, proc, root);
    for id in [i32::MAX.unsigned_abs(), 1 << 31, u32::MAX - 1] {
        let key = key_in(new_keyring());
        raw::set_permissions(key, 0x3f3f_3f3f).unwrap();
        key.set_owner(Some(Uid::from_raw(id)), Some(Gid::from_raw(id))).unwrap();
        assert_eq!(line_of(key, |it| (it.uid.as_raw(), it.gid.as_raw())), Some((id, id)));
    }
}

#[test]
fn a_long_type_is_cut_off() {
    require!(keyctl, proc);
    // A struct with two numbers, the kind 2 and 0, and a key of 32 bytes.
    let payload = [&2u32.to_ne_bytes()[..], &[0; 4], &[7; 32]].concat();
    let (name, ring) = (unique(), new_keyring());
    match raw::add_key(c"fscrypt-provisioning", &name, &payload, ring) {
        Ok(key) => {
            assert_eq!(line_of(key, |it| it.key_type.to_vec()), Some(b"fscrypt-p".to_vec()));
            let kind = KeyType::new(c"fscrypt-provisioning");
            let mut buffer = [0; 8192];
            assert_eq!(Keys::open(&mut buffer).unwrap().find(kind, &*name, None), Ok(Some(key)));
            let short = KeyType::new(c"fscrypt-p");
            assert_eq!(Keys::open(&mut buffer).unwrap().find(short, &*name, None), Ok(None));
        }
        Err(Error::UnknownType) => {
            common::need::say("no long type here: a_long_type_is_cut_off is for parse only")
        }
        Err(error) => panic!("{error}"),
    }
    let line = b"0056bd08 I--Q---     1 perm 3d010000     0     0 fscrypt-p name";
    assert_eq!(
        Entry::parse(line).map(|it| (it.key_type, it.summary)),
        Some((&b"fscrypt-p"[..], &b"name"[..]))
    );
}

#[test]
fn who_opens_it_decides_what_is_seen() {
    require!(keyctl, proc);
    let key = key_in(new_keyring());
    raw::set_permissions(key, 0x3f00_0000).unwrap();
    let mut buffer = [0; 8192];
    let mut keys = Keys::open(&mut buffer).unwrap();
    // Another thread, which does not possess the key, reads on.
    let seen = in_thread(|| {
        assert_eq!(line_of(key, |_| ()), None);
        loop {
            match keys.next() {
                Some(Ok(entry)) if entry.key == key => break true,
                Some(_) => {}
                None => break false,
            }
        }
    });
    assert!(seen);
}

// Lines, as the kernel prints them.

#[test]
fn lines_of_the_kernel_are_read() {
    let line = b"3fffff01 IRDQUNi 12345 7101w 1f3f0000    -2 65534 big_key   a: b: 9 [file]";
    let it = Entry::parse(line).unwrap();
    assert_eq!(it.key.serial().as_raw(), 0x3fff_ff01);
    assert_eq!(
        it.flags,
        Flags::INSTANTIATED
            | Flags::REVOKED
            | Flags::DEAD
            | Flags::IN_QUOTA
            | Flags::UNDER_CONSTRUCTION
            | Flags::NEGATIVE
            | Flags::INVALIDATED
    );
    assert_eq!(it.usage, 12345);
    let weeks = |count| Duration::from_secs(count * 7u64 * 24 * 60 * 60);
    assert_eq!(it.expiry, Expiry::Within { at_least: weeks(7101), less_than: weeks(7102) });
    assert_eq!(it.permissions.as_raw(), 0x1f3f_0000);
    assert_eq!((it.uid.as_raw(), it.gid.as_raw()), (u32::MAX - 1, 65534));
    assert_eq!((it.key_type, it.summary), (&b"big_key"[..], &b"a: b: 9 [file]"[..]));

    // A type that tells nothing, a description of spaces, and a flag that was shown before Linux 3.5.
    let summary = |line| Entry::parse(line).map(|it| it.summary);
    assert_eq!(summary(b"00000003 I-----      1 perm 3f010000     0     0 ceph      "), Some(&b""[..]));
    assert_eq!(
        summary(b"00000003 I-----      1 expd 3f010000     0     0 user        : 1"),
        Some(&b"  : 1"[..])
    );
}

#[test]
fn an_unknown_flag_is_kept() {
    let it = Entry::parse(b"00000003 I--Q--iZ     1 perm 3f010000     0     0 user      x: 1").unwrap();
    let known = Flags::INSTANTIATED | Flags::IN_QUOTA | Flags::INVALIDATED;
    let unknown = Flags::from_letter(b'Z').unwrap();
    assert_eq!(it.flags, known | unknown);
    assert!(!known.contains(unknown));
    let letters = (0..=u8::MAX).filter_map(Flags::from_letter);
    let all = letters.clone().fold(0, |all, letter| all | letter.bits());
    assert_eq!((letters.count(), all.count_ones()), (52, 52));
}

#[test]
fn what_is_no_line_is_none() {
    for line in [
        "",
        " ",
        "x: 1",
        "00000003",
        "00000003 ",
        "00000000 I------     1 perm 3f010000     0     0 user      x: 1",
        "80000000 I------     1 perm 3f010000     0     0 user      x: 1",
        "0000000g I------     1 perm 3f010000     0     0 user      x: 1",
        "+0000003 I------     1 perm 3f010000     0     0 user      x: 1",
        "00000003 I--?---     1 perm 3f010000     0     0 user      x: 1",
        "00000003 I------     x perm 3f010000     0     0 user      x: 1",
        "00000003 I------     1 Perm 3f010000     0     0 user      x: 1",
        "00000003 I------     1 12 3f010000     0     0 user      x: 1",
        "00000003 I------     1 s 3f010000     0     0 user      x: 1",
        "00000003 I------     1 -1s 3f010000     0     0 user      x: 1",
        "00000003 I------     1 perm 3f01000g     0     0 user      x: 1",
        "00000003 I------     1 perm 3f010000    -1     0 user      x: 1",
        "00000003 I------     1 perm 3f010000     0    -1 user      x: 1",
        "00000003 I------     1 perm 3f010000     0 4294967296 user      x: 1",
        "00000003 I------     1 perm 3f010000     0 -2147483649 user      x: 1",
        "00000003 I------     1 perm 3f010000     0     0",
        "00000003 I------     1 perm 3f010000     0     0 user",
        "00000003 I------     1 perm 3f010000     0     0 user     x: 1",
    ] {
        assert_eq!(Entry::parse(line.as_bytes()), None, "{line}");
    }
}

#[test]
fn what_the_kernel_prints_is_read_back() {
    let mut random = Random::new(1);
    for _ in 0..10_000 {
        let mut number = || u32::try_from(random.next() >> 32).unwrap();
        let (serial, usage, mask) = (number() >> 1 | 1, number() >> 8, number());
        let (uid, gid) = (number() & !1, number() & !1);
        let letters: String = "IRDQUNi".chars().filter(|_| number() & 1 == 1).collect();
        let column: String = "IRDQUNi".chars().map(|c| if letters.contains(c) { c } else { '-' }).collect();
        let count = number() % 60;
        let (unit, seconds) =
            [("s", 1), ("m", 60), ("h", 3600), ("d", 86400), ("w", 604_800)][(number() % 5) as usize];
        let kind = &"keyring_or_more"[..(number() % 15) as usize + 1];
        let summary: Vec<u8> =
            (0..number() % 40).map(|_| number().to_ne_bytes()[0]).filter(|b| *b != b'\n').collect();
        // `%5d` of a number of 32 bits without sign.
        let signed = |id: u32| i32::from_ne_bytes(id.to_ne_bytes());
        let mut line = format!(
            "{serial:08x} {column} {usage:5} {:>4} {mask:08x} {:5} {:5} {kind:<9.9} ",
            format!("{count}{unit}"),
            signed(uid),
            signed(gid),
        )
        .into_bytes();
        line.extend(&summary);

        let it = Entry::parse(&line).unwrap();
        assert_eq!(it.key.serial().as_raw().unsigned_abs(), serial);
        assert_eq!(
            letters.bytes().filter_map(Flags::from_letter).fold(Flags::empty(), |a, b| a | b),
            it.flags
        );
        assert_eq!((it.usage, it.permissions.as_raw()), (usage, mask));
        let (least, most) = (u64::from(count) * seconds, u64::from(count + 1) * seconds);
        let within =
            Expiry::Within { at_least: Duration::from_secs(least), less_than: Duration::from_secs(most) };
        assert_eq!(it.expiry, within);
        assert_eq!((it.uid.as_raw(), it.gid.as_raw()), (uid, gid));
        assert_eq!(it.key_type, &kind.as_bytes()[..kind.len().min(9)]);
        assert_eq!(it.summary, summary);
    }
}

#[test]
fn hostile_bytes_are_told_apart() {
    let mut random = Random::new(1);
    let mut below = |limit| random.below(limit);
    let whole = *b"3a5b6a53 I--Q---     2 7101w 3f010000  1000    -2 fscrypt-p a token: 7";
    let users = *b" 1000:     5 5/4 3/200 66/20000";
    let alphabet = b"0123456789abcdef-:/ IiQwm\xff\0\n";
    let (mut read, mut counted) = (0, 0);
    for _ in 0..50_000 {
        // Some bytes of a line changed, and the line cut off somewhere.
        let mut hostile = |line: &[u8]| {
            let mut line = line.to_vec();
            for _ in 0..below(4) {
                let at = below(line.len());
                line[at] = alphabet[below(alphabet.len())];
            }
            if below(4) == 0 {
                line.truncate(below(line.len()));
            }
            line
        };
        read += usize::from(Entry::parse(&hostile(&whole)).is_some());
        counted += usize::from(User::parse(&hostile(&users)).is_some());
        let noise: Vec<u8> = (0..below(100)).map(|_| below(256).to_le_bytes()[0]).collect();
        assert_eq!((Entry::parse(&noise), User::parse(&noise)), (None, None));
    }
    // Neither all nor none.
    assert!((5_000..45_000).contains(&read) && (5_000..45_000).contains(&counted), "{read} {counted}");
}

// Forged lines.

/// A line that says of `key` that it is a "user" key of that description.
fn forged(key: Key, name: &str) -> String {
    format!("{:08x} I--Q---     1 perm 3f3f3f3f     0     0 user      {name}: 6", key.serial())
}

#[test]
fn a_description_can_forge_a_line() {
    require!(keyctl, proc);
    let ring = new_keyring();
    let victim = named(b"keyctl:test:victim", ring);
    let name = format!("{}\n{}\nand more", unique().to_str().unwrap(), forged(victim, "keyctl:test:forged"));
    let forger = named(name.as_bytes(), ring);
    assert!(line_of(forger, |it| name.as_bytes().starts_with(it.summary)).unwrap());

    let mut buffer = [0; 8192];
    let (mut keys, mut seen, mut errors) = (Keys::open(&mut buffer).unwrap(), Vec::new(), 0);
    while let Some(entry) = keys.next() {
        match entry {
            Ok(it) if it.key == victim => seen.push(it.summary.to_vec()),
            Ok(_) => {}
            Err(error) => {
                assert_eq!(error, Error::UnexpectedReply);
                errors += 1;
            }
        }
    }
    seen.sort();
    assert_eq!(seen, [b"keyctl:test:forged: 6", b"keyctl:test:victim: 6"]);
    // The last line of the description.
    assert!(errors >= 1);
}

#[test]
fn find_passes_over_forged_lines() {
    require!(keyctl, proc);
    let ring = new_keyring();
    let (name, other) = (unique().into_string().unwrap(), unique().into_string().unwrap());
    let victim = named(other.as_bytes(), ring);
    let hidden = key_in(ring);
    raw::set_permissions(hidden, 0x3e3e_3e3e).unwrap();
    let gone = key_in(ring);
    raw::invalidate(gone).unwrap();
    let lines = [victim, hidden, gone, expired_key()].map(|key| forged(key, &name)).join("\n");
    named(format!("x\n{lines}\n").as_bytes(), ring);
    assert_eq!(find(name.as_bytes(), None), Ok(None));
    let real = named(name.as_bytes(), ring);
    assert_eq!(find(name.as_bytes(), None), Ok(Some(real)));
    assert_eq!(find(other.as_bytes(), None), Ok(Some(victim)));
}

// Finding.

#[test]
fn find_asks_the_key() {
    require!(keyctl, proc);
    let ring = new_keyring();
    let long = [unique().to_bytes(), &b"x".repeat(4050)].concat();
    for name in [&b"a;b"[..], b"two\nlines", b"\nat once", b"\xff\xfe", b"with: 6", b" ", &long] {
        let name = [name, unique().to_bytes()].concat();
        let key = named(&name, ring);
        assert_eq!(find(&name, None), Ok(Some(key)));
        assert_eq!(find(&name, Some(geteuid())), Ok(Some(key)));
        assert_eq!(find(&name, Some(STRANGER)), Ok(None));
        // What only begins like it, or ends so.
        assert_eq!(find(&name[..name.len() - 1], None), Ok(None));
        assert_eq!(find(&[&name[..], b": 6"].concat(), None), Ok(None));
        let mut buffer = [0; 8192];
        let mut of = |kind| Keys::open(&mut buffer).unwrap().find(KeyType::new(kind), &*name, None);
        assert_eq!([of(c"keyring"), of(c"use"), of(c"users"), of(c"")], [Ok(None); 4]);
    }
    assert_eq!(find(b"nul\0inside", None), Err(Error::InteriorNul));
}

#[test]
fn find_goes_on_behind_what_it_found() {
    require!(keyctl, proc);
    let name = unique();
    let mut keys = [(); 3].map(|()| named(name.to_bytes(), new_keyring()));
    keys.sort();
    let mut buffer = [0; 8192];
    let mut all = Keys::open(&mut buffer).unwrap();
    let mut next = || all.find(KeyType::USER, &*name, None);
    let found = [next(), next(), next()];
    assert_eq!(found, keys.map(|key| Ok(Some(key))));
    assert_eq!([next(), next()], [Ok(None); 2]);
}

#[test]
fn find_tells_of_lines_that_do_not_fit() {
    require!(keyctl, proc);
    let (name, ring) = (unique(), new_keyring());
    let key = named(name.to_bytes(), ring);
    let long = [(); 8].map(|()| named(&[unique().to_bytes(), &b"x".repeat(2000)].concat(), ring));
    let mut buffer = [0; 512];
    let mut keys = Keys::open(&mut buffer).unwrap();
    let (mut found, mut too_long) = (false, 0);
    loop {
        match keys.find(KeyType::USER, &*name, None) {
            Ok(Some(it)) => found |= it == key,
            Ok(None) => break,
            Err(Error::BufferTooSmall { needed }) => too_long += usize::from(needed > 2000),
            Err(error) => panic!("{error}"),
        }
    }
    assert!(found && too_long >= long.len());
}

/// The kernel derives descriptions that nobody could give: longer ones.
#[test]
fn find_passes_over_a_description_that_no_key_could_be_given() {
    require!(proc, x509);
    someone(|_| {
        let ring = new_keyring();
        let serial = [unique().to_bytes(), &[1; 3001]].concat()[..3001].to_vec();
        let certificate = x509::with_serial(x509::LEAF, &serial);
        let derived = raw::add_key(c"asymmetric", c"", &certificate, ring).unwrap();
        let long = raw::description(derived).unwrap();
        assert!(long.len() > MAX_DESCRIPTION);
        let find = |name: &[u8]| {
            // Of a name that is a prefix of it.
            Keys::open(&mut [0; 1 << 14]).unwrap().find(KeyType::ASYMMETRIC, name, None)
        };
        for length in [100, 4095] {
            let name = &long[..length];
            assert_eq!(find(name), Ok(None));
            let named = raw::add_key(c"asymmetric", &CString::new(name).unwrap(), x509::LEAF, ring).unwrap();
            assert_eq!(find(name), Ok(Some(named)));
        }
    });
}

#[test]
fn find_tells_what_a_sandbox_says() {
    require!(keyctl, proc, seccomp);
    for (errno, error) in [(libc::EPERM, Error::NotPermitted), (libc::ENOSYS, Error::NotImplemented)] {
        in_thread(|| {
            let name = unique();
            let key = named(name.to_bytes(), new_keyring());
            assert_eq!(find(name.to_bytes(), None), Ok(Some(key)));
            seccomp::answer(op::DESCRIBE.number(), errno.try_into().unwrap());
            assert_eq!(find(name.to_bytes(), None), Err(error));
        });
    }
}

// Lines of any length.

#[test]
fn a_line_that_does_not_fit_says_its_size() {
    require!(keyctl, proc);
    let ring = new_keyring();
    let name = [unique().to_bytes(), &b"x".repeat(4095)].concat()[..4095].to_vec();
    let long = named(&name, ring);
    // A thousand keys would be in the way of others' quota: some before and some after it.
    let others = [(); 20].map(|()| key_in(ring));
    let needed = format!("{:08x} I--Q---     1 perm 3f010000     0     0 user      : 6\n", 3).len() + 4095;

    let seen = |length: usize| {
        let mut buffer = vec![0; length];
        let (mut keys, mut seen, mut errors) = (Keys::open(&mut buffer).unwrap(), Vec::new(), Vec::new());
        while let Some(entry) = keys.next() {
            match entry {
                Ok(it) => seen.push(it.key),
                Err(error) => errors.push(error),
            }
        }
        assert!(others.iter().all(|key| seen.contains(key)), "{length}");
        (seen.contains(&long), errors)
    };
    let (there, _) = seen(needed);
    assert!(there);
    for length in [200, 1000, needed - 1] {
        let (there, errors) = seen(length);
        assert!(!there);
        let needed = needed.try_into().unwrap();
        assert!(errors.contains(&Error::BufferTooSmall { needed }), "{length}: {errors:?}");
    }
}

#[test]
fn any_buffer_gives_every_line_or_an_error() {
    require!(keyctl, proc);
    assert_eq!(Keys::open(&mut []).unwrap_err(), Error::BufferTooSmall { needed: 1 });
    let ring = new_keyring();
    let keys: Vec<Key> = (1..150)
        .step_by(7)
        .map(|length| named(&[unique().to_bytes(), &b"x".repeat(length)].concat(), ring))
        .collect();
    for length in (1..300).step_by(3) {
        let mut buffer = vec![0xff; length];
        let mut all = Keys::open(&mut buffer).unwrap();
        let (mut seen, mut too_long) = (0, 0);
        while let Some(entry) = all.next() {
            match entry {
                Ok(it) => seen += usize::from(keys.contains(&it.key)),
                Err(Error::BufferTooSmall { needed }) => {
                    assert!(needed as usize > length);
                    too_long += 1;
                }
                Err(error) => assert_eq!(error, Error::UnexpectedReply),
            }
        }
        assert!(all.next().is_none());
        let fit = keys.iter().filter(|&&key| line_of(key, |it| it.summary.len() + 60 <= length).unwrap());
        assert_eq!(seen, fit.count(), "{length}");
        assert!(too_long >= keys.len() - seen);
    }
}

#[test]
fn more_than_there_was_room_for_ends_it() {
    require!(proc, impostor);
    // What is below -4095 rustix itself would not have, where libc makes its calls.
    let lies = [|room: i64| room + 1, |room| 2 * room, |_| isize::MAX as i64];
    // At once, or behind a part of a line.
    for (part, lie) in [&b""[..], b"3a5"].into_iter().flat_map(|part| lies.map(|lie| (part, lie))) {
        let (parts, mut asked) = (usize::from(!part.is_empty()), 0);
        let kernel = |call: Call| {
            asked += 1;
            if asked <= parts {
                call.write(1, part);
                part.len().try_into().unwrap()
            } else if asked == parts + 1 {
                lie(call.args[2].try_into().unwrap())
            } else {
                // Who panics reads too, to tell where.
                -i64::from(libc::EIO)
            }
        };
        let mut buffer = [0; 64];
        let told = impostor::reign(&[libc::SYS_read], kernel, || {
            let mut keys = Keys::open(&mut buffer).unwrap();
            [(); 3].map(|()| keys.next().map(|line| line.map(drop)))
        });
        assert_eq!(told, [Some(Err(Error::UnexpectedReply)), None, None]);
        assert_eq!(asked, parts + 1);
    }
}

// The file is not to be had.

/// Runs `f` in a child of which `/proc/keys` or `/proc` can be changed.
fn in_own_mounts(f: impl FnOnce()) {
    in_child(|| {
        // SAFETY: file descriptors stay shared.
        unsafe { unshare_unsafe(UnshareFlags::NEWNS) }.unwrap();
        mount(c"none", c"/", libc::MS_REC | libc::MS_PRIVATE, c"");
        f();
    });
}

fn mount(from: &CStr, to: &CStr, flags: libc::c_ulong, kind: &CStr) {
    // SAFETY: texts that end in NUL, and no options.
    let mounted = unsafe { libc::mount(from.as_ptr(), to.as_ptr(), kind.as_ptr(), flags, ptr::null()) };
    assert_eq!(mounted, 0, "{to:?}: {}", std::io::Error::last_os_error());
}

fn opened() -> [Option<Error>; 3] {
    let (mut keys, mut users) = ([0; 64], [0; 64]);
    [Keys::open(&mut keys).err(), Users::open(&mut users).err(), persistent_keyring_expiry().err()]
}

#[test]
fn a_masked_file_is_told() {
    require!(keyctl, proc, root);
    // As container runtimes do it.
    in_own_mounts(|| {
        assert_eq!(opened()[..2], [None; 2]);
        mount(c"/dev/null", c"/proc/keys", libc::MS_BIND, c"");
        assert_eq!(opened()[..2], [Some(Error::Masked), None]);
        assert_eq!(find(b"x", None), Err(Error::Masked));
    });
    in_own_mounts(|| {
        mount(c"none", c"/proc/sys/kernel/keys", 0, c"tmpfs");
        fs::write("/proc/sys/kernel/keys/persistent_keyring_expiry", "1\n").unwrap();
        assert_eq!(persistent_keyring_expiry(), Err(Error::Masked));
    });
}

#[test]
fn no_proc_is_not_found() {
    require!(keyctl, proc, root);
    in_own_mounts(|| {
        mount(c"none", c"/proc", 0, c"tmpfs");
        assert_eq!(opened(), [Some(Error::NotFound); 3]);
    });
}

// Users.

fn user(uid: Uid) -> Option<User> {
    let mut buffer = [0; 128];
    let mut users = Users::open(&mut buffer).unwrap();
    while let Some(user) = users.next() {
        let user = user.unwrap();
        if user.uid == uid {
            return Some(user);
        }
    }
    None
}

#[test]
fn users_are_counted() {
    require!(keyctl, proc, root);
    someone(|me| {
        let ring = new_keyring();
        let before = user(me).unwrap();
        let name = unique();
        named(name.to_bytes(), ring);
        let after = user(me).unwrap();
        assert_eq!((after.keys, after.instantiated), (before.keys + 1, before.instantiated + 1));
        assert_eq!(after.quota_keys, before.quota_keys + 1);
        let bytes = u32::try_from(name.to_bytes_with_nul().len()).unwrap() + 6 + 4;
        assert_eq!(after.quota_bytes, before.quota_bytes + bytes);
        let most = |name| fs::read_to_string(format!("/proc/sys/kernel/keys/{name}")).unwrap();
        assert_eq!(after.max_keys.to_string(), most("maxkeys").trim());
        assert_eq!(after.max_bytes.to_string(), most("maxbytes").trim());
        assert!(after.usage >= after.keys);
    });
    assert_eq!(user(STRANGER), None);
}

#[test]
fn lines_of_users_are_read() {
    let it = User::parse(b"4294967294: -1073741824 9/8 7/6 5/4").unwrap();
    assert_eq!(it.uid.as_raw(), u32::MAX - 1);
    // A counter that the kernel stopped from overflowing.
    assert_eq!(it.usage, 0xc000_0000);
    assert_eq!((it.keys, it.instantiated, it.quota_keys), (9, 8, 7));
    assert_eq!((it.max_keys, it.quota_bytes, it.max_bytes), (6, 5, 4));
    for line in [
        "",
        "0",
        "0:",
        "0: 1 1/1 1/1",
        "0: 1 1/1 1/1 1",
        "0: 1 1/1 1/1 1/",
        "0: 1 1/1 1/1 /1",
        "0: 1 1/1 1/1 1/1 ",
        "0: 1 1/1 1/1 1/1 1/1",
        "0: 1 1/1 1/1 1/4294967296",
        "-1: 1 1/1 1/1 1/1",
        "0 1 1/1 1/1 1/1",
        "0: x 1/1 1/1 1/1",
    ] {
        assert_eq!(User::parse(line.as_bytes()), None, "{line}");
    }
}

// Sysctls.

#[test]
fn sysctls_are_read() {
    require!(keyctl, proc, persistent);
    let seconds = |name| -> u32 {
        fs::read_to_string(format!("/proc/sys/kernel/keys/{name}")).unwrap().trim().parse().unwrap()
    };
    // Nobody writes them meanwhile, or not for long.
    until(true, || gc_delay() == Ok(Duration::from_secs(seconds("gc_delay").into())));
    until(true, || match seconds("persistent_keyring_expiry") {
        0 => persistent_keyring_expiry() == Ok(Timeout::Never),
        expiry => persistent_keyring_expiry() == Timeout::from_secs(expiry),
    });
}
