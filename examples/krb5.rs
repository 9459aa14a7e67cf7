//! What MIT krb5 keeps in `KEYRING:persistent:<uid>`: a collection `_krb` of credential caches.
//!
//! ```text
//! cargo run --features alloc --example krb5 -- store tkt alice@EXAMPLE.ORG 36000
//! cargo run --features alloc --example krb5 -- list
//! cargo run --features alloc --example krb5 -- destroy tkt
//! ```
//!
//! The steps and names are krb5's; the ticket is not one.

use std::process::ExitCode;
use std::time::Duration;

use keyctl::{
    Anchor, Error, Key, KeyType, Keyring, MAX_DESCRIPTION, Result, Timeout, Uid, persistent_or_user,
};

/// The collection of the effective uid, which new keys will belong to; possessed by way of `@p`.
fn collection(uid: Uid) -> Result<Keyring> {
    let anchor = persistent_or_user(Some(uid), Keyring::PROCESS)?;
    if anchor == Anchor::User {
        eprintln!("no persistent keyrings here: the tickets may end with the login");
    }
    let (collection, _) = anchor.keyring().find_or_create("_krb", Keyring::PROCESS)?;
    Ok(collection)
}

/// `big_key` where there is one, since a user's quota is 20000 bytes; else `user`.
fn add_ticket(cache: Keyring, name: &str, ticket: &[u8]) -> Result<Key> {
    match cache.add_key(KeyType::BIG_KEY, name, ticket) {
        Err(Error::UnknownType | Error::InvalidArgument) => cache.add_key(KeyType::USER, name, ticket),
        result => result,
    }
}

fn store(collection: Keyring, name: &str, principal: &str, lifetime: Duration) -> Result<()> {
    let (cache, _) = collection.find_or_create(name, Keyring::PROCESS)?;
    cache.clear()?;
    cache.add_key(KeyType::USER, "__krb5_princ__", principal.as_bytes())?;
    let ticket = add_ticket(cache, "krbtgt/EXAMPLE.ORG@EXAMPLE.ORG", &[0x54; 1500])?;

    // The cache lives as long as its longest ticket; a second at least, since 0 would be "never".
    let timeout = Timeout::try_from(lifetime.max(Duration::from_secs(1)))?;
    ticket.set_timeout(timeout)?;
    cache.set_timeout(timeout)?;

    // The primary cache, as krb5 writes it: version 1, the length of the name, the name.
    let mut primary = Vec::from(1u32.to_be_bytes());
    primary.extend(u32::try_from(name.len()).unwrap_or(0).to_be_bytes());
    primary.extend(name.as_bytes());
    collection.add_key(KeyType::USER, "krb_ccache:primary", &primary)?;
    Ok(())
}

fn list(collection: Keyring) -> Result<()> {
    let (mut links, mut description) = (Vec::new(), [0; MAX_DESCRIPTION]);
    for &mut key in collection.links(&mut links)? {
        // What is gone or hidden by now is no reason to stop.
        let Ok(found) = key.describe(&mut description) else { continue };
        if found.key_type != KeyType::KEYRING.name().to_bytes() {
            continue;
        }
        let cache = Keyring::from(key);
        if let Some(principal) = cache.search(KeyType::USER, "__krb5_princ__")? {
            let principal = principal.read_secret()?;
            println!("{}: {}", found.description.escape_ascii(), principal.escape_ascii());
        }
    }
    Ok(())
}

fn destroy(collection: Keyring, name: &str) -> Result<()> {
    match collection.search(KeyType::KEYRING, name) {
        Ok(Some(cache)) => {
            Keyring::from(cache).clear()?;
            collection.unlink(cache)
        }
        // What is expired goes by itself.
        Ok(None) | Err(Error::KeyExpired) => Ok(()),
        Err(error) => Err(error),
    }
}

fn run(args: &[&str]) -> Result<()> {
    let collection = collection(rustix::process::geteuid())?;
    match *args {
        ["store", name, principal, seconds] => {
            let seconds = seconds.parse().map_err(|_| Error::TimeoutOutOfRange)?;
            store(collection, name, principal, Duration::from_secs(seconds))
        }
        ["destroy", name] => destroy(collection, name),
        _ => list(collection),
    }
}

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match run(&args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("krb5: {error}");
            ExitCode::FAILURE
        }
    }
}
