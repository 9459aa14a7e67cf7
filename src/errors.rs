//! Why the kernel said no: raw error numbers as typed errors.

// Numbers are below 4096, places below 64, and the indices are the compiler's to evaluate.
#![allow(clippy::cast_possible_wrap, clippy::cast_possible_truncation, clippy::cast_sign_loss)]
#![allow(clippy::indexing_slicing)]

use linux_raw_sys::errno;
use rustix::io::Errno;

/// The result of a call to the kernel's key service.
pub type Result<T, E = Error> = core::result::Result<T, E>;

/// One row per error number that the key service can answer: the word, the number's name, the sentence.
macro_rules! refusals {
    ($($word:ident = $name:ident, $sentence:literal;)*) => {
        /// Why the kernel refused, or why there was nothing to ask it.
        ///
        /// Every error number that the key service is known to answer has a word of its own; what the
        /// word means for a call is listed under that call's `# Errors`. A number without a word, which a
        /// security module, a sandbox, a later kernel or the maker of a negative key may choose, arrives
        /// as [`Other`](Self::Other). The number itself is never lost: see
        /// [`raw_os_error`](Self::raw_os_error).
        ///
        /// # Design
        ///
        /// One enum rather than one for each call: the set of numbers is open for every call, so a closed
        /// enum would have to lie or to panic. The whole is 8 bytes, and so is a `Result<Keyring, Error>`,
        /// which travels in one register. The numbers are those of the architecture it is compiled for:
        /// `EDQUOT` is 122 on most and 1133 on mips.
        ///
        /// # Examples
        ///
        /// ```
        /// use keyctl::{Error, Keyring, get_persistent};
        ///
        /// match get_persistent(None, Keyring::PROCESS) {
        ///     Ok(keyring) => println!("persistent keyring {}", keyring.serial()),
        ///     Err(Error::Unsupported | Error::NotImplemented) => println!("no persistent keyrings here"),
        ///     Err(e) => println!("{e}, number {:?}", e.raw_os_error()),
        /// }
        /// ```
        // Each word is its number, so that the way back needs no table; and 0 is left for `Ok`.
        #[repr(u32)]
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
        #[non_exhaustive]
        pub enum Error {
            /// The kernel's reply is neither a result of this call nor an error number. No Linux kernel
            /// is known to do this; an emulation or a tracer may.
            #[error("the kernel's reply makes no sense for this call")]
            UnexpectedReply = 4096,
            /// The result does not fit into the buffer. This is no number of the kernel's: it answers the
            /// size, which is compared here.
            #[error("the buffer is too small: {needed} bytes or items are needed")]
            BufferTooSmall {
                /// How many bytes (for links: how many keys) the result had.
                needed: u32,
            },
            /// There is a NUL byte in a text, which ends texts for the kernel; it was not asked.
            #[error("there is a NUL byte inside a name or description")]
            InteriorNul,
            /// A text that has to be copied is longer than [`MAX_TEXT`](crate::MAX_TEXT); the kernel was
            /// not asked.
            #[error("a name or description is longer than 4095 bytes")]
            TextTooLong,
            /// A time that is no [`Timeout`](crate::Timeout): 0, or more seconds than 32 bits hold.
            #[error("the time is 0 or too long to be a timeout")]
            TimeoutOutOfRange,
            /// Another file is mounted over the kernel's, as containers do it. It was not read.
            #[error("a sandbox hides the kernel's file")]
            Masked,
            /// An error number that has no word here; [`raw_os_error`](Self::raw_os_error) tells it. In a pattern:
            /// `Error::Other { .. }`.
            #[error("the kernel answered error number {0}")]
            #[non_exhaustive]
            Other(i32),
            $(
                #[doc = concat!("`", stringify!($name), "`: ", $sentence, ".")]
                #[error("{} ({})", $sentence, stringify!($name))]
                $word = errno::$name,
            )*
        }

        static WORDS: [Error; [$(stringify!($word)),*].len()] = [$(Error::$word),*];

        impl Error {
            /// The kernel's error number, `errno` in C: positive. `None` when the error did not come
            /// from the kernel.
            #[inline]
            #[must_use]
            pub const fn raw_os_error(self) -> Option<i32> {
                match self {
                    $(Self::$word => Some(errno::$name as i32),)*
                    Self::Other(number) => Some(number),
                    Self::UnexpectedReply
                    | Self::BufferTooSmall { .. }
                    | Self::InteriorNul
                    | Self::TextTooLong
                    | Self::TimeoutOutOfRange
                    | Self::Masked => None,
                }
            }
        }
    };
}

