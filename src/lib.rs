//! The Linux kernel's keyrings, in pure Rust: raw system calls, no libc, no allocation.
//!
//! The kernel keeps keys: small secrets with an owner, permissions and an expiry, in memory that is not
//! swapped. Keys hang in keyrings, which are keys themselves; each thread, process, session and user has
//! one. The *persistent keyring* of a user outlives all login sessions, so that a program that cron
//! starts finds the token that a login left:
//!
//! ```
//! use keyctl::{KeyType, Keyring, Timeout, get_persistent};
//!
//! # fn main() -> Result<(), keyctl::Error> {
//! // At login:
//! let keyring = get_persistent(None, Keyring::THREAD)?;
//! let token = keyring.add_key(KeyType::USER, "keyctl:doc:token", b"s3cr3t")?;
//! token.set_timeout(Timeout::from_secs(3600)?)?;
//!
//! // From cron, in another session:
//! let keyring = get_persistent(None, Keyring::THREAD)?;
//! if let Some(token) = keyring.search(KeyType::USER, "keyctl:doc:token")? {
//!     assert_eq!(token.read(&mut [0; 64])?, b"s3cr3t");
//! }
//! # keyring.unlink(token)
//! # }
//! ```
//!
//! # The calls
//!
//! Each function is one system call, with its arguments in its types; the few that are more say so. The
//! permission is what the key, or the keyring, has to grant the caller.
//!
//! | function | C name | since Linux | needs | permission |
//! | --- | --- | --- | --- | --- |
//! | [`get_persistent`] | `keyctl_get_persistent` | 3.13 | `PERSISTENT_KEYRINGS` | write on the destination |
//! | [`persistent_or_user`] | | | | as `get_persistent` |
//! | [`Keyring::add_key`], [`add_keyring`](Keyring::add_keyring) | `add_key` | 2.6.10 | | write |
//! | [`request_key()`], [`request_key_with`] | `request_key` | 2.6.10 | | search; link and write for a destination |
//! | [`Keyring::resolve`], [`resolve_or_create`](Keyring::resolve_or_create) | `keyctl_get_keyring_ID` | 2.6.10 | | search |
//! | [`join_session`], [`join_new_session`] | `keyctl_join_session_keyring` | 2.6.10 | | search |
//! | [`Key::update`] | `keyctl_update` | 2.6.10 | | write |
//! | [`Key::revoke`] | `keyctl_revoke` | 2.6.10 | | write or setattr |
//! | [`Key::set_owner`] | `keyctl_chown` | 2.6.10 | `CAP_SYS_ADMIN` for another's | setattr |
//! | [`Key::set_permissions`] | `keyctl_setperm` | 2.6.10 | ownership | setattr |
//! | [`Key::describe`], [`describe_raw`](Key::describe_raw) | `keyctl_describe` | 2.6.10 | | view |
//! | [`Keyring::clear`] | `keyctl_clear` | 2.6.10 | | write |
//! | [`Keyring::link`] | `keyctl_link` | 2.6.10 | | write; link on the key |
//! | [`Keyring::unlink`] | `keyctl_unlink` | 2.6.10 | | write |
//! | [`Keyring::search`], [`search_and_link`](Keyring::search_and_link), [`find_or_create`](Keyring::find_or_create) | `keyctl_search` | 2.6.10 | | search |
//! | [`Key::read`], [`payload_len`](Key::payload_len), [`Keyring::links`], [`links_len`](Keyring::links_len) | `keyctl_read` | 2.6.10 | | read, or possession |
//! | [`Keyring::walk`] | `recursive_key_scan` | 2.6.10 | | view; read, or possession |
//! | [`Authority::instantiate`] | `keyctl_instantiate` | 2.6.10 | authority | |
//! | [`Authority::negate`] | `keyctl_negate` | 2.6.10 | authority | |
//! | [`set_default_request_keyring`], [`default_request_keyring`] | `keyctl_set_reqkey_keyring` | 2.6.13 | | |
//! | [`Key::set_timeout`] | `keyctl_set_timeout` | 2.6.16 | | setattr |
//! | [`Authority::assume`] | `keyctl_assume_authority` | 2.6.16 | | search |
//! | [`Key::security`] | `keyctl_get_security` | 2.6.26 | | view |
//! | [`session_to_parent`] | `keyctl_session_to_parent` | 2.6.32 | | link on the session keyring |
//! | [`Authority::reject`] | `keyctl_reject` | 2.6.39 | authority | |
//! | [`Authority::instantiate_vectored`] | `keyctl_instantiate_iov` | 2.6.39 | authority | |
//! | [`Key::invalidate`] | `keyctl_invalidate` | 3.5 | | search |
//! | [`DiffieHellman::compute`], [`compute_len`](DiffieHellman::compute_len), [`derive`](DiffieHellman::derive) | `keyctl_dh_compute`, `keyctl_dh_compute_kdf` | 4.7, 4.12 | `KEY_DH_OPERATIONS` | read on all three |
//! | [`Keyring::restrict`], [`restrict_all`](Keyring::restrict_all) | `keyctl_restrict_keyring` | 4.12 | | setattr |
//! | [`Key::pkey_query`], [`encrypt`](Key::encrypt), [`decrypt`](Key::decrypt), [`sign`](Key::sign), [`verify`](Key::verify) | `keyctl_pkey_query`, ... | 4.20 | `ASYMMETRIC_KEY_TYPE` | search |
//! | [`Keyring::move_to`] | `keyctl_move` | 5.3 | | write on both; link on the key |
//! | [`capabilities()`] | `keyctl_capabilities` | 5.3 | | |
//! | `Key::watch`, `Key::unwatch` (feature `watch`) | `keyctl_watch_key` | 5.8 | `KEY_NOTIFICATIONS` | view |
//! | [`support`] | | | | |
//!
//! # Names for keys
//!
//! [`Key`] and [`Keyring`] are numbers of 4 bytes that own nothing. A keyring is a key: it has every
//! method of [`Key`], and goes wherever `impl Into<Key>` stands. The special ids (`Keyring::SESSION` and
//! its like) stay what they are; see [possession](guide::possession) for why that matters, and for why a
//! key that one has just added may be refused to oneself.
//!
//! # When the kernel refuses
//!
//! [`Error`] has a word for each number that the key service is known to answer, and keeps those that it
//! is not. Absence is no error where one looks for something: [`Keyring::search`] answers `None`.
//!
//! # Kernels older and newer than this crate
//!
//! An operation that the kernel does not know, or was built without, is [`Error::Unsupported`]. A kernel
//! without any keyrings, or a [sandbox](guide::sandboxes), answers [`Error::NotImplemented`] or
//! [`Error::NotPermitted`]; [`support`] tells these apart. Bits, ids and error numbers that a later
//! kernel adds are kept as they are. For an operation that it adds, [`syscall::keyctl`] is there.
//!
//! # What it does not do
//!
//! It does not retry, cache, resolve or round behind your back; a handle that is dropped unlinks nothing;
//! what the kernel checks is not checked before. Credentials belong to *threads*, and so does what this
//! crate does to them.
//!
//! # Without libc
//!
//! The core needs neither an allocator nor the standard library. On x86_64, x86, aarch64, arm and riscv64
//! nothing in the tree of dependencies does, either. On riscv32, loongarch64, s390x, powerpc64 and powerpc
//! (the last two with Rust 1.95) rustix itself is built on the `libc` crate and brings it along; the
//! system calls made here are raw there, too. mips and mips64 need a nightly compiler and
//! `--cfg keyctl_experimental_asm`.
//!
//! | feature | adds |
//! | --- | --- |
//! | `alloc` | `&mut Vec<T>` as a growing [`Buffer`] or [`Arena`]; `Secret` |
//! | `std` | `From<Error> for std::io::Error`; the traits of file descriptors are `std`'s; implies `alloc` |
//! | `proc` | the module `proc`: `/proc/keys` and its like |
//! | `watch` | the module `watch`: notifications of what happens to keys |
//!
//! # Safety
//!
//! Unsafe code is denied except in the modules that hand memory to the kernel. Each of their blocks says why
//! the addresses hold, for that call; what the kernel answers as a length is compared before it is used.
#![no_std]
#![cfg_attr(docsrs, feature(doc_cfg))]
#![cfg_attr(keyctl_experimental_asm, feature(asm_experimental_arch))]

