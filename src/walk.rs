//! A walk through all that a keyring leads to.

use core::fmt;

use crate::describe::{Description, MAX_DESCRIPTION};
use crate::errors::{Error, Result};
use crate::key::{Key, Keyring};
use crate::key_type::KeyType;
use crate::serial::KeySerial;

/// Memory for a [walk](Keyring::walk): 4 bytes for each link that is listed and not yet visited, 12 for
/// each keyring on the way there, 4 for each that was left behind.
///
/// | type | |
/// | --- | --- |
/// | `&mut [u8]`, `&mut [u8; N]` | a keyring that does not fit is not entered, and its [`Visit`] says so |
/// | `&mut Vec<u8>` (feature `alloc`) | grows, to 64 MiB at most |
pub trait Arena: sealed::Arena {}

impl<A: sealed::Arena> Arena for A {}

mod sealed {
    pub trait Arena {
        fn bytes(&mut self) -> &mut [u8];

        /// Whether there are `length` bytes now. The old ones stay.
        fn grow(&mut self, _length: usize) -> bool {
            false
        }
    }
}

impl sealed::Arena for &mut [u8] {
    #[inline]
    fn bytes(&mut self) -> &mut [u8] {
        self
    }
}

impl<const N: usize> sealed::Arena for &mut [u8; N] {
    #[inline]
    fn bytes(&mut self) -> &mut [u8] {
        self.as_mut_slice()
    }
}

#[cfg(feature = "alloc")]
impl sealed::Arena for &mut alloc::vec::Vec<u8> {
    #[inline]
    fn bytes(&mut self) -> &mut [u8] {
        self
    }

    fn grow(&mut self, length: usize) -> bool {
        const LEAST: usize = 1024;
        const MOST: usize = 64 << 20;
        // Twice the size, so that the number of growths is small.
        let wanted = length.max(self.len() * 2).clamp(LEAST, MOST);
        if length > MOST || self.try_reserve_exact(wanted - self.len()).is_err() {
            return false;
        }
        self.resize(wanted, 0);
        true
    }
}

/// One link that a [walk](Keyring::walk) came by, or the keyring that it began at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Visit<'a> {
    /// How many keyrings lead here: 0 for the one that the walk began at.
    pub depth: usize,
    /// The keyring that has the link. `None` for the one that the walk began at.
    pub parent: Option<Keyring>,
    /// Whether this is the last link of its parent.
    pub last: bool,
    /// The key.
    pub key: Key,
    /// What it says of itself, or why it does not: it grants no view, it is expired, revoked, or gone.
    pub description: Result<Description<'a>>,
    /// What became of the links in it.
    pub links: Links,
}

/// What a [walk](Keyring::walk) did about the links in a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Links {
    /// It has none: it is no keyring, or does not say that it is one.
    None,
    /// It is a keyring, and so many links of it come next.
    Listed(usize),
    /// It is a keyring that the walk has been in; it is not entered again.
    Repeated,
    /// It is a keyring that could not be listed, and this is why.
    Refused(Error),
}

impl Keyring {
    /// Visits this keyring and everything that it leads to, each keyring before its contents.
    ///
    /// Only `DESCRIBE` tells whether a key is a keyring, so each link costs that call, whose answer comes
    /// along, and each keyring one `READ`. No payload is read.
    ///
    /// Every link is visited, but a keyring that several links lead to is entered only once: a tree made
    /// by somebody else may have more paths than there is time, and so the walk takes as many steps as
    /// there are links. There is no limit to its depth but the [`Arena`]; yet a keyring that lies more
    /// than six keyrings deep is not possessed, and has to grant read otherwise.
    ///
    /// The walk is lazy, and what it visits may change meanwhile. What can't be described or listed is an
    /// error of its [`Visit`], and the walk goes on.
    ///
    /// # Errors
    ///
    /// In [`Visit::description`] those of [`Key::describe`], in [`Links::Refused`] those of
    /// [`Keyring::links`], where [`BufferTooSmall`](Error::BufferTooSmall) says how many bytes the
    /// whole arena would have needed at that time.
    ///
    /// # Examples
    ///
    /// ```
    /// use keyctl::{KeyType, Keyring};
    ///
    /// # fn main() -> Result<(), keyctl::Error> {
    /// let ring = Keyring::THREAD.add_keyring(c"keyctl:doc:walk")?;
    /// ring.add_keyring(c"keyctl:doc:inner")?.add_key(KeyType::USER, c"keyctl:doc:leaf", b"1")?;
    ///
    /// let mut arena = [0; 4096];
    /// let mut walk = ring.walk(&mut arena);
    /// let mut deepest = 0;
    /// while let Some(visit) = walk.next() {
    ///     println!("{:indent$}{}", "", visit.key.serial(), indent = 2 * visit.depth);
    ///     deepest = visit.depth;
    /// }
    /// assert_eq!(deepest, 2);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # References
    ///
    /// - [`keyctl_read(3)`](https://man7.org/linux/man-pages/man3/keyctl_read.3.html)
    /// - [`recursive_key_scan(3)`](https://man7.org/linux/man-pages/man3/recursive_key_scan.3.html)
    /// - `security/keys/keyring.c`
    #[doc(alias = "recursive_key_scan")]
    #[doc(alias = "recursive_session_key_scan")]
    #[inline]
    pub fn walk<A: Arena>(self, mut arena: A) -> Walk<A> {
        let end = arena.bytes().len() / WORD * WORD;
        let pending = Pending { arena, top: 0, floor: end, end, depth: 0, parent: None, left: 0 };
        Walk { start: Some(self.into()), pending, text: [0; MAX_DESCRIPTION] }
    }
}

