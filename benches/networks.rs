//! Whole networks on the default adapter: forward pass, and the explanation of one class and of a second one.

use agf::benchmark::{Repeats, Runner, Runners, Settings};
use agf::gpu::{Gpu, Selection};
use agf::models::{Architecture, Model};
use criterion::{Criterion, criterion_group, criterion_main};
use pollster::block_on;

const REPEATS: Repeats = Repeats { least: 1, most: 1, seconds: 0.0 };
const SETTINGS: Settings = Settings { height: 224, width: 224, repeats: REPEATS, batch: None };

fn networks(criterion: &mut Criterion) {
    let gpu = block_on(Gpu::open(&Selection::default())).unwrap_or_else(|error| panic!("{error}"));
    for architecture in [Architecture::EfficientNetLite0, Architecture::ResNet50, Architecture::Vgg19] {
        let runners = block_on(Runners::new(&gpu, &Model::synthetic(architecture).unwrap(), &SETTINGS));
        let runners = runners.unwrap_or_else(|error| panic!("{error}"));
        let mut group = criterion.benchmark_group(architecture.name());
        group.sample_size(10);
        let cases: [(&str, &Runner); 3] = [
            ("forward", runners.forward()),
            ("explain", runners.explanation()),
            ("explain two classes", runners.two_classes()),
        ];
        for (name, runner) in cases {
            group.bench_function(name, |bencher| {
                bencher.iter(|| block_on(runner.run()).unwrap_or_else(|error| panic!("{error}")));
            });
        }
        group.finish();
    }
}

criterion_group!(benches, networks);
criterion_main!(benches);
