//! Notifications: what a queue tells of the keys that it watches.
//!
//! | documented | test |
//! | --- | --- |
//! | the events | [`each_event_of_a_key_is_told`], [`each_event_of_a_keyring_is_told`], [`invalidated_key_is_told_and_then_gone`], [`each_change_of_attributes_is_told`] |
//! | "not told" | [`expiry_and_its_restart_are_not_told`], [`linking_tells_of_what_is_linked_only`] |
//! | "what happens to its links, not to the keys in it" | [`moving_is_told_of_both_keyrings`], [`keyring_does_not_tell_of_its_keys`] |
//! | a kernel without, or of 64 bits for a program of 32 | [`absent_feature_is_named`], [`program_of_32_bits_has_no_queue_on_64`] |
//! | sizes, `Lost` | [`sizes_have_bounds`], [`full_queue_tells_that_something_is_lost`], [`queue_has_room_for_whole_pages`] |
//! | `set_filter` | [`filter_lets_in_what_it_names`], [`filter_is_replaced`] |
//! | `read` | [`buffer_must_hold_the_next`], [`signal_ends_the_wait`], [`as_many_are_read_as_fit`] |
//! | a file descriptor | [`descriptor_can_be_waited_for`], [`queue_is_a_descriptor_of_std`] |
//! | `watch`, `unwatch` | [`watch_ends_when_it_is_taken_off`], [`watch_ends_with_its_queue`], [`queues_watch_side_by_side`] |
//! | a keyring that is not there yet | [`special_keyring_is_made_to_be_watched`] |
//! | errors of `watch` | [`every_error_number_of_watching_arrives`], [`key_must_grant_view_and_be_there`], [`watches_have_a_limit`], [`ordinary_descriptor_is_no_queue`] |
//! | the arguments, and what a kernel may not answer | [`watching_as_the_kernel_sees_it`], [`reads_that_are_refused_or_too_long_are_told`] |
//! | "bytes that are no notification" | [`hostile_bytes_come_to_an_end`], [`unknown_records_are_kept`] |
#![cfg(feature = "watch")]
#![allow(unsafe_code, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![allow(clippy::cast_possible_truncation, clippy::cast_possible_wrap, clippy::cast_sign_loss)]

mod common;

use std::cell::RefCell;
use std::io;

use common::impostor::{self, Asked, Call, Line};
use common::random::Random;
use common::{
    expire, in_child, in_thread, key_in, key_of, new_keyring, only_without, page_size, raw, require, someone,
    unique, until, unusable_keys,
};
use keyctl::syscall::op;
use keyctl::watch::{Event, Events, Notifications, Queue};
use keyctl::{Collision, Errno, Error, Key, KeyType, Keyring, Permissions, Rights, Timeout, get_persistent};
use rustix::fd::{AsFd as _, AsRawFd as _};
use rustix::process::{Resource, Rlimit, getrlimit, getuid, setrlimit};

/// Whether the kernel, one of 64 bits that runs a program of 32, does not let a queue have a size.
fn refuses_size() -> bool {
    const SET_SIZE: libc::c_ulong = if cfg!(any(
        target_arch = "mips",
        target_arch = "mips64",
        target_arch = "powerpc",
        target_arch = "powerpc64"
    )) {
        0x2000_5760
    } else {
        0x5760
    };
    let mut ends = [0; 2];
    // SAFETY: two numbers, ours to be written.
    assert_eq!(unsafe { libc::pipe2(ends.as_mut_ptr(), libc::O_EXCL) }, 0);
    // SAFETY: the operation takes a number.
    let sized = unsafe { libc::ioctl(ends[0], SET_SIZE as _, 64) };
    let why = io::Error::last_os_error().raw_os_error();
    for end in ends {
        // SAFETY: opened above, and by nobody else.
        unsafe { libc::close(end) };
    }
    cfg!(target_pointer_width = "32") && sized == -1 && why == Some(libc::ENOTTY)
}

/// First line of a test that makes queues.
macro_rules! require_queue {
    () => {
        require!(watch);
        if refuses_size() {
            return;
        }
    };
}

/// A queue that does not wait, since a test that waits for nothing would wait forever.
fn new_queue() -> Queue {
    queue_of(64)
}

