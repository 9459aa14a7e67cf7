//! Finding keys in a keyring and the keyrings that it leads to.
//!
//! # Safety
//!
//! The calls here hand the kernel texts to read.
#![allow(unsafe_code)]

use crate::errors::{Error, Result};
use crate::key::{Key, Keyring};
use crate::key_type::KeyType;
use crate::serial::KeySerial;
use crate::syscall::{self, op};
use crate::text::Text;

/// Whether [`Keyring::find_or_create`] found a keyring or made it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Origin {
    /// It was there.
    Found,
    /// It is new, and empty.
    Created,
}

impl Keyring {
    /// `keyctl(KEYCTL_SEARCH, keyring, type, description, 0)`—Finds a key in this keyring and in all that
    /// it leads to.
    ///
    /// `None` when there is no such key, no such keyring, or no such type: the kernel does not tell
    /// these apart. Keyrings and keys that do not grant search are passed over, and so are expired and
    /// revoked keys where there is another match. It looks into this keyring first, and then into those that
    /// nest in it, six deep. **A keyring finds itself** if it is of that type and description.
    ///
    /// An asymmetric key is also found by a part of its identifier, as `id:` and hexadecimal digits.
    ///
    /// # Errors
    ///
    /// | error | number | cause |
    /// | --- | --- | --- |
    /// | [`AccessDenied`](crate::Error::AccessDenied) | `EACCES` | this keyring, or the only match, does not grant search |
    /// | [`KeyExpired`](crate::Error::KeyExpired), [`KeyRevoked`](crate::Error::KeyRevoked) | `EKEYEXPIRED`, `EKEYREVOKED` | this keyring, or the only match, is; the latter also when it is invalidated and not yet collected, or, in a search by identifier, for any asymmetric key on the way |
    /// | [`NotAKeyring`](crate::Error::NotAKeyring) | `ENOTDIR` | this is a key of another type |
    /// | [`NotPermitted`](crate::Error::NotPermitted) | `EPERM` | a type that begins with a dot |
    /// | [`InvalidArgument`](crate::Error::InvalidArgument) | `EINVAL` | a type or description of an impossible length; a special id that the kernel does not know |
    /// | [`InteriorNul`](crate::Error::InteriorNul), [`TextTooLong`](crate::Error::TextTooLong) | | see [`Text`] |
    /// | [`OutOfMemory`](crate::Error::OutOfMemory) | `ENOMEM` | |
    /// | any | | a negative match answers the number that its maker chose; `None` for `ENOKEY` and `EAGAIN` |
    ///
    /// # Examples
    ///
    /// ```
    /// use keyctl::{KeyType, Keyring};
    ///
    /// # fn main() -> Result<(), keyctl::Error> {
    /// let key = Keyring::PROCESS.add_key(KeyType::USER, c"keyctl:doc:search", b"1")?;
    /// assert_eq!(Keyring::PROCESS.search(KeyType::USER, c"keyctl:doc:search")?, Some(key));
    /// assert_eq!(Keyring::PROCESS.search(KeyType::USER, c"keyctl:doc:absent")?, None);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # References
    ///
    /// - [`keyctl_search(3)`](https://man7.org/linux/man-pages/man3/keyctl_search.3.html)
    /// - `security/keys/keyring.c`
    #[doc(alias = "keyctl_search")]
    #[doc(alias = "KEYCTL_SEARCH")]
    #[inline]
    pub fn search(self, key_type: KeyType<'_>, description: impl Text) -> Result<Option<Key>> {
        self.search_into(key_type, description, None)
    }

