//! Where results of unknown length go.
//!
//! # Safety
//!
//! The kernel answers the length that a result *has*, which may be more than the buffer holds. This
//! module is the one that turns that number into a slice, after comparing the two.
#![allow(unsafe_code)]

use core::mem::MaybeUninit;
use core::{ptr, slice};

use crate::errors::{Error, Result};
use crate::key::Key;
use crate::reply::Reply;
use crate::serial::KeySerial;

/// Memory for a result: of bytes, or of [`Key`]s.
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
/// most 8 times, to 64 MiB, and as far as there is memory; then it, too, is too small.
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
    use super::{Reply, Result};

    pub trait Buffer<'a, T> {
        /// Has `write` fill the buffer, and returns what it filled.
        ///
        /// # Safety
        ///
        /// `write` gets an address and how many bytes there is room for. It must write no more; and when
        /// the length that it replies is no more, it must have written so many bytes.
        unsafe fn filled_by(self, write: impl FnMut(*mut T, usize) -> Reply) -> Result<&'a mut [T]>;
    }

    /// What a result can consist of.
    pub trait Item: Sized {
        /// Whether so many values, of which the kernel wrote each byte, are values of this type.
        ///
        /// # Safety
        ///
        /// So many values' bytes must be initialized there.
        unsafe fn are_valid(start: *const Self, count: usize) -> bool;
    }
}

use sealed::{Buffer as Fill, Item};

impl Item for u8 {
    #[inline]
    unsafe fn are_valid(_: *const Self, _: usize) -> bool {
        true
    }
}

/// Any number but 0 is a key.
impl Item for Key {
    #[inline]
    unsafe fn are_valid(start: *const Self, count: usize) -> bool {
        // SAFETY: the caller vouches for so many initialized numbers, and any is an `Option<KeySerial>`.
        let serials = unsafe { slice::from_raw_parts(start.cast::<Option<KeySerial>>(), count) };
        // Without a way out, so that it runs over several at a time.
        !serials.iter().fold(false, |gap, serial| gap | serial.is_none())
    }
}

impl<'a, T: Item> Fill<'a, T> for &'a mut [MaybeUninit<T>] {
    #[inline]
    unsafe fn filled_by(self, write: impl FnMut(*mut T, usize) -> Reply) -> Result<&'a mut [T]> {
        // Nothing uninitialized comes out if less was written than is said. And without a `memset`, which a
        // program without libc lacks.
        wipe(self);
        // SAFETY: the same contract, and the bytes are initialized.
        unsafe { written(self, write) }
    }
}

/// Has `write` fill memory whose every byte is initialized.
///
/// # Safety
///
/// As [`filled_by`](sealed::Buffer::filled_by).
#[inline]
unsafe fn written<T: Item>(
    memory: &mut [MaybeUninit<T>],
    mut write: impl FnMut(*mut T, usize) -> Reply,
) -> Result<&mut [T]> {
    let room = size_of_val(memory);
    let start = memory.as_mut_ptr().cast::<T>();
    let reply = write(start, room);
    match reply.length(room) {
        // SAFETY: every byte is initialized, and `length` is no more than `room`.
        Some(length) => unsafe { values(start, length) },
        None => reply.no_length(size_of::<T>()),
    }
}

/// The values that the kernel wrote, in so many bytes.
///
/// # Safety
///
/// So many bytes must be initialized there, and borrowed for `'a`.
#[inline]
unsafe fn values<'a, T: Item>(start: *mut T, length: usize) -> Result<&'a mut [T]> {
    let count = length / size_of::<T>();
    // SAFETY: `count` values are no more than `length` bytes.
    if length % size_of::<T>() != 0 || !unsafe { T::are_valid(start, count) } {
        return Err(Error::UnexpectedReply);
    }
    // SAFETY: `count` values are there, and seen to be valid.
    Ok(unsafe { slice::from_raw_parts_mut(start, count) })
}

impl<'a, T: Item, const N: usize> Fill<'a, T> for &'a mut [MaybeUninit<T>; N] {
    #[inline]
    unsafe fn filled_by(self, write: impl FnMut(*mut T, usize) -> Reply) -> Result<&'a mut [T]> {
        // SAFETY: the same contract.
        unsafe { self.as_mut_slice().filled_by(write) }
    }
}

impl<'a> Fill<'a, u8> for &'a mut [u8] {
    #[inline]
    unsafe fn filled_by(self, write: impl FnMut(*mut u8, usize) -> Reply) -> Result<&'a mut [u8]> {
        // SAFETY: `write` writes initialized bytes only, so the slice's bytes stay initialized.
        let uninit = unsafe { &mut *(ptr::from_mut(self) as *mut [MaybeUninit<u8>]) };
        // SAFETY: the same contract, and the bytes are initialized.
        unsafe { written(uninit, write) }
    }
}

impl<'a, const N: usize> Fill<'a, u8> for &'a mut [u8; N] {
    #[inline]
    unsafe fn filled_by(self, write: impl FnMut(*mut u8, usize) -> Reply) -> Result<&'a mut [u8]> {
        // SAFETY: the same contract.
        unsafe { self.as_mut_slice().filled_by(write) }
    }
}

#[cfg(feature = "alloc")]
impl<'a, T: Item> Fill<'a, T> for &'a mut alloc::vec::Vec<T> {
    #[inline]
    unsafe fn filled_by(self, mut write: impl FnMut(*mut T, usize) -> Reply) -> Result<&'a mut [T]> {
        const FIRST: usize = 256;
        const GROWTHS: usize = 8;
        const MOST: usize = 64 << 20;

        self.clear();
        let mut needed = FIRST;
        for _ in 0..=GROWTHS {
            // Growing gives back memory, where the caller, or a kernel before 5.7, may have left a payload.
            if needed > size_of_val(self.spare_capacity_mut()) {
                wipe(self.spare_capacity_mut());
            }
            if needed > MOST || self.try_reserve_exact(needed.div_ceil(size_of::<T>())).is_err() {
                break;
            }
            let spare = self.spare_capacity_mut();
            spare.fill_with(MaybeUninit::zeroed);
            let (room, start) = (size_of_val(spare), spare.as_mut_ptr().cast::<T>());
            let reply = write(start, room);
            if let Some(length) = reply.length(room) {
                // SAFETY: every byte is initialized, and `length` is no more than `room`.
                let count = unsafe { values(start, length) }?.len();
                // SAFETY: the values are there, within the capacity.
                unsafe { self.set_len(count) };
                return Ok(self);
            }
            needed = reply.number()?;
        }
        crate::reply::too_small(needed, size_of::<T>())
    }
}

/// Overwrites memory, as that of a secret, in a way that the compiler keeps.
pub(crate) fn wipe<T>(memory: &mut [MaybeUninit<T>]) {
    for value in memory {
        // SAFETY: a `MaybeUninit` may hold any bytes, zeros too.
        unsafe { ptr::write_volatile(value, MaybeUninit::zeroed()) };
    }
    core::sync::atomic::compiler_fence(core::sync::atomic::Ordering::SeqCst);
}
