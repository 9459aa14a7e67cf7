//! Neighbours: what others name and nest and number does no harm, and user namespaces change numbers,
//! not possession.
#![allow(unsafe_code, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use std::array;
use std::ffi::CString;
use std::fs;
use std::mem::MaybeUninit;
use std::sync::mpsc::channel;
use std::thread;
use std::time::{Duration, Instant};

use common::{
    User, in_child, in_thread, key_in, keyring_in, new_keyring, raw, require, someone, unique, who,
};
use keyctl::{Error, Key, KeyType, Keyring, MAX_DESCRIPTION, Permissions, Rights, Uid, get_persistent};
use rustix::process::getgid;

/// What a uid or gid is shown as that has no number in the caller's user namespace.
const NOBODY: u32 = 65534;

#[test]
fn a_strangers_key_says_to_the_byte_what_it_is_described_as() {
    require!(keyctl, root);
    let stranger = User::new();
    let longest = "\n;".repeat(2047) + ";";
    let names: [&[u8]; 6] = [
        b"two\nlines\r\n",
        b"user;0;0;3f3f3f3f;root's",
        b";;;;",
        b"\xff\xfe\x80 \x1b[2J",
        b"\x01",
        longest.as_bytes(),
    ];
    let (tell, told) = channel();
    // Ends when this thread is through, or has failed: both let go of the sender.
    let (over, wait) = channel::<()>();
    thread::scope(|scope| {
        let stranger_uid = stranger.uid();
        let stranger = &stranger;
        scope.spawn(move || {
            stranger.run(move || {
                for name in names {
                    let name = CString::new(name).unwrap();
                    let key = raw::add_key(c"user", &name, name.as_bytes(), Keyring::SESSION).unwrap();
                    raw::set_permissions(key, 0x3f01_0003).unwrap();
                    tell.send(key).unwrap();
                }
                assert!(wait.recv().is_err());
            });
        });
        let over = over;
        for name in names {
            let key = told.recv().unwrap();
            let mut buffer = [0; MAX_DESCRIPTION];
            let found = key.describe(&mut buffer).unwrap();
            assert_eq!((found.key_type, found.description), (&b"user"[..], name));
            assert_eq!((found.uid, found.gid.as_raw()), (stranger_uid, stranger_uid.as_raw()));
            let rights = Permissions::NONE.possessor(Rights::ALL).user(Rights::VIEW);
            assert_eq!(found.permissions, rights.other(Rights::VIEW | Rights::READ));
            assert_eq!(key.read(&mut [0; 4096]).unwrap(), name);
            assert_eq!(key.update(b"mine"), Err(Error::AccessDenied));
        }
        drop(over);
    });
}

#[test]
fn keyrings_named_like_the_real_ones_are_not_taken_for_them() {
    require!(persistent);
    someone(|me| {
        let (me, ring) = (me.as_raw(), keyring_in(Keyring::SESSION));
        let names =
            [format!("_uid.{me}"), format!("_uid_ses.{me}"), format!("_persistent.{me}"), "_uid.0".into()];
        let impostors = names.each_ref().map(|name| Key::from(ring.add_keyring(name.as_str()).unwrap()));
        let real = [
            Keyring::USER.resolve_or_create().unwrap(),
            Keyring::USER_SESSION.resolve_or_create().unwrap(),
            get_persistent(None, new_keyring()).unwrap(),
        ];
        for (i, keyring) in real.into_iter().enumerate() {
            assert!(!impostors.contains(&keyring.into()));
            // By their names and owners they can't be told apart.
            let (mut one, mut other) = ([0; MAX_DESCRIPTION], [0; MAX_DESCRIPTION]);
            let (one, other) =
                (keyring.describe(&mut one).unwrap(), impostors[i].describe(&mut other).unwrap());
            assert_eq!((one.description, one.uid), (other.description, other.uid));
        }
        for (name, impostor) in names.iter().zip(impostors) {
            assert_eq!(ring.search(KeyType::KEYRING, name.as_str()), Ok(Some(impostor)));
            assert_eq!(Keyring::from(impostor).links_len(), Ok(0));
        }
        assert_eq!(Keyring::USER.resolve(), Ok(real[0]));
        assert_eq!(get_persistent(None, new_keyring()), Ok(real[2]));
    });
}

#[test]
fn fifty_thousand_links_are_listed_each_once() {
    require!(persistent, root);
    // Where links cost nothing: of another large keyring a part stays charged to its owner when it goes.
    let user = User::new();
    in_thread(|| {
        let (begin, ring) = (Instant::now(), get_persistent(Some(user.uid()), Keyring::THREAD).unwrap());
        let mut keys: Vec<_> =
            (0..50_000).map(|i| ring.add_key(KeyType::USER, &*format!("{i}"), b"1").unwrap()).collect();
        assert_eq!(ring.links_len(), Ok(keys.len()));

        let mut short = vec![MaybeUninit::uninit(); keys.len() - 1];
        let refused = ring.links(&mut short[..]).map(|links| links.len());
        assert_eq!(refused, Err(Error::BufferTooSmall { needed: 50_000 }));
        let mut exact = vec![MaybeUninit::uninit(); keys.len()];
        let links = ring.links(&mut exact[..]).unwrap();
        assert_eq!(ring.search(KeyType::USER, "49999"), Ok(keys.last().copied()));
        links.sort_unstable();
        keys.sort_unstable();
        assert!(links == keys, "not what was linked");

        ring.clear().unwrap();
        assert_eq!(ring.links_len(), Ok(0));
        assert!(begin.elapsed() < Duration::from_secs(60), "it took {:?}", begin.elapsed());
    });
}

