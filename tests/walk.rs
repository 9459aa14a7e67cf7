//! The walk through all that a keyring leads to.
//!
//! | documented | test |
//! | --- | --- |
//! | "each keyring before its contents" | [`each_link_is_visited_under_its_keyring`], [`links_come_in_the_order_of_the_keyring`] |
//! | `depth`, `parent`, `last` | [`each_link_is_visited_under_its_keyring`], [`the_last_link_of_each_keyring_is_told`] |
//! | special ids stay what they are | [`it_begins_at_a_special_id`] |
//! | a beginning that is no keyring, or not there | [`what_is_no_keyring_is_one_visit`] |
//! | "a keyring that several links lead to is entered only once" | [`a_keyring_is_entered_once`], [`as_many_steps_as_links`] |
//! | "no limit to its depth" | [`a_deep_tree_is_walked_to_its_end`] |
//! | errors of a `Visit`, "and the walk goes on" | [`what_is_gone_or_hidden_is_an_error_of_its_visit`], [`a_keyring_that_can_not_be_read_is_refused`] |
//! | "what it visits may change meanwhile" | [`what_goes_meanwhile_is_an_error_of_its_visit`] |
//! | `BufferTooSmall` says what the arena needs | [`a_keyring_that_does_not_fit_is_refused`], [`an_arena_of_the_size_that_was_told_is_enough`], [`any_arena_is_good_for_a_walk`] |
//! | a `Vec` grows | [`a_vec_grows`] |
//! | descriptions come along, any bytes | [`descriptions_come_along`] |
//! | no payload is read | [`no_payload_is_read`] |
//! | the example `show` | [`show_prints_the_tree`], [`show_says_what_it_could_not_see`] |
#![allow(unsafe_code, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use std::ffi::CString;

use common::program::Program;
use common::{in_thread, key_in, key_of, keyring_in, new_keyring, raw, require, someone, unique, until};
use keyctl::{Arena, Error, Key, Keyring, Links, Visit};
use rustix::process::getegid;

/// Depth, parent, key, links.
type Seen = (usize, Option<Keyring>, Key, Links);

fn walk(keyring: Keyring, arena: impl Arena) -> Vec<Seen> {
    all(keyring, arena, |visit| (visit.depth, visit.parent, visit.key, visit.links))
}

