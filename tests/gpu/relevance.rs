//! Relevance methods on a device: goldens of the authors' program, alone, inside a batch and with WebGPU's default
//! limits; every rule against the f64 reference; conservation, same bits in a batch and with other classes, and what
//! the rule of sums is for. Every preset on every family of networks is in `verification.rs`.

use crate::common::compare::assert_similar;
use crate::common::goldens::method_golden;
use crate::{batch_of, gpu, limited_gpu, random_batch, targets};
use agf::gpu::Gpu;
use agf::methods::Method;
use agf::methods::relevance::{AddRule, Preset, RuleList};
use agf::models::{Architecture, Model};
use agf::verify::verify;
use agf::{Batch, Explained, Explainer};

const GOLDENS: [(Preset, &str); 3] = [(Preset::Lrp, "lrp"), (Preset::LrpAb, "lrp_ab"), (Preset::Rap, "rap")];

fn model() -> Model {
    Model::synthetic(Architecture::Vgg11).unwrap()
}

fn explain(explainer: &mut Explainer, method: Preset, batch: &Batch, classes: &[u32]) -> Vec<Explained> {
    explainer.set_method(Method::Relevance(method));
    pollster::block_on(explainer.explain(batch, &targets(classes, batch.count))).unwrap().0
}

fn check(gpu: &Gpu, in_batch: bool) {
    let golden = method_golden();
    let mut explainer = Explainer::new(gpu, &model(), Method::default());
    let batch = batch_of(&golden);
    for (method, name) in GOLDENS {
        let explained = explain(&mut explainer, method, &batch, &golden.classes);
        let map = &explained[0].maps[0];
        assert_eq!(map.peak, None);
        let (l2, cosine) = assert_similar(name, &map.values, golden.sample(name, 0), 1e-3);
        println!("{name}: relative L2 {l2:.1e}, cosine {cosine:.9}");
        if in_batch {
            let mut two = random_batch(2, batch.height, batch.width);
            two.data[batch.data.len()..].copy_from_slice(&batch.data);
            let inside = explain(&mut explainer, method, &two, &golden.classes);
            assert!(inside[1] == explained[0], "{name}: other bits inside a batch");
        }
    }
}

#[test]
fn goldens() {
    check(gpu(), true);
}

#[test]
fn limited_goldens() {
    check(limited_gpu(), false);
}

/// LRP with another rule for every layer with weights but the first.
fn with_rule(rule: &str) -> Method {
    let text = Preset::Lrp.text().replace("apply = \"alpha-beta\"\nalpha = 1.0", rule);
    assert!(text.contains(rule));
    Method::Rules(RuleList::parse("test", &text).unwrap())
}

fn check_nodes(gpu: &Gpu, architecture: Architecture, method: &Method, what: &str) {
    let batch = random_batch(2, 40, 48);
    let verification =
        pollster::block_on(verify(gpu, &Model::synthetic(architecture).unwrap(), method, &batch)).unwrap();
    let failure = verification.first_failure.map(|index| &verification.checked[index]);
    assert!(verification.passed(), "{architecture} {what}: {failure:#?}, {} stray words", verification.stray_words);
    println!("{architecture} {what}: {} nodes, map error {:.1e}", verification.checked.len(), verification.map_error);
}

#[test]
fn every_rule_passes() {
    for rule in [
        "apply = \"z-plus\"",
        "apply = \"epsilon\"\nepsilon = 0.01",
        "apply = \"gamma\"\ngamma = 0.25",
        "apply = \"flat\"",
        "apply = \"w-square\"",
        "apply = \"absolute\"",
        "apply = \"alpha-beta\"\nalpha = 1.5",
    ] {
        for architecture in [Architecture::TinyVgg, Architecture::TinyResNet] {
            check_nodes(gpu(), architecture, &with_rule(rule), rule);
        }
        check_nodes(limited_gpu(), Architecture::TinyResNet, &with_rule(rule), rule);
    }
}

