//! The methods beside AGF: against the goldens, against the f64 reference on every family of networks, and what each of
//! them promises.

use crate::common::compare::assert_relative_l2;
use crate::common::conditioning::{is_well_conditioned, well_conditioned};
use crate::common::goldens::Golden;
use crate::common::random::Random;
use crate::{batch_of, gpu, limited_gpu, random_batch};
use agf::gpu::{Gpu, Program, WeightStore};
use agf::graph::Explain;
use agf::methods::{IntegratedGradients, Method, Schedule, SmoothGrad};
use agf::models::{Architecture, Model};
use agf::plan::{Plan, Sharing};
use agf::reference::Reference;
use agf::{Batch, Explained, Explainer, Target};

const GOLDEN: &str = "methods_vgg11_224";

fn explain(gpu: &Gpu, model: &Model, method: &Method, batch: &Batch, targets: &[Vec<Target>]) -> Vec<Explained> {
    let mut explainer = Explainer::new(gpu, model, method.clone());
    pollster::block_on(explainer.explain(batch, targets)).unwrap().0
}

/// A picture in the middle of others.
fn surrounded(batch: &Batch) -> Batch {
    let mut around = random_batch(batch.count + 2, batch.height, batch.width);
    let picture = (3 * batch.height * batch.width) as usize;
    around.data[picture..picture + batch.data.len()].copy_from_slice(&batch.data);
    around
}

fn part(batch: &Batch, index: usize) -> Batch {
    let length = batch.data.len() / batch.count as usize;
    Batch {
        count: 1,
        data: batch.data[index * length..(index + 1) * length].to_vec(),
        neighbours: Vec::new(),
        ..*batch
    }
}

/// What each sample's map is made of.
async fn attributions(gpu: &Gpu, model: &Model, method: &Method, batch: &Batch, class: u32) -> Vec<f32> {
    let network = model.build(batch.height, batch.width).unwrap();
    let explanation = method.explain(&network, 1).unwrap();
    let (graph, wanted) = (&explanation.graph, [explanation.maps[0].attribution]);
    let plan = Plan::new(graph, &wanted, batch.count, gpu.profile(), Sharing::Shared).unwrap();
    let mut store = WeightStore::default();
    store.upload(gpu, graph, &model.weights, &plan.packings()).await.unwrap();
    let program = Program::new(gpu, plan, &store).await.unwrap();
    program.write(graph, explanation.input, &batch.data).unwrap();
    let request = graph.ids().find(|&id| graph.node(id).op == Explain::ClassRequest { slot: 0 }.into()).unwrap();
    program.write(graph, request, &vec![class as f32; batch.count as usize]).unwrap();
    program.submit().await.unwrap();
    program.read(graph, &wanted).await.unwrap().remove(0)
}

/// The golden's values of a method that needs one variation, alone and inside a batch with the same bits.
fn check_golden(gpu: &Gpu, method: Method, tensor: &str, in_batch: bool) {
    let golden = Golden::load(GOLDEN);
    let model = Model::synthetic(golden.architecture).unwrap();
    let (batch, class) = (batch_of(&golden), golden.classes[0]);
    let alone = pollster::block_on(attributions(gpu, &model, &method, &batch, class));
    let l2 = assert_relative_l2(tensor, &alone, &golden.tensor(tensor).values, 1e-3);
    println!("{tensor}: relative L2 {l2:.1e}");
    if in_batch {
        let inside = pollster::block_on(attributions(gpu, &model, &method, &surrounded(&batch), class));
        assert!(inside[alone.len()..2 * alone.len()] == alone, "{tensor}: other bits inside a batch");
    }
}

const SINGLE_PASS: [(Method, &str); 4] = [
    (Method::Gradient, "gradient"),
    (Method::InputXGradient, "input_x_gradient"),
    (Method::GuidedBackprop, "guided_backprop"),
    (Method::GradCam, "grad_cam_last_relu"),
];

#[test]
fn goldens() {
    for (method, tensor) in SINGLE_PASS {
        check_golden(gpu(), method, tensor, true);
    }
}

#[test]
fn limited_goldens() {
    for (method, tensor) in SINGLE_PASS {
        check_golden(limited_gpu(), method, tensor, false);
    }
}

/// Sums over channels of a golden of three channels.
fn channel_sums(values: &[f32], pixels: usize, of: impl Fn(f64) -> f64) -> Vec<f64> {
    (0..pixels).map(|pixel| (0..3).map(|channel| of(values[channel * pixels + pixel].into())).sum()).collect()
}

