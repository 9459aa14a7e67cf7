//! Who may do what with a key, and whose it is.

use core::fmt;

use rustix::process::{Gid, Uid};

use crate::errors::Result;
use crate::key::Key;
use crate::syscall::{self, Arg, op};

bitflags::bitflags! {
    /// What one subject may do with a key: one byte of its permissions.
    #[repr(transparent)]
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
    pub struct Rights: u8 {
        /// Look at its attributes: type, description, owner, permissions.
        #[doc(alias = "KEY_POS_VIEW")]
        const VIEW = 0x01;
        /// Read its payload; list the links of a keyring.
        #[doc(alias = "KEY_POS_READ")]
        const READ = 0x02;
        /// Update its payload; add and remove links of a keyring.
        #[doc(alias = "KEY_POS_WRITE")]
        const WRITE = 0x04;
        /// Find it; search a keyring.
        #[doc(alias = "KEY_POS_SEARCH")]
        const SEARCH = 0x08;
        /// Link it.
        #[doc(alias = "KEY_POS_LINK")]
        const LINK = 0x10;
        /// Change its attributes: owner, permissions, timeout, restriction.
        #[doc(alias = "KEY_POS_SETATTR")]
        const SETATTR = 0x20;
        /// All of them.
        #[doc(alias = "KEY_POS_ALL")]
        const ALL = 0x3f;
        // Bits that a later kernel may define are kept.
        const _ = !0;
    }
}

/// As the `keyctl` program prints them: `alswrv`, from setattr to view, `-` for one that is missing.
impl fmt::Display for Rights {
    #[inline]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use fmt::Write as _;
        [
            ('a', Self::SETATTR),
            ('l', Self::LINK),
            ('s', Self::SEARCH),
            ('w', Self::WRITE),
            ('r', Self::READ),
            ('v', Self::VIEW),
        ]
        .into_iter()
        .try_for_each(|(letter, right)| f.write_char(if self.contains(right) { letter } else { '-' }))
    }
}

/// The permissions of a key: the [`Rights`] of its possessor, its user, its group and all others.
///
/// What a thread may do is what the *possessor* may, if it possesses the key (its own keyrings lead
/// there, and the key grants it search), together with what exactly one of the other three may: *user*,
/// if its file-system uid is the owner's; else *group*, if one of its groups is the key's and that has
/// any right; else *other*. Where neither grants search, the possessor's rights are void. No capability
/// overrides this: root, too, is refused what these bits do not grant.
///
/// # Examples
///
/// ```
/// use keyctl::{Permissions, Rights};
///
/// const PRIVATE: Permissions = Permissions::NONE.possessor(Rights::ALL).user(Rights::VIEW);
/// assert_eq!(PRIVATE.as_raw(), 0x3f01_0000);
/// assert_eq!(PRIVATE.to_string(), "alswrv-----v------------");
/// assert!(!PRIVATE.of_user().contains(Rights::READ));
/// ```
///
/// # References
///
/// - [`keyrings(7)`](https://man7.org/linux/man-pages/man7/keyrings.7.html)
/// - `include/linux/key.h`, `security/keys/permission.c`
#[doc(alias = "key_perm_t")]
#[repr(transparent)]
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Permissions(u32);

/// The byte of each subject: its setter and its getter.
macro_rules! subjects {
    ($($set:ident $get:ident << $shift:literal, $who:literal;)*) => {
        $(
            #[doc = concat!("With these rights for ", $who, ", in place of what they were.")]
            #[inline]
            #[must_use]
            pub const fn $set(self, rights: Rights) -> Self {
                Self(self.0 & !(0xff << $shift) | (rights.bits() as u32) << $shift)
            }

            #[doc = concat!("The rights of ", $who, ".")]
            #[inline]
            #[must_use]
            pub const fn $get(self) -> Rights {
                Rights::from_bits_retain(self.0.to_le_bytes()[$shift / 8])
            }
        )*
    };
}

// `From` is not const, the index is in the type's bounds.
#[allow(clippy::cast_lossless, clippy::indexing_slicing)]
impl Permissions {
    /// No rights for anybody.
    pub const NONE: Self = Self(0);

    subjects! {
        possessor of_possessor << 24, "the possessor";
        user of_user << 16, "the user who owns the key";
        group of_group << 8, "the key's group";
        other of_other << 0, "all others";
    }

    /// From the kernel's mask.
    #[inline]
    #[must_use]
    pub const fn from_raw(mask: u32) -> Self {
        Self(mask)
    }

    /// The kernel's mask, `key_perm_t`: from the top a byte each for possessor, user, group and other.
    #[inline]
    #[must_use]
    pub const fn as_raw(self) -> u32 {
        self.0
    }
}

