//! What users do with keys, beside the peers: a group for each task, in one run. Bars, no assertions.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use keyctl_benches::work::{self, TASKS, WHO};

fn tasks(criterion: &mut Criterion) {
    for task in TASKS.iter().filter(|task| !task.starts_with("list")) {
        let mut group = criterion.benchmark_group(*task);
        for who in WHO {
            if let Some(mut work) = work::task(task, who, 1) {
                group.bench_function(who, |b| b.iter(|| work(1)));
            }
        }
        group.finish();
    }
}

/// How it grows. Ordinary users' quota ends below 200 keys.
fn listings(criterion: &mut Criterion) {
    let sizes: &[usize] = if is_root() { &[10, 1000, 50_000] } else { &[10, 100] };
    for task in TASKS.iter().filter(|task| task.starts_with("list")) {
        let mut group = criterion.benchmark_group(*task);
        group.sample_size(10);
        for &keys in sizes {
            group.throughput(Throughput::Elements(keys as u64));
            for who in WHO {
                if let Some(mut work) = work::task(task, who, keys) {
                    group.bench_function(BenchmarkId::new(who, keys), |b| b.iter(|| work(1)));
                }
            }
        }
        group.finish();
    }
}

fn is_root() -> bool {
    // SAFETY: takes nothing and always succeeds.
    unsafe { libc::geteuid() == 0 }
}

criterion_group!(benches, tasks, listings);
criterion_main!(benches);
