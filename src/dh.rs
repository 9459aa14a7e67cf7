//! Diffie-Hellman: shared secrets out of numbers that keys hold.
//!
//! # Safety
//!
//! The calls here hand the kernel two structures, the text and the bytes that these point to, and a
//! buffer to write.
#![allow(unsafe_code)]

use core::ffi::{CStr, c_char};
use core::marker::PhantomData;
use core::ptr;

use crate::buffer::Buffer;
use crate::errors::{Error, Result};
use crate::key::Key;
use crate::reply::Reply;
use crate::serial::KeySerial;
use crate::syscall::{self, op};
use crate::text::Text;

/// `base` to the power of `private`, modulo `prime`: Diffie-Hellman, with numbers that keys hold.
///
/// With the group's generator as `base` the result is one's own public number, and with the peer's public
/// number it is the secret that both share. All three are keys of type `user` that grant read to the
/// caller, and hold a number, its most significant byte first. The prime takes at least 1536 bits (2048
/// in FIPS mode), and neither of the others more bytes than the prime. The kernel does not look whether it
/// is a prime, nor whether the peer's number is a good one; in FIPS mode it does some of this.
///
/// # Examples
///
/// ```
/// use keyctl::{DiffieHellman, KeyType, Keyring};
///
/// # fn main() -> Result<(), keyctl::Error> {
/// # let prime = [0xff; 256];
/// # let (own, theirs) = ([3; 32], [5; 256]);
/// let ring = Keyring::PROCESS;
/// let private = ring.add_key(KeyType::USER, c"keyctl:doc:dh:private", &own)?;
/// let prime = ring.add_key(KeyType::USER, c"keyctl:doc:dh:prime", &prime)?;
/// let generator = ring.add_key(KeyType::USER, c"keyctl:doc:dh:generator", &[2])?;
/// let peer = ring.add_key(KeyType::USER, c"keyctl:doc:dh:peer", &theirs)?;
///
/// let mut public = [0; 256];
/// # match (DiffieHellman { private, prime, base: generator }).compute_len() {
/// #     Err(keyctl::Error::Unsupported) => return Ok(()),
/// #     length => assert_eq!(length, Ok(256)),
/// # }
/// DiffieHellman { private, prime, base: generator }.compute(&mut public)?;
///
/// let mut session_key = [0; 32];
/// DiffieHellman { private, prime, base: peer }.derive(c"sha256", b"example", &mut session_key)?;
/// # Ok(())
/// # }
/// ```
///
/// # References
///
/// - [`keyctl_dh_compute(3)`](https://man7.org/linux/man-pages/man3/keyctl_dh_compute.3.html)
/// - `security/keys/dh.c`, `crypto/dh.c`
#[doc(alias = "keyctl_dh_params")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct DiffieHellman {
    /// The exponent: one's own private number.
    pub private: Key,
    /// The modulus.
    pub prime: Key,
    /// The generator of the group, or the peer's public number.
    pub base: Key,
}

/// `struct keyctl_dh_params`
#[repr(C)]
struct Params {
    private: KeySerial,
    prime: KeySerial,
    base: KeySerial,
}

/// `struct keyctl_kdf_params`. Where pointers have 64 bits, C leaves room for one more spare word.
#[repr(C)]
struct KdfParams<'a> {
    hash_name: *const c_char,
    other_info: *const u8,
    other_info_len: u32,
    spare: [u32; 8 + size_of::<usize>() / 8],
    borrowed: PhantomData<(&'a CStr, &'a [u8])>,
}

