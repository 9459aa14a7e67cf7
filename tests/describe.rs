//! What a key says of itself, and its security label.
//!
//! | documented | test |
//! | --- | --- |
//! | type, owner, group, permissions, description | [`a_key_tells_what_it_is`], [`special_ids_tell_what_they_stand_for`] |
//! | "any bytes but NUL" | [`a_description_is_any_bytes_but_nul`], [`only_the_first_four_semicolons_divide`] |
//! | "Ids of 2³¹ and more" | [`great_ids_are_what_they_are`], [`ids_are_read_signed_and_unsigned`] |
//! | "65534 stands also for" | [`an_owner_without_a_meaning_here_is_65534`], [`no_group_is_65534`] |
//! | `MAX_DESCRIPTION` "hold every answer" | [`the_longest_answer_fits`], [`nothing_longer_can_be_told`], but for [`a_derived_description_may_be_longer`] |
//! | `parse`: "`None` when it is none" | [`what_is_no_description_is_none`], [`hostile_text_is_told_apart`] |
//! | `BufferTooSmall` | [`a_buffer_that_is_too_small_says_how_large`], [`a_length_that_takes_more_than_32_bits_is_no_less`] |
//! | `EACCES`, and `ENOKEY` from the label | [`without_view_nothing_is_told`] |
//! | `ENOKEY`, `EKEYEXPIRED`, `EKEYREVOKED` | [`what_is_gone_tells_nothing`] |
//! | `ENOMEM`, `UnexpectedReply`, what a sandbox says | [`other_refusals_arrive`], [`an_empty_reply_is_unexpected`] |
//! | the label is "empty when there is no such module" | [`without_a_module_the_label_is_empty`] |
#![allow(unsafe_code, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use std::ffi::CString;
use std::mem::MaybeUninit;

use common::random::Random;
use common::{
    expired_key, in_child, in_thread, key_in, key_of, new_keyring, only_without, raw, require, seccomp,
    someone, unique, who, x509,
};
use keyctl::syscall::op;
use keyctl::{Description, Error, Gid, Key, Keyring, MAX_DESCRIPTION, Uid, get_persistent};
use rustix::process::getegid;

/// Type, uid, gid, mask, description.
type Told<'a> = (&'a [u8], u32, u32, u32, &'a [u8]);

