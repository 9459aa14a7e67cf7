//! Public-key operations: the kernel encrypts, decrypts, signs and verifies with a key of type `asymmetric`.
//!
//! A public key comes out of an X.509 certificate, expired or not, a private one out of PKCS#8, both in
//! DER: add them as [`KeyType::ASYMMETRIC`](crate::KeyType::ASYMMETRIC). From then on the private half
//! does not leave the kernel. The operations are methods of [`Key`]: [`pkey_query`](Key::pkey_query),
//! [`encrypt`](Key::encrypt), [`decrypt`](Key::decrypt), [`sign`](Key::sign) and [`verify`](Key::verify).
//!
//! The kernel **does not hash**: what is signed or verified is the digest of a message.
//!
//! # What it costs
//!
//! Each operation but the query is **two** system calls, and 8 KiB of stack. The kernel goes by the
//! sizes of the key and not by those of the buffers: it writes a whole result past the end of a short
//! buffer, and reads a whole signature past the end of a short one. So the sizes are asked first, and the
//! kernel works on memory of our own, which holds what any key of any kernel makes (RSA: 2048 bytes at
//! most; ML-DSA: 4627), even if the serial should have come to name another key between the two calls.
//! Afterwards it is wiped. The asking is some hundredths of the time that an RSA-2048 operation takes.
//!
//! # Safety
//!
//! The calls here hand the kernel a text, two structures and data to read, and memory to write: never
//! the caller's own.
#![allow(unsafe_code)]

use core::ffi::CStr;
use core::mem::MaybeUninit;
use core::ptr;

use crate::buffer::{Buffer, wipe};
use crate::errors::{Error, Result};
use crate::key::Key;
use crate::reply::Reply;
use crate::serial::KeySerial;
use crate::syscall::{self, Arg, op};

/// How a number that a public-key algorithm works on is made of data: an encoding and a hash.
///
/// To the kernel it is a text, `enc=<encoding> hash=<hash>`, with either left out where there is none.
/// The constants are those in common use; [`new`](Self::new) takes any other.
///
/// | keys | operations | encodings |
/// | --- | --- | --- |
/// | RSA | encrypt, decrypt | [`PKCS1`](Self::PKCS1), [`RAW`](Self::RAW) |
/// | RSA | sign, verify | [`PKCS1_SHA256`](Self::PKCS1_SHA256) and the like |
/// | ECDSA | verify | [`X962_SHA256`](Self::X962_SHA256) and the like; Linux 6.13 also `enc=p1363` |
/// | ECRDSA | verify | `enc=raw hash=streebog256` |
/// | ML-DSA | verify | `enc=raw hash=none` (the message itself) |
///
/// # Examples
///
/// ```
/// use keyctl::pkey::Encoding;
///
/// assert_eq!(Encoding::PKCS1_SHA256.text(), c"enc=pkcs1 hash=sha256");
/// const LEGACY: Encoding = Encoding::new(c"enc=pkcs1 hash=sha1");
/// ```
///
/// # References
///
/// - [`keyctl_pkey_query(3)`](https://man7.org/linux/man-pages/man3/keyctl_pkey_query.3.html)
/// - `security/keys/keyctl_pkey.c`, `crypto/asymmetric_keys/public_key.c`
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Encoding<'a>(&'a CStr);

impl Encoding<'static> {
    /// None: the number itself, without any padding. Not safe by itself.
    pub const RAW: Self = Self(c"");
    /// PKCS#1 v1.5, for encrypting; for a signature without the name of a hash, see the others.
    pub const PKCS1: Self = Self(c"enc=pkcs1");
    /// PKCS#1 v1.5, of a SHA-256 digest.
    pub const PKCS1_SHA256: Self = Self(c"enc=pkcs1 hash=sha256");
    /// PKCS#1 v1.5, of a SHA-384 digest.
    pub const PKCS1_SHA384: Self = Self(c"enc=pkcs1 hash=sha384");
    /// PKCS#1 v1.5, of a SHA-512 digest.
    pub const PKCS1_SHA512: Self = Self(c"enc=pkcs1 hash=sha512");
    /// X9.62, two numbers in DER, of a SHA-256 digest.
    pub const X962_SHA256: Self = Self(c"enc=x962 hash=sha256");
    /// X9.62, two numbers in DER, of a SHA-384 digest.
    pub const X962_SHA384: Self = Self(c"enc=x962 hash=sha384");
    /// X9.62, two numbers in DER, of a SHA-512 digest.
    pub const X962_SHA512: Self = Self(c"enc=x962 hash=sha512");
}

