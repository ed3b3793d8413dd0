//! What must hold for any network, weights and pictures: same bits again, alone and in a batch; agreement with the f64
//! reference for fresh random weights, sizes, classes and ablations.

use crate::common::compare::assert_relative_l2;
use crate::common::conditioning::{is_well_conditioned, well_conditioned};
use crate::common::random::Random;
use crate::{gpu, limited_gpu, random_batch};
use agf::gpu::Gpu;
use agf::graph::NodeId;
use agf::methods::agf::{Ablations, explain as explain_network};
use agf::models::weights::{Tensor, Weights};
use agf::models::{Architecture, Model};
use agf::reference::{Parameters, Reference};
use agf::{Batch, Explained, Explainer, Target};

fn explain(gpu: &Gpu, model: &Model, batch: &Batch, targets: &[Vec<Target>]) -> Vec<Explained> {
    let mut explainer = Explainer::new(gpu, model, Ablations::default());
    pollster::block_on(explainer.explain(batch, targets)).unwrap().0
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

#[test]
fn the_same_bits_again_alone_and_with_other_classes() {
    for architecture in [Architecture::TinyVgg, Architecture::TinyResNet, Architecture::EfficientNetLite0] {
        let model = Model::synthetic(architecture).unwrap();
        let batch = random_batch(3, 41, 54);
        let targets = vec![
            vec![Target::Class(4), Target::Rank(0)],
            vec![Target::Rank(1)],
            vec![Target::Class(9), Target::Rank(2), Target::Class(0)],
        ];
        for gpu in [gpu(), limited_gpu()] {
            let together = explain(gpu, &model, &batch, &targets);
            assert!(together == explain(gpu, &model, &batch, &targets), "{architecture}: other bits on a second run");
            for index in 0..3 {
                let alone = explain(gpu, &model, &part(&batch, index), &targets[index..=index]);
                assert!(alone[0] == together[index], "{architecture}: other bits for picture {index} alone");
                for (slot, target) in targets[index].iter().enumerate() {
                    let single = explain(gpu, &model, &part(&batch, index), &[vec![*target]]);
                    assert!(
                        single[0].maps[0] == together[index].maps[slot],
                        "{architecture}: {target:?} alone differs"
                    );
                }
            }
        }
    }
}

#[test]
fn ranks_are_the_order_of_the_logits() {
    let model = Model::synthetic(Architecture::TinyVgg).unwrap();
    let batch = random_batch(2, 32, 40);
    let targets = vec![(0..10).map(Target::Rank).collect::<Vec<_>>(); 2];
    for picture in explain(gpu(), &model, &batch, &targets) {
        let mut order: Vec<u32> = (0..10).collect();
        order.sort_by(|&a, &b| picture.logits[b as usize].total_cmp(&picture.logits[a as usize]));
        assert_eq!(picture.maps.iter().map(|map| map.class).collect::<Vec<_>>(), order);
    }
}

/// Random weights, with batch-normalisation scales of both signs, also in the first layer.
fn random_weights(random: &mut Random, architecture: Architecture, classes: u32) -> Weights {
    let network = architecture.build(64, 64, classes).unwrap();
    let values = random.parameters(&network.graph);
    let parameters = network.graph.parameters();
    let tensor = |parameter: &agf::graph::parameter::Parameter| {
        let data = values.get(&parameter.name).unwrap().to_vec();
        (parameter.name.clone(), Tensor::new(&parameter.shape, data).unwrap())
    };
    Weights::from_tensors(parameters.iter().map(tensor).collect(), &parameters).unwrap()
}

fn random_ablations(random: &mut Random) -> Ablations {
    let mut flag = || random.uniform(0.0, 1.0) < 0.3;
    Ablations { no_fx: flag(), no_m: flag(), no_reg: flag(), no_fdx: flag(), no_a: flag(), gradcam: flag() }
}

/// A network of random weights, with what is asked of it.
struct Draw {
    name: String,
    model: Model,
    ablations: Ablations,
    class: u32,
    batch: Batch,
    /// Exact logits and map of each picture.
    exact: Vec<[Vec<f64>; 2]>,
}

/// A draw, if rounding does not decide its maps.
fn draw(random: &mut Random, case: &Case) -> Option<Draw> {
    let &Case { architecture, height, width, tolerance } = case;
    let classes = 7;
    let weights = random_weights(random, architecture, classes);
    let ablations = random_ablations(random);
    let class = random.uniform(0.0, f64::from(classes)) as u32;
    let model = Model::new(architecture.recipe(classes).unwrap(), weights, "random".into());
    let batch = random_batch(2, height, width);
    let network = architecture.build(height, width, classes).unwrap();
    let explanation = explain_network(&network, 1, ablations).unwrap();
    let reference = Reference::new(&explanation.graph, &model.weights).unwrap();
    let wanted: [NodeId; 2] = [explanation.logits, explanation.maps[0].map];
    let mut exact = Vec::new();
    for index in 0..2 {
        let picture: Vec<f64> = part(&batch, index).data.into_iter().map(f64::from).collect();
        let run = |picture: &[f64]| {
            let values = reference.run(picture, &[class.into()], &wanted).unwrap();
            wanted.map(|node| values[&node].clone())
        };
        let map = |picture: &[f64]| run(picture)[1].clone();
        if !is_well_conditioned(random, &picture, tolerance, map) {
            return None;
        }
        exact.push(run(&picture));
    }
    let name = format!("{architecture} {height}x{width} class {class} {ablations:?}");
    Some(Draw { name, model, ablations, class, batch, exact })
}

/// A network, its input's size, and how far a map may be off.
struct Case {
    architecture: Architecture,
    height: u32,
    width: u32,
    tolerance: f64,
}

/// Two well-conditioned draws must be within tolerance.
fn check(gpu: &Gpu, architecture: Architecture, height: u32, width: u32, tolerance: f64) {
    let mut random = Random::new();
    let case = Case { architecture, height, width, tolerance };
    for Draw { name, model, ablations, class, batch, exact } in well_conditioned(2, || draw(&mut random, &case)) {
        let mut explainer = Explainer::new(gpu, &model, ablations);
        let targets = vec![vec![Target::Class(class)]; 2];
        let (explained, _) = pollster::block_on(explainer.explain(&batch, &targets)).unwrap();
        for (picture, [logits, map]) in explained.iter().zip(&exact) {
            assert_relative_l2(&format!("{name} logits"), &as_f64(&picture.logits), logits, 1e-4);
            let error = assert_relative_l2(&name, &as_f64(&picture.maps[0].values), map, tolerance);
            println!("{name}: {error:.1e}");
        }
    }
}

fn as_f64(values: &[f32]) -> Vec<f64> {
    values.iter().map(|&value| value.into()).collect()
}

#[test]
fn random_networks_agree_with_the_reference() {
    let mut random = Random::new();
    for _ in 0..3 {
        let (height, width) = (random.uniform(32.0, 70.0) as u32, random.uniform(32.0, 70.0) as u32);
        for gpu in [gpu(), limited_gpu()] {
            check(gpu, Architecture::TinyVgg, height, width, 1e-3);
            check(gpu, Architecture::TinyResNet, height, width, 5e-2);
        }
    }
}

/// Adaptive pooling with uneven windows, "same" padding at odd sizes, strides that do not divide.
#[test]
fn odd_sizes_agree_with_the_reference() {
    check(gpu(), Architecture::Vgg11Bn, 100, 76, 1e-3);
    check(gpu(), Architecture::ResNet50, 75, 61, 1e-2);
    check(gpu(), Architecture::ResNet18, 57, 83, 5e-2);
    check(gpu(), Architecture::EfficientNetLite0, 97, 70, 1e-3);
}
