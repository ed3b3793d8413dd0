//! The kernel for graphics cards by itself, with tiles of every kind and sums in several splits: convolutions of random
//! shapes in every role, against the f64 reference.

use crate::common::compare::relative_l2;
use crate::common::random::Random;
use crate::convolutions::{Case, run, weights};
use crate::limited_gpu;
use agf::gpu::Gpu;
use agf::graph::{
    Activation, Backward, Binary, Convolution, Explain, Forward, Graph, Op, Padding, Part, Shape, Window,
};
use agf::models::Precision;
use agf::models::weights::{Tensor, Weights};
use agf::plan::tiling::Tiling;
use agf::plan::variant::{Algorithm, DenseKernel, PassShape, Tuning, Variant};
use agf::plan::{Plan, Profile, Sharing};
use agf::reference::Reference;

/// Largest relative L2 distance from f64 of one pass over random values of both signs.
const TOLERANCE: f64 = 2e-6;

/// A convolution of random shape.
fn convolution(random: &mut Random, stride: u32) -> (Convolution, Shape) {
    let mut number = |low: u32, high: u32| random.uniform(low.into(), f64::from(high) + 1.0) as u32;
    let kernel = [[1, 1], [3, 3], [2, 5], [3, 3]][number(0, 3) as usize];
    let mut padding = |side: u32| number(0, side - 1);
    let padding = Padding {
        top: padding(kernel[0]),
        left: padding(kernel[1]),
        bottom: padding(kernel[0]),
        right: padding(kernel[1]),
    };
    let shape = Shape::new(number(1, 70), number(5, 15), number(5, 15));
    let convolution = Convolution {
        name: "convolution".into(),
        input_channels: shape.channels,
        output_channels: number(1, 140),
        window: Window::new(kernel, stride, padding),
        groups: 1,
        bias: number(0, 1) == 1,
    };
    (convolution, shape)
}

/// Every pass of an explanation and of the other methods' rules.
fn case(random: &mut Random, stride: u32) -> Case {
    let (convolution, shape) = convolution(random, stride);
    let Shape { height, width, .. } = shape;
    let mut graph = Graph::new();
    let input = graph.input(shape).unwrap();
    let g = graph.convolve(convolution, input).unwrap();
    let Op::Forward(Forward::Convolve { layer, .. }) = graph.node(g).op else { panic!("it was made a convolution") };
    let normalised = graph.batch_norm("norm", 1e-5, g).unwrap();
    let output = graph.add("relu", Forward::Clamp(Activation::RELU6), &[normalised]).unwrap();
    let z = graph.add("Z", Op::convolve(layer, Part::Absolute, Part::Absolute), &[input]).unwrap();
    let ratio = graph.add("div(y, Z)", Binary::Ratio, &[output, z]).unwrap();
    let rising = graph.add("W+ x+", Op::convolve(layer, Part::Positive, Part::Positive), &[input]).unwrap();
    let falling = graph.add("W- x-", Op::convolve(layer, Part::Negative, Part::Negative), &[input]).unwrap();
    let back = |weight| Backward::ConvolveTranspose { layer, weight, height, width };
    let gradient = graph.add("gradient", back(Part::Full), &[output]).unwrap();
    let positive = graph.add("positive", back(Part::Positive), &[output]).unwrap();
    let relevance = graph.add("bwd(|W|, S)", back(Part::Absolute), &[ratio]).unwrap();
    let relevance = graph.add("relevance", Binary::MultiplyAbsolute, &[relevance, input]).unwrap();
    let masked = Explain::ConvolveTransposeMasked { layer, height, width };
    let masked = graph.add("masked gradient", masked, &[g, output, gradient]).unwrap();
    Case { graph, input, outputs: vec![output, ratio, rising, falling, gradient, positive, relevance, masked] }
}

