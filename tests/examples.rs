//! The examples, as the programs that they are. `request_key_helper` is started by the kernel, in request.rs.
//!
//! | example | test |
//! | --- | --- |
//! | `get_persistent` | [`get_persistent_prints_the_serial`], [`get_persistent_explains_a_foreign_uid`], [`get_persistent_takes_a_uid`] |
//! | `cron` | [`what_cron_deposits_it_fetches_in_another_session`], [`cron_keeps_a_token_for_its_time`], [`cron_says_how_it_is_used`] |
//! | `krb5` | [`krb5_keeps_credential_caches`], [`krb5_renews_a_cache_that_expired`], [`krb5_does_without_persistent_keyrings`] |
//! | all, in a sandbox | [`a_sandbox_that_refuses_all_is_blamed`], [`gvisor_shows_a_session_without_its_links`], [`podman_lets_keys_be_found_but_not_made`] |
#![allow(unsafe_code, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use common::program::Program;
use common::{Unlink, User, in_thread, new_keyring, raw, require, seccomp, someone, until};
use keyctl::syscall::op;
use keyctl::{Keyring, get_persistent};

/// How a program ended, and what it wrote to stdout and stderr.
type Ended = (Option<i32>, String, String);

fn ended(code: i32, stdout: &str, stderr: &str) -> Ended {
    (Some(code), stdout.into(), stderr.into())
}

/// Runs an example in a session of its own.
fn run(program: &Program, args: &[&str]) -> Ended {
    in_thread(|| {
        // A filter may forbid it, and then it is of no use.
        let _ = raw::join_session(None);
        let output = program.run(args);
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (output.status.code(), text(output.stdout), text(output.stderr))
    })
}

#[test]
fn get_persistent_prints_the_serial() {
    require!(persistent, examples);
    let program = Program::example("get_persistent");
    someone(|me| {
        let serial = get_persistent(None, new_keyring()).unwrap().serial();
        assert_eq!(run(&program, &[]), ended(0, &format!("{serial}\n"), ""));
        assert_eq!(run(&program, &[&me.as_raw().to_string()]), ended(0, &format!("{serial}\n"), ""));
    });
}

#[test]
fn get_persistent_explains_a_foreign_uid() {
    require!(persistent, examples);
    let program = Program::example("get_persistent");
    let why = "get_persistent: the operation is not permitted to this caller, or a sandbox forbids it (EPERM)\n\
               The uid is neither the real nor the effective uid of this process: that needs CAP_SETUID \
               (or a sandbox forbids keyctl).\n";
    someone(|_| assert_eq!(run(&program, &["0"]), ended(1, "", why)));
}

#[test]
fn get_persistent_takes_a_uid() {
    require!(examples);
    let program = Program::example("get_persistent");
    for none in ["-1", "4294967295", "4294967296", "root", ""] {
        assert_eq!(run(&program, &[none]), ended(2, "", "usage: get_persistent [uid]\n"));
    }
}

#[test]
fn what_cron_deposits_it_fetches_in_another_session() {
    require!(persistent, examples);
    let program = Program::example("cron");
    someone(|_| {
        assert_eq!(run(&program, &["deposit", "s3cr3t", "3600"]), ended(0, "", ""));
        let persistent = get_persistent(None, new_keyring()).unwrap();
        let token = raw::search(persistent, c"user", c"example:token").unwrap();
        let unlink = Unlink(token, persistent);
        assert_eq!(run(&program, &["fetch"]), ended(0, "s3cr3t", ""));
        // Another one in its place.
        assert_eq!(run(&program, &["deposit", "0ther", "3600"]), ended(0, "", ""));
        assert_eq!(run(&program, &["fetch"]), ended(0, "0ther", ""));
        drop(unlink);
        assert_eq!(run(&program, &["fetch"]), ended(1, "", "no token: log in again\n"));
    });
}

#[test]
fn cron_keeps_a_token_for_its_time() {
    require!(persistent, examples, root);
    let program = Program::example("cron");
    User::new().run(|| {
        assert_eq!(run(&program, &["deposit", "s3cr3t", "1"]), ended(0, "", ""));
        until(ended(1, "", "no token: log in again\n"), || run(&program, &["fetch"]));
        let no_time = "cron: the time is 0 or too long to be a timeout\n";
        assert_eq!(run(&program, &["deposit", "s3cr3t", "0"]), ended(1, "", no_time));
        assert_eq!(run(&program, &["deposit", "s3cr3t", "4294967296"]), ended(1, "", no_time));
    });
}

#[test]
fn cron_says_how_it_is_used() {
    require!(examples);
    let program = Program::example("cron");
    let usage = "usage: cron deposit <token> <seconds> | cron fetch\n";
    for args in [&[][..], &["fetch", "more"], &["deposit", "s3cr3t"], &["deposit", "s3cr3t", "soon"]] {
        assert_eq!(run(&program, args), ended(2, "", usage));
    }
}

#[test]
fn krb5_keeps_credential_caches() {
    require!(persistent, examples, root);
    let program = Program::example("krb5");
    User::new().run(|| {
        assert_eq!(run(&program, &["list"]), ended(0, "", ""));
        assert_eq!(run(&program, &["store", "tkt", "alice@EXAMPLE.ORG", "36000"]), ended(0, "", ""));
        assert_eq!(run(&program, &["list"]), ended(0, "tkt: alice@EXAMPLE.ORG\n", ""));
        assert_eq!(run(&program, &["store", "tkt", "bob@EXAMPLE.ORG", "36000"]), ended(0, "", ""));
        assert_eq!(run(&program, &["list"]), ended(0, "tkt: bob@EXAMPLE.ORG\n", ""));

        // As krb5 finds it.
        let persistent = get_persistent(None, new_keyring()).unwrap();
        let collection = Keyring::from(raw::search(persistent, c"keyring", c"_krb").unwrap());
        let primary = raw::search(collection, c"user", c"krb_ccache:primary").unwrap();
        assert_eq!(raw::read(primary).unwrap(), b"\0\0\0\x01\0\0\0\x03tkt");

        assert_eq!(run(&program, &["destroy", "tkt"]), ended(0, "", ""));
        assert_eq!(run(&program, &["destroy", "tkt"]), ended(0, "", ""));
        assert_eq!(run(&program, &["list"]), ended(0, "", ""));
    });
}