fn queue_of(notifications: u32) -> Queue {
    let queue = Queue::new(notifications).unwrap();
    queue.set_nonblocking(true).unwrap();
    queue
}

/// A new key, which the queue watches as number 0.
fn watched_key(queue: &Queue) -> Key {
    let key = key_in(new_keyring());
    key.watch(queue, 0).unwrap();
    key
}

/// All that a queue has to tell now.
fn told(queue: &Queue) -> Vec<(u8, Event)> {
    let mut buffer = [0; 4096];
    match queue.read(&mut buffer) {
        Ok(notifications) => {
            notifications.map(|one| one.unwrap()).map(|one| (one.watch, one.event)).collect()
        }
        Err(Error::TryAgain) => vec![],
        Err(error) => panic!("{error}"),
    }
}

#[test]
fn absent_feature_is_named() {
    only_without!(watch);
    assert!(matches!(Queue::new(8), Err(Error::NoAlgorithm | Error::InvalidArgument)));
    let watch = raw::plain(op::WATCH_KEY, Keyring::THREAD.serial().into(), 0u32.into(), 0u32.into());
    // Or without any keyrings.
    let none = raw::capabilities() == Err(Error::NotImplemented);
    assert_eq!(watch, Err(if none { Error::NotImplemented } else { Error::Unsupported }));
}

#[test]
fn program_of_32_bits_has_no_queue_on_64() {
    require!(watch);
    if refuses_size() {
        assert_eq!(Queue::new(64).unwrap_err().raw_os_error(), Some(libc::ENOTTY));
    }
}

#[test]
fn each_event_of_a_key_is_told() {
    require_queue!();
    let queue = new_queue();
    let key = key_in(new_keyring());
    key.watch(&queue, 3).unwrap();
    key.update(b"other").unwrap();
    key.set_permissions(Permissions::from_raw(0x3f3f_0000)).unwrap();
    key.revoke().unwrap();
    let expected = [Event::Updated(key), Event::AttributesChanged(key), Event::Revoked(key)];
    assert_eq!(told(&queue), expected.map(|event| (3, event)));
}

#[test]
fn each_event_of_a_keyring_is_told() {
    require_queue!();
    let queue = new_queue();
    let (keyring, key) = (new_keyring(), key_in(new_keyring()));
    keyring.watch(&queue, 255).unwrap();
    keyring.link(key).unwrap();
    keyring.unlink(key).unwrap();
    let made = keyring.add_key(KeyType::USER, &*unique(), b"1").unwrap();
    keyring.clear().unwrap();
    let expected = [
        Event::Linked(keyring, key),
        Event::Unlinked(keyring, key),
        Event::Linked(keyring, made),
        Event::Cleared(keyring),
    ];
    assert_eq!(told(&queue), expected.map(|event| (255, event)));
}

#[test]
fn invalidated_key_is_told_and_then_gone() {
    require_queue!();
    let queue = new_queue();
    let key = key_in(new_keyring());
    key.watch(&queue, 1).unwrap();
    key.invalidate().unwrap();
    let all = RefCell::new(vec![]);
    until(vec![(1, Event::Invalidated(key)), (1, Event::Removed(Some(key)))], || {
        all.borrow_mut().extend(told(&queue));
        all.borrow().clone()
    });
}

#[test]
fn filter_lets_in_what_it_names() {
    require_queue!();
    let queue = new_queue();
    let key = key_in(new_keyring());
    queue.set_filter(Events::REVOKED | Events::INVALIDATED).unwrap();
    key.watch(&queue, 0).unwrap();
    key.update(b"other").unwrap();
    key.revoke().unwrap();
    assert_eq!(told(&queue), [(0, Event::Revoked(key))]);
}

#[test]
fn watch_ends_when_it_is_taken_off() {
    require_queue!();
    let queue = new_queue();
    let key = key_in(new_keyring());
    assert_eq!(key.unwatch(&queue), Err(Error::NotWatched));
    key.watch(&queue, 9).unwrap();
    assert_eq!(key.watch(&queue, 9), Err(Error::Busy));
    key.unwatch(&queue).unwrap();
    key.update(b"other").unwrap();
    assert_eq!(told(&queue), [(9, Event::Removed(Some(key)))]);
}