#[test]
fn rings_nested_to_the_limit_are_searched_and_deeper_ones_are_not() {
    require!(keyctl);
    in_thread(|| {
        // Each also hangs from the thread keyring itself, which so grants all that is asked here.
        let rings: [_; 10] = array::from_fn(|_| new_keyring());
        for pair in rings.windows(2) {
            // It is not looked at how deep this is nested, only at what is in the other.
            pair[0].link(pair[1]).unwrap();
        }
        let name = unique();
        for (depth, ring) in rings.iter().enumerate() {
            let key = ring.add_key(KeyType::USER, &*name, b"1").unwrap();
            let links = if depth < 9 { vec![rings[depth + 1].into(), key] } else { vec![key] };
            let mut listed = raw::links(*ring).unwrap();
            listed.sort_unstable_by_key(|&link| link == key);
            assert_eq!(listed, links);
            for (from, above) in rings.iter().enumerate().take(depth + 1) {
                let found = if depth - from <= 6 { Some(key) } else { None };
                assert_eq!(above.search(KeyType::USER, &*name), Ok(found), "{from} to {depth}");
            }
            let linked = if 9 - depth <= 6 { Ok(()) } else { Err(Error::NestedTooDeep) };
            assert_eq!(new_keyring().link(*ring), linked, "with {} below", 9 - depth);
            ring.unlink(key).unwrap();
        }
    });
}

#[test]
fn what_is_possessed_through_the_session_stays_so_in_a_user_namespace() {
    require!(keyctl, userns);
    someone(|me| {
        let key = key_in(Keyring::SESSION);
        in_child(|| {
            who::unshare_users().unwrap();
            let ids = || {
                let mut buffer = [0; MAX_DESCRIPTION];
                let found = key.describe(&mut buffer).unwrap();
                (found.uid.as_raw(), found.gid.as_raw())
            };
            assert_eq!(ids(), (NOBODY, NOBODY));
            assert_eq!(key.read(&mut [0; 16]).unwrap(), b"secret");
            key.update(b"from within").unwrap();
            // Whom the namespace does not map can't be named in it.
            assert_eq!(key.set_owner(Some(me), None), Err(Error::InvalidArgument));
            who::map_to_root(me).unwrap();
            assert_eq!(ids(), (0, NOBODY));
            // It is still the same user's, who may change what is his.
            key.set_owner(Some(Uid::ROOT), None).unwrap();
            key.set_permissions(Permissions::NONE.possessor(Rights::ALL)).unwrap();
        });
        assert_eq!(key.read(&mut [0; 16]).unwrap(), b"from within");
        assert_eq!(raw::describe(key).unwrap().split(';').nth(1), Some(&*me.as_raw().to_string()));
    });
}

#[test]
fn a_foreign_uid_is_nobody_unless_the_namespace_maps_it() {
    require!(keyctl, root, userns);
    let (me, stranger) = (User::new(), User::new());
    in_thread(|| {
        raw::join_session(None).unwrap();
        // Root gives one away; the session keyring stays when the thread becomes the other.
        let session = raw::resolve(Keyring::SESSION).unwrap();
        raw::set_permissions(session, 0x3f3f_0000).unwrap();
        let key = key_in(session);
        raw::set_permissions(key, 0x3f01_0001).unwrap();
        raw::chown(key, stranger.uid()).unwrap();
        let uid = |key: Key| key.describe(&mut [0; MAX_DESCRIPTION]).unwrap().uid.as_raw();
        in_child(|| {
            who::unshare_users().unwrap();
            who::map_to_root(Uid::ROOT).unwrap();
            assert_eq!(uid(key), NOBODY);
        });
        in_child(|| {
            who::take_uids(stranger.uid(), stranger.uid(), stranger.uid()).unwrap();
            assert_eq!(uid(key), stranger.uid().as_raw());
            who::unshare_users().unwrap();
            who::map_to_root(stranger.uid()).unwrap();
            assert_eq!(uid(key), 0);
        });
        in_child(|| {
            who::take_uids(me.uid(), me.uid(), me.uid()).unwrap();
            who::unshare_users().unwrap();
            who::map_to_root(me.uid()).unwrap();
            assert_eq!(uid(key), NOBODY);
            assert_eq!(key.read(&mut [0; 16]).unwrap(), b"secret");
        });
    });
}

#[test]
fn each_namespace_in_another_has_its_own_persistent_keyring() {
    require!(persistent, userns);
    someone(|me| {
        let group = getgid();
        in_child(|| {
            who::unshare_users().unwrap();
            who::map_to_root(me).unwrap();
            // Only who has a uid and a gid in a namespace may make another in it.
            fs::write("/proc/self/setgroups", "deny").unwrap();
            fs::write("/proc/self/gid_map", format!("0 {} 1", group.as_raw())).unwrap();
            let outer = get_persistent(None, Keyring::PROCESS).unwrap();
            let key = outer.add_key(KeyType::USER, c"token", b"1").unwrap();
            in_child(|| {
                who::unshare_users().unwrap();
                who::map_to_root(Uid::ROOT).unwrap();
                let inner = get_persistent(None, Keyring::PROCESS).unwrap();
                assert_ne!(inner, outer);
                assert_eq!(inner.search(KeyType::USER, c"token"), Ok(None));
                assert_eq!(key.read(&mut [0; 16]), Err(Error::AccessDenied));
                inner.add_key(KeyType::USER, c"token", b"2").unwrap();
            });
            assert_eq!(outer.search(KeyType::USER, c"token"), Ok(Some(key)));
            assert_eq!(key.read(&mut [0; 16]).unwrap(), b"1");
        });
    });
}