#[cfg(feature = "alloc")]
extern crate alloc;
#[cfg(any(feature = "std", test))]
extern crate std;

#[cfg(not(all(
    target_os = "linux",
    any(
        all(target_arch = "x86_64", target_pointer_width = "64"),
        target_arch = "x86",
        all(target_arch = "aarch64", target_pointer_width = "64"),
        target_arch = "arm",
        target_arch = "riscv32",
        target_arch = "riscv64",
        target_arch = "loongarch64",
        target_arch = "s390x",
        target_arch = "powerpc",
        target_arch = "powerpc64",
        all(
            keyctl_experimental_asm,
            any(
                target_arch = "mips",
                target_arch = "mips32r6",
                all(any(target_arch = "mips64", target_arch = "mips64r6"), target_pointer_width = "64"),
            ),
        ),
    ),
)))]
compile_error!(
    "keyctl supports Linux on x86_64 (not x32), x86, aarch64 (not ILP32), arm, riscv64, riscv32, \
     loongarch64, s390x, powerpc64 and powerpc (these two with Rust 1.95 or later), and, with a nightly \
     compiler and `--cfg keyctl_experimental_asm`, mips and mips64"
);

pub mod pkey;
#[cfg(feature = "proc")]
pub mod proc;
pub mod syscall;
#[cfg(feature = "watch")]
pub mod watch;

#[cfg(any(doc, doctest))]
pub mod guide;

mod authority;
mod buffer;
mod capabilities;
mod describe;
mod dh;
mod errors;
mod key;
mod key_type;
mod lifetime;
mod link;
mod payload;
mod permission;
mod persistent;
mod reply;
mod request;
mod restrict;
mod search;
#[cfg(feature = "alloc")]
mod secret;
mod serial;
mod session;
mod text;
mod walk;

pub use authority::Authority;
pub use buffer::Buffer;
pub use capabilities::{Availability, Capabilities, Support, capabilities, support};
pub use describe::{Description, MAX_DESCRIPTION};
pub use dh::DiffieHellman;
pub use errors::{Error, Result};
pub use key::{Key, Keyring};
pub use key_type::KeyType;
pub use lifetime::Timeout;
pub use link::Collision;
pub use permission::{Permissions, Rights};
pub use persistent::{Anchor, get_persistent, persistent_or_user};
pub use request::{
    DefaultKeyring, default_request_keyring, request_key, request_key_with, set_default_request_keyring,
};
pub use rustix::io::Errno;
pub use rustix::process::{Gid, Uid};
pub use search::Origin;
#[cfg(feature = "alloc")]
pub use secret::Secret;
pub use serial::KeySerial;
pub use session::{join_new_session, join_session, session_to_parent};
pub use text::{MAX_TEXT, Text};
pub use walk::{Arena, Links, Visit, Walk};
