//! The kernel and the model of tests/model.rs, led by the fuzzer. It must not get at anybody's keys:
//! all hangs from the thread keyring.
#![no_main]

#[path = "../../common/model.rs"]
#[allow(dead_code)]
mod model;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|choices: &[u8]| {
    let mut world = model::World::new();
    let mut choices = choices.iter();
    while choices.len() > 0 {
        world.step(&mut |below| choices.next().map_or(0, |&choice| usize::from(choice) % below));
    }
});
