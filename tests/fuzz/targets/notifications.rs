//! Notifications are what was read, record after record, up to the first that is none.
#![no_main]

use keyctl::watch::Notifications;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let (mut rest, mut whole) = (bytes, true);
    for found in Notifications::parse(bytes) {
        assert!(whole, "nothing comes after what is no notification");
        let Ok(found) = found else {
            whole = false;
            continue;
        };
        let (record, after) = rest.split_at(found.record.len());
        assert_eq!(found.record.as_ptr_range(), record.as_ptr_range());
        assert!(record.len() >= 8);
        rest = after;
    }
    assert_eq!(whole, rest.is_empty());
});
