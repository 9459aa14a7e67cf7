//! Public-key operations, page by page.
//!
//! | the pages (keyctl_pkey_query(3), keyctl_pkey_encrypt(3), keyctl_pkey_sign(3)) | test |
//! | --- | --- |
//! | "operations supported", "size of the key in bits", "maximum ... size in bytes" | [`query_tells_operations_and_sizes`], [`query_of_a_private_key`], [`query_of_an_elliptic_curve`] |
//! | "a string of ... key[=value] pairs" | [`encodings`], [`bad_encodings`] |
//! | any buffer | [`every_kind_of_buffer`], [`vec::grows`], [`vec::is_asked_for_once`] |
//! | "encrypt the blob of data" | [`encrypted_as_by_hand`], [`encrypting_is_random`], [`too_much_to_encrypt`] |
//! | "decrypt it" | [`decrypts_what_openssl_encrypted`], [`decrypts_what_it_encrypted`], [`garbage_to_decrypt`] |
//! | "create a signature" | [`signs_as_openssl_does`], [`wrong_digest_to_sign`] |
//! | "verify a signature" | [`verifies_what_openssl_signed`], [`verifies_on_an_elliptic_curve`], [`what_is_no_signature`], [`signature_of_another_length`], [`wrong_digest_to_verify`] |
//! | "the buffer ... must be large enough", not that it is overrun | [`short_buffers_stay_as_they_are`], [`buffers_before_a_wall`], [`short_decrypted_data`] |
//! | that a signature is overread, not on the pages | [`slices_before_a_wall`] |
//! | EOPNOTSUPP: "not supported by the key" | [`a_key_of_another_type`], [`absent_feature_is_unsupported`] |
//! | EINVAL, for a public key, and for a curve | [`a_public_key_neither_decrypts_nor_signs`], [`a_curve_does_not_encrypt`] |
//! | EACCES, ENOKEY, EKEYREVOKED, EKEYEXPIRED | [`the_key_must_be_there_and_grant_search`] |
//! | EBADMSG, ENOENT, ENOPKG where an option is off | [`private_keys_are_malformed_without_pkcs8`], [`curves_are_not_found_without_ecdsa`] |
//! | any other number, of either call | [`every_error_number_arrives`], [`a_sandbox_may_refuse_only_the_operation`] |
//! | the structures | [`query_as_the_kernel_sees_it`], [`operations_as_the_kernel_sees_them`], [`verification_as_the_kernel_sees_it`] |
//! | a kernel that lies, or a serial that is another key by the second call | [`a_larger_key_by_the_second_call`], [`the_largest_results`], [`a_maximum_beyond_what_we_have_room_for`], [`results_longer_than_the_maximum`], [`results_that_were_not_written`] |
//! | what a call leaves in memory | [`nothing_is_left_on_the_stack`] |
#![allow(unsafe_code, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use std::mem::MaybeUninit;
use std::sync::atomic::{AtomicUsize, Ordering};

use common::impostor::{self, Call};
use common::{
    P256_CERTIFICATE, RSA_CERTIFICATE, RSA_KEY, before_a_wall, in_thread, key_in, new_keyring, only_without,
    raw, require, seccomp, unique, until,
};
use keyctl::pkey::{Encoding, Operations};
use keyctl::syscall::op;
use keyctl::{Error, Key, KeySerial, Keyring, Result};

const DIGEST: &[u8; 32] = include_bytes!("fixtures/digest");
const RSA_SIGNATURE: &[u8; 256] = include_bytes!("fixtures/rsa2048.signature");
const RSA_ENCRYPTED: &[u8; 256] = include_bytes!("fixtures/rsa2048.encrypted");
const P256_SIGNATURE: &[u8; 70] = include_bytes!("fixtures/p256.signature");
/// What the encrypted data are.
const PLAIN: &[u8] = b"attack at dawn";
/// What PKCS#1 puts before a SHA-256 digest.
const SHA256_PREFIX: [u8; 19] =
    [0x30, 0x31, 0x30, 0x0d, 6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 1, 5, 0, 4, 0x20];
/// What no call is to change.
const CANARY: u8 = 0xa5;

/// The crate's own limit.
const BOUNCE: usize = 8192;

fn asymmetric(payload: &[u8]) -> Key {
    raw::add_key(c"asymmetric", &unique(), payload, Keyring::THREAD).unwrap()
}

/// The largest number that can be answered.
const LONGEST: i64 = isize::MAX as i64;

