//! Requesting a key from all of the caller's keyrings, and from user space.
//!
//! # Safety
//!
//! The calls here hand the kernel texts to read.
#![allow(unsafe_code)]

use core::ffi::CStr;

use crate::errors::{Error, Result};
use crate::key::{Key, Keyring};
use crate::key_type::KeyType;
use crate::syscall::{self, Arg, op};
use crate::text::Text;

/// `request_key(type, description, NULL, keyring)`—Finds a key in the caller's keyrings: thread, process,
/// session, in this order, and all that these lead to.
///
/// The key is linked into `destination` when that is given. `None` when there is no such key, no such
/// type or no such destination: the kernel does not tell these apart. Nobody is asked to make it.
/// Expired keys are passed over.
///
/// **One keyring's "no such key" hides what another one refuses.** A key that is revoked, does not grant
/// search, or is negative with another number than `ENOKEY`, is an error only when none of the thread,
/// process and session keyring, as far as they exist, answers that there is no such key. Else it is `None`.
///
/// # Errors
///
/// | error | number | cause |
/// | --- | --- | --- |
/// | [`AccessDenied`](Error::AccessDenied) | `EACCES` | the key does not grant search, see above, or for a destination link; or that does not grant write |
/// | [`KeyRevoked`](Error::KeyRevoked) | `EKEYREVOKED` | the key is, see above; or the destination |
/// | [`NotAKeyring`](Error::NotAKeyring), [`KeyExpired`](Error::KeyExpired) | `ENOTDIR`, `EKEYEXPIRED` | the destination is |
/// | [`InvalidArgument`](Error::InvalidArgument) | `EINVAL` | a type or description of an impossible length; a destination that is not a valid id |
/// | [`NotPermitted`](Error::NotPermitted) | `EPERM` | a type that begins with a dot; a restricted destination; a sandbox |
/// | [`Interrupted`](Error::Interrupted) | `EINTR` | a signal came while somebody else was making the key |
/// | [`QuotaExceeded`](Error::QuotaExceeded), [`OutOfMemory`](Error::OutOfMemory) | `EDQUOT`, `ENOMEM` | |
/// | [`NotImplemented`](Error::NotImplemented) | `ENOSYS` | no keyrings, or a sandbox (podman) |
/// | [`InteriorNul`](Error::InteriorNul), [`TextTooLong`](Error::TextTooLong) | | see [`Text`] |
/// | any | | a negative key answers the number that its maker chose, see above |
///
/// # Examples
///
/// ```
/// use keyctl::{KeyType, Keyring, request_key};
///
/// # fn main() -> Result<(), keyctl::Error> {
/// let key = Keyring::THREAD.add_key(KeyType::USER, c"keyctl:doc:request", b"1")?;
/// assert_eq!(request_key(KeyType::USER, c"keyctl:doc:request", None)?, Some(key));
/// # Ok(())
/// # }
/// ```
///
/// # References
///
/// - [`request_key(2)`](https://man7.org/linux/man-pages/man2/request_key.2.html)
/// - `security/keys/request_key.c`
#[inline]
pub fn request_key(
    key_type: KeyType<'_>,
    description: impl Text,
    destination: Option<Keyring>,
) -> Result<Option<Key>> {
    description.with_c_str(|description| request(key_type, description, None, destination))
}

/// `request_key(type, description, callout, keyring)`—Finds a key in the caller's keyrings, or has it made.
///
/// When there is no such key, the kernel starts `/sbin/request-key` as root, which has it made by the
/// program that `/etc/request-key.d` names; `callout` is text for that program, **which runs as root:
/// pass it nothing that an attacker chose**. It may be empty, and as bytes or `str` has at most 4095
/// bytes.
///
/// The caller waits until the key is made, and no signal ends that. The new key is linked into
/// `destination`, or else into the [default keyring](set_default_request_keyring). When it can't be
/// made, a *negative* key takes its place for a time (60 seconds, when the program fails), which then
/// answers at once. `None` when that says that there is no such key. One that says something else is
/// hidden as [`request_key`] tells, and then the program is asked again.
///
/// # Errors
///
/// Those of [`request_key`], and
///
/// | error | number | cause |
/// | --- | --- | --- |
/// | [`NotFound`](Error::NotFound), [`AccessDenied`](Error::AccessDenied), [`NotExecutable`](Error::NotExecutable) | `ENOENT`, `EACCES`, `ENOEXEC` | `/sbin/request-key` can't be started |
/// | [`NotPermitted`](Error::NotPermitted) | `EPERM` | the type is `keyring` |
/// | [`InvalidArgument`](Error::InvalidArgument) | `EINVAL` | an empty description, or one that the type refuses |
/// | [`KeyRejected`](Error::KeyRejected), [`KeyRevoked`](Error::KeyRevoked), any other | | what the program answered |
///
/// # Examples
///
/// ```
/// use keyctl::{Error, KeyType, request_key_with};
///
/// // Keyrings can't be made in this way.
/// let refused = request_key_with(KeyType::KEYRING, c"keyctl:doc:callout", c"", None);
/// assert_eq!(refused, Err(Error::NotPermitted));
/// ```
///
/// # References
///
/// - [`request_key(2)`](https://man7.org/linux/man-pages/man2/request_key.2.html)
/// - [`request-key(8)`](https://man7.org/linux/man-pages/man8/request-key.8.html)
/// - `security/keys/request_key.c`
#[inline]
pub fn request_key_with(
    key_type: KeyType<'_>,
    description: impl Text,
    callout: impl Text,
    destination: Option<Keyring>,
) -> Result<Option<Key>> {
    description.with_c_str(|description| {
        callout.with_c_str(|callout| request(key_type, description, Some(callout), destination))
    })
}

