//! The heap, watched: how often a thread asks for memory, and what it gives back.
//!
//! For a test binary that names [`Heap`] as its `#[global_allocator]`.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

pub struct Heap;

thread_local! {
    static ASKED: Cell<usize> = const { Cell::new(0) };
    static MARK: Cell<&'static [u8]> = const { Cell::new(&[]) };
    static GIVEN_BACK: Cell<usize> = const { Cell::new(0) };
}

// SAFETY: the system's memory, only looked at. `realloc` is made of these two.
unsafe impl GlobalAlloc for Heap {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ASKED.set(ASKED.get() + 1);
        // Zeroed, so that there is always something to look at.
        // SAFETY: the caller's layout.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        let mark = MARK.get();
        if !mark.is_empty() {
            // SAFETY: the block is the caller's until it is given back, below.
            let bytes = unsafe { std::slice::from_raw_parts(block, layout.size()) };
            let marked = bytes.windows(mark.len()).any(|window| window == mark);
            GIVEN_BACK.set(GIVEN_BACK.get() + usize::from(marked));
        }
        // SAFETY: from the system, with this layout.
        unsafe { System.dealloc(block, layout) }
    }
}

/// How often `f` asks for memory.
pub fn asked(f: impl FnOnce()) -> usize {
    let before = ASKED.get();
    f();
    ASKED.get() - before
}

/// How many blocks `f` gives back with `mark` in them.
pub fn given_back_with(mark: &'static [u8], f: impl FnOnce()) -> usize {
    let before = GIVEN_BACK.get();
    MARK.set(mark);
    f();
    MARK.set(&[]);
    GIVEN_BACK.get() - before
}
