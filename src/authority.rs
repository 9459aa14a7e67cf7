//! Making a key that another program requested: the side of `request-key`.
//!
//! # Safety
//!
//! Instantiating hands the kernel payloads to read.
#![allow(unsafe_code)]

use core::marker::PhantomData;

use rustix::io::{Errno, IoSlice};

use crate::buffer::Buffer;
use crate::errors::Result;
use crate::key::{Key, Keyring};
use crate::reply::Reply;
use crate::serial::KeySerial;
use crate::syscall::{self, Arg, op};

/// The authority to instantiate one key, held by **the calling thread**.
///
/// When [`request_key_with`](crate::request_key_with) finds no key, the kernel makes one that is *under
/// construction* and starts `/sbin/request-key`, which starts the program that has a line in
/// `/etc/request-key.d`, and gives it the key's serial. That program assumes the authority, and then
/// instantiates the key, or says why there is none. While it holds the authority it can also
/// use the requestor's keyrings, by `request_key`, and describe the key and set its timeout, whatever
/// that grants.
///
/// Dropping this gives the authority up, which can be assumed anew until the key is made. The kernel knows
/// one authority per thread: assuming another one replaces the first, and dropping either leaves none.
/// Using it up (each method that succeeds does, except [`callout`](Self::callout)) also ends it. Making a user
/// namespace drops it, too.
///
/// The methods take the keyring that the key is linked into: [`Keyring::REQUESTOR`] for the one that the
/// requestor gave (the kernel takes the other special ids down to -6 for it, too), or `None`.
///
/// # Examples
///
/// ```no_run
/// use keyctl::{Authority, Errno, Key, KeySerial, Keyring};
///
/// // request-key.d: create  user  example:*  *  /usr/sbin/example-helper %k %d
/// fn helper(key: KeySerial, description: &str) -> Result<(), keyctl::Error> {
///     let authority = Authority::assume(Key::from(key))?;
///     match description.strip_prefix("example:") {
///         Some("forbidden") => authority.reject(30, Errno::KEYREJECTED, Some(Keyring::REQUESTOR)),
///         Some(name) => authority.instantiate(name.as_bytes(), Some(Keyring::REQUESTOR)),
///         None => authority.negate(30, Some(Keyring::REQUESTOR)),
///     }
/// }
/// ```
///
/// # References
///
/// - [`keyctl_assume_authority(3)`](https://man7.org/linux/man-pages/man3/keyctl_assume_authority.3.html)
/// - [`request-key(8)`](https://man7.org/linux/man-pages/man8/request-key.8.html)
/// - `security/keys/request_key_auth.c`
#[derive(Debug)]
pub struct Authority {
    key: Key,
    /// Authority is the thread's: neither `Send` nor `Sync`.
    thread: PhantomData<*const ()>,
}

impl Authority {
    /// `keyctl(KEYCTL_ASSUME_AUTHORITY, key)`—Assumes the authority to instantiate this key.
    ///
    /// # Errors
    ///
    /// | error | number | cause |
    /// | --- | --- | --- |
    /// | [`NoKey`](crate::Error::NoKey) | `ENOKEY` | the key is not this thread's to make, or was made some moments ago |
    /// | [`InvalidArgument`](crate::Error::InvalidArgument) | `EINVAL` | a special id |
    /// | [`KeyRevoked`](crate::Error::KeyRevoked) | `EKEYREVOKED` | it was made just now |
    /// | [`AccessDenied`](crate::Error::AccessDenied) | `EACCES` | the authority does not grant search |
    /// | [`OutOfMemory`](crate::Error::OutOfMemory) | `ENOMEM` | |
    ///
    /// # Examples
    ///
    /// ```
    /// use keyctl::{Authority, Error, KeyType, Keyring};
    ///
    /// # fn main() -> Result<(), Error> {
    /// let key = Keyring::PROCESS.add_key(KeyType::USER, c"keyctl:doc:made", b"1")?;
    /// assert_eq!(Authority::assume(key).unwrap_err(), Error::NoKey);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # References
    ///
    /// - [`keyctl_assume_authority(3)`](https://man7.org/linux/man-pages/man3/keyctl_assume_authority.3.html)
    /// - `security/keys/keyctl.c`
    #[doc(alias = "keyctl_assume_authority")]
    #[doc(alias = "KEYCTL_ASSUME_AUTHORITY")]
    #[inline]
    pub fn assume(key: Key) -> Result<Self> {
        assume(Some(key.serial())).key::<Key>().map(|_| Self { key, thread: PhantomData })
    }

