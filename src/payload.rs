//! What a key holds: adding, updating and reading it.
//!
//! # Safety
//!
//! The calls here hand the kernel texts and payloads to read, and a buffer to write.
#![allow(unsafe_code)]

use crate::buffer::Buffer;
use crate::errors::Result;
use crate::key::{Key, Keyring};
use crate::key_type::KeyType;
use crate::syscall::{self, Arg, op};
use crate::text::Text;

impl Keyring {
    /// `add_key(type, description, payload, length, keyring)`—Adds a key to this keyring, or updates the
    /// one that is there.
    ///
    /// A key of the same type and description in this keyring is **updated** where its type can be, and
    /// keeps its serial and permissions. For `user` and `logon` an update clears the timeout, so set that
    /// afterwards: even an expired key is revived. A negative key gets its payload. Where the type can't be
    /// updated (`keyring`, `asymmetric`), or the key is revoked or invalidated, a new key takes the link and
    /// the old one loses it. Up to 1048575 bytes of payload reach the type, which has its own limit: 32767 for
    /// `user` and `logon`.
    ///
    /// A new key belongs to the caller's file-system uid, which is the effective one, and counts against
    /// that user's quota: description + 1 + payload bytes (16 for a `big_key`, though an update first needs room
    /// for all of them), and 4 for the link.
    ///
    /// As by all operations that change it or what is in it, [`SESSION`](Self::SESSION) is **replaced** by a new
    /// session keyring where it is the [user's default one](crate::get_persistent#which-keyring-to-link-it-into).
    ///
    /// For a keyring see [`add_keyring`](Self::add_keyring).
    ///
    /// # Errors
    ///
    /// | error | number | cause |
    /// | --- | --- | --- |
    /// | [`AccessDenied`](crate::Error::AccessDenied) | `EACCES` | the keyring does not grant write, or the key that is there does not |
    /// | [`NoKey`](crate::Error::NoKey) | `ENOKEY` | no such keyring, or it could not be made, be it for lack of quota; or no master of an encrypted key; or nobody trusted signed an asymmetric one |
    /// | [`NotAKeyring`](crate::Error::NotAKeyring) | `ENOTDIR` | it is a key of another type |
    /// | [`KeyExpired`](crate::Error::KeyExpired), [`KeyRevoked`](crate::Error::KeyRevoked) | `EKEYEXPIRED`, `EKEYREVOKED` | the keyring is, or the key that it trusts |
    /// | [`UnknownType`](crate::Error::UnknownType) | `ENODEV` | this kernel has no such type |
    /// | [`InvalidArgument`](crate::Error::InvalidArgument) | `EINVAL` | the type refuses the payload or the description, or they are too long; a special id that the kernel does not know |
    /// | [`NotPermitted`](crate::Error::NotPermitted) | `EPERM` | a type or keyring name that begins with a dot; a [restricted](Self::restrict_all) keyring, **also** for an update; a sandbox |
    /// | [`QuotaExceeded`](crate::Error::QuotaExceeded) | `EDQUOT` | the quota of keys or bytes |
    /// | [`Malformed`](crate::Error::Malformed), [`NoAlgorithm`](crate::Error::NoAlgorithm), [`NotFound`](crate::Error::NotFound), [`KeyRejected`](crate::Error::KeyRejected) | `EBADMSG`, `ENOPKG`, `ENOENT`, `EKEYREJECTED` | an asymmetric key that can't be parsed, whose algorithm is missing, or that is not trusted here |
    /// | [`Unsupported`](crate::Error::Unsupported) | `EOPNOTSUPP` | the keyring takes asymmetric keys only |
    /// | [`NotImplemented`](crate::Error::NotImplemented) | `ENOSYS` | no keyrings, or a sandbox (podman) |
    /// | [`OutOfMemory`](crate::Error::OutOfMemory), [`Interrupted`](crate::Error::Interrupted), [`Io`](crate::Error::Io) | `ENOMEM`, `EINTR`, `EIO` | |
    /// | [`InteriorNul`](crate::Error::InteriorNul), [`TextTooLong`](crate::Error::TextTooLong) | | see [`Text`] |
    ///
    /// # Examples
    ///
    /// ```
    /// use keyctl::{KeyType, Keyring};
    ///
    /// # fn main() -> Result<(), keyctl::Error> {
    /// let key = Keyring::PROCESS.add_key(KeyType::USER, c"keyctl:doc:add", b"first")?;
    /// // The same key, with a new payload.
    /// assert_eq!(Keyring::PROCESS.add_key(KeyType::USER, c"keyctl:doc:add", b"second")?, key);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # References
    ///
    /// - [`add_key(2)`](https://man7.org/linux/man-pages/man2/add_key.2.html)
    /// - `security/keys/keyctl.c`, `security/keys/key.c`
    #[inline]
    pub fn add_key(self, key_type: KeyType<'_>, description: impl Text, payload: &[u8]) -> Result<Key> {
        description.with_c_str(|description| {
            let (address, length) = (payload.as_ptr().into(), payload.len());
            // SAFETY: two texts that end in NUL and the bytes of a slice, all borrowed until the call
            // is over.
            unsafe {
                syscall::add_key(
                    key_type.name().into(),
                    description.into(),
                    address,
                    length,
                    self.serial().into(),
                )
            }
            .map(Key::from)
        })
    }

