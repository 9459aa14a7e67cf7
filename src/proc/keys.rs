//! `/proc/keys`: the keys that grant view to who opens it.

use core::time::Duration;

use rustix::process::{Gid, Uid};

use super::{Lines, word};
use crate::describe::{MAX_DESCRIPTION, id, number, signed};
use crate::errors::{Error, Result};
use crate::key::Key;
use crate::key_type::KeyType;
use crate::permission::Permissions;
use crate::serial::KeySerial;
use crate::text::Text;

bitflags::bitflags! {
    /// The state of a key: a column of letters in `/proc/keys`, one bit for each letter.
    #[repr(transparent)]
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
    pub struct Flags: u64 {
        /// `I`: it has been made, if only as a negative key.
        const INSTANTIATED = bit(b'I');
        /// `R`: it is revoked.
        const REVOKED = bit(b'R');
        /// `D`: its type is gone.
        const DEAD = bit(b'D');
        /// `Q`: it counts against its owner's quota.
        const IN_QUOTA = bit(b'Q');
        /// `U`: a program in user space is about to make it.
        const UNDER_CONSTRUCTION = bit(b'U');
        /// `N`: it is negative, and answers an error that its maker chose.
        const NEGATIVE = bit(b'N');
        /// `i`: it is invalidated.
        const INVALIDATED = bit(b'i');
        // A letter that a later kernel adds is kept.
        const _ = !0;
    }
}

impl Flags {
    /// The flag that a letter of the column stands for, known here or not. `None` for what is no letter.
    ///
    /// # Examples
    ///
    /// ```
    /// use keyctl::proc::Flags;
    ///
    /// assert_eq!(Flags::from_letter(b'Q'), Some(Flags::IN_QUOTA));
    /// assert!(Flags::from_letter(b'z').is_some());
    /// ```
    #[inline]
    #[must_use]
    pub const fn from_letter(letter: u8) -> Option<Self> {
        if letter.is_ascii_alphabetic() { Some(Self::from_bits_retain(bit(letter))) } else { None }
    }

    fn parse(column: &[u8]) -> Option<Self> {
        column.iter().try_fold(Self::empty(), |flags, &letter| match letter {
            b'-' => Some(flags),
            letter => Some(flags | Self::from_letter(letter)?),
        })
    }
}

/// Letters lie in one half of 64 codes.
const fn bit(letter: u8) -> u64 {
    1 << (letter & 0x3f)
}

/// What is left of a key's lifetime, as `/proc/keys` tells it: rounded down to one unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Expiry {
    /// `perm`: it does not expire.
    Never,
    /// `expd`: it is expired. **It is shown of every revoked key, too.**
    Expired,
    /// `59s`, `59m`, `23h`, `6d`, `7101w`: so long at least, and less than one unit longer.
    Within {
        /// What is left is no less than this,
        at_least: Duration,
        /// and less than this.
        less_than: Duration,
    },
}

impl Expiry {
    fn parse(column: &[u8]) -> Option<Self> {
        let (unit, digits) = match column {
            b"perm" => return Some(Self::Never),
            b"expd" => return Some(Self::Expired),
            [digits @ .., unit] => (unit, digits),
            [] => return None,
        };
        let unit = match unit {
            b's' => 1,
            b'm' => 60,
            b'h' => 60 * 60,
            b'd' => 24 * 60 * 60,
            b'w' => 7 * 24 * 60 * 60,
            _ => return None,
        };
        let count = u64::from(number::<10>(digits)?);
        let (at_least, less_than) = (count * unit, (count + 1) * unit);
        Some(Self::Within {
            at_least: Duration::from_secs(at_least),
            less_than: Duration::from_secs(less_than),
        })
    }
}

/// A line of `/proc/keys`: what it says of a key, which may be forged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Entry<'a> {
    /// The key.
    pub key: Key,
    /// Its state.
    pub flags: Flags,
    /// How many references the kernel holds to it, links among them.
    pub usage: u32,
    /// What is left of its lifetime.
    pub expiry: Expiry,
    /// Who may do what with it.
    pub permissions: Permissions,
    /// Its owner, in the terms of the user namespace of `/proc`. 65534 stands also for a uid that has no
    /// meaning there.
    pub uid: Uid,
    /// Its group. 65534 stands also for none, and for one that has no meaning there.
    pub gid: Gid,
    /// The name of its type, **cut off after 9 bytes**.
    pub key_type: &'a [u8],
    /// What its type tells of it, up to the end of the line: of most the description up to the first
    /// newline in it, a colon and the length of the payload (`name: 7`), of a keyring the number of its
    /// links (`name: 2`, `name: empty`).
    pub summary: &'a [u8],
}

