//! Random numbers that can be had again.

use std::env;
use std::hash::{BuildHasher, RandomState};

/// What `KEYCTL_SEED` says, or another one each time.
pub fn any_seed() -> u64 {
    match env::var("KEYCTL_SEED") {
        Ok(seed) => seed.parse().expect("KEYCTL_SEED is a number"),
        Err(_) => RandomState::new().hash_one(0),
    }
}

/// Vigna's `SplitMix64`.
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }

    /// A number below that one.
    pub fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(limit).unwrap()).unwrap()
    }
}
