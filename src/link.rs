//! The links of a keyring: making, removing, moving and listing them.

use crate::buffer::Buffer;
use crate::errors::{Error, Result};
use crate::key::{Key, Keyring};
use crate::serial::KeySerial;
use crate::syscall::{self, Arg, op};

/// What [`Keyring::move_to`] does about a key of the same type and description in the destination.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Collision {
    /// The moved key takes its place.
    Displace,
    /// The move fails as [`AlreadyExists`](crate::Error::AlreadyExists) (`KEYCTL_MOVE_EXCL`).
    Refuse,
}

impl Keyring {
    /// `keyctl(KEYCTL_LINK, key, keyring)`—Links a key into this keyring.
    ///
    /// A link that is there is kept (but a [restricted](Keyring::restrict) keyring refuses it); a link to
    /// another key of the same type and description is **displaced**. The key lives at least as long as the
    /// link does.
    ///
    /// # Errors
    ///
    /// | error | number | cause |
    /// | --- | --- | --- |
    /// | [`AccessDenied`](crate::Error::AccessDenied) | `EACCES` | the keyring does not grant write, or the key link |
    /// | [`NoKey`](crate::Error::NoKey) | `ENOKEY` | one of the two does not exist; or this keyring takes asymmetric keys of certain signers, and this one is of another |
    /// | [`NotAKeyring`](crate::Error::NotAKeyring) | `ENOTDIR` | this is a key of another type |
    /// | [`InvalidArgument`](crate::Error::InvalidArgument) | `EINVAL` | a special id that the kernel does not know |
    /// | [`Cycle`](crate::Error::Cycle) | `EDEADLK` | the keyring to be linked contains this one, or is this one |
    /// | [`NestedTooDeep`](crate::Error::NestedTooDeep) | `ELOOP` | keyrings nest more than six deep in the one to be linked |
    /// | [`KeyExpired`](crate::Error::KeyExpired), [`KeyRevoked`](crate::Error::KeyRevoked) | `EKEYEXPIRED`, `EKEYREVOKED` | one of the two is, or the key that this keyring trusts |
    /// | [`QuotaExceeded`](crate::Error::QuotaExceeded) | `EDQUOT` | a link costs the keyring's owner 4 bytes |
    /// | [`NotPermitted`](crate::Error::NotPermitted), [`Unsupported`](crate::Error::Unsupported), [`KeyRejected`](crate::Error::KeyRejected), [`NoAlgorithm`](crate::Error::NoAlgorithm) | `EPERM`, `EOPNOTSUPP`, `EKEYREJECTED`, `ENOPKG` | the keyring is [restricted](Keyring::restrict) |
    /// | [`OutOfMemory`](crate::Error::OutOfMemory), [`Interrupted`](crate::Error::Interrupted) | `ENOMEM`, `EINTR` | |
    /// | any | | a negative key answers the number that its maker chose |
    ///
    /// # Examples
    ///
    /// ```
    /// use keyctl::{KeyType, Keyring};
    ///
    /// # fn main() -> Result<(), keyctl::Error> {
    /// let ring = Keyring::PROCESS.add_keyring(c"keyctl:doc:link")?;
    /// let key = Keyring::PROCESS.add_key(KeyType::USER, c"keyctl:doc:linked", b"1")?;
    /// ring.link(key)?;
    /// assert_eq!(ring.link(ring), Err(keyctl::Error::Cycle));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # References
    ///
    /// - [`keyctl_link(3)`](https://man7.org/linux/man-pages/man3/keyctl_link.3.html)
    /// - `security/keys/keyring.c`
    #[doc(alias = "keyctl_link")]
    #[doc(alias = "KEYCTL_LINK")]
    #[inline]
    pub fn link(self, key: impl Into<Key>) -> Result<()> {
        let key = key.into().serial();
        syscall::keyctl_plain(op::LINK, key.into(), self.serial().into(), Arg::ZERO, Arg::ZERO).done()
    }

