//! Memory with an end.

use std::{ptr, slice};

/// How many bytes a page has. Asked of libc: under valgrind, rustix looks where only the real kernel maps.
pub fn page_size() -> usize {
    // SAFETY: takes a number.
    unsafe { libc::sysconf(libc::_SC_PAGESIZE) }.try_into().unwrap()
}

/// A slice of so many bytes, after which the process has no memory.
pub fn before_a_wall(length: usize) -> &'static mut [u8] {
    // No machine has larger pages.
    const PAGE: usize = 1 << 16;
    assert!(length <= PAGE);
    let (none, read_write) = (libc::PROT_NONE, libc::PROT_READ | libc::PROT_WRITE);
    let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
    // SAFETY: new memory, at an address of the kernel's choice.
    let start = unsafe { libc::mmap(ptr::null_mut(), 2 * PAGE, none, flags, -1, 0) };
    assert_ne!(start, libc::MAP_FAILED);
    // SAFETY: the first half of it.
    assert_eq!(unsafe { libc::mprotect(start, PAGE, read_write) }, 0);
    let start = start.cast::<u8>().wrapping_add(PAGE - length);
    // SAFETY: the end of that half, zeros, and never given back.
    unsafe { slice::from_raw_parts_mut(start, length) }
}