impl<'a> Entry<'a> {
    /// Reads a line, without its newline. `None` when it is none, as what comes after a newline in a
    /// description.
    ///
    /// # Examples
    ///
    /// ```
    /// use keyctl::proc::{Entry, Expiry, Flags};
    ///
    /// let line = b"3a5b6a53 I--Q---     2 perm 3f010000  1000    -2 user      a token: 7";
    /// let entry = Entry::parse(line).unwrap();
    /// assert_eq!(entry.key.serial().as_raw(), 0x3a5b6a53);
    /// assert_eq!(entry.flags, Flags::INSTANTIATED | Flags::IN_QUOTA);
    /// assert_eq!(entry.expiry, Expiry::Never);
    /// assert_eq!(entry.gid.as_raw(), 4294967294);
    /// assert_eq!((entry.key_type, entry.summary), (&b"user"[..], &b"a token: 7"[..]));
    /// ```
    #[must_use]
    pub fn parse(line: &'a [u8]) -> Option<Self> {
        const TYPE_WIDTH: usize = 9;
        let (serial, mut rest) = line.split_at_checked(8)?;
        let serial = i32::try_from(number::<16>(serial)?).ok().and_then(KeySerial::from_raw)?;
        let mut word = || word(&mut rest);
        let flags = Flags::parse(word()?)?;
        let usage = signed(word()?)?;
        let expiry = Expiry::parse(word()?)?;
        let permissions = Permissions::from_raw(number::<16>(word()?)?);
        let uid = Uid::from_raw_unchecked(id(word()?)?);
        let gid = Gid::from_raw_unchecked(id(word()?)?);
        let (key_type, summary) = rest.strip_prefix(b" ")?.split_at_checked(TYPE_WIDTH)?;
        Some(Self {
            key: serial.into(),
            flags,
            usage,
            expiry,
            permissions,
            uid,
            gid,
            key_type: key_type.trim_ascii_end(),
            summary: summary.strip_prefix(b" ")?,
        })
    }

    /// Whether the line can be that of such a key.
    fn may_be(&self, key_type: &[u8], description: &[u8]) -> bool {
        let first_line = description.split(|&byte| byte == b'\n').next().unwrap_or_default();
        // Few types tell nothing.
        (self.summary.starts_with(first_line) || self.summary.is_empty())
            && key_type.starts_with(self.key_type)
    }
}

/// `/proc/keys`, line by line: the keys that grant view to the thread that opened it.
///
/// A description has at most 4095 bytes, so that a buffer of 8 KiB holds every line but those of asymmetric
/// keys with very long ids.
///
/// # Examples
///
/// ```
/// use keyctl::proc::Keys;
///
/// # fn main() -> Result<(), keyctl::Error> {
/// let mut buffer = [0; 8192];
/// let mut keys = Keys::open(&mut buffer)?;
/// while let Some(entry) = keys.next() {
///     // One line that makes no sense is no reason to stop.
///     let Ok(entry) = entry else { continue };
///     println!("{:08x} {}", entry.key.serial(), entry.summary.escape_ascii());
/// }
/// # Ok(())
/// # }
/// ```
///
/// # References
///
/// - [`keyrings(7)`](https://man7.org/linux/man-pages/man7/keyrings.7.html)
/// - `security/keys/proc.c`
#[derive(Debug)]
pub struct Keys<'b>(Lines<'b>);

impl<'b> Keys<'b> {
    /// Opens `/proc/keys`, to be read through this buffer.
    ///
    /// # Errors
    ///
    /// | error | number | cause |
    /// | --- | --- | --- |
    /// | [`Masked`](Error::Masked) | | another file lies over it, as containers do it |
    /// | [`NotFound`](Error::NotFound) | `ENOENT` | there is no `/proc`, or a kernel without keyrings |
    /// | [`AccessDenied`](Error::AccessDenied), [`NotPermitted`](Error::NotPermitted) | `EACCES`, `EPERM` | a sandbox |
    /// | [`BufferTooSmall`](Error::BufferTooSmall) | | the buffer is empty |
    /// | [`OutOfMemory`](Error::OutOfMemory), any other | `ENOMEM`, `EMFILE` and others of `open` | |
    #[inline]
    pub fn open(buffer: &'b mut [u8]) -> Result<Self> {
        Lines::open(c"/proc/keys", buffer).map(Self)
    }

