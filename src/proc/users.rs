//! `/proc/key-users`: who has how many keys.

use rustix::process::Uid;

use super::{Lines, word};
use crate::describe::{id, number, signed};
use crate::errors::{Error, Result};

/// A line of `/proc/key-users`: what a user has of keys, and may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct User {
    /// The user, in the terms of the user namespace of `/proc`.
    pub uid: Uid,
    /// How many references the kernel holds to what it knows of the user.
    pub usage: u32,
    /// How many keys the user has, those outside the quota too.
    pub keys: u32,
    /// How many of them have been made, and are not just under construction.
    pub instantiated: u32,
    /// How many keys count against the quota.
    pub quota_keys: u32,
    /// How many keys may count against the quota.
    pub max_keys: u32,
    /// How many bytes count against the quota.
    pub quota_bytes: u32,
    /// How many bytes may count against the quota.
    pub max_bytes: u32,
}

impl User {
    /// Reads a line, without its newline. `None` when it is none.
    ///
    /// # Examples
    ///
    /// ```
    /// use keyctl::proc::User;
    ///
    /// let user = User::parse(b" 1000:     5 5/4 3/200 66/20000").unwrap();
    /// assert_eq!((user.uid.as_raw(), user.keys, user.instantiated), (1000, 5, 4));
    /// assert_eq!((user.quota_keys, user.max_keys), (3, 200));
    /// assert_eq!((user.quota_bytes, user.max_bytes), (66, 20000));
    /// ```
    #[must_use]
    pub fn parse(line: &[u8]) -> Option<Self> {
        let mut rest = line;
        let mut word = || word(&mut rest);
        let uid = Uid::from_raw_unchecked(id(word()?.strip_suffix(b":")?)?);
        let usage = signed(word()?)?;
        let (keys, instantiated) = pair(word()?)?;
        let (quota_keys, max_keys) = pair(word()?)?;
        let (quota_bytes, max_bytes) = pair(word()?)?;
        let user = Self { uid, usage, keys, instantiated, quota_keys, max_keys, quota_bytes, max_bytes };
        rest.is_empty().then_some(user)
    }
}

fn pair(text: &[u8]) -> Option<(u32, u32)> {
    let slash = text.iter().position(|&byte| byte == b'/')?;
    Some((number::<10>(text.get(..slash)?)?, number::<10>(text.get(slash + 1..)?)?))
}

/// `/proc/key-users`, line by line: the users who have keys, and have a meaning in the user namespace of
/// `/proc`.
///
/// Each refill of the buffer finds its place by counting lines from the start. A user whose last key goes
/// just then makes it pass over another's line, and a new user makes one come twice. What one refill brings,
/// up to a page, is of one moment: a buffer of a page takes some eighty users at once.
///
/// # Examples
///
/// ```
/// use keyctl::proc::Users;
///
/// # fn main() -> Result<(), keyctl::Error> {
/// let mut buffer = [0; 256];
/// let mut users = Users::open(&mut buffer)?;
/// while let Some(user) = users.next() {
///     let user = user?;
///     println!("{}: {} of {} bytes", user.uid.as_raw(), user.quota_bytes, user.max_bytes);
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
pub struct Users<'b>(Lines<'b>);

impl<'b> Users<'b> {
    /// Opens `/proc/key-users`, to be read through this buffer. 128 bytes hold every line.
    ///
    /// # Errors
    ///
    /// As [`Keys::open`](super::Keys::open).
    #[inline]
    pub fn open(buffer: &'b mut [u8]) -> Result<Self> {
        Lines::open(c"/proc/key-users", buffer).map(Self)
    }

    /// Reads the next line. `None` at the end.
    ///
    /// # Errors
    ///
    /// As [`Keys::next`](super::Keys::next), but nobody can forge a line here.
    #[allow(clippy::should_implement_trait)]
    pub fn next(&mut self) -> Option<Result<User>> {
        Some(self.0.next()?.and_then(|line| User::parse(line).ok_or(Error::UnexpectedReply)))
    }
}
