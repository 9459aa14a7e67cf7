//! The session keyring, and what the special ids stand for.
//!
//! # Safety
//!
//! Joining by name hands the kernel a text to read.
#![allow(unsafe_code)]

use core::ffi::CStr;

use crate::errors::Result;
use crate::key::Keyring;
use crate::reply::Reply;
use crate::syscall::{self, Arg, op};
use crate::text::Text;

/// `keyctl(KEYCTL_JOIN_SESSION_KEYRING, NULL)`—Gives **the calling thread** a new, anonymous session keyring.
///
/// The other threads keep theirs, so this belongs before any is started. What only the old session
/// keyring led to is no longer possessed. It is the thing to do after dropping privileges, since
/// `setuid` alone keeps the session keyring.
///
/// # Errors
///
/// [`QuotaExceeded`](crate::Error::QuotaExceeded) (`EDQUOT`), [`OutOfMemory`](crate::Error::OutOfMemory)
/// (`ENOMEM`), or what a sandbox answers.
///
/// # Examples
///
/// ```
/// use keyctl::{Keyring, join_new_session};
///
/// # fn main() -> Result<(), keyctl::Error> {
/// let session = join_new_session()?;
/// assert_eq!(Keyring::SESSION.resolve()?, session);
/// # Ok(())
/// # }
/// ```
///
/// # References
///
/// - [`keyctl_join_session_keyring(3)`](https://man7.org/linux/man-pages/man3/keyctl_join_session_keyring.3.html)
/// - `security/keys/process_keys.c`
#[doc(alias = "keyctl_join_session_keyring")]
#[doc(alias = "KEYCTL_JOIN_SESSION_KEYRING")]
#[inline]
pub fn join_new_session() -> Result<Keyring> {
    join(None).key()
}

/// `keyctl(KEYCTL_JOIN_SESSION_KEYRING, name)`—Gives **the calling thread** the session keyring of this name,
/// made when there is none. `None` when it is its session keyring already.
///
/// A keyring of that name which does not grant search to the caller *without possession* is passed
/// over, and a **new one** is made beside it. So are those that this makes, unless their permissions are
/// changed: to be joined again by name, a keyring must grant its user search. One of that name that grants
/// search to all is joined whoever made it, be it another user.
///
/// # Errors
///
/// | error | number | cause |
/// | --- | --- | --- |
/// | [`NotPermitted`](crate::Error::NotPermitted) | `EPERM` | a name that begins with a dot; a sandbox |
/// | [`InvalidArgument`](crate::Error::InvalidArgument) | `EINVAL` | an empty name, or one of more than 4095 bytes |
/// | [`QuotaExceeded`](crate::Error::QuotaExceeded), [`OutOfMemory`](crate::Error::OutOfMemory) | `EDQUOT`, `ENOMEM` | |
/// | [`InteriorNul`](crate::Error::InteriorNul), [`TextTooLong`](crate::Error::TextTooLong) | | see [`Text`] |
///
/// # Examples
///
/// ```
/// use keyctl::{Keyring, join_session};
///
/// # fn main() -> Result<(), keyctl::Error> {
/// let session = join_session(c"keyctl:doc:session")?;
/// assert_eq!(session, Some(Keyring::SESSION.resolve()?));
/// # Ok(())
/// # }
/// ```
///
/// # References
///
/// - [`keyctl_join_session_keyring(3)`](https://man7.org/linux/man-pages/man3/keyctl_join_session_keyring.3.html)
/// - `security/keys/process_keys.c`
#[inline]
pub fn join_session(name: impl Text) -> Result<Option<Keyring>> {
    name.with_c_str(|name| {
        let reply = join(Some(name));
        if reply.done().is_ok() { Ok(None) } else { reply.key().map(Some) }
    })
}

#[inline]
fn join(name: Option<&CStr>) -> Reply {
    // SAFETY: the text is null or ends in NUL, borrowed until the call is over.
    unsafe {
        syscall::keyctl_raw(op::JOIN_SESSION_KEYRING.number(), name.into(), Arg::ZERO, Arg::ZERO, Arg::ZERO)
    }
}

