//! The three system calls, in rustix's vocabulary: values go into registers, the return register comes back.
//!
//! rustix 1.1 has no `keyctl` and no public door for a raw system call. So the numbers come from
//! `linux-raw-sys`, which rustix uses itself, and the instruction is our own: one function of five
//! arguments per architecture, with the registers and clobbers that rustix chose. When either crate
//! opens a door, only this module changes.
//!
//! The functions here that are public are for operations that have no safe function yet.
//!
//! # Safety
//!
//! This module and its leaves hold the instruction. What makes a call of it sound is that every
//! address among the arguments is good for what the operation does with it. The crate's own safe
//! calls fall into two kinds, told apart by type in [`op`]: for [`op::Plain`] operations no argument
//! is an address, so there is nothing to get wrong; the others are `unsafe` to call, and the modules
//! that call them say why each address holds.
#![allow(unsafe_code)]

use core::ffi::{CStr, c_void};
use core::ptr;

use linux_raw_sys::general::{__NR_add_key, __NR_keyctl, __NR_request_key};
use rustix::process::{Gid, Uid};

use crate::errors::Result;
use crate::reply::Reply;
use crate::serial::KeySerial;

pub mod op;

#[cfg_attr(target_arch = "x86_64", path = "x86_64.rs")]
#[cfg_attr(target_arch = "x86", path = "x86.rs")]
#[cfg_attr(target_arch = "aarch64", path = "aarch64.rs")]
#[cfg_attr(target_arch = "arm", path = "arm.rs")]
#[cfg_attr(any(target_arch = "riscv32", target_arch = "riscv64"), path = "riscv.rs")]
#[cfg_attr(target_arch = "loongarch64", path = "loongarch64.rs")]
#[cfg_attr(target_arch = "s390x", path = "s390x.rs")]
#[cfg_attr(any(target_arch = "powerpc", target_arch = "powerpc64"), path = "powerpc.rs")]
#[cfg_attr(any(target_arch = "mips", target_arch = "mips32r6"), path = "mips.rs")]
#[cfg_attr(any(target_arch = "mips64", target_arch = "mips64r6"), path = "mips64.rs")]
mod arch;

/// An argument of a system call: the content of one register.
///
/// An address keeps its provenance on the way; numbers are extended as C would extend them.
///
/// # Examples
///
/// ```
/// use keyctl::syscall::Arg;
/// use rustix::process::Uid;
///
/// let mut buffer = [0u8; 16];
/// let _address = Arg::from(buffer.as_mut_ptr());
/// let _length = Arg::from(buffer.len());
/// let _owner = Arg::from(Some(Uid::ROOT)); // `None` would be -1
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Arg(*mut c_void);

impl Arg {
    /// 0, and for a pointer argument `NULL`.
    pub const ZERO: Self = Self(ptr::null_mut());
}

impl From<usize> for Arg {
    #[inline]
    fn from(value: usize) -> Self {
        Self(ptr::without_provenance_mut(value))
    }
}

/// Extended with zeros where registers are wider.
impl From<u32> for Arg {
    #[inline]
    fn from(value: u32) -> Self {
        // No supported architecture has a `usize` of less than 32 bits.
        Self::from(value as usize)
    }
}

/// Extended with its sign where registers are wider.
impl From<i32> for Arg {
    #[inline]
    fn from(value: i32) -> Self {
        // The conversion that C makes for an `unsigned long` argument.
        #[allow(clippy::cast_sign_loss)]
        Self::from(value as usize)
    }
}

impl From<KeySerial> for Arg {
    #[inline]
    fn from(serial: KeySerial) -> Self {
        Self::from(serial.as_raw())
    }
}

/// `None` is the kernel's 0: no keyring.
impl From<Option<KeySerial>> for Arg {
    #[inline]
    fn from(serial: Option<KeySerial>) -> Self {
        serial.map_or(Self::ZERO, Self::from)
    }
}

