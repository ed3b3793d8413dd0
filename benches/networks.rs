//! Whole networks on the default adapter: forward pass, and the explanation of one class and of a second one.

use agf::gpu::{Gpu, Selection};
use agf::methods::Method;
use agf::models::{Architecture, Model};
use agf::{Batch, Explainer, Target};
use criterion::{Criterion, criterion_group, criterion_main};
use pollster::block_on;

fn networks(criterion: &mut Criterion) {
    let gpu = match block_on(Gpu::open(&Selection::default())) {
        Ok(gpu) => gpu,
        Err(error) => panic!("{error}"),
    };
    let data = (0..3 * 224 * 224).map(|index| (index * 7919 % 1000) as f32 / 500.0 - 1.0).collect();
    let batch = Batch { count: 1, height: 224, width: 224, data };
    for architecture in [Architecture::EfficientNetLite0, Architecture::ResNet50, Architecture::Vgg19] {
        let mut explainer = Explainer::new(&gpu, &Model::synthetic(architecture), Method::default());
        let mut group = criterion.benchmark_group(architecture.name());
        group.sample_size(10);
        for (name, classes) in [("forward", 0), ("explain", 1), ("explain two classes", 2)] {
            let targets = vec![(0..classes).map(Target::Rank).collect::<Vec<_>>()];
            group.bench_function(name, |bencher| {
                bencher.iter(|| block_on(explainer.explain(&batch, &targets)).map_err(|error| error.to_string()));
            });
        }
        group.finish();
    }
}

criterion_group!(benches, networks);
criterion_main!(benches);