#[test]
fn full_queue_tells_that_something_is_lost() {
    require_queue!();
    let queue = queue_of(1);
    let key = watched_key(&queue);
    for _ in 0..1000 {
        key.update(b"other").unwrap();
    }
    let mut all = told(&queue);
    all.extend(told(&queue));
    assert!(all.contains(&(0, Event::Lost)), "{all:?}");
    assert!(all.len() < 1000, "{}", all.len());
}

#[test]
fn buffer_must_hold_the_next() {
    require_queue!();
    let queue = new_queue();
    let key = watched_key(&queue);
    key.update(b"other").unwrap();
    assert_eq!(queue.read(&mut [0; 15]).map(drop), Err(Error::NoBufferSpace));
    assert_eq!(queue.read(&mut [0; 16]).unwrap().count(), 1);
}

#[test]
fn key_must_grant_view_and_be_there() {
    require_queue!();
    let queue = new_queue();
    let key = key_in(new_keyring());
    raw::set_permissions(key, 0x3e3e_0000).unwrap();
    assert_eq!(key.watch(&queue, 0), Err(Error::AccessDenied));
    assert_eq!(key_of(1).watch(&queue, 0), Err(Error::NoKey));
    for (key, error) in unusable_keys(Rights::VIEW) {
        assert_eq!(key.watch(&queue, 0), Err(error));
    }
}

#[test]
fn sizes_have_bounds() {
    require_queue!();
    assert_eq!(Queue::new(0).map(drop), Err(Error::InvalidArgument));
    assert_eq!(Queue::new(513).map(drop), Err(Error::InvalidArgument));
    Queue::new(512).unwrap();
}

#[test]
fn descriptor_can_be_waited_for() {
    require_queue!();
    let queue = new_queue();
    let key = watched_key(&queue);
    let mut ready = libc::pollfd { fd: queue.as_fd().as_raw_fd(), events: libc::POLLIN, revents: 0 };
    // SAFETY: one structure, ours for the call.
    let mut poll = || unsafe { libc::poll(&raw mut ready, 1, 0) };
    assert_eq!(poll(), 0);
    key.update(b"other").unwrap();
    assert_eq!(poll(), 1);
}

#[test]
fn ordinary_descriptor_is_no_queue() {
    require_queue!();
    let key = key_in(new_keyring());
    let watch = |fd: u32| raw::plain(op::WATCH_KEY, key.serial().into(), fd.into(), 0u32.into());
    assert_eq!(watch(0), Err(Error::InvalidArgument));
    assert_eq!(watch(0x7fff_fff0), Err(Error::InvalidArgument));
    let queue = new_queue();
    let fd = queue.as_fd().as_raw_fd() as u32;
    assert_eq!(
        raw::plain(op::WATCH_KEY, key.serial().into(), fd.into(), 256u32.into()),
        Err(Error::InvalidArgument)
    );
}

#[test]
fn special_keyring_is_made_to_be_watched() {
    require_queue!();
    in_thread(|| {
        let queue = new_queue();
        Keyring::THREAD.watch(&queue, 5).unwrap();
        let key: Key = Keyring::THREAD.add_key(KeyType::USER, &*unique(), b"1").unwrap();
        let thread = raw::resolve(Keyring::THREAD).unwrap();
        assert_eq!(told(&queue), [(5, Event::Linked(thread, key))]);
    });
}

#[test]
fn each_change_of_attributes_is_told() {
    require_queue!();
    let queue = new_queue();
    let (keyring, key) = (new_keyring(), key_in(new_keyring()));
    keyring.watch(&queue, 1).unwrap();
    key.watch(&queue, 2).unwrap();
    key.set_timeout(Timeout::from_secs(3600).unwrap()).unwrap();
    key.set_timeout(Timeout::Never).unwrap();
    key.set_owner(Some(getuid()), None).unwrap();
    keyring.restrict_all().unwrap();
    let mut expected = vec![(2, Event::AttributesChanged(key)); 3];
    expected.push((1, Event::AttributesChanged(keyring.into())));
    assert_eq!(told(&queue), expected);
}

