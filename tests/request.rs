//! Requesting keys, and making them for those who do: both sides of `request-key`.
//!
//! | documented | test |
//! | --- | --- |
//! | `request_key`: "thread, process, session, in this order" | [`the_nearest_keyring_is_asked_first`] |
//! | "The key is linked into `destination`" | [`what_is_found_is_linked`] |
//! | "`None` when there is no such key"; "Expired keys are passed over" | [`what_is_not_there_is_none`], [`no_destination_looks_like_no_key`] |
//! | `EACCES`, `EKEYREVOKED` of the key | [`a_refusal_counts_where_all_keyrings_refuse`] |
//! | `EACCES`, `ENOTDIR`, `EKEYEXPIRED`, `EKEYREVOKED`, `EINVAL`, `EPERM`, `EDQUOT` of the destination | [`destinations_that_are_refused`], [`a_link_counts_in_the_quota`] |
//! | `EINVAL`, `EPERM`, `InteriorNul`, `TextTooLong` | [`texts_that_are_refused`] |
//! | `EINTR` | [`a_signal_ends_the_wait_for_another_ones_key`] |
//! | `ENOMEM`, what a sandbox says | [`other_refusals_arrive`]; with every number in faults.rs |
//! | `request_key_with`: success | [`a_key_is_made`], [`the_example_makes_keys`] |
//! | "or else into the default keyring" | [`without_a_destination_the_default_decides`] |
//! | "60 seconds, when the program fails" | [`without_a_rule_there_is_no_key_for_a_time`], [`a_program_that_does_nothing_negates`] |
//! | `KeyRejected`, "any other" | [`a_rejection_arrives`], [`planted_numbers_arrive_everywhere`] |
//! | `EPERM`, `EINVAL` | [`keyrings_and_nameless_keys_are_not_made`] |
//! | `ENOENT` | [`without_request_key_it_is_not_found`] |
//! | default keyring: the setting, and who inherits it | [`the_default_is_kept_and_told`], [`choosing_a_keyring_makes_it`], [`the_default_is_inherited`] |
//! | `Authority`: "can also use the requestor's keyrings" | [`the_maker_sees_the_requestors_keys`] |
//! | "dropping either leaves none" | [`authority_ends_with_the_value`] |
//! | "Using it up" | [`authority_ends_when_the_key_is_made`], [`another_thread_finds_it_made`], [`authority_ends_with_the_request`] |
//! | "Making a user namespace drops it" | [`authority_ends_with_the_user_namespace`] |
//! | `assume`: `ENOKEY`, `EINVAL` | [`authority_over_other_keys_there_is_none`] |
//! | `instantiate`: `EINVAL`, `EDQUOT`, errors of the keyring | [`what_a_maker_is_refused`], [`the_requestors_quota_counts`] |
//! | `instantiate_vectored` | [`a_payload_may_lie_in_pieces`] |
//! | `negate`: "0 seconds are at once" | [`a_negative_key_is_remembered_for_its_time`] |
//! | `reject`: `EINVAL` | [`numbers_that_can_not_be_planted`] |
#![allow(unsafe_code, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use std::cell::Cell;
use std::env;
use std::ffi::{CStr, CString};
use std::fs;
use std::panic;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::mpsc::channel;
use std::thread::{self, ScopedJoinHandle, sleep};
use std::time::Duration;

use common::program::{self, Program, Rule};
use common::{
    User, expired_key, in_child, in_thread, key_in, key_of, lifetime, new_keyring, only_without, raw,
    require, seccomp, spend_quota, unique, until, who,
};
use keyctl::syscall::op;
use keyctl::{
    Authority, DefaultKeyring, Errno, Error, Key, KeySerial, KeyType, Keyring, Permissions, Result, Timeout,
    default_request_keyring, get_persistent, request_key, request_key_with, set_default_request_keyring,
};
use rustix::io::IoSlice;

/// The parts of this binary as a program: see [`program::play`].
#[test]
#[ignore = "played by another test"]
fn play() {
    program::play(&[
        ("tells_the_default", tells_the_default),
        ("makes", |args| maker(args, makes)),
        ("makes_of_pieces", |args| maker(args, makes_of_pieces)),
        ("makes_in_the_end", |args| maker(args, makes_in_the_end)),
        ("does_nothing", |args| maker(args, |_| ())),
        ("negates", |args| maker(args, negates)),
        ("rejects", |args| maker(args, rejects)),
        ("plants_the_impossible", |args| maker(args, plants_the_impossible)),
        ("looks_around", |args| maker(args, looks_around)),
        ("drops", |args| maker(args, drops)),
        ("uses_up", |args| maker(args, uses_up)),
        ("is_late", |args| maker(args, is_late)),
        ("is_left_behind", |args| maker(args, is_left_behind)),
        ("leaves_another", |args| maker(args, leaves_another)),
        ("is_refused", |args| maker(args, is_refused)),
        ("spends", |args| maker(args, spends)),
        ("is_no_user_of_before", |args| maker(args, is_no_user_of_before)),
    ]);
}

/// Plays the maker of a key, whom the kernel starts: nobody sees how it ends. So it says in a file what
/// went wrong, or that nothing did. The arguments are the key and that file.
fn maker(args: &[&str], part: fn(Key)) {
    let (key, report) = (key_of(args[0].parse().unwrap()), args[1].to_owned());
    panic::set_hook(Box::new({
        let report = report.clone();
        move |why| fs::write(&report, why.to_string()).unwrap()
    }));
    part(key);
    fs::write(report, "done").unwrap();
}

