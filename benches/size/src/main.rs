//! One operation of keyctl, or none, in an executable that has nothing else in it: the difference of their
//! sizes is what the operation costs a program that has neither libc nor an allocator.
#![no_std]
#![no_main]

use core::arch::global_asm;
use core::hint::black_box;

use keyctl::Keyring;

global_asm!(".globl _start", "_start:", "call {main}", "mov eax, 231", "syscall", main = sym main);

/// The arguments come from outside, so that nothing of the call is computed beforehand.
extern "C" fn main() {
    let keyring = black_box(Keyring::PROCESS);
    #[cfg(feature = "get_persistent")]
    let _ = black_box(keyctl::get_persistent(black_box(None), keyring));
    #[cfg(feature = "search")]
    let _ = black_box(keyring.search(keyctl::KeyType::USER, black_box(c"name")));
    #[cfg(feature = "read")]
    let _ = black_box(keyring.read(black_box(&mut [0; 64][..])));
    #[cfg(feature = "add_key")]
    let _ = black_box(keyring.add_key(keyctl::KeyType::USER, black_box(c"name"), black_box(b"payload")));
    #[cfg(feature = "describe")]
    let _ = black_box(keyring.describe(black_box(&mut [0; 64][..])));
    #[cfg(feature = "links")]
    let _ = black_box(keyring.links(black_box(&mut [const { core::mem::MaybeUninit::uninit() }; 16][..])));
    #[cfg(feature = "set_timeout")]
    let _ = black_box(keyring.set_timeout(black_box(keyctl::Timeout::Never)));
    #[cfg(feature = "error_display")]
    let _ = core::fmt::write(&mut Nowhere, format_args!("{}", black_box(keyctl::Error::NoKey)));
    let _ = black_box(keyring);
}

#[cfg(feature = "error_display")]
struct Nowhere;

#[cfg(feature = "error_display")]
impl core::fmt::Write for Nowhere {
    fn write_str(&mut self, text: &str) -> core::fmt::Result {
        black_box(text);
        Ok(())
    }
}

/// Required, and not reached: nothing here can panic.
#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    loop {}
}
