//! `keyctl get_persistent @p [uid]` in Rust: prints the persistent keyring of a user, or says why not.
//!
//! ```text
//! cargo run --example get_persistent            # the caller's real uid
//! cargo run --example get_persistent -- 1000    # another user's: needs CAP_SETUID
//! ```

use std::process::ExitCode;

use keyctl::{Error, Keyring, Uid, get_persistent};

fn main() -> ExitCode {
    // -1 is no uid: to the kernel it means the caller's own.
    let uid = match std::env::args().nth(1).map(|arg| arg.parse()) {
        None => None,
        Some(Ok(raw)) if raw != u32::MAX => Some(Uid::from_raw(raw)),
        Some(_) => {
            eprintln!("usage: get_persistent [uid]");
            return ExitCode::from(2);
        }
    };

    match get_persistent(uid, Keyring::PROCESS) {
        Ok(keyring) => {
            println!("{}", keyring.serial());
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("get_persistent: {error}");
            eprintln!("{}", advice(error, uid));
            ExitCode::FAILURE
        }
    }
}

/// What the refusal of this call with this uid means.
fn advice(error: Error, uid: Option<Uid>) -> &'static str {
    match (error, uid) {
        (Error::NotPermitted, Some(_)) => {
            "The uid is neither the real nor the effective uid of this process: that needs CAP_SETUID \
             (or a sandbox forbids keyctl)."
        }
        (Error::NotPermitted, None) => "One's own keyring needs no privilege: a sandbox forbids keyctl.",
        (Error::InvalidArgument, Some(_)) => "The uid has no meaning in this user namespace.",
        (Error::Unsupported, _) => "This kernel is built without persistent keyrings.",
        (Error::NotImplemented, _) => "This kernel or sandbox has no keyrings, or none that persist.",
        _ => "See the documentation of keyctl::get_persistent.",
    }
}