/// A file by which parts of this binary talk, and which goes with this value.
struct Note(PathBuf);

impl Note {
    fn new() -> Self {
        Self(env::temp_dir().join(unique().to_str().unwrap()))
    }

    fn path(&self) -> &str {
        self.0.to_str().unwrap()
    }

    /// What it says, if it is there.
    fn read(&self) -> Option<String> {
        fs::read_to_string(&self.0).ok()
    }
}

impl Drop for Note {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

/// A key that nobody has made yet, and the one who will.
struct Making {
    name: CString,
    report: Note,
    _rule: Rule,
}

impl Making {
    fn by(part: &str) -> Self {
        Self::of(&unique(), part)
    }

    fn of(name: &CStr, part: &str) -> Self {
        let report = Note::new();
        let args = program::part(part, &["%k", report.path()]);
        let rule = Rule::new(name.to_str().unwrap(), &env::current_exe().unwrap(), &args);
        Self { name: name.to_owned(), _rule: rule, report }
    }

    /// The call under test, in which the maker does all that it does.
    fn request(&self, callout: &str, destination: Option<Keyring>) -> Result<Option<Key>> {
        let answer = self.call(callout, destination);
        assert_eq!(self.report().as_deref(), Some("done"));
        answer
    }

    fn call(&self, callout: &str, destination: Option<Keyring>) -> Result<Option<Key>> {
        request_key_with(KeyType::USER, &*self.name, callout, destination)
    }

