//! What is no line of /proc/keys or /proc/key-users is refused, and what is one says the same when printed as
//! the kernel does.
#![no_main]

use keyctl::proc::{Entry, Expiry, Flags, User};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|line: &[u8]| {
    if let Some(found) = Entry::parse(line) {
        assert_eq!(Entry::parse(&printed(&found)), Some(found));
        assert!(line.ends_with(found.summary) && found.key_type.len() <= 9);
    }
    if let Some(user) = User::parse(line) {
        let User { uid, usage, keys, instantiated, quota_keys, max_keys, quota_bytes, max_bytes, .. } = user;
        let (uid, usage) = (uid.as_raw().cast_signed(), usage.cast_signed());
        let printed = format!(
            "{uid:5}: {usage:5} {keys}/{instantiated} {quota_keys}/{max_keys} {quota_bytes}/{max_bytes}"
        );
        assert_eq!(User::parse(printed.as_bytes()), Some(user));
    }
});

fn printed(entry: &Entry) -> Vec<u8> {
    let letters = ('A'..='z')
        .filter(|&letter| Flags::from_letter(letter as u8).is_some_and(|flag| entry.flags.contains(flag)));
    let flags: String = letters.chain(['-']).collect();
    let expiry = match entry.expiry {
        Expiry::Never => "perm".into(),
        Expiry::Expired => "expd".into(),
        Expiry::Within { at_least, less_than } => {
            let (count, unit) = (at_least.as_secs(), (less_than - at_least).as_secs());
            let letter = match unit {
                1 => 's',
                60 => 'm',
                3600 => 'h',
                86400 => 'd',
                _ => 'w',
            };
            format!("{}{letter}", count / unit)
        }
    };
    let (serial, usage, mask) =
        (entry.key.serial().as_raw(), entry.usage.cast_signed(), entry.permissions.as_raw());
    let (uid, gid) = (entry.uid.as_raw().cast_signed(), entry.gid.as_raw().cast_signed());
    let mut line =
        format!("{serial:08x} {flags} {usage:5} {expiry:>4} {mask:08x} {uid:5} {gid:5} ").into_bytes();
    line.extend(entry.key_type);
    line.resize(line.len() + 9 - entry.key_type.len(), b' ');
    line.push(b' ');
    line.extend(entry.summary);
    line
}