    /// `add_key("keyring", description, NULL, 0, keyring)`—Makes a new, empty keyring in this one.
    ///
    /// A keyring of the same description **loses its link here**, and everything in it with the last
    /// link; see [`find_or_create`](Self::find_or_create) for keeping it.
    ///
    /// # Errors
    ///
    /// As [`add_key`](Self::add_key).
    ///
    /// # Examples
    ///
    /// ```
    /// use keyctl::Keyring;
    ///
    /// # fn main() -> Result<(), keyctl::Error> {
    /// let ring = Keyring::PROCESS.add_keyring(c"keyctl:doc:ring")?;
    /// assert_ne!(Keyring::PROCESS.add_keyring(c"keyctl:doc:ring")?, ring);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # References
    ///
    /// - [`add_key(2)`](https://man7.org/linux/man-pages/man2/add_key.2.html)
    /// - `security/keys/keyring.c`
    #[doc(alias = "newring")]
    #[inline]
    pub fn add_keyring(self, description: impl Text) -> Result<Self> {
        self.add_key(KeyType::KEYRING, description, &[]).map(Self::from)
    }
}

impl Key {
    /// `keyctl(KEYCTL_UPDATE, key, payload, length)`—Replaces the payload.
    ///
    /// At most a page (4096 bytes on most machines): a larger payload goes through
    /// [`Keyring::add_key`]. An update of a `user` or `logon` key clears its timeout.
    ///
    /// # Errors
    ///
    /// | error | number | cause |
    /// | --- | --- | --- |
    /// | [`InvalidArgument`](crate::Error::InvalidArgument) | `EINVAL` | the type refuses the payload, or it is longer than a page; a special id that the kernel does not know |
    /// | [`Unsupported`](crate::Error::Unsupported) | `EOPNOTSUPP` | keys of this type can't be updated |
    /// | [`AccessDenied`](crate::Error::AccessDenied) | `EACCES` | the key does not grant write; nor does a new `asymmetric` one |
    /// | [`NoKey`](crate::Error::NoKey), [`KeyExpired`](crate::Error::KeyExpired), [`KeyRevoked`](crate::Error::KeyRevoked) | `ENOKEY`, `EKEYEXPIRED`, `EKEYREVOKED` | there is no such key any more |
    /// | [`QuotaExceeded`](crate::Error::QuotaExceeded), [`OutOfMemory`](crate::Error::OutOfMemory) | `EDQUOT`, `ENOMEM` | |
    /// | any | | a negative key answers the number that its maker chose |
    ///
    /// # Examples
    ///
    /// ```
    /// use keyctl::{KeyType, Keyring};
    ///
    /// # fn main() -> Result<(), keyctl::Error> {
    /// let key = Keyring::PROCESS.add_key(KeyType::USER, c"keyctl:doc:update", b"old")?;
    /// key.update(b"new")?;
    /// assert_eq!(key.read(&mut [0; 8])?, b"new");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # References
    ///
    /// - [`keyctl_update(3)`](https://man7.org/linux/man-pages/man3/keyctl_update.3.html)
    /// - `security/keys/keyctl.c`
    #[doc(alias = "keyctl_update")]
    #[doc(alias = "KEYCTL_UPDATE")]
    #[inline]
    pub fn update(self, payload: &[u8]) -> Result<()> {
        let (address, length) = (payload.as_ptr().into(), payload.len().into());
        // SAFETY: the bytes of a slice, borrowed until the call is over.
        unsafe { syscall::keyctl_raw(op::UPDATE.number(), self.serial().into(), address, length, Arg::ZERO) }
            .done()
    }

