//! Every variant of a dense convolution computes the same, with the same bits alone and in a batch.

use crate::{gpu, limited_gpu, random_batch, targets};
use agf::benchmark::Repeats;
use agf::gpu::Gpu;
use agf::methods::Method;
use agf::models::{Architecture, Model};
use agf::plan::variant::{PassShape, Tuning, Variant, WinogradTile};
use agf::plan::{Plan, Sharing};
use agf::tuning::{Settings, Tuner, load, save};
use agf::verify::verify;
use agf::{Batch, Explainer};
use std::collections::BTreeSet;

/// The plan of an explanation.
fn plan(gpu: &Gpu, architecture: Architecture, height: u32, width: u32) -> Plan {
    let network = architecture.build(height, width, architecture.default_classes()).unwrap();
    let explanation = Method::default().explain(&network, 1).unwrap();
    let outputs = [explanation.logits, explanation.maps[0].map];
    Plan::new(&explanation.graph, &outputs, 1, gpu.profile(), Sharing::Shared).unwrap()
}

/// The candidates of all dense passes of an explanation.
fn candidates(gpu: &Gpu, architecture: Architecture, height: u32, width: u32) -> Vec<(PassShape, Vec<Variant>)> {
    let shapes: BTreeSet<PassShape> =
        plan(gpu, architecture, height, width).dense.iter().map(|pass| pass.shape).collect();
    shapes.into_iter().map(|shape| (shape, shape.candidates(gpu.profile()))).collect()
}

/// As many tunings as the shape with the most candidates has; each candidate of each shape is in one of them.
fn forced(candidates: &[(PassShape, Vec<Variant>)]) -> Vec<Tuning> {
    let most = candidates.iter().map(|(_, variants)| variants.len()).max().unwrap();
    let choice = |round: usize| {
        candidates.iter().map(move |(shape, variants)| (*shape, variants[round % variants.len()])).collect()
    };
    (0..most).map(choice).collect()
}

fn check(gpu: &Gpu, architecture: Architecture) {
    let model = Model::synthetic(architecture).unwrap();
    let batch = random_batch(2, 40, 48);
    let first = Batch::new(1, batch.height, batch.width, batch.data[..batch.data.len() / 2].to_vec());
    for tuning in forced(&candidates(gpu, architecture, 40, 48)) {
        let gpu = gpu.with_tuning(tuning);
        let verification = pollster::block_on(verify(&gpu, &model, &Method::default(), &batch)).unwrap();
        let failure = verification.first_failure.map(|index| &verification.checked[index]);
        assert!(verification.passed(), "{architecture}: {failure:#?} of {:#?}", gpu.profile().choices.tuning);
        let explain = |batch: &Batch| {
            let mut explainer = Explainer::new(&gpu, &model, Method::default());
            pollster::block_on(explainer.explain(batch, &targets(&[3], batch.count))).unwrap().0
        };
        assert!(explain(&first)[0] == explain(&batch)[0], "{architecture}: other bits in a batch");
    }
}

#[test]
fn every_candidate_agrees_with_the_reference() {
    let with_large_tiles = |gpu: &Gpu| gpu.with_winograd(Some(WinogradTile::Four));
    check(&with_large_tiles(gpu()), Architecture::TinyVgg);
    check(&with_large_tiles(gpu()), Architecture::TinyResNet);
    check(&with_large_tiles(limited_gpu()), Architecture::TinyVgg);
}

#[test]
fn every_shape_is_measured_and_kept() {
    let model = Model::synthetic(Architecture::TinyVgg).unwrap();
    let repeats = Repeats { least: 1, most: 1, seconds: 0.0 };
    let tuner = Tuner::new(gpu(), &model, Settings { height: 32, width: 40, repeats }).unwrap();
    let mut progress = 0;
    let measured = pollster::block_on(tuner.run(|| progress += 1)).unwrap();
    assert_eq!(progress, tuner.comparisons());
    let tuning: Tuning = measured.iter().map(|measured| (measured.shape, measured.chosen)).collect();
    assert_eq!(tuning.len(), measured.len(), "each shape once");
    // Gated passes, which hardly ever have anything to do, are not measured.
    let plan = plan(gpu(), Architecture::TinyVgg, 32, 40);
    let shapes = plan.dense.iter().filter(|pass| !pass.gated).map(|pass| pass.shape);
    for shape in shapes {
        assert!(tuning.contains_key(&shape), "{shape}");
    }
    assert!(measured.iter().all(|measured| measured.speed_up >= 1.0));

    let folder = tempfile::tempdir().unwrap();
    assert!(load(gpu(), folder.path()).unwrap().is_none());
    save(gpu(), &folder.path().join("new"), &tuning).unwrap();
    assert_eq!(load(gpu(), &folder.path().join("new")).unwrap(), Some(tuning));
}
