//! One call, not inlined, for `.ci/listing` to read: as little code as a caller of the crate can have.
#![no_std]

use keyctl::{Keyring, Result, Uid};

#[unsafe(no_mangle)]
pub fn get_persistent(uid: Option<Uid>, keyring: Keyring) -> Result<Keyring> {
    keyctl::get_persistent(uid, keyring)
}