    /// `keyctl(KEYCTL_UNLINK, key, keyring)`—Removes a link from this keyring.
    ///
    /// The key goes when its last link does, and its quota is free some moments later. Any key can be
    /// unlinked, an expired, revoked or negative one too.
    ///
    /// **The kernel matches type and description, not the serial**: where this keyring holds another
    /// key of the same type and description, the link to that one is removed.
    ///
    /// # Errors
    ///
    /// | error | number | cause |
    /// | --- | --- | --- |
    /// | [`NotFound`](crate::Error::NotFound) | `ENOENT` | there is no such link |
    /// | [`AccessDenied`](crate::Error::AccessDenied) | `EACCES` | the keyring does not grant write |
    /// | [`NoKey`](crate::Error::NoKey) | `ENOKEY` | one of the two does not exist |
    /// | [`NotAKeyring`](crate::Error::NotAKeyring) | `ENOTDIR` | this is a key of another type |
    /// | [`InvalidArgument`](crate::Error::InvalidArgument) | `EINVAL` | a special id that the kernel does not know |
    /// | [`KeyExpired`](crate::Error::KeyExpired), [`KeyRevoked`](crate::Error::KeyRevoked) | `EKEYEXPIRED`, `EKEYREVOKED` | the keyring is |
    /// | [`NotPermitted`](crate::Error::NotPermitted) | `EPERM` | the kernel keeps the keyring as it is |
    /// | [`OutOfMemory`](crate::Error::OutOfMemory) | `ENOMEM` | |
    ///
    /// # Examples
    ///
    /// ```
    /// use keyctl::{KeyType, Keyring};
    ///
    /// # fn main() -> Result<(), keyctl::Error> {
    /// let key = Keyring::PROCESS.add_key(KeyType::USER, c"keyctl:doc:unlink", b"1")?;
    /// Keyring::PROCESS.unlink(key)?;
    /// assert_eq!(Keyring::PROCESS.search(KeyType::USER, c"keyctl:doc:unlink")?, None);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # References
    ///
    /// - [`keyctl_unlink(3)`](https://man7.org/linux/man-pages/man3/keyctl_unlink.3.html)
    /// - `security/keys/keyring.c`
    #[doc(alias = "keyctl_unlink")]
    #[doc(alias = "KEYCTL_UNLINK")]
    #[inline]
    pub fn unlink(self, key: impl Into<Key>) -> Result<()> {
        let key = key.into().serial();
        syscall::keyctl_plain(op::UNLINK, key.into(), self.serial().into(), Arg::ZERO, Arg::ZERO).done()
    }

    /// `keyctl(KEYCTL_MOVE, key, from, to, flags)`—Moves the link to a key from this keyring to another,
    /// in one step. Linux 5.3.
    ///
    /// As in [`unlink`](Self::unlink), **type and description decide** which link goes here, be it to another
    /// key. Where both keyrings are the same one, this succeeds without a look at whether the key is linked
    /// there. When it fails, both stay as they are.
    ///
    /// # Errors
    ///
    /// | error | number | cause |
    /// | --- | --- | --- |
    /// | [`AlreadyExists`](crate::Error::AlreadyExists) | `EEXIST` | the destination has such a key, be it this one, and [`Collision::Refuse`] |
    /// | [`NotFound`](crate::Error::NotFound) | `ENOENT` | the key is not linked here |
    /// | [`AccessDenied`](crate::Error::AccessDenied) | `EACCES` | a keyring does not grant write, or the key link |
    /// | [`QuotaExceeded`](crate::Error::QuotaExceeded) | `EDQUOT` | the new link is paid for before the old one is free |
    /// | [`Unsupported`](crate::Error::Unsupported) | `EOPNOTSUPP` | a kernel before 5.3, or a restricted destination |
    ///
    /// and those of [`link`](Self::link).
    ///
    /// # Examples
    ///
    /// ```
    /// use keyctl::{Collision, KeyType, Keyring};
    ///
    /// # fn main() -> Result<(), keyctl::Error> {
    /// let inbox = Keyring::PROCESS.add_keyring(c"keyctl:doc:inbox")?;
    /// let done = Keyring::PROCESS.add_keyring(c"keyctl:doc:done")?;
    /// let key = inbox.add_key(KeyType::USER, c"keyctl:doc:moved", b"1")?;
    /// inbox.move_to(key, done, Collision::Refuse)?;
    /// assert_eq!(done.search(KeyType::USER, c"keyctl:doc:moved")?, Some(key));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # References
    ///
    /// - [`keyctl_move(3)`](https://man7.org/linux/man-pages/man3/keyctl_move.3.html)
    /// - `security/keys/keyring.c`
    #[doc(alias = "keyctl_move")]
    #[doc(alias = "KEYCTL_MOVE")]
    #[inline]
    pub fn move_to(self, key: impl Into<Key>, to: Self, collision: Collision) -> Result<()> {
        const KEYCTL_MOVE_EXCL: u32 = 1;
        let key = key.into().serial();
        let flags = match collision {
            Collision::Displace => 0,
            Collision::Refuse => KEYCTL_MOVE_EXCL,
        };
        syscall::keyctl_plain(op::MOVE, key.into(), self.serial().into(), to.serial().into(), flags.into())
            .done()
    }

