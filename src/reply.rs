//! What came back: the return register of a system call, read once.

use crate::errors::{Error, Result};
use crate::serial::KeySerial;

/// What came back in the return register. Each method is one test for success; all else is cold.
#[derive(Clone, Copy, Debug)]
#[must_use]
pub struct Reply(isize);

impl Reply {
    #[inline]
    pub(crate) const fn new(register: isize) -> Self {
        Self(register)
    }

    /// What a serial names.
    #[inline]
    pub(crate) fn key<K: From<KeySerial>>(self) -> Result<K> {
        match self.serial() {
            Some(serial) => whole(K::from(serial)),
            None => self.refused(),
        }
    }

    /// What a serial names, or that there is no such key.
    #[inline]
    pub(crate) fn key_if_any<K: From<KeySerial>>(self) -> Result<Option<K>> {
        match self.serial() {
            Some(serial) => whole(Some(K::from(serial))),
            None => self.absent_or_refused(),
        }
    }

    /// Nothing but success, which is 0.
    #[inline]
    pub(crate) fn done(self) -> Result<()> {
        if self.0 == 0 { whole(()) } else { self.refused() }
    }

    /// A number that is not negative.
    #[inline]
    pub(crate) fn number(self) -> Result<usize> {
        usize::try_from(self.0).map_err(|_| self.error())
    }

    /// The length of a result, if it is no more than `room`, which a slice's length in bytes is.
    #[inline]
    pub(crate) fn length(self, room: usize) -> Option<usize> {
        // One test: an error is, without its sign, longer than any slice.
        #[allow(clippy::cast_sign_loss)]
        let length = self.0 as usize;
        (length <= room).then_some(length)
    }

    /// Why there is no length: an error, or more than there is room for, in items of so many bytes.
    #[cold]
    #[inline(never)]
    pub(crate) fn no_length<T>(self, item: usize) -> Result<T> {
        self.number().and_then(|length| too_small(length, item))
    }

    /// Read as C reads it: the low 32 bits, as `key_serial_t`, and positive.
    #[inline]
    fn serial(self) -> Option<KeySerial> {
        #[allow(clippy::cast_possible_truncation)]
        KeySerial::from_raw(self.0 as i32).filter(|serial| !serial.is_special())
    }

    #[cold]
    #[inline(never)]
    fn absent_or_refused<K>(self) -> Result<Option<K>> {
        match self.error() {
            Error::NoKey => Ok(None),
            error => Err(error),
        }
    }

    #[cold]
    #[inline(never)]
    fn refused<T>(self) -> Result<T> {
        Err(self.error())
    }

    /// Any other reply than a result of the call.
    #[cold]
    #[inline(never)]
    fn error(self) -> Error {
        match i32::try_from(self.0) {
            Ok(negated @ -4095..=-1) => Error::from_number(-negated),
            _ => Error::UnexpectedReply,
        }
    }
}

/// `Ok`, by way of a function: so its 8 bytes are one value to LLVM, and the call of the cold function
/// in the other branch becomes a jump. Two instructions less for each call.
#[inline]
fn whole<T>(value: T) -> Result<T> {
    let ok: fn(T) -> Result<T> = Ok;
    ok(value)
}

/// A result of so many bytes does not fit.
#[cold]
pub(crate) fn too_small<T>(length: usize, item: usize) -> Result<T> {
    // No item takes 0 bytes; the compiler is told, or would divide with a way to panic.
    Err(match u32::try_from(length.div_ceil(item.max(1))) {
        Ok(needed) => Error::BufferTooSmall { needed },
        Err(_) => Error::UnexpectedReply,
    })
}