/// Maps and logits as the library gives them, integrated gradients included.
#[test]
fn maps_of_goldens() {
    let golden = Golden::load(GOLDEN);
    let model = Model::synthetic(golden.architecture).unwrap();
    let batch = batch_of(&golden);
    let pixels = (batch.height * batch.width) as usize;
    let targets = [vec![Target::Class(golden.classes[0])]];
    let steps = Method::IntegratedGradients(IntegratedGradients { steps: 20, baseline: 0.0 });
    let signed: fn(f64) -> f64 = |value| value;
    let cases = [
        (Method::Gradient, "gradient", f64::abs as fn(f64) -> f64),
        (Method::GuidedBackprop, "guided_backprop", f64::abs),
        (Method::InputXGradient, "input_x_gradient", signed),
        (steps, "integrated_gradients_20_midpoint", signed),
    ];
    for (method, tensor, of) in cases {
        let explained = explain(gpu(), &model, &method, &batch, &targets);
        let expected = channel_sums(&golden.tensor(tensor).values, pixels, of);
        assert_relative_l2("logits", &explained[0].logits, &golden.tensor("logits").values, 1e-4);
        let l2 = assert_relative_l2(tensor, &explained[0].maps[0].values, &expected, 1e-3);
        println!("map of {tensor}: relative L2 {l2:.1e}");
    }
}

/// The reference's map of one picture, all variations included. The variations are those of `batch`, of which the
/// picture may be a slightly changed copy.
fn reference_map(model: &Model, method: &Method, batch: &Batch, picture: &[f64], class: u32) -> Vec<f64> {
    let network = model.build(batch.height, batch.width).unwrap();
    let explanation = method.explain(&network, 1).unwrap();
    let (node, request) = (explanation.maps[0].map, [f64::from(class)]);
    let mut reference = Reference::new(&explanation.graph, &model.weights).unwrap();
    let Some(schedule) = method.schedule() else {
        return reference.run(picture, &request, &[node]).unwrap().remove(&node).unwrap();
    };
    let mut sum = vec![0.0; picture.len()];
    for index in 0..schedule.count() {
        let variation = schedule.variation(index, &batch.data);
        reference = reference.with_variation([variation.index.into(), variation.scale.into(), variation.offset.into()]);
        let gradient = reference.run(picture, &request, &[node]).unwrap().remove(&node).unwrap();
        sum.iter_mut().zip(gradient).for_each(|(sum, value)| *sum += value);
    }
    schedule.map(&sum, &batch.data, picture.len() / 3)
}

/// Every method but AGF and the relevance methods, which have tests of their own; two variations of each that has
/// several.
fn methods() -> Vec<Method> {
    let is_relevance = |method: &Method| matches!(method, Method::Agf(_) | Method::Relevance(_));
    let methods = Method::ALL.iter().filter(|method| !is_relevance(method));
    let shorten = |method: &Method| match method.schedule() {
        Some(Schedule::Noise(_)) => Method::SmoothGrad(SmoothGrad { samples: 2, noise: 0.1, seed: 0x1234_5678_9abc }),
        Some(Schedule::Path(_)) => Method::IntegratedGradients(IntegratedGradients { steps: 2, baseline: 0.25 }),
        None => method.clone(),
    };
    methods.map(shorten).collect()
}

const TOLERANCE: f64 = 1e-3;

/// The maps of `count` well-conditioned draws of picture and class, by every method.
fn check_against_reference(gpu: &Gpu, architecture: Architecture, height: u32, width: u32, count: usize) {
    let model = Model::synthetic(architecture).unwrap();
    let mut random = Random::new();
    for method in methods() {
        let draw = || {
            let class = random.uniform(0.0, f64::from(model.classes())) as u32;
            let batch = random_batch(1, height, width);
            let picture: Vec<f64> = batch.data.iter().map(|&value| value.into()).collect();
            let map = |picture: &[f64]| reference_map(&model, &method, &batch, picture, class);
            let is_counted = is_well_conditioned(&mut random, &picture, TOLERANCE, map);
            is_counted.then(|| (class, reference_map(&model, &method, &batch, &picture, class), batch))
        };
        for (class, exact, batch) in well_conditioned(count, draw) {
            let explained = explain(gpu, &model, &method, &batch, &[vec![Target::Class(class)]]);
            let map = &explained[0].maps[0];
            assert_eq!(map.class, class);
            let name = format!("{architecture} {height}x{width} {method} class {class}");
            println!("{name}: {:.1e}", assert_relative_l2(&name, &map.values, &exact, TOLERANCE));
        }
    }
}

#[test]
fn small_networks_agree_with_the_reference() {
    let mut random = Random::new();
    for gpu in [gpu(), limited_gpu()] {
        for architecture in [Architecture::TinyVgg, Architecture::TinyResNet] {
            let (height, width) = (random.uniform(32.0, 60.0) as u32, random.uniform(32.0, 60.0) as u32);
            check_against_reference(gpu, architecture, height, width, 2);
        }
    }
}