fn told(it: Description<'_>) -> Told<'_> {
    (it.key_type, it.uid.as_raw(), it.gid.as_raw(), it.permissions.as_raw(), it.description)
}

/// The longest description that there is.
fn longest() -> CString {
    let mut name = unique().into_bytes();
    name.resize(4095, b'x');
    CString::new(name).unwrap()
}

// What is told.

#[test]
fn a_key_tells_what_it_is() {
    require!(keyctl);
    someone(|me| {
        let (uid, gid, name) = (me.as_raw(), getegid().as_raw(), unique());
        let key = raw::add_key(c"user", &name, b"secret", Keyring::THREAD).unwrap();
        let ring = raw::add_key(c"keyring", &name, b"", Keyring::THREAD).unwrap();
        let mut buffer = [0; MAX_DESCRIPTION];
        let name = name.to_bytes();
        assert_eq!(key.describe(&mut buffer).map(told), Ok((&b"user"[..], uid, gid, 0x3f01_0000, name)));
        assert_eq!(ring.describe(&mut buffer).map(told), Ok((&b"keyring"[..], uid, gid, 0x3f01_0000, name)));
    });
}

#[test]
fn special_ids_tell_what_they_stand_for() {
    require!(keyctl);
    someone(|me| {
        let (user, default) = (format!("_uid.{}", me.as_raw()), format!("_uid_ses.{}", me.as_raw()));
        new_keyring();
        let mut buffer = [0; MAX_DESCRIPTION];
        let mut name = |keyring: Keyring| keyring.describe(&mut buffer).map(|it| it.description.to_vec());
        assert_eq!(name(Keyring::THREAD), Ok(b"_tid".to_vec()));
        assert_eq!(name(Keyring::SESSION), Ok(b"_ses".to_vec()));
        assert_eq!(name(Keyring::USER), Ok(user.into_bytes()));
        assert_eq!(name(Keyring::USER_SESSION), Ok(default.into_bytes()));
    });
}

#[test]
fn a_description_is_any_bytes_but_nul() {
    require!(keyctl);
    let every_byte: Vec<u8> = (1..=255).collect();
    for name in [&b"a;b;;c;"[..], b"\n", b"two\nlines", b"\xff\xfe", b" ", b";", &every_byte] {
        let name = CString::new(name).unwrap();
        let key = raw::add_key(c"user", &name, b"secret", new_keyring()).unwrap();
        let mut buffer = [0; MAX_DESCRIPTION];
        assert_eq!(key.describe(&mut buffer).unwrap().description, name.to_bytes());
    }
}

#[test]
fn great_ids_are_what_they_are() {
    require!(keyctl, root);
    for id in [i32::MAX.unsigned_abs(), 1 << 31, u32::MAX - 1] {
        let key = key_in(new_keyring());
        key.set_owner(Some(Uid::from_raw(id)), Some(Gid::from_raw(id))).unwrap();
        let mut buffer = [0; MAX_DESCRIPTION];
        let it = key.describe(&mut buffer).unwrap();
        assert_eq!((it.uid.as_raw(), it.gid.as_raw()), (id, id));
    }
}

#[test]
fn an_owner_without_a_meaning_here_is_65534() {
    require!(keyctl, userns);
    in_child(|| {
        let key = key_in(new_keyring());
        who::unshare_users().unwrap();
        let mut buffer = [0; MAX_DESCRIPTION];
        let it = key.describe(&mut buffer).unwrap();
        assert_eq!((it.uid.as_raw(), it.gid.as_raw()), (65534, 65534));
    });
}

#[test]
fn no_group_is_65534() {
    require!(persistent);
    someone(|me| {
        let persistent = get_persistent(None, new_keyring()).unwrap();
        let mut buffer = [0; MAX_DESCRIPTION];
        let it = persistent.describe(&mut buffer).unwrap();
        assert_eq!((it.uid, it.gid.as_raw()), (me, 65534));
    });
}

#[test]
fn the_longest_answer_fits() {
    require!(keyctl);
    let name = longest();
    let key = raw::add_key(c"user", &name, b"secret", new_keyring()).unwrap();
    // As root, with the longest numbers as well.
    let _ = key.set_owner(Some(Uid::from_raw(1 << 31)), Some(Gid::from_raw(1 << 31)));
    let mut buffer = [MaybeUninit::uninit(); MAX_DESCRIPTION];
    assert_eq!(key.describe(&mut buffer).unwrap().description, name.to_bytes());
}

#[test]
fn nothing_longer_can_be_told() {
    let (key_type, id, name) = ("t".repeat(31), i32::MIN, "x".repeat(4095));
    let text = format!("{key_type};{id};{id};{:08x};{name}\0", u32::MAX);
    assert_eq!(text.len(), MAX_DESCRIPTION);
}

#[test]
fn a_derived_description_may_be_longer() {
    require!(x509);
    someone(|_| {
        let certificate = x509::with_serial(x509::LEAF, &[1; 3001]);
        let key = raw::add_key(c"asymmetric", c"", &certificate, new_keyring()).unwrap();
        let long = raw::description(key).unwrap();
        assert!(long.ends_with("01".repeat(3001).as_bytes()), "{}", long.escape_ascii());
        let needed = raw::describe(key).unwrap().len() + 1;
        let too_small = Error::BufferTooSmall { needed: needed.try_into().unwrap() };
        assert_eq!(key.describe(&mut [0; MAX_DESCRIPTION]).unwrap_err(), too_small);
        assert_eq!(key.describe(&mut vec![0; needed - 1][..]).unwrap_err(), too_small);
        assert_eq!(key.describe(&mut vec![0; needed][..]).unwrap().description, long);
        #[cfg(feature = "alloc")]
        assert_eq!(key.describe(&mut Vec::new()).unwrap().description, long);
    });
}

/// The kernel takes 32 bits of the length, and these are 0: nothing would be written.
#[cfg(target_pointer_width = "64")]
#[test]
fn a_length_that_takes_more_than_32_bits_is_no_less() {
    require!(keyctl);
    in_thread(|| {
        let key = key_in(new_keyring());
        let buffer = common::zeros(1 << 32);
        let forged = b"user;0;0;3f3f3f3f;forged\0";
        buffer[..forged.len()].copy_from_slice(forged);
        assert_eq!(key.describe(buffer), key.describe(&mut [0; MAX_DESCRIPTION]));
    });
}

#[test]
fn a_buffer_that_is_too_small_says_how_large() {
    require!(keyctl);
    let key = key_in(new_keyring());
    let text = raw::describe(key).unwrap();
    let length = text.len() + 1;
    let needed = length.try_into().unwrap();
    let mut buffer = vec![0; length];
    assert_eq!(key.describe(&mut buffer[..]), Ok(Description::parse(text.as_bytes()).unwrap()));
    // Without room for the NUL, and without any.
    for room in [length - 1, 0] {
        assert_eq!(key.describe(&mut buffer[..room]), Err(Error::BufferTooSmall { needed }));
    }
}

// The label.

#[test]
fn without_a_module_the_label_is_empty() {
    only_without!(label);
    require!(keyctl);
    let key = key_in(new_keyring());
    assert_eq!(key.security(&mut [0; 16]), Ok(&mut [][..]));
    assert_eq!(key.security(&mut [0; 1]), Ok(&mut [][..]));
    assert_eq!(key.security(&mut [0; 0]), Err(Error::BufferTooSmall { needed: 1 }));
    assert_eq!(Keyring::SESSION.security(&mut [0; 16]), Ok(&mut [][..]));
}

// The refusals: what the description answers, and what the label.

fn both(key: Key) -> (Error, Error) {
    let mut buffer = [0; MAX_DESCRIPTION];
    (key.describe(&mut buffer).unwrap_err(), key.security(&mut [0; 256]).unwrap_err())
}

#[test]
fn without_view_nothing_is_told() {
    require!(keyctl);
    let key = key_in(new_keyring());
    raw::set_permissions(key, 0x3e3e_3e3e).unwrap();
    assert_eq!(both(key), (Error::AccessDenied, Error::NoKey));
}

#[test]
fn what_is_gone_tells_nothing() {
    require!(keyctl);
    let (revoked, invalidated) = (key_in(new_keyring()), key_in(new_keyring()));
    raw::revoke(revoked).unwrap();
    raw::invalidate(invalidated).unwrap();
    assert_eq!(both(revoked), (Error::KeyRevoked, Error::KeyRevoked));
    assert_eq!(both(invalidated), (Error::NoKey, Error::NoKey));
    assert_eq!(both(key_of(1)), (Error::NoKey, Error::NoKey));
    assert_eq!(both(expired_key()), (Error::KeyExpired, Error::KeyExpired));
}

/// Where both operations answer error number `errno`.
fn answered<T: Send>(errno: i32, ask: impl FnOnce(Key) -> T + Send) -> T {
    in_thread(|| {
        let key = key_in(new_keyring());
        seccomp::answer(op::DESCRIBE.number(), errno.try_into().unwrap());
        seccomp::answer(op::GET_SECURITY.number(), errno.try_into().unwrap());
        ask(key)
    })
}

#[test]
fn other_refusals_arrive() {
    require!(keyctl, seccomp);
    assert_eq!(answered(libc::ENOMEM, both), (Error::OutOfMemory, Error::OutOfMemory));
    assert_eq!(answered(libc::EPERM, both), (Error::NotPermitted, Error::NotPermitted));
    assert_eq!(answered(libc::ENOSYS, both), (Error::NotImplemented, Error::NotImplemented));
}

#[test]
fn an_empty_reply_is_unexpected() {
    require!(keyctl, seccomp);
    assert_eq!(answered(0, both), (Error::UnexpectedReply, Error::UnexpectedReply));
}

// Reading the text.

#[test]
fn only_the_first_four_semicolons_divide() {
    let it = Description::parse(b"user;0;0;3f010000;;a;;b;").unwrap();
    assert_eq!(told(it), (&b"user"[..], 0, 0, 0x3f01_0000, &b";a;;b;"[..]));
}

#[test]
fn ids_are_read_signed_and_unsigned() {
    let ids = |text: &str| Description::parse(text.as_bytes()).map(|it| (it.uid.as_raw(), it.gid.as_raw()));
    assert_eq!(ids("user;-2;4294967294;0;x"), Some((u32::MAX - 1, u32::MAX - 1)));
    assert_eq!(ids("user;-2147483648;2147483648;0;x"), Some((1 << 31, 1 << 31)));
    assert_eq!(ids("user;2147483647;0;0;x"), Some((i32::MAX.unsigned_abs(), 0)));
    // -1 is no id, and what does not fit into 32 bits is none either.
    for none in
        ["-1", "4294967295", "4294967296", "-2147483649", "18446744073709551616", "", "-", "+1", "0x1"]
    {
        assert_eq!(ids(&format!("user;{none};0;0;x")), None, "{none:?}");
        assert_eq!(ids(&format!("user;0;{none};0;x")), None, "{none:?}");
    }
}

#[test]
fn what_is_no_description_is_none() {
    for none in [
        &b""[..],
        b";;;",
        b"user",
        b"user;0;0;3f010000",
        b"user;0;0;;x",
        b"user;0;0;100000000;x",
        b"user;0;0;g;x",
        b"user;0;0;-1;x",
        b"user;0;0;\xff;x",
        b"user;\xff;0;0;x",
        b"\xff;\xff;\xff;\xff;\xff",
    ] {
        assert_eq!(Description::parse(none), None, "{}", none.escape_ascii());
    }
    // Empty is one, though the kernel makes no such key.
    let it = Description::parse(b";0;0;0;").unwrap();
    assert_eq!(told(it), (&b""[..], 0, 0, 0, &b""[..]));
}

#[test]
fn hostile_text_is_told_apart() {
    let mut random = Random::new(1);
    let (mut some, mut none) = (0, 0);
    for _ in 0..20_000 {
        let text = hostile(&mut random);
        let Some(it) = Description::parse(&text) else {
            none += 1;
            continue;
        };
        some += 1;
        // Written anew, the way that the kernel does, it says the same.
        let [uid, gid] = [it.uid.as_raw(), it.gid.as_raw()].map(|id| i32::from_ne_bytes(id.to_ne_bytes()));
        let mut again = it.key_type.to_vec();
        again.extend(format!(";{uid};{gid};{:08x};", it.permissions.as_raw()).bytes());
        again.extend(it.description);
        assert_eq!(Description::parse(&again), Some(it), "{}", text.escape_ascii());
        // Nothing of the text is lost at either end, nor taken for another part.
        assert!(!it.key_type.contains(&b';'));
        assert!(text.starts_with(it.key_type) && text.ends_with(it.description));
    }
    assert!(some > 2_000 && none > 2_000, "{some} descriptions, {none} not");
}

/// A description in which some bytes are not as they should be, or none, or many.
fn hostile(random: &mut Random) -> Vec<u8> {
    const SPICE: &[u8] = b";;;;0123456789-abcdef\n \xff\0";
    let mut word = || u32::try_from(random.next() >> 32).unwrap();
    let signed = i64::from(word()) - (1 << 31);
    let mut text = format!("user;{signed};{};{:08x};it", word(), word()).into_bytes();
    for _ in 0..random.below(4) {
        let (at, byte) = (random.below(text.len()), SPICE[random.below(SPICE.len())]);
        match random.below(4) {
            0 => text[at] = byte,
            1 => text.insert(at, byte),
            2 => drop(text.splice(at..=at, *b";;")),
            _ => text.truncate(at + 1),
        }
    }
    text
}
