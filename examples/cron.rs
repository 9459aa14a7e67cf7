//! A token that outlives the login: one process leaves it, another one, of a later session, fetches it.
//!
//! ```text
//! cargo run --example cron -- deposit s3cr3t 3600   # at login: for an hour
//! cargo run --example cron -- fetch                 # from cron
//! ```

use std::io::Write as _;
use std::process::ExitCode;
use std::time::Duration;

use keyctl::{Error, KeyType, Keyring, Result, Timeout, get_persistent};

const TOKEN: &str = "example:token";

/// At login: leaves the token for so many seconds.
fn deposit(token: &[u8], seconds: u64) -> Result<()> {
    let keyring = get_persistent(None, Keyring::THREAD)?;
    let key = keyring.add_key(KeyType::USER, TOKEN, token)?;
    // After the payload: an update would clear it. `Never` would have to be spelled.
    key.set_timeout(Timeout::try_from(Duration::from_secs(seconds))?)
}

/// From cron: three system calls.
fn fetch(buffer: &mut [u8]) -> Result<Option<&mut [u8]>> {
    let keyring = get_persistent(None, Keyring::THREAD)?;
    match keyring.search(KeyType::USER, TOKEN) {
        Ok(Some(key)) => key.read(buffer).map(Some),
        Ok(None) | Err(Error::KeyExpired | Error::KeyRevoked) => Ok(None),
        Err(error) => Err(error),
    }
}

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let mut buffer = [0; 4096];
    let outcome = match args[..] {
        ["deposit", token, seconds] => match seconds.parse() {
            Ok(seconds) => deposit(token.as_bytes(), seconds).map(|()| None),
            Err(_) => return usage(),
        },
        ["fetch"] => fetch(&mut buffer).map(Some),
        _ => return usage(),
    };
    match outcome {
        Ok(None) => ExitCode::SUCCESS,
        Ok(Some(Some(token))) => match std::io::stdout().write_all(token) {
            Ok(()) => ExitCode::SUCCESS,
            Err(_) => ExitCode::FAILURE,
        },
        Ok(Some(None)) => {
            eprintln!("no token: log in again");
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("cron: {error}");
            ExitCode::FAILURE
        }
    }
}

fn usage() -> ExitCode {
    eprintln!("usage: cron deposit <token> <seconds> | cron fetch");
    ExitCode::from(2)
}
