//! The two handles, `Key` and `Keyring`: a keyring is a key.

use core::ops::Deref;

use crate::serial::KeySerial;

/// A key of any type, named by its [`KeySerial`].
///
/// A handle is a number, 4 bytes, `Copy`: it owns nothing, and dropping it unlinks nothing. The key
/// behind it lives as long as something in the kernel links to it.
///
/// # Examples
///
/// ```
/// use keyctl::{Key, KeySerial};
///
/// let key = KeySerial::from_raw(0x2f1a_77d3).map(Key::from);
/// assert_eq!(key.unwrap().serial().as_raw(), 0x2f1a_77d3);
/// ```
#[repr(transparent)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key(KeySerial);

/// A keyring: a key whose payload is links to other keys.
///
/// Being a key, it has every operation of [`Key`] (by [`Deref`], which is free), and what takes
/// `impl Into<Key>` takes a `Keyring`. Whether the number really names a keyring is the kernel's to
/// say: it answers [`NotAKeyring`](crate::Error::NotAKeyring) where it does not.
///
/// # Examples
///
/// ```
/// use keyctl::{Keyring, KeySerial};
///
/// let session = Keyring::SESSION;
/// assert_eq!(session.serial(), KeySerial::SESSION_KEYRING);
/// assert_eq!(size_of::<Option<Keyring>>(), 4);
/// ```
#[repr(transparent)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Keyring(Key);

impl Key {
    /// The number that names this key.
    #[inline]
    #[must_use]
    pub const fn serial(self) -> KeySerial {
        self.0
    }
}

/// Each constant stands for a keyring of the calling thread, and stays the special id that it is.
/// See [`get_persistent`](crate::get_persistent#which-keyring-to-link-it-into) for which to choose.
impl Keyring {
    /// `@t`: this thread's own keyring, made when first used and gone with the thread.
    #[doc(alias = "KEY_SPEC_THREAD_KEYRING")]
    pub const THREAD: Self = Self(Key(KeySerial::THREAD_KEYRING));
    /// `@p`: the process's keyring, made when first used; threads that are older do not have it.
    #[doc(alias = "KEY_SPEC_PROCESS_KEYRING")]
    pub const PROCESS: Self = Self(Key(KeySerial::PROCESS_KEYRING));
    /// `@s`: the session keyring, inherited over fork and exec.
    ///
    /// Where a process has none of its own, this is the user's default session keyring; an operation that changes
    /// it or what is in it, or links or watches it, installs a **new, empty** one first.
    #[doc(alias = "KEY_SPEC_SESSION_KEYRING")]
    pub const SESSION: Self = Self(Key(KeySerial::SESSION_KEYRING));
    /// `@u`: the keyring of the real uid, shared by all its processes.
    #[doc(alias = "KEY_SPEC_USER_KEYRING")]
    pub const USER: Self = Self(Key(KeySerial::USER_KEYRING));
    /// `@us`: the session keyring of the real uid for processes that have none of their own.
    #[doc(alias = "KEY_SPEC_USER_SESSION_KEYRING")]
    pub const USER_SESSION: Self = Self(Key(KeySerial::USER_SESSION_KEYRING));
    /// For a program that makes a key for another: the keyring that the request named. See
    /// [`Authority`](crate::Authority).
    #[doc(alias = "KEY_SPEC_REQUESTOR_KEYRING")]
    pub const REQUESTOR: Self = Self(Key(KeySerial::REQUESTOR_KEYRING));
}

impl From<KeySerial> for Key {
    #[inline]
    fn from(serial: KeySerial) -> Self {
        Self(serial)
    }
}

impl From<KeySerial> for Keyring {
    #[inline]
    fn from(serial: KeySerial) -> Self {
        Self(Key(serial))
    }
}

/// Takes it for a keyring; whether it is one is the kernel's to say.
impl From<Key> for Keyring {
    #[inline]
    fn from(key: Key) -> Self {
        Self(key)
    }
}

impl From<Keyring> for Key {
    #[inline]
    fn from(keyring: Keyring) -> Self {
        keyring.0
    }
}

impl Deref for Keyring {
    type Target = Key;

    #[inline]
    fn deref(&self) -> &Key {
        &self.0
    }
}
