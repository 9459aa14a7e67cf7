//! `KEYCTL_*`: the operations of `keyctl(2)`, one line each, in the kernel's order.
//!
//! # Safety
//!
//! [`Plain`] stands before an operation whose every argument is a number, as the `switch` of
//! `SYSCALL_DEFINE5(keyctl, ...)` in `security/keys/keyctl.c` casts them. On that alone rests the
//! safety of calling it, so a line moves to `Plain` only after a look there. [`Fetch`] stands before one
//! whose arguments are a key, an address to write to and the room there, of which it writes no more.

/// The number of an operation that takes no address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plain(u32);

/// The number of an operation that takes a key, an address and a length, and writes a result there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fetch(u32);

/// The number of another operation that takes at least one address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pointed(u32);

macro_rules! numbers {
    ($($kind:ident)*) => {
        $(impl $kind {
            /// The kernel's number.
            #[inline]
            #[must_use]
            pub const fn number(self) -> u32 {
                self.0
            }
        })*
    };
}

numbers! { Plain Fetch Pointed }

macro_rules! operations {
    ($($name:ident: $kind:ident = $number:literal, $c:literal;)*) => {
        $(
            #[doc = concat!("`", $c, "`")]
            #[doc(alias = $c)]
            pub const $name: $kind = $kind($number);
        )*

        /// Name and number of every operation, to be held against the kernel's headers.
        pub const ALL: &[(&str, u32)] = &[$(($c, $number)),*];
    };
}

operations! {
    GET_KEYRING_ID: Plain = 0, "KEYCTL_GET_KEYRING_ID";
    JOIN_SESSION_KEYRING: Pointed = 1, "KEYCTL_JOIN_SESSION_KEYRING";
    UPDATE: Pointed = 2, "KEYCTL_UPDATE";
    REVOKE: Plain = 3, "KEYCTL_REVOKE";
    CHOWN: Plain = 4, "KEYCTL_CHOWN";
    SETPERM: Plain = 5, "KEYCTL_SETPERM";
    DESCRIBE: Fetch = 6, "KEYCTL_DESCRIBE";
    CLEAR: Plain = 7, "KEYCTL_CLEAR";
    LINK: Plain = 8, "KEYCTL_LINK";
    UNLINK: Plain = 9, "KEYCTL_UNLINK";
    SEARCH: Pointed = 10, "KEYCTL_SEARCH";
    READ: Fetch = 11, "KEYCTL_READ";
    INSTANTIATE: Pointed = 12, "KEYCTL_INSTANTIATE";
    NEGATE: Plain = 13, "KEYCTL_NEGATE";
    SET_REQKEY_KEYRING: Plain = 14, "KEYCTL_SET_REQKEY_KEYRING";
    SET_TIMEOUT: Plain = 15, "KEYCTL_SET_TIMEOUT";
    ASSUME_AUTHORITY: Plain = 16, "KEYCTL_ASSUME_AUTHORITY";
    GET_SECURITY: Fetch = 17, "KEYCTL_GET_SECURITY";
    SESSION_TO_PARENT: Plain = 18, "KEYCTL_SESSION_TO_PARENT";
    REJECT: Plain = 19, "KEYCTL_REJECT";
    INSTANTIATE_IOV: Pointed = 20, "KEYCTL_INSTANTIATE_IOV";
    INVALIDATE: Plain = 21, "KEYCTL_INVALIDATE";
    GET_PERSISTENT: Plain = 22, "KEYCTL_GET_PERSISTENT";
    DH_COMPUTE: Pointed = 23, "KEYCTL_DH_COMPUTE";
    PKEY_QUERY: Pointed = 24, "KEYCTL_PKEY_QUERY";
    PKEY_ENCRYPT: Pointed = 25, "KEYCTL_PKEY_ENCRYPT";
    PKEY_DECRYPT: Pointed = 26, "KEYCTL_PKEY_DECRYPT";
    PKEY_SIGN: Pointed = 27, "KEYCTL_PKEY_SIGN";
    PKEY_VERIFY: Pointed = 28, "KEYCTL_PKEY_VERIFY";
    RESTRICT_KEYRING: Pointed = 29, "KEYCTL_RESTRICT_KEYRING";
    MOVE: Plain = 30, "KEYCTL_MOVE";
    CAPABILITIES: Pointed = 31, "KEYCTL_CAPABILITIES";
    WATCH_KEY: Plain = 32, "KEYCTL_WATCH_KEY";
}
