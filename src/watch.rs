//! Notifications of what happens to keys. Feature `watch`; Linux 5.8 and `CONFIG_KEY_NOTIFICATIONS`.
//!
//! A [`Queue`] is a pipe that the kernel writes to. Keys are watched through it ([`Key::watch`]), and what
//! happens to them is read from it as [`Notification`]s. It is a file descriptor ([`AsFd`], [`AsRawFd`]), so
//! that it can be waited for like any other. The two traits are those of `std` with the feature `std`, and
//! else rustix's own, unless something else turns on `rustix/std`.
//!
//! What is *not* told: that a key expires (its removal is, when the kernel collects it), that
//! [`get_persistent`](crate::get_persistent) restarts the expiry, and that a link is displaced by that to another
//! key of the same type and description.
//!
//! # Safety
//!
//! Size and filter of the pipe are set by `ioctl`, the one with a number and the other with the address of
//! a structure.
#![allow(unsafe_code)]

use rustix::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use rustix::ioctl::{IntegerSetter, Opcode, Setter, ioctl, opcode};
use rustix::pipe::{PipeFlags, pipe_with};

use crate::errors::{Error, Result};
use crate::key::{Key, Keyring};
use crate::serial::KeySerial;
use crate::syscall::{self, Arg, op};

/// `O_NOTIFICATION_PIPE`, which is `O_EXCL`: another number on some architectures.
const NOTIFICATION_PIPE: PipeFlags = PipeFlags::from_bits_retain(linux_raw_sys::general::O_EXCL);

const SET_SIZE: Opcode = opcode::none(b'W', 0x60);
const SET_FILTER: Opcode = opcode::none(b'W', 0x61);

/// The types of a record, `enum watch_notification_type`.
const META: u32 = 0;
const KEY_NOTIFY: u32 = 1;

bitflags::bitflags! {
    /// Kinds of events, for [`Queue::set_filter`].
    #[repr(transparent)]
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
    pub struct Events: u32 {
        /// [`Event::Instantiated`].
        #[doc(alias = "NOTIFY_KEY_INSTANTIATED")]
        const INSTANTIATED = 1 << 0;
        /// [`Event::Updated`].
        #[doc(alias = "NOTIFY_KEY_UPDATED")]
        const UPDATED = 1 << 1;
        /// [`Event::Linked`].
        #[doc(alias = "NOTIFY_KEY_LINKED")]
        const LINKED = 1 << 2;
        /// [`Event::Unlinked`].
        #[doc(alias = "NOTIFY_KEY_UNLINKED")]
        const UNLINKED = 1 << 3;
        /// [`Event::Cleared`].
        #[doc(alias = "NOTIFY_KEY_CLEARED")]
        const CLEARED = 1 << 4;
        /// [`Event::Revoked`].
        #[doc(alias = "NOTIFY_KEY_REVOKED")]
        const REVOKED = 1 << 5;
        /// [`Event::Invalidated`].
        #[doc(alias = "NOTIFY_KEY_INVALIDATED")]
        const INVALIDATED = 1 << 6;
        /// [`Event::AttributesChanged`].
        #[doc(alias = "NOTIFY_KEY_SETATTR")]
        const ATTRIBUTES_CHANGED = 1 << 7;
        // What a later kernel adds can be asked for.
        const _ = !0;
    }
}

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Event {
    /// The key got its payload, or was made a negative one that answers this error.
    Instantiated(Key, Option<Error>),
    /// The key got another payload.
    Updated(Key),
    /// A key was linked into the keyring, where it may have been before.
    Linked(Keyring, Key),
    /// The link to a key was removed from the keyring.
    Unlinked(Keyring, Key),
    /// All links were removed from the keyring.
    Cleared(Keyring),
    /// The key was revoked.
    Revoked(Key),
    /// The key was invalidated.
    Invalidated(Key),
    /// The owner, the permissions, the timeout or the restriction of the key was changed.
    AttributesChanged(Key),
    /// The key is gone, and the watch with it.
    Removed(Option<Key>),
    /// Notifications were lost, since the queue was full.
    Lost,
    /// Something that this crate does not know, as the kernel numbers it. [`Notification::record`] has the
    /// rest of it.
    Other {
        /// `enum watch_notification_type`.
        kind: u32,
        /// What happened, in terms of that type.
        subtype: u8,
    },
}