#[test]
fn expiry_and_its_restart_are_not_told() {
    require!(persistent);
    require_queue!();
    let queue = new_queue();
    let key = watched_key(&queue);
    expire(key);
    assert_eq!(told(&queue), [(0, Event::AttributesChanged(key))]);

    someone(|_| {
        let (queue, anchor) = (new_queue(), new_keyring());
        anchor.watch(&queue, 1).unwrap();
        let persistent = get_persistent(None, anchor).unwrap();
        persistent.watch(&queue, 2).unwrap();
        assert_eq!(told(&queue), [(1, Event::Linked(anchor, persistent.into()))]);
        // The link is made again; of the timeout not a word.
        get_persistent(None, anchor).unwrap();
        assert_eq!(told(&queue), [(1, Event::Linked(anchor, persistent.into()))]);
    });
}

#[test]
fn keyring_does_not_tell_of_its_keys() {
    require_queue!();
    let queue = new_queue();
    let keyring = new_keyring();
    let key = key_in(keyring);
    keyring.watch(&queue, 0).unwrap();
    key.update(b"other").unwrap();
    key.revoke().unwrap();
    assert_eq!(told(&queue), []);
}

#[test]
fn linking_tells_of_what_is_linked_only() {
    require_queue!();
    let queue = new_queue();
    let keyring = new_keyring();
    let (old, new) = (new_keyring(), new_keyring());
    let key = named(old);
    let displacing = named(new);
    keyring.watch(&queue, 0).unwrap();
    // Into its place, again, and by another key of that name.
    keyring.link(key).unwrap();
    keyring.link(key).unwrap();
    keyring.link(displacing).unwrap();
    let linked = [key, key, displacing].map(|key| (0, Event::Linked(keyring, key)));
    assert_eq!(told(&queue), linked);
    assert_eq!(raw::links(keyring), Ok(vec![displacing]));
}

/// A key of always the same name.
fn named(keyring: Keyring) -> Key {
    raw::add_key(c"user", c"keyctl:test:watch", b"1", keyring).unwrap()
}

#[test]
fn moving_is_told_of_both_keyrings() {
    require_queue!();
    let queue = new_queue();
    let (from, to) = (new_keyring(), new_keyring());
    let key = key_in(from);
    from.watch(&queue, 1).unwrap();
    to.watch(&queue, 2).unwrap();
    from.move_to(key, to, Collision::Refuse).unwrap();
    let mut events = told(&queue);
    events.sort_by_key(|one| one.0);
    assert_eq!(events, [(1, Event::Unlinked(from, key)), (2, Event::Linked(to, key))]);
}

#[test]
fn queue_has_room_for_whole_pages() {
    require_queue!();
    let queue = queue_of(1);
    let key = watched_key(&queue);
    let room = page_size() / 128;
    for _ in 0..room {
        key.update(b"other").unwrap();
    }
    assert_eq!(told(&queue), vec![(0, Event::Updated(key)); room]);
}

#[test]
fn filter_is_replaced() {
    require_queue!();
    let queue = new_queue();
    let key = watched_key(&queue);
    for (filter, expected) in [
        (Events::empty(), vec![]),
        (Events::UPDATED, vec![Event::Updated(key)]),
        (Events::ATTRIBUTES_CHANGED, vec![Event::AttributesChanged(key)]),
        (Events::all(), vec![Event::Updated(key), Event::AttributesChanged(key)]),
    ] {
        queue.set_filter(filter).unwrap();
        key.update(b"other").unwrap();
        key.set_timeout(Timeout::Never).unwrap();
        let expected: Vec<_> = expected.into_iter().map(|event| (0, event)).collect();
        assert_eq!(told(&queue), expected, "{filter:?}");
    }
    // No filter keeps this away.
    queue.set_filter(Events::empty()).unwrap();
    key.unwatch(&queue).unwrap();
    assert_eq!(told(&queue), [(0, Event::Removed(Some(key)))]);
}

#[test]
fn as_many_are_read_as_fit() {
    require_queue!();
    let queue = new_queue();
    let key = watched_key(&queue);
    for _ in 0..5 {
        key.update(b"other").unwrap();
    }
    assert_eq!(queue.read(&mut [0; 47]).unwrap().count(), 2);
    assert_eq!(queue.read(&mut [0; 47]).unwrap().count(), 2);
    assert_eq!(queue.read(&mut [0; 47]).unwrap().count(), 1);
    assert_eq!(queue.read(&mut [0; 47]).map(drop), Err(Error::TryAgain));
}

