//! Kernels by shape: every kernel and shape of the explanation of one class, and both probes, by GPU timestamps where
//! there are any.
//!
//! `cargo bench --bench kernels -- FILTER` measures those whose name has FILTER in it; `agf-run bench` shows all in one
//! table.

use agf::Session;
use agf::benchmark::{Group, Probes, Repeats, Runners, Settings, groups};
use agf::gpu::{Gpu, Selection};
use agf::models::{Architecture, Model};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use pollster::block_on;
use std::time::Duration;

const REPEATS: Repeats = Repeats { least: 1, most: 1, seconds: 0.0 };
const SETTINGS: Settings = Settings { height: 224, width: 224, repeats: REPEATS, batch: None };

fn kernels(criterion: &mut Criterion) {
    let gpu = block_on(Gpu::open(&Selection::default())).unwrap_or_else(|error| panic!("{error}"));
    probes(criterion, &gpu);
    for architecture in [Architecture::EfficientNetLite0, Architecture::ResNet50, Architecture::Vgg19] {
        let runners = block_on(Runners::new(&gpu, &Model::synthetic(architecture).unwrap(), &SETTINGS));
        let runners = runners.unwrap_or_else(|error| panic!("{error}"));
        let session = runners.explanation().session();
        let mut group = criterion.benchmark_group(architecture.name());
        group.sample_size(10).warm_up_time(Duration::from_millis(100)).measurement_time(Duration::from_millis(500));
        for Group { name: (kernel, shape), steps } in groups(session) {
            let Some(&step) = steps.first() else { continue };
            group.throughput(Throughput::Elements(session.plan().steps[step].flops));
            group.bench_function(BenchmarkId::new(kernel, shape), |bencher| {
                bencher.iter_custom(|count| (0..count).map(|_| time(session, step)).sum());
            });
        }
        group.finish();
    }
}

fn probes(criterion: &mut Criterion, gpu: &Gpu) {
    let probes = block_on(Probes::new(gpu)).unwrap_or_else(|error| panic!("{error}"));
    let mut group = criterion.benchmark_group("probes");
    group.sample_size(10);
    let fail = |error| panic!("{error}");
    group.bench_function("fma, seconds per GFLOP", |bencher| {
        let once = || Duration::from_secs_f64(1.0 / block_on(probes.fma()).unwrap_or_else(fail));
        bencher.iter_custom(|count| (0..count).map(|_| once()).sum());
    });
    group.bench_function("copy, seconds per GB", |bencher| {
        let once = || Duration::from_secs_f64(1.0 / block_on(probes.copy()).unwrap_or_else(fail));
        bencher.iter_custom(|count| (0..count).map(|_| once()).sum());
    });
    group.finish();
}

fn time(session: &Session, step: usize) -> Duration {
    let times = block_on(session.time_steps(step..step + 1)).unwrap_or_else(|error| panic!("{error}"));
    Duration::from_secs_f64(times.milliseconds.iter().sum::<f64>() / 1e3)
}

criterion_group!(benches, kernels);
criterion_main!(benches);