/// An event, and by which watch it came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Notification<'b> {
    /// The number that [`Key::watch`] was given. 0 for [`Event::Lost`].
    pub watch: u8,
    /// What happened.
    pub event: Event,
    /// The kernel's record of it, `struct watch_notification` and what follows: for an event that this
    /// crate does not know.
    pub record: &'b [u8],
}

/// The pipe that the kernel writes notifications to.
///
/// # Examples
///
/// ```
/// use keyctl::watch::{Event, Queue};
/// use keyctl::{Error, Keyring};
///
/// # fn main() -> Result<(), Error> {
/// let queue = match Queue::new(64) {
///     // This kernel is built without notifications.
///     Err(Error::NoAlgorithm) => return Ok(()),
///     queue => queue?,
/// };
/// let ring = Keyring::PROCESS.add_keyring("keyctl:doc:watch")?;
/// ring.watch(&queue, 7)?;
/// let child = ring.add_keyring("keyctl:doc:watched")?;
///
/// let mut buffer = [0; 4096];
/// let first = queue.read(&mut buffer)?.next().unwrap()?;
/// assert_eq!((first.watch, first.event), (7, Event::Linked(ring, child.into())));
/// # Ok(())
/// # }
/// ```
///
/// # References
///
/// - [`keyctl_watch_key(3)`](https://man7.org/linux/man-pages/man3/keyctl_watch_key.3.html)
/// - `Documentation/core-api/watch_queue.rst`, `kernel/watch_queue.c`
#[derive(Debug)]
pub struct Queue {
    reader: OwnedFd,
    /// Not written to; while it is open, the pipe does not end.
    _writer: OwnedFd,
}

impl Queue {
    /// `pipe2(O_NOTIFICATION_PIPE | O_CLOEXEC)`, `IOC_WATCH_QUEUE_SET_SIZE`—Makes a queue for so many
    /// notifications, 1 to 512.
    ///
    /// The kernel takes whole pages, so that there is room for a multiple of 32 where these have 4096 bytes.
    /// When there is none left, [`Event::Lost`] takes the place of what comes.
    ///
    /// # Errors
    ///
    /// | error | number | cause |
    /// | --- | --- | --- |
    /// | [`NoAlgorithm`](Error::NoAlgorithm) | `ENOPKG` | a kernel without `CONFIG_WATCH_QUEUE` |
    /// | [`InvalidArgument`](Error::InvalidArgument) | `EINVAL` | a kernel before 5.8; or a size of 0 or of more than 512 |
    /// | [`NotPermitted`](Error::NotPermitted) | `EPERM` | the user's limit for pipes |
    /// | [`Other`](Error::Other) | `ENOTTY` | a program of 32 bits on a kernel of 64, which does not pass the size on (seen on 6.12) |
    /// | [`OutOfMemory`](Error::OutOfMemory), any other | `ENOMEM`, `EMFILE` and others of `pipe2` | |
    ///
    /// # Examples
    ///
    /// See [`Queue`].
    pub fn new(notifications: u32) -> Result<Self> {
        let (reader, writer) = pipe_with(NOTIFICATION_PIPE | PipeFlags::CLOEXEC)?;
        // SAFETY: the opcode takes a number, not an address.
        let size = unsafe { IntegerSetter::<SET_SIZE>::new_usize(notifications as usize) };
        // SAFETY: the kernel checks the range of the number, and touches no memory of ours.
        unsafe { ioctl(&reader, size) }?;
        Ok(Self { reader, _writer: writer })
    }

    /// `IOC_WATCH_QUEUE_SET_FILTER`—Lets only these events of keys in, from now on and in place of those before;
    /// [`Events::all`] lets in each again. [`Event::Removed`] and [`Event::Lost`] come in any case.
    ///
    /// # Errors
    ///
    /// [`OutOfMemory`](Error::OutOfMemory) (`ENOMEM`).
    ///
    /// # Examples
    ///
    /// ```
    /// # fn narrow(queue: &keyctl::watch::Queue) -> Result<(), keyctl::Error> {
    /// use keyctl::watch::Events;
    /// queue.set_filter(Events::REVOKED | Events::INVALIDATED)
    /// # }
    /// ```
    pub fn set_filter(&self, events: Events) -> Result<()> {
        let mut subtypes = [0; 8];
        subtypes[0] = events.bits();
        let filter = Filter {
            count: 1,
            reserved: 0,
            only: TypeFilter { kind: KEY_NOTIFY, info: 0, info_mask: 0, subtypes },
        };
        // SAFETY: the operation reads a header and as many type filters as that counts: one.
        let filter = unsafe { Setter::<SET_FILTER, Filter>::new(filter) };
        // SAFETY: the same.
        unsafe { ioctl(&self.reader, filter) }?;
        Ok(())
    }

