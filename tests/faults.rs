//! Faults and lies: whatever number comes back, by whatever operation, arrives as what it is.
//!
//! Another thread answers in the kernel's stead: every error number there is, and what no kernel answers.
#![cfg(feature = "alloc")]
#![allow(unsafe_code, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![allow(clippy::cast_possible_truncation, clippy::cast_possible_wrap, clippy::cast_sign_loss)]

mod common;

use std::collections::BTreeSet;
use std::mem::MaybeUninit;

use common::impostor::{self, Asked, Line};
use common::{key_of, require};
use keyctl::pkey::Encoding;
use keyctl::syscall::op;
use keyctl::{
    Authority, Collision, DiffieHellman, Errno, Error, Key, KeyType, Keyring, Permissions, Timeout,
    capabilities, default_request_keyring, get_persistent, join_new_session, join_session, request_key,
    request_key_with, session_to_parent,
};

const RING: Keyring = Keyring::THREAD;

fn key() -> Key {
    key_of(1)
}

type Call<A> = (A, fn() -> Result<(), Error>);

/// One line for each operation of `keyctl`: the plainest call of the crate's that comes to it.
const CALLS: &[Call<u32>] = &[
    (op::GET_KEYRING_ID.number(), || RING.resolve().map(drop)),
    (op::JOIN_SESSION_KEYRING.number(), || join_new_session().map(drop)),
    (op::UPDATE.number(), || key().update(b"x")),
    (op::REVOKE.number(), || key().revoke()),
    (op::CHOWN.number(), || key().set_owner(None, None)),
    (op::SETPERM.number(), || key().set_permissions(Permissions::NONE)),
    (op::DESCRIBE.number(), || key().describe(&mut [0; 64]).map(drop)),
    (op::CLEAR.number(), || RING.clear()),
    (op::LINK.number(), || RING.link(key())),
    (op::UNLINK.number(), || RING.unlink(key())),
    (op::SEARCH.number(), || found(RING.search(KeyType::USER, c"x"))),
    (op::READ.number(), || key().read(&mut [0; 64]).map(drop)),
    (op::INSTANTIATE.number(), || authority().instantiate(b"x", None)),
    (op::NEGATE.number(), || authority().negate(1, None)),
    (op::SET_REQKEY_KEYRING.number(), || default_request_keyring().map(drop)),
    (op::SET_TIMEOUT.number(), || key().set_timeout(Timeout::Never)),
    (op::ASSUME_AUTHORITY.number(), || Authority::assume(key()).map(drop)),
    (op::GET_SECURITY.number(), || key().security(&mut [0; 64]).map(drop)),
    (op::SESSION_TO_PARENT.number(), session_to_parent),
    (op::REJECT.number(), || authority().reject(1, Errno::KEYREJECTED, None)),
    (op::INSTANTIATE_IOV.number(), || authority().instantiate_vectored(&[], None)),
    (op::INVALIDATE.number(), || key().invalidate()),
    (op::GET_PERSISTENT.number(), || get_persistent(None, RING).map(drop)),
    (op::DH_COMPUTE.number(), || dh().compute(&mut [0; 64]).map(drop)),
    (op::PKEY_QUERY.number(), || key().pkey_query(Encoding::RAW).map(drop)),
    (op::RESTRICT_KEYRING.number(), || RING.restrict_all()),
    (op::MOVE.number(), || RING.move_to(key(), RING, Collision::Refuse)),
    (op::CAPABILITIES.number(), || capabilities().map(drop)),
];

/// The other two system calls, by each way to them.
const OTHERS: &[Call<libc::c_long>] = &[
    (libc::SYS_add_key, || RING.add_key(KeyType::USER, c"x", b"x").map(drop)),
    (libc::SYS_add_key, || RING.add_keyring(c"x").map(drop)),
    (libc::SYS_request_key, || found(request_key(KeyType::USER, c"x", None))),
    (libc::SYS_request_key, || found(request_key_with(KeyType::USER, c"x", c"", None))),
];

/// `tests/pkey.rs` and `tests/watch.rs` have those that come second, after another call: all numbers there, too.
const ELSEWHERE: &[u32] = &[
    op::PKEY_ENCRYPT.number(),
    op::PKEY_DECRYPT.number(),
    op::PKEY_SIGN.number(),
    op::PKEY_VERIFY.number(),
    op::WATCH_KEY.number(),
];

