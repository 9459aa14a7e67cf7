//! What a key says of itself: type, owner, permissions, description; and its security label.

use rustix::process::{Gid, Uid};

use crate::buffer::Buffer;
use crate::errors::{Error, Result};
use crate::key::Key;
use crate::permission::Permissions;
use crate::syscall::op;

/// A buffer of so many bytes holds what [`Key::describe`] reads of any key that was made with a description:
/// a type of 31 bytes, two ids of 11, the mask of 8, a description of 4095, four semicolons and a NUL.
///
/// Only for an `asymmetric` key that is made with an empty description the kernel makes one, of the certificate's
/// subject and serial number, which can be longer.
pub const MAX_DESCRIPTION: usize = 31 + 11 + 11 + 8 + 4095 + 4 + 1;

/// What a key says of itself.
///
/// The description is bytes, and whoever made the key chose them: any but NUL, semicolons and newlines
/// too. The same name does not make the same key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Description<'a> {
    /// The name of its type, such as `user` or `keyring`.
    pub key_type: &'a [u8],
    /// Its owner, in the terms of the caller's user namespace. 65534 stands also for a uid that has no
    /// meaning there.
    pub uid: Uid,
    /// Its group. 65534 stands also for none, and for one that has no meaning there.
    pub gid: Gid,
    /// Who may do what with it.
    pub permissions: Permissions,
    /// Its description.
    pub description: &'a [u8],
}

impl<'a> Description<'a> {
    /// Reads `type;uid;gid;mask;description`, without the NUL at the end. `None` when it is none.
    ///
    /// Only the first four semicolons divide: a description may contain more of them. Ids of 2³¹ and
    /// more are printed by the kernel as negative numbers, and read here as what they are.
    ///
    /// # Examples
    ///
    /// ```
    /// use keyctl::Description;
    ///
    /// let found = Description::parse(b"user;-2;100;3f010000;a;b").unwrap();
    /// assert_eq!(found.uid.as_raw(), 4294967294);
    /// assert_eq!(found.description, b"a;b");
    /// ```
    #[inline]
    #[must_use]
    pub fn parse(text: &'a [u8]) -> Option<Self> {
        let mut fields = text.splitn(5, |&byte| byte == b';');
        let key_type = fields.next()?;
        let uid = id(fields.next()?)?;
        let gid = id(fields.next()?)?;
        let permissions = Permissions::from_raw(number::<16>(fields.next()?)?);
        let description = fields.next()?;
        Some(Self {
            key_type,
            uid: Uid::from_raw_unchecked(uid),
            gid: Gid::from_raw_unchecked(gid),
            permissions,
            description,
        })
    }
}

/// A uid or gid as the kernel prints it, with `%d`. -1 is none.
pub(crate) fn id(text: &[u8]) -> Option<u32> {
    signed(text).filter(|&id| id != u32::MAX)
}

/// What the kernel printed with `%d`, or with `%u`, and did not mean to have a sign.
pub(crate) fn signed(text: &[u8]) -> Option<u32> {
    match text {
        [b'-', digits @ ..] => number::<10>(digits).filter(|&below| below <= 1 << 31).map(u32::wrapping_neg),
        digits => number::<10>(digits),
    }
}

pub(crate) fn number<const RADIX: u32>(digits: &[u8]) -> Option<u32> {
    let digits = digits.first().map(|_| digits)?;
    digits.iter().try_fold(0u32, |number, &digit| {
        number.checked_mul(RADIX)?.checked_add(char::from(digit).to_digit(RADIX)?)
    })
}