    /// `ioctl(FIONBIO)`—Sets whether [`read`](Self::read) returns at once when there is nothing to tell.
    ///
    /// # Errors
    ///
    /// None is known.
    ///
    /// # Examples
    ///
    /// ```
    /// # fn poll(queue: &keyctl::watch::Queue) -> Result<(), keyctl::Error> {
    /// queue.set_nonblocking(true)?;
    /// match queue.read(&mut [0; 1024]) {
    ///     Err(keyctl::Error::TryAgain) => println!("nothing happened"),
    ///     happened => happened?.for_each(|one| println!("{one:?}")),
    /// }
    /// # Ok(())
    /// # }
    /// ```
    #[inline]
    pub fn set_nonblocking(&self, nonblocking: bool) -> Result<()> {
        Ok(rustix::io::ioctl_fionbio(&self.reader, nonblocking)?)
    }

    /// `read`—Reads what has happened: as many notifications as there are and fit, at least one. Waits for it,
    /// unless that was [turned off](Self::set_nonblocking). An empty buffer gets none, at once.
    ///
    /// Each takes at most 127 bytes, those of keys 16.
    ///
    /// # Errors
    ///
    /// | error | number | cause |
    /// | --- | --- | --- |
    /// | [`NoBufferSpace`](Error::NoBufferSpace) | `ENOBUFS` | the next one does not fit into the buffer |
    /// | [`TryAgain`](Error::TryAgain) | `EAGAIN` | there is none, and waiting was turned off |
    /// | [`Interrupted`](Error::Interrupted) | `EINTR` | a signal came before one |
    ///
    /// # Examples
    ///
    /// See [`Queue`].
    pub fn read<'b>(&self, buffer: &'b mut [u8]) -> Result<Notifications<'b>> {
        let length = rustix::io::read(&self.reader, &mut *buffer)?;
        Ok(Notifications::parse(buffer.get(..length).ok_or(Error::UnexpectedReply)?))
    }
}

impl AsFd for Queue {
    #[inline]
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.reader.as_fd()
    }
}

impl AsRawFd for Queue {
    #[inline]
    fn as_raw_fd(&self) -> RawFd {
        self.reader.as_raw_fd()
    }
}

/// `struct watch_notification_filter` with one filter in it.
#[repr(C)]
struct Filter {
    count: u32,
    reserved: u32,
    only: TypeFilter,
}

/// `struct watch_notification_type_filter`.
#[repr(C)]
struct TypeFilter {
    kind: u32,
    info: u32,
    info_mask: u32,
    subtypes: [u32; 8],
}

const _: () = assert!(size_of::<Filter>() == 52);

impl Key {
    /// `keyctl(KEYCTL_WATCH_KEY, key, queue, id)`—Has what happens to the key told in a queue, under this number.
    /// Linux 5.8.
    ///
    /// For a keyring, that is what happens to its links, not to the keys in it. Needs view.
    ///
    /// # Errors
    ///
    /// | error | number | cause |
    /// | --- | --- | --- |
    /// | [`AccessDenied`](Error::AccessDenied) | `EACCES` | the key does not grant view |
    /// | [`Busy`](Error::Busy) | `EBUSY` | this queue watches the key already |
    /// | [`TryAgain`](Error::TryAgain) | `EAGAIN` | more watches than the limit of open files |
    /// | [`NoKey`](Error::NoKey), [`KeyExpired`](Error::KeyExpired), [`KeyRevoked`](Error::KeyRevoked) | `ENOKEY`, `EKEYEXPIRED`, `EKEYREVOKED` | there is no such key any more |
    /// | [`Unsupported`](Error::Unsupported) | `EOPNOTSUPP` | a kernel without key notifications |
    /// | [`OutOfMemory`](Error::OutOfMemory) | `ENOMEM` | |
    ///
    /// # Examples
    ///
    /// See [`Queue`].
    ///
    /// # References
    ///
    /// - [`keyctl_watch_key(3)`](https://man7.org/linux/man-pages/man3/keyctl_watch_key.3.html)
    /// - `security/keys/keyctl.c`
    #[doc(alias = "keyctl_watch_key")]
    #[doc(alias = "KEYCTL_WATCH_KEY")]
    #[inline]
    pub fn watch(self, queue: &Queue, id: u8) -> Result<()> {
        self.watch_as(queue, u32::from(id).into())
    }