/// Weights that f16 holds exactly.
fn rounded(graph: &Graph, weights: &Weights) -> Weights {
    let parameters = graph.parameters();
    let round = |value: f32| if value.abs() < 1e-3 { 0.0 } else { f32::from_bits(value.to_bits() & !0x1fff) };
    let tensors = parameters.iter().map(|parameter| {
        let data = weights.get(&parameter.name).unwrap().data().iter().map(|&value| round(value)).collect();
        (parameter.name.clone(), Tensor::new(&parameter.shape, data).unwrap())
    });
    Weights::from_tensors(tensors.collect(), &parameters).unwrap()
}

/// Takes tiles of one kind for all passes, in as many splits as each of them can have.
fn tuning(plan: &Plan, profile: &Profile, tiling: Tiling) -> Tuning {
    let in_splits = |splits| Variant {
        algorithm: Algorithm::Direct,
        kernel: DenseKernel::Tiled(Tiling { splits, ..tiling }),
        row_tiles: tiling.rows / 8,
    };
    let choose = |shape: PassShape| {
        let variants = [16, 8, 4, 2, 1].map(in_splits);
        Some((shape, variants.into_iter().find(|variant| shape.computes(variant, profile))?))
    };
    plan.dense.iter().filter_map(|pass| choose(pass.shape)).collect()
}

/// The most splits that one of the passes had.
fn check(gpu: &Gpu, random: &mut Random, tiling: Tiling, stride: u32, precision: Precision) -> u32 {
    let case = case(random, stride);
    let batch = random.uniform(2.0, 4.0) as u32;
    let shape = case.graph.shape(case.input);
    let length = shape.elements() as usize;
    let values: Vec<f32> = random.values(batch as usize * length).into_iter().map(|value| value as f32).collect();
    let weights = rounded(&case.graph, &weights(random, &case.graph));
    let profile = gpu.profile().with_precision(precision).with_winograd(None);
    let plan_of = |batch: u32, profile: &Profile| {
        Plan::new(&case.graph, &case.outputs, batch, profile, Sharing::Separate).unwrap()
    };
    let profile = profile.with_tuning(tuning(&plan_of(1, &profile), &profile, tiling));
    let found = pollster::block_on(run(gpu, &case, &weights, plan_of(batch, &profile), &values));
    let alone = pollster::block_on(run(gpu, &case, &weights, plan_of(1, &profile), &values[..length]));
    let reference = Reference::new(&case.graph, &weights).unwrap();
    for (sample, picture) in values.chunks(length).enumerate() {
        let picture: Vec<f64> = picture.iter().map(|&value| value.into()).collect();
        let exact = reference.run(&picture, &[], &case.outputs).unwrap();
        for ((found, alone), output) in found.iter().zip(&alone).zip(&case.outputs) {
            let name = format!("{tiling}, {:?} of {shape}, stride {stride}", case.graph.node(*output).name);
            assert!(found[..alone.len()] == alone[..], "{name}: other bits in a batch");
            let found = &found[sample * alone.len()..][..alone.len()];
            let found: Vec<f64> = found.iter().map(|&value| value.into()).collect();
            let error = relative_l2(&found, &exact[output]);
            assert!(error <= TOLERANCE, "{name}: off by {error:.1e}, {:?}", case.graph);
        }
    }
    let splits = plan_of(1, &profile).dense.into_iter().map(|pass| match pass.variant.kernel {
        DenseKernel::Tiled(taken) => {
            assert_eq!(Tiling { splits: 1, ..taken }, tiling);
            taken.splits
        }
        kernel => panic!("{kernel:?} instead of {tiling}"),
    });
    splits.max().unwrap()
}

#[test]
fn passes_of_random_shapes_by_tiles_of_every_kind() {
    let mut random = Random::new();
    let kinds = Tiling::ALL
        .into_iter()
        .zip([(1, Precision::F32), (2, Precision::F32), (1, Precision::F16Weights)].into_iter().cycle());
    let splits =
        kinds.map(|(tiling, (stride, precision))| check(limited_gpu(), &mut random, tiling, stride, precision));
    assert!(splits.max() > Some(1), "nothing was split");
}