impl Key {
    /// `keyctl(KEYCTL_DESCRIBE, key, buffer, length)`—Reads type, owner, permissions and description.
    ///
    /// [`MAX_DESCRIPTION`] bytes hold every answer, but of an `asymmetric` key whose description the kernel made.
    ///
    /// # Errors
    ///
    /// | error | number | cause |
    /// | --- | --- | --- |
    /// | [`BufferTooSmall`](Error::BufferTooSmall) | | and how large it is: see [`Buffer`] |
    /// | [`AccessDenied`](Error::AccessDenied) | `EACCES` | the key does not grant view |
    /// | [`NoKey`](Error::NoKey), [`KeyExpired`](Error::KeyExpired), [`KeyRevoked`](Error::KeyRevoked) | `ENOKEY`, `EKEYEXPIRED`, `EKEYREVOKED` | there is no such key any more |
    /// | [`UnexpectedReply`](Error::UnexpectedReply) | | what was read is not a description |
    /// | [`OutOfMemory`](Error::OutOfMemory) | `ENOMEM` | |
    ///
    /// # Examples
    ///
    /// ```
    /// use keyctl::{KeyType, Keyring, MAX_DESCRIPTION};
    ///
    /// # fn main() -> Result<(), keyctl::Error> {
    /// let key = Keyring::PROCESS.add_key(KeyType::USER, c"host;port;user", b"1")?;
    /// let mut buffer = [0; MAX_DESCRIPTION];
    /// let found = key.describe(&mut buffer)?;
    /// assert_eq!(found.key_type, b"user");
    /// assert_eq!(found.description, b"host;port;user");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # References
    ///
    /// - [`keyctl_describe(3)`](https://man7.org/linux/man-pages/man3/keyctl_describe.3.html)
    /// - `security/keys/keyctl.c`
    #[doc(alias = "keyctl_describe")]
    #[doc(alias = "keyctl_describe_alloc")]
    #[doc(alias = "KEYCTL_DESCRIBE")]
    #[inline]
    pub fn describe<'a>(self, buffer: impl Buffer<'a>) -> Result<Description<'a>> {
        Description::parse(text(self.describe_raw(buffer)?)?).ok_or(Error::UnexpectedReply)
    }

    /// `keyctl(KEYCTL_DESCRIBE, key, buffer, length)`—Reads `type;uid;gid;mask;description` and a NUL, as the kernel
    /// writes it.
    ///
    /// For those who want the text, or take it apart later: by [`Description::parse`], without the NUL.
    ///
    /// # Errors
    ///
    /// As [`describe`](Self::describe).
    ///
    /// # Examples
    ///
    /// ```
    /// use keyctl::{KeyType, Keyring, MAX_DESCRIPTION};
    ///
    /// # fn main() -> Result<(), keyctl::Error> {
    /// let key = Keyring::PROCESS.add_key(KeyType::USER, c"keyctl:doc:raw", b"1")?;
    /// let mut buffer = [0; MAX_DESCRIPTION];
    /// assert!(key.describe_raw(&mut buffer)?.ends_with(b";keyctl:doc:raw\0"));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # References
    ///
    /// - [`keyctl_describe(3)`](https://man7.org/linux/man-pages/man3/keyctl_describe.3.html)
    #[inline]
    pub fn describe_raw<'a>(self, buffer: impl Buffer<'a>) -> Result<&'a mut [u8]> {
        self.fetch(op::DESCRIBE, buffer)
    }

    /// `keyctl(KEYCTL_GET_SECURITY, key, buffer, length)`—Reads the label that a security module (SELinux,
    /// Smack) gave the key, without the NUL at its end. Linux 2.6.26.
    ///
    /// Empty when there is no such module.
    ///
    /// # Errors
    ///
    /// | error | number | cause |
    /// | --- | --- | --- |
    /// | [`BufferTooSmall`](Error::BufferTooSmall) | | and how large it is, with its NUL: see [`Buffer`] |
    /// | [`NoKey`](Error::NoKey) | `ENOKEY` | no such key, **or it does not grant view** |
    /// | [`KeyExpired`](Error::KeyExpired), [`KeyRevoked`](Error::KeyRevoked) | `EKEYEXPIRED`, `EKEYREVOKED` | it is |
    /// | [`UnexpectedReply`](Error::UnexpectedReply) | | what was read does not end in NUL |
    /// | [`OutOfMemory`](Error::OutOfMemory) | `ENOMEM` | |
    ///
    /// # Examples
    ///
    /// ```
    /// use keyctl::{KeyType, Keyring};
    ///
    /// # fn main() -> Result<(), keyctl::Error> {
    /// let key = Keyring::PROCESS.add_key(KeyType::USER, c"keyctl:doc:label", b"1")?;
    /// let mut buffer = [0; 256];
    /// println!("{}", key.security(&mut buffer)?.escape_ascii());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # References
    ///
    /// - [`keyctl_get_security(3)`](https://man7.org/linux/man-pages/man3/keyctl_get_security.3.html)
    /// - `security/keys/keyctl.c`
    #[doc(alias = "keyctl_get_security")]
    #[doc(alias = "keyctl_get_security_alloc")]
    #[doc(alias = "KEYCTL_GET_SECURITY")]
    #[inline]
    pub fn security<'a>(self, buffer: impl Buffer<'a>) -> Result<&'a mut [u8]> {
        text(self.fetch(op::GET_SECURITY, buffer)?)
    }
}

/// A text without the NUL that the kernel ends it with.
#[inline]
fn text(read: &mut [u8]) -> Result<&mut [u8]> {
    match read {
        [text @ .., 0] => Ok(text),
        _ => Err(Error::UnexpectedReply),
    }
}