    /// `keyctl(KEYCTL_READ, key, buffer, length)`—Reads the payload.
    ///
    /// Needs the read permission, **or merely possession**: a key that the caller's keyrings lead to by
    /// search, six keyrings deep, can be read. What it holds is bytes; nothing is appended to them.
    ///
    /// The payload of a keyring is the serials it links: see [`Keyring::links`] for those.
    ///
    /// # Errors
    ///
    /// | error | number | cause |
    /// | --- | --- | --- |
    /// | [`BufferTooSmall`](crate::Error::BufferTooSmall) | | and how large it is: see [`Buffer`] |
    /// | [`NoKey`](crate::Error::NoKey) | `ENOKEY` | no such key, not even for a special id; or it is still being made and a signal came; or the master of an encrypted key is not found |
    /// | [`AccessDenied`](crate::Error::AccessDenied) | `EACCES` | neither readable nor possessed; for a moment also a key that is invalidated |
    /// | [`Unsupported`](crate::Error::Unsupported) | `EOPNOTSUPP` | a type that user space can't read (`logon`, `asymmetric`) |
    /// | [`KeyExpired`](crate::Error::KeyExpired), [`KeyRevoked`](crate::Error::KeyRevoked) | `EKEYEXPIRED`, `EKEYREVOKED` | it is |
    /// | [`InvalidArgument`](crate::Error::InvalidArgument) | `EINVAL` | a keyring, and a buffer of no multiple of 4 bytes |
    /// | [`Io`](crate::Error::Io), [`Malformed`](crate::Error::Malformed), [`OutOfMemory`](crate::Error::OutOfMemory) | `EIO`, `EBADMSG`, `ENOMEM` | |
    /// | any | | a negative key answers the number that its maker chose |
    ///
    /// # Examples
    ///
    /// ```
    /// use keyctl::{KeyType, Keyring};
    ///
    /// # fn main() -> Result<(), keyctl::Error> {
    /// let key = Keyring::PROCESS.add_key(KeyType::USER, c"keyctl:doc:read", b"secret")?;
    /// let mut buffer = [0; 64];
    /// assert_eq!(key.read(&mut buffer)?, b"secret");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # References
    ///
    /// - [`keyctl_read(3)`](https://man7.org/linux/man-pages/man3/keyctl_read.3.html)
    /// - `security/keys/keyctl.c`
    #[doc(alias = "keyctl_read")]
    #[doc(alias = "keyctl_read_alloc")]
    #[doc(alias = "KEYCTL_READ")]
    #[inline]
    pub fn read<'a>(self, buffer: impl Buffer<'a>) -> Result<&'a mut [u8]> {
        self.fetch(op::READ, buffer)
    }

    /// `keyctl(KEYCTL_READ, key, NULL, 0)`—How many bytes the payload has, as of now.
    ///
    /// # Errors
    ///
    /// As [`read`](Self::read), without those of the buffer. An encrypted key tells its length without its
    /// master.
    ///
    /// # Examples
    ///
    /// ```
    /// use keyctl::{KeyType, Keyring};
    ///
    /// # fn main() -> Result<(), keyctl::Error> {
    /// let key = Keyring::PROCESS.add_key(KeyType::USER, c"keyctl:doc:len", b"secret")?;
    /// assert_eq!(key.payload_len()?, 6);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # References
    ///
    /// - [`keyctl_read(3)`](https://man7.org/linux/man-pages/man3/keyctl_read.3.html)
    #[inline]
    pub fn payload_len(self) -> Result<usize> {
        // SAFETY: a length of 0 has nothing written.
        unsafe {
            syscall::keyctl_raw(op::READ.number(), self.serial().into(), Arg::ZERO, Arg::ZERO, Arg::ZERO)
        }
        .number()
    }

    /// The operations that answer (key, buffer, length) with the length of the whole.
    #[inline]
    pub(crate) fn fetch<'a, T>(self, op: op::Fetch, buffer: impl Buffer<'a, T>) -> Result<&'a mut [T]> {
        let write = |start: *mut T, room: usize| {
            // DESCRIBE takes 32 bits of it, and no result is as long.
            let room = room.min(u32::MAX as usize);
            let (key, start, room) = (self.serial().into(), start.into(), room.into());
            // SAFETY: `filled_by` passes an address that is good for writes of `room` bytes.
            unsafe { syscall::keyctl_raw(op.number(), key, start, room, Arg::ZERO) }
        };
        // SAFETY: the kernel writes no more than `room` bytes and answers how many the result has; where
        // that is no more than `room`, it has written them all.
        unsafe { buffer.filled_by(write) }
    }
}