impl<'a> Encoding<'a> {
    /// Any other, as the kernel's text. What it does not know, it refuses as
    /// [`InvalidArgument`](Error::InvalidArgument).
    #[inline]
    #[must_use]
    pub const fn new(text: &'a CStr) -> Self {
        Self(text)
    }

    /// The kernel's text.
    #[inline]
    #[must_use]
    pub const fn text(self) -> &'a CStr {
        self.0
    }
}

bitflags::bitflags! {
    /// What can be done with a key.
    #[repr(transparent)]
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
    pub struct Operations: u32 {
        /// [`Key::encrypt`].
        #[doc(alias = "KEYCTL_SUPPORTS_ENCRYPT")]
        const ENCRYPT = 1 << 0;
        /// [`Key::decrypt`].
        #[doc(alias = "KEYCTL_SUPPORTS_DECRYPT")]
        const DECRYPT = 1 << 1;
        /// [`Key::sign`].
        #[doc(alias = "KEYCTL_SUPPORTS_SIGN")]
        const SIGN = 1 << 2;
        /// [`Key::verify`].
        #[doc(alias = "KEYCTL_SUPPORTS_VERIFY")]
        const VERIFY = 1 << 3;
        // Bits that a later kernel may define are kept.
        const _ = !0;
    }
}

/// What can be done with a key in one encoding, and how large things are then: see [`Key::pkey_query`].
#[doc(alias = "keyctl_pkey_query")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Query {
    /// What can be done with it.
    pub operations: Operations,
    /// The size of the key, in bits.
    pub key_bits: u32,
    /// The most bytes that are signed or verified: of a digest, for most keys.
    pub max_data: usize,
    /// The most bytes of a signature.
    pub max_signature: usize,
    /// The most bytes of what is encrypted.
    pub max_encrypted: usize,
    /// The most bytes of what is not encrypted, the padding of the encoding included.
    pub max_decrypted: usize,
}

/// `struct keyctl_pkey_query`
#[repr(C)]
#[derive(Default)]
struct RawQuery {
    supported_ops: u32,
    key_size: u32,
    max_data_size: u16,
    max_sig_size: u16,
    max_enc_size: u16,
    max_dec_size: u16,
    spare: [u32; 10],
}

/// `struct keyctl_pkey_params`
#[repr(C)]
struct Params {
    key_id: KeySerial,
    in_len: u32,
    /// Also `in2_len`.
    out_len: u32,
    spare: [u32; 7],
}

// The kernel copies so many bytes.
const _: () = assert!(size_of::<RawQuery>() == 56 && size_of::<Params>() == 40);

impl Params {
    /// Longer than 32 bits hold is longer than the kernel takes, and shorter than what is there.
    #[inline]
    fn new(key: Key, input: usize, output: usize) -> Self {
        let narrow = |length| u32::try_from(length).unwrap_or(u32::MAX);
        Self { key_id: key.serial(), in_len: narrow(input), out_len: narrow(output), spare: [0; 7] }
    }
}

/// No key of any kernel has a result or a signature of more bytes. Its own `max_*_size` have 16 bits.
const BOUNCE: usize = 8192;

/// Where the kernel writes, in words, which are quicker wiped than bytes. Zeros at first: so its answer is
/// bytes, whatever length it claims to have written.
struct Bounce([MaybeUninit<u64>; BOUNCE / size_of::<u64>()]);

impl Drop for Bounce {
    #[inline]
    fn drop(&mut self) {
        wipe(&mut self.0);
    }
}