// The kernel copies so many bytes.
const _: () = assert!(size_of::<Params>() == 12);
const _: () = assert!(size_of::<KdfParams<'_>>() == if size_of::<usize>() == 8 { 56 } else { 44 });

impl DiffieHellman {
    /// `keyctl(KEYCTL_DH_COMPUTE, params, buffer, length, NULL)`—Computes the number. Linux 4.7.
    ///
    /// It is as long as the prime, with zeros in front if need be. When the buffer is too short, a second
    /// call asks what would do.
    ///
    /// # Errors
    ///
    /// | error | number | cause |
    /// | --- | --- | --- |
    /// | [`BufferTooSmall`](Error::BufferTooSmall) | | and how large it is: see [`Buffer`] |
    /// | [`NoKey`](Error::NoKey) | `ENOKEY` | a key does not exist, is expired or revoked, **or does not grant read**: whatever the reason |
    /// | [`Unsupported`](Error::Unsupported) | `EOPNOTSUPP` | a key of another type; a kernel before 4.7 or without `CONFIG_KEY_DH_OPERATIONS` |
    /// | [`InvalidArgument`](Error::InvalidArgument) | `EINVAL` | the prime has less than 1536 bits, or another number more than it |
    /// | [`NotFound`](Error::NotFound) | `ENOENT` | the kernel lacks the algorithm |
    /// | [`Overflow`](Error::Overflow) | `EOVERFLOW` | the buffer was too short at the first call, but no longer at the second |
    /// | [`TryAgain`](Error::TryAgain), [`Malformed`](Error::Malformed) | `EAGAIN`, `EBADMSG` | in FIPS mode: a bad base |
    /// | [`OutOfMemory`](Error::OutOfMemory) | `ENOMEM` | |
    ///
    /// # Examples
    ///
    /// See [`DiffieHellman`].
    ///
    /// # References
    ///
    /// - [`keyctl_dh_compute(3)`](https://man7.org/linux/man-pages/man3/keyctl_dh_compute.3.html)
    /// - `security/keys/dh.c`
    #[doc(alias = "keyctl_dh_compute")]
    #[doc(alias = "keyctl_dh_compute_alloc")]
    #[doc(alias = "KEYCTL_DH_COMPUTE")]
    #[inline]
    pub fn compute<'a>(self, buffer: impl Buffer<'a>) -> Result<&'a mut [u8]> {
        let write = |start: *mut u8, room: usize| {
            // SAFETY: `filled_by` passes an address that is good for writes of `room` bytes.
            let reply = unsafe { self.ask(start, room, None) };
            if reply.number() != Err(Error::Overflow) {
                return reply;
            }
            // A length is no more than a length: nothing is written, even if there would be room by now.
            let needed = self.ask_len();
            if needed.length(room).is_some() { reply } else { needed }
        };
        // SAFETY: the kernel writes no more than `room` bytes, and as many as it answers. Of what is only
        // asked for its length, the length is passed on where it is more than `room`.
        unsafe { buffer.filled_by(write) }
    }

    /// `keyctl(KEYCTL_DH_COMPUTE, params, NULL, 0, NULL)`—How many bytes the number has: as many as the prime.
    /// Linux 4.7.
    ///
    /// # Errors
    ///
    /// As [`compute`](Self::compute), without those of the buffer.
    ///
    /// # Examples
    ///
    /// ```
    /// use keyctl::{DiffieHellman, Error, KeyType, Keyring};
    ///
    /// # fn main() -> Result<(), Error> {
    /// let key = Keyring::PROCESS.add_key(KeyType::USER, c"keyctl:doc:dh:len", b"\x17")?;
    /// let dh = DiffieHellman { private: key, prime: key, base: key };
    /// // Too short for a prime; or there is no Diffie-Hellman in this kernel.
    /// assert!(matches!(dh.compute_len(), Err(Error::InvalidArgument | Error::Unsupported)));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # References
    ///
    /// - [`keyctl_dh_compute(3)`](https://man7.org/linux/man-pages/man3/keyctl_dh_compute.3.html)
    #[inline]
    pub fn compute_len(self) -> Result<usize> {
        self.ask_len().number()
    }

    /// `keyctl(KEYCTL_DH_COMPUTE, params, buffer, length, kdf)`—Derives a key from the number, of the length of
    /// `result`: 1 to 1024 bytes. Linux 4.12.
    ///
    /// This is the one-step derivation of NIST SP 800-56A: `result` begins with hash(1 ‖ number ‖
    /// `other_info`), goes on with hash(2 ‖ number ‖ `other_info`), and so on, where 1 and 2 have 32 bits.
    /// `hash` is the kernel's name of a hash, such as `sha256`; `/proc/crypto` lists those in use.
    /// `other_info` binds the key to its purpose and its two parties, in at most 64 bytes.
    ///
    /// # Errors
    ///
    /// | error | number | cause |
    /// | --- | --- | --- |
    /// | [`MessageTooLong`](Error::MessageTooLong) | `EMSGSIZE` | `result` is longer than 1024 bytes, or `other_info` than 64 |
    /// | [`NotFound`](Error::NotFound) | `ENOENT` | there is no such hash |
    /// | [`InvalidArgument`](Error::InvalidArgument) | `EINVAL` | a name that no hash can have; or as [`compute`](Self::compute) |
    /// | [`UnexpectedReply`](Error::UnexpectedReply) | | `result` was not filled |
    /// | [`InteriorNul`](Error::InteriorNul), [`TextTooLong`](Error::TextTooLong) | | see [`Text`] |
    ///
    /// and those of [`compute`](Self::compute).
    ///
    /// # Examples
    ///
    /// See [`DiffieHellman`].
    ///
    /// # References
    ///
    /// - [`keyctl_dh_compute_kdf(3)`](https://man7.org/linux/man-pages/man3/keyctl_dh_compute_kdf.3.html)
    /// - `security/keys/dh.c`, `crypto/kdf_sp800108.c`
    #[doc(alias = "keyctl_dh_compute_kdf")]
    #[doc(alias = "keyctl_kdf_params")]
    pub fn derive(self, hash: impl Text, other_info: &[u8], result: &mut [u8]) -> Result<()> {
        hash.with_c_str(|hash| {
            let kdf = KdfParams::new(hash, other_info);
            // SAFETY: the slice is good for writes of its length, and has no other borrow.
            let reply = unsafe { self.ask(result.as_mut_ptr(), result.len(), Some(&kdf)) };
            if reply.number()? == result.len() { Ok(()) } else { Err(Error::UnexpectedReply) }
        })
    }

    /// # Safety
    ///
    /// `start` must be good for writes of `room` bytes.
    #[inline]
    unsafe fn ask(self, start: *mut u8, room: usize, kdf: Option<&KdfParams<'_>>) -> Reply {
        let params =
            Params { private: self.private.serial(), prime: self.prime.serial(), base: self.base.serial() };
        let kdf = kdf.map_or(ptr::null(), ptr::from_ref);
        // SAFETY: two structures of our own, of which the second, if any, borrows a text that ends in NUL
        // and the bytes of a slice. The caller vouches for the buffer; the kernel writes no more of it.
        unsafe {
            syscall::keyctl_raw(
                op::DH_COMPUTE.number(),
                (&raw const params).into(),
                start.into(),
                room.into(),
                kdf.into(),
            )
        }
    }

    #[inline]
    fn ask_len(self) -> Reply {
        // SAFETY: no byte is written at null.
        unsafe { self.ask(ptr::null_mut(), 0, None) }
    }
}

impl<'a> KdfParams<'a> {
    #[inline]
    fn new(hash: &'a CStr, other_info: &'a [u8]) -> Self {
        Self {
            hash_name: hash.as_ptr(),
            other_info: other_info.as_ptr(),
            // Longer than 32 bits hold is longer than the kernel takes, and shorter than what is there.
            other_info_len: u32::try_from(other_info.len()).unwrap_or(u32::MAX),
            spare: [0; 8 + size_of::<usize>() / 8],
            borrowed: PhantomData,
        }
    }
}