    /// Reads the next line. `None` at the end.
    ///
    /// Not an `Iterator`, since an [`Entry`] borrows the line from the buffer.
    ///
    /// # Errors
    ///
    /// | error | number | cause |
    /// | --- | --- | --- |
    /// | [`BufferTooSmall`](Error::BufferTooSmall) | | the line is longer than the buffer, which needs this size; the next line comes after it |
    /// | [`UnexpectedReply`](Error::UnexpectedReply) | | it is no line of a key, but likely the rest of a description with a newline; the next line comes after it |
    /// | any other, and [`UnexpectedReply`](Error::UnexpectedReply) for a `read` that tells of more than there was room for | | the file can't be read further, and `None` comes after it |
    #[allow(clippy::should_implement_trait)]
    pub fn next(&mut self) -> Option<Result<Entry<'_>>> {
        Some(self.0.next()?.and_then(|line| Entry::parse(line).ok_or(Error::UnexpectedReply)))
    }

    /// Finds a key by type and description, and by its owner if that is given, wherever it is linked. `None`
    /// when no further line is of such a key.
    ///
    /// Each key is asked ([`Key::describe`]) what it is, so that no line can lie about it. **But anybody
    /// may make a key of any description**, and let others view it: without an owner, the first that is
    /// found can be anybody's. A second call goes on behind the key that was found.
    ///
    /// # Errors
    ///
    /// | error | number | cause |
    /// | --- | --- | --- |
    /// | [`BufferTooSmall`](Error::BufferTooSmall) | | a line is longer than the buffer; a second call goes on behind it |
    /// | [`InteriorNul`](Error::InteriorNul), [`TextTooLong`](Error::TextTooLong) | | see [`Text`] |
    /// | [`NotPermitted`](Error::NotPermitted), [`NotImplemented`](Error::NotImplemented), any other | | the file can't be read further, or a sandbox forbids to ask the keys |
    ///
    /// # Examples
    ///
    /// ```
    /// use keyctl::proc::Keys;
    /// use keyctl::{KeyType, Keyring};
    ///
    /// # fn main() -> Result<(), keyctl::Error> {
    /// let key = Keyring::PROCESS.add_key(KeyType::USER, "keyctl:doc:find", b"1")?;
    /// let mut buffer = [0; 8192];
    /// let me = rustix::process::geteuid();
    /// assert_eq!(Keys::open(&mut buffer)?.find(KeyType::USER, "keyctl:doc:find", Some(me))?, Some(key));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # References
    ///
    /// - [`find_key_by_type_and_name(3)`](https://man7.org/linux/man-pages/man3/find_key_by_type_and_name.3.html)
    /// - `security/keys/proc.c`
    #[doc(alias = "find_key_by_type_and_desc")]
    #[doc(alias = "find_key_by_type_and_name")]
    pub fn find(
        &mut self,
        key_type: KeyType<'_>,
        description: impl Text,
        owner: Option<Uid>,
    ) -> Result<Option<Key>> {
        description.with_c_str(|description| {
            let (key_type, description) = (key_type.name().to_bytes(), description.to_bytes());
            let mut text = [0; MAX_DESCRIPTION];
            while let Some(entry) = self.next() {
                let key = match entry {
                    Ok(entry) if entry.may_be(key_type, description) => entry.key,
                    Ok(_) | Err(Error::UnexpectedReply) => continue,
                    Err(error) => return Err(error),
                };
                match key.describe(&mut text) {
                    Ok(found) => {
                        if found.key_type == key_type
                            && found.description == description
                            && owner.is_none_or(|owner| owner == found.uid)
                        {
                            return Ok(Some(key));
                        }
                    }
                    // It is gone by now, or a forged line names it.
                    Err(Error::NoKey | Error::KeyExpired | Error::KeyRevoked | Error::AccessDenied) => {}
                    // The kernel made its description, longer than any that can be asked for.
                    Err(Error::BufferTooSmall { .. }) => {}
                    Err(error) => return Err(error),
                }
            }
            Ok(None)
        })
    }
}
