//! [`Error`]: a word for every number, and no number lost. Needs no kernel.
#![allow(unsafe_code, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use keyctl::{Errno, Error, KeySerial, Keyring};

/// The C library's numbers and names for the words of [`Error`].
macro_rules! table {
    ($($word:ident = $name:ident,)*) => {
        const WORDS: &[(Error, i32, &str)] = &[$((Error::$word, libc::$name, stringify!($name)),)*];
    };
}

table! {
    NotPermitted = EPERM,
    NotFound = ENOENT,
    NoSuchProcess = ESRCH,
    Interrupted = EINTR,
    Io = EIO,
    NotExecutable = ENOEXEC,
    TryAgain = EAGAIN,
    OutOfMemory = ENOMEM,
    AccessDenied = EACCES,
    BadAddress = EFAULT,
    Busy = EBUSY,
    AlreadyExists = EEXIST,
    UnknownType = ENODEV,
    NotAKeyring = ENOTDIR,
    InvalidArgument = EINVAL,
    KeyringFull = ENFILE,
    Cycle = EDEADLK,
    NotImplemented = ENOSYS,
    NestedTooDeep = ELOOP,
    NotWatched = EBADSLT,
    NoAlgorithm = ENOPKG,
    Malformed = EBADMSG,
    Overflow = EOVERFLOW,
    MessageTooLong = EMSGSIZE,
    Unsupported = EOPNOTSUPP,
    NoBufferSpace = ENOBUFS,
    TimedOut = ETIMEDOUT,
    QuotaExceeded = EDQUOT,
    NoKey = ENOKEY,
    KeyExpired = EKEYEXPIRED,
    KeyRevoked = EKEYREVOKED,
    KeyRejected = EKEYREJECTED,
}

fn all() -> impl Iterator<Item = (i32, Error)> {
    (1..=4095).map(|number| (number, Error::from(Errno::from_raw_os_error(number))))
}

#[test]
fn no_number_is_lost() {
    for (number, error) in all() {
        assert_eq!(error.raw_os_error(), Some(number));
        assert_eq!(error.errno(), Some(Errno::from_raw_os_error(number)));
        assert_eq!(error.errno().map(Error::from), Some(error));
    }
}

#[test]
fn each_word_has_its_number() {
    for &(word, number, name) in WORDS {
        assert_eq!(Error::from(Errno::from_raw_os_error(number)), word, "{name}");
    }
    let words = all().filter(|(_, error)| !matches!(error, Error::Other { .. })).count();
    assert_eq!(words, WORDS.len());
}

#[test]
fn each_sentence_ends_in_the_name() {
    for &(word, _, name) in WORDS {
        let sentence = word.to_string();
        assert!(sentence.ends_with(&format!(" ({name})")), "{sentence}");
    }
}

#[test]
fn a_number_without_a_word_is_in_the_sentence() {
    let error = Error::from(Errno::from_raw_os_error(4094));
    assert_eq!(error.to_string(), "the kernel answered error number 4094");
}

#[test]
fn no_number_without_the_kernel() {
    assert_eq!(Error::UnexpectedReply.raw_os_error(), None);
    assert_eq!(Error::UnexpectedReply.errno(), None);
}

#[test]
fn eight_bytes() {
    assert_eq!(size_of::<Error>(), 8);
    assert_eq!(size_of::<Result<Keyring, Error>>(), 8);
    assert_eq!(size_of::<Result<KeySerial, Error>>(), 8);
}

#[test]
fn an_error_like_others() {
    fn like_others(_: impl core::error::Error + Send + Sync + 'static) {}
    like_others(Error::NoKey);
}

#[test]
#[cfg(feature = "std")]
fn becomes_an_io_error() {
    for (number, error) in all() {
        assert_eq!(std::io::Error::from(error).raw_os_error(), Some(number));
    }
    let wrapped = std::io::Error::from(Error::UnexpectedReply);
    assert_eq!(wrapped.get_ref().unwrap().downcast_ref(), Some(&Error::UnexpectedReply));
}
