//! The types of keys, by name.

use core::ffi::CStr;

/// The type of a key, which decides what payload it takes and what can be done with it.
///
/// A type is a name: the constants are those that the kernel's documentation describes, and
/// [`new`](Self::new) takes any other. A type that this kernel does not have is refused, by `add_key` as
/// [`UnknownType`](crate::Error::UnknownType) while a search finds nothing.
///
/// # Examples
///
/// ```
/// use keyctl::KeyType;
///
/// assert_eq!(KeyType::USER.name(), c"user");
/// assert_eq!(KeyType::new(c"ceph").name().to_bytes(), b"ceph");
/// ```
///
/// # References
///
/// - [`keyrings(7)`](https://man7.org/linux/man-pages/man7/keyrings.7.html)
/// - `Documentation/security/keys/`
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct KeyType<'a>(&'a CStr);

impl KeyType<'static> {
    /// `user`: 1 to 32767 bytes that user space may read and update.
    pub const USER: Self = Self(c"user");
    /// `logon`: as `user`, but only the kernel can read it. Its description needs a prefix: `fs:x`.
    pub const LOGON: Self = Self(c"logon");
    /// `keyring`: no payload; what it holds is links.
    pub const KEYRING: Self = Self(c"keyring");
    /// `big_key`: 1 to 1048575 bytes, kept encrypted in swappable memory. `CONFIG_BIG_KEYS`.
    pub const BIG_KEY: Self = Self(c"big_key");
    /// `encrypted`: made by the kernel and seen outside only encrypted; the payload is a command.
    pub const ENCRYPTED: Self = Self(c"encrypted");
    /// `trusted`: made and sealed by a TPM or the like; the payload is a command.
    pub const TRUSTED: Self = Self(c"trusted");
    /// `asymmetric`: a public or private key; the payload is an X.509 certificate or PKCS#8, in DER.
    pub const ASYMMETRIC: Self = Self(c"asymmetric");
}

impl<'a> KeyType<'a> {
    /// A type by its name, of 1 to 31 bytes. Names that begin with a dot are the kernel's own, and
    /// refused as [`NotPermitted`](crate::Error::NotPermitted).
    #[inline]
    #[must_use]
    pub const fn new(name: &'a CStr) -> Self {
        Self(name)
    }

    /// Its name.
    #[inline]
    #[must_use]
    pub const fn name(self) -> &'a CStr {
        self.0
    }
}