    /// What the maker said since this was asked for.
    fn report(&self) -> Option<String> {
        let report = self.report.read();
        let _ = fs::remove_file(self.report.path());
        report
    }
}

/// The only link of a keyring.
fn only_link(keyring: Keyring) -> Key {
    let links = raw::links(keyring).unwrap();
    assert_eq!(links.len(), 1);
    links[0]
}

/// Runs `f` in a thread with a new session keyring and, as yet, no other.
fn in_session<T: Send>(f: impl FnOnce() -> T + Send) -> T {
    in_thread(|| {
        raw::join_session(None).unwrap();
        f()
    })
}

// Finding.

#[test]
fn the_nearest_keyring_is_asked_first() {
    require!(keyctl);
    in_session(|| {
        let name = unique();
        let all = [Keyring::THREAD, Keyring::PROCESS, Keyring::SESSION];
        let keys = all.map(|keyring| raw::add_key(c"user", &name, b"secret", keyring).unwrap());
        for (key, keyring) in keys.into_iter().zip(all) {
            assert_eq!(request_key(KeyType::USER, &*name, None), Ok(Some(key)));
            raw::unlink(key, keyring).unwrap();
        }
        assert_eq!(request_key(KeyType::USER, &*name, None), Ok(None));

        // And what these lead to.
        let inner = common::keyring_in(common::keyring_in(Keyring::SESSION));
        let key = raw::add_key(c"user", &name, b"secret", inner).unwrap();
        assert_eq!(request_key(KeyType::USER, name.to_bytes(), None), Ok(Some(key)));
    });
}

#[test]
fn what_is_found_is_linked() {
    require!(keyctl);
    let (name, destination) = (unique(), new_keyring());
    let key = raw::add_key(c"user", &name, b"secret", new_keyring()).unwrap();
    assert_eq!(request_key(KeyType::USER, &*name, Some(destination)), Ok(Some(key)));
    assert_eq!(raw::links(destination), Ok(vec![key]));
    assert_eq!(request_key(KeyType::USER, &*name, Some(destination)), Ok(Some(key)));
    assert_eq!(raw::links(destination), Ok(vec![key]));
}

#[test]
fn what_is_not_there_is_none() {
    require!(keyctl);
    let destination = new_keyring();
    assert_eq!(request_key(KeyType::USER, &*unique(), Some(destination)), Ok(None));
    assert_eq!(request_key(KeyType::USER, c"", Some(destination)), Ok(None));
    assert_eq!(request_key(KeyType::new(c"keyctl:test"), &*unique(), Some(destination)), Ok(None));
    let name = unique();
    let key = raw::add_key(c"user", &name, b"secret", new_keyring()).unwrap();
    assert_eq!(request_key(KeyType::KEYRING, &*name, Some(destination)), Ok(None));
    raw::set_timeout(key, 1).unwrap();
    until(Err(Error::KeyExpired), || raw::describe(key).map(drop));
    assert_eq!(request_key(KeyType::USER, &*name, Some(destination)), Ok(None));
    assert_eq!(raw::links(destination), Ok(vec![]));
}

#[test]
fn no_destination_looks_like_no_key() {
    require!(keyctl);
    let name = unique();
    raw::add_key(c"user", &name, b"secret", Keyring::THREAD).unwrap();
    for none in [1, KeySerial::REQUESTOR_KEYRING.as_raw()] {
        let destination = Keyring::from(key_of(none));
        assert_eq!(request_key(KeyType::USER, &*name, Some(destination)), Ok(None));
    }
}

#[test]
fn a_refusal_counts_where_all_keyrings_refuse() {
    require!(keyctl);
    // A child has a session keyring only, until it asks for another.
    in_child(|| {
        raw::join_session(None).unwrap();
        let (revoked, hidden) = (unique(), unique());
        let key = raw::add_key(c"user", &revoked, b"secret", Keyring::SESSION).unwrap();
        raw::revoke(key).unwrap();
        let key = raw::add_key(c"user", &hidden, b"secret", Keyring::SESSION).unwrap();
        raw::set_permissions(key, 0x3737_3737).unwrap();
        assert_eq!(request_key(KeyType::USER, &*revoked, None), Err(Error::KeyRevoked));
        assert_eq!(request_key(KeyType::USER, &*hidden, None), Err(Error::AccessDenied));
        new_keyring();
        assert_eq!(request_key(KeyType::USER, &*revoked, None), Ok(None));
        assert_eq!(request_key(KeyType::USER, &*hidden, None), Ok(None));
    });
}

#[test]
fn destinations_that_are_refused() {
    require!(keyctl);
    let name = unique();
    let key = raw::add_key(c"user", &name, b"secret", Keyring::THREAD).unwrap();
    let refused = |destination: Key| {
        let answer = request_key(KeyType::USER, &*name, Some(destination.into()));
        answer.unwrap_err()
    };
    assert_eq!(refused(key_in(new_keyring())), Error::NotAKeyring);
    assert_eq!(refused(key_of(KeySerial::GROUP_KEYRING.as_raw())), Error::InvalidArgument);
    let keyring = new_keyring();
    raw::set_permissions(keyring, 0x3b3b_3b3b).unwrap();
    assert_eq!(refused(keyring.into()), Error::AccessDenied);
    let keyring = new_keyring();
    raw::restrict(keyring, None).unwrap();
    assert_eq!(refused(keyring.into()), Error::NotPermitted);
    let keyring = new_keyring();
    raw::revoke(keyring).unwrap();
    assert_eq!(refused(keyring.into()), Error::KeyRevoked);
    assert_eq!(refused(expired_key()), Error::KeyExpired);
    // The key has a say, too.
    raw::set_permissions(key, 0x2f2f_2f2f).unwrap();
    assert_eq!(refused(new_keyring().into()), Error::AccessDenied);
}

#[test]
fn a_link_counts_in_the_quota() {
    require!(keyctl, root);
    User::new().run(|| {
        let (name, destination) = (unique(), new_keyring());
        raw::add_key(c"user", &name, b"secret", Keyring::THREAD).unwrap();
        spend_quota();
        assert_eq!(request_key(KeyType::USER, &*name, Some(destination)), Err(Error::QuotaExceeded));
    });
}

#[test]
fn texts_that_are_refused() {
    require!(keyctl);
    let long = CString::new(vec![b'x'; 4096]).unwrap();
    let ask = |key_type, description: &CStr| request_key(KeyType::new(key_type), description, None);
    assert_eq!(ask(c"user", &long), Err(Error::InvalidArgument));
    assert_eq!(request_key(KeyType::USER, long.to_bytes(), None), Err(Error::TextTooLong));
    assert_eq!(request_key(KeyType::USER, "nul\0inside", None), Err(Error::InteriorNul));
    assert_eq!(ask(c"", c"x"), Err(Error::InvalidArgument));
    assert_eq!(ask(c"a type of 31 bytes, which is all", c"x"), Err(Error::InvalidArgument));
    assert_eq!(ask(c"a type of 31 bytes, which is it", c"x"), Ok(None));
    assert_eq!(ask(c".user", c"x"), Err(Error::NotPermitted));
    // The callout likewise; it is read before anybody is asked.
    let with = |callout| request_key_with(KeyType::USER, &*unique(), callout, None);
    assert_eq!(with(&*CString::new(vec![b'x'; 1 << 18]).unwrap()), Err(Error::InvalidArgument));
    let ask = |callout: &[u8]| request_key_with(KeyType::USER, &*unique(), callout, None);
    assert_eq!(ask(long.to_bytes()), Err(Error::TextTooLong));
    assert_eq!(ask(b"nul\0inside"), Err(Error::InteriorNul));
}

#[test]
fn other_refusals_arrive() {
    require!(keyctl, seccomp);
    let answer = |errno| seccomp::answer_call(libc::SYS_request_key, errno);
    seccomp::passed_on(answer, || request_key(KeyType::USER, c"x", None));
    seccomp::passed_on(answer, || request_key_with(KeyType::USER, c"x", c"", None));
    let answer = |errno| seccomp::answer(op::SET_REQKEY_KEYRING.number(), errno);
    seccomp::passed_on(answer, default_request_keyring);
    seccomp::passed_on(answer, || set_default_request_keyring(DefaultKeyring::Thread));
}

// Having a key made.

fn makes(key: Key) {
    let authority = Authority::assume(key).unwrap();
    assert_eq!(authority.key(), key);
    let callout = authority.callout(&mut [0; 4096]).unwrap().to_vec();
    authority.instantiate(&[b"made of ", &callout[..]].concat(), Some(Keyring::REQUESTOR)).unwrap();
}

#[test]
fn a_key_is_made() {
    require!(keyctl, request_key, root);
    in_session(|| {
        let (making, destination) = (Making::by("makes"), new_keyring());
        let key = making.request("a text", Some(destination)).unwrap().unwrap();
        assert_eq!(raw::links(destination), Ok(vec![key]));
        assert_eq!(raw::read(key).unwrap(), b"made of a text");
        // Now that there is one, nobody is asked.
        assert_eq!(making.call("a text", Some(new_keyring())), Ok(Some(key)));
        assert_eq!(request_key(KeyType::USER, &*making.name, None), Ok(Some(key)));
        assert_eq!(making.report(), None);
    });
    // With nothing to say, and with the most.
    for callout in [String::new(), "x".repeat(4095)] {
        in_session(|| {
            let key = Making::by("makes").request(&callout, Some(new_keyring())).unwrap().unwrap();
            assert_eq!(raw::read(key).unwrap(), format!("made of {callout}").as_bytes());
        });
    }
}

#[test]
fn the_example_makes_keys() {
    require!(keyctl, request_key, root, examples);
    in_session(|| {
        let _rule = Rule::new("example:*", &program::example("request_key_helper"), &["%k", "%d"]);
        let destination = new_keyring();
        let ask = |name| request_key_with(KeyType::USER, name, c"abc", Some(destination));
        let key = ask(c"example:upper").unwrap().unwrap();
        assert_eq!(raw::read(key).unwrap(), b"ABC");
        assert_eq!(ask(c"example:forbidden"), Err(Error::KeyRejected));
        assert_eq!(ask(c"example:unheard-of"), Ok(None));
    });
}

#[test]
fn without_a_destination_the_default_decides() {
    require!(keyctl, request_key, root);
    for (chosen, keyring) in [
        (DefaultKeyring::Thread, Keyring::THREAD),
        (DefaultKeyring::Process, Keyring::PROCESS),
        (DefaultKeyring::Session, Keyring::SESSION),
        (DefaultKeyring::User, Keyring::USER),
        (DefaultKeyring::UserSession, Keyring::USER_SESSION),
        // The first that there is; these two are the same for one who makes no key.
        (DefaultKeyring::Default, Keyring::THREAD),
        (DefaultKeyring::Requestor, Keyring::THREAD),
    ] {
        let making = Making::by("makes");
        User::new().run(|| {
            keyring.resolve_or_create().unwrap();
            set_default_request_keyring(chosen).unwrap();
            let key = making.request("", None).unwrap().unwrap();
            assert!(raw::links(keyring).unwrap().contains(&key), "{chosen:?}");
            raw::unlink(key, keyring).unwrap();
        });
    }
    let making = Making::by("makes");
    in_child(|| {
        // Without a thread or process keyring it is the session's.
        raw::join_session(None).unwrap();
        let key = making.request("", None).unwrap().unwrap();
        assert_eq!(raw::links(Keyring::SESSION), Ok(vec![key]));
        raw::unlink(key, Keyring::SESSION).unwrap();
        // It has to grant write, like any other.
        raw::set_permissions(Keyring::SESSION, 0x3b3b_3b3b).unwrap();
        assert_eq!(making.call("", None), Err(Error::AccessDenied));
    });
}

#[test]
fn without_a_rule_there_is_no_key_for_a_time() {
    require!(keyctl, request_key, root);
    in_session(|| {
        let (name, destination) = (unique(), new_keyring());
        assert_eq!(request_key_with(KeyType::USER, &*name, c"", Some(destination)), Ok(None));
        assert_eq!(raw::read(only_link(destination)), Err(Error::NoKey));
        let making = Making::of(&name, "makes");
        assert_eq!(making.call("", Some(destination)), Ok(None));
        assert_eq!(making.report(), None);
        // Whoever does not have that negative key asks for himself.
        in_session(|| assert!(making.request("", Some(new_keyring())).unwrap().is_some()));
    });
}

#[test]
fn a_program_that_does_nothing_negates() {
    require!(keyctl, request_key, root);
    in_session(|| {
        let (making, destination) = (Making::by("does_nothing"), new_keyring());
        assert_eq!(making.request("", Some(destination)), Ok(None));
        assert_eq!(raw::read(only_link(destination)), Err(Error::NoKey));
        assert_eq!(making.call("", Some(destination)), Ok(None));
        assert_eq!(making.report(), None);
    });
}

/// The callout is for how many seconds.
fn negates(key: Key) {
    let authority = Authority::assume(key).unwrap();
    let seconds = String::from_utf8(authority.callout(&mut [0; 16]).unwrap().to_vec()).unwrap();
    authority.negate(seconds.parse().unwrap(), Some(Keyring::REQUESTOR)).unwrap();
}

#[test]
fn a_negative_key_is_remembered_for_its_time() {
    require!(keyctl, request_key, root, proc);
    let (making, at_once) = (Making::by("negates"), "0");
    in_session(|| {
        // At once is not never: the next request asks again.
        let destination = new_keyring();
        assert_eq!(making.request(at_once, Some(destination)), Ok(None));
        assert_eq!(making.request(at_once, Some(destination)), Ok(None));
        assert_eq!(making.request("119", Some(destination)), Ok(None));
        assert_eq!(lifetime(only_link(destination)), "1m");
        assert_eq!(making.call("119", Some(destination)), Ok(None));
        assert_eq!(making.report(), None);
    });
}

/// The callout is with what number.
fn rejects(key: Key) {
    let authority = Authority::assume(key).unwrap();
    let number = String::from_utf8(authority.callout(&mut [0; 16]).unwrap().to_vec()).unwrap();
    let error = Errno::from_raw_os_error(number.parse().unwrap());
    authority.reject(30, error, Some(Keyring::REQUESTOR)).unwrap();
}

#[test]
fn a_rejection_arrives() {
    require!(keyctl, request_key, root);
    for (number, error) in [
        (libc::EKEYREJECTED, Error::KeyRejected),
        (libc::EKEYREVOKED, Error::KeyRevoked),
        (libc::EKEYEXPIRED, Error::KeyExpired),
        (libc::EACCES, Error::AccessDenied),
    ] {
        let (making, number) = (Making::by("rejects"), number.to_string());
        in_child(|| {
            raw::join_session(None).unwrap();
            assert_eq!(making.request(&number, Some(Keyring::SESSION)), Err(error));
            // From now on without asking.
            assert_eq!(making.call(&number, None), Err(error));
            assert_eq!(request_key(KeyType::USER, &*making.name, None), Err(error));
            assert_eq!(making.report(), None);
            // But where another keyring knows nothing of it, this counts, and the maker is asked again.
            new_keyring();
            assert_eq!(request_key(KeyType::USER, &*making.name, None), Ok(None));
            assert_eq!(making.request(&number, None), Err(error));
        });
    }
}

#[test]
fn planted_numbers_arrive_everywhere() {
    require!(keyctl, request_key, root, persistent);
    // Those that loops wait for, and those that have no name.
    for number in [libc::EINTR, libc::EAGAIN, libc::EDQUOT, 515, 517, 4094] {
        let error = Error::from(Errno::from_raw_os_error(number));
        assert_eq!(error.raw_os_error(), Some(number));
        let making = Making::by("rejects");
        in_child(|| {
            raw::join_session(None).unwrap();
            let (name, session) = (&*making.name, Keyring::SESSION);
            assert_eq!(making.request(&number.to_string(), Some(session)), Err(error));
            let key = only_link(session);
            // To a search this one number is that there is no such key.
            let found = if number == libc::EAGAIN { Ok(None) } else { Err(error) };
            assert_eq!(request_key(KeyType::USER, name, None), found);
            assert_eq!(session.search(KeyType::USER, name), found);
            assert_eq!(key.read(&mut [0; 8]), Err(error));
            assert_eq!(key.payload_len(), Err(error));
            assert_eq!(key.update(b"payload"), Err(error));
            assert_eq!(key.revoke(), Err(error));
            assert_eq!(key.invalidate(), Err(error));
            assert_eq!(new_keyring().link(key), Err(error));
            assert_eq!(Keyring::from(key).resolve(), Err(error));
            assert_eq!(get_persistent(None, key.into()), Err(error));
            // What goes by the key, and not by what it holds.
            assert_eq!(key.describe(&mut [0; 256]).map(|it| it.description == name.to_bytes()), Ok(true));
            assert_eq!(key.set_timeout(Timeout::from_secs(30).unwrap()), Ok(()));
            assert_eq!(key.set_permissions(Permissions::from_raw(0x3f3f_0000)), Ok(()));
            assert_eq!(session.unlink(key), Ok(()));
        });
    }
}

#[test]
fn keyrings_and_nameless_keys_are_not_made() {
    require!(keyctl);
    assert_eq!(request_key_with(KeyType::KEYRING, &*unique(), c"", None), Err(Error::NotPermitted));
    assert_eq!(request_key_with(KeyType::USER, c"", c"", None), Err(Error::InvalidArgument));
    // The type looks at the name before anybody is asked.
    assert_eq!(request_key_with(KeyType::LOGON, c"prefixless", c"", None), Err(Error::InvalidArgument));
}

#[test]
fn without_request_key_it_is_not_found() {
    only_without!(request_key);
    require!(keyctl);
    in_session(|| {
        let (name, destination) = (unique(), new_keyring());
        let ask = || request_key_with(KeyType::USER, &*name, c"", Some(destination));
        assert_eq!(ask(), Err(Error::NotFound));
        assert_eq!(ask(), Ok(None));
        assert_eq!(raw::read(only_link(destination)), Err(Error::NoKey));
    });
}

/// Runs `f` in a thread, and tells its number.
fn with_number<'scope, T: Send + 'scope>(
    scope: &'scope thread::Scope<'scope, '_>,
    f: impl FnOnce() -> T + Send + 'scope,
) -> (ScopedJoinHandle<'scope, T>, i32) {
    let (tell, told) = channel();
    let running = scope.spawn(move || {
        tell.send(rustix::thread::gettid()).unwrap();
        f()
    });
    (running, told.recv().unwrap().as_raw_nonzero().get())
}

/// Sends signals to a thread of this process's until it has ended, or for a while.
fn disturb<T>(running: &ScopedJoinHandle<'_, T>, number: i32) {
    extern "C" fn nothing(_: i32) {}
    // SAFETY: all zeros are an empty set and no flags, so that calls are not restarted.
    let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
    action.sa_sigaction = nothing as *const () as usize;
    // SAFETY: the handler does nothing, which may be done at any time.
    assert_eq!(unsafe { libc::sigaction(libc::SIGUSR1, &raw const action, std::ptr::null_mut()) }, 0);
    for _ in 0..50 {
        if running.is_finished() {
            return;
        }
        let process = std::process::id();
        // SAFETY: takes three numbers.
        unsafe { libc::syscall(libc::SYS_tgkill, process, number, libc::SIGUSR1) };
        sleep(Duration::from_millis(10));
    }
}

/// Waits for a file whose name the callout is.
fn makes_in_the_end(key: Key) {
    let authority = Authority::assume(key).unwrap();
    let path = String::from_utf8(authority.callout(&mut [0; 4096]).unwrap().to_vec()).unwrap();
    until(true, || Path::new(&path).exists());
    authority.instantiate(b"made", None).unwrap();
}

#[test]
fn a_signal_ends_the_wait_for_another_ones_key() {
    require!(keyctl, request_key, root, persistent);
    in_session(|| {
        let making = Making::by("makes_in_the_end");
        let end = Note::new();
        thread::scope(|scope| {
            let (requestor, number) =
                with_number(scope, || making.request(end.path(), Some(Keyring::SESSION)));
            until(1, || raw::links(Keyring::SESSION).unwrap().len());
            let key = only_link(Keyring::SESSION);
            type Ask<'a> = &'a (dyn Fn() -> Result<()> + Sync);
            let asks: [(Ask<'_>, Error); 5] = [
                (&|| request_key(KeyType::USER, &*making.name, None).map(drop), Error::Interrupted),
                (&|| Keyring::from(key).resolve().map(drop), Error::Interrupted),
                (&|| new_keyring().link(key), Error::Interrupted),
                (&|| get_persistent(None, key.into()).map(drop), Error::Interrupted),
                (&|| key.payload_len().map(drop), Error::NoKey),
            ];
            for (ask, error) in asks {
                let answer = thread::scope(|scope| {
                    let (waiting, number) = with_number(scope, ask);
                    disturb(&waiting, number);
                    waiting.join().unwrap()
                });
                assert_eq!(answer, Err(error));
            }
            // Who had it made waits to the end.
            disturb(&requestor, number);
            assert!(!requestor.is_finished());
            fs::write(end.path(), "").unwrap();
            assert_eq!(requestor.join().unwrap(), Ok(Some(key)));
        });
    });
}

// The default keyring.

const SETTINGS: [DefaultKeyring; 7] = [
    DefaultKeyring::Default,
    DefaultKeyring::Thread,
    DefaultKeyring::Process,
    DefaultKeyring::Session,
    DefaultKeyring::User,
    DefaultKeyring::UserSession,
    DefaultKeyring::Requestor,
];

#[test]
fn the_default_is_kept_and_told() {
    require!(keyctl);
    in_thread(|| {
        let before = Cell::new(DefaultKeyring::default());
        assert_eq!(default_request_keyring(), Ok(before.get()));
        for setting in SETTINGS.into_iter().chain(SETTINGS.into_iter().rev()) {
            assert_eq!(set_default_request_keyring(setting), Ok(before.replace(setting)));
            assert_eq!(default_request_keyring(), Ok(setting));
        }
        // This thread's alone.
        set_default_request_keyring(DefaultKeyring::Session).unwrap();
        in_thread(|| set_default_request_keyring(DefaultKeyring::User).unwrap());
        assert_eq!(default_request_keyring(), Ok(DefaultKeyring::Session));
    });
}

#[test]
fn choosing_a_keyring_makes_it() {
    require!(keyctl);
    in_child(|| {
        for (setting, keyring) in
            [(DefaultKeyring::Thread, Keyring::THREAD), (DefaultKeyring::Process, Keyring::PROCESS)]
        {
            assert_eq!(raw::resolve(keyring), Err(Error::NoKey));
            set_default_request_keyring(setting).unwrap();
            assert_eq!(raw::links(raw::resolve(keyring).unwrap()), Ok(vec![]));
        }
    });
}

#[test]
fn the_default_is_inherited() {
    require!(keyctl);
    in_thread(|| {
        set_default_request_keyring(DefaultKeyring::UserSession).unwrap();
        in_thread(|| assert_eq!(default_request_keyring(), Ok(DefaultKeyring::UserSession)));
        in_child(|| assert_eq!(default_request_keyring(), Ok(DefaultKeyring::UserSession)));
        let output = Program::this().run(&program::part("tells_the_default", &[]));
        assert!(output.status.success(), "{output:?}");
    });
}

fn tells_the_default(_: &[&str]) {
    assert_eq!(default_request_keyring(), Ok(DefaultKeyring::UserSession));
}

// The maker's side: each part is a program that the kernel started.

#[test]
fn authority_over_other_keys_there_is_none() {
    require!(keyctl);
    let assume = |key| Authority::assume(key).map(|authority| authority.key());
    assert_eq!(assume(key_in(new_keyring())), Err(Error::NoKey));
    assert_eq!(assume(key_of(1)), Err(Error::NoKey));
    for special in [KeySerial::REQKEY_AUTH_KEY.as_raw(), KeySerial::THREAD_KEYRING.as_raw(), i32::MIN] {
        assert_eq!(assume(key_of(special)), Err(Error::InvalidArgument));
    }
    // Nor is there a requestor.
    assert_eq!(raw::resolve(Keyring::REQUESTOR), Err(Error::NoKey));
}

fn looks_around(key: Key) {
    // It belongs to another, and yet:
    let description = raw::describe(key).unwrap();
    assert!(!description.starts_with("user;0;"), "{description}");
    let authority = Authority::assume(key).unwrap();
    assert_eq!(key.set_timeout(Timeout::from_secs(100).unwrap()), Ok(()));
    let wanted = CString::new(authority.callout(&mut [0; 256]).unwrap().to_vec()).unwrap();
    let found = request_key(KeyType::USER, &*wanted, None).unwrap().unwrap();
    assert_eq!(raw::read(found).unwrap(), b"the requestor's");
    assert_eq!(raw::links(Keyring::REQUESTOR), Ok(vec![key]));
    // A special id of any kind is the requestor's destination.
    authority.instantiate(b"made", Some(Keyring::PROCESS)).unwrap();
    assert_eq!(request_key(KeyType::USER, &*wanted, None), Ok(None));
}

#[test]
fn the_maker_sees_the_requestors_keys() {
    require!(keyctl, request_key, root);
    let making = Making::by("looks_around");
    User::new().run(|| {
        let (wanted, destination) = (unique(), new_keyring());
        raw::add_key(c"user", &wanted, b"the requestor's", Keyring::THREAD).unwrap();
        let key = making.request(wanted.to_str().unwrap(), Some(destination)).unwrap().unwrap();
        assert_eq!(raw::links(destination), Ok(vec![key]));
        assert_eq!(raw::read(key).unwrap(), b"made");
    });
}

fn makes_of_pieces(key: Key) {
    let authority = Authority::assume(key).unwrap();
    let pieces = [IoSlice::new(b"x"); 1025];
    assert_eq!(authority.instantiate_vectored(&pieces, None), Err(Error::InvalidArgument));
    assert_eq!(authority.instantiate_vectored(&[], None), Err(Error::InvalidArgument));
    let mut pieces = [IoSlice::new(b""); 1024];
    pieces[0] = IoSlice::new(b"user=");
    pieces[1023] = IoSlice::new(b"joe");
    assert_eq!(authority.instantiate_vectored(&pieces, None), Ok(()));
}

#[test]
fn a_payload_may_lie_in_pieces() {
    require!(keyctl, request_key, root);
    in_session(|| {
        let key = Making::by("makes_of_pieces").request("", Some(new_keyring())).unwrap().unwrap();
        assert_eq!(raw::read(key).unwrap(), b"user=joe");
    });
}

fn drops(key: Key) {
    let first = Authority::assume(key).unwrap();
    drop(Authority::assume(key).unwrap());
    assert_eq!(first.instantiate(b"made", None), Err(Error::NotPermitted));
    assert_eq!(first.instantiate_vectored(&[IoSlice::new(b"made")], None), Err(Error::NotPermitted));
    assert_eq!(first.negate(30, None), Err(Error::NotPermitted));
    assert_eq!(first.reject(30, Errno::KEYREJECTED, None), Err(Error::NotPermitted));
    assert_eq!(first.callout(&mut [0; 16]), Err(Error::NoKey));
    assert_eq!(raw::resolve(Keyring::REQUESTOR), Err(Error::NoKey));
    // It can be assumed anew, as long as the key is not made.
    let second = Authority::assume(key).unwrap();
    assert_eq!(second.instantiate(b"made", None), Ok(()));
}

#[test]
fn authority_ends_with_the_value() {
    require!(keyctl, request_key, root);
    in_session(|| {
        let key = Making::by("drops").request("", Some(new_keyring())).unwrap().unwrap();
        assert_eq!(raw::read(key).unwrap(), b"made");
    });
}

fn uses_up(key: Key) {
    let authority = Authority::assume(key).unwrap();
    assert_eq!(authority.instantiate(b"made", None), Ok(()));
    assert_eq!(authority.instantiate(b"again", None), Err(Error::NotPermitted));
    assert_eq!(authority.negate(30, None), Err(Error::NotPermitted));
    assert_eq!(authority.callout(&mut [0; 16]), Err(Error::NoKey));
    // Until the collector comes, a search may still meet the authority.
    let gone = Authority::assume(key).unwrap_err();
    assert!(gone == Error::KeyRevoked || gone == Error::NoKey, "{gone:?}");
    until(Error::NoKey, || Authority::assume(key).unwrap_err());
}

#[test]
fn authority_ends_when_the_key_is_made() {
    require!(keyctl, request_key, root);
    in_session(|| {
        let key = Making::by("uses_up").request("", Some(new_keyring())).unwrap().unwrap();
        assert_eq!(raw::read(key).unwrap(), b"made");
    });
}

/// Two threads assume the authority; one is late.
fn is_late(key: Key) {
    let authority = Authority::assume(key).unwrap();
    let ((ready, wait), (made, go)) = (channel(), channel());
    thread::scope(|scope| {
        let late = scope.spawn(move || {
            let authority = Authority::assume(key).unwrap();
            ready.send(()).unwrap();
            go.recv().unwrap();
            assert_eq!(authority.instantiate(b"again", None), Err(Error::Busy));
            assert_eq!(authority.instantiate_vectored(&[IoSlice::new(b"again")], None), Err(Error::Busy));
            assert_eq!(authority.negate(30, None), Err(Error::Busy));
            assert_eq!(authority.reject(30, Errno::KEYREJECTED, None), Err(Error::Busy));
        });
        wait.recv().unwrap();
        authority.instantiate(b"made", None).unwrap();
        made.send(()).unwrap();
        late.join().unwrap();
    });
}

#[test]
fn another_thread_finds_it_made() {
    require!(keyctl, request_key, root);
    in_session(|| {
        let key = Making::by("is_late").request("", Some(new_keyring())).unwrap().unwrap();
        assert_eq!(raw::read(key).unwrap(), b"made");
    });
}

/// Its callout is a file, for [`is_left_behind`] to say that it is ready, and then how it ended.
#[allow(clippy::zombie_processes)] // Which outlives this process.
fn leaves_another(key: Key) {
    let authority = Authority::assume(key).unwrap();
    let path = String::from_utf8(authority.callout(&mut [0; 4096]).unwrap().to_vec()).unwrap();
    let serial = key.serial().to_string();
    let args = program::part("is_left_behind", &[&serial, &path]);
    Command::new(env::current_exe().unwrap()).args(args).spawn().unwrap();
    until(true, || Path::new(&path).exists());
    authority.instantiate(b"made", None).unwrap();
}

fn is_left_behind(key: Key) {
    let authority = Authority::assume(key).unwrap();
    let path = String::from_utf8(authority.callout(&mut [0; 4096]).unwrap().to_vec()).unwrap();
    fs::write(path, "ready").unwrap();
    // Nothing that could succeed, while the request is not over.
    let nowhere = Some(Keyring::from(key_of(1)));
    until(Err(Error::KeyRevoked), || authority.negate(30, nowhere));
    assert_eq!(authority.instantiate(b"again", None), Err(Error::KeyRevoked));
    assert_eq!(authority.reject(30, Errno::KEYREJECTED, None), Err(Error::KeyRevoked));
}

#[test]
fn authority_ends_with_the_request() {
    require!(keyctl, request_key, root);
    in_session(|| {
        let said = Note::new();
        let making = Making::by("leaves_another");
        let key = making.request(said.path(), Some(new_keyring())).unwrap().unwrap();
        assert_eq!(raw::read(key).unwrap(), b"made");
        until(Some("done".to_owned()), || said.read());
    });
}

fn is_no_user_of_before(key: Key) {
    let authority = Authority::assume(key).unwrap();
    let session = raw::resolve(Keyring::SESSION);
    in_child(|| {
        assert_eq!(authority.callout(&mut [0; 16]).unwrap(), b"text");
        who::unshare_users().unwrap();
        assert_eq!(authority.callout(&mut [0; 16]), Err(Error::NoKey));
        assert_eq!(authority.instantiate(b"made", None), Err(Error::NotPermitted));
        // The keyrings it keeps, and in its session lies what can be assumed again.
        assert_eq!(raw::resolve(Keyring::SESSION), session);
        let again = Authority::assume(key).unwrap();
        assert_eq!(again.callout(&mut [0; 16]).unwrap(), b"text");
    });
    // Who stayed has lost nothing.
    assert_eq!(authority.instantiate(b"made", None), Ok(()));
}

#[test]
fn authority_ends_with_the_user_namespace() {
    require!(keyctl, request_key, root, userns);
    in_session(|| {
        let making = Making::by("is_no_user_of_before");
        let key = making.request("text", Some(new_keyring())).unwrap().unwrap();
        assert_eq!(raw::read(key).unwrap(), b"made");
    });
}

fn is_refused(key: Key) {
    let authority = Authority::assume(key).unwrap();
    // By the type, and by the kernel before that.
    for length in [0, 1 << 15, 1 << 20] {
        assert_eq!(authority.instantiate(&vec![0; length], None), Err(Error::InvalidArgument), "{length}");
    }
    let keyring = |serial: i32| Some(Keyring::from(key_of(serial)));
    let into = |keyring| authority.instantiate(b"made", keyring).unwrap_err();
    assert_eq!(into(keyring(1)), Error::NoKey);
    assert_eq!(into(keyring(-9)), Error::NoKey);
    assert_eq!(into(keyring(KeySerial::REQKEY_AUTH_KEY.as_raw())), Error::InvalidArgument);
    assert_eq!(into(keyring(key_in(new_keyring()).serial().as_raw())), Error::NotAKeyring);
    let restricted = new_keyring();
    raw::restrict(restricted, None).unwrap();
    assert_eq!(into(Some(restricted)), Error::NotPermitted);
    let unwritable = new_keyring();
    raw::set_permissions(unwritable, 0x3b3b_3b3b).unwrap();
    assert_eq!(into(Some(unwritable)), Error::AccessDenied);
    let revoked = new_keyring();
    raw::revoke(revoked).unwrap();
    assert_eq!(into(Some(revoked)), Error::KeyRevoked);
    assert_eq!(authority.negate(30, Some(revoked)), Err(Error::KeyRevoked));
    assert_eq!(authority.reject(30, Errno::KEYREJECTED, Some(restricted)), Err(Error::NotPermitted));
    assert_eq!(authority.callout(&mut [0; 2]), Err(Error::BufferTooSmall { needed: 4 }));
    // None of that has used it up.
    let own = new_keyring();
    assert_eq!(authority.instantiate(b"made", Some(own)), Ok(()));
    assert_eq!(raw::links(own), Ok(vec![key]));
}

#[test]
fn what_a_maker_is_refused() {
    require!(keyctl, request_key, root);
    in_session(|| {
        let key = Making::by("is_refused").request("text", Some(new_keyring())).unwrap().unwrap();
        assert_eq!(raw::read(key).unwrap(), b"made");
    });
}

fn spends(key: Key) {
    let authority = Authority::assume(key).unwrap();
    assert_eq!(authority.instantiate(&[0; 32_767], None), Err(Error::QuotaExceeded));
    assert_eq!(authority.instantiate(b"made", None), Ok(()));
}

#[test]
fn the_requestors_quota_counts() {
    require!(keyctl, request_key, root);
    let making = Making::by("spends");
    User::new().run(|| {
        let key = making.request("", Some(new_keyring())).unwrap().unwrap();
        assert_eq!(raw::read(key).unwrap(), b"made");
    });
}

fn plants_the_impossible(key: Key) {
    let authority = Authority::assume(key).unwrap();
    for number in [4095, 512, 513, 514, 516] {
        let answer = authority.reject(30, Errno::from_raw_os_error(number), None);
        assert_eq!(answer, Err(Error::InvalidArgument), "{number}");
    }
    assert_eq!(authority.instantiate(b"made", None), Ok(()));
}

#[test]
fn numbers_that_can_not_be_planted() {
    require!(keyctl, request_key, root);
    in_session(|| {
        let making = Making::by("plants_the_impossible");
        let key = making.request("", Some(new_keyring())).unwrap().unwrap();
        assert_eq!(raw::read(key).unwrap(), b"made");
    });
}