    /// `keyctl(KEYCTL_WATCH_KEY, key, queue, -1)`—Ends the watch of the key in this queue. Linux 5.8.
    ///
    /// The queue tells it, as [`Event::Removed`].
    ///
    /// # Errors
    ///
    /// [`NotWatched`](Error::NotWatched) (`EBADSLT`) when there is none. Else as [`watch`](Self::watch).
    ///
    /// # Examples
    ///
    /// ```
    /// # fn end(key: keyctl::Key, queue: &keyctl::watch::Queue) -> Result<(), keyctl::Error> {
    /// key.unwatch(queue)
    /// # }
    /// ```
    ///
    /// # References
    ///
    /// - [`keyctl_watch_key(3)`](https://man7.org/linux/man-pages/man3/keyctl_watch_key.3.html)
    /// - `security/keys/keyctl.c`
    #[inline]
    pub fn unwatch(self, queue: &Queue) -> Result<()> {
        self.watch_as(queue, (-1).into())
    }

    fn watch_as(self, queue: &Queue, id: Arg) -> Result<()> {
        let queue = queue.as_raw_fd().into();
        syscall::keyctl_plain(op::WATCH_KEY, self.serial().into(), queue, id, Arg::ZERO).done()
    }
}

/// The notifications of one [`read`](Queue::read), in the order in which they came.
///
/// Bytes that are no notification are an [`UnexpectedReply`](Error::UnexpectedReply), and then the end.
#[derive(Clone, Debug)]
pub struct Notifications<'b> {
    rest: &'b [u8],
}

impl<'b> Notifications<'b> {
    /// Parses what was read from a notification pipe.
    ///
    /// # Examples
    ///
    /// ```
    /// use keyctl::watch::Notifications;
    ///
    /// assert!(Notifications::parse(b"").next().is_none());
    /// assert!(Notifications::parse(b"garbage").next().unwrap().is_err());
    /// ```
    #[inline]
    #[must_use]
    pub const fn parse(bytes: &'b [u8]) -> Self {
        Self { rest: bytes }
    }
}

impl<'b> Iterator for Notifications<'b> {
    type Item = Result<Notification<'b>>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let Some((notification, rest)) = record(self.rest, cfg!(target_endian = "big")) else {
            self.rest = &[];
            return Some(Err(Error::UnexpectedReply));
        };
        self.rest = rest;
        Some(Ok(notification))
    }
}

/// The first record, `struct watch_notification` and what follows it, and the rest.
///
/// Type and subtype are bit-fields of a C compiler: on a big-endian machine the type lies in the upper bits.
fn record(bytes: &[u8], big_endian: bool) -> Option<(Notification<'_>, &[u8])> {
    let word = |at: usize| {
        let word = bytes.get(at..)?.first_chunk()?;
        Some(if big_endian { u32::from_be_bytes(*word) } else { u32::from_le_bytes(*word) })
    };
    let (first, info) = (word(0)?, word(4)?);
    let (kind, subtype) =
        if big_endian { (first >> 8, first & 0xff) } else { (first & 0xff_ffff, first >> 24) };
    let (length, watch) = ((info & 0x7f) as usize, (info >> 8) & 0xff);
    if length < 8 {
        return None;
    }
    let (record, rest) = bytes.split_at_checked(length)?;
    let key = |raw: u32| KeySerial::from_raw(i32::from_ne_bytes(raw.to_ne_bytes())).map(Key::from);

    let event = match (kind, subtype) {
        // The id is 64 bits, of which a key uses the lower ones.
        (META, 0) if record.len() < 16 => Event::Removed(None),
        (META, 0) => Event::Removed(key(word(if big_endian { 12 } else { 8 })?)),
        (META, 1) => Event::Lost,
        (KEY_NOTIFY, 0..=7) => {
            if record.len() < 16 {
                return None;
            }
            let (subject, other) = (key(word(8)?)?, word(12)?);
            match subtype {
                0 => Event::Instantiated(subject, error(other)),
                1 => Event::Updated(subject),
                2 => Event::Linked(subject.into(), key(other)?),
                3 => Event::Unlinked(subject.into(), key(other)?),
                4 => Event::Cleared(subject.into()),
                5 => Event::Revoked(subject),
                6 => Event::Invalidated(subject),
                _ => Event::AttributesChanged(subject),
            }
        }
        (kind, subtype) => Event::Other { kind, subtype: u8::try_from(subtype).ok()? },
    };
    Some((Notification { watch: u8::try_from(watch).ok()?, event, record }, rest))
}

