//! The persistent keyring, from an executable that is nothing but Rust and the kernel.
//!
//! ```text
//! cargo build --release
//! target/x86_64-unknown-linux-gnu/release/freestanding      # links it into the process keyring
//! target/x86_64-unknown-linux-gnu/release/freestanding -3   # into the keyring of this serial or special id
//! ```
//!
//! Prints `persistent keyring: <serial>` and exits with 0, or says why not and exits with 1. As the first
//! process of a machine, which may not exit, it then switches the power off: this executable is all that
//! an initramfs needs.
#![no_std]
#![no_main]

mod arch;

use core::fmt::{self, Write};
use core::{slice, str};

use keyctl::{KeySerial, Keyring, get_persistent};
use linux_raw_sys::general::{__NR_exit_group, __NR_getpid, __NR_reboot, __NR_write};
use linux_raw_sys::general::{LINUX_REBOOT_CMD_POWER_OFF, LINUX_REBOOT_MAGIC1, LINUX_REBOOT_MAGIC2};

/// Called by `_start`.
///
/// # Safety
///
/// `stack` is what the kernel starts a process with: the number of arguments, then their addresses.
unsafe extern "C" fn main(stack: *const usize) -> ! {
    // SAFETY: `stack` starts with a number.
    let count = unsafe { *stack };
    // SAFETY: where there is more than one argument, the second word after the number is an address.
    let argument = (count > 1).then(|| unsafe { *stack.add(2).cast::<*const u8>() });
    // SAFETY: the kernel ends arguments in NUL, and takes none of them back.
    let keyring = argument.map_or(Some(Keyring::PROCESS), |text| unsafe { parse(text) });

    let (written, status) = match keyring.map(|keyring| get_persistent(None, keyring)) {
        Some(Ok(persistent)) => (writeln!(Stream(1), "persistent keyring: {}", persistent.serial()), 0),
        Some(Err(error)) => (writeln!(Stream(2), "freestanding: {error}"), 1),
        None => (writeln!(Stream(2), "usage: freestanding [keyring]"), 1),
    };
    exit(written.map_or(1, |()| status))
}

/// The keyring of this serial or special id, in decimal.
///
/// # Safety
///
/// `text` is the address of a text that ends in NUL.
unsafe fn parse(text: *const u8) -> Option<Keyring> {
    // No longer text is an `i32`. Without the bound, the optimiser calls libc's `strlen`.
    // SAFETY: all that comes before the first NUL, and that NUL, may be read.
    let length = (0..12).find(|&at| unsafe { *text.add(at) } == 0)?;
    // SAFETY: as above.
    let text = unsafe { slice::from_raw_parts(text, length) };
    str::from_utf8(text).ok()?.parse().ok().and_then(KeySerial::from_raw).map(Keyring::from)
}

fn exit(status: usize) -> ! {
    // SAFETY: no argument is an address.
    if unsafe { arch::syscall(__NR_getpid, 0, 0, 0) } == 1 {
        let (magic1, magic2) = (LINUX_REBOOT_MAGIC1 as usize, LINUX_REBOOT_MAGIC2 as usize);
        // SAFETY: no argument is an address.
        unsafe { arch::syscall(__NR_reboot, magic1, magic2, LINUX_REBOOT_CMD_POWER_OFF as usize) };
    }
    loop {
        // SAFETY: no argument is an address.
        unsafe { arch::syscall(__NR_exit_group, status, 0, 0) };
    }
}

/// The file descriptor to write text to.
struct Stream(usize);

impl Write for Stream {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let mut rest = text.as_bytes();
        while !rest.is_empty() {
            // SAFETY: the kernel reads the bytes of `rest`.
            let reply = unsafe { arch::syscall(__NR_write, self.0, rest.as_ptr() as usize, rest.len()) };
            let written = usize::try_from(reply).map_err(|_| fmt::Error)?;
            rest = rest.get(written..).unwrap_or_default();
        }
        Ok(())
    }
}

/// Required, and not reached: nothing here can panic.
#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    loop {}
}
