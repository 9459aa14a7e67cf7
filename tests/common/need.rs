//! What a test needs of the machine, and what becomes of it where that is not to be had.
//!
//! `KEYCTL_LACKS` names what this machine is known to lack, with spaces between. Where it is not set,
//! a test that can't run says so on stderr and passes. Where it is set, be it to nothing, a test that
//! can't run fails unless what it needs is named: so a gate that sets it can't skip in silence.

use std::env;
use std::ffi::CStr;
use std::fmt::Display;
use std::fs::{self, File, OpenOptions};
use std::io;

use keyctl::syscall::Arg;
use keyctl::{Error, Key, Keyring, Uid};

use super::{P256_CERTIFICATE, RSA_CERTIFICATE, RSA_KEY};
use super::{impostor, program, raw, seccomp, unique, who};

/// Finds out, without leaving a trace, whether something is to be had, or says why not.
type Probe = fn() -> Result<(), String>;

const NEEDS: &[(&str, Probe)] = &[
    // The two system calls, not kept away by a sandbox.
    ("keyctl", keyctl),
    // CONFIG_PERSISTENT_KEYRINGS
    ("persistent", persistent),
    // CONFIG_ASYMMETRIC_KEY_TYPE: keyrings that accept signed keys only.
    ("asymmetric", || capability(0x08)),
    // CONFIG_X509_CERTIFICATE_PARSER and CONFIG_CRYPTO_RSA: certificates as keys.
    ("x509", || pkey(RSA_CERTIFICATE, c"enc=pkcs1")),
    // CONFIG_PKCS8_PRIVATE_KEY_PARSER: private keys.
    ("pkcs8", || pkey(RSA_KEY, c"enc=pkcs1")),
    // CONFIG_CRYPTO_ECDSA: certificates of elliptic curves.
    ("ecdsa", || pkey(P256_CERTIFICATE, c"enc=x962 hash=sha256")),
    // CONFIG_KEY_DH_OPERATIONS
    ("dh", || capability(0x04)),
    // CONFIG_BIG_KEYS
    ("big_key", || has_type(c"big_key", b"x")),
    // CONFIG_ENCRYPTED_KEYS, and loaded
    ("encrypted", || has_type(c"encrypted", b"new user:x 32")),
    // CONFIG_TRUSTED_KEYS, loaded, and something to seal with
    ("trusted", || knows_type(c"trusted")),
    // CONFIG_DNS_RESOLVER
    ("dns_resolver", || has_type(c"dns_resolver", b"1.2.3.4\0")),
    // Linux 4.12
    ("restrict", || capability(0x40)),
    // Linux 5.3
    ("moves", || capability(0x80)),
    // What does not fit is not there at all.
    ("linux_5_7", || linux(5, 7)),
    // CONFIG_KEY_NOTIFICATIONS
    ("watch", watch),
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
    // The same, with answers by another thread.
    ("impostor", || impostor::works().map_err(text)),
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
    let (test, lacks) = (here.trim_end_matches("::here"), lacks());
    for &need in needs {
        if let Err(why) = probe(need) {
            let allowed = lacks.as_ref().is_none_or(|lacks| lacks.iter().any(|name| name == need));
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

/// To the real stderr, since the test harness keeps what the macros print; and without its lock, for
/// the sake of children.
pub fn say(text: impl Display) {
    let _ = rustix::io::write(io::stderr(), format!("{text}\n").as_bytes());
}

fn text(why: impl Display) -> String {
    why.to_string()
}

/// No other answer than these is taken for a lack: it may be the crate that is at fault.
fn unless_refused<T>(reply: keyctl::Result<T>) -> Result<T, String> {
    match reply {
        Ok(value) => Ok(value),
        Err(
            why @ (Error::NotImplemented | Error::NotPermitted | Error::AccessDenied | Error::Unsupported),
        ) => Err(text(why)),
        Err(why) => panic!("a need can't be told: {why}"),
    }
}

fn keyctl() -> Result<(), String> {
    match raw::capabilities() {
        Err(Error::Unsupported) => (), // Before Linux 5.3.
        reply => unless_refused(reply).map(drop)?,
    }
    unless_refused(raw::add_key_answers())
}

fn persistent() -> Result<(), String> {
    keyctl()?;
    match raw::capabilities() {
        Ok(bits) if bits & 0x02 != 0 => Ok(()),
        Ok(_) => Err(text("the kernel is built without")),
        // No keyring has the number 0, so an older kernel that has the operation says that.
        Err(_) => match raw::get_persistent(u32::MAX.into(), Arg::ZERO, Arg::ZERO, Arg::ZERO) {
            Err(Error::InvalidArgument) => Ok(()),
            reply => unless_refused(reply).map(drop),
        },
    }
}

fn capability(bit: u8) -> Result<(), String> {
    let bits = unless_refused(raw::capabilities())?;
    if bits & bit != 0 { Ok(()) } else { Err(text("the kernel is built without, or older")) }
}

/// Adds such a key, which ends with a thread.
fn add(key_type: &CStr, payload: &[u8]) -> keyctl::Result<Key> {
    who::someone(|_| raw::add_key(key_type, &unique(), payload, Keyring::THREAD))
}

fn has_type(key_type: &CStr, payload: &[u8]) -> Result<(), String> {
    keyctl()?;
    match add(key_type, payload) {
        Ok(_) => Ok(()),
        // No type; no parser for the payload; no algorithm for what it says.
        Err(why @ (Error::UnknownType | Error::Malformed | Error::NoAlgorithm)) => Err(text(why)),
        Err(why) => panic!("a need can't be told: {why}"),
    }
}

/// Of a type of which no key is made that easily.
fn knows_type(key_type: &CStr) -> Result<(), String> {
    keyctl()?;
    match add(key_type, b"") {
        Err(Error::InvalidArgument) => Ok(()),
        Err(why @ Error::UnknownType) => Err(text(why)),
        reply => panic!("a need can't be told: {reply:?}"),
    }
}

fn linux(major: u32, minor: u32) -> Result<(), String> {
    let release = fs::read_to_string("/proc/sys/kernel/osrelease").map_err(text)?;
    let mut numbers = release.split(|c: char| !c.is_ascii_digit()).map_while(|n| n.parse().ok());
    let found = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
    if found >= (major, minor) { Ok(()) } else { Err(release) }
}

fn pkey(payload: &[u8], encoding: &CStr) -> Result<(), String> {
    let add = || raw::add_key(c"asymmetric", &unique(), payload, Keyring::THREAD);
    who::in_thread(|| raw::pkey_query(add()?, encoding)).map_err(text)
}

fn watch() -> Result<(), String> {
    let has = unless_refused(keyctl::capabilities())?.contains(keyctl::Capabilities::NOTIFICATIONS);
    if has { Ok(()) } else { Err(text("the kernel is built without")) }
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
