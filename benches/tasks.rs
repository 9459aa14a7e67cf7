//! What users do with keys, beside the peers: a group for each task, in one run. Bars, no assertions.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use keyctl_benches::work::{self, GROWING, TASKS, WHO};

fn tasks(criterion: &mut Criterion) {
    work::stage(1);
    for task in TASKS {
        let mut group = criterion.benchmark_group(task);
        for who in WHO {
            if let Some(mut work) = work::task(task, who, 1) {
                group.bench_function(who, |b| b.iter(|| work(1)));
            }
        }
        group.finish();
    }
}

/// How it grows.
fn growing(criterion: &mut Criterion) {
    for task in GROWING {
        let mut group = criterion.benchmark_group(task);
        group.sample_size(10);
        for &keys in work::sizes() {
            work::stage(keys);
            group.throughput(Throughput::Elements(keys as u64));
            for who in WHO {
                if let Some(mut work) = work::task(task, who, keys) {
                    group.bench_function(BenchmarkId::new(who, keys), |b| b.iter(|| work(1)));
                }
            }
        }
        group.finish();
    }
    work::clear();
}

criterion_group!(benches, tasks, growing);
criterion_main!(benches);
