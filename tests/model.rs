//! Random steps among some keyrings and keys: the kernel and a model of it must agree after each.
//!
//! A failure says its seed; `KEYCTL_SEED` repeats it. `KEYCTL_LONG=1` takes a hundred times the steps. A link to
//! a revoked key stays for `gc_delay`, 300 seconds: nobody may shorten it meanwhile.
#![allow(unsafe_code, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use std::env;

use common::model::World;
use common::random::{Random, any_seed};
use common::{in_thread, require};

#[test]
fn kernel_and_model_agree_after_every_step() {
    require!(keyctl);
    let runs = if common::long() { 2000 } else { 20 };
    for _ in 0..runs {
        let seed = any_seed();
        let mut random = Random::new(seed);
        eprintln!("KEYCTL_SEED={seed}");
        in_thread(|| {
            let mut world = World::new();
            for _ in 0..500 {
                world.step(&mut |below| random.below(below));
            }
        });
        if env::var_os("KEYCTL_SEED").is_some() {
            break;
        }
    }
}
