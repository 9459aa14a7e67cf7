//! The persistent keyring of a user, `keyctl_get_persistent(3)`.

use rustix::process::Uid;

use crate::capabilities::lacks_persistent;
use crate::errors::{Error, Result};
use crate::key::Keyring;
use crate::syscall::{self, Arg, op};

/// `keyctl(KEYCTL_GET_PERSISTENT, uid, keyring)`—Links the persistent keyring of a user into a keyring.
///
/// The persistent keyring of a user outlives all login sessions: a program that cron starts finds in
/// it what a login left there. It is made when it does not exist, linked into `keyring`, and set to
/// expire after the seconds in `/proc/sys/kernel/keys/persistent_keyring_expiry` (three days unless
/// changed; 0 is never). **Each call restarts that time**, and nothing else does; calling again is the
/// way to keep it alive. Some minutes after the expiry (`gc_delay`) the kernel destroys it, and the next
/// call makes a new, empty one; a call before that revives the old one with all that it holds.
///
/// `uid` is whose: `None` is the kernel's -1 and means the caller's **real** uid, in a set-uid program
/// too (as does a `Uid` of that number, which `Uid::from_raw` takes for a mistake: look at ids that come from
/// outside). One's own real or effective uid needs no privilege; any other uid needs `CAP_SETUID` in the
/// caller's user namespace, which also gives the uids their meaning.
///
/// The result names the persistent keyring by its serial. Keys are added to it, and found and read
/// in it, by *possession* only: see the next section. The link in `keyring` stays until unlinked; a
/// second call finds it there and changes nothing but the expiry.
///
/// # Which keyring to link it into
///
/// A thread possesses the keys that it can reach from its thread, process and session keyrings. The
/// persistent keyring grants its owner without possession no more than a look (`DESCRIBE`, `READ` of the
/// links), so `keyring` decides whether the result is of use:
///
/// | `keyring` | possessed | lives until | traps |
/// | --- | --- | --- | --- |
/// | [`THREAD`](Keyring::THREAD) | by this thread | the thread ends | The sure choice in a program with threads. |
/// | [`PROCESS`](Keyring::PROCESS) | by this thread and those it starts later | exec, or the process ends | Credentials are per thread: a thread that existed before the first use of the process keyring **does not have it**, and would make one of its own. Call this before starting threads, or in each. |
/// | [`SESSION`](Keyring::SESSION) | by every process of the session | the session ends | The link is left visible to the whole session. Where a process has no session keyring of its own (cron, daemons without PAM), the kernel **installs a new, empty one** in place of the user's default session keyring, and what was reached through that one is no longer possessed. |
/// | [`USER`](Keyring::USER), [`USER_SESSION`](Keyring::USER_SESSION) | **often not** | logout or later | It succeeds, and then adding a key to the result is refused as `AccessDenied`, unless the session keyring happens to link the user keyring: under systemd, cron or `su` it does not. |
/// | a keyring of your own | if you possess it | its last link goes | Needs write permission. |
///
/// A thread that dropped privileges with `setuid` keeps its session keyring, so `SESSION` then means the
/// former user's.
///
/// # Errors
///
/// Whatever fails before the link is made leaves the expiry as it was: on kernels before October 2026, of a
/// persistent keyring that was made for this call, none at all, until the next call sets it.
///
/// | error | number | cause |
/// | --- | --- | --- |
/// | [`NotPermitted`](crate::Error::NotPermitted) | `EPERM` | `uid` is neither the real nor the effective uid, and the caller lacks `CAP_SETUID`; or `keyring` is restricted to accept nothing; or a sandbox forbids `keyctl` (Docker). With `None` and an ordinary `keyring` only the last is left. |
/// | [`InvalidArgument`](crate::Error::InvalidArgument) | `EINVAL` | `uid` is not mapped in the user namespace; or `keyring` is not a valid id. |
/// | [`NoKey`](crate::Error::NoKey) | `ENOKEY` | `keyring` does not exist, or is invalidated; or a special keyring could not be made, whatever the reason. |
/// | [`NotAKeyring`](crate::Error::NotAKeyring) | `ENOTDIR` | `keyring` is a key of another type. |
/// | [`AccessDenied`](crate::Error::AccessDenied) | `EACCES` | `keyring` does not grant write, or a security module refused. |
/// | [`KeyExpired`](crate::Error::KeyExpired), [`KeyRevoked`](crate::Error::KeyRevoked) | `EKEYEXPIRED`, `EKEYREVOKED` | `keyring` is expired or revoked. |
/// | [`QuotaExceeded`](crate::Error::QuotaExceeded) | `EDQUOT` | the owner of `keyring` has less than the 4 bytes left that a link costs. The persistent keyring itself is outside the quota. |
/// | [`Cycle`](crate::Error::Cycle) | `EDEADLK` | `keyring` is the persistent keyring, or lies in it. |
/// | [`NestedTooDeep`](crate::Error::NestedTooDeep) | `ELOOP` | the keyrings *in* the persistent keyring are nested more than six deep. Every call is then refused until someone who possesses it clears it. |
/// | [`Unsupported`](crate::Error::Unsupported) | `EOPNOTSUPP` | a kernel before 3.13 or without `CONFIG_PERSISTENT_KEYRINGS`; or `keyring` carries a restriction to asymmetric keys. |
/// | [`NotImplemented`](crate::Error::NotImplemented) | `ENOSYS` | a kernel without keyrings, or a sandbox (LXC, gVisor). |
/// | [`OutOfMemory`](crate::Error::OutOfMemory) | `ENOMEM` | the kernel's memory. |
/// | [`Interrupted`](crate::Error::Interrupted), [`Io`](crate::Error::Io), any other | | `keyring` is a key under construction, or a negative key, which answers the number that its maker chose. |
///
/// # Examples
///
/// ```
/// use keyctl::{Keyring, get_persistent};
///
/// # fn main() -> Result<(), keyctl::Error> {
/// let keyring = get_persistent(None, Keyring::PROCESS)?;
/// // A second call restarts the expiry of the same keyring.
/// assert_eq!(get_persistent(None, Keyring::PROCESS)?, keyring);
/// # Ok(())
/// # }
/// ```
///
/// # References
///
/// - [`keyctl_get_persistent(3)`](https://man7.org/linux/man-pages/man3/keyctl_get_persistent.3.html)
/// - [`persistent-keyring(7)`](https://man7.org/linux/man-pages/man7/persistent-keyring.7.html)
/// - `security/keys/persistent.c`
#[doc(alias = "keyctl_get_persistent")]
#[doc(alias = "KEYCTL_GET_PERSISTENT")]
#[inline]
pub fn get_persistent(uid: Option<Uid>, keyring: Keyring) -> Result<Keyring> {
    syscall::keyctl_plain(op::GET_PERSISTENT, uid.into(), keyring.serial().into(), Arg::ZERO, Arg::ZERO).key()
}

