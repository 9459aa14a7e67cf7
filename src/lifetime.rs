//! How long a key lives: timeouts, revoking, invalidating.

use core::fmt;
use core::num::NonZeroU32;
use core::time::Duration;

use crate::errors::{Error, Result};
use crate::key::Key;
use crate::syscall::{self, Arg, op};

/// When a key expires, counted from the call that sets it, in whole seconds.
///
/// The kernel's 0 means "never" and not "now", so a zero, a fraction of a second or an overflow that
/// ended up there would make a secret immortal. Here *never* has to be spelled, and a
/// [`Duration`] is rounded **up**.
///
/// # Examples
///
/// ```
/// use core::time::Duration;
/// use keyctl::{Error, Timeout};
///
/// assert_eq!(Timeout::try_from(Duration::from_millis(900))?, Timeout::from_secs(1)?);
/// assert_eq!(Timeout::try_from(Duration::ZERO), Err(Error::TimeoutOutOfRange));
/// assert_eq!(Timeout::try_from(Duration::from_secs(1 << 32)), Err(Error::TimeoutOutOfRange));
/// # Ok::<(), Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Timeout {
    /// The key does not expire.
    Never,
    /// The key expires after so many seconds.
    After(NonZeroU32),
}

impl Timeout {
    /// After so many seconds.
    ///
    /// # Errors
    ///
    /// [`TimeoutOutOfRange`](Error::TimeoutOutOfRange) for 0.
    #[inline]
    pub const fn from_secs(seconds: u32) -> Result<Self> {
        match NonZeroU32::new(seconds) {
            Some(seconds) => Ok(Self::After(seconds)),
            None => Err(Error::TimeoutOutOfRange),
        }
    }
}

/// Rounded up to whole seconds. [`TimeoutOutOfRange`](Error::TimeoutOutOfRange) for zero, and for what is
/// more than `u32::MAX` seconds (136 years).
impl TryFrom<Duration> for Timeout {
    type Error = Error;

    #[inline]
    fn try_from(duration: Duration) -> Result<Self> {
        let fraction = u64::from(duration.subsec_nanos() > 0);
        let seconds =
            duration.as_secs().checked_add(fraction).and_then(|seconds| u32::try_from(seconds).ok());
        Self::from_secs(seconds.unwrap_or(0))
    }
}

/// `never`, or seconds: `3600s`.
impl fmt::Display for Timeout {
    #[inline]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Never => f.write_str("never"),
            Self::After(seconds) => write!(f, "{seconds}s"),
        }
    }
}

impl Key {
    /// `keyctl(KEYCTL_SET_TIMEOUT, key, seconds)`—Sets when the key expires, counted from now.
    ///
    /// An expired key answers [`KeyExpired`](Error::KeyExpired), and is destroyed some minutes later
    /// (`/proc/sys/kernel/keys/gc_delay` seconds, 300 unless changed). Updating a `user` or `logon` key clears its
    /// timeout: set it after the payload.
    ///
    /// # Errors
    ///
    /// | error | number | cause |
    /// | --- | --- | --- |
    /// | [`AccessDenied`](Error::AccessDenied) | `EACCES` | the key does not grant setattr; nor does a persistent keyring, ever |
    /// | [`NoKey`](Error::NoKey), [`KeyRevoked`](Error::KeyRevoked) | `ENOKEY`, `EKEYREVOKED` | there is no such key any more |
    /// | [`KeyExpired`](Error::KeyExpired) | `EKEYEXPIRED` | it is expired, and stays so |
    /// | [`NotPermitted`](Error::NotPermitted) | `EPERM` | the kernel keeps the key as it is |
    ///
    /// # Examples
    ///
    /// ```
    /// use keyctl::{KeyType, Keyring, Timeout};
    ///
    /// # fn main() -> Result<(), keyctl::Error> {
    /// let key = Keyring::PROCESS.add_key(KeyType::USER, c"keyctl:doc:timeout", b"1")?;
    /// key.set_timeout(Timeout::from_secs(3600)?)?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # References
    ///
    /// - [`keyctl_set_timeout(3)`](https://man7.org/linux/man-pages/man3/keyctl_set_timeout.3.html)
    /// - `security/keys/keyctl.c`
    #[doc(alias = "keyctl_set_timeout")]
    #[doc(alias = "KEYCTL_SET_TIMEOUT")]
    #[inline]
    pub fn set_timeout(self, timeout: Timeout) -> Result<()> {
        let seconds = match timeout {
            Timeout::Never => 0,
            Timeout::After(seconds) => seconds.get(),
        };
        syscall::keyctl_plain(op::SET_TIMEOUT, self.serial().into(), seconds.into(), Arg::ZERO, Arg::ZERO)
            .done()
    }

