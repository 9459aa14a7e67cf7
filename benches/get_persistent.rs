//! get_persistent beside its peers, then the cheapest call there is, where what surrounds the
//! instruction shows best. Bars of one group are of one run, on one keyring; none is an assertion.

use std::ffi::c_int;
use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use keyctl::syscall::{self, Arg, op};
use keyctl::{Keyring, get_persistent};
use keyctl_benches::{LibKeyutils, bare};
use keyutils::{DefaultKeyring, KeyringSerial};
use linux_keyutils::{KeyRing, KeyRingIdentifier};

const NR: usize = libc::SYS_keyctl as usize;
const REAL_UID: u32 = u32::MAX;

/// All link into the process keyring, by its special id: linux-keyutils can't name any by serial. It and
/// keyutils know no other uid than the caller's real one.
fn persistent(criterion: &mut Criterion) {
    let process = Keyring::PROCESS.serial().as_raw();
    let number = op::GET_PERSISTENT.number();
    let mut group = criterion.benchmark_group("get_persistent");

    group.bench_function("ours", |b| b.iter(|| get_persistent(None, black_box(Keyring::PROCESS))));
    group.bench_function("bare", |b| {
        // SAFETY: the operation takes two numbers.
        b.iter(|| unsafe { bare(NR, number as usize, REAL_UID as usize, black_box(process) as usize, 0, 0) });
    });
    group.bench_function("libc", |b| {
        // SAFETY: the operation takes two numbers.
        b.iter(|| unsafe { libc::syscall(libc::SYS_keyctl, number, REAL_UID, black_box(process), 0, 0) });
    });
    if let Some(peer) = LibKeyutils::open() {
        group.bench_function("libkeyutils", |b| {
            // SAFETY: the function takes two numbers.
            b.iter(|| unsafe { (peer.get_persistent)(REAL_UID, black_box(process)) });
        });
    }
    group.bench_function("linux-keyutils", |b| {
        b.iter(|| KeyRing::get_persistent(black_box(KeyRingIdentifier::Process)));
    });
    group.bench_function("keyutils", |b| {
        let serial = KeyringSerial::new(process).expect("a special id is not 0");
        // SAFETY: `unsafe` because there may be no such keyring; there is.
        let mut keyring = unsafe { keyutils::Keyring::new(serial) };
        b.iter(|| black_box(&mut keyring).attach_persistent());
    });
    group.finish();
}

/// Where do requested keys go by default? -1 changes nothing, and the kernel answers from one field of the
/// thread. linux-keyutils lacks the operation.
fn cheapest(criterion: &mut Criterion) {
    const NO_CHANGE: c_int = -1;
    let number = op::SET_REQKEY_KEYRING.number();
    let mut group = criterion.benchmark_group("cheapest call");

    group.bench_function("ours", |b| {
        // SAFETY: the operation takes one number.
        b.iter(|| unsafe {
            syscall::keyctl(number, black_box(NO_CHANGE).into(), Arg::ZERO, Arg::ZERO, Arg::ZERO)
        });
    });
    group.bench_function("bare", |b| {
        // SAFETY: the operation takes one number.
        b.iter(|| unsafe { bare(NR, number as usize, black_box(NO_CHANGE) as usize, 0, 0, 0) });
    });
    group.bench_function("libc", |b| {
        // SAFETY: the operation takes one number.
        b.iter(|| unsafe { libc::syscall(libc::SYS_keyctl, number, black_box(NO_CHANGE), 0, 0, 0) });
    });
    if let Some(peer) = LibKeyutils::open() {
        group.bench_function("libkeyutils", |b| {
            // SAFETY: the operation takes one number.
            b.iter(|| unsafe { (peer.keyctl)(number as c_int, black_box(NO_CHANGE)) });
        });
    }
    group.bench_function("keyutils", |b| {
        b.iter(|| keyutils::Keyring::set_default(black_box(DefaultKeyring::NoChange)));
    });
    group.finish();
}

criterion_group!(benches, persistent, cheapest);
criterion_main!(benches);