fn dh() -> DiffieHellman {
    DiffieHellman { private: key(), prime: key(), base: key() }
}

/// The impostor lets it be assumed: the answer is for what comes then.
fn authority() -> Authority {
    Authority::assume(key()).unwrap()
}

/// Where one looks for something, absence is no error; here it counts as the number that it was.
fn found(result: Result<Option<Key>, Error>) -> Result<(), Error> {
    result?.map(drop).ok_or(Error::NoKey)
}

/// What a call answers when the kernel replies this.
fn replies<A: Asked>(call: &Call<A>, replies: &[i64]) -> Vec<Result<(), Error>> {
    impostor::each(&watched(call.0), replies.iter().copied(), kernel(call.0), call.1)
}

/// Authority is assumed whatever is replied to the rest.
fn watched(asked: impl Asked) -> [Line; 2] {
    [asked.line(), op::ASSUME_AUTHORITY.number().line()]
}

fn kernel(asked: impl Asked) -> impl FnMut(impostor::Call, i64) -> i64 {
    move |it, reply| if it.is(asked) { reply } else { 1001 }
}

#[test]
fn each_operation_has_a_line() {
    let here: BTreeSet<u32> = CALLS.iter().map(|call| call.0).chain(ELSEWHERE.iter().copied()).collect();
    let all: BTreeSet<u32> = op::ALL.iter().map(|operation| operation.1).collect();
    assert_eq!(here, all);
    assert_eq!(CALLS.len() + ELSEWHERE.len(), all.len());
}

fn refusals_arrive<A: Asked>(call: &Call<A>) {
    let &(asked, call) = call;
    impostor::refusals_arrive(&watched(asked), kernel(asked), || [call().unwrap_err()]);
}

#[test]
fn every_number_of_every_operation_arrives() {
    require!(impostor);
    CALLS.iter().for_each(refusals_arrive);
}

#[test]
fn every_number_of_the_other_two_calls_arrives() {
    require!(impostor);
    OTHERS.iter().for_each(refusals_arrive);
}

#[test]
fn success_with_a_number_makes_no_sense_where_there_is_none() {
    require!(impostor);
    let done = [op::UPDATE, op::INSTANTIATE, op::INSTANTIATE_IOV, op::RESTRICT_KEYRING, op::PKEY_QUERY];
    let plain = [
        op::REVOKE,
        op::CHOWN,
        op::SETPERM,
        op::CLEAR,
        op::LINK,
        op::UNLINK,
        op::NEGATE,
        op::SET_TIMEOUT,
        op::SESSION_TO_PARENT,
        op::REJECT,
        op::INVALIDATE,
        op::MOVE,
    ];
    let numbers: Vec<u32> =
        done.map(op::Pointed::number).into_iter().chain(plain.map(op::Plain::number)).collect();
    for call in CALLS.iter().filter(|call| numbers.contains(&call.0)) {
        let expected = [Ok(()), Err(Error::UnexpectedReply), Err(Error::UnexpectedReply)];
        assert_eq!(replies(call, &[0, 1, i64::from(i32::MAX)]), expected, "{call:?}");
    }
}

#[test]
fn a_serial_is_read_as_the_low_32_bits() {
    require!(impostor);
    let serials = [op::GET_KEYRING_ID.number(), op::SEARCH.number(), op::GET_PERSISTENT.number()];
    CALLS.iter().filter(|call| serials.contains(&call.0)).for_each(reads_the_low_32_bits);
    OTHERS.iter().for_each(reads_the_low_32_bits);
    let named = || join_session("x").map(drop);
    let join = (op::JOIN_SESSION_KEYRING.number(), named as fn() -> _);
    assert_eq!(replies(&join, &[0, 1001]), [Ok(()), Ok(())]);
}

fn reads_the_low_32_bits<A: Asked>(call: &Call<A>) {
    let expected = [Err(Error::UnexpectedReply), Ok(()), Ok(())];
    assert_eq!(replies(call, &[0, 1001, i32::MAX.into()]), expected, "{call:?}");
    if cfg!(target_pointer_width = "64") {
        let expected = [Err(Error::UnexpectedReply), Ok(()), Err(Error::UnexpectedReply)];
        assert_eq!(replies(call, &[1 << 32, (1 << 32) + 5, i64::MAX]), expected, "{call:?}");
    }
}