/// Four times `alswrv`: possessor, user, group, other.
impl fmt::Display for Permissions {
    #[inline]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        [self.of_possessor(), self.of_user(), self.of_group(), self.of_other()]
            .into_iter()
            .try_for_each(|rights| rights.fmt(f))
    }
}

impl fmt::Debug for Permissions {
    #[inline]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Permissions({self})")
    }
}

impl Key {
    /// `keyctl(KEYCTL_SETPERM, key, permissions)`—Sets who may do what with the key.
    ///
    /// Needs the setattr permission, and that the caller's file-system uid owns the key, or
    /// `CAP_SYS_ADMIN` in the initial user namespace. One can lock oneself out.
    ///
    /// # Errors
    ///
    /// | error | number | cause |
    /// | --- | --- | --- |
    /// | [`AccessDenied`](crate::Error::AccessDenied) | `EACCES` | the key does not grant setattr, or belongs to another |
    /// | [`InvalidArgument`](crate::Error::InvalidArgument) | `EINVAL` | a bit that the kernel does not know |
    /// | [`NoKey`](crate::Error::NoKey), [`KeyExpired`](crate::Error::KeyExpired), [`KeyRevoked`](crate::Error::KeyRevoked) | `ENOKEY`, `EKEYEXPIRED`, `EKEYREVOKED` | there is no such key any more |
    ///
    /// # Examples
    ///
    /// ```
    /// use keyctl::{KeyType, Keyring, Permissions, Rights};
    ///
    /// # fn main() -> Result<(), keyctl::Error> {
    /// let key = Keyring::PROCESS.add_key(KeyType::USER, c"keyctl:doc:perm", b"1")?;
    /// key.set_permissions(Permissions::NONE.possessor(Rights::ALL).user(Rights::VIEW | Rights::READ))?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # References
    ///
    /// - [`keyctl_setperm(3)`](https://man7.org/linux/man-pages/man3/keyctl_setperm.3.html)
    /// - `security/keys/keyctl.c`, `security/keys/permission.c`
    #[doc(alias = "keyctl_setperm")]
    #[doc(alias = "KEYCTL_SETPERM")]
    #[inline]
    pub fn set_permissions(self, permissions: Permissions) -> Result<()> {
        let mask = permissions.as_raw().into();
        syscall::keyctl_plain(op::SETPERM, self.serial().into(), mask, Arg::ZERO, Arg::ZERO).done()
    }

    /// `keyctl(KEYCTL_CHOWN, key, uid, gid)`—Gives the key to another user or group; `None` leaves that as
    /// it is.
    ///
    /// Needs the setattr permission; for another uid, or a group that the caller is not in,
    /// `CAP_SYS_ADMIN` in the initial user namespace. With two `None` the kernel answers success without a
    /// look at the key.
    ///
    /// # Errors
    ///
    /// | error | number | cause |
    /// | --- | --- | --- |
    /// | [`AccessDenied`](crate::Error::AccessDenied) | `EACCES` | the key does not grant setattr, or `CAP_SYS_ADMIN` is missing |
    /// | [`InvalidArgument`](crate::Error::InvalidArgument) | `EINVAL` | a uid or gid that the user namespace does not map |
    /// | [`QuotaExceeded`](crate::Error::QuotaExceeded) | `EDQUOT` | the new owner's quota |
    /// | [`NoKey`](crate::Error::NoKey), [`KeyExpired`](crate::Error::KeyExpired), [`KeyRevoked`](crate::Error::KeyRevoked) | `ENOKEY`, `EKEYEXPIRED`, `EKEYREVOKED` | there is no such key any more |
    /// | [`OutOfMemory`](crate::Error::OutOfMemory) | `ENOMEM` | |
    ///
    /// # Examples
    ///
    /// ```
    /// use keyctl::{KeyType, Keyring};
    /// use rustix::process::getuid;
    ///
    /// # fn main() -> Result<(), keyctl::Error> {
    /// let key = Keyring::PROCESS.add_key(KeyType::USER, c"keyctl:doc:chown", b"1")?;
    /// key.set_owner(Some(getuid()), None)?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # References
    ///
    /// - [`keyctl_chown(3)`](https://man7.org/linux/man-pages/man3/keyctl_chown.3.html)
    /// - `security/keys/keyctl.c`
    #[doc(alias = "keyctl_chown")]
    #[doc(alias = "KEYCTL_CHOWN")]
    #[inline]
    pub fn set_owner(self, uid: Option<Uid>, gid: Option<Gid>) -> Result<()> {
        syscall::keyctl_plain(op::CHOWN, self.serial().into(), uid.into(), gid.into(), Arg::ZERO).done()
    }
}