/// Every operation that makes bytes of bytes.
type Transform = for<'a> fn(Key, &[u8], &'a mut [u8]) -> Result<&'a mut [u8]>;
const TRANSFORMS: [(u32, Transform); 3] = [
    (op::PKEY_ENCRYPT.number(), |key, input, buffer| key.encrypt(Encoding::PKCS1, input, buffer)),
    (op::PKEY_DECRYPT.number(), |key, input, buffer| key.decrypt(Encoding::PKCS1, input, buffer)),
    (op::PKEY_SIGN.number(), |key, input, buffer| key.sign(Encoding::PKCS1, input, buffer)),
];
const VERIFY: u32 = op::PKEY_VERIFY.number();
const QUERY: u32 = op::PKEY_QUERY.number();
const ALL: [u32; 5] = [QUERY, TRANSFORMS[0].0, TRANSFORMS[1].0, TRANSFORMS[2].0, VERIFY];

// Asking.

#[test]
fn query_tells_operations_and_sizes() {
    require!(x509);
    let key = asymmetric(RSA_CERTIFICATE);
    let found = key.pkey_query(Encoding::PKCS1_SHA256).unwrap();
    assert_eq!(found.operations & Operations::all(), Operations::ENCRYPT | Operations::VERIFY);
    assert_eq!(found.key_bits, 2048);
    assert_eq!((found.max_signature, found.max_encrypted, found.max_decrypted), (256, 256, 256));
    assert!((32..=256).contains(&found.max_data), "{found:?}");

    // Older kernels also speak of verifying, which is not so.
    let raw = key.pkey_query(Encoding::RAW).unwrap();
    assert_eq!(raw.operations - Operations::VERIFY, Operations::ENCRYPT);
}

#[test]
fn query_of_a_private_key() {
    require!(pkcs8);
    let found = asymmetric(RSA_KEY).pkey_query(Encoding::PKCS1_SHA256).unwrap();
    let all = Operations::ENCRYPT | Operations::DECRYPT | Operations::SIGN | Operations::VERIFY;
    assert_eq!(found.operations, all);
    assert_eq!((found.key_bits, found.max_signature), (2048, 256));
}

#[test]
fn query_of_an_elliptic_curve() {
    require!(ecdsa);
    let found = asymmetric(P256_CERTIFICATE).pkey_query(Encoding::X962_SHA256).unwrap();
    assert_eq!(found.operations, Operations::VERIFY);
    assert_eq!((found.key_bits, found.max_signature), (256, 72));
    assert!(found.max_data >= 32, "{found:?}");
}

#[test]
fn encodings() {
    require!(x509);
    let key = asymmetric(RSA_CERTIFICATE);
    let query = |text| key.pkey_query(Encoding::new(text)).unwrap();
    assert_eq!(query(c""), query(c"enc=raw"));
    assert_eq!(query(c" \t"), query(c"enc=raw"));
    assert_eq!(query(c" hash=sha256\tenc=pkcs1 "), query(c"enc=pkcs1 hash=sha256"));
    for known in [Encoding::PKCS1, Encoding::PKCS1_SHA256, Encoding::PKCS1_SHA384, Encoding::PKCS1_SHA512] {
        assert!(key.pkey_query(known).unwrap().operations.contains(Operations::VERIFY), "{known:?}");
    }
    assert_eq!(Encoding::new(c"enc=x962 hash=sha512"), Encoding::X962_SHA512);
}

#[test]
fn bad_encodings() {
    require!(x509);
    let key = asymmetric(RSA_CERTIFICATE);
    let page = "enc=pkcs1 ".repeat(6554) + "\0";
    let texts = [
        c"enc",
        c"enc=",
        c"enc=nonsense",
        c"enc=pkcs1 hash=",
        c"enc=pkcs1,hash=sha256",
        c"enc=pkcs1 enc=pkcs1",
        c"enc=pkcs1 salt=1",
        c"hash=sha256",
        c"enc=x962 hash=sha256",
        std::ffi::CStr::from_bytes_with_nul(page.as_bytes()).unwrap(),
    ];
    for text in texts {
        let encoding = Encoding::new(text);
        let refused = Error::InvalidArgument;
        assert_eq!(key.pkey_query(encoding), Err(refused), "{text:.40?}");
        assert_eq!(key.encrypt(encoding, PLAIN, &mut [0; 256]), Err(refused));
        assert_eq!(key.decrypt(encoding, RSA_ENCRYPTED, &mut [0; 256]), Err(refused));
        assert_eq!(key.sign(encoding, DIGEST, &mut [0; 256]), Err(refused));
        assert_eq!(key.verify(encoding, DIGEST, RSA_SIGNATURE), Err(refused));
    }
    // Older kernels: ENOENT.
    let refused = key.pkey_query(Encoding::new(c"enc=pkcs1 hash=nonsense")).unwrap_err();
    assert!(matches!(refused, Error::InvalidArgument | Error::NotFound), "{refused:?}");
}

// Encrypting.

