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
    let start = map(2 * PAGE);
    // SAFETY: the second half of it, to which nothing refers.
    assert_eq!(unsafe { libc::mprotect(start.wrapping_add(PAGE).cast(), PAGE, libc::PROT_NONE) }, 0);
    // SAFETY: the end of the first half, zeros, and never given back.
    unsafe { slice::from_raw_parts_mut(start.wrapping_add(PAGE - length), length) }
}

/// A slice of so many zeros, of which only those that are written to take memory.
pub fn zeros(length: usize) -> &'static mut [u8] {
    // SAFETY: all of what is mapped, and never given back.
    unsafe { slice::from_raw_parts_mut(map(length), length) }
}

fn map(length: usize) -> *mut u8 {
    let access = libc::PROT_READ | libc::PROT_WRITE;
    let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE;
    // SAFETY: new memory, at an address of the kernel's choice.
    let start = unsafe { libc::mmap(ptr::null_mut(), length, access, flags, -1, 0) };
    assert_ne!(start, libc::MAP_FAILED);
    start.cast()
}