#[test]
fn a_length_is_compared_before_it_is_used() {
    require!(impostor);
    let fetches = [op::DESCRIBE.number(), op::READ.number(), op::GET_SECURITY.number()];
    for call in CALLS.iter().filter(|call| fetches.contains(&call.0)) {
        let too_small = |needed| Err(Error::BufferTooSmall { needed });
        assert_eq!(replies(call, &[65, 4096]), [too_small(65), too_small(4096)], "{call:?}");
        if cfg!(target_pointer_width = "64") {
            let expected = [too_small(u32::MAX), Err(Error::UnexpectedReply), Err(Error::UnexpectedReply)];
            assert_eq!(replies(call, &[u32::MAX.into(), 1 << 32, i64::MAX]), expected, "{call:?}");
        }
    }
}

#[test]
fn a_text_without_its_nul_is_none() {
    require!(impostor);
    for number in [op::DESCRIBE.number(), op::GET_SECURITY.number()] {
        let call = CALLS.iter().find(|call| call.0 == number).unwrap();
        // Nothing at all; and for a description, the zeros that the buffer held before.
        assert_eq!(replies(call, &[0]), [Err(Error::UnexpectedReply)]);
    }
    let lie = |text: &'static [u8]| {
        let kernel = move |asked: impostor::Call| {
            asked.write(2, text);
            text.len() as i64
        };
        impostor::reign(&[op::DESCRIBE.number()], kernel, || key().describe(&mut [0; 64]).map(drop))
    };
    assert_eq!(lie(b"user;0;0;3f010000;x\0"), Ok(()));
    for garbage in
        [&b"user;0;0;3f010000;x"[..], b"\0", b";;;;\0", b"user;0;0\0", b"user;-1;0;0;x\0", b"\xff\xff\0"]
    {
        assert_eq!(lie(garbage), Err(Error::UnexpectedReply), "{}", garbage.escape_ascii());
    }
}

#[test]
fn links_that_are_none_are_no_keys() {
    require!(impostor);
    let lie = |bytes: &'static [u8], length: i64| {
        let kernel = move |asked: impostor::Call| {
            asked.write(2, bytes);
            length
        };
        impostor::reign(&[op::READ.number()], kernel, || {
            RING.links(&mut [MaybeUninit::uninit(); 4]).map(|links| links.to_vec())
        })
    };
    assert_eq!(lie(&[7; 8], 8), Ok(vec![key_of(0x0707_0707); 2]));
    // A 0 among them; a part of one; more than there is room for, in keys.
    assert_eq!(lie(&[0; 8], 8), Err(Error::UnexpectedReply));
    assert_eq!(lie(&[7, 7, 7, 7, 0, 0, 0, 0], 8), Err(Error::UnexpectedReply));
    assert_eq!(lie(&[7; 7], 7), Err(Error::UnexpectedReply));
    assert_eq!(lie(&[7; 8], 20), Err(Error::BufferTooSmall { needed: 5 }));
}

#[test]
fn nothing_uninitialized_comes_out_where_nothing_was_written() {
    require!(impostor);
    let (slice, vec, links) = impostor::reign(
        &[op::READ.number()],
        |_| 8,
        || {
            let slice = key().read(&mut [MaybeUninit::uninit(); 16]).map(|read| read.to_vec());
            let vec = key().read(&mut Vec::new()).map(|read| read.to_vec());
            (slice, vec, RING.links(&mut Vec::new()).map(drop))
        },
    );
    assert_eq!((slice, vec), (Ok(vec![0; 8]), Ok(vec![0; 8])));
    assert_eq!(links, Err(Error::UnexpectedReply));
}

#[test]
fn a_vec_does_not_grow_without_end() {
    require!(impostor);
    // Always a little more than there was room for; then more than any key has.
    let mut asked = 0;
    let grows = impostor::reign(
        &[op::READ.number()],
        |call| {
            asked += 1;
            call.args[3] as i64 + 1
        },
        || key().read(&mut Vec::new()).map(drop),
    );
    assert!(matches!(grows, Err(Error::BufferTooSmall { .. })), "{grows:?}");
    assert_eq!(asked, 9);
    let huge = impostor::reign(&[op::READ.number()], |_| 1 << 30, || key().read(&mut Vec::new()).map(drop));
    assert_eq!(huge, Err(Error::BufferTooSmall { needed: 1 << 30 }));
}