#[test]
fn krb5_renews_a_cache_that_expired() {
    require!(persistent, examples, root);
    let program = Program::example("krb5");
    User::new().run(|| {
        // No time is a second, and not for ever.
        assert_eq!(run(&program, &["store", "tkt", "alice@EXAMPLE.ORG", "0"]), ended(0, "", ""));
        until(ended(0, "", ""), || run(&program, &["list"]));
        assert_eq!(run(&program, &["store", "tkt", "bob@EXAMPLE.ORG", "36000"]), ended(0, "", ""));
        assert_eq!(run(&program, &["list"]), ended(0, "tkt: bob@EXAMPLE.ORG\n", ""));
        assert_eq!(run(&program, &["store", "tkt", "alice@EXAMPLE.ORG", "0"]), ended(0, "", ""));
        until(ended(0, "", ""), || run(&program, &["list"]));
        assert_eq!(run(&program, &["destroy", "tkt"]), ended(0, "", ""));
    });
}

#[test]
fn krb5_does_without_persistent_keyrings() {
    require!(keyctl, seccomp, examples, root);
    let program = Program::example("krb5");
    User::new().run(|| {
        seccomp::answer(op::GET_PERSISTENT.number(), libc::EOPNOTSUPP.try_into().unwrap());
        let note = "no persistent keyrings here: the tickets may end with the login\n";
        let store = ["store", "tkt", "alice@EXAMPLE.ORG", "36000"];
        assert_eq!(run(&program, &store), ended(0, "", note));
        assert_eq!(run(&program, &["list"]), ended(0, "tkt: alice@EXAMPLE.ORG\n", note));
        assert_eq!(run(&program, &["destroy", "tkt"]), ended(0, "", note));
    });
}

const EPERM: &str = "the operation is not permitted to this caller, or a sandbox forbids it (EPERM)";
const ENOSYS: &str = "this kernel or sandbox lacks the system call (ENOSYS)";

/// All but `show`, and how each is called.
const CALLED: [(&str, &[&str]); 6] = [
    ("get_persistent", &[]),
    ("cron", &["deposit", "s3cr3t", "3600"]),
    ("cron", &["fetch"]),
    ("krb5", &["list"]),
    ("krb5", &["store", "tkt", "alice@EXAMPLE.ORG", "36000"]),
    ("request_key_helper", &["4711", "example:upper"]),
];

/// Runs an example under this profile.
fn under(profile: &[seccomp::Line], program: &Program, args: &[&str]) -> Ended {
    in_thread(|| {
        seccomp::apply(profile);
        run(program, args)
    })
}

#[test]
fn a_sandbox_that_refuses_all_is_blamed() {
    require!(seccomp, examples);
    let forbidden = "One's own keyring needs no privilege: a sandbox forbids keyctl.\n";
    let absent = "This kernel or sandbox has no keyrings, or none that persist.\n";
    let profiles = [
        (seccomp::DOCKER, EPERM, forbidden),
        (seccomp::LXC, ENOSYS, absent),
        (seccomp::GVISOR, ENOSYS, absent),
        (seccomp::NO_KEYRINGS, ENOSYS, absent),
    ];
    for (profile, why, advice) in profiles {
        for (name, args) in CALLED {
            let advice = if name == "get_persistent" { advice } else { "" };
            let ended = ended(1, "", &format!("{name}: {why}\n{advice}"));
            assert_eq!(under(profile, &Program::example(name), args), ended);
        }
        // There a session keyring is to be seen.
        if profile != seccomp::GVISOR {
            let shown = format!("Session Keyring\n{:>10} {:21}  {why}\n", -3, "");
            assert_eq!(under(profile, &Program::example("show"), &[]), ended(1, &shown, ""));
        }
    }
}

#[test]
fn gvisor_shows_a_session_without_its_links() {
    require!(keyctl, seccomp, examples);
    let (code, shown, _) = under(seccomp::GVISOR, &Program::example("show"), &[]);
    assert_eq!(code, Some(0));
    assert!(shown.ends_with(&format!("keyring: _ses ({ENOSYS})\n")), "{shown}");
}

#[test]
fn podman_lets_keys_be_found_but_not_made() {
    require!(persistent, seccomp, examples, root);
    let show = Program::example("show");
    let programs = CALLED.map(|(name, args)| (Program::example(name), name, args));
    User::new().run(|| {
        let serial = get_persistent(None, new_keyring()).unwrap().serial();
        for (program, name, args) in &programs {
            let expected = match (*name, *args) {
                ("get_persistent", _) => ended(0, &format!("{serial}\n"), ""),
                ("cron", ["fetch"]) => ended(1, "", "no token: log in again\n"),
                ("request_key_helper", _) => {
                    ended(1, "", "request_key_helper: there is no such key (ENOKEY)\n")
                }
                _ => ended(1, "", &format!("{name}: {ENOSYS}\n")),
            };
            assert_eq!(under(seccomp::PODMAN, program, args), expected, "{name} {args:?}");
        }
        let (code, shown, _) = under(seccomp::PODMAN, &show, &[]);
        assert_eq!(code, Some(0));
        assert!(shown.ends_with("keyring: _ses\n"), "{shown}");
    });
}