/// `None` is the kernel's -1: the caller's real uid, or "leave it as it is". So is a uid of that number, which
/// rustix's `Uid::from_raw` takes for a mistake.
impl From<Option<Uid>> for Arg {
    #[inline]
    fn from(uid: Option<Uid>) -> Self {
        Self::from(uid.map_or(u32::MAX, Uid::as_raw))
    }
}

/// `None` is the kernel's -1: "leave it as it is".
impl From<Option<Gid>> for Arg {
    #[inline]
    fn from(gid: Option<Gid>) -> Self {
        Self::from(gid.map_or(u32::MAX, Gid::as_raw))
    }
}

/// The address, as C's `const T *` or `T *`.
impl<T> From<*const T> for Arg {
    #[inline]
    fn from(address: *const T) -> Self {
        Self(address.cast_mut().cast())
    }
}

/// The address, as C's `T *`.
impl<T> From<*mut T> for Arg {
    #[inline]
    fn from(address: *mut T) -> Self {
        Self(address.cast())
    }
}

/// The address of the text, which ends in NUL.
impl From<&CStr> for Arg {
    #[inline]
    fn from(text: &CStr) -> Self {
        Self::from(text.as_ptr())
    }
}

/// The address of the text, or `NULL`.
impl From<Option<&CStr>> for Arg {
    #[inline]
    fn from(text: Option<&CStr>) -> Self {
        text.map_or(Self::ZERO, Self::from)
    }
}

/// `keyctl(op, arg2, arg3, arg4, arg5)` for an operation that takes no address.
#[inline]
pub(crate) fn keyctl_plain(op: op::Plain, arg2: Arg, arg3: Arg, arg4: Arg, arg5: Arg) -> Reply {
    // SAFETY: `op::Plain` is the proof that the kernel takes every argument as a number.
    unsafe { keyctl_raw(op.number(), arg2, arg3, arg4, arg5) }
}

/// `keyctl(op, arg2, arg3, arg4, arg5)`, with the reply yet to be read.
///
/// # Safety
///
/// As for [`keyctl`].
#[inline]
pub(crate) unsafe fn keyctl_raw(op: u32, arg2: Arg, arg3: Arg, arg4: Arg, arg5: Arg) -> Reply {
    // SAFETY: the caller vouches for the addresses.
    Reply::new(unsafe { arch::syscall5(__NR_keyctl, op.into(), arg2, arg3, arg4, arg5) })
}

/// `keyctl(op, arg2, arg3, arg4, arg5)`—Any operation, wrapped or not, with raw arguments.
///
/// On success this is the number that the kernel answered, which is never negative. What it means is
/// the operation's business.
///
/// # Safety
///
/// What `op` takes as an address must be one: valid, for the length that goes with it, for reads or
/// writes as the operation does them, until this returns, and no Rust reference may contradict the
/// writes. `READ` and its like answer the size that they *need*, which can be more than the buffer
/// holds. The `PKEY_*` operations go by the key's own sizes and **ignore smaller lengths** among the
/// arguments: they write and read past such buffers. An operation that this crate does not know
/// owes what its own documentation says.
///
/// # Errors
///
/// What the operation answers. [`Error::Unsupported`](crate::Error::Unsupported) for an operation that the kernel does not know.
///
/// # Examples
///
/// ```
/// use keyctl::syscall::{self, Arg, op};
/// use keyctl::{Error, KeySerial};
///
/// // keyctl(KEYCTL_GET_KEYRING_ID, KEY_SPEC_PROCESS_KEYRING, create = 1)
/// let id = KeySerial::PROCESS_KEYRING;
/// // SAFETY: the operation takes two numbers.
/// let made = unsafe {
///     syscall::keyctl(op::GET_KEYRING_ID.number(), id.into(), 1u32.into(), Arg::ZERO, Arg::ZERO)
/// };
/// assert!(made.is_ok_and(|serial| serial > 0));
///
/// // SAFETY: there is no operation of this number.
/// let unknown = unsafe { syscall::keyctl(u32::MAX, Arg::ZERO, Arg::ZERO, Arg::ZERO, Arg::ZERO) };
/// assert_eq!(unknown, Err(Error::Unsupported));
/// ```
///
/// # References
///
/// - [`keyctl(2)`](https://man7.org/linux/man-pages/man2/keyctl.2.html)
/// - `security/keys/keyctl.c`
#[inline]
pub unsafe fn keyctl(op: u32, arg2: Arg, arg3: Arg, arg4: Arg, arg5: Arg) -> Result<usize> {
    // SAFETY: the caller vouches for the addresses.
    unsafe { keyctl_raw(op, arg2, arg3, arg4, arg5) }.number()
}

