//! Relevance methods on a device: goldens of the authors' program, alone, inside a batch and with WebGPU's default limits; every method and
//! every rule on every family of networks against the f64 reference.

use crate::common::compare::assert_similar;
use crate::common::goldens::method_golden;
use crate::{batch_of, gpu, limited_gpu, targets};
use agf::gpu::Gpu;
use agf::methods::Method;
use agf::methods::relevance::Preset;
use agf::models::weights::Weights;
use agf::models::{Architecture, Model};
use agf::{Batch, Explained, Explainer};

const GOLDENS: [(Preset, &str); 3] = [(Preset::Lrp, "lrp"), (Preset::LrpAb, "lrp_ab"), (Preset::Rap, "rap")];

fn model() -> Model {
    let network = Architecture::Vgg11.build(224, 224, 1000).unwrap();
    let weights = Weights::synthetic(&network.graph.parameters());
    Model::new(Architecture::Vgg11, 1000, weights, "synthetic".into())
}

fn explain(explainer: &mut Explainer, method: Preset, batch: &Batch, classes: &[u32]) -> Vec<Explained> {
    explainer.set_method(Method::Relevance(method));
    pollster::block_on(explainer.explain(batch, &targets(classes, batch.count))).unwrap().0
}

fn check(gpu: &Gpu) {
    let golden = method_golden();
    let mut explainer = Explainer::new(gpu, &model(), Method::default());
    for (method, name) in GOLDENS {
        let explained = explain(&mut explainer, method, &batch_of(&golden), &golden.classes);
        let map = &explained[0].maps[0];
        assert_eq!(map.peak, None);
        let (l2, cosine) = assert_similar(name, &map.values, golden.sample(name, 0), 1e-3);
        println!("{name}: relative L2 {l2:.1e}, cosine {cosine:.9}");
    }
}

#[test]
fn goldens() {
    check(gpu());
}

#[test]
fn limited_goldens() {
    check(limited_gpu());
}