/// A signature, encrypted without padding, is what was signed, padded.
#[test]
fn encrypted_as_by_hand() {
    require!(x509);
    let mut signed = vec![0xff; 256];
    signed[..2].copy_from_slice(&[0, 1]);
    signed[204] = 0;
    signed[205..224].copy_from_slice(&SHA256_PREFIX);
    signed[224..].copy_from_slice(DIGEST);
    let key = asymmetric(RSA_CERTIFICATE);
    assert_eq!(key.encrypt(Encoding::RAW, RSA_SIGNATURE, &mut [CANARY; 256]).unwrap(), signed);
}

#[test]
fn encrypting_is_random() {
    require!(x509);
    let key = asymmetric(RSA_CERTIFICATE);
    let (mut one, mut other) = ([CANARY; 256], [CANARY; 300]);
    let one = key.encrypt(Encoding::PKCS1, PLAIN, &mut one).unwrap();
    let other = key.encrypt(Encoding::PKCS1, PLAIN, &mut other).unwrap();
    assert_eq!((one.len(), other.len()), (256, 256));
    assert_ne!(one, other);
}

#[test]
fn too_much_to_encrypt() {
    require!(x509);
    let key = asymmetric(RSA_CERTIFICATE);
    let encrypt = |length| key.encrypt(Encoding::PKCS1, &vec![1; length], &mut [0; 256]).map(|out| out.len());
    assert_eq!(encrypt(0), Ok(256));
    assert_eq!(encrypt(245), Ok(256));
    assert_eq!(encrypt(246), Err(Error::Overflow));
    assert_eq!(encrypt(256), Err(Error::Overflow));
    assert_eq!(encrypt(257), Err(Error::InvalidArgument));
    assert_eq!(encrypt(1 << 17), Err(Error::InvalidArgument));
    // As a number not less than the modulus.
    assert_eq!(key.encrypt(Encoding::RAW, &[0xff; 256], &mut [0; 256]), Err(Error::InvalidArgument));
}

#[test]
fn every_kind_of_buffer() {
    require!(x509);
    let key = asymmetric(RSA_CERTIFICATE);
    let expected = key.encrypt(Encoding::RAW, RSA_SIGNATURE, &mut [0; 256]).unwrap().to_vec();
    let slice: &mut [u8] = &mut [CANARY; 1000];
    assert_eq!(key.encrypt(Encoding::RAW, RSA_SIGNATURE, slice).unwrap(), expected);
    let uninit: &mut [MaybeUninit<u8>] = &mut [MaybeUninit::uninit(); 257];
    assert_eq!(key.encrypt(Encoding::RAW, RSA_SIGNATURE, uninit).unwrap(), expected);
    assert_eq!(
        key.encrypt(Encoding::RAW, RSA_SIGNATURE, &mut [MaybeUninit::uninit(); 256]).unwrap(),
        expected
    );
}

#[test]
fn short_buffers_stay_as_they_are() {
    require!(x509);
    let key = asymmetric(RSA_CERTIFICATE);
    let needed = Err(Error::BufferTooSmall { needed: 256 });
    for length in [0, 1, 8, 255] {
        let mut memory = [CANARY; 1024];
        let buffer = &mut memory[256..256 + length];
        assert_eq!(key.encrypt(Encoding::PKCS1, PLAIN, buffer), needed, "{length}");
        assert_eq!(memory, [CANARY; 1024], "{length}");
    }
    let mut memory = [CANARY; 1024];
    key.encrypt(Encoding::PKCS1, PLAIN, &mut memory[256..600]).unwrap();
    assert_eq!(memory[..256], [CANARY; 256]);
    assert_eq!(memory[512..], [CANARY; 512]);
}

#[test]
fn buffers_before_a_wall() {
    require!(x509);
    let key = asymmetric(RSA_CERTIFICATE);
    let needed = Err(Error::BufferTooSmall { needed: 256 });
    assert_eq!(key.encrypt(Encoding::PKCS1, PLAIN, before_a_wall(0)), needed);
    assert_eq!(key.encrypt(Encoding::PKCS1, PLAIN, before_a_wall(8)), needed);
    assert_eq!(key.encrypt(Encoding::PKCS1, PLAIN, before_a_wall(256)).map(|out| out.len()), Ok(256));
}

// Decrypting and signing.

#[test]
fn decrypts_what_openssl_encrypted() {
    require!(pkcs8);
    let key = asymmetric(RSA_KEY);
    assert_eq!(key.decrypt(Encoding::PKCS1, RSA_ENCRYPTED, &mut [0; 256]).unwrap(), PLAIN);
}