/// `add_key(type, description, payload, length, keyring)`, with raw arguments.
///
/// # Safety
///
/// `key_type` and `description` must each be null or the address of a text that ends in NUL, and
/// `payload` must be valid for reads of `length` bytes, until this returns.
///
/// # Errors
///
/// What the kernel answers.
///
/// # Examples
///
/// ```
/// use keyctl::{KeySerial, syscall};
///
/// let ring = KeySerial::PROCESS_KEYRING;
/// // SAFETY: two literals that end in NUL, and a payload of no length, whose address is not used.
/// let made = unsafe {
///     syscall::add_key(c"keyring".into(), c"mine".into(), syscall::Arg::ZERO, 0, ring.into())
/// };
/// assert!(made.is_ok());
/// ```
///
/// # References
///
/// - [`add_key(2)`](https://man7.org/linux/man-pages/man2/add_key.2.html)
/// - `security/keys/keyctl.c`
#[inline]
pub unsafe fn add_key(
    key_type: Arg,
    description: Arg,
    payload: Arg,
    length: usize,
    keyring: Arg,
) -> Result<KeySerial> {
    // SAFETY: the caller vouches for the three addresses.
    Reply::new(unsafe {
        arch::syscall5(__NR_add_key, key_type, description, payload, length.into(), keyring)
    })
    .key()
}

/// `request_key(type, description, callout, keyring)`, with raw arguments.
///
/// # Safety
///
/// `key_type`, `description` and `callout` must each be null or the address of a text that ends in
/// NUL, until this returns.
///
/// # Errors
///
/// What the kernel answers: any number at all when the key found is a negative one.
///
/// # Examples
///
/// ```
/// use keyctl::Error;
/// use keyctl::syscall::{self, Arg};
///
/// // SAFETY: two literals that end in NUL, and no callout.
/// let found = unsafe {
///     syscall::request_key(c"user".into(), c"keyctl:doc:absent".into(), Arg::ZERO, Arg::ZERO)
/// };
/// assert_eq!(found, Err(Error::NoKey));
/// ```
///
/// # References
///
/// - [`request_key(2)`](https://man7.org/linux/man-pages/man2/request_key.2.html)
/// - `security/keys/keyctl.c`
#[inline]
pub unsafe fn request_key(key_type: Arg, description: Arg, callout: Arg, keyring: Arg) -> Result<KeySerial> {
    // SAFETY: the caller vouches for the three addresses.
    unsafe { request_key_raw(key_type, description, callout, keyring) }.key()
}

/// `request_key(type, description, callout, keyring)`, with the reply yet to be read.
///
/// # Safety
///
/// As for [`request_key`].
#[inline]
pub(crate) unsafe fn request_key_raw(key_type: Arg, description: Arg, callout: Arg, keyring: Arg) -> Reply {
    // SAFETY: the caller vouches for the three addresses. The fifth register is not an argument.
    Reply::new(unsafe {
        arch::syscall5(__NR_request_key, key_type, description, callout, keyring, Arg::ZERO)
    })
}
