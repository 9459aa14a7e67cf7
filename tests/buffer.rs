//! Where results go: each kind of buffer, what fits and what does not, and readers that race with writers.
#![allow(unsafe_code, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use std::mem::MaybeUninit;

use common::{heap, key_in, new_keyring, page_size, raw, require, someone, unique};
use keyctl::{Buffer, Error, Key, Keyring};

#[global_allocator]
static HEAP: heap::Heap = heap::Heap;

/// A key with such a payload.
fn holding(payload: &[u8]) -> Key {
    raw::add_key(c"user", &unique(), payload, new_keyring()).unwrap()
}

/// A keyring of so many links.
fn linking(links: usize) -> Keyring {
    let keyring = new_keyring();
    for _ in 0..links {
        key_in(keyring);
    }
    keyring
}

fn sorted(mut keys: Vec<Key>) -> Vec<Key> {
    keys.sort_unstable();
    keys
}

// Bytes.

/// Holds what is answered to a buffer that is too long, exact, too short, and none.
fn fits_whole_or_not_at_all(read: fn(Key, usize) -> keyctl::Result<Vec<u8>>) {
    let key = holding(b"payload");
    let too_small = Err(Error::BufferTooSmall { needed: 7 });
    assert_eq!(read(key, 64), Ok(b"payload".to_vec()));
    assert_eq!(read(key, 8), Ok(b"payload".to_vec()));
    assert_eq!(read(key, 7), Ok(b"payload".to_vec()));
    assert_eq!(read(key, 6), too_small);
    assert_eq!(read(key, 1), too_small);
    assert_eq!(read(key, 0), too_small);
}

#[test]
fn slice_of_bytes_is_filled_whole_or_not_at_all() {
    require!(keyctl);
    someone(|_| {
        fits_whole_or_not_at_all(|key, room| {
            let mut bytes = vec![b'x'; room];
            key.read(&mut bytes[..]).map(|read| read.to_vec())
        });
    });
}

#[test]
fn slice_of_uninitialized_bytes_is_filled_whole_or_not_at_all() {
    require!(keyctl);
    someone(|_| {
        fits_whole_or_not_at_all(|key, room| {
            let mut bytes = vec![MaybeUninit::uninit(); room];
            key.read(&mut bytes[..]).map(|read| read.to_vec())
        });
        fits_whole_or_not_at_all(|key, room| {
            let mut bytes = Vec::with_capacity(room);
            key.read(&mut bytes.spare_capacity_mut()[..room]).map(|read| read.to_vec())
        });
    });
}

#[test]
fn arrays_are_filled_whole_or_not_at_all() {
    require!(keyctl);
    someone(|_| {
        let key = holding(b"payload");
        let too_small = Err(Error::BufferTooSmall { needed: 7 });
        let mut none: [MaybeUninit<u8>; 0] = [];
        assert_eq!(key.read(&mut [0; 8]).unwrap(), b"payload");
        assert_eq!(key.read(&mut [0; 7]).unwrap(), b"payload");
        assert_eq!(key.read(&mut [0; 6]), too_small);
        assert_eq!(key.read(&mut [0; 0]), too_small);
        assert_eq!(key.read(&mut [MaybeUninit::uninit(); 8]).unwrap(), b"payload");
        assert_eq!(key.read(&mut [MaybeUninit::uninit(); 7]).unwrap(), b"payload");
        assert_eq!(key.read(&mut [MaybeUninit::uninit(); 6]), too_small);
        assert_eq!(key.read(&mut none), too_small);
    });
}

#[test]
fn buffer_is_passed_through_by_others() {
    require!(keyctl);
    fn read<'a>(key: Key, buffer: impl Buffer<'a>) -> keyctl::Result<&'a [u8]> {
        key.read(buffer).map(|payload| &*payload)
    }
    someone(|_| {
        let key = holding(b"payload");
        assert_eq!(read(key, &mut [0; 7]).unwrap(), b"payload");
        assert_eq!(read(key, &mut [0; 8][..]).unwrap(), b"payload");
    });
}

#[test]
fn result_is_the_front_of_the_buffer_and_may_be_changed_there() {
    require!(keyctl);
    someone(|_| {
        let mut buffer = [b'x'; 10];
        let read = holding(b"payload").read(&mut buffer).unwrap();
        read[0] = b'P';
        assert_eq!(&buffer, b"Payloadxxx");
    });
}

#[test]
fn buffer_that_is_too_short_is_left_as_it_is() {
    require!(keyctl, linux_5_7);
    someone(|_| {
        let mut short = [b'x'; 6];
        assert_eq!(holding(b"payload").read(&mut short), Err(Error::BufferTooSmall { needed: 7 }));
        assert_eq!(&short, b"xxxxxx");
        let mut short = [b'x'; 8];
        assert_eq!(linking(3).read(&mut short), Err(Error::BufferTooSmall { needed: 12 }));
        assert_eq!(&short, b"xxxxxxxx");
    });
}