#[test]
fn decrypts_what_it_encrypted() {
    require!(x509, pkcs8);
    let (public, private) = (asymmetric(RSA_CERTIFICATE), asymmetric(RSA_KEY));
    for data in [&b""[..], b"x", &[0; 245]] {
        let mut encrypted = [0; 256];
        public.encrypt(Encoding::PKCS1, data, &mut encrypted).unwrap();
        let decrypted =
            private.decrypt(Encoding::PKCS1, &encrypted, &mut [CANARY; 256]).map(|out| out.to_vec());
        // Nothing is less than some kernels take for data.
        assert!(decrypted.as_deref() == Ok(data) || data.is_empty(), "{decrypted:?}");
    }
}

/// The query allows 256 bytes, and the data are 14.
#[test]
fn short_decrypted_data() {
    require!(pkcs8);
    let key = asymmetric(RSA_KEY);
    let needed = Err(Error::BufferTooSmall { needed: 14 });
    assert_eq!(key.decrypt(Encoding::PKCS1, RSA_ENCRYPTED, before_a_wall(13)), needed);
    assert_eq!(key.decrypt(Encoding::PKCS1, RSA_ENCRYPTED, before_a_wall(14)).unwrap(), PLAIN);
    let mut memory = [CANARY; 64];
    key.decrypt(Encoding::PKCS1, RSA_ENCRYPTED, &mut memory[20..40]).unwrap();
    assert_eq!(memory[..20], [CANARY; 20]);
    assert_eq!(&memory[20..34], PLAIN);
    assert_eq!(memory[34..], [CANARY; 30]);
}

#[test]
fn garbage_to_decrypt() {
    require!(pkcs8);
    let key = asymmetric(RSA_KEY);
    let decrypt = |data: &[u8]| key.decrypt(Encoding::PKCS1, data, &mut [0; 256]).unwrap_err();
    for garbage in [&[7; 256][..], &RSA_ENCRYPTED[..255], b""] {
        let refused = decrypt(garbage);
        assert!(matches!(refused, Error::InvalidArgument | Error::Malformed), "{refused:?}");
    }
    assert_eq!(decrypt(&[7; 257]), Error::InvalidArgument);
    assert_eq!(decrypt(&[0xff; 256]), Error::InvalidArgument);
}

#[test]
fn signs_as_openssl_does() {
    require!(pkcs8);
    let key = asymmetric(RSA_KEY);
    let mut buffer = [CANARY; 300];
    let signature = key.sign(Encoding::PKCS1_SHA256, DIGEST, &mut buffer).unwrap();
    assert_eq!(signature, RSA_SIGNATURE);
    assert_eq!(key.verify(Encoding::PKCS1_SHA256, DIGEST, signature), Ok(()));
    let needed = Err(Error::BufferTooSmall { needed: 256 });
    assert_eq!(key.sign(Encoding::PKCS1_SHA256, DIGEST, before_a_wall(8)), needed);
}

#[test]
fn wrong_digest_to_sign() {
    require!(pkcs8);
    let key = asymmetric(RSA_KEY);
    let sign = |digest: &[u8]| key.sign(Encoding::PKCS1_SHA256, digest, &mut [0; 256]).map(|out| out.len());
    // Before Linux 6.13 a digest may be of any length that fits.
    assert!(matches!(sign(&[1; 31]), Err(Error::InvalidArgument) | Ok(256)));
    let refused = sign(&[1; 240]).unwrap_err();
    assert!(matches!(refused, Error::InvalidArgument | Error::Overflow), "{refused:?}");
    assert_eq!(sign(&[1; 257]), Err(Error::InvalidArgument));
}

#[test]
fn a_public_key_neither_decrypts_nor_signs() {
    require!(x509);
    let key = asymmetric(RSA_CERTIFICATE);
    let mut buffer = [CANARY; 256];
    assert_eq!(key.decrypt(Encoding::PKCS1, RSA_ENCRYPTED, &mut buffer), Err(Error::InvalidArgument));
    assert_eq!(key.sign(Encoding::PKCS1_SHA256, DIGEST, &mut buffer), Err(Error::InvalidArgument));
    assert_eq!(buffer, [CANARY; 256]);
}

#[test]
fn a_curve_does_not_encrypt() {
    require!(ecdsa);
    let key = asymmetric(P256_CERTIFICATE);
    let refused = key.encrypt(Encoding::X962_SHA256, PLAIN, &mut [0; 256]).unwrap_err();
    assert_eq!(refused, Error::InvalidArgument);
}

// Verifying.

#[test]
fn verifies_what_openssl_signed() {
    require!(x509);
    let key = asymmetric(RSA_CERTIFICATE);
    assert_eq!(key.verify(Encoding::PKCS1_SHA256, DIGEST, RSA_SIGNATURE), Ok(()));
    assert_eq!(key.verify(Encoding::PKCS1_SHA256, &[0; 32], RSA_SIGNATURE), Err(Error::KeyRejected));
}

