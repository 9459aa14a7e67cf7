//! Where results of unknown length go.
//!
//! # Safety
//!
//! The kernel answers the length that a result *has*, which may be more than the buffer holds. This
//! room is the one that turns that number into a slice, after comparing the two.
#![allow(unsafe_code)]

use core::mem::MaybeUninit;
use core::{ptr, slice};

use crate::errors::{Error, Result};

/// Memory for a result: of bytes, or of [`Key`](crate::Key)s.
///
/// | type | |
/// | --- | --- |
/// | `&mut [u8]`, `&mut [u8; N]` | |
/// | `&mut [MaybeUninit<T>]`, `&mut [MaybeUninit<T>; N]` | need not be initialized; also a `Vec`'s [`spare_capacity_mut`](https://doc.rust-lang.org/std/vec/struct.Vec.html#method.spare_capacity_mut) |
/// | `&mut Vec<T>` (feature `alloc`) | grows until the result fits, and then holds it and nothing else |
///
/// In each case the call returns the part that holds the result.
///
/// # Errors
///
/// A result is whole or not there at all: when it does not fit, the call answers
/// [`Error::BufferTooSmall`] with the size that would have held it, and what the buffer contains is
/// unspecified. A key may grow between two calls, so that the size is no promise. A `Vec` is grown at
/// most 8 times and to 64 MiB; then it, too, is too small.
///
/// # Examples
///
/// ```
/// use core::mem::MaybeUninit;
/// use keyctl::{Error, KeyType, Keyring};
///
/// # fn main() -> Result<(), Error> {
/// let key = Keyring::PROCESS.add_key(KeyType::USER, c"keyctl:doc:buffer", b"payload")?;
/// assert_eq!(key.read(&mut [0; 16])?, b"payload");
/// assert_eq!(key.read(&mut [MaybeUninit::uninit(); 7])?, b"payload");
/// assert_eq!(key.read(&mut [0; 6]), Err(Error::BufferTooSmall { needed: 7 }));
/// # Ok(())
/// # }
/// ```
pub trait Buffer<'a, T = u8>: sealed::Buffer<'a, T> {}

impl<'a, T, B: sealed::Buffer<'a, T>> Buffer<'a, T> for B {}

pub(crate) mod sealed {
    use super::Result;

    pub trait Buffer<'a, T> {
        /// Has `write` fill the buffer, and returns what it filled.
        ///
        /// # Safety
        ///
        /// `write` gets an address and how many `T` there is room for. It must write no more, and when
        /// the number that it returns is no more, so many `T` must be initialized.
        unsafe fn filled_by(self, write: impl FnMut(*mut T, usize) -> Result<usize>) -> Result<&'a mut [T]>;
    }
}

use sealed::Buffer as Fill;

impl<'a, T> Fill<'a, T> for &'a mut [MaybeUninit<T>] {
    #[inline]
    unsafe fn filled_by(self, mut write: impl FnMut(*mut T, usize) -> Result<usize>) -> Result<&'a mut [T]> {
        let room = self.len();
        let start = self.as_mut_ptr().cast();
        match write(start, room)? {
            // SAFETY: the caller vouches for `length` values of `T` there, and `length <= room`.
            length if length <= room => Ok(unsafe { slice::from_raw_parts_mut(start, length) }),
            length => Err(too_small(length)),
        }
    }
}

impl<'a, T, const N: usize> Fill<'a, T> for &'a mut [MaybeUninit<T>; N] {
    #[inline]
    unsafe fn filled_by(self, write: impl FnMut(*mut T, usize) -> Result<usize>) -> Result<&'a mut [T]> {
        // SAFETY: the same contract.
        unsafe { self.as_mut_slice().filled_by(write) }
    }
}

impl<'a> Fill<'a, u8> for &'a mut [u8] {
    #[inline]
    unsafe fn filled_by(self, write: impl FnMut(*mut u8, usize) -> Result<usize>) -> Result<&'a mut [u8]> {
        // SAFETY: `write` writes initialized bytes only, so the slice's bytes stay initialized.
        let uninit = unsafe { &mut *(ptr::from_mut(self) as *mut [MaybeUninit<u8>]) };
        // SAFETY: the same contract.
        unsafe { uninit.filled_by(write) }
    }
}

impl<'a, const N: usize> Fill<'a, u8> for &'a mut [u8; N] {
    #[inline]
    unsafe fn filled_by(self, write: impl FnMut(*mut u8, usize) -> Result<usize>) -> Result<&'a mut [u8]> {
        // SAFETY: the same contract.
        unsafe { self.as_mut_slice().filled_by(write) }
    }
}

#[cfg(feature = "alloc")]
impl<'a, T> Fill<'a, T> for &'a mut alloc::vec::Vec<T> {
    #[inline]
    unsafe fn filled_by(self, mut write: impl FnMut(*mut T, usize) -> Result<usize>) -> Result<&'a mut [T]> {
        const FIRST: usize = 256;
        const GROWTHS: usize = 8;
        const MOST: usize = 64 << 20;

        self.clear();
        let mut needed = FIRST / size_of::<T>();
        for _ in 0..=GROWTHS {
            if needed > MOST / size_of::<T>() || self.try_reserve_exact(needed).is_err() {
                break;
            }
            let spare = self.spare_capacity_mut();
            let room = spare.len();
            needed = write(spare.as_mut_ptr().cast(), room)?;
            if needed <= room {
                // SAFETY: the caller vouches for so many values, within the capacity.
                unsafe { self.set_len(needed) };
                return Ok(self);
            }
            // Kernels before 5.7 leave a part of the result, which growing would leave in freed memory.
            wipe(self.spare_capacity_mut());
        }
        Err(too_small(needed))
    }
}

#[cold]
fn too_small(needed: usize) -> Error {
    u32::try_from(needed).map_or(Error::UnexpectedReply, |needed| Error::BufferTooSmall { needed })
}

/// Overwrites memory that held a secret, in a way that the compiler keeps.
#[cfg(feature = "alloc")]
pub(crate) fn wipe<T>(memory: &mut [MaybeUninit<T>]) {
    for value in memory {
        // SAFETY: a `MaybeUninit` may hold any bytes, zeros too.
        unsafe { ptr::write_volatile(value, MaybeUninit::zeroed()) };
    }
    core::sync::atomic::compiler_fence(core::sync::atomic::Ordering::SeqCst);
}
