//! Restricting what a keyring takes.
//!
//! # Safety
//!
//! The calls here hand the kernel texts to read.
#![allow(unsafe_code)]

use core::ffi::CStr;

use crate::errors::Result;
use crate::key::Keyring;
use crate::key_type::KeyType;
use crate::syscall::{self, Arg, op};
use crate::text::Text;

impl Keyring {
    /// `keyctl(KEYCTL_RESTRICT_KEYRING, keyring, type, restriction)`—Lets only such keys be linked as a
    /// restriction accepts. Linux 4.12. It can't be undone.
    ///
    /// Of the kernel's types only `asymmetric` has restrictions, which say who must have signed a new key:
    ///
    /// | restriction | signed by |
    /// | --- | --- |
    /// | `builtin_trusted` | a key that is built into the kernel |
    /// | `builtin_and_secondary_trusted` | one of those, or of the keyring `.secondary_trusted_keys` |
    /// | `key_or_keyring:<serial>` | this key, or a key in this keyring |
    /// | `key_or_keyring:<serial>:chain` | the same, or a key that the restricted keyring links; with the serial 0 only the latter |
    ///
    /// A keyring that is trusted is searched at each link, so what it trusts can change. The links that are
    /// there stay.
    ///
    /// Then [`add_key`](Self::add_key), [`link`](Self::link) and [`move_to`](Self::move_to) answer
    /// [`Unsupported`](crate::Error::Unsupported) for a key of another type, [`NoKey`](crate::Error::NoKey) for
    /// one that nobody trusted signed, and [`KeyRejected`](crate::Error::KeyRejected) for a wrong signature.
    ///
    /// # Errors
    ///
    /// | error | number | cause |
    /// | --- | --- | --- |
    /// | [`AccessDenied`](crate::Error::AccessDenied) | `EACCES` | the keyring does not grant setattr |
    /// | [`AlreadyExists`](crate::Error::AlreadyExists) | `EEXIST` | it is restricted already |
    /// | [`NotFound`](crate::Error::NotFound) | `ENOENT` | the type has no restrictions |
    /// | [`InvalidArgument`](crate::Error::InvalidArgument) | `EINVAL` | the type knows no such restriction; a type of an impossible length; a special id that the kernel does not know |
    /// | [`NoKey`](crate::Error::NoKey) | `ENOKEY` | no such keyring or type, or no such key in the restriction, which takes no special ids |
    /// | [`KeyExpired`](crate::Error::KeyExpired), [`KeyRevoked`](crate::Error::KeyRevoked) | `EKEYEXPIRED`, `EKEYREVOKED` | the keyring is |
    /// | [`NotAKeyring`](crate::Error::NotAKeyring) | `ENOTDIR` | this is a key of another type |
    /// | [`Cycle`](crate::Error::Cycle) | `EDEADLK` | the keyrings would restrict each other |
    /// | [`NotPermitted`](crate::Error::NotPermitted) | `EPERM` | a type that begins with a dot |
    /// | [`Unsupported`](crate::Error::Unsupported) | `EOPNOTSUPP` | a kernel before 4.12 |
    /// | [`OutOfMemory`](crate::Error::OutOfMemory) | `ENOMEM` | |
    /// | [`InteriorNul`](crate::Error::InteriorNul), [`TextTooLong`](crate::Error::TextTooLong) | | see [`Text`] |
    ///
    /// # Examples
    ///
    /// ```
    /// use keyctl::{Error, KeyType, Keyring};
    ///
    /// # fn main() -> Result<(), Error> {
    /// let ring = Keyring::PROCESS.add_keyring(c"keyctl:doc:restrict")?;
    /// assert_eq!(ring.restrict(KeyType::USER, c"whatever"), Err(Error::NotFound));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # References
    ///
    /// - [`keyctl_restrict_keyring(3)`](https://man7.org/linux/man-pages/man3/keyctl_restrict_keyring.3.html)
    /// - `security/keys/keyring.c`, `crypto/asymmetric_keys/restrict.c`
    #[doc(alias = "keyctl_restrict_keyring")]
    #[doc(alias = "KEYCTL_RESTRICT_KEYRING")]
    #[inline]
    pub fn restrict(self, key_type: KeyType<'_>, restriction: impl Text) -> Result<()> {
        restriction.with_c_str(|restriction| self.restrict_to(Some(key_type.name()), Some(restriction)))
    }

    /// `keyctl(KEYCTL_RESTRICT_KEYRING, keyring, NULL, NULL)`—Lets nothing more be linked into this keyring.
    /// Linux 4.12. It can't be undone.
    ///
    /// A link that would be made is then refused as [`NotPermitted`](crate::Error::NotPermitted), also one that
    /// is there already, and so is an update by [`add_key`](Self::add_key); [`Key::update`](crate::Key::update)
    /// still works. Links can be removed.
    ///
    /// # Errors
    ///
    /// As [`restrict`](Self::restrict), as far as they do not speak of a type.
    ///
    /// # Examples
    ///
    /// ```
    /// use keyctl::{Error, Keyring};
    ///
    /// # fn main() -> Result<(), Error> {
    /// let ring = Keyring::PROCESS.add_keyring(c"keyctl:doc:seal")?;
    /// ring.restrict_all()?;
    /// assert_eq!(ring.add_keyring(c"keyctl:doc:late"), Err(Error::NotPermitted));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # References
    ///
    /// - [`keyctl_restrict_keyring(3)`](https://man7.org/linux/man-pages/man3/keyctl_restrict_keyring.3.html)
    /// - `security/keys/keyring.c`
    #[inline]
    pub fn restrict_all(self) -> Result<()> {
        self.restrict_to(None, None)
    }

    #[inline]
    fn restrict_to(self, key_type: Option<&CStr>, restriction: Option<&CStr>) -> Result<()> {
        let (keyring, key_type, restriction) = (self.serial().into(), key_type.into(), restriction.into());
        // SAFETY: each text is null or ends in NUL, borrowed until the call is over.
        unsafe {
            syscall::keyctl_raw(op::RESTRICT_KEYRING.number(), keyring, key_type, restriction, Arg::ZERO)
        }
        .done()
    }
}