/// Rules mixed by depth, role and name over depthwise convolutions, and no box rule at the picture.
const MIXED: &str = r#"
[[rule]]
depth = [1, 2]
apply = "w-square"
[[rule]]
role = "full"
apply = "gamma"
gamma = 0.5
[[rule]]
depth = [-6, -1]
apply = "epsilon"
epsilon = 1e-3
[[rule]]
apply = "z-plus"
[[rule]]
op = "batch-norm"
apply = "fold"
[[rule]]
op = "add"
apply = "magnitude"
[[rule]]
op = "fan-out"
apply = "pass"
[[rule]]
apply = "ratio"
"#;

#[test]
fn mixed_rules_pass() {
    let method = Method::Rules(RuleList::parse("test", MIXED).unwrap());
    for architecture in [Architecture::EfficientNetLite0, Architecture::TinyResNet] {
        check_nodes(gpu(), architecture, &method, "mixed");
    }
    let agf = Method::default().with_add_rule(AddRule::Magnitude).unwrap();
    check_nodes(gpu(), Architecture::TinyResNet, &agf, "agf by magnitude");
}

/// What the target's logit brings reaches the picture, layer by layer: no output of an active layer is without positive
/// contributions.
#[test]
fn relevance_is_conserved() {
    let model = Model::synthetic(Architecture::TinyVgg).unwrap();
    let mut explainer = Explainer::new(gpu(), &model, with_rule("apply = \"z-plus\""));
    explainer.set_audit(true);
    let batch = random_batch(3, 40, 48);
    let explained = pollster::block_on(explainer.explain(&batch, &targets(&[2], 3))).unwrap().0;
    for picture in explained {
        let y = f64::from(picture.logits[2]);
        let map = &picture.maps[0];
        let total: f64 = map.values.iter().map(|&value| f64::from(value)).sum();
        assert!(!map.conservation.is_empty());
        for (layer, sum) in map.conservation.iter().map(|layer| (layer.layer.as_str(), f64::from(layer.sum))) {
            assert!((sum - y).abs() <= 1e-4 * y.abs(), "{layer}: {sum} of {y}");
        }
        assert!((total - y).abs() <= 1e-4 * y.abs(), "map: {total} of {y}");
    }
}

#[test]
fn bits_do_not_depend_on_batch_and_other_classes() {
    let model = Model::synthetic(Architecture::TinyResNet).unwrap();
    let batch = random_batch(3, 40, 48);
    let picture = batch.data.len() / 3;
    let alone = Batch::new(1, batch.height, batch.width, batch.data[picture..2 * picture].to_vec());
    for preset in [Preset::LrpAb, Preset::Clrp, Preset::Sglrp, Preset::Rap] {
        let mut explainer = Explainer::new(gpu(), &model, Method::default());
        let together = explain(&mut explainer, preset, &batch, &[7, 1, 4]);
        let single = explain(&mut explainer, preset, &alone, &[4]);
        assert!(single[0].maps[0].values.iter().any(|&value| value != 0.0), "{preset:?}");
        assert!(together[1].maps[2] == single[0].maps[0], "{preset:?}");
    }
}

/// How much maps of ResNet-18 change, relative L2, when the input changes by a millionth: the median of four pictures.
fn sensitivity(method: Method, batch: &Batch) -> f64 {
    let mut explainer = Explainer::new(gpu(), &Model::synthetic(Architecture::ResNet18).unwrap(), method);
    let explained = pollster::block_on(explainer.explain(batch, &targets(&[3], batch.count))).unwrap().0;
    let changes = pollster::block_on(explainer.sensitivity(batch, &explained, 0)).unwrap().0;
    let mut changes: Vec<f64> = changes.into_iter().map(|of_picture| of_picture[0]).collect();
    changes.sort_by(f64::total_cmp);
    changes[changes.len() / 2]
}

/// The rule of sums by values divides by `a + b`, which may be nearly 0; by magnitudes it does not. (LRP is steady
/// either way: there relevance behind a sum is in proportion to its value.)
#[test]
fn sums_by_magnitude_are_less_sensitive() {
    let batch = random_batch(4, 64, 64);
    let by_value = sensitivity(Method::default(), &batch);
    let by_magnitude = sensitivity(Method::default().with_add_rule(AddRule::Magnitude).unwrap(), &batch);
    println!("map change {by_value:.1e} by value, {by_magnitude:.1e} by magnitude");
    assert!(by_magnitude < by_value / 10.0, "{by_value} by value, {by_magnitude} by magnitude");
}
