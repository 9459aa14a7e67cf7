//! What names a key: `key_serial_t` and the special ids.

use core::fmt;
use core::num::NonZeroI32;

/// `key_serial_t`—the number by which a key is named.
///
/// Positive numbers are *serials*: the kernel draws them at random, from 3 upwards, when it makes a
/// key. They are unique only while the key exists, and the same number can come back later for
/// another key, so a serial is not worth storing: keep a link to the key instead. Negative
/// numbers are *special ids*: each stands for one of the calling thread's own keyrings, looked up
/// anew at each call. A special id stays one here; nothing resolves it behind your back, since a
/// keyring found by its serial may no longer be possessed.
///
/// Zero names no key, and so `Option<KeySerial>` takes 4 bytes and its `None` is the kernel's 0. Any
/// other number is accepted: whether it names something is the kernel's to say.
///
/// # References
///
/// - [`keyrings(7)`](https://man7.org/linux/man-pages/man7/keyrings.7.html)
/// - `include/uapi/linux/keyctl.h`
#[doc(alias = "key_serial_t")]
#[repr(transparent)]
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeySerial(NonZeroI32);

/// The special ids, in the kernel's order: one row names the constant and its text in `Debug`.
macro_rules! special {
    ($($(#[$doc:meta])* $name:ident = $id:literal, $c:literal;)*) => {
        impl KeySerial {
            $(
                $(#[$doc])*
                #[doc(alias = $c)]
                // A literal in the table above that is 0 does not compile.
                pub const $name: Self = Self(NonZeroI32::new($id).unwrap());
            )*

            /// The constant's name, for a special id that has one.
            const fn name(self) -> Option<&'static str> {
                match self.as_raw() {
                    $($id => Some(stringify!($name)),)*
                    _ => None,
                }
            }
        }
    };
}

special! {
    /// The calling thread's own keyring.
    THREAD_KEYRING = -1, "KEY_SPEC_THREAD_KEYRING";
    /// The keyring of the process, as far as the calling thread has it.
    PROCESS_KEYRING = -2, "KEY_SPEC_PROCESS_KEYRING";
    /// The calling thread's session keyring.
    SESSION_KEYRING = -3, "KEY_SPEC_SESSION_KEYRING";
    /// The keyring of the calling thread's real uid.
    USER_KEYRING = -4, "KEY_SPEC_USER_KEYRING";
    /// The default session keyring of the calling thread's real uid.
    USER_SESSION_KEYRING = -5, "KEY_SPEC_USER_SESSION_KEYRING";
    /// The keyring of a group: never implemented, and refused as [`InvalidArgument`](crate::Error::InvalidArgument).
    GROUP_KEYRING = -6, "KEY_SPEC_GROUP_KEYRING";
    /// The assumed authority to instantiate a key: a key, not a keyring.
    REQKEY_AUTH_KEY = -7, "KEY_SPEC_REQKEY_AUTH_KEY";
    /// The destination keyring of the one who requested the key that this thread instantiates.
    REQUESTOR_KEYRING = -8, "KEY_SPEC_REQUESTOR_KEYRING";
}

impl KeySerial {
    /// From the kernel's number: `None` for 0.
    #[inline]
    #[must_use]
    pub const fn from_raw(raw: i32) -> Option<Self> {
        match NonZeroI32::new(raw) {
            Some(id) => Some(Self(id)),
            None => None,
        }
    }

    /// The kernel's number, never 0.
    #[inline]
    #[must_use]
    pub const fn as_raw(self) -> i32 {
        self.0.get()
    }

    /// Whether this is a special id (negative), which means something else to each thread.
    #[inline]
    #[must_use]
    pub const fn is_special(self) -> bool {
        self.as_raw() < 0
    }
}

/// Decimal, as the `keyctl` program prints it.
impl fmt::Display for KeySerial {
    #[inline]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Hexadecimal, as `/proc/keys` prints it (with `{:08x}`).
impl fmt::LowerHex for KeySerial {
    #[inline]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for KeySerial {
    #[inline]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => write!(f, "KeySerial::{name}"),
            None => write!(f, "KeySerial({})", self.0),
        }
    }
}