/// What [`persistent_or_user`] found to keep keys in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Anchor {
    /// The persistent keyring: it outlives sessions, and expires some days after the last [`get_persistent`].
    Persistent(Keyring),
    /// The user keyring, [`Keyring::USER`]: it lives as long as the kernel runs, or until the last process of
    /// the user ends (older kernels).
    User,
}

impl Anchor {
    /// The keyring, whichever it is.
    #[inline]
    #[must_use]
    pub const fn keyring(self) -> Keyring {
        match self {
            Self::Persistent(keyring) => keyring,
            Self::User => Keyring::USER,
        }
    }
}

/// [`get_persistent`], or the user keyring where the kernel has no persistent ones: the rule of MIT krb5.
///
/// Only [`Unsupported`](Error::Unsupported) leads to the user keyring, and only for the caller's own
/// keyring: `uid` is `None`, or the **real** uid, whose the user keyring is (MIT krb5 compares the effective
/// one). Everything else, a sandbox's refusal too, is the caller's to know. Before it is blamed on the kernel,
/// the kernel is asked in a way that a restricted `keyring` can't confuse.
///
/// # Errors
///
/// As [`get_persistent`].
///
/// # Examples
///
/// ```
/// use keyctl::{Anchor, Keyring, persistent_or_user};
///
/// # fn main() -> Result<(), keyctl::Error> {
/// let anchor = persistent_or_user(None, Keyring::PROCESS)?;
/// if anchor == Anchor::User {
///     eprintln!("no persistent keyrings here: what is stored may end with the login");
/// }
/// anchor.keyring().add_keyring(c"keyctl:doc:anchor")?;
/// # anchor.keyring().unlink(anchor.keyring().find_or_create(c"keyctl:doc:anchor", Keyring::THREAD)?.0)?;
/// # Ok(())
/// # }
/// ```
pub fn persistent_or_user(uid: Option<Uid>, keyring: Keyring) -> Result<Anchor> {
    match get_persistent(uid, keyring) {
        Ok(persistent) => Ok(Anchor::Persistent(persistent)),
        Err(Error::Unsupported) if is_own(uid) && lacks_persistent() => Ok(Anchor::User),
        Err(error) => Err(error),
    }
}

fn is_own(uid: Option<Uid>) -> bool {
    uid.is_none_or(|uid| uid == rustix::process::getuid())
}