#[test]
fn signal_ends_the_wait() {
    require_queue!();
    extern "C" fn nothing(_: libc::c_int) {}
    in_child(|| {
        let queue = new_queue();
        queue.set_nonblocking(false).unwrap();
        // SAFETY: zeros are no flags and an empty mask.
        let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
        action.sa_sigaction = nothing as *const () as usize;
        // SAFETY: a structure to read, and none to write.
        let set = unsafe { libc::sigaction(libc::SIGALRM, &raw const action, std::ptr::null_mut()) };
        assert_eq!(set, 0);
        // SAFETY: a number.
        unsafe { libc::alarm(1) };
        assert_eq!(queue.read(&mut [0; 128]).map(drop), Err(Error::Interrupted));
    });
}

#[test]
fn queue_is_a_descriptor_of_std() {
    #[cfg(feature = "std")]
    fn is_one<T: std::os::fd::AsFd + std::os::fd::AsRawFd + Send + Sync>() {}
    #[cfg(feature = "std")]
    is_one::<Queue>();
}

#[test]
fn queues_watch_side_by_side() {
    require_queue!();
    let queues = [(); 2].map(|()| new_queue());
    let keys = [(); 2].map(|()| key_in(new_keyring()));
    for (id, key) in (0..).zip(keys) {
        for queue in &queues {
            key.watch(queue, id).unwrap();
        }
    }
    keys[0].unwatch(&queues[0]).unwrap();
    for key in keys {
        key.update(b"other").unwrap();
    }
    assert_eq!(told(&queues[0]), [(0, Event::Removed(Some(keys[0]))), (1, Event::Updated(keys[1]))]);
    assert_eq!(told(&queues[1]), [(0, Event::Updated(keys[0])), (1, Event::Updated(keys[1]))]);
}

#[test]
fn watch_ends_with_its_queue() {
    require_queue!();
    let key = key_in(new_keyring());
    // As many as would be too many for one.
    for _ in 0..50 {
        let queue = new_queue();
        key.watch(&queue, 0).unwrap();
        assert_eq!(key.watch(&queue, 1), Err(Error::Busy));
    }
    key.update(b"other").unwrap();
}

#[test]
fn watches_have_a_limit() {
    require_queue!();
    let queue = new_queue();
    let keys = [(); 20].map(|()| key_in(new_keyring()));
    keys.iter().for_each(|key| raw::set_permissions(*key, 0x3f3f_0000).unwrap());
    in_child(|| {
        let limit = getrlimit(Resource::Nofile);
        setrlimit(Resource::Nofile, Rlimit { current: Some(10), maximum: limit.maximum }).unwrap();
        let watched: Vec<_> = keys.iter().map(|key| key.watch(&queue, 0)).collect();
        assert!(watched[10..].iter().all(|watch| *watch == Err(Error::TryAgain)), "{watched:?}");
    });
}

// By a kernel that is played, on any kernel.

/// Whom to ask where `asked` is answered, and queues are made of ordinary pipes.
fn played(asked: impl Asked) -> [Line; 3] {
    [libc::SYS_pipe2.line(), libc::SYS_ioctl.line(), asked.line()]
}

/// Answers what makes a queue, and else the reply.
fn with_queues(call: Call, reply: i64) -> i64 {
    if call.is(libc::SYS_pipe2) {
        assert_eq!(call.args[1], (libc::O_EXCL | libc::O_CLOEXEC) as usize);
        let mut ends = [0; 2];
        // SAFETY: two numbers, ours to be written.
        assert_eq!(unsafe { libc::pipe2(ends.as_mut_ptr(), libc::O_CLOEXEC) }, 0);
        call.write(0, ends.map(i32::to_ne_bytes).as_flattened());
    }
    if call.is(libc::SYS_pipe2) || call.is(libc::SYS_ioctl) { 0 } else { reply }
}

const WATCH: u32 = op::WATCH_KEY.number();

