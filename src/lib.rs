//! The Linux kernel's keyrings, in pure Rust: raw system calls, no libc, no allocation.
#![no_std]
#![cfg_attr(docsrs, feature(doc_cfg))]
#![cfg_attr(keyctl_experimental_asm, feature(asm_experimental_arch))]

#[cfg(feature = "alloc")]
extern crate alloc;
#[cfg(feature = "std")]
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

pub mod syscall;

#[cfg(any(doc, doctest))]
pub mod guide;

mod authority;
mod buffer;
mod capabilities;
mod describe;
mod errors;
mod key;
mod key_type;
mod lifetime;
mod link;
mod payload;
mod permission;
mod persistent;
mod request;
mod restrict;
mod search;
#[cfg(feature = "alloc")]
mod secret;
mod serial;
mod session;
mod text;

pub use authority::Authority;
pub use buffer::Buffer;
pub use capabilities::{Availability, Capabilities, Support, capabilities, support};
pub use describe::{Description, MAX_DESCRIPTION};
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
