//! Diffie-Hellman, page by page.
//!
//! | the pages (keyctl_dh_compute(3), keyctl_dh_compute_kdf(3)) | test |
//! | --- | --- |
//! | "base ^ private mod prime" | [`a_small_group_as_by_hand`], [`powers_of_two_as_by_hand`] |
//! | "compute a Diffie-Hellman shared secret or public key" | [`both_sides_agree`] |
//! | "must all refer to user-type keys" | [`keys_of_other_types`] |
//! | "a buffer length of 0 ... the required size" | [`the_length_is_that_of_the_prime`] |
//! | any buffer | [`every_kind_of_buffer`], [`a_vec_grows`] |
//! | EINVAL: "buffer is too small", really EOVERFLOW | [`short_buffers_stay_as_they_are`], [`buffers_before_a_wall`] |
//! | ENOKEY: "does not exist"; EACCES, really ENOKEY | [`keys_that_can_not_be_read`] |
//! | EINVAL: numbers of a wrong size, not on the pages | [`numbers_of_wrong_sizes`] |
//! | "derive key material", "SP800-56A" | [`derived_as_openssl_does`], [`derived_for_different_purposes`] |
//! | EMSGSIZE, ENOENT, EINVAL | [`what_can_not_be_derived`] |
//! | EOPNOTSUPP | [`absent_feature_is_unsupported`] |
//! | any other number | [`every_error_number_arrives`] |
//! | the structures | [`computed_as_the_kernel_sees_it`], [`derived_as_the_kernel_sees_it`] |
//! | a kernel that lies, or keys that change between two calls | [`too_short_by_the_first_call_only`], [`results_longer_than_the_buffer`], [`derived_keys_of_another_length`], [`a_vec_grows_after_the_first_call`] |
#![allow(unsafe_code, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use std::mem::MaybeUninit;

use common::impostor::{self, Call};
use common::{before_a_wall, new_keyring, only_without, raw, require, unique};
use keyctl::syscall::op;
use keyctl::{DiffieHellman, Error, Key, KeySerial, Keyring};

/// What no call is to change.
const CANARY: u8 = 0xa5;

/// A Mersenne prime. With zeros before it, so that it is of a length that the kernel takes.
const SMALL: u128 = (1 << 127) - 1;
const EXPONENT: u128 = 0x0123_4567_89ab_cdef_0123_4567_89ab_cdef;
/// The secret from that prime, that exponent and the base 3, put by OpenSSL's SSKDF through SHA-256:
/// `openssl kdf -keylen 100 -kdfopt digest:SHA256 -kdfopt hexkey:<the number> -kdfopt hexinfo:<keyctl test> SSKDF`
const DERIVED: &str = "957c668228fdc64dccef1a985067ae0cf6fb56056a760c64afe6b1a71f8d9a34db8d142aac5cf2e6c63367d1d6f72c67\
                       ddf804d9bdc32dea8d982c1585a2bfae698264ea3da160a4febeb482aa08a71623c41269aa7c9b5980999da4cf47dec4\
                       dd508f45";

/// The first 8 and the last 16 bytes are those of the group of 2048 bits in RFC 3526; what is between them need not
/// be: the kernel takes any modulus, and both sides agree with any.
fn large() -> [u8; 256] {
    let mut prime = [0x5a; 256];
    prime[..8].fill(0xff);
    prime[248..].fill(0xff);
    prime
}

fn number(bytes: &[u8]) -> Key {
    raw::add_key(c"user", &unique(), bytes, Keyring::THREAD).unwrap()
}

fn dh(private: &[u8], prime: &[u8], base: &[u8]) -> DiffieHellman {
    DiffieHellman { private: number(private), prime: number(prime), base: number(base) }
}

/// With 3 as the base.
fn small() -> DiffieHellman {
    let mut prime = [0; 192];
    prime[176..].copy_from_slice(&SMALL.to_be_bytes());
    dh(&EXPONENT.to_be_bytes(), &prime, &[3])
}

