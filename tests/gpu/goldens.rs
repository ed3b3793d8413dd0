//! Logits and maps against the goldens: as they are, inside a batch, and with WebGPU's default limits.

use crate::common::compare::{assert_relative_l2, assert_similar};
use crate::common::goldens::{Golden, LOGITS_TOLERANCE, all};
use crate::common::random::Random;
use crate::winograd::everywhere;
use crate::{batch_of, gpu, limited_gpu, random_batch, targets};
use agf::gpu::Gpu;
use agf::graph::NodeId;
use agf::models::Model;
use agf::plan::variant::WinogradTile;
use agf::plan::{Plan, Profile, Sharing};
use agf::{Batch, Explained, Explainer, SessionShape};

fn model_of(golden: &Golden) -> Model {
    let weights = golden.weights(&golden.explanation());
    let classes = golden.tensor("logits").shape[1] as u32;
    Model::new(golden.architecture.recipe(classes).unwrap(), weights, golden.name.clone())
}

fn explain(gpu: &Gpu, golden: &Golden, batch: &Batch) -> Vec<Explained> {
    let mut explainer = Explainer::new(gpu, &model_of(golden), golden.ablations);
    let targets = targets(&golden.classes, batch.count);
    pollster::block_on(explainer.explain(batch, &targets)).unwrap().0
}

fn compare(golden: &Golden, explained: &[Explained], what: &str) {
    assert_eq!(explained.len(), golden.samples());
    for (sample, picture) in explained.iter().enumerate() {
        let name = format!("{} {what} picture {sample}", golden.name);
        assert_relative_l2(
            &format!("{name} logits"),
            &picture.logits,
            golden.sample("logits", sample),
            LOGITS_TOLERANCE,
        );
        assert_eq!(picture.maps.len(), golden.classes.len());
        for (map, class) in picture.maps.iter().zip(&golden.classes) {
            assert_eq!(map.class, *class);
            let expected = golden.sample(&format!("heatmap.{class}"), sample);
            let name = format!("{name} class {class}");
            let (l2, cosine) = assert_similar(&name, &map.values, expected, golden.map_tolerance());
            println!("{name}: relative L2 {l2:.1e}, cosine {cosine:.9}");
        }
    }
}

/// The golden alone; for small pictures also in the middle of a batch, which must give the same bits.
fn check(name: &str) {
    let golden = Golden::load(name);
    let batch = batch_of(&golden);
    let alone = explain(gpu(), &golden, &batch);
    compare(&golden, &alone, "alone");
    if batch.height > 128 {
        return;
    }
    let mut surrounded = random_batch(batch.count + 2, batch.height, batch.width);
    let picture = (3 * batch.height * batch.width) as usize;
    surrounded.data[picture..picture + batch.data.len()].copy_from_slice(&batch.data);
    let inside = explain(gpu(), &golden, &surrounded);
    assert!(inside[1..1 + golden.samples()] == alone[..], "{name}: other bits inside a batch");
}

fn check_limited(name: &str) {
    let golden = Golden::load(name);
    let explained = explain(limited_gpu(), &golden, &batch_of(&golden));
    compare(&golden, &explained, "with WebGPU's default limits");
}

macro_rules! goldens {
    ($($name:ident)*) => {
        $(#[test] fn $name() { check(stringify!($name)); })*

        /// Goldens of other methods, `methods_*`, are checked in `methods.rs`.
        #[test]
        fn every_golden_is_checked() {
            let mut checked = vec![$(stringify!($name)),*];
            checked.sort();
            let files: Vec<String> = all().into_iter().filter(|name| !name.starts_with("methods_")).collect();
            assert_eq!(checked, files);
        }
    };
}

goldens! {
    efficientnet_lite0_dogcat_224
    efficientnet_lite0_zebra_elephant_192x256
    resnet101_64
    resnet18_64
    resnet50_224
    trace_tiny_resnet
    trace_tiny_vgg
    vgg11_64
    vgg11_64_gradcam
    vgg11_64_no_a
    vgg11_64_no_fdx
    vgg11_64_no_fx
    vgg11_64_no_m
    vgg11_64_no_reg
    vgg16_bn_96x128
    vgg19_224
}

/// F(4x4, 3x3), which must be asked for, wherever it may be, at the same tolerances.
#[test]
fn large_winograd_tiles() {
    for name in ["vgg11_64", "vgg16_bn_96x128"] {
        let golden = Golden::load(name);
        let (batch, model) = (batch_of(&golden), model_of(&golden));
        let Batch { count, height, width, .. } = batch;
        let explanation = golden.explanation();
        let maps: Vec<NodeId> = explanation.maps.iter().map(|map| map.map).collect();
        let plan = |profile: &Profile| Plan::new(&explanation.graph, &maps, count, profile, Sharing::Shared).unwrap();
        let gpu = everywhere(gpu(), WinogradTile::Four, &mut Random::new(), plan);
        let shape = SessionShape { count, height, width, slots: golden.classes.len() as u32 };
        let plan = Explainer::new(&gpu, &model, golden.ablations).plan_text(shape).unwrap();
        assert!(plan.contains("winograd_input_4x4"), "{name}: no large tiles");
        compare(&golden, &explain(&gpu, &golden, &batch), "with F(4x4, 3x3)");
    }
}

/// VGG-19's first linear layer has 392 MiB, a binding 128; EfficientNet has odd channel counts and depthwise
/// convolutions.
#[test]
fn limited_small_networks() {
    for name in ["trace_tiny_vgg", "trace_tiny_resnet", "resnet18_64", "efficientnet_lite0_zebra_elephant_192x256"] {
        check_limited(name);
    }
}

#[test]
fn limited_vgg19_224() {
    check_limited("vgg19_224");
}
