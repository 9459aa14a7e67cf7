//! `keyctl show [keyring]` in Rust: a keyring and all that it leads to, as a tree.
//!
//! ```text
//! cargo run --example show               # the session keyring, @s
//! cargo run --example show -- @u         # or @t, @p, @us
//! cargo run --example show -- 0x2f1a77d3 # or a serial, in decimal or hexadecimal
//! ```
//!
//! Bytes that a terminal might act on are escaped, and a keyring that several links lead to is shown
//! with its contents once.

use std::io::{self, Write};
use std::process::ExitCode;

use keyctl::{Description, Error, KeySerial, Keyring, Links, Rights, Visit};
use rustix::process::{getegid, geteuid, getgroups};

fn keyring(name: &str) -> Option<Keyring> {
    match name {
        "@t" => Some(Keyring::THREAD),
        "@p" => Some(Keyring::PROCESS),
        "@s" => Some(Keyring::SESSION),
        "@u" => Some(Keyring::USER),
        "@us" => Some(Keyring::USER_SESSION),
        serial => {
            let serial = match serial.strip_prefix("0x") {
                Some(digits) => i32::from_str_radix(digits, 16),
                None => serial.parse(),
            };
            serial.ok().and_then(KeySerial::from_raw).map(Keyring::from)
        }
    }
}

fn main() -> ExitCode {
    let name = std::env::args().nth(1);
    let Some(keyring) = keyring(name.as_deref().unwrap_or("@s")) else {
        eprintln!("usage: show [@t | @p | @s | @u | @us | serial]");
        return ExitCode::from(2);
    };
    match tree(keyring, name.is_some(), &mut io::stdout().lock()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) | Err(_) => ExitCode::FAILURE,
    }
}

/// Whether the keyring could be looked at.
fn tree(keyring: Keyring, named: bool, out: &mut impl Write) -> io::Result<bool> {
    writeln!(out, "{}", if named { "Keyring" } else { "Session Keyring" })?;
    let mut arena = [0; 1 << 16];
    let mut walk = keyring.walk(&mut arena);
    // For each keyring on the way, whether more links of its parent come after it.
    let mut more = Vec::new();
    let mut seen = false;
    while let Some(visit) = walk.next() {
        more.truncate(visit.depth);
        show(&visit, &more, out)?;
        more.push(!visit.last);
        seen |= visit.description.is_ok();
    }
    Ok(seen)
}

fn show(visit: &Visit<'_>, more: &[bool], out: &mut impl Write) -> io::Result<()> {
    // A special id is walked as such, since it gives possession, and shown as what it stands for.
    let mut keyring = Keyring::from(visit.key);
    if keyring.serial().is_special() {
        keyring = keyring.resolve().unwrap_or(keyring);
    }
    write!(out, "{:>10} ", keyring.serial())?;
    match visit.description {
        Ok(found) => {
            write!(out, "--{}  {:>5} {:>5}", granted(&found), found.uid.as_raw(), found.gid.as_raw())?;
            write!(out, "  {}{}: ", branch(more), found.key_type.escape_ascii())?;
            write!(out, "{}", found.description.escape_ascii())?;
        }
        Err(error) => write!(out, "{:21}  {}{error}", "", branch(more))?,
    }
    match visit.links {
        Links::None | Links::Listed(_) => writeln!(out),
        Links::Repeated => writeln!(out, " (shown above)"),
        Links::Refused(Error::BufferTooSmall { .. }) => writeln!(out, " (too large to be shown)"),
        Links::Refused(error) => writeln!(out, " ({error})"),
    }
}

/// The lines of the tree before a key.
fn branch(more: &[bool]) -> String {
    let Some((_, more)) = more.split_first() else { return String::new() };
    let lines = more.iter().map(|&more| if more { "|   " } else { "    " });
    format!(" {}\\_ ", lines.collect::<String>())
}

/// What the key grants this process, if it possesses it.
fn granted(key: &Description<'_>) -> Rights {
    let permissions = key.permissions;
    let possessed = permissions.of_possessor();
    if key.uid == geteuid() {
        possessed | permissions.of_user()
    } else if key.gid == getegid() || getgroups().is_ok_and(|groups| groups.contains(&key.gid)) {
        possessed | permissions.of_group()
    } else {
        possessed | permissions.of_other()
    }
}