/// 0, or the number that the key answers, negated.
fn error(negated: u32) -> Option<Error> {
    match negated.wrapping_neg() {
        0 => None,
        number @ 1..=4095 => Some(Error::from_number(i32::try_from(number).ok()?)),
        _ => Some(Error::UnexpectedReply),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A record of these words, each in the byte order of the machine.
    fn bytes(words: &[u32], big_endian: bool) -> std::vec::Vec<u8> {
        let bytes = |word: &u32| if big_endian { word.to_be_bytes() } else { word.to_le_bytes() };
        words.iter().flat_map(bytes).collect()
    }

    fn first(kind: u32, subtype: u32, big_endian: bool) -> u32 {
        if big_endian { kind << 8 | subtype } else { kind | subtype << 24 }
    }

    #[test]
    fn either_byte_order_is_read() {
        for big in [false, true] {
            let linked = bytes(&[first(KEY_NOTIFY, 2, big), 16 | 7 << 8, 1001, 1002], big);
            let key = |raw| Key::from(KeySerial::from_raw(raw).unwrap());
            let expected =
                Notification { watch: 7, event: Event::Linked(key(1001).into(), key(1002)), record: &linked };
            assert_eq!(record(&linked, big), Some((expected, &[][..])));

            let id = if big { [0, 1001] } else { [1001, 0] };
            let removed = bytes(&[first(META, 0, big), 16 | 255 << 8, id[0], id[1]], big);
            let event = Event::Removed(Some(key(1001)));
            let expected = Notification { watch: 255, event, record: &removed };
            assert_eq!(record(&removed, big), Some((expected, &[][..])));
        }
    }

    #[test]
    fn a_negative_key_tells_its_number() {
        let made = |aux: i32| {
            let words = [first(KEY_NOTIFY, 0, false), 16, 1001, u32::from_ne_bytes(aux.to_ne_bytes())];
            record(&bytes(&words, false), false).unwrap().0.event
        };
        let key = Key::from(KeySerial::from_raw(1001).unwrap());
        assert_eq!(made(0), Event::Instantiated(key, None));
        assert_eq!(made(-1), Event::Instantiated(key, Some(Error::NotPermitted)));
        assert_eq!(made(-4094), Event::Instantiated(key, Some(Error::from_number(4094))));
        assert_eq!(made(i32::MIN), Event::Instantiated(key, Some(Error::UnexpectedReply)));
    }

    #[test]
    fn what_is_unknown_is_kept_and_stepped_over() {
        let mut words = bytes(&[first(9, 200, false), 12, 0], false);
        words.extend(bytes(&[first(META, 1, false), 8], false));
        let (other, rest) = record(&words, false).unwrap();
        assert_eq!(other.event, Event::Other { kind: 9, subtype: 200 });
        assert_eq!(other.record, &words[..12]);
        assert_eq!(record(rest, false).unwrap().0.event, Event::Lost);
    }

    #[test]
    fn cut_off_or_too_short_is_none() {
        let whole = bytes(&[first(KEY_NOTIFY, 1, false), 16, 1001, 0], false);
        for length in 0..16 {
            assert_eq!(record(&whole[..length], false), None, "{length}");
        }
        for length in 0..8 {
            let short = bytes(&[first(META, 1, false), length, 0, 0], false);
            assert_eq!(record(&short, false), None, "{length}");
        }
        // Long enough for a header, but not for a key.
        assert_eq!(record(&bytes(&[first(KEY_NOTIFY, 1, false), 8, 1001, 0], false), false), None);
        assert_eq!(record(&bytes(&[first(KEY_NOTIFY, 1, false), 16, 0, 0], false), false), None);
    }
}