fn all<T>(keyring: Keyring, arena: impl Arena, f: impl Fn(&Visit<'_>) -> T) -> Vec<T> {
    let (mut walk, mut seen) = (keyring.walk(arena), Vec::new());
    while let Some(visit) = walk.next() {
        seen.push(f(&visit));
    }
    assert!(walk.next().is_none());
    seen
}

/// A keyring of so many keys.
fn keyring_of(count: usize) -> Keyring {
    let keyring = new_keyring();
    for _ in 0..count {
        key_in(keyring);
    }
    keyring
}

/// A keyring in another one, for its owner to use without possession, which ends six keyrings deep.
fn open_keyring_in(keyring: Keyring) -> Keyring {
    let inner = new_keyring();
    raw::set_permissions(inner, 0x3f3f_0000).unwrap();
    if keyring != Keyring::THREAD {
        raw::link(inner, keyring).unwrap();
        raw::unlink(inner, Keyring::THREAD).unwrap();
    }
    inner
}

#[test]
fn each_link_is_visited_under_its_keyring() {
    require!(keyctl);
    let root = new_keyring();
    let (a, b) = (keyring_in(root), keyring_in(root));
    let c = keyring_in(a);
    let leaves = [key_in(root), key_in(a), key_in(b), key_in(c)];
    let seen = walk(root, &mut [0; 4096]);

    assert_eq!(seen[0], (0, None, root.into(), Links::Listed(3)));
    let mut rest = seen[1..].to_vec();
    let mut wanted = vec![
        (1, Some(root), a.into(), Links::Listed(2)),
        (1, Some(root), b.into(), Links::Listed(1)),
        (1, Some(root), leaves[0], Links::None),
        (2, Some(a), c.into(), Links::Listed(1)),
        (2, Some(a), leaves[1], Links::None),
        (2, Some(b), leaves[2], Links::None),
        (3, Some(c), leaves[3], Links::None),
    ];
    // The contents of a keyring come at once after it, until a link of less depth.
    for (at, &(depth, parent, ..)) in seen.iter().enumerate().skip(1) {
        let before = seen[..at].iter().rfind(|(above, ..)| *above < depth).unwrap();
        assert_eq!(parent, Some(Keyring::from(before.2)));
    }
    rest.sort_by_key(|seen| seen.2);
    wanted.sort_by_key(|seen| seen.2);
    assert_eq!(rest, wanted);
}

#[test]
fn links_come_in_the_order_of_the_keyring() {
    require!(keyctl);
    let keyring = keyring_of(30);
    let seen: Vec<Key> = walk(keyring, &mut [0; 4096]).iter().skip(1).map(|seen| seen.2).collect();
    assert_eq!(seen, raw::links(keyring).unwrap());
}

#[test]
fn the_last_link_of_each_keyring_is_told() {
    require!(keyctl);
    let root = new_keyring();
    for keyring in [keyring_in(root), keyring_in(root)] {
        key_in(keyring);
        key_in(keyring);
    }
    let seen = all(root, &mut [0; 4096], |visit| (visit.depth, visit.last));
    let wanted = [(0, true), (1, false), (2, false), (2, true), (1, true), (2, false), (2, true)];
    assert_eq!(seen, wanted);
}

#[test]
fn it_begins_at_a_special_id() {
    require!(keyctl);
    in_thread(|| {
        let key = key_in(Keyring::THREAD);
        let wanted = [
            (0, None, Keyring::THREAD.into(), Links::Listed(1)),
            (1, Some(Keyring::THREAD), key, Links::None),
        ];
        assert_eq!(walk(Keyring::THREAD, &mut [0; 64]), wanted);
    });
}

#[test]
fn what_is_no_keyring_is_one_visit() {
    require!(keyctl);
    let key = Keyring::from(key_in(new_keyring()));
    assert_eq!(walk(key, &mut [0; 64]), [(0, None, key.into(), Links::None)]);
    let empty = new_keyring();
    assert_eq!(walk(empty, &mut [0; 64]), [(0, None, empty.into(), Links::Listed(0))]);
    let absent = Keyring::from(key_of(1));
    let seen = all(absent, &mut [0; 64], |visit| (visit.description.err(), visit.links));
    assert_eq!(seen, [(Some(Error::NoKey), Links::None)]);
}

// Trees that are none.

#[test]
fn a_keyring_is_entered_once() {
    require!(keyctl);
    let root = new_keyring();
    let (a, b) = (keyring_in(root), keyring_in(root));
    let shared = keyring_in(a);
    raw::link(shared, b).unwrap();
    let leaf = key_in(shared);
    raw::link(leaf, root).unwrap();
    let seen = walk(root, &mut [0; 4096]);
    let of = |key: Key| seen.iter().filter(|seen| seen.2 == key).map(|seen| seen.3).collect::<Vec<_>>();
    assert_eq!(of(shared.into()), [Links::Listed(1), Links::Repeated]);
    // A key is visited at each of its links.
    assert_eq!(of(leaf), [Links::None; 2]);
    assert_eq!(seen.len(), 7);
}

#[test]
fn as_many_steps_as_links() {
    require!(keyctl);
    // 2 keyrings on each of 20 floors, and from each a way to both below: 2^20 paths. A user's quota ends
    // at 200 keys, for all tests of this file together.
    let root = open_keyring_in(Keyring::THREAD);
    let mut above = [root; 2];
    for _ in 0..20 {
        let floor = [open_keyring_in(above[0]), open_keyring_in(above[0])];
        if above[0] != above[1] {
            floor.iter().for_each(|&keyring| raw::link(keyring, above[1]).unwrap());
        }
        above = floor;
    }
    let seen = walk(root, &mut [0; 4096]);
    assert_eq!(seen.len(), 1 + 2 + 19 * 4);
    // The two at the bottom are empty, and so there is nothing to enter.
    assert_eq!(seen.iter().filter(|seen| seen.3 == Links::Repeated).count(), 18 * 2);
}

#[test]
fn a_deep_tree_is_walked_to_its_end() {
    require!(keyctl);
    let root = open_keyring_in(Keyring::THREAD);
    let mut keyring = root;
    for _ in 0..40 {
        keyring = open_keyring_in(keyring);
    }
    let seen = walk(root, &mut [0; 4096]);
    assert_eq!(seen.last().map(|seen| (seen.0, seen.2)), Some((40, keyring.into())));
}

// What does not want to be seen.

#[test]
fn what_is_gone_or_hidden_is_an_error_of_its_visit() {
    require!(keyctl);
    let root = new_keyring();
    let (revoked, expired, hidden) = (keyring_in(root), keyring_in(root), keyring_in(root));
    for keyring in [revoked, expired, hidden] {
        key_in(keyring);
    }
    let key = key_in(root);
    raw::revoke(revoked).unwrap();
    raw::set_permissions(hidden, 0x3e3e_3e3e).unwrap();
    raw::set_timeout(expired, 1).unwrap();
    until(Err(Error::KeyExpired), || raw::describe(expired).map(drop));

    let seen = all(root, &mut [0; 4096], |visit| (visit.key, visit.description.err(), visit.links));
    let mut wanted = vec![
        (revoked.into(), Some(Error::KeyRevoked), Links::None),
        (expired.into(), Some(Error::KeyExpired), Links::None),
        (hidden.into(), Some(Error::AccessDenied), Links::None),
        (key, None, Links::None),
    ];
    let order = raw::links(root).unwrap();
    wanted.sort_by_key(|seen| order.iter().position(|&key| key == seen.0));
    assert_eq!(seen[1..], wanted);
}

#[test]
fn a_keyring_that_can_not_be_read_is_refused() {
    require!(keyctl);
    let root = new_keyring();
    let closed = keyring_in(root);
    key_in(closed);
    raw::set_permissions(closed, 0x0101_0101).unwrap();
    let refused = (1, Some(root), closed.into(), Links::Refused(Error::AccessDenied));
    assert_eq!(walk(root, &mut [0; 4096])[1..], [refused]);
}

#[test]
fn what_goes_meanwhile_is_an_error_of_its_visit() {
    require!(keyctl);
    let root = keyring_of(3);
    let mut arena = [0; 64];
    let mut walk = root.walk(&mut arena);
    assert_eq!(walk.next().unwrap().links, Links::Listed(3));
    raw::links(root).unwrap().into_iter().for_each(|key| raw::invalidate(key).unwrap());
    for _ in 0..3 {
        assert_eq!(walk.next().unwrap().description, Err(Error::NoKey));
    }
    assert_eq!(walk.next(), None);
}

// The arena.

#[test]
fn a_keyring_that_does_not_fit_is_refused() {
    require!(keyctl, root);
    let root = new_keyring();
    let big = keyring_of(1000);
    raw::link(big, root).unwrap();
    let small = keyring_in(root);
    let key = key_in(small);
    // On the stack a frame and the link that is left, a frame and a thousand links; and two keyrings that
    // were entered. Where the small one came first, no link is left, but three keyrings were entered.
    let needed: u32 = 4 * (2 + 1 + 2 + 1000 + 2);
    for (length, fits) in [(needed, true), (needed - 1, false), (64, false)] {
        let seen = walk(root, &mut vec![0; length as usize][..]);
        let of = |key: Key| seen.iter().find(|seen| seen.2 == key).map(|seen| seen.3);
        let refused = Links::Refused(Error::BufferTooSmall { needed });
        assert_eq!(of(big.into()), Some(if fits { Links::Listed(1000) } else { refused }));
        assert_eq!(of(small.into()), Some(Links::Listed(1)));
        assert_eq!(of(key), Some(Links::None));
        assert_eq!(seen.len(), if fits { 1004 } else { 4 });
    }
}

#[test]
fn an_arena_of_the_size_that_was_told_is_enough() {
    require!(keyctl);
    let root = keyring_of(5);
    let inner = keyring_in(root);
    for _ in 0..7 {
        key_in(inner);
    }
    let told = |seen: &[Seen]| match seen.last().unwrap().3 {
        Links::Refused(Error::BufferTooSmall { needed }) => Some(needed as usize),
        _ => None,
    };
    assert_eq!(told(&walk(root, &mut [])), Some(4 * (2 + 6 + 1)));
    let seen = walk(root, &mut [0; 4 * (2 + 6 + 1)]);
    let inner = seen.iter().position(|seen| seen.2 == inner.into()).unwrap();
    let Links::Refused(Error::BufferTooSmall { needed }) = seen[inner].3 else { panic!("{seen:?}") };
    assert_eq!(walk(root, &mut vec![0; needed as usize][..]).len(), 14);
    assert_eq!(walk(root, &mut vec![0; needed as usize - 1][..]).len(), 7);
}

#[test]
fn any_arena_is_good_for_a_walk() {
    require!(keyctl);
    let root = new_keyring();
    let (a, b) = (keyring_in(root), keyring_in(root));
    let shared = keyring_in(a);
    raw::link(shared, b).unwrap();
    for keyring in [root, a, b, shared] {
        key_in(keyring);
    }
    let whole = walk(root, &mut [0; 4096]);
    let mut most = 0;
    for length in 0..200 {
        let seen = walk(root, &mut vec![0xff; length][..]);
        assert!((1..=whole.len()).contains(&seen.len()), "{seen:?}");
        // More room never shows less, and what is not refused is what it is.
        most = seen.len().max(most);
        let refused = seen.iter().any(|seen| matches!(seen.3, Links::Refused(_)));
        assert!(refused || seen == whole, "{length}: {seen:?}");
    }
    assert_eq!(most, whole.len());
}

#[cfg(feature = "alloc")]
#[test]
fn a_vec_grows() {
    require!(keyctl, root);
    let root = open_keyring_in(Keyring::THREAD);
    let mut above = root;
    for _ in 0..10 {
        let floor = [open_keyring_in(above), open_keyring_in(above)];
        for _ in 0..100 {
            key_in(floor[0]);
        }
        key_in(floor[1]);
        raw::link(floor[1], floor[0]).unwrap();
        above = floor[0];
    }
    let whole = walk(root, &mut [0; 1 << 16]);
    assert_eq!(whole.len(), 1 + 10 * 104);
    assert_eq!(whole.iter().filter(|seen| seen.3 == Links::Repeated).count(), 10);
    for length in [0, 1, 5, 1000, 3000] {
        let mut arena = vec![1; length];
        assert_eq!(walk(root, &mut arena), whole);
        assert!(arena.len() < 1 << 15);
    }
}

// What comes along, and what does not.

#[test]
fn descriptions_come_along() {
    require!(keyctl);
    let root = new_keyring();
    let longest = b"x".repeat(4095);
    let mut names = [&b"a;b"[..], b"two\nlines", b"\xff\xfe", b"\x1b[31m", &longest];
    for name in names {
        raw::add_key(c"user", &CString::new(name).unwrap(), b"secret", root).unwrap();
    }
    let mut seen = all(root, &mut [0; 64], |visit| {
        let it = visit.description.unwrap();
        (it.key_type.to_vec(), it.description.to_vec())
    });
    assert_eq!(seen.remove(0).0, b"keyring");
    seen.sort();
    names.sort();
    assert_eq!(seen, names.map(|name| (b"user".to_vec(), name.to_vec())));
}

#[test]
fn no_payload_is_read() {
    require!(keyctl);
    let root = new_keyring();
    let secret = b"\xa5\x5a\xa5\x5a".repeat(4);
    for _ in 0..10 {
        raw::add_key(c"user", &unique(), &secret, root).unwrap();
    }
    let mut arena = [0; 4096];
    walk(root, &mut arena);
    assert!(!arena.windows(4).any(|bytes| secret.windows(4).any(|part| part == bytes)));
}

// The example.

fn show(program: &Program, args: &[&str]) -> (bool, String) {
    let output = program.run(args);
    assert_eq!(String::from_utf8(output.stderr), Ok(String::new()));
    (output.status.success(), String::from_utf8(output.stdout).unwrap())
}

#[test]
fn show_prints_the_tree() {
    require!(keyctl, examples);
    let program = Program::example("show");
    someone(|me| {
        let (me, them) = (me.as_raw(), getegid().as_raw());
        let session = raw::resolve(Keyring::SESSION).unwrap();
        let add = |kind, name, to| {
            let payload: &[u8] = if kind == c"user" { b"secret" } else { b"" };
            raw::add_key(kind, name, payload, to).unwrap()
        };
        let outer = Keyring::from(add(c"keyring", c"outer", session));
        let inner = Keyring::from(add(c"keyring", c"inner", outer));
        let key = add(c"user", c"a;b\n\x1b\xff", inner);
        raw::link(inner, session).unwrap();
        let line =
            |key: Key, rest: &str| format!("{:>10} --alswrv  {me:>5} {them:>5}  {rest}\n", key.serial());
        let top = line(session.into(), "keyring: _ses");
        let outer_first = [
            line(outer.into(), r" \_ keyring: outer"),
            line(inner.into(), r" |   \_ keyring: inner"),
            line(key, r" |       \_ user: a;b\n\x1b\xff"),
            line(inner.into(), r" \_ keyring: inner (shown above)"),
        ];
        let inner_first = [
            line(inner.into(), r" \_ keyring: inner"),
            line(key, r" |   \_ user: a;b\n\x1b\xff"),
            line(outer.into(), r" \_ keyring: outer"),
            line(inner.into(), r"     \_ keyring: inner (shown above)"),
        ];
        let lines = match raw::links(session).unwrap()[0] == outer.into() {
            true => outer_first.concat(),
            false => inner_first.concat(),
        };
        assert_eq!(show(&program, &[]), (true, format!("Session Keyring\n{top}{lines}")));
        for name in ["@s".to_owned(), session.serial().to_string(), format!("{:#x}", session.serial())] {
            assert_eq!(show(&program, &[&name]), (true, format!("Keyring\n{top}{lines}")));
        }
    });
}

#[test]
fn show_says_what_it_could_not_see() {
    require!(keyctl, examples);
    let program = Program::example("show");
    someone(|_| {
        let key = key_in(Keyring::SESSION);
        raw::revoke(key).unwrap();
        let line = format!("{:>10}{:24} \\_ the key has been revoked (EKEYREVOKED)\n", key.serial(), "");
        let (_, shown) = show(&program, &[]);
        assert!(shown.ends_with(&line), "{shown}");
    });
    let absent = format!("Keyring\n{:>10}{:24}there is no such key (ENOKEY)\n", 1, "");
    assert_eq!(show(&program, &["1"]), (false, absent));
    assert_eq!(program.run(&["@x"]).status.code(), Some(2));
}