/// By squaring; and products by doubling, since twice a number is no more than 128 bits.
fn power(base: u128, exponent: u128) -> u128 {
    let product = |a: u128, b: u128| {
        (0..128).rev().fold(0, |sum, bit| (sum * 2 % SMALL + if b >> bit & 1 == 1 { a } else { 0 }) % SMALL)
    };
    (0..128).rev().fold(1, |result, bit| {
        let square = product(result, result);
        if exponent >> bit & 1 == 1 { product(square, base) } else { square }
    })
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

// Computing.

#[test]
fn a_small_group_as_by_hand() {
    require!(dh);
    let expected = power(3, EXPONENT).to_be_bytes();
    assert_eq!(small().compute(&mut [CANARY; 200]).unwrap(), expected);
    // And once more: the secret that both share.
    let shared = DiffieHellman { base: number(&expected), private: number(&[5]), ..small() };
    let expected = power(power(3, EXPONENT), 5).to_be_bytes();
    assert_eq!(shared.compute(&mut [0; 16]).unwrap(), expected);
}

/// Where the power is less than the prime, or less than twice as much.
#[test]
fn powers_of_two_as_by_hand() {
    require!(dh);
    let prime = large();
    let power =
        |exponent: u16| dh(&exponent.to_be_bytes(), &prime, &[2]).compute(&mut [0; 256]).unwrap().to_vec();
    let mut expected = [0; 256];
    expected[254] = 4;
    assert_eq!(power(10), expected);
    let mut expected = [0; 256];
    expected[0] = 0x80;
    assert_eq!(power(2047), expected);
    // 2^2048 - prime is the prime's complement and 1; its last byte is 0xff.
    let mut expected = prime.map(|byte| !byte);
    expected[255] = 1;
    assert_eq!(power(2048), expected);
}

#[test]
fn both_sides_agree() {
    require!(dh);
    let (prime, generator) = (number(&large()), number(&[2]));
    let private = [number(&[0x13; 32]), number(&[0x37; 32])];
    let public = private.map(|private| {
        let public =
            DiffieHellman { private, prime, base: generator }.compute(&mut [0; 256]).unwrap().to_vec();
        number(&public)
    });
    let [one, other] = [(0, 1), (1, 0)].map(|(own, peer)| {
        let dh = DiffieHellman { private: private[own], prime, base: public[peer] };
        let mut session_key = [0; 48];
        dh.derive("sha256", b"keyctl test", &mut session_key).unwrap();
        (dh.compute(&mut [0; 256]).unwrap().to_vec(), session_key)
    });
    assert_eq!(one, other);
    assert_ne!(one.1, [0; 48]);
}

#[test]
fn the_length_is_that_of_the_prime() {
    require!(dh);
    assert_eq!(dh(&[1], &large(), &[2]).compute_len(), Ok(256));
    assert_eq!(dh(&[1], &[0xff; 512], &[2]).compute_len(), Ok(512));
    // Of the number, not of the key that holds it.
    assert_eq!(small().compute_len(), Ok(16));
}

#[test]
fn every_kind_of_buffer() {
    require!(dh);
    let dh = dh(&[10], &large(), &[2]);
    let mut expected = [0; 256];
    expected[254] = 4;
    let slice: &mut [u8] = &mut [CANARY; 1000];
    assert_eq!(dh.compute(slice).unwrap(), expected);
    let uninit: &mut [MaybeUninit<u8>] = &mut [MaybeUninit::uninit(); 257];
    assert_eq!(dh.compute(uninit).unwrap(), expected);
    assert_eq!(dh.compute(&mut [MaybeUninit::uninit(); 256]).unwrap(), expected);
}

#[cfg(feature = "alloc")]
#[test]
fn a_vec_grows() {
    require!(dh);
    let mut result = vec![1, 2, 3];
    dh(&[10], &[0xff; 512], &[2]).compute(&mut result).unwrap();
    let mut expected = [0; 512];
    expected[510] = 4;
    assert_eq!(result, expected);
}

#[test]
fn short_buffers_stay_as_they_are() {
    require!(dh);
    let dh = dh(&[10], &large(), &[2]);
    let needed = Err(Error::BufferTooSmall { needed: 256 });
    for length in [0, 1, 255] {
        let mut memory = [CANARY; 1024];
        assert_eq!(dh.compute(&mut memory[256..256 + length]), needed, "{length}");
        assert_eq!(memory, [CANARY; 1024], "{length}");
    }
    let mut memory = [CANARY; 1024];
    dh.compute(&mut memory[256..600]).unwrap();
    assert_eq!((&memory[..256], &memory[512..]), (&[CANARY; 256][..], &[CANARY; 512][..]));
}

#[test]
fn buffers_before_a_wall() {
    require!(dh);
    let dh = dh(&[10], &large(), &[2]);
    assert_eq!(dh.compute(before_a_wall(0)), Err(Error::BufferTooSmall { needed: 256 }));
    assert_eq!(dh.compute(before_a_wall(255)), Err(Error::BufferTooSmall { needed: 256 }));
    assert_eq!(dh.compute(before_a_wall(256)).map(|result| result.len()), Ok(256));
    assert_eq!(dh.derive(c"sha256", before_a_wall(64), before_a_wall(31)), Ok(()));
}

// Which numbers.

/// What computing, asking for the length and deriving answer.
fn refusals(dh: DiffieHellman) -> [Error; 3] {
    [
        dh.compute(&mut [0; 512]).unwrap_err(),
        dh.compute_len().unwrap_err(),
        dh.derive(c"sha256", b"", &mut [0; 32]).unwrap_err(),
    ]
}

/// With `key` in each of the three places.
fn with_each(key: Key) -> [DiffieHellman; 3] {
    let dh = dh(&[10], &large(), &[2]);
    [
        DiffieHellman { private: key, ..dh },
        DiffieHellman { prime: key, ..dh },
        DiffieHellman { base: key, ..dh },
    ]
}

#[test]
fn keys_that_can_not_be_read() {
    require!(dh);
    let [unreadable, revoked, invalidated] = [(); 3].map(|()| number(&[7; 256]));
    raw::set_permissions(unreadable, 0x3501_0000).unwrap();
    raw::revoke(revoked).unwrap();
    raw::invalidate(invalidated).unwrap();
    // Not readable, and not even possessed.
    raw::unlink(unreadable, Keyring::THREAD).unwrap();
    let no_id = KeySerial::from_raw(-9).unwrap().into();
    for key in [unreadable, revoked, invalidated, no_id] {
        assert_eq!(with_each(key).map(refusals), [[Error::NoKey; 3]; 3]);
    }
}

#[test]
fn keys_of_other_types() {
    require!(dh);
    for dh in with_each(*new_keyring()) {
        assert_eq!(refusals(dh), [Error::Unsupported; 3]);
    }
}

#[test]
fn numbers_of_wrong_sizes() {
    require!(dh);
    let refused = [Error::InvalidArgument; 3];
    assert_eq!(refusals(dh(&[10], &[0xff; 191], &[2])), refused);
    assert_eq!(refusals(dh(&[10], &[0; 256], &[2])), refused);
    assert_eq!(refusals(dh(&[10; 257], &large(), &[2])), refused);
    assert_eq!(refusals(dh(&[10], &large(), &[2; 257])), refused);
}

// Deriving.

#[test]
fn derived_as_openssl_does() {
    require!(dh);
    // Less and more than a digest, and many.
    for length in [1, 31, 32, 33, 100] {
        let mut memory = [CANARY; 128];
        small().derive(c"sha256", b"keyctl test", &mut memory[10..10 + length]).unwrap();
        assert_eq!(hex(&memory[10..10 + length]), DERIVED[..2 * length], "{length}");
        assert_eq!(memory[10 + length..], [CANARY; 118][length..], "{length}");
    }
}

#[test]
fn derived_for_different_purposes() {
    require!(dh);
    let derive = |hash: &str, other_info: &[u8]| {
        let mut result = [0; 64];
        small().derive(hash, other_info, &mut result).unwrap();
        result
    };
    let all = [derive("sha256", b"a"), derive("sha256", b"b"), derive("sha256", b""), derive("sha224", b"a")];
    for (place, one) in all.iter().enumerate() {
        assert!(!all[place + 1..].contains(one), "{place}");
    }
    assert_eq!(derive("sha256", b"a"), all[0]);
}

#[test]
fn what_can_not_be_derived() {
    require!(dh);
    let derive =
        |hash: &str, other_info, length| small().derive(hash, &vec![1; other_info], &mut vec![0; length]);
    assert_eq!(derive("sha256", 64, 1024), Ok(()));
    assert_eq!(derive("sha256", 65, 1024), Err(Error::MessageTooLong));
    assert_eq!(derive("sha256", 64, 1025), Err(Error::MessageTooLong));
    assert_eq!(derive("nonsense", 0, 32), Err(Error::NotFound));
    assert_eq!(derive(&"x".repeat(128), 0, 32), Err(Error::InvalidArgument));
    assert_eq!(derive("sha256\0", 0, 32), Err(Error::InteriorNul));
    assert_eq!(derive(&"x".repeat(4096), 0, 32), Err(Error::TextTooLong));
}

#[test]
fn absent_feature_is_unsupported() {
    require!(keyctl);
    only_without!(dh);
    assert_eq!(refusals(small()), [Error::Unsupported; 3]);
}

// As the kernel sees it, whatever the kernel has.

const COMPUTE: u32 = op::DH_COMPUTE.number();

/// Keys that need not be there.
fn some_keys() -> DiffieHellman {
    let [private, prime, base] = [0x11, 0x2222, 0x33_3333].map(|id| KeySerial::from_raw(id).unwrap().into());
    DiffieHellman { private, prime, base }
}

fn params() -> [u8; 12] {
    let mut params = [0; 12];
    params[..4].copy_from_slice(&0x11i32.to_ne_bytes());
    params[4..8].copy_from_slice(&0x2222i32.to_ne_bytes());
    params[8..].copy_from_slice(&0x33_3333i32.to_ne_bytes());
    params
}

#[test]
fn computed_as_the_kernel_sees_it() {
    require!(impostor);
    let kernel = |call: Call| {
        assert_eq!(call.bytes::<12>(1), params());
        assert_eq!((call.args[3], call.args[4]), (8, 0));
        call.write(2, b"secret");
        6
    };
    let mut buffer = [CANARY; 8];
    impostor::reign(&[COMPUTE], kernel, || {
        assert_eq!(some_keys().compute(&mut buffer).unwrap(), b"secret");
    });
    assert_eq!(&buffer, b"secret\xa5\xa5");

    let kernel = |call: Call| {
        assert_eq!(call.bytes::<12>(1), params());
        assert_eq!(call.args[2..5], [0, 0, 0]);
        1234
    };
    assert_eq!(impostor::reign(&[COMPUTE], kernel, || some_keys().compute_len()), Ok(1234));
}

#[test]
fn derived_as_the_kernel_sees_it() {
    require!(impostor);
    let kernel = |call: Call| {
        assert_eq!(call.bytes::<12>(1), params());
        assert_eq!(call.args[3], 7);
        const WORD: usize = size_of::<usize>();
        const SIZE: usize = if WORD == 8 { 56 } else { 44 };
        let kdf = call.bytes::<SIZE>(4);
        let pointer = |at: usize| usize::from_ne_bytes(kdf[at..at + WORD].try_into().unwrap());
        let pointed = Call { args: [pointer(0), pointer(WORD), 0, 0, 0, 0], ..call };
        assert_eq!(pointed.slice(0, 7), b"sha256\0");
        assert_eq!(pointed.slice(1, 10), b"other info");
        assert_eq!(kdf[2 * WORD..2 * WORD + 4], 10u32.to_ne_bytes());
        assert!(kdf[2 * WORD + 4..].iter().all(|&spare| spare == 0), "{kdf:?}");
        call.write(2, b"derived");
        7
    };
    let mut buffer = [CANARY; 8];
    let derive = || some_keys().derive(c"sha256", b"other info", &mut buffer[..7]);
    assert_eq!(impostor::reign(&[COMPUTE], kernel, derive), Ok(()));
    assert_eq!(&buffer, b"derived\xa5");
    // A text that is copied.
    let derive = || some_keys().derive("sha256", b"other info", &mut buffer[..7]);
    assert_eq!(impostor::reign(&[COMPUTE], kernel, derive), Ok(()));
}

#[test]
fn every_error_number_arrives() {
    require!(impostor);
    impostor::refusals_arrive(&[COMPUTE], |_, reply| reply, || refusals(some_keys()));
}

/// Answers the questions one after the other; the second is for the length.
fn in_turn<const N: usize>(answers: [i64; N]) -> impl FnMut(Call) -> i64 {
    let mut answers = answers.into_iter();
    move |_| answers.next().expect("asked no more often")
}

/// The largest number that can be answered.
const LONGEST: i64 = isize::MAX as i64;
const EOVERFLOW: i64 = -(libc::EOVERFLOW as i64);

#[test]
fn too_short_by_the_first_call_only() {
    require!(impostor);
    let compute = || some_keys().compute(&mut [MaybeUninit::uninit(); 256]).map(|result| result.to_vec());
    for (second, answer) in [
        (257, Error::BufferTooSmall { needed: 257 }),
        // Nothing was written. It is not to be had by calling this a result.
        (256, Error::Overflow),
        (0, Error::Overflow),
        (-i64::from(libc::ENOMEM), Error::OutOfMemory),
        (EOVERFLOW, Error::Overflow),
    ] {
        let kernel = in_turn([EOVERFLOW, second]);
        assert_eq!(impostor::reign(&[COMPUTE], kernel, compute), Err(answer), "{second}");
    }
}

#[test]
fn results_longer_than_the_buffer() {
    require!(impostor);
    for length in [33, 1 << 20, LONGEST] {
        let kernel = |_: Call| length;
        let refused = impostor::reign(&[COMPUTE], kernel, || some_keys().compute(&mut [0; 32]).unwrap_err());
        assert!(matches!(refused, Error::BufferTooSmall { .. } | Error::UnexpectedReply), "{refused:?}");
    }
}

#[test]
fn derived_keys_of_another_length() {
    require!(impostor);
    for length in [0, 31, 33, LONGEST] {
        let derive = || some_keys().derive(c"sha256", b"", &mut [0; 32]);
        assert_eq!(impostor::reign(&[COMPUTE], |_| length, derive), Err(Error::UnexpectedReply), "{length}");
    }
}

#[cfg(feature = "alloc")]
#[test]
fn a_vec_grows_after_the_first_call() {
    require!(impostor);
    let mut result = Vec::new();
    let kernel = |call: Call| match call.args[3] {
        0 => 300,
        256 => EOVERFLOW,
        room => {
            assert!(room >= 300);
            call.write(2, &[7; 300]);
            300
        }
    };
    impostor::reign(&[COMPUTE], kernel, || some_keys().compute(&mut result).map(drop)).unwrap();
    assert_eq!(result, [7; 300]);
}