/// A walk under way: see [`Keyring::walk`].
///
/// Not an `Iterator`, since a [`Visit`] borrows the description from here.
pub struct Walk<A> {
    start: Option<Key>,
    pending: Pending<A>,
    text: [u8; MAX_DESCRIPTION],
}

impl<A: Arena> Walk<A> {
    /// Visits the next link. `None` at the end.
    #[allow(clippy::should_implement_trait)]
    pub fn next(&mut self) -> Option<Visit<'_>> {
        let key = self.start.take().or_else(|| self.pending.pop())?;
        let Pending { depth, parent, left, .. } = self.pending;
        let description = key.describe(&mut self.text);
        let links = match description {
            Ok(Description { key_type, .. }) if key_type == KeyType::KEYRING.name().to_bytes() => {
                self.pending.enter(key.serial().into()).unwrap_or_else(Links::Refused)
            }
            _ => Links::None,
        };
        Some(Visit { depth, parent, last: left == 0, key, description, links })
    }
}

impl<A> fmt::Debug for Walk<A> {
    #[inline]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Pending { depth, parent, .. } = self.pending;
        f.debug_struct("Walk").field("depth", &depth).field("parent", &parent).finish_non_exhaustive()
    }
}

/// What is still to be visited, and where the walk has been. All of it lies in the arena, in words of 4
/// bytes: a stack from its start up, and from its end down the keyrings that were entered. For each
/// keyring on the way the stack holds `parent` and `left` from before, and then its links.
struct Pending<A> {
    arena: A,
    /// Where the stack ends.
    top: usize,
    /// Where the keyrings that were entered begin, and where they end.
    floor: usize,
    end: usize,
    depth: usize,
    /// The keyring whose links are on top of the stack, and how many of them.
    parent: Option<Keyring>,
    left: u32,
}

type Word = [u8; WORD];
const WORD: usize = size_of::<KeySerial>();
const FRAME: usize = 2 * WORD;

impl<A: Arena> Pending<A> {
    fn pop(&mut self) -> Option<Key> {
        loop {
            if self.left > 0 {
                self.left -= 1;
                // A number that the kernel does not give; if it did, it would name nothing.
                let Some(serial) = KeySerial::from_raw(i32::from_ne_bytes(self.pull()?)) else { continue };
                return Some(serial.into());
            }
            self.depth = self.depth.checked_sub(1)?;
            self.left = u32::from_ne_bytes(self.pull()?);
            self.parent = KeySerial::from_raw(i32::from_ne_bytes(self.pull()?)).map(Keyring::from);
        }
    }

    fn enter(&mut self, keyring: Keyring) -> Result<Links> {
        let name = keyring.serial().as_raw().to_ne_bytes();
        let seen = self.arena.bytes().get(self.floor..).unwrap_or_default();
        if seen.chunks_exact(WORD).any(|seen| *seen == name) {
            return Ok(Links::Repeated);
        }
        let bytes = self.list(keyring)?;
        let links = bytes / WORD;
        if links > 0 {
            let parent = self.parent.map_or(0, |parent| parent.serial().as_raw());
            self.push(parent.to_ne_bytes());
            self.push(self.left.to_ne_bytes());
            self.top += bytes;
            self.floor -= WORD;
            self.put(self.floor, name);
            self.depth += 1;
            self.parent = Some(keyring);
            self.left = u32::try_from(links).map_err(|_| Error::UnexpectedReply)?;
        }
        Ok(Links::Listed(links))
    }

    /// Reads the links of a keyring to where they belong on the stack, and answers their bytes.
    fn list(&mut self, keyring: Keyring) -> Result<usize> {
        loop {
            // Beside them there will be a frame, and the name of the keyring.
            let room = self.top + FRAME..self.floor.saturating_sub(WORD);
            match keyring.read(self.arena.bytes().get_mut(room).unwrap_or_default()) {
                Ok(links) if links.len() % WORD == 0 => {
                    // The first link comes to the top; each word is turned round by this as well.
                    links.reverse();
                    return Ok(links.len());
                }
                Ok(_) => return Err(Error::UnexpectedReply),
                Err(Error::BufferTooSmall { needed }) => {
                    let rest = self.top + FRAME + WORD + (self.end - self.floor);
                    self.grow(u32::try_from(rest).map_or(u32::MAX, |rest| rest.saturating_add(needed)))?;
                }
                Err(error) => return Err(error),
            }
        }
    }

    fn grow(&mut self, needed: u32) -> Result<()> {
        if !usize::try_from(needed).is_ok_and(|needed| self.arena.grow(needed)) {
            return Err(Error::BufferTooSmall { needed });
        }
        let end = self.arena.bytes().len() / WORD * WORD;
        let longer = end - self.end;
        // Downwards, since the new place may overlap the old one.
        for at in (self.floor..self.end).step_by(WORD).rev() {
            let word = self.get(at).unwrap_or_default();
            self.put(at + longer, word);
        }
        self.floor += longer;
        self.end = end;
        Ok(())
    }

    fn get(&mut self, at: usize) -> Option<Word> {
        self.arena.bytes().get(at..)?.first_chunk().copied()
    }

    fn put(&mut self, at: usize, word: Word) {
        if let Some(place) = self.arena.bytes().get_mut(at..).and_then(|bytes| bytes.first_chunk_mut()) {
            *place = word;
        }
    }

    fn push(&mut self, mut word: Word) {
        word.reverse();
        self.put(self.top, word);
        self.top += WORD;
    }

    fn pull(&mut self) -> Option<Word> {
        self.top = self.top.checked_sub(WORD)?;
        let mut word = self.get(self.top)?;
        word.reverse();
        Some(word)
    }
}