#[test]
fn payload_of_more_than_a_page_is_read_whole_or_not_at_all() {
    // Beyond a page the kernel goes another way. Pages may be larger than the quota of others.
    require!(keyctl, root, linux_5_7);
    let length = page_size() + 100;
    if length > 32767 {
        return;
    }
    let bytes: Vec<u8> = (0..length).map(|i| i.to_le_bytes()[0]).collect();
    let key = holding(&bytes);
    for room in [length, length + 1, 2 * length] {
        assert_eq!(key.read(&mut vec![0; room][..]).unwrap(), bytes, "{room}");
    }
    for room in [length - 1, page_size() + 1, page_size(), page_size() - 1, 1] {
        let mut short = vec![b'x'; room];
        let needed = length.try_into().unwrap();
        assert_eq!(key.read(&mut short[..]), Err(Error::BufferTooSmall { needed }), "{room}");
        assert!(short.iter().all(|&byte| byte == b'x'), "{room}");
    }
}

// Keys.

#[test]
fn uninitialized_keys_are_filled_whole_or_not_at_all() {
    require!(keyctl);
    someone(|_| {
        let keyring = linking(3);
        let all = sorted(raw::links(keyring).unwrap());
        let too_small = Err(Error::BufferTooSmall { needed: 3 });
        let read = |room| {
            let mut keys = vec![MaybeUninit::uninit(); room];
            keyring.links(&mut keys[..]).map(|keys| sorted(keys.to_vec()))
        };
        assert_eq!(read(64), Ok(all.clone()));
        assert_eq!(read(4), Ok(all.clone()));
        assert_eq!(read(3), Ok(all.clone()));
        assert_eq!(read(2), too_small);
        assert_eq!(read(1), too_small);
        assert_eq!(read(0), too_small);
        let links = |keys: keyctl::Result<&mut [Key]>| keys.map(|keys| sorted(keys.to_vec()));
        assert_eq!(links(keyring.links(&mut [MaybeUninit::uninit(); 4])), Ok(all.clone()));
        assert_eq!(links(keyring.links(&mut [MaybeUninit::uninit(); 3])), Ok(all));
        assert_eq!(links(keyring.links(&mut [MaybeUninit::uninit(); 2])), too_small);
    });
}

#[test]
fn nothing_fits_into_no_room() {
    require!(keyctl);
    someone(|_| {
        let (keyring, mut none) = (new_keyring(), [] as [MaybeUninit<Key>; 0]);
        assert_eq!(keyring.links(&mut none).unwrap(), []);
        assert_eq!(keyring.read(&mut [0; 0]).unwrap(), b"");
    });
}

#[cfg(feature = "alloc")]
mod vec {
    use super::*;

    #[test]
    fn vec_holds_the_result_and_nothing_else() {
        require!(keyctl);
        someone(|_| {
            let mut bytes = vec![b'x'; 100];
            assert_eq!(holding(b"payload").read(&mut bytes).unwrap(), b"payload");
            assert_eq!(bytes, b"payload");

            let keyring = linking(3);
            let mut keys = vec![keyring.into(); 100];
            keyring.links(&mut keys).unwrap();
            assert_eq!(sorted(keys), sorted(raw::links(keyring).unwrap()));
        });
    }

    #[test]
    fn vec_asks_for_memory_once_or_twice_or_not_at_all() {
        require!(keyctl);
        someone(|_| {
            let (keyring, name) = (new_keyring(), unique());
            // Each time is one more call of the kernel, too.
            for (length, capacity, times) in [
                (1, 0, 1),
                (256, 0, 1),
                (257, 0, 2),
                (4000, 0, 2),
                (4000, 3999, 1),
                (4000, 4000, 0),
                (4000, 5000, 0),
                (1, 256, 0),
            ] {
                let key = raw::add_key(c"user", &name, &vec![7; length], keyring).unwrap();
                let mut bytes = Vec::with_capacity(capacity);
                let asked = heap::asked(|| assert_eq!(key.read(&mut bytes).unwrap().len(), length));
                assert_eq!(asked, times, "{length} bytes into {capacity}");
            }
            let keyring = linking(64);
            let asked = |capacity| {
                let mut keys = Vec::with_capacity(capacity);
                heap::asked(|| assert!(keyring.links(&mut keys).is_ok()))
            };
            assert_eq!([asked(0), asked(64)], [1, 0]);
            key_in(keyring);
            assert_eq!([asked(0), asked(64), asked(65)], [2, 1, 0]);
        });
    }

    #[test]
    fn vec_passes_refusals_on() {
        require!(keyctl);
        someone(|_| {
            let key = holding(b"payload");
            raw::revoke(key).unwrap();
            assert_eq!(key.read(&mut Vec::new()), Err(Error::KeyRevoked));
            assert_eq!(Keyring::from(key.serial()).links(&mut Vec::new()), Err(Error::KeyRevoked));
        });
    }
}

/// A reader that races with a writer. What is read must be, to the last byte, what was there at some time
/// between the beginning and the end of the call: not torn, not cut short, not stale.
mod race {
    use std::fmt::Debug;
    use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
    use std::thread;
    use std::time::{Duration, Instant};

