//! A file of `/proc`, line by line, in a buffer that is not ours.

use core::ffi::CStr;
use core::fmt;
use core::ops::Range;

use rustix::fd::OwnedFd;
use rustix::fs::{Mode, OFlags, PROC_SUPER_MAGIC, fstatfs, open};

use crate::errors::{Error, Result};

pub(super) struct Lines<'b> {
    file: OwnedFd,
    buffer: &'b mut [u8],
    /// What was read and not yet given out.
    rest: Range<usize>,
    /// How many bytes of the present line did not fit and are gone.
    lost: usize,
    /// Whether there is nothing more to be read.
    ended: bool,
}

impl<'b> Lines<'b> {
    pub(super) fn open(path: &CStr, buffer: &'b mut [u8]) -> Result<Self> {
        if buffer.is_empty() {
            return Err(Error::BufferTooSmall { needed: 1 });
        }
        let file = open(path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?;
        if fstatfs(&file)?.f_type != PROC_SUPER_MAGIC {
            return Err(Error::Masked);
        }
        Ok(Self { file, buffer, rest: 0..0, lost: 0, ended: false })
    }

    /// The next line, without its newline.
    pub(super) fn next(&mut self) -> Option<Result<&[u8]>> {
        let line = match self.advance()? {
            Ok(line) => line,
            Err(error) => return Some(Err(error)),
        };
        Some(self.buffer.get(line).ok_or(Error::UnexpectedReply))
    }

    fn advance(&mut self) -> Option<Result<Range<usize>>> {
        loop {
            let Range { start, end } = self.rest;
            let rest = self.buffer.get(start..end).unwrap_or_default();
            if let Some(length) = rest.iter().position(|&byte| byte == b'\n') {
                self.rest.start += length + 1;
                return Some(self.whole(start..start + length));
            }
            if self.ended {
                self.rest = 0..0;
                return (start < end || self.lost > 0).then(|| self.whole(start..end));
            }
            if let Err(error) = self.read() {
                (self.rest, self.lost, self.ended) = (0..0, 0, true);
                return Some(Err(error));
            }
        }
    }

    /// The line, if all of it is there.
    fn whole(&mut self, line: Range<usize>) -> Result<Range<usize>> {
        match core::mem::take(&mut self.lost) {
            0 => Ok(line),
            lost => {
                let needed = u32::try_from(lost + line.len() + 1).unwrap_or(u32::MAX);
                Err(Error::BufferTooSmall { needed })
            }
        }
    }

    /// Reads more, for which it makes room.
    fn read(&mut self) -> Result<()> {
        // The test is always true, and shows the compiler that nothing here panics.
        let Range { start, end } = self.rest;
        if let Some(read) = self.buffer.get_mut(..end).filter(|read| start <= read.len()) {
            read.copy_within(start.., 0);
        }
        self.rest = 0..self.rest.len();
        if self.rest.end == self.buffer.len() {
            self.lost += self.rest.len();
            self.rest = 0..0;
        }
        let room = self.buffer.get_mut(self.rest.end..).unwrap_or_default();
        let most = room.len();
        let read = rustix::io::read(&self.file, room)?;
        if read > most {
            return Err(Error::UnexpectedReply);
        }
        self.rest.end += read;
        self.ended = read == 0;
        Ok(())
    }
}

impl fmt::Debug for Lines<'_> {
    #[inline]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lines").field("file", &self.file).finish_non_exhaustive()
    }
}
