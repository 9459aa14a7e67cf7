//! What the kernel can do, and whether it may be asked.
//!
//! # Safety
//!
//! The query hands the kernel a buffer to write; two probes hand it null pointers.
#![allow(unsafe_code)]

use crate::errors::{Error, Result};
use crate::syscall::{self, Arg, op};

bitflags::bitflags! {
    /// What the kernel's key service was built with, as [`capabilities`] tells.
    #[repr(transparent)]
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
    pub struct Capabilities: u64 {
        /// The query itself.
        #[doc(alias = "KEYCTL_CAPS0_CAPABILITIES")]
        const CAPABILITIES = 1 << 0;
        /// [`get_persistent`](crate::get_persistent). `CONFIG_PERSISTENT_KEYRINGS`.
        #[doc(alias = "KEYCTL_CAPS0_PERSISTENT_KEYRINGS")]
        const PERSISTENT_KEYRINGS = 1 << 1;
        /// Diffie-Hellman. `CONFIG_KEY_DH_OPERATIONS`.
        #[doc(alias = "KEYCTL_CAPS0_DIFFIE_HELLMAN")]
        const DIFFIE_HELLMAN = 1 << 2;
        /// Public-key operations. `CONFIG_ASYMMETRIC_KEY_TYPE`.
        #[doc(alias = "KEYCTL_CAPS0_PUBLIC_KEY")]
        const PUBLIC_KEY = 1 << 3;
        /// The type [`BIG_KEY`](crate::KeyType::BIG_KEY). `CONFIG_BIG_KEYS`.
        #[doc(alias = "KEYCTL_CAPS0_BIG_KEY")]
        const BIG_KEY = 1 << 4;
        /// [`Key::invalidate`](crate::Key::invalidate).
        #[doc(alias = "KEYCTL_CAPS0_INVALIDATE")]
        const INVALIDATE = 1 << 5;
        /// [`Keyring::restrict`](crate::Keyring::restrict).
        #[doc(alias = "KEYCTL_CAPS0_RESTRICT_KEYRING")]
        const RESTRICT_KEYRING = 1 << 6;
        /// [`Keyring::move_to`](crate::Keyring::move_to).
        #[doc(alias = "KEYCTL_CAPS0_MOVE")]
        const MOVE = 1 << 7;
        /// Names of keyrings are per user namespace.
        #[doc(alias = "KEYCTL_CAPS1_NS_KEYRING_NAME")]
        const NS_KEYRING_NAME = 1 << 8;
        /// Keys can belong to a network namespace.
        #[doc(alias = "KEYCTL_CAPS1_NS_KEY_TAG")]
        const NS_KEY_TAG = 1 << 9;
        /// Notifications of changes. `CONFIG_KEY_NOTIFICATIONS`.
        #[doc(alias = "KEYCTL_CAPS1_NOTIFICATIONS")]
        const NOTIFICATIONS = 1 << 10;
        // What a later kernel adds is kept, as far as 64 bits go.
        const _ = !0;
    }
}

/// `keyctl(KEYCTL_CAPABILITIES, buffer, length)`—Asks what the key service was built with. Linux 5.3.
///
/// # Errors
///
/// [`Unsupported`](Error::Unsupported) (`EOPNOTSUPP`) on a kernel before 5.3, or what a sandbox answers.
///
/// # Examples
///
/// ```
/// use keyctl::{Capabilities, capabilities};
///
/// # fn main() -> Result<(), keyctl::Error> {
/// println!("big keys: {}", capabilities()?.contains(Capabilities::BIG_KEY));
/// # Ok(())
/// # }
/// ```
///
/// # References
///
/// - [`keyctl_capabilities(3)`](https://man7.org/linux/man-pages/man3/keyctl_capabilities.3.html)
/// - `security/keys/keyctl.c`
#[doc(alias = "keyctl_capabilities")]
#[doc(alias = "KEYCTL_CAPABILITIES")]
#[inline]
pub fn capabilities() -> Result<Capabilities> {
    let mut bytes = [0; 8];
    let (start, length) = (bytes.as_mut_ptr().into(), bytes.len().into());
    // SAFETY: the kernel writes no more than the 8 bytes of this array.
    unsafe { syscall::keyctl_raw(op::CAPABILITIES.number(), start, length, Arg::ZERO, Arg::ZERO) }
        .number()?;
    Ok(Capabilities::from_bits_retain(u64::from_le_bytes(bytes)))
}