    /// The key to instantiate.
    #[inline]
    #[must_use]
    pub const fn key(&self) -> Key {
        self.key
    }

    /// Reads the text that the requestor gave along with the request (`callout`).
    ///
    /// # Errors
    ///
    /// As [`Key::read`]; [`NoKey`](crate::Error::NoKey) (`ENOKEY`) when the authority is used up.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # fn helper(authority: keyctl::Authority) -> Result<(), keyctl::Error> {
    /// let mut buffer = [0; 4096];
    /// let callout = authority.callout(&mut buffer)?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # References
    ///
    /// - `security/keys/request_key_auth.c`
    #[inline]
    pub fn callout<'a>(&self, buffer: impl Buffer<'a>) -> Result<&'a mut [u8]> {
        Key::from(KeySerial::REQKEY_AUTH_KEY).read(buffer)
    }

    /// `keyctl(KEYCTL_INSTANTIATE, key, payload, length, keyring)`—Gives the key its payload, at most
    /// 1048575 bytes, and wakes the requestor.
    ///
    /// # Errors
    ///
    /// | error | number | cause |
    /// | --- | --- | --- |
    /// | [`InvalidArgument`](crate::Error::InvalidArgument) | `EINVAL` | the type refuses the payload, or it is too long |
    /// | [`NotPermitted`](crate::Error::NotPermitted) | `EPERM` | this thread has no authority, since it is given up or used up, or another one by now; or the keyring is restricted |
    /// | [`Busy`](crate::Error::Busy) | `EBUSY` | another thread, which had the authority as well, has made the key |
    /// | [`KeyRevoked`](crate::Error::KeyRevoked) | `EKEYREVOKED` | the key is made and the program that the kernel started has ended, which left this one behind; or the keyring is revoked |
    /// | [`QuotaExceeded`](crate::Error::QuotaExceeded), [`OutOfMemory`](crate::Error::OutOfMemory) | `EDQUOT`, `ENOMEM` | |
    ///
    /// and of the keyring those of [`link`](Keyring::link).
    ///
    /// # Examples
    ///
    /// See [`Authority`].
    ///
    /// # References
    ///
    /// - [`keyctl_instantiate(3)`](https://man7.org/linux/man-pages/man3/keyctl_instantiate.3.html)
    /// - `security/keys/keyctl.c`
    #[doc(alias = "keyctl_instantiate")]
    #[doc(alias = "KEYCTL_INSTANTIATE")]
    #[inline]
    pub fn instantiate(&self, payload: &[u8], keyring: Option<Keyring>) -> Result<()> {
        let (address, length) = (payload.as_ptr().into(), payload.len().into());
        // SAFETY: the bytes of a slice, borrowed until the call is over.
        unsafe {
            syscall::keyctl_raw(op::INSTANTIATE.number(), self.serial(), address, length, serial(keyring))
        }
        .done()
    }

    /// `keyctl(KEYCTL_INSTANTIATE_IOV, key, payload, count, keyring)`—Gives the key a payload that lies in
    /// pieces, of which there may be 1024. Linux 2.6.39.
    ///
    /// # Errors
    ///
    /// As [`instantiate`](Self::instantiate). [`InvalidArgument`](crate::Error::InvalidArgument) (`EINVAL`) also
    /// for more than 1024 pieces.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// use rustix::io::IoSlice;
    ///
    /// # fn helper(authority: keyctl::Authority) -> Result<(), keyctl::Error> {
    /// authority.instantiate_vectored(&[IoSlice::new(b"user="), IoSlice::new(b"joe")], None)?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # References
    ///
    /// - [`keyctl_instantiate_iov(3)`](https://man7.org/linux/man-pages/man3/keyctl_instantiate_iov.3.html)
    /// - `security/keys/keyctl.c`
    #[doc(alias = "keyctl_instantiate_iov")]
    #[doc(alias = "KEYCTL_INSTANTIATE_IOV")]
    #[inline]
    pub fn instantiate_vectored(&self, payload: &[IoSlice<'_>], keyring: Option<Keyring>) -> Result<()> {
        // The kernel reads the count as 32 bits. So many pieces are more than it takes.
        let count = u32::try_from(payload.len()).unwrap_or(u32::MAX);
        let pieces = payload.as_ptr().into();
        // SAFETY: `IoSlice` has the layout of `struct iovec`; the slice and what its pieces point to are
        // borrowed until the call is over.
        unsafe {
            syscall::keyctl_raw(
                op::INSTANTIATE_IOV.number(),
                self.serial(),
                pieces,
                count.into(),
                serial(keyring),
            )
        }
        .done()
    }

    /// `keyctl(KEYCTL_NEGATE, key, seconds, keyring)`—Says that there is no such key.
    ///
    /// The key becomes a *negative* one, which answers [`NoKey`](crate::Error::NoKey) at once until it
    /// expires: 0 seconds are "at once", not "never".
    ///
    /// # Errors
    ///
    /// As [`reject`](Self::reject).
    ///
    /// # Examples
    ///
    /// See [`Authority`].
    ///
    /// # References
    ///
    /// - [`keyctl_negate(3)`](https://man7.org/linux/man-pages/man3/keyctl_negate.3.html)
    /// - `security/keys/keyctl.c`
    #[doc(alias = "keyctl_negate")]
    #[doc(alias = "KEYCTL_NEGATE")]
    #[inline]
    pub fn negate(&self, seconds: u32, keyring: Option<Keyring>) -> Result<()> {
        syscall::keyctl_plain(op::NEGATE, self.serial(), seconds.into(), serial(keyring), Arg::ZERO).done()
    }

    /// `keyctl(KEYCTL_REJECT, key, seconds, error, keyring)`—Says why there is no such key. Linux 2.6.39.
    ///
    /// The key becomes a *negative* one, which answers this number at once until it expires: 0 seconds
    /// are "at once", not "never".
    ///
    /// # Errors
    ///
    /// [`InvalidArgument`](crate::Error::InvalidArgument) (`EINVAL`) for 4095 and for the numbers that the kernel
    /// uses for restarting calls (512, 513, 514, 516). Else as [`instantiate`](Self::instantiate), without
    /// those of the payload.
    ///
    /// # Examples
    ///
    /// See [`Authority`].
    ///
    /// # References
    ///
    /// - [`keyctl_reject(3)`](https://man7.org/linux/man-pages/man3/keyctl_reject.3.html)
    /// - `security/keys/keyctl.c`
    #[doc(alias = "keyctl_reject")]
    #[doc(alias = "KEYCTL_REJECT")]
    #[inline]
    pub fn reject(&self, seconds: u32, error: Errno, keyring: Option<Keyring>) -> Result<()> {
        let error = error.raw_os_error().into();
        syscall::keyctl_plain(op::REJECT, self.serial(), seconds.into(), error, serial(keyring)).done()
    }

    fn serial(&self) -> Arg {
        self.key.serial().into()
    }
}

impl Drop for Authority {
    #[inline]
    fn drop(&mut self) {
        // To drop an authority can't fail but for memory, and there is nobody to tell.
        let _ = assume(None).done();
    }
}

fn serial(keyring: Option<Keyring>) -> Arg {
    keyring.map(|keyring| keyring.serial()).into()
}

fn assume(key: Option<KeySerial>) -> Reply {
    syscall::keyctl_plain(op::ASSUME_AUTHORITY, key.into(), Arg::ZERO, Arg::ZERO, Arg::ZERO)
}