#[test]
fn every_family_agrees_with_the_reference() {
    check_against_reference(gpu(), Architecture::Vgg11Bn, 45, 38, 1);
    check_against_reference(gpu(), Architecture::ResNet18, 38, 45, 1);
    check_against_reference(gpu(), Architecture::EfficientNetLite0, 41, 50, 1);
}

#[test]
fn pictures_and_classes_do_not_depend_on_each_other() {
    for architecture in [Architecture::TinyVgg, Architecture::TinyResNet] {
        let model = Model::synthetic(architecture).unwrap();
        let batch = random_batch(3, 33, 46);
        let targets = vec![
            vec![Target::Class(4), Target::Rank(0)],
            vec![Target::Rank(1)],
            vec![Target::Class(9), Target::Rank(2), Target::Class(0)],
        ];
        for method in methods() {
            let together = explain(gpu(), &model, &method, &batch, &targets);
            for index in 0..3 {
                let alone = explain(gpu(), &model, &method, &part(&batch, index), &targets[index..=index]);
                assert!(alone[0] == together[index], "{architecture} {method}: picture {index} alone differs");
                for (slot, target) in targets[index].iter().enumerate() {
                    let single = explain(gpu(), &model, &method, &part(&batch, index), &[vec![*target]]);
                    assert!(single[0].maps[0] == together[index].maps[slot], "{architecture} {method}: {target:?}");
                }
            }
        }
    }
}

#[test]
fn maps_have_the_sign_that_their_method_says() {
    use agf::methods::MapKind;
    let model = Model::synthetic(Architecture::TinyVgg).unwrap();
    let batch = random_batch(2, 40, 40);
    let targets = vec![vec![Target::Rank(0), Target::Rank(5)]; 2];
    for method in methods() {
        let explained = explain(gpu(), &model, &method, &batch, &targets);
        let values = || explained.iter().flat_map(|picture| &picture.maps).flat_map(|map| &map.values);
        assert!(values().any(|&value| value != 0.0), "{method}: only zeros");
        let negative = values().any(|&value| value < 0.0);
        assert_eq!(negative, method.map_kind() == MapKind::Signed, "{method}");
    }
}

/// The best class's map, with what the method promises of it.
fn audit(model: &Model, method: &Method, batch: &Batch) -> Vec<Explained> {
    let mut explainer = Explainer::new(gpu(), model, method.clone());
    explainer.set_audit(true);
    pollster::block_on(explainer.explain(batch, &[vec![Target::Rank(0)]])).unwrap().0
}

fn gap_share(architecture: Architecture, method: &Method, batch: &Batch) -> f64 {
    let model = Model::synthetic(architecture).unwrap();
    let explained = audit(&model, method, batch);
    let map = &explained[0].maps[0];
    let gap = map.completeness_gap.unwrap_or_else(|| panic!("{method} promises completeness"));
    gap.abs() / f64::from(explained[0].logits[map.class as usize]).abs()
}

#[test]
fn fullgrad_is_complete() {
    use Architecture::{ResNet18, ResNet50, TinyResNet, TinyVgg, Vgg11, Vgg11Bn, Vgg16Bn};
    for architecture in [TinyVgg, TinyResNet, Vgg11, Vgg11Bn, Vgg16Bn, ResNet18, ResNet50] {
        let share = gap_share(architecture, &Method::FullGrad, &random_batch(1, 64, 64));
        println!("{architecture}: completeness gap {share:.1e} of the logit");
        assert!(share <= 1e-4, "{architecture}: {share}");
    }
}

#[test]
fn the_gap_of_integrated_gradients_shrinks_with_the_number_of_steps() {
    let path = |steps| Method::IntegratedGradients(IntegratedGradients { steps, baseline: 0.0 });
    for architecture in [Architecture::TinyVgg, Architecture::TinyResNet] {
        // A single picture's gap may be small by chance.
        let batches: Vec<Batch> = (0..6).map(|_| random_batch(1, 40, 40)).collect();
        let mean = |steps| batches.iter().map(|batch| gap_share(architecture, &path(steps), batch)).sum::<f64>() / 6.0;
        let gaps = [2, 16, 128].map(mean);
        println!("{architecture}: {gaps:?}");
        assert!(gaps[2] <= 2e-3 && gaps[2] < 0.5 * gaps[0], "{architecture}: {gaps:?}");
    }
}

#[test]
fn only_promised_gaps_are_reported() {
    let model = Model::synthetic(Architecture::TinyVgg).unwrap();
    for method in Method::ALL {
        let explained = audit(&model, method, &random_batch(1, 32, 32));
        let promised = matches!(method, Method::FullGrad | Method::IntegratedGradients(_));
        assert_eq!(explained[0].maps[0].completeness_gap.is_some(), promised, "{method}");
        assert_eq!(explained[0].maps[0].peak.is_some(), matches!(method, Method::Agf(_)), "{method}");
    }
}