    use super::*;
    use crate::common::{keyring_in, need::say, short};

    const READS: usize = 100_000;

    /// Has `write` bring about the states 1, 2, 3 and so on (0 is there), of which `reads` says what a read
    /// of each answers, over and over again.
    fn race<T: PartialEq + Debug + Sync>(
        reads: &[keyctl::Result<Vec<T>>],
        write: impl Fn(usize) + Sync,
        mut read: impl FnMut() -> keyctl::Result<Vec<T>>,
    ) {
        let (writes, longest) = if short() { (20, 3) } else { (100, 10) };
        let [begun, done, count] = [const { AtomicUsize::new(0) }; 3];
        let over = AtomicBool::new(false);
        let writer = || {
            for state in 1.. {
                begun.store(state, SeqCst);
                write(state % reads.len());
                done.store(state, SeqCst);
                // Not so fast that the kernel can't free what was replaced.
                let seen = count.load(SeqCst);
                while state % 4 == 0 && count.load(SeqCst) == seen && !over.load(SeqCst) {
                    thread::yield_now();
                }
                if over.load(SeqCst) {
                    return;
                }
            }
        };
        let wrong = thread::scope(|scope| {
            scope.spawn(writer);
            let deadline = Instant::now() + Duration::from_secs(longest);
            let wrong = (0..READS).take_while(|_| Instant::now() < deadline).find_map(|_| {
                let first = done.load(SeqCst);
                let found = read();
                let last = begun.load(SeqCst);
                count.fetch_add(1, SeqCst);
                let there = (first..=last).any(|state| reads[state % reads.len()] == found);
                (!there).then_some((first, found, last))
            });
            over.store(true, SeqCst);
            wrong
        });
        assert_eq!(wrong, None);
        let (count, done) = (count.load(SeqCst), done.load(SeqCst));
        if count < READS {
            say(format_args!("slow machine: {count} of {READS} reads"));
        }
        assert!(done > writes, "{done} writes in {count} reads");
    }

    fn fitting<T>(payload: Vec<T>, room: usize) -> keyctl::Result<Vec<T>> {
        let length = payload.len();
        if length <= room {
            Ok(payload)
        } else {
            Err(Error::BufferTooSmall { needed: length.try_into().unwrap() })
        }
    }

    /// Races with a writer that gives a key payloads of 1 to 4000 bytes.
    fn read_key(room: usize, read: fn(Key) -> keyctl::Result<Vec<u8>>) {
        someone(|_| {
            let (keyring, name) = (keyring_in(Keyring::SESSION), unique());
            let length = |state: usize| if state == 0 { 4000 } else { 1 + state * 1597 % 4000 };
            let payloads: Vec<_> = (0..251u8).map(|state| vec![state; length(state.into())]).collect();
            let write = |state: usize| raw::add_key(c"user", &name, &payloads[state], keyring).unwrap();
            let key = write(0);
            let reads: Vec<_> = payloads.iter().map(|payload| fitting(payload.clone(), room)).collect();
            race(&reads, |state| assert_eq!(write(state), key), || read(key));
        });
    }

    /// Races with a writer that links 100 keys, one by one, and unlinks them again.
    fn read_keyring(room: usize, read: fn(Keyring) -> keyctl::Result<Vec<Key>>) {
        const KEYS: usize = 100;
        someone(|_| {
            let (keyring, pool) = (keyring_in(Keyring::SESSION), keyring_in(Keyring::SESSION));
            let keys: Vec<_> = (0..KEYS).map(|_| key_in(pool)).collect();
            let links = |state: usize| if state <= KEYS { state } else { 2 * KEYS - state };
            let reads: Vec<_> =
                (0..2 * KEYS).map(|state| fitting(sorted(keys[..links(state)].to_vec()), room)).collect();
            let write = |state: usize| match state {
                0 => raw::unlink(keys[0], keyring),
                1..=KEYS => raw::link(keys[state - 1], keyring),
                _ => raw::unlink(keys[links(state)], keyring),
            };
            race(&reads, |state| write(state).unwrap(), || read(keyring).map(sorted));
        });
    }

    #[test]
    fn slice_of_bytes() {
        require!(keyctl);
        read_key(2000, |key| key.read(&mut [0; 2000]).map(|payload| payload.to_vec()));
    }

    #[test]
    fn slice_of_keys() {
        require!(keyctl);
        read_keyring(50, |ring| ring.links(&mut [MaybeUninit::uninit(); 50]).map(|keys| keys.to_vec()));
    }

    #[cfg(feature = "alloc")]
    #[test]
    fn growing_bytes() {
        require!(keyctl);
        read_key(4000, |key| key.read(&mut Vec::new()).map(|payload| payload.to_vec()));
    }

    #[cfg(feature = "alloc")]
    #[test]
    fn growing_keys() {
        require!(keyctl);
        read_keyring(100, |ring| ring.links(&mut Vec::new()).map(|keys| keys.to_vec()));
    }
}