/// A signature of 70 bytes, where the kernel reads 72.
#[test]
fn verifies_on_an_elliptic_curve() {
    require!(ecdsa);
    let key = asymmetric(P256_CERTIFICATE);
    assert_eq!(key.verify(Encoding::X962_SHA256, DIGEST, P256_SIGNATURE), Ok(()));
    let mut walled = &mut *before_a_wall(70);
    walled.copy_from_slice(P256_SIGNATURE);
    assert_eq!(key.verify(Encoding::X962_SHA256, DIGEST, walled), Ok(()));
    assert_eq!(key.verify(Encoding::X962_SHA256, &[1; 32], walled), Err(Error::KeyRejected));
    walled = &mut walled[1..];
    assert!(key.verify(Encoding::X962_SHA256, DIGEST, walled).is_err());
    for byte in 0..70 {
        let mut forged = *P256_SIGNATURE;
        forged[byte] ^= 1;
        assert!(key.verify(Encoding::X962_SHA256, DIGEST, &forged).is_err(), "{byte}");
    }
}

#[test]
fn what_is_no_signature() {
    require!(x509);
    let key = asymmetric(RSA_CERTIFICATE);
    let mut signatures = vec![[0; 256], [1; 256], [0xff; 256]];
    for bit in 0..2048 {
        let mut forged = *RSA_SIGNATURE;
        forged[bit / 8] ^= 1 << (bit % 8);
        signatures.push(forged);
    }
    for forged in signatures {
        let refused = key.verify(Encoding::PKCS1_SHA256, DIGEST, &forged).unwrap_err();
        let known = matches!(refused, Error::KeyRejected | Error::Malformed | Error::InvalidArgument);
        assert!(known, "{refused:?}");
    }
    // Nor what is one in another encoding.
    for encoding in [Encoding::PKCS1, Encoding::PKCS1_SHA512, Encoding::RAW] {
        assert!(key.verify(encoding, DIGEST, RSA_SIGNATURE).is_err(), "{encoding:?}");
    }
    let refused = key.verify(Encoding::RAW, DIGEST, RSA_SIGNATURE).unwrap_err();
    assert!(matches!(refused, Error::NotFound | Error::NotImplemented), "{refused:?}");
}

#[test]
fn signature_of_another_length() {
    require!(x509);
    let key = asymmetric(RSA_CERTIFICATE);
    for length in [0, 1, 128, 255] {
        let cut = &RSA_SIGNATURE[..length];
        assert!(key.verify(Encoding::PKCS1_SHA256, DIGEST, cut).is_err(), "{length}");
    }
    for length in [257, BOUNCE - 1, BOUNCE, BOUNCE + 1, 1 << 17] {
        let mut long = RSA_SIGNATURE.to_vec();
        long.resize(length, 0);
        let refused = key.verify(Encoding::PKCS1_SHA256, DIGEST, &long);
        assert_eq!(refused, Err(Error::InvalidArgument), "{length}");
    }
}

#[test]
fn wrong_digest_to_verify() {
    require!(x509);
    let key = asymmetric(RSA_CERTIFICATE);
    for length in [0, 31, 33] {
        let mut digest = DIGEST.to_vec();
        digest.resize(length, 0);
        // Before Linux 6.13 a digest of another length is one that was not signed.
        let refused = key.verify(Encoding::PKCS1_SHA256, &digest, RSA_SIGNATURE).unwrap_err();
        assert!(matches!(refused, Error::InvalidArgument | Error::KeyRejected), "{length}: {refused:?}");
    }
    for length in [257, 1 << 17] {
        let refused = key.verify(Encoding::PKCS1_SHA256, &vec![0; length], RSA_SIGNATURE);
        assert_eq!(refused, Err(Error::InvalidArgument), "{length}");
    }
}

/// Where the kernel, handed these slices, would read on and answer EFAULT.
#[test]
fn slices_before_a_wall() {
    require!(x509);
    let key = asymmetric(RSA_CERTIFICATE);
    let (digest, signature, cut) = (before_a_wall(32), before_a_wall(256), before_a_wall(255));
    digest.copy_from_slice(DIGEST);
    signature.copy_from_slice(RSA_SIGNATURE);
    cut.copy_from_slice(&RSA_SIGNATURE[..255]);
    assert_eq!(key.verify(Encoding::PKCS1_SHA256, digest, signature), Ok(()));
    for short in [&cut[..], before_a_wall(0)] {
        let refused = key.verify(Encoding::PKCS1_SHA256, digest, short).unwrap_err();
        assert_ne!(refused, Error::BadAddress);
    }
    assert_eq!(key.encrypt(Encoding::PKCS1, digest, &mut [0; 256]).map(|out| out.len()), Ok(256));
}

// Which key.

