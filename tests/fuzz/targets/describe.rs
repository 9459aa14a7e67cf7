//! What is no description is refused, and what is one says the same when printed as the kernel does.
#![no_main]

use keyctl::Description;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &[u8]| {
    let Some(found) = Description::parse(text) else { return };
    let (uid, gid) = (found.uid.as_raw(), found.gid.as_raw());
    let numbers = format!(";{};{};{:08x};", uid.cast_signed(), gid.cast_signed(), found.permissions.as_raw());
    let printed = [found.key_type, numbers.as_bytes(), found.description].concat();
    assert_eq!(Description::parse(&printed), Some(found));
    assert!(!found.key_type.contains(&b';'));
    assert!(text.starts_with(found.key_type) && text.ends_with(found.description));
});