/// `keyctl(KEYCTL_SESSION_TO_PARENT)`—Gives the parent process this thread's session keyring, when it next
/// returns from the kernel. Linux 2.6.32.
///
/// # Errors
///
/// | error | number | cause |
/// | --- | --- | --- |
/// | [`NotPermitted`](crate::Error::NotPermitted) | `EPERM` | the parent is `init` or a kernel thread, has several threads, has other uids or gids, or the session keyrings are not the caller's |
/// | [`AccessDenied`](crate::Error::AccessDenied) | `EACCES` | the session keyring does not grant link |
/// | [`KeyRevoked`](crate::Error::KeyRevoked), [`KeyExpired`](crate::Error::KeyExpired) | `EKEYREVOKED`, `EKEYEXPIRED` | the session keyring is |
/// | [`NoKey`](crate::Error::NoKey) | `ENOKEY` | there is no session keyring, and none could be made |
/// | [`NoSuchProcess`](crate::Error::NoSuchProcess) | `ESRCH` | the parent is going away |
/// | [`OutOfMemory`](crate::Error::OutOfMemory) | `ENOMEM` | |
///
/// # Examples
///
/// ```no_run
/// // In a program like `newgrp` that its shell starts:
/// # fn main() -> Result<(), keyctl::Error> {
/// keyctl::join_new_session()?;
/// keyctl::session_to_parent()?;
/// # Ok(())
/// # }
/// ```
///
/// # References
///
/// - [`keyctl_session_to_parent(3)`](https://man7.org/linux/man-pages/man3/keyctl_session_to_parent.3.html)
/// - `security/keys/keyctl.c`
#[doc(alias = "keyctl_session_to_parent")]
#[doc(alias = "KEYCTL_SESSION_TO_PARENT")]
#[inline]
pub fn session_to_parent() -> Result<()> {
    syscall::keyctl_plain(op::SESSION_TO_PARENT, Arg::ZERO, Arg::ZERO, Arg::ZERO, Arg::ZERO).done()
}

impl Keyring {
    /// `keyctl(KEYCTL_GET_KEYRING_ID, keyring, 0)`—The keyring that a special id stands for, by serial.
    ///
    /// **Possession is lost on the way** for a keyring that the caller's session does not link, such as
    /// often `USER`: use the constant itself where an operation takes it. This is for showing and
    /// comparing. The session keyring is resolved, when there is none, by installing the user's default
    /// session keyring.
    ///
    /// # Errors
    ///
    /// | error | number | cause |
    /// | --- | --- | --- |
    /// | [`NoKey`](crate::Error::NoKey) | `ENOKEY` | there is none |
    /// | [`AccessDenied`](crate::Error::AccessDenied) | `EACCES` | it does not grant search |
    /// | [`KeyExpired`](crate::Error::KeyExpired), [`KeyRevoked`](crate::Error::KeyRevoked) | `EKEYEXPIRED`, `EKEYREVOKED` | it is |
    /// | [`InvalidArgument`](crate::Error::InvalidArgument) | `EINVAL` | a special id that the kernel does not know |
    ///
    /// # Examples
    ///
    /// ```
    /// use keyctl::{Error, Keyring};
    ///
    /// # fn main() -> Result<(), Error> {
    /// # std::thread::spawn(|| {
    /// assert_eq!(Keyring::THREAD.resolve(), Err(Error::NoKey));
    /// let keyring = Keyring::THREAD.resolve_or_create()?;
    /// assert_eq!(Keyring::THREAD.resolve()?, keyring);
    /// # Ok(()) }).join().unwrap()
    /// # }
    /// ```
    ///
    /// # References
    ///
    /// - [`keyctl_get_keyring_ID(3)`](https://man7.org/linux/man-pages/man3/keyctl_get_keyring_ID.3.html)
    /// - `security/keys/keyctl.c`
    #[doc(alias = "keyctl_get_keyring_ID")]
    #[doc(alias = "KEYCTL_GET_KEYRING_ID")]
    #[inline]
    pub fn resolve(self) -> Result<Self> {
        self.resolve_with(false)
    }

    /// `keyctl(KEYCTL_GET_KEYRING_ID, keyring, 1)`—The keyring that a special id stands for, by serial, made
    /// when there is none.
    ///
    /// # Errors
    ///
    /// As [`resolve`](Self::resolve), and [`OutOfMemory`](crate::Error::OutOfMemory) (`ENOMEM`). A session or
    /// user keyring that can't be made, for whatever reason, is [`NoKey`](crate::Error::NoKey).
    ///
    /// # Examples
    ///
    /// ```
    /// use keyctl::Keyring;
    ///
    /// assert!(!Keyring::PROCESS.resolve_or_create().unwrap().serial().is_special());
    /// ```
    ///
    /// # References
    ///
    /// - [`keyctl_get_keyring_ID(3)`](https://man7.org/linux/man-pages/man3/keyctl_get_keyring_ID.3.html)
    /// - `security/keys/keyctl.c`
    #[inline]
    pub fn resolve_or_create(self) -> Result<Self> {
        self.resolve_with(true)
    }

    #[inline]
    fn resolve_with(self, create: bool) -> Result<Self> {
        let create = u32::from(create).into();
        syscall::keyctl_plain(op::GET_KEYRING_ID, self.serial().into(), create, Arg::ZERO, Arg::ZERO).key()
    }
}