/// What each operation answers, in PKCS#1.
fn refusals(key: Key) -> [Error; 5] {
    let [encrypt, decrypt, sign, verify] = refused_operations(key);
    [key.pkey_query(Encoding::PKCS1).unwrap_err(), encrypt, decrypt, sign, verify]
}

fn refused_operations(key: Key) -> [Error; 4] {
    [
        key.encrypt(Encoding::PKCS1, PLAIN, &mut [0; 256]).unwrap_err(),
        key.decrypt(Encoding::PKCS1, RSA_ENCRYPTED, &mut [0; 256]).unwrap_err(),
        key.sign(Encoding::PKCS1, DIGEST, &mut [0; 256]).unwrap_err(),
        key.verify(Encoding::PKCS1, DIGEST, RSA_SIGNATURE).unwrap_err(),
    ]
}

#[test]
fn a_key_of_another_type() {
    require!(keyctl);
    assert_eq!(refusals(key_in(new_keyring())), [Error::Unsupported; 5]);
    assert_eq!(refusals(*new_keyring()), [Error::Unsupported; 5]);
}

#[test]
fn absent_feature_is_unsupported() {
    require!(keyctl);
    only_without!(asymmetric);
    let nothing = Key::from(KeySerial::from_raw(i32::MAX).unwrap());
    assert_eq!(refusals(nothing), [Error::Unsupported; 5]);
}

#[test]
fn the_key_must_be_there_and_grant_search() {
    require!(x509);
    let key = asymmetric(RSA_CERTIFICATE);
    // To the possessor all but search.
    raw::set_permissions(key, 0x3700_0000).unwrap();
    assert_eq!(refusals(key), [Error::AccessDenied; 5]);

    let key = asymmetric(RSA_CERTIFICATE);
    raw::revoke(key).unwrap();
    assert_eq!(refusals(key), [Error::KeyRevoked; 5]);

    let key = asymmetric(RSA_CERTIFICATE);
    raw::set_timeout(key, 1).unwrap();
    until(Err(Error::KeyExpired), || key.pkey_query(Encoding::PKCS1));
    assert_eq!(refusals(key), [Error::KeyExpired; 5]);

    let key = asymmetric(RSA_CERTIFICATE);
    raw::invalidate(key).unwrap();
    assert_eq!(refusals(key), [Error::NoKey; 5]);

    let no_id = Key::from(KeySerial::from_raw(-9).unwrap());
    assert_eq!(refusals(no_id), [Error::InvalidArgument; 5]);
}

#[test]
fn private_keys_are_malformed_without_pkcs8() {
    require!(asymmetric);
    only_without!(pkcs8);
    let refused = raw::add_key(c"asymmetric", &unique(), RSA_KEY, Keyring::THREAD);
    assert_eq!(refused, Err(Error::Malformed));
}

#[test]
fn curves_are_not_found_without_ecdsa() {
    require!(x509);
    only_without!(ecdsa);
    // Kernels that do not know the curve's name refuse the certificate.
    let refused = match raw::add_key(c"asymmetric", &unique(), P256_CERTIFICATE, Keyring::THREAD) {
        Ok(key) => key.pkey_query(Encoding::X962_SHA256).unwrap_err(),
        Err(refused) => refused,
    };
    assert!(matches!(refused, Error::NotFound | Error::NoAlgorithm), "{refused:?}");
}

// As the kernel sees it, whatever the kernel has.

/// A key that need not be there.
fn some_key() -> Key {
    KeySerial::from_raw(0x1234_5678).unwrap().into()
}

/// `struct keyctl_pkey_query`, with these maxima.
fn query(data: u16, signature: u16, encrypted: u16, decrypted: u16) -> [u8; 56] {
    let mut query = [0xff; 56];
    query[..4].copy_from_slice(&0x8000_0009u32.to_ne_bytes());
    query[4..8].copy_from_slice(&4096u32.to_ne_bytes());
    for (field, max) in query[8..16].chunks_exact_mut(2).zip([data, signature, encrypted, decrypted]) {
        field.copy_from_slice(&max.to_ne_bytes());
    }
    query
}

/// `struct keyctl_pkey_params`
fn params(key: Key, input: u32, output: u32) -> [u8; 40] {
    let mut params = [0; 40];
    params[..4].copy_from_slice(&key.serial().as_raw().to_ne_bytes());
    params[4..8].copy_from_slice(&input.to_ne_bytes());
    params[8..12].copy_from_slice(&output.to_ne_bytes());
    params
}

/// Runs `f` where each maximum is `max`, and the operations are answered by `kernel`.
fn with_maximum<T: Send>(
    max: u16,
    mut kernel: impl FnMut(Call) -> i64 + Send,
    f: impl FnOnce() -> T + Send,
) -> T {
    let kernel = |call: Call| if call.op == QUERY { tell_maxima(call, max) } else { kernel(call) };
    impostor::reign(&ALL, kernel, f)
}