impl Key {
    /// `keyctl(KEYCTL_PKEY_QUERY, key, 0, encoding, result)`—Asks what can be done with an asymmetric key in
    /// this encoding. Linux 4.20.
    ///
    /// # Errors
    ///
    /// | error | number | cause |
    /// | --- | --- | --- |
    /// | [`Unsupported`](Error::Unsupported) | `EOPNOTSUPP` | a key of another type; a kernel before 4.20 or without `CONFIG_ASYMMETRIC_KEY_TYPE` |
    /// | [`InvalidArgument`](Error::InvalidArgument) | `EINVAL` | the encoding or its hash is unknown, or not for this key |
    /// | [`NotFound`](Error::NotFound), [`NoAlgorithm`](Error::NoAlgorithm) | `ENOENT`, `ENOPKG` | the kernel lacks the key's algorithm, or (`ENOENT`, older kernels) does not know the hash |
    /// | [`AccessDenied`](Error::AccessDenied) | `EACCES` | the key does not grant search |
    /// | [`NoKey`](Error::NoKey), [`KeyExpired`](Error::KeyExpired), [`KeyRevoked`](Error::KeyRevoked) | `ENOKEY`, `EKEYEXPIRED`, `EKEYREVOKED` | there is no such key any more |
    /// | [`OutOfMemory`](Error::OutOfMemory) | `ENOMEM` | |
    /// | any | | a negative key answers the number that its maker chose |
    ///
    /// # Examples
    ///
    /// ```
    /// use keyctl::pkey::{Encoding, Operations};
    /// use keyctl::{Error, KeyType, Keyring};
    ///
    /// # fn main() -> Result<(), Error> {
    /// # let certificate = include_bytes!("../tests/fixtures/rsa2048.cert.der");
    /// # let key = Keyring::PROCESS.add_key(KeyType::ASYMMETRIC, c"", certificate);
    /// # let Ok(key) = key else { return Ok(()) };
    /// let found = key.pkey_query(Encoding::PKCS1_SHA256)?;
    /// assert!(found.operations.contains(Operations::VERIFY));
    /// assert_eq!((found.key_bits, found.max_signature), (2048, 256));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # References
    ///
    /// - [`keyctl_pkey_query(3)`](https://man7.org/linux/man-pages/man3/keyctl_pkey_query.3.html)
    /// - `security/keys/keyctl_pkey.c`
    #[doc(alias = "keyctl_pkey_query")]
    #[doc(alias = "KEYCTL_PKEY_QUERY")]
    #[inline]
    pub fn pkey_query(self, encoding: Encoding<'_>) -> Result<Query> {
        let mut found = RawQuery::default();
        let (text, result) = (encoding.text().into(), (&raw mut found).into());
        // SAFETY: a text that ends in NUL, and the 56 bytes of a structure of our own to write.
        unsafe {
            syscall::keyctl_raw(op::PKEY_QUERY.number(), self.serial().into(), Arg::ZERO, text, result)
        }
        .done()?;
        Ok(Query {
            operations: Operations::from_bits_retain(found.supported_ops),
            key_bits: found.key_size,
            max_data: found.max_data_size.into(),
            max_signature: found.max_sig_size.into(),
            max_encrypted: found.max_enc_size.into(),
            max_decrypted: found.max_dec_size.into(),
        })
    }

