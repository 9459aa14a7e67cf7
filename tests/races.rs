//! Readers against writers, in threads and in other processes: what is read is whole, is what was
//! written, and is not to be had any more once it is gone.
//!
//! A million reads that gave something, counted and told on stderr; with `KEYCTL_LONG=1` fourteen times as
//! many. With `KEYCTL_SHORT=1` it is some 100 000, unless time ends them before that.
#![allow(unsafe_code, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use std::mem::MaybeUninit;
use std::sync::atomic::{AtomicI32, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use common::model::patient;
use common::need::say;
use common::random::{Random, any_seed};
use common::{in_child, key_in, keyring_in, long, raw, require, short, someone, unique};
use keyctl::{Error, Key, KeySerial, KeyType, Keyring, MAX_DESCRIPTION, Timeout};

const READERS: usize = 2;

/// Told across processes: the key is revoked at the end, also of a reader that fails.
struct Stop(Key);

impl Drop for Stop {
    fn drop(&mut self) {
        raw::revoke(self.0).unwrap();
    }
}

/// Of each of the two races.
const READS: usize = 500_000;

/// Runs the writer in a thread and in a process, and readers in threads until so many reads gave something: a
/// reader says how many did in one round. All have the session keyring of the caller.
fn race(name: &str, write: impl Fn(&mut Random) + Sync, read: impl Fn(&mut Random) -> usize + Sync) {
    let (reads, seconds) = match () {
        () if long() => (READS * 14, 600),
        () if short() => (READS / 8, 30),
        () => (READS, 120),
    };
    let (begin, done, seed) = (Instant::now(), AtomicUsize::new(0), any_seed());
    let is_over = || begin.elapsed().as_secs() > seconds;
    let stop = key_in(Keyring::SESSION);
    let writer = |seed| {
        let (mut random, mut writes) = (Random::new(seed), 0);
        while stop.payload_len() != Err(Error::KeyRevoked) && !is_over() {
            write(&mut random);
            writes += 1;
        }
        // Or nobody was raced against.
        assert!(short() || writes > 100, "{writes} writes");
    };
    let (writer, read, done, is_over) = (&writer, &read, &done, &is_over);
    thread::scope(|scope| {
        let _stop = Stop(stop);
        scope.spawn(move || writer(seed));
        scope.spawn(move || in_child(|| writer(seed ^ 1)));
        let readers = (0..READERS).map(|reader| {
            scope.spawn(move || {
                let mut random = Random::new(seed.rotate_left(32) ^ u64::try_from(reader).unwrap());
                while done.load(Ordering::Relaxed) < reads && !is_over() {
                    done.fetch_add(read(&mut random), Ordering::Relaxed);
                }
            })
        });
        // All are started before the first is waited for.
        for reader in readers.collect::<Vec<_>>() {
            reader.join().unwrap();
        }
    });
    let done = done.load(Ordering::Relaxed);
    say(format_args!("races: {done} reads of {name} in {:?}", begin.elapsed()));
    assert!(short() || done >= reads, "{done} reads of {name}");
}

/// Up to 200 bytes that tell how many they have to be.
fn payload(random: &mut Random) -> Vec<u8> {
    let length = u8::try_from(1 + random.below(200)).unwrap();
    vec![length; length.into()]
}

fn is_whole(payload: &[u8]) -> bool {
    payload.first().is_some_and(|&length| payload.len() == length.into())
        && payload.iter().all(|byte| *byte == payload[0])
}

fn list(ring: Keyring) -> Vec<Key> {
    ring.links(&mut [MaybeUninit::uninit(); 64]).unwrap().to_vec()
}

#[test]
fn listings_and_payloads_are_whole_while_others_change_them() {
    require!(keyctl);
    someone(|_| {
        // The store keeps those that are not listed just now.
        let (store, listed) = (keyring_in(Keyring::SESSION), keyring_in(Keyring::SESSION));
        let mut random = Random::new(any_seed());
        let keys: Vec<_> = (0..20).map(|_| (key_in(store), payload(&mut random))).collect();
        for (key, payload) in &keys {
            key.update(payload).unwrap();
        }
        let keys: Vec<_> = keys.into_iter().map(|(key, _)| (key, raw::describe(key).unwrap())).collect();
        let (fixed, changing) = keys.split_at(5);
        for (key, _) in fixed {
            listed.link(*key).unwrap();
        }

        let write = |random: &mut Random| {
            let key = changing[random.below(changing.len())].0;
            match random.below(3) {
                0 => patient(|| listed.link(key)).unwrap(),
                1 => assert!(matches!(listed.unlink(key), Ok(()) | Err(Error::NotFound))),
                _ => patient(|| keys[random.below(keys.len())].0.update(&payload(random))).unwrap(),
            }
        };
        race("what others change", write, |_| {
            let found = list(listed);
            assert!(fixed.iter().all(|(key, _)| found.contains(key)), "one is missing: {found:?}");
            for (i, key) in found.iter().enumerate() {
                assert!(!found[..i].contains(key), "twice: {found:?}");
                let (_, description) =
                    keys.iter().find(|(known, _)| known == key).expect("one that is linked");
                let mut buffer = [0; MAX_DESCRIPTION];
                let text = key.describe_raw(&mut buffer).unwrap();
                assert_eq!(text.strip_suffix(b"\0"), Some(description.as_bytes()));
                let mut buffer = [0; 256];
                let payload = key.read(&mut buffer).unwrap();
                assert!(is_whole(payload), "torn: {payload:?}");
            }
            1 + 2 * found.len()
        });
    });
}

/// At the very moment, once in some 100 000 times: Linux keeps when a key was revoked where it keeps when a key
/// expires, and looks whether it is revoked before it looks there.
const BEING_REVOKED: Error = Error::KeyExpired;

#[test]
fn keys_revoked_or_unlinked_under_a_listing_are_refused_from_then_on() {
    require!(keyctl);
    someone(|_| {
        let ring = keyring_in(Keyring::SESSION);
        let name = unique().into_string().unwrap();
        // Serials of keys that are gone by the time they are told.
        let gone = [const { AtomicI32::new(0) }; 8];
        let write = |random: &mut Random| {
            let at = random.below(gone.len());
            let name = format!("{name}:{}:{at}", std::process::id());
            let key = patient(|| {
                ring.add_key(KeyType::USER, name.as_str(), name.repeat(1 + random.below(3)).as_bytes())
            });
            let key = key.unwrap();
            thread::yield_now();
            match random.below(3) {
                0 => ring.unlink(key).unwrap(),
                1 => key.revoke().unwrap(),
                // The next one of the same name updates it.
                _ => return,
            }
            gone[at].store(key.serial().as_raw(), Ordering::SeqCst);
        };
        race("what others remove", write, |random| {
            if let Some(key) = KeySerial::from_raw(gone[random.below(gone.len())].load(Ordering::SeqCst)) {
                let stale = Key::from(key).read(&mut [0; 256]).map(|payload| payload.to_vec());
                assert!(
                    matches!(stale, Err(Error::KeyRevoked | Error::NoKey | Error::AccessDenied)),
                    "{key:?} is gone: {stale:?}"
                );
            }
            let (keys, mut reads) = (list(ring), 1);
            for key in keys {
                let mut buffer = [0; MAX_DESCRIPTION];
                let description = match key.describe(&mut buffer) {
                    Ok(found) => found.description,
                    Err(Error::KeyRevoked | BEING_REVOKED | Error::NoKey) => continue,
                    Err(other) => panic!("describe: {other:?}"),
                };
                assert!(description.starts_with(name.as_bytes()), "{}", description.escape_ascii());
                reads += 1;
                match key.read(&mut [0; 256]) {
                    Ok(payload) => {
                        let mut parts = payload.chunks(description.len());
                        assert!(parts.all(|part| part == description), "torn: {}", payload.escape_ascii());
                        reads += 1;
                    }
                    // Unlinked, it is possessed no more, and its owner may only view it.
                    Err(Error::KeyRevoked | BEING_REVOKED | Error::NoKey | Error::AccessDenied) => {}
                    Err(other) => panic!("read: {other:?}"),
                }
            }
            reads
        });
    });
}

#[test]
fn a_key_that_expires_in_use_is_whole_until_then_and_never_read_again() {
    require!(keyctl);
    someone(|_| {
        let ring = keyring_in(Keyring::SESSION);
        let name = unique();
        let key = ring.add_key(KeyType::USER, &*name, &[200; 200]).unwrap();
        let begin = Instant::now();
        key.set_timeout(Timeout::from_secs(2).unwrap()).unwrap();
        let watch = |by_search: bool| {
            let (mut reads, mut expired) = (0, 0);
            while expired < 2_000 {
                // The kernel counts whole seconds of the clock.
                assert!(begin.elapsed() < Duration::from_secs(4), "alive for too long");
                let begun = begin.elapsed();
                let found = if by_search { ring.search(KeyType::USER, &*name) } else { Ok(Some(key)) };
                match found.and_then(|key| key.unwrap().read(&mut [0; 256]).map(|payload| payload.to_vec())) {
                    Ok(payload) => {
                        assert_eq!(expired, 0, "read after it was expired");
                        assert_eq!(payload, [200; 200]);
                        reads += 1;
                    }
                    Err(Error::KeyExpired) => {
                        assert!(begun > Duration::from_millis(900), "expired after {begun:?}");
                        expired += 1;
                    }
                    Err(other) => panic!("{other:?}"),
                }
                // There is no hurry but around the end.
                if expired == 0 {
                    thread::sleep(Duration::from_micros(50));
                }
            }
            assert_eq!(list(ring), [key], "it is collected minutes later");
            say(format_args!("races: {reads} reads of one that expires"));
        };
        let watch = &watch;
        thread::scope(|scope| {
            for by_search in [true, false] {
                scope.spawn(move || in_child(|| watch(by_search)));
                scope.spawn(move || watch(by_search));
            }
        });
    });
}