/// Answers a query.
fn tell_maxima(call: Call, max: u16) -> i64 {
    call.write(4, &query(max, max, max, max));
    0
}

#[test]
fn query_as_the_kernel_sees_it() {
    require!(impostor);
    let kernel = |call: Call| {
        assert_eq!(call.args[1], 0x1234_5678);
        assert_eq!(call.args[2], 0);
        assert_eq!(call.slice(3, 22), b"enc=pkcs1 hash=sha256\0");
        call.write(4, &query(1, 2, 3, u16::MAX));
        0
    };
    let found = impostor::reign(&[QUERY], kernel, || some_key().pkey_query(Encoding::PKCS1_SHA256)).unwrap();
    assert_eq!(found.operations.bits(), 0x8000_0009);
    assert_eq!(found.key_bits, 4096);
    let maxima = (found.max_data, found.max_signature, found.max_encrypted, found.max_decrypted);
    assert_eq!(maxima, (1, 2, 3, 65535));
}

#[test]
fn operations_as_the_kernel_sees_them() {
    require!(impostor);
    for ((op, transform), maximum) in TRANSFORMS.into_iter().zip([300, 400, 200]) {
        let kernel = |call: Call| {
            if call.op == QUERY {
                call.write(4, &query(100, 200, 300, 400));
                return 0;
            }
            assert_eq!(call.bytes::<40>(1), params(some_key(), 5, maximum));
            assert_eq!(call.slice(2, 10), b"enc=pkcs1\0");
            assert_eq!(call.slice(3, 5), b"input");
            call.write(4, b"output");
            6
        };
        let mut buffer = [CANARY; 8];
        impostor::reign(&[QUERY, op], kernel, || {
            assert_eq!(transform(some_key(), b"input", &mut buffer).unwrap(), b"output");
        });
        assert_eq!(&buffer, b"output\xa5\xa5");
    }
}

#[test]
fn verification_as_the_kernel_sees_it() {
    require!(impostor);
    let long = [7; BOUNCE + 2];
    for signature in [&b""[..], b"signature", &long[..BOUNCE], &long] {
        let kernel = |call: Call| {
            let length = signature.len();
            assert_eq!(call.bytes::<40>(1), params(some_key(), 6, length.try_into().unwrap()));
            assert_eq!(call.slice(2, 10), b"enc=pkcs1\0");
            assert_eq!(call.slice(3, 6), b"digest");
            // What the kernel reads is zeros from the signature's end on, as far as any key goes.
            let mut padded = signature.to_vec();
            padded.resize(BOUNCE, 0);
            assert_eq!(call.slice(4, BOUNCE), padded);
            0
        };
        let verify = || some_key().verify(Encoding::PKCS1, b"digest", signature);
        assert_eq!(with_maximum(8192, kernel, verify), Ok(()));
    }
}

#[test]
fn every_error_number_arrives() {
    require!(impostor);
    impostor::refusals_arrive(&[QUERY], |_, reply| reply, || refusals(some_key()));
    let kernel = |call: Call, reply| if call.op == QUERY { tell_maxima(call, 256) } else { reply };
    impostor::refusals_arrive(&ALL, kernel, || refused_operations(some_key()));
}

#[test]
fn a_sandbox_may_refuse_only_the_operation() {
    require!(x509, seccomp);
    in_thread(|| {
        let key = asymmetric(RSA_CERTIFICATE);
        seccomp::answer(op::PKEY_ENCRYPT.number(), libc::EPERM.try_into().unwrap());
        assert_eq!(key.encrypt(Encoding::PKCS1, PLAIN, &mut [0; 256]), Err(Error::NotPermitted));
        assert!(key.pkey_query(Encoding::PKCS1).is_ok());
    });
}

// A kernel that lies.

/// The query spoke of a key without any results; the real kernel goes by the key that is there.
#[test]
fn a_larger_key_by_the_second_call() {
    require!(x509, seccomp);
    in_thread(|| {
        let key = asymmetric(RSA_CERTIFICATE);
        seccomp::answer(QUERY, 0);
        let mut memory = [CANARY; 2048];
        let encrypted = key.encrypt(Encoding::PKCS1, PLAIN, &mut memory[1000..1008]);
        // Before 2026 the kernel goes by what it is told here, and so has no room for what it makes.
        assert!(matches!(encrypted, Err(Error::UnexpectedReply | Error::Overflow)), "{encrypted:?}");
        assert_eq!(memory, [CANARY; 2048]);
        assert_eq!(key.verify(Encoding::PKCS1_SHA256, DIGEST, RSA_SIGNATURE), Ok(()));
    });
}

