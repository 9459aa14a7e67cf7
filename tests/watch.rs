//! Notifications: what a queue tells of the keys that it watches.
#![cfg(feature = "watch")]
#![allow(unsafe_code, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![allow(clippy::cast_possible_truncation, clippy::cast_possible_wrap, clippy::cast_sign_loss)]

mod common;

use std::cell::RefCell;

use common::{in_thread, key_in, key_of, new_keyring, only_without, raw, require, unique, until};
use keyctl::syscall::op;
use keyctl::watch::{Event, Events, Queue};
use keyctl::{Error, Key, KeyType, Keyring, Permissions};
use rustix::fd::{AsFd as _, AsRawFd as _};

/// A queue that does not wait, since a test that waits for nothing would wait forever.
fn new_queue() -> Queue {
    let queue = Queue::new(64).unwrap();
    rustix::io::ioctl_fionbio(&queue, true).unwrap();
    queue
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
    assert!(matches!(watch, Err(Error::Unsupported)), "{watch:?}");
}

#[test]
fn each_event_of_a_key_is_told() {
    require!(watch);
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
    require!(watch);
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
    require!(watch);
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
    require!(watch);
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
    require!(watch);
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
    require!(watch);
    let queue = Queue::new(1).unwrap();
    rustix::io::ioctl_fionbio(&queue, true).unwrap();
    let key = key_in(new_keyring());
    key.watch(&queue, 0).unwrap();
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
    require!(watch);
    let queue = new_queue();
    let key = key_in(new_keyring());
    key.watch(&queue, 0).unwrap();
    key.update(b"other").unwrap();
    assert_eq!(queue.read(&mut [0; 15]).map(drop), Err(Error::NoBufferSpace));
    assert_eq!(queue.read(&mut [0; 16]).unwrap().count(), 1);
}

#[test]
fn key_must_grant_view_and_be_there() {
    require!(watch);
    let queue = new_queue();
    let key = key_in(new_keyring());
    raw::set_permissions(key, 0x3e3e_0000).unwrap();
    assert_eq!(key.watch(&queue, 0), Err(Error::AccessDenied));
    assert_eq!(key_of(1).watch(&queue, 0), Err(Error::NoKey));
}

#[test]
fn sizes_have_bounds() {
    require!(watch);
    assert_eq!(Queue::new(0).map(drop), Err(Error::InvalidArgument));
    assert_eq!(Queue::new(513).map(drop), Err(Error::InvalidArgument));
    Queue::new(512).unwrap();
}

#[test]
fn descriptor_can_be_waited_for() {
    require!(watch);
    let queue = new_queue();
    let key = key_in(new_keyring());
    key.watch(&queue, 0).unwrap();
    let mut ready = libc::pollfd { fd: queue.as_fd().as_raw_fd(), events: libc::POLLIN, revents: 0 };
    // SAFETY: one structure, ours for the call.
    let mut poll = || unsafe { libc::poll(&raw mut ready, 1, 0) };
    assert_eq!(poll(), 0);
    key.update(b"other").unwrap();
    assert_eq!(poll(), 1);
}

#[test]
fn ordinary_descriptor_is_no_queue() {
    require!(watch);
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
    require!(watch);
    in_thread(|| {
        let queue = new_queue();
        Keyring::THREAD.watch(&queue, 5).unwrap();
        let key: Key = Keyring::THREAD.add_key(KeyType::USER, &*unique(), b"1").unwrap();
        let thread = raw::resolve(Keyring::THREAD).unwrap();
        assert_eq!(told(&queue), [(5, Event::Linked(thread, key))]);
    });
}
