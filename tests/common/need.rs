//! What a test needs of the machine, and what becomes of it where that is not to be had.
//!
//! `KEYCTL_LACKS` names what this machine is known to lack, with spaces between. Where it is not set,
//! a test that can't run says so on stderr and passes. Where it is set, be it to nothing, a test that
//! can't run fails unless what it needs is named: so a gate that sets it can't skip in silence.

use std::env;
use std::fmt::Display;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};

use keyctl::syscall::Arg;
use keyctl::{Error, Uid};

use super::{program, raw, seccomp, who};

/// Finds out, without leaving a trace, whether something is to be had, or says why not.
type Probe = fn() -> Result<(), String>;

const NEEDS: &[(&str, Probe)] = &[
    // The two system calls, not kept away by a sandbox.
    ("keyctl", keyctl),
    // CONFIG_PERSISTENT_KEYRINGS
    ("persistent", persistent),
    // CONFIG_ASYMMETRIC_KEY_TYPE: keyrings that accept signed keys only.
    ("asymmetric", asymmetric),
    // May become any user.
    ("root", root),
    // May write to /proc/sys/kernel/keys: what concerns the whole machine.
    ("sysctl", || opens("/proc/sys/kernel/keys/gc_delay", OpenOptions::new().write(true))),
    // /proc/keys, which containers hide.
    ("proc", || opens("/proc/keys", OpenOptions::new().read(true))),
    // May make a user namespace.
    ("userns", || who::can_unshare().then_some(()).ok_or_else(|| text("unshare fails"))),
    // CONFIG_SECCOMP_FILTER
    ("seccomp", || seccomp::works().map_err(text)),
    // The kernel's headers, from 5.8 on.
    ("headers", headers),
    // A security module that labels keys.
    ("label", label),
    // The program by which the kernel has keys made, and the folder of its rules.
    ("request_key", || program::request_key().map_err(text)),
    // The examples of this crate, where cargo leaves them.
    ("examples", examples),
];

/// First line of a test: returns from it unless all that it needs is there.
macro_rules! require {
    ($($need:ident),+) => {{
        fn here() {}
        if !$crate::common::need::met(std::any::type_name_of_val(&here), &[$(stringify!($need)),+]) {
            return;
        }
    }};
}
pub(crate) use require;

/// First line of a test for machines without something: returns from it where that is there.
macro_rules! only_without {
    ($need:ident) => {
        if $crate::common::need::present(stringify!($need)) {
            return;
        }
    };
}
pub(crate) use only_without;

/// Whether all `needs` are met. `here` is the path of a function in the test.
pub fn met(here: &str, needs: &[&str]) -> bool {
    let test = here.trim_end_matches("::here");
    for &need in needs {
        if let Err(why) = probe(need) {
            let allowed = lacks().is_none_or(|lacks| lacks.iter().any(|name| name == need));
            assert!(allowed, "{test} needs {need}: {why}. If that is right, name it in KEYCTL_LACKS.");
            say(format_args!("skipped: {test}: {need}: {why}"));
            return false;
        }
    }
    true
}

/// Whether `need` is there, which it must not be when it is declared to lack.
pub fn present(need: &str) -> bool {
    let present = probe(need).is_ok();
    let declared = lacks().is_some_and(|lacks| lacks.iter().any(|name| name == need));
    assert!(!(present && declared), "KEYCTL_LACKS names {need}, which is here");
    present
}

fn probe(need: &str) -> Result<(), String> {
    let (_, probe) = NEEDS.iter().find(|(name, _)| *name == need).expect("a name in NEEDS");
    probe()
}

fn lacks() -> Option<Vec<String>> {
    let names: Vec<_> = env::var("KEYCTL_LACKS").ok()?.split_whitespace().map(str::to_owned).collect();
    for name in &names {
        assert!(NEEDS.iter().any(|(need, _)| need == name), "KEYCTL_LACKS names {name}, which nothing needs");
    }
    Some(names)
}

/// To the real stderr: the test harness keeps what the macros print.
pub fn say(text: impl Display) {
    let _ = writeln!(io::stderr(), "{text}");
}

fn text(why: impl Display) -> String {
    why.to_string()
}

fn keyctl() -> Result<(), String> {
    match raw::capabilities() {
        Ok(_) | Err(Error::Unsupported) => raw::add_key_answers().map_err(text),
        Err(why) => Err(text(why)),
    }
}

fn persistent() -> Result<(), String> {
    keyctl()?;
    match raw::capabilities() {
        Ok(bits) if bits & 0x02 != 0 => Ok(()),
        Ok(_) => Err(text("the kernel is built without")),
        // Before Linux 5.3: no keyring has the number 0, and that is looked at first.
        Err(_) => match raw::get_persistent(u32::MAX.into(), Arg::ZERO, Arg::ZERO, Arg::ZERO) {
            Err(Error::InvalidArgument) => Ok(()),
            other => Err(format!("{other:?}")),
        },
    }
}

fn asymmetric() -> Result<(), String> {
    match raw::capabilities() {
        Ok(bits) if bits & 0x08 != 0 => Ok(()),
        other => Err(format!("capabilities {other:x?}")),
    }
}

pub fn root() -> Result<(), String> {
    let last = Uid::from_raw(u32::MAX - 1);
    who::in_thread(|| who::take_uids(last, last, last)).map_err(text)
}

fn opens(path: &str, how: &OpenOptions) -> Result<(), String> {
    how.open(path).map(drop).map_err(|why| format!("{path}: {why}"))
}

fn headers() -> Result<(), String> {
    let header = fs::read_to_string("/usr/include/linux/keyctl.h").map_err(text)?;
    if header.contains("KEYCTL_WATCH_KEY") { Ok(()) } else { Err(text("older than Linux 5.8")) }
}

fn label() -> Result<(), String> {
    let there = |path| fs::exists(path).unwrap_or(false);
    let found = there("/sys/fs/selinux/enforce") || there("/sys/fs/smackfs/load2");
    found.then_some(()).ok_or_else(|| text("neither SELinux nor Smack"))
}

fn examples() -> Result<(), String> {
    ["cron", "get_persistent", "krb5", "request_key_helper", "show"]
        .iter()
        .try_for_each(|name| File::open(program::example(name)).map(drop).map_err(text))
}
