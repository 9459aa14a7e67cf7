//! Texts for the kernel: names and descriptions that end in NUL.

use core::ffi::CStr;

use crate::errors::{Error, Result};

/// A name, description or other text that the kernel takes: without NUL bytes, which end it there.
///
/// A [`CStr`] (`c"..."`) is handed over as it is. A `str` or bytes are first copied to the stack, since
/// the kernel wants a NUL after them: at most [4095](MAX_TEXT) bytes, which is also the kernel's limit
/// for descriptions.
///
/// # Errors
///
/// A call that takes a text fails without asking the kernel when there is a NUL byte in it
/// ([`Error::InteriorNul`]), or when it needs a copy and is longer than 4095 bytes
/// ([`Error::TextTooLong`]).
///
/// # Examples
///
/// ```
/// use keyctl::{Error, KeyType, Keyring};
///
/// # fn main() -> Result<(), Error> {
/// let ring = Keyring::PROCESS;
/// let key = ring.add_key(KeyType::USER, c"keyctl:doc:text", b"1")?;
/// assert_eq!(ring.search(KeyType::USER, "keyctl:doc:text")?, Some(key));
/// assert_eq!(ring.search(KeyType::USER, b"keyctl:doc:text")?, Some(key));
/// assert_eq!(ring.search(KeyType::USER, "nul\0inside"), Err(Error::InteriorNul));
/// # Ok(())
/// # }
/// ```
pub trait Text: sealed::Text {}

/// The longest text, in bytes and without its NUL, that is taken as `str` or bytes.
pub const MAX_TEXT: usize = 4095;

impl<T: sealed::Text> Text for T {}

/// What most texts fit into. A larger array would cost more to clear than it is worth.
const SHORT: usize = 256;

pub(crate) mod sealed {
    use super::{CStr, Result};

    pub trait Text {
        /// Calls `f` with the text and a NUL after it.
        fn with_c_str<R>(self, f: impl FnOnce(&CStr) -> Result<R>) -> Result<R>;
    }
}

use sealed::Text as AsText;

impl AsText for &CStr {
    #[inline]
    fn with_c_str<R>(self, f: impl FnOnce(&CStr) -> Result<R>) -> Result<R> {
        f(self)
    }
}

impl AsText for &[u8] {
    #[inline]
    fn with_c_str<R>(self, f: impl FnOnce(&CStr) -> Result<R>) -> Result<R> {
        if self.len() < SHORT { copied::<SHORT, R>(self, f) } else { long(self, f) }
    }
}

impl<const N: usize> AsText for &[u8; N] {
    #[inline]
    fn with_c_str<R>(self, f: impl FnOnce(&CStr) -> Result<R>) -> Result<R> {
        self.as_slice().with_c_str(f)
    }
}

impl AsText for &str {
    #[inline]
    fn with_c_str<R>(self, f: impl FnOnce(&CStr) -> Result<R>) -> Result<R> {
        self.as_bytes().with_c_str(f)
    }
}

/// Out of line, so that a short text does not pay for the stack of a long one.
#[cold]
#[inline(never)]
fn long<R>(text: &[u8], f: impl FnOnce(&CStr) -> Result<R>) -> Result<R> {
    copied::<{ MAX_TEXT + 1 }, R>(text, f)
}

#[inline]
fn copied<const N: usize, R>(text: &[u8], f: impl FnOnce(&CStr) -> Result<R>) -> Result<R> {
    let mut copy = [0; N];
    match copy.split_at_mut_checked(text.len()) {
        Some((front, [_nul, ..])) => front.copy_from_slice(text),
        _ => return Err(Error::TextTooLong),
    }
    let text = copy.get(..=text.len()).and_then(|text| CStr::from_bytes_with_nul(text).ok());
    f(text.ok_or(Error::InteriorNul)?)
}
