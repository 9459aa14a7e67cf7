//! A program that makes keys for others: what `/etc/request-key.d` can name.
//!
//! ```text
//! # /etc/request-key.d/example.conf
//! create  user  example:*  *  /usr/local/sbin/request_key_helper %k %d
//! ```
//!
//! `example:upper` with the callout `abc` becomes a key with the payload `ABC`; `example:forbidden` is
//! rejected, and any other name there is not. The helper gets the serial of the key under construction
//! and its description; what went wrong is for the log, since nobody sees its output.

use std::process::ExitCode;

use keyctl::{Authority, Errno, Key, KeySerial, Keyring, Result};

/// How long a refusal is remembered, in seconds.
const REMEMBERED: u32 = 30;

fn answer(key: KeySerial, description: &str) -> Result<()> {
    let authority = Authority::assume(Key::from(key))?;
    let requestor = Some(Keyring::REQUESTOR);
    match description {
        "example:upper" => {
            let mut buffer = [0; 4096];
            let callout = authority.callout(&mut buffer)?;
            callout.make_ascii_uppercase();
            authority.instantiate(callout, requestor)
        }
        "example:forbidden" => authority.reject(REMEMBERED, Errno::KEYREJECTED, requestor),
        _ => authority.negate(REMEMBERED, requestor),
    }
}

fn main() -> ExitCode {
    let mut args = std::env::args().skip(1);
    let key = args.next().and_then(|arg| arg.parse().ok()).and_then(KeySerial::from_raw);
    let (Some(key), Some(description)) = (key, args.next()) else {
        eprintln!("usage: request_key_helper <key> <description>");
        return ExitCode::from(2);
    };
    match answer(key, &description) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("request_key_helper: {error}");
            ExitCode::FAILURE
        }
    }
}