/// As large as there is room for, in what the operations work on.
#[test]
fn the_largest_results() {
    require!(impostor);
    let kernel = |call: Call| {
        call.write(4, &[0x5a; BOUNCE]);
        8192
    };
    with_maximum(8192, kernel, || {
        for (_, transform) in TRANSFORMS {
            let mut buffer = [CANARY; BOUNCE + 1];
            assert_eq!(transform(some_key(), b"", &mut buffer).unwrap(), [0x5a; BOUNCE]);
            assert_eq!(buffer[BOUNCE], CANARY);
            let needed = Err(Error::BufferTooSmall { needed: 8192 });
            assert_eq!(transform(some_key(), b"", &mut [0; BOUNCE - 1]), needed);
        }
    });
}

#[test]
fn a_maximum_beyond_what_we_have_room_for() {
    require!(impostor);
    for max in [8193, u16::MAX] {
        let refused = Error::UnexpectedReply;
        let kernel = |_: Call| panic!("asked all the same");
        with_maximum(max, kernel, || {
            for (_, transform) in TRANSFORMS {
                assert_eq!(transform(some_key(), b"", &mut [0; 1 << 16]), Err(refused));
            }
            assert_eq!(some_key().verify(Encoding::PKCS1, DIGEST, RSA_SIGNATURE), Err(refused));
        });
    }
}

#[test]
fn results_longer_than_the_maximum() {
    require!(impostor);
    for length in [257, 8192, 8193, 1 << 31, LONGEST] {
        with_maximum(
            256,
            |_| length,
            || {
                for (_, transform) in TRANSFORMS {
                    let mut buffer = [CANARY; 1 << 14];
                    assert_eq!(
                        transform(some_key(), b"", &mut buffer),
                        Err(Error::UnexpectedReply),
                        "{length}"
                    );
                    assert!(buffer.iter().all(|&byte| byte == CANARY));
                }
                assert_eq!(some_key().verify(Encoding::PKCS1, b"", b""), Err(Error::UnexpectedReply));
            },
        );
    }
}

/// What was never written is zeros, and not what the stack held before.
#[test]
fn results_that_were_not_written() {
    require!(impostor);
    with_maximum(
        256,
        |_| 256,
        || {
            for (_, transform) in TRANSFORMS {
                assert_eq!(transform(some_key(), b"", &mut [CANARY; 256]).unwrap(), [0; 256]);
            }
        },
    );
}

/// The memory that the kernel wrote to holds nothing of it when the call is over, nor when it failed.
#[test]
fn nothing_is_left_on_the_stack() {
    require!(impostor);
    for reply in [8192, 8193, -1] {
        let (place, left) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let kernel = |call: Call| {
            if call.op == VERIFY {
                // The same thread, in a later call: its stack has been there all the time.
                let stack = Call { args: [place.load(Ordering::Relaxed); 6], ..call }.slice(0, BOUNCE);
                left.store(stack.iter().filter(|&&byte| byte == 0x77).count(), Ordering::Relaxed);
                return 0;
            }
            place.store(call.args[4], Ordering::Relaxed);
            call.write(4, &[0x77; BOUNCE]);
            reply
        };
        with_maximum(8192, kernel, || {
            let _ = some_key().decrypt(Encoding::PKCS1, b"", &mut [0; 16]);
            assert_ne!(place.load(Ordering::Relaxed), 0);
            // SAFETY: verifies nothing; addresses that nobody looks at.
            let verified = unsafe {
                keyctl::syscall::keyctl(VERIFY, 0u32.into(), 0u32.into(), 0u32.into(), 0u32.into())
            };
            assert_eq!(verified, Ok(0));
        });
        assert!(left.load(Ordering::Relaxed) < 64, "{} bytes, after {reply}", left.load(Ordering::Relaxed));
    }
}

#[cfg(feature = "alloc")]
mod vec {
    use super::*;

    #[test]
    fn grows() {
        require!(x509);
        let key = asymmetric(RSA_CERTIFICATE);
        let mut result = vec![1, 2, 3];
        key.encrypt(Encoding::RAW, RSA_SIGNATURE, &mut result).unwrap();
        assert_eq!(result.len(), 256);
        assert_eq!(result[224..], *DIGEST);
    }

    /// It grows after the one operation, whose result is kept so long.
    #[test]
    fn is_asked_for_once() {
        require!(impostor);
        let asked = AtomicUsize::new(0);
        let kernel = |call: Call| {
            asked.fetch_add(1, Ordering::Relaxed);
            call.write(4, &[0x5a; 5000]);
            5000
        };
        let mut result = Vec::new();
        with_maximum(8192, kernel, || some_key().sign(Encoding::PKCS1, b"", &mut result).map(drop)).unwrap();
        assert_eq!(result, [0x5a; 5000]);
        assert_eq!(asked.into_inner(), 1);
    }
}