    /// `keyctl(KEYCTL_PKEY_ENCRYPT, params, encoding, data, buffer)`—Encrypts with an asymmetric key.
    /// Linux 4.20.
    ///
    /// What comes out is as long as the key is, 256 bytes for RSA-2048, and what goes in may be as long,
    /// less what the encoding adds: 11 bytes for [`PKCS1`](Encoding::PKCS1).
    ///
    /// # Errors
    ///
    /// | error | number | cause |
    /// | --- | --- | --- |
    /// | [`BufferTooSmall`](Error::BufferTooSmall) | | and how large the result is: see [`Buffer`]. Nothing of it is written |
    /// | [`InvalidArgument`](Error::InvalidArgument) | `EINVAL` | the data are longer than the key, or, as a number, not less than the modulus (nor, as of late, 0 or 1); or this is no key for that |
    /// | [`Overflow`](Error::Overflow) | `EOVERFLOW` | the data leave no place for what the encoding adds |
    /// | [`NotImplemented`](Error::NotImplemented) | `ENOSYS` | the key's algorithm does not encrypt; or a sandbox |
    /// | [`UnexpectedReply`](Error::UnexpectedReply) | | the result is longer than the query allows, or than 8192 bytes |
    ///
    /// and those of [`pkey_query`](Self::pkey_query).
    ///
    /// # Examples
    ///
    /// ```
    /// use keyctl::pkey::Encoding;
    /// use keyctl::{KeyType, Keyring};
    ///
    /// # fn main() -> Result<(), keyctl::Error> {
    /// # let certificate = include_bytes!("../tests/fixtures/rsa2048.cert.der");
    /// # let key = Keyring::PROCESS.add_key(KeyType::ASYMMETRIC, c"", certificate);
    /// # let Ok(key) = key else { return Ok(()) };
    /// let mut buffer = [0; 512];
    /// let encrypted = key.encrypt(Encoding::PKCS1, b"attack at dawn", &mut buffer)?;
    /// assert_eq!(encrypted.len(), 256);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # References
    ///
    /// - [`keyctl_pkey_encrypt(3)`](https://man7.org/linux/man-pages/man3/keyctl_pkey_encrypt.3.html)
    /// - `security/keys/keyctl_pkey.c`
    #[doc(alias = "keyctl_pkey_encrypt")]
    #[doc(alias = "KEYCTL_PKEY_ENCRYPT")]
    #[inline]
    pub fn encrypt<'a>(
        self,
        encoding: Encoding<'_>,
        data: &[u8],
        buffer: impl Buffer<'a>,
    ) -> Result<&'a mut [u8]> {
        self.transform(op::PKEY_ENCRYPT, |query| query.max_encrypted, encoding, data, buffer)
    }

    /// `keyctl(KEYCTL_PKEY_DECRYPT, params, encoding, data, buffer)`—Decrypts with a private key. Linux 4.20.
    ///
    /// The result in `buffer` is a secret, and the caller's to wipe.
    ///
    /// # Errors
    ///
    /// | error | number | cause |
    /// | --- | --- | --- |
    /// | [`InvalidArgument`](Error::InvalidArgument) | `EINVAL` | the key is a public one; or the data are not of its length, or not so encoded |
    /// | [`Malformed`](Error::Malformed) | `EBADMSG` | the data are not so encoded |
    ///
    /// and those of [`encrypt`](Self::encrypt).
    ///
    /// Anyone who can make this program decrypt what they like, and sees *how* it fails, can decrypt and sign
    /// anything (Bleichenbacher's attack on PKCS#1 v1.5): to others, let all errors look the same.
    ///
    /// # Examples
    ///
    /// ```
    /// use keyctl::pkey::Encoding;
    /// use keyctl::{KeyType, Keyring};
    ///
    /// # fn main() -> Result<(), keyctl::Error> {
    /// # let pkcs8 = include_bytes!("../tests/fixtures/rsa2048.key.der");
    /// # let key = Keyring::PROCESS.add_key(KeyType::ASYMMETRIC, c"keyctl:doc:decrypt", pkcs8);
    /// # let Ok(key) = key else { return Ok(()) };
    /// # let mut buffer = [0; 256];
    /// # let encrypted = key.encrypt(Encoding::PKCS1, b"attack at dawn", &mut buffer)?;
    /// let mut buffer = [0; 256];
    /// assert_eq!(key.decrypt(Encoding::PKCS1, encrypted, &mut buffer)?, b"attack at dawn");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # References
    ///
    /// - [`keyctl_pkey_decrypt(3)`](https://man7.org/linux/man-pages/man3/keyctl_pkey_decrypt.3.html)
    /// - `security/keys/keyctl_pkey.c`
    #[doc(alias = "keyctl_pkey_decrypt")]
    #[doc(alias = "KEYCTL_PKEY_DECRYPT")]
    #[inline]
    pub fn decrypt<'a>(
        self,
        encoding: Encoding<'_>,
        data: &[u8],
        buffer: impl Buffer<'a>,
    ) -> Result<&'a mut [u8]> {
        self.transform(op::PKEY_DECRYPT, |query| query.max_decrypted, encoding, data, buffer)
    }

    /// `keyctl(KEYCTL_PKEY_SIGN, params, encoding, digest, buffer)`—Signs a digest with a private key.
    /// Linux 4.20.
    ///
    /// # Errors
    ///
    /// | error | number | cause |
    /// | --- | --- | --- |
    /// | [`InvalidArgument`](Error::InvalidArgument) | `EINVAL` | the key is a public one; or the digest is not of the hash's length (Linux 6.13), or longer than the key |
    ///
    /// and those of [`encrypt`](Self::encrypt).
    ///
    /// # Examples
    ///
    /// ```
    /// use keyctl::pkey::Encoding;
    /// use keyctl::{KeyType, Keyring};
    ///
    /// # fn main() -> Result<(), keyctl::Error> {
    /// # let pkcs8 = include_bytes!("../tests/fixtures/rsa2048.key.der");
    /// # let key = Keyring::PROCESS.add_key(KeyType::ASYMMETRIC, c"keyctl:doc:sign", pkcs8);
    /// # let Ok(key) = key else { return Ok(()) };
    /// # let digest = include_bytes!("../tests/fixtures/digest");
    /// let mut buffer = [0; 512];
    /// let signature = key.sign(Encoding::PKCS1_SHA256, digest, &mut buffer)?;
    /// key.verify(Encoding::PKCS1_SHA256, digest, signature)?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # References
    ///
    /// - [`keyctl_pkey_sign(3)`](https://man7.org/linux/man-pages/man3/keyctl_pkey_sign.3.html)
    /// - `security/keys/keyctl_pkey.c`
    #[doc(alias = "keyctl_pkey_sign")]
    #[doc(alias = "KEYCTL_PKEY_SIGN")]
    #[inline]
    pub fn sign<'a>(
        self,
        encoding: Encoding<'_>,
        digest: &[u8],
        buffer: impl Buffer<'a>,
    ) -> Result<&'a mut [u8]> {
        self.transform(op::PKEY_SIGN, |query| query.max_signature, encoding, digest, buffer)
    }

    /// `keyctl(KEYCTL_PKEY_VERIFY, params, encoding, digest, signature)`—Verifies the signature of a digest.
    /// Linux 4.20.
    ///
    /// **Whatever comes back but `Ok`, the signature is not verified**: to tell a forgery from a mistake in
    /// the call, [`KeyRejected`](Error::KeyRejected) is not enough. The kernel takes a short signature as if
    /// zeros followed it.
    ///
    /// # Errors
    ///
    /// | error | number | cause |
    /// | --- | --- | --- |
    /// | [`KeyRejected`](Error::KeyRejected) | `EKEYREJECTED` | it is this key's signature of something else; for ECDSA, or no signature at all |
    /// | [`InvalidArgument`](Error::InvalidArgument), [`Malformed`](Error::Malformed) | `EINVAL`, `EBADMSG` | it is no signature by this key: for RSA, a wrong bit is enough |
    /// | [`InvalidArgument`](Error::InvalidArgument) | `EINVAL` | the signature or the digest is too long, or the digest is not of the hash's length (Linux 6.13) |
    /// | [`NotFound`](Error::NotFound), [`NotImplemented`](Error::NotImplemented) | `ENOENT`, `ENOSYS` | [`RAW`](Encoding::RAW) with an RSA key, which does not verify |
    /// | [`UnexpectedReply`](Error::UnexpectedReply) | | signatures of this key are longer than 8192 bytes |
    ///
    /// and those of [`pkey_query`](Self::pkey_query).
    ///
    /// # Examples
    ///
    /// ```
    /// use keyctl::pkey::Encoding;
    /// use keyctl::{Error, KeyType, Keyring};
    ///
    /// # fn main() -> Result<(), Error> {
    /// # let certificate = include_bytes!("../tests/fixtures/rsa2048.cert.der");
    /// # let key = Keyring::PROCESS.add_key(KeyType::ASYMMETRIC, c"", certificate);
    /// # let Ok(key) = key else { return Ok(()) };
    /// # let digest = include_bytes!("../tests/fixtures/digest");
    /// # let signature = include_bytes!("../tests/fixtures/rsa2048.signature");
    /// key.verify(Encoding::PKCS1_SHA256, digest, signature)?;
    /// let forged = key.verify(Encoding::PKCS1_SHA256, &[0; 32], signature);
    /// assert_eq!(forged, Err(Error::KeyRejected));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # References
    ///
    /// - [`keyctl_pkey_verify(3)`](https://man7.org/linux/man-pages/man3/keyctl_pkey_verify.3.html)
    /// - `security/keys/keyctl_pkey.c`
    #[doc(alias = "keyctl_pkey_verify")]
    #[doc(alias = "KEYCTL_PKEY_VERIFY")]
    pub fn verify(self, encoding: Encoding<'_>, digest: &[u8], signature: &[u8]) -> Result<()> {
        within_bounce(self.pkey_query(encoding)?.max_signature)?;
        // A longer one is cut short, and refused for the length that it has.
        let mut padded = [0u8; BOUNCE];
        padded.iter_mut().zip(signature).for_each(|(to, &from)| *to = from);
        let params = Params::new(self, digest.len(), signature.len());
        let (digest, signature) = (digest.as_ptr().into(), padded.as_ptr().into());
        // SAFETY: a structure of our own, a text that ends in NUL, and the bytes of a slice. Of the
        // signature the kernel reads its key's maximum whatever we say, and these bytes are as many.
        unsafe {
            syscall::keyctl_raw(
                op::PKEY_VERIFY.number(),
                (&raw const params).into(),
                encoding.text().into(),
                digest,
                signature,
            )
        }
        .done()
    }

    /// The operations that make bytes of bytes. Out of line, for its stack.
    #[inline(never)]
    fn transform<'a>(
        self,
        op: op::Pointed,
        maximum: fn(&Query) -> usize,
        encoding: Encoding<'_>,
        input: &[u8],
        buffer: impl Buffer<'a>,
    ) -> Result<&'a mut [u8]> {
        let mut bounce = Bounce([const { MaybeUninit::zeroed() }; BOUNCE / size_of::<u64>()]);
        let maximum = maximum(&self.pkey_query(encoding)?);
        let reply = self.transformed(op, maximum, encoding, input, &mut bounce)?;
        let result = bounce.0.as_ptr().cast::<u8>();
        let copy = |start: *mut u8, room: usize| {
            if let Some(length) = reply.length(room) {
                // SAFETY: so many bytes are in `bounce`, as `transformed` saw to; and there is room for
                // them where `filled_by` says, which is the caller's memory, not this function's.
                unsafe { ptr::copy_nonoverlapping(result, start, length) };
            }
            reply
        };
        // SAFETY: no more than `room` bytes are written, and where the reply is no more, all of them.
        unsafe { buffer.filled_by(copy) }
    }

    /// Has the kernel write into `bounce`, and looks at how much it did.
    fn transformed(
        self,
        op: op::Pointed,
        maximum: usize,
        encoding: Encoding<'_>,
        input: &[u8],
        bounce: &mut Bounce,
    ) -> Result<Reply> {
        within_bounce(maximum)?;
        // The kernel refuses more than the maximum, and before 2026 overran its own memory with less.
        let params = Params::new(self, input.len(), maximum);
        let (input, output) = (input.as_ptr().into(), bounce.0.as_mut_ptr().into());
        // SAFETY: a structure of our own, a text that ends in NUL, and the bytes of a slice. The kernel
        // writes no more than its key's maximum, and no key's is more than `bounce` holds.
        let reply = unsafe {
            syscall::keyctl_raw(
                op.number(),
                (&raw const params).into(),
                encoding.text().into(),
                input,
                output,
            )
        };
        match reply.number()? {
            length if length <= maximum => Ok(reply),
            _ => Err(Error::UnexpectedReply),
        }
    }
}

/// Whether our own memory holds what is at most so long.
fn within_bounce(maximum: usize) -> Result<()> {
    if maximum <= BOUNCE { Ok(()) } else { Err(Error::UnexpectedReply) }
}
