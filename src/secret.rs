//! A payload that is wiped when it goes. Feature `alloc`.

use alloc::vec::Vec;
use core::fmt;
use core::ops::Deref;

use crate::buffer::wipe;
use crate::errors::Result;
use crate::key::Key;

/// The payload of a key, owned: its memory is overwritten when it is dropped, and never printed.
///
/// Always, not as an option: what no feature turns on, none can forget. It is what the `zeroize` crate
/// does; to have that crate do it, read into the `Vec` of its `Zeroizing`.
///
/// # Examples
///
/// ```
/// use keyctl::{KeyType, Keyring};
///
/// # fn main() -> Result<(), keyctl::Error> {
/// let key = Keyring::PROCESS.add_key(KeyType::USER, c"keyctl:doc:secret", b"hunter2")?;
/// let secret = key.read_secret()?;
/// assert_eq!(*secret, *b"hunter2");
/// assert_eq!(format!("{secret:?}"), "Secret(7 bytes)");
/// # Ok(())
/// # }
/// ```
pub struct Secret(Vec<u8>);

impl Deref for Secret {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Secret {
    #[inline]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secret({} bytes)", self.0.len())
    }
}

impl Drop for Secret {
    #[inline]
    fn drop(&mut self) {
        self.0.clear();
        wipe(self.0.spare_capacity_mut());
    }
}

impl Key {
    /// `keyctl(KEYCTL_READ, key, buffer, length)`—Reads the payload into memory that is wiped when dropped.
    ///
    /// # Errors
    ///
    /// As [`read`](Self::read).
    ///
    /// # Examples
    ///
    /// See [`Secret`].
    ///
    /// # References
    ///
    /// - [`keyctl_read(3)`](https://man7.org/linux/man-pages/man3/keyctl_read.3.html)
    #[doc(alias = "keyctl_read_alloc")]
    #[inline]
    pub fn read_secret(self) -> Result<Secret> {
        let mut secret = Secret(Vec::new());
        self.read(&mut secret.0)?;
        Ok(secret)
    }
}