    /// `keyctl(KEYCTL_CLEAR, keyring)`—Removes all links from this keyring.
    ///
    /// Root may clear the kernel's own caches, such as `.dns_resolver`, without the permission.
    ///
    /// Linux keeps what a keyring's owner is charged for its links in 16 bits. Of each 16 384 links that go
    /// together, here or with the keyring, 65 536 bytes stay charged until the owner's last key is gone;
    /// [`unlink`](Self::unlink) gives back what each link cost. Those of a persistent keyring cost nothing.
    ///
    /// # Errors
    ///
    /// | error | number | cause |
    /// | --- | --- | --- |
    /// | [`AccessDenied`](crate::Error::AccessDenied) | `EACCES` | the keyring does not grant write |
    /// | [`NotAKeyring`](crate::Error::NotAKeyring) | `ENOTDIR` | this is a key of another type |
    /// | [`InvalidArgument`](crate::Error::InvalidArgument) | `EINVAL` | a special id that the kernel does not know |
    /// | [`NoKey`](crate::Error::NoKey), [`KeyExpired`](crate::Error::KeyExpired), [`KeyRevoked`](crate::Error::KeyRevoked) | `ENOKEY`, `EKEYEXPIRED`, `EKEYREVOKED` | there is no such keyring any more |
    /// | [`NotPermitted`](crate::Error::NotPermitted) | `EPERM` | the kernel keeps the keyring as it is |
    /// | [`OutOfMemory`](crate::Error::OutOfMemory) | `ENOMEM` | |
    ///
    /// # Examples
    ///
    /// ```
    /// use keyctl::Keyring;
    ///
    /// # fn main() -> Result<(), keyctl::Error> {
    /// let ring = Keyring::PROCESS.add_keyring(c"keyctl:doc:clear")?;
    /// ring.add_keyring(c"keyctl:doc:inner")?;
    /// ring.clear()?;
    /// assert_eq!(ring.links_len()?, 0);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # References
    ///
    /// - [`keyctl_clear(3)`](https://man7.org/linux/man-pages/man3/keyctl_clear.3.html)
    /// - `security/keys/keyring.c`
    #[doc(alias = "keyctl_clear")]
    #[doc(alias = "KEYCTL_CLEAR")]
    #[inline]
    pub fn clear(self) -> Result<()> {
        syscall::keyctl_plain(op::CLEAR, self.serial().into(), Arg::ZERO, Arg::ZERO, Arg::ZERO).done()
    }

    /// `keyctl(KEYCTL_READ, keyring, buffer, length)`—Lists the keys that this keyring links, in one call.
    ///
    /// Their order means nothing, and by the time that they are looked at, some may be gone. Nothing is
    /// asked about them: see [`Key::describe`] for that, key by key.
    ///
    /// # Errors
    ///
    /// | error | number | cause |
    /// | --- | --- | --- |
    /// | [`BufferTooSmall`](crate::Error::BufferTooSmall) | | and how many links there are: see [`Buffer`] |
    /// | [`NoKey`](crate::Error::NoKey) | `ENOKEY` | no such keyring |
    /// | [`AccessDenied`](crate::Error::AccessDenied) | `EACCES` | neither readable nor possessed; for a moment also a keyring that is invalidated |
    /// | [`KeyExpired`](crate::Error::KeyExpired), [`KeyRevoked`](crate::Error::KeyRevoked) | `EKEYEXPIRED`, `EKEYREVOKED` | it is |
    /// | [`UnexpectedReply`](crate::Error::UnexpectedReply) | | what was read is no list of serials: this is a key of another type (whose payload, where it looks like one, is taken for it) |
    /// | [`Unsupported`](crate::Error::Unsupported) | `EOPNOTSUPP` | this is a key of another type, that user space can't read |
    /// | [`OutOfMemory`](crate::Error::OutOfMemory) | `ENOMEM` | |
    ///
    /// # Examples
    ///
    /// ```
    /// use core::mem::MaybeUninit;
    /// use keyctl::{KeyType, Keyring};
    ///
    /// # fn main() -> Result<(), keyctl::Error> {
    /// let ring = Keyring::PROCESS.add_keyring(c"keyctl:doc:links")?;
    /// let key = ring.add_key(KeyType::USER, c"keyctl:doc:one", b"1")?;
    /// let mut buffer = [MaybeUninit::uninit(); 16];
    /// assert_eq!(ring.links(&mut buffer)?, [key]);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # References
    ///
    /// - [`keyctl_read(3)`](https://man7.org/linux/man-pages/man3/keyctl_read.3.html)
    /// - `security/keys/keyring.c`
    #[inline]
    pub fn links<'a>(self, buffer: impl Buffer<'a, Key>) -> Result<&'a mut [Key]> {
        self.fetch(op::READ, buffer)
    }

    /// `keyctl(KEYCTL_READ, keyring, NULL, 0)`—How many keys this keyring links, as of now.
    ///
    /// # Errors
    ///
    /// As [`links`](Self::links), without those of the buffer.
    ///
    /// # Examples
    ///
    /// ```
    /// use keyctl::Keyring;
    ///
    /// # fn main() -> Result<(), keyctl::Error> {
    /// let ring = Keyring::PROCESS.add_keyring(c"keyctl:doc:count")?;
    /// assert_eq!(ring.links_len()?, 0);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # References
    ///
    /// - [`keyctl_read(3)`](https://man7.org/linux/man-pages/man3/keyctl_read.3.html)
    #[inline]
    pub fn links_len(self) -> Result<usize> {
        match self.payload_len()? {
            bytes if bytes % size_of::<KeySerial>() == 0 => Ok(bytes / size_of::<KeySerial>()),
            _ => Err(Error::UnexpectedReply),
        }
    }
}