/// Whether something can be used here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Availability {
    /// It is there.
    Available,
    /// The kernel does not have it.
    Absent,
    /// The kernel has it, or may have, and something in between answers this: a seccomp filter or
    /// another sandbox, or a security module.
    Blocked(Error),
}

/// What of the key service can be used here, as [`support`] tells.
///
/// The three system calls fail separately: podman's filter lets `keyctl` pass and answers `ENOSYS` to the
/// other two, Docker's answers `EPERM` to all three. See the [guide](crate::guide::sandboxes).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Support {
    /// The system call `keyctl`: all but the next two.
    pub keyctl: Availability,
    /// The system call `add_key`: [`Keyring::add_key`](crate::Keyring::add_key).
    pub add_key: Availability,
    /// The system call `request_key`: [`request_key`](crate::request_key()).
    pub request_key: Availability,
    /// [`get_persistent`](crate::get_persistent), for the caller's own uid.
    pub persistent: Availability,
}

/// Asks, by calls that have no effect, what of the key service can be used here.
///
/// A kernel has all three system calls or none. So one that is not implemented is *absent* when the
/// others are not implemented either, and *blocked* when another one is there.
///
/// A sandbox that kills rather than answers (Android's, for applications) kills here, too.
///
/// # Examples
///
/// ```
/// use keyctl::{Availability, support};
///
/// match support().persistent {
///     Availability::Available => println!("tokens outlive the login"),
///     Availability::Absent => println!("this kernel has no persistent keyrings"),
///     Availability::Blocked(error) => println!("a sandbox forbids it: {error}"),
/// }
/// ```
#[must_use]
pub fn support() -> Support {
    // The id 0 is refused, after the operation is found and before anything is made.
    let keyctl = plain(op::GET_KEYRING_ID, Arg::ZERO);
    let persistent = plain(op::GET_PERSISTENT, u32::MAX.into());
    // SAFETY: null for each text, which is refused as a bad address before anything else is looked at.
    let add_key = unsafe { syscall::add_key(Arg::ZERO, Arg::ZERO, Arg::ZERO, 0, Arg::ZERO) }.err();
    // SAFETY: the same.
    let request_key = unsafe { syscall::request_key(Arg::ZERO, Arg::ZERO, Arg::ZERO, Arg::ZERO) }.err();

    let anywhere = [keyctl, add_key, request_key].iter().any(|&error| error != Some(Error::NotImplemented));
    let judge = |error| match error {
        Some(Error::NotImplemented) if !anywhere => Availability::Absent,
        Some(Error::Unsupported) => Availability::Absent,
        Some(error @ (Error::NotImplemented | Error::NotPermitted | Error::AccessDenied)) => {
            Availability::Blocked(error)
        }
        _ => Availability::Available,
    };
    Support {
        keyctl: judge(keyctl),
        add_key: judge(add_key),
        request_key: judge(request_key),
        persistent: judge(persistent),
    }
}

/// What the kernel answers to an operation of numbers whose keyring is 0.
fn plain(op: op::Plain, arg2: Arg) -> Option<Error> {
    syscall::keyctl_plain(op, arg2, Arg::ZERO, Arg::ZERO, Arg::ZERO).done().err()
}

/// Whether the kernel lacks persistent keyrings, whatever is in the way of using them.
pub(crate) fn lacks_persistent() -> bool {
    plain(op::GET_PERSISTENT, u32::MAX.into()) == Some(Error::Unsupported)
}