    /// `keyctl(KEYCTL_REVOKE, key)`—Makes the key answer [`KeyRevoked`](Error::KeyRevoked) from now on.
    ///
    /// Its links stay until the kernel collects it. A keyring lets go of what it links.
    ///
    /// Who asks at that very moment can be told [`KeyExpired`](Error::KeyExpired) instead, once in some 100 000
    /// times: Linux keeps the time in the same place as that of an expiry.
    ///
    /// # Errors
    ///
    /// | error | number | cause |
    /// | --- | --- | --- |
    /// | [`AccessDenied`](Error::AccessDenied) | `EACCES` | the key grants neither write nor setattr |
    /// | [`KeyRevoked`](Error::KeyRevoked), [`KeyExpired`](Error::KeyExpired), [`NoKey`](Error::NoKey) | `EKEYREVOKED`, `EKEYEXPIRED`, `ENOKEY` | there is no such key any more |
    /// | [`NotPermitted`](Error::NotPermitted) | `EPERM` | the kernel keeps the key as it is |
    /// | any | | a negative key answers the number that its maker chose |
    ///
    /// # Examples
    ///
    /// ```
    /// use keyctl::{Error, KeyType, Keyring};
    ///
    /// # fn main() -> Result<(), Error> {
    /// let key = Keyring::PROCESS.add_key(KeyType::USER, c"keyctl:doc:revoke", b"1")?;
    /// key.revoke()?;
    /// assert_eq!(key.read(&mut [0; 8]), Err(Error::KeyRevoked));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # References
    ///
    /// - [`keyctl_revoke(3)`](https://man7.org/linux/man-pages/man3/keyctl_revoke.3.html)
    /// - `security/keys/key.c`
    #[doc(alias = "keyctl_revoke")]
    #[doc(alias = "KEYCTL_REVOKE")]
    #[inline]
    pub fn revoke(self) -> Result<()> {
        syscall::keyctl_plain(op::REVOKE, self.serial().into(), Arg::ZERO, Arg::ZERO, Arg::ZERO).done()
    }

    /// `keyctl(KEYCTL_INVALIDATE, key)`—Makes the key vanish, with all its links. Linux 3.5.
    ///
    /// By its serial it is gone at once. Until the kernel has collected it, which it does without delay, a
    /// search that comes upon its link can answer [`KeyRevoked`](Error::KeyRevoked).
    ///
    /// # Errors
    ///
    /// | error | number | cause |
    /// | --- | --- | --- |
    /// | [`AccessDenied`](Error::AccessDenied) | `EACCES` | the key does not grant search |
    /// | [`NoKey`](Error::NoKey), [`KeyRevoked`](Error::KeyRevoked), [`KeyExpired`](Error::KeyExpired) | `ENOKEY`, `EKEYREVOKED`, `EKEYEXPIRED` | there is no such key any more |
    /// | [`NotPermitted`](Error::NotPermitted) | `EPERM` | the kernel keeps the key as it is |
    /// | [`Unsupported`](Error::Unsupported) | `EOPNOTSUPP` | a kernel before 3.5 |
    /// | any | | a negative key answers the number that its maker chose |
    ///
    /// # Examples
    ///
    /// ```
    /// use keyctl::{Error, KeyType, Keyring};
    ///
    /// # fn main() -> Result<(), Error> {
    /// let key = Keyring::PROCESS.add_key(KeyType::USER, c"keyctl:doc:invalidate", b"1")?;
    /// key.invalidate()?;
    /// assert_eq!(key.revoke(), Err(Error::NoKey));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # References
    ///
    /// - [`keyctl_invalidate(3)`](https://man7.org/linux/man-pages/man3/keyctl_invalidate.3.html)
    /// - `security/keys/key.c`
    #[doc(alias = "keyctl_invalidate")]
    #[doc(alias = "KEYCTL_INVALIDATE")]
    #[inline]
    pub fn invalidate(self) -> Result<()> {
        syscall::keyctl_plain(op::INVALIDATE, self.serial().into(), Arg::ZERO, Arg::ZERO, Arg::ZERO).done()
    }
}