refusals! {
    NotPermitted = EPERM, "the operation is not permitted to this caller, or a sandbox forbids it";
    NotFound = ENOENT, "there is no such link, restriction, algorithm, helper program or file";
    NoSuchProcess = ESRCH, "the process is going away";
    Interrupted = EINTR, "a signal came before the key was ready";
    Io = EIO, "the key was never instantiated, or its payload can't be fetched";
    NotExecutable = ENOEXEC, "the helper program that makes keys can't be executed";
    TryAgain = EAGAIN, "a resource is used up for now";
    OutOfMemory = ENOMEM, "the kernel is out of memory";
    AccessDenied = EACCES, "the key does not grant the permission that this call needs";
    BadAddress = EFAULT, "an address is not part of this process's memory";
    Busy = EBUSY, "the key is instantiated or watched already";
    AlreadyExists = EEXIST, "there is one already";
    UnknownType = ENODEV, "the kernel knows no such key type";
    NotAKeyring = ENOTDIR, "the key is not a keyring";
    InvalidArgument = EINVAL, "an argument is not valid";
    KeyringFull = ENFILE, "the keyring is full";
    Cycle = EDEADLK, "the link would make a keyring contain itself";
    NotImplemented = ENOSYS, "this kernel or sandbox lacks the system call";
    NestedTooDeep = ELOOP, "keyrings would be nested too deep";
    NotWatched = EBADSLT, "there is no such watch";
    NoAlgorithm = ENOPKG, "the kernel lacks an algorithm or a subsystem that this needs";
    Malformed = EBADMSG, "the payload is malformed";
    Overflow = EOVERFLOW, "the result does not fit into the buffer";
    MessageTooLong = EMSGSIZE, "the data are too long for this operation";
    Unsupported = EOPNOTSUPP, "this kernel, key type or restriction does not support the operation";
    NoBufferSpace = ENOBUFS, "the buffer can't hold the next record";
    TimedOut = ETIMEDOUT, "the time for it is over";
    QuotaExceeded = EDQUOT, "the owner's quota of keys or bytes is used up";
    NoKey = ENOKEY, "there is no such key";
    KeyExpired = EKEYEXPIRED, "the key has expired";
    KeyRevoked = EKEYREVOKED, "the key has been revoked";
    KeyRejected = EKEYREJECTED, "the key was rejected";
}

/// For each number the place of its word in `WORDS`: a tenth of the code that a `match` becomes.
static PLACES: [u8; LAST + 1] = {
    let mut places = [u8::MAX; LAST + 1];
    let mut place = 0;
    while place < WORDS.len() {
        places[number_at(place)] = place as u8;
        place += 1;
    }
    places
};

/// The largest number that has a word: 129 or 1133, by architecture.
const LAST: usize = {
    let (mut last, mut place) = (0, 0);
    while place < WORDS.len() {
        if number_at(place) > last {
            last = number_at(place);
        }
        place += 1;
    }
    last
};

const fn number_at(place: usize) -> usize {
    match WORDS[place].raw_os_error() {
        Some(number) => number as usize,
        None => 0,
    }
}

impl Error {
    /// The error for a number between 1 and 4095, `errno` in C.
    pub(crate) fn from_number(number: i32) -> Self {
        let place = usize::try_from(number).ok().and_then(|number| PLACES.get(number));
        let word = place.and_then(|&place| WORDS.get(usize::from(place)));
        word.map_or(Self::Other(number), |&word| word)
    }

    /// The kernel's error number as rustix's [`Errno`]. `None` when the error did not come from the
    /// kernel.
    #[inline]
    #[must_use]
    pub const fn errno(self) -> Option<Errno> {
        match self.raw_os_error() {
            Some(number) => Some(Errno::from_raw_os_error(number)),
            None => None,
        }
    }
}

/// Lossless: the number is kept. The way back is [`Error::errno`].
impl From<Errno> for Error {
    #[inline]
    fn from(errno: Errno) -> Self {
        Self::from_number(errno.raw_os_error())
    }
}

/// A number of the kernel's becomes [`std::io::Error::from_raw_os_error`] of it; an error of our own
/// is wrapped whole.
#[cfg(feature = "std")]
impl From<Error> for std::io::Error {
    #[inline]
    fn from(error: Error) -> Self {
        match error.raw_os_error() {
            Some(number) => Self::from_raw_os_error(number),
            None => Self::other(error),
        }
    }
}