    /// `keyctl(KEYCTL_SEARCH, keyring, type, description, destination)`—Finds a key, and links it into
    /// another keyring.
    ///
    /// Linked into a keyring that the caller possesses, the key is possessed as well.
    ///
    /// # Errors
    ///
    /// Those of [`search`](Self::search) and of [`link`](Self::link): the key must grant link, and the
    /// destination write. What `link` answers as [`NoKey`](crate::Error::NoKey) is `None` here: **a destination that
    /// does not exist**, or one that is [restricted](Self::restrict) to keys that others signed.
    ///
    /// # Examples
    ///
    /// ```
    /// use keyctl::{KeyType, Keyring};
    ///
    /// # fn main() -> Result<(), keyctl::Error> {
    /// let key = Keyring::PROCESS.add_key(KeyType::USER, c"keyctl:doc:search2", b"1")?;
    /// let found =
    ///     Keyring::PROCESS.search_and_link(KeyType::USER, c"keyctl:doc:search2", Keyring::THREAD)?;
    /// assert_eq!(found, Some(key));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # References
    ///
    /// - [`keyctl_search(3)`](https://man7.org/linux/man-pages/man3/keyctl_search.3.html)
    /// - `security/keys/keyring.c`
    #[inline]
    pub fn search_and_link(
        self,
        key_type: KeyType<'_>,
        description: impl Text,
        destination: Self,
    ) -> Result<Option<Key>> {
        self.search_into(key_type, description, Some(destination.serial()))
    }

    #[inline]
    fn search_into(
        self,
        key_type: KeyType<'_>,
        description: impl Text,
        destination: Option<KeySerial>,
    ) -> Result<Option<Key>> {
        description.with_c_str(|description| {
            let (key_type, description) = (key_type.name().into(), description.into());
            // SAFETY: two texts that end in NUL, borrowed until the call is over.
            unsafe {
                syscall::keyctl_raw(
                    op::SEARCH.number(),
                    self.serial().into(),
                    key_type,
                    description,
                    destination.into(),
                )
            }
            .key_if_any()
        })
    }

    /// Finds the keyring of this name here, or makes it; either way possessed.
    ///
    /// It is linked into `possessed`, one of the caller's own keyrings (`THREAD` or `PROCESS`), by which
    /// the caller may use it, and displaces one of the same name there. A new one is made there first and
    /// then linked here, so that a caller who may only search and write here can still fill it. This is
    /// what MIT krb5 does for its `_krb` collection: up to three system calls. One that is expired or revoked
    /// is replaced.
    ///
    /// *Here* is wherever [`search`](Self::search) leads: also into a keyring that nests here, and to this
    /// keyring if it is of that name itself. What is new grants search to its possessor only: who does
    /// not possess this keyring finds it the next time as [`AccessDenied`](crate::Error::AccessDenied), unless its
    /// [permissions](Key::set_permissions) are changed.
    ///
    /// Two callers that do this at the same time may each make one; the later link displaces the
    /// earlier, whose maker keeps a keyring that nobody else finds.
    ///
    /// # Errors
    ///
    /// Those of [`search_and_link`](Self::search_and_link), [`add_keyring`](Self::add_keyring) and
    /// [`link`](Self::link). When the last fails, the new keyring stays linked in `possessed` only.
    ///
    /// # Examples
    ///
    /// ```
    /// use keyctl::{Keyring, Origin};
    ///
    /// # fn main() -> Result<(), keyctl::Error> {
    /// let parent = Keyring::PROCESS.add_keyring(c"keyctl:doc:parent")?;
    /// let (child, origin) = parent.find_or_create(c"keyctl:doc:child", Keyring::THREAD)?;
    /// assert_eq!(origin, Origin::Created);
    /// let again = parent.find_or_create(c"keyctl:doc:child", Keyring::THREAD)?;
    /// assert_eq!(again, (child, Origin::Found));
    /// # Ok(())
    /// # }
    /// ```
    pub fn find_or_create(self, description: impl Text, possessed: Self) -> Result<(Self, Origin)> {
        description.with_c_str(|description| {
            match self.search_and_link(KeyType::KEYRING, description, possessed) {
                Ok(Some(key)) => Ok((key.into(), Origin::Found)),
                Ok(None) | Err(Error::KeyExpired | Error::KeyRevoked) => {
                    let keyring = possessed.add_keyring(description)?;
                    self.link(keyring)?;
                    Ok((keyring, Origin::Created))
                }
                Err(error) => Err(error),
            }
        })
    }
}
