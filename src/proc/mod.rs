//! What the kernel tells of keys in `/proc`. Feature `proc`.
//!
//! [`Keys`] is the only way to a key that no keyring of one's own leads to, and to what is left of a key's
//! lifetime. It is made for people: a description with a newline in it becomes two lines, and **whoever
//! makes a key can thus forge the line of another**. What a line says is a hint; [`Key::describe`] is the
//! authority, and [`Keys::find`] asks it.
//!
//! All this is read in a stream through a buffer of the caller's. A line that does not fit is an error that
//! says so, and the next one comes after it.
//!
//! [`Key::describe`]: crate::Key::describe

use core::ffi::CStr;
use core::num::NonZeroU32;
use core::time::Duration;

use crate::describe::number;
use crate::errors::{Error, Result};
use crate::lifetime::Timeout;

mod keys;
mod lines;
mod users;

pub use keys::{Entry, Expiry, Flags, Keys};
pub use users::{User, Users};

use lines::Lines;

/// `/proc/sys/kernel/keys/persistent_keyring_expiry`—When a persistent keyring expires, counted from the
/// latest [`get_persistent`](crate::get_persistent).
///
/// # Errors
///
/// As [`Keys::open`]. [`NotFound`](Error::NotFound) is a kernel without persistent keyrings, too.
///
/// # Examples
///
/// ```
/// # fn main() -> Result<(), keyctl::Error> {
/// println!("kept for {}", keyctl::proc::persistent_keyring_expiry()?);
/// # Ok(())
/// # }
/// ```
///
/// # References
///
/// - [`persistent-keyring(7)`](https://man7.org/linux/man-pages/man7/persistent-keyring.7.html)
/// - `security/keys/sysctl.c`
#[inline]
pub fn persistent_keyring_expiry() -> Result<Timeout> {
    let seconds = setting(c"/proc/sys/kernel/keys/persistent_keyring_expiry")?;
    Ok(NonZeroU32::new(seconds).map_or(Timeout::Never, Timeout::After))
}

/// `/proc/sys/kernel/keys/gc_delay`—How long an expired or revoked key stays before it is destroyed.
///
/// # Errors
///
/// As [`Keys::open`].
///
/// # Examples
///
/// ```
/// # fn main() -> Result<(), keyctl::Error> {
/// println!("{} seconds", keyctl::proc::gc_delay()?.as_secs());
/// # Ok(())
/// # }
/// ```
///
/// # References
///
/// - [`keyrings(7)`](https://man7.org/linux/man-pages/man7/keyrings.7.html)
/// - `security/keys/sysctl.c`
#[inline]
pub fn gc_delay() -> Result<Duration> {
    setting(c"/proc/sys/kernel/keys/gc_delay").map(|seconds| Duration::from_secs(seconds.into()))
}

fn setting(path: &CStr) -> Result<u32> {
    let mut buffer = [0; 16];
    let mut lines = Lines::open(path, &mut buffer)?;
    let line = lines.next().ok_or(Error::UnexpectedReply)??;
    number::<10>(line).ok_or(Error::UnexpectedReply)
}

/// Takes the first word of a line off it: what comes before the next space.
fn word<'a>(line: &mut &'a [u8]) -> Option<&'a [u8]> {
    let start = line.iter().position(|&byte| byte != b' ')?;
    let rest = line.get(start..)?;
    let length = rest.iter().position(|&byte| byte == b' ').unwrap_or(rest.len());
    let (word, rest) = rest.split_at_checked(length)?;
    *line = rest;
    Some(word)
}
