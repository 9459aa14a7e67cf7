//! Fetches a token from the persistent keyring, by the crate that the feature names; by none without.

use std::process::ExitCode;

const NAME: &str = "example:token";

#[cfg(feature = "ours")]
fn fetch(buffer: &mut [u8]) -> Option<usize> {
    use keyctl::{KeyType, Keyring, get_persistent};
    let keyring = get_persistent(None, Keyring::PROCESS).ok()?;
    let key = keyring.search(KeyType::USER, NAME).ok()??;
    key.read(buffer).ok().map(|token| token.len())
}

#[cfg(feature = "linux-keyutils")]
fn fetch(mut buffer: &mut [u8]) -> Option<usize> {
    use linux_keyutils::{KeyRing, KeyRingIdentifier};
    let keyring = KeyRing::get_persistent(KeyRingIdentifier::Process).ok()?;
    keyring.search(NAME).ok()?.read(&mut buffer).ok()
}

#[cfg(feature = "keyutils")]
fn fetch(buffer: &mut [u8]) -> Option<usize> {
    use keyutils::{Keyring, SpecialKeyring, keytypes::User};
    let keyring = Keyring::attach_or_create(SpecialKeyring::Process).ok()?.attach_persistent().ok()?;
    let token = keyring.search_for_key::<User, _, _>(NAME, None).ok()?.read().ok()?;
    buffer.get_mut(..token.len())?.copy_from_slice(&token);
    Some(token.len())
}

#[cfg(not(any(feature = "ours", feature = "linux-keyutils", feature = "keyutils")))]
fn fetch(_: &mut [u8]) -> Option<usize> {
    std::hint::black_box(NAME);
    None
}

fn main() -> ExitCode {
    let mut buffer = [0; 4096];
    match fetch(&mut buffer).and_then(|length| buffer.get(..length)) {
        Some(token) => {
            println!("{}", token.escape_ascii());
            ExitCode::SUCCESS
        }
        None => ExitCode::FAILURE,
    }
}