#[inline]
fn request(
    key_type: KeyType<'_>,
    description: &CStr,
    callout: Option<&CStr>,
    destination: Option<Keyring>,
) -> Result<Option<Key>> {
    let destination = destination.map(|keyring| keyring.serial()).into();
    // SAFETY: each text is null or ends in NUL, borrowed until the call is over.
    unsafe {
        syscall::request_key_raw(key_type.name().into(), description.into(), callout.into(), destination)
    }
    .key_if_any()
}

/// Where a key goes that [`request_key_with`] had made without a destination.
///
/// Initially [`Default`](Self::Default). Inherited over fork and exec.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DefaultKeyring {
    /// The requestor's destination, or the first of thread, process, session and user session keyring
    /// that there is.
    #[default]
    Default = 0,
    /// The thread keyring.
    Thread = 1,
    /// The process keyring.
    Process = 2,
    /// The session keyring.
    Session = 3,
    /// The user keyring.
    User = 4,
    /// The user's default session keyring.
    UserSession = 5,
    /// In a program that makes a key for another: the destination of that request.
    Requestor = 7,
}

impl DefaultKeyring {
    const ALL: [Self; 7] = [
        Self::Default,
        Self::Thread,
        Self::Process,
        Self::Session,
        Self::User,
        Self::UserSession,
        Self::Requestor,
    ];
}

/// `keyctl(KEYCTL_SET_REQKEY_KEYRING, keyring)`—Sets where keys go that this thread has made by
/// [`request_key_with`] without a destination. Returns the previous setting.
///
/// The thread or process keyring is made if that is chosen.
///
/// # Errors
///
/// [`OutOfMemory`](Error::OutOfMemory) when the keyring can't be made.
/// [`UnexpectedReply`](Error::UnexpectedReply) when the previous setting is none that this crate knows; the new
/// one holds then.
///
/// # Examples
///
/// ```
/// use keyctl::{DefaultKeyring, default_request_keyring, set_default_request_keyring};
///
/// # fn main() -> Result<(), keyctl::Error> {
/// let until_now = set_default_request_keyring(DefaultKeyring::Process)?;
/// assert_eq!(default_request_keyring()?, DefaultKeyring::Process);
/// set_default_request_keyring(until_now)?;
/// # Ok(())
/// # }
/// ```
///
/// # References
///
/// - [`keyctl_set_reqkey_keyring(3)`](https://man7.org/linux/man-pages/man3/keyctl_set_reqkey_keyring.3.html)
/// - `security/keys/keyctl.c`
#[doc(alias = "keyctl_set_reqkey_keyring")]
#[doc(alias = "KEYCTL_SET_REQKEY_KEYRING")]
#[inline]
pub fn set_default_request_keyring(keyring: DefaultKeyring) -> Result<DefaultKeyring> {
    exchange_default((keyring as u32).into())
}

/// `keyctl(KEYCTL_SET_REQKEY_KEYRING, KEY_REQKEY_DEFL_NO_CHANGE)`—Where keys go that this thread has made
/// by [`request_key_with`] without a destination.
///
/// # Errors
///
/// [`UnexpectedReply`](Error::UnexpectedReply) when it is none that this crate knows.
///
/// # Examples
///
/// ```
/// use keyctl::{DefaultKeyring, default_request_keyring};
///
/// assert_eq!(default_request_keyring(), Ok(DefaultKeyring::Default));
/// ```
///
/// # References
///
/// - [`keyctl_set_reqkey_keyring(3)`](https://man7.org/linux/man-pages/man3/keyctl_set_reqkey_keyring.3.html)
#[inline]
pub fn default_request_keyring() -> Result<DefaultKeyring> {
    exchange_default((-1).into())
}

#[inline]
fn exchange_default(setting: Arg) -> Result<DefaultKeyring> {
    let until_now =
        syscall::keyctl_plain(op::SET_REQKEY_KEYRING, setting, Arg::ZERO, Arg::ZERO, Arg::ZERO).number()?;
    DefaultKeyring::ALL
        .into_iter()
        .find(|&keyring| keyring as usize == until_now)
        .ok_or(Error::UnexpectedReply)
}