#[test]
fn watching_as_the_kernel_sees_it() {
    require!(impostor);
    let mut seen = vec![];
    let kernel = |call: Call| {
        if call.is(WATCH) {
            seen.push(call.args[1..5].to_vec());
        }
        with_queues(call, 0)
    };
    let fd = impostor::reign(&played(WATCH), kernel, || {
        let queue = Queue::new(8).unwrap();
        key_of(1001).watch(&queue, 255).unwrap();
        key_of(1001).unwatch(&queue).unwrap();
        queue.as_raw_fd() as usize
    });
    assert_eq!(seen, [[1001, fd, 255, 0], [1001, fd, usize::MAX, 0]]);
}

#[test]
fn every_error_number_of_watching_arrives() {
    require!(impostor);
    impostor::refusals_arrive(&played(WATCH), with_queues, || {
        let queue = Queue::new(8).unwrap();
        [key_of(1).watch(&queue, 0).unwrap_err(), key_of(1).unwatch(&queue).unwrap_err()]
    });
}

#[test]
fn reads_that_are_refused_or_too_long_are_told() {
    require!(impostor);
    let read = |replies: &[i64]| {
        impostor::each(&played(libc::SYS_read), replies.iter().copied(), with_queues, || {
            Queue::new(8).unwrap().read(&mut [0; 16]).map(Iterator::count)
        })
    };
    for number in [libc::EAGAIN, libc::EINTR, libc::ENOBUFS, libc::EIO, 4095] {
        let error = Error::from(Errno::from_raw_os_error(number));
        assert_eq!(read(&[-i64::from(number)]), [Err(error)]);
    }
    assert_eq!(read(&[17, isize::MAX as i64]), [Err(Error::UnexpectedReply); 2]);
}

// The parser, on any kernel.

/// A record in the byte order of this machine.
fn record(kind: u32, subtype: u8, id: u8, rest: &[u8]) -> Vec<u8> {
    let kind = if cfg!(target_endian = "big") { kind << 8 } else { kind }.to_ne_bytes();
    let length = u32::try_from(8 + rest.len()).unwrap();
    let mut bytes = [kind, (length | u32::from(id) << 8 | 0xabcd << 16).to_ne_bytes()].concat();
    // In either order the bit-field of the subtype is the fourth byte.
    bytes[3] = subtype;
    bytes.extend(rest);
    bytes
}

#[test]
fn unknown_records_are_kept() {
    let unknown = [
        record(1, 8, 1, &[1, 2, 3, 4, 5, 6, 7, 8]),
        record(0, 2, 2, &[]),
        record(2, 0, 3, &[9; 119]),
        record(0xff_ffff, 255, 255, &[0; 4]),
    ];
    let bytes = unknown.concat();
    let seen: Vec<_> = Notifications::parse(&bytes).map(|one| one.unwrap()).collect();
    let other = |kind, subtype| Event::Other { kind, subtype };
    let events = [other(1, 8), other(0, 2), other(2, 0), other(0xff_ffff, 255)];
    assert_eq!(seen.iter().map(|one| one.event).collect::<Vec<_>>(), events);
    assert_eq!(seen.iter().map(|one| one.watch).collect::<Vec<_>>(), [1, 2, 3, 255]);
    assert_eq!(seen.iter().map(|one| one.record.to_vec()).collect::<Vec<_>>(), unknown);
}

#[test]
fn hostile_bytes_come_to_an_end() {
    let mut random = Random::new(1);
    let mut errors = 0;
    for _ in 0..20_000 {
        let mut bytes = vec![];
        for _ in 0..random.below(5) {
            let mut rest = vec![0; random.below(24)];
            rest.iter_mut().for_each(|byte| *byte = random.below(256) as u8);
            let (kind, subtype) = (random.below(3) as u32, random.below(10) as u8);
            bytes.extend(record(kind, subtype, random.below(256) as u8, &rest));
        }
        if !bytes.is_empty() && random.below(2) == 0 {
            let at = random.below(bytes.len());
            bytes[at] ^= 1 << random.below(8);
            bytes.truncate(random.below(bytes.len() + 1));
        }
        let (mut all, mut length) = (Notifications::parse(&bytes), 0);
        while let Some(one) = all.next() {
            match one {
                Ok(one) => length += one.record.len(),
                Err(error) => {
                    assert_eq!((error, all.next()), (Error::UnexpectedReply, None));
                    errors += 1;
                    length = bytes.len();
                }
            }
        }
        assert_eq!(length, bytes.len());
    }
    assert!((2_000..18_000).contains(&errors), "{errors}");
}
