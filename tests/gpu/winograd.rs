//! Winograd's algorithms by themselves, by tiles of both sizes: convolutions of random shapes in every role in which
//! they may be used, against the f64 reference; and whole networks with F(4x4, 3x3), which must be asked for.

use crate::common::compare::relative_l2;
use crate::common::random::Random;
use crate::convolutions::{Case, run, weights};
use crate::{gpu, limited_gpu, random_batch};
use agf::gpu::Gpu;
use agf::graph::{
    Activation, Backward, Binary, Convolution, ConvolutionId, Explain, Forward, Graph, Op, Padding, Part, Shape, Window,
};
use agf::methods::Method;
use agf::models::{Architecture, Model};
use agf::plan::kernel::Shader;
use agf::plan::variant::{Algorithm, WinogradTile};
use agf::plan::{Plan, Profile, Sharing};
use agf::reference::Reference;
use agf::verify::verify_edited;

/// Largest relative L2 distance from f64 of one pass over random values of both signs: five times what was seen in 32
/// draws of shapes, 4e-7 and 2e-6.
fn tolerance(tile: WinogradTile) -> f64 {
    match tile {
        WinogradTile::Two => 2e-6,
        WinogradTile::Four => 1e-5,
    }
}

/// The device with every pass of a plan by this tile that may be, by any kernel that can. The plan is made for the
/// profile that `plan` is given.
pub fn everywhere(gpu: &Gpu, tile: WinogradTile, random: &mut Random, plan: impl Fn(&Profile) -> Plan) -> Gpu {
    let gpu = gpu.with_winograd(Some(tile));
    let shapes = plan(gpu.profile()).dense.into_iter().map(|pass| pass.shape);
    let choose = |shape: agf::plan::variant::PassShape| {
        let mut variants = shape.candidates(gpu.profile());
        variants.retain(|variant| variant.algorithm == Algorithm::Winograd(tile));
        let index = random.uniform(0.0, variants.len() as f64) as usize;
        Some((shape, *variants.get(index)?))
    };
    gpu.with_tuning(shapes.filter_map(choose).collect())
}

/// The same for the explanation of a network of a size.
pub fn everywhere_in(architecture: Architecture, [height, width]: [u32; 2], tile: WinogradTile) -> Gpu {
    let network = architecture.build(height, width, architecture.default_classes()).unwrap();
    let explanation = Method::default().explain(&network, 1).unwrap();
    let outputs = [explanation.maps[0].map];
    let plan = |profile: &Profile| Plan::new(&explanation.graph, &outputs, 1, profile, Sharing::Shared).unwrap();
    everywhere(gpu(), tile, &mut Random::new(), plan)
}

/// A convolution of random channels and padding, in a graph of a random input; and the input's shape.
fn convolution(random: &mut Random) -> (Convolution, Shape) {
    let mut number = |low: u32, high: u32| random.uniform(low.into(), f64::from(high) + 1.0) as u32;
    let shape = Shape::new(number(1, 41), number(3, 23), number(3, 23));
    let padding = Padding { top: number(0, 2), left: number(0, 2), bottom: number(0, 2), right: number(0, 2) };
    let convolution = Convolution {
        name: "convolution".into(),
        input_channels: shape.channels,
        output_channels: number(1, 41),
        window: Window::new([3, 3], 1, padding),
        groups: 1,
        bias: number(0, 1) == 1,
    };
    (convolution, shape)
}

/// A prediction's pass, with batch normalisation and activation behind it or as it is.
fn forward(random: &mut Random) -> (Case, usize) {
    let (convolution, shape) = convolution(random);
    let mut graph = Graph::new();
    let input = graph.input(shape).unwrap();
    let mut output = graph.convolve(convolution, input).unwrap();
    if random.uniform(0.0, 1.0) < 0.7 {
        output = graph.batch_norm("norm", 1e-5, output).unwrap();
        output = graph.add("relu", Forward::Clamp(Activation::RELU6), &[output]).unwrap();
    }
    (Case { graph, input, outputs: vec![output] }, 1)
}

/// An explanation's passes: a gradient, one of a part of the weights, relevance times |x|; and a gated pass whose gate
/// is open, which no tile of Winograd's computes.
fn transposed(random: &mut Random) -> (Case, usize) {
    let (convolution, shape) = convolution(random);
    let Shape { height, width, .. } = shape;
    let mut graph = Graph::new();
    let input = graph.input(shape).unwrap();
    let g = graph.convolve(convolution, input).unwrap();
    let Op::Forward(Forward::Convolve { layer, .. }) = graph.node(g).op else { panic!("it was made a convolution") };
    let back = |layer: ConvolutionId, weight| Backward::ConvolveTranspose { layer, weight, height, width };
    let gradient = graph.add("gradient", back(layer, Part::Full), &[g]).unwrap();
    let positive = graph.add("positive", back(layer, Part::Positive), &[g]).unwrap();
    let relevance = graph.add("bwd(|W|, g)", back(layer, Part::Absolute), &[g]).unwrap();
    let relevance = graph.add("relevance", Binary::MultiplyAbsolute, &[relevance, input]).unwrap();
    let c = graph.add("c", Forward::Clamp(Activation::Relu), &[g]).unwrap();
    let masked = Explain::ConvolveTransposeMasked { layer, height, width };
    let masked = graph.add("masked gradient", masked, &[g, c, gradient]).unwrap();
    (Case { graph, input, outputs: vec![gradient, positive, relevance, masked] }, 3)
}

/// The largest error of a case; it must be within tolerance, with the same bits for a sample in a batch and alone.
fn check(gpu: &Gpu, tile: WinogradTile, random: &mut Random, (case, passes): &(Case, usize)) -> f64 {
    let batch = random.uniform(2.0, 5.0) as u32;
    let shape = case.graph.shape(case.input);
    let values = random.values(batch as usize * shape.elements() as usize);
    let values: Vec<f32> = values.into_iter().map(|value| value as f32).collect();
    let weights = weights(random, &case.graph);
    let plan_of = |batch: u32, profile: &Profile| {
        Plan::new(&case.graph, &case.outputs, batch, profile, Sharing::Separate).unwrap()
    };
    let gpu = everywhere(gpu, tile, random, |profile| plan_of(batch, profile));
    let plan = plan_of(batch, gpu.profile());
    let by_tile = plan.dense.iter().filter(|pass| pass.variant.algorithm == Algorithm::Winograd(tile));
    assert_eq!(by_tile.count(), *passes, "{:?} {shape}", tile);
    let found = pollster::block_on(run(&gpu, case, &weights, plan, &values));

    let reference = Reference::new(&case.graph, &weights).unwrap();
    let mut largest: f64 = 0.0;
    for (sample, picture) in values.chunks(shape.elements() as usize).enumerate() {
        let alone = pollster::block_on(run(&gpu, case, &weights, plan_of(1, gpu.profile()), picture));
        let picture: Vec<f64> = picture.iter().map(|&value| value.into()).collect();
        let exact = reference.run(&picture, &[], &case.outputs).unwrap();
        for ((found, alone), output) in found.iter().zip(&alone).zip(&case.outputs) {
            let name =
                format!("{tile}, {} of {shape}, {:?}", case.graph.node(*output).name, gpu.profile().choices.tuning);
            let found = &found[sample * alone.len()..][..alone.len()];
            assert!(found == alone, "{name}: other bits in a batch");
            let found: Vec<f64> = found.iter().map(|&value| value.into()).collect();
            let error = relative_l2(&found, &exact[output]);
            assert!(error <= tolerance(tile), "{name}: sample {sample} is off by {error:.1e}");
            largest = largest.max(error);
        }
    }
    largest
}

/// Makes cases, each with the number of passes that Winograd's algorithm may compute.
fn check_random_shapes(make: impl Fn(&mut Random) -> (Case, usize)) {
    let mut random = Random::new();
    for (device, tile) in [gpu(), limited_gpu()].into_iter().flat_map(|gpu| TILES.map(|tile| (gpu, tile))) {
        let errors = (0..ROUNDS).map(|_| {
            let case = make(&mut random);
            check(device, tile, &mut random, &case)
        });
        let largest = errors.fold(0.0, f64::max);
        println!("{tile}: at most {largest:.1e}");
        assert!(largest > 0.0, "{tile}: exact results are none of f32");
    }
}

const TILES: [WinogradTile; 2] = [WinogradTile::Two, WinogradTile::Four];
const ROUNDS: usize = 8;

#[test]
fn forward_passes_of_random_shapes() {
    check_random_shapes(forward);
}

#[test]
fn transposed_passes_of_random_shapes() {
    check_random_shapes(transposed);
}

/// Node by node, with the tiles that the planner chooses by itself where it may: large ones in the first layers, small
/// ones or none behind.
#[test]
fn networks_pass_with_large_tiles() {
    use Architecture::{ResNet18, Vgg11, Vgg16Bn};
    for (architecture, count, height, width) in [(Vgg11, 2, 70, 90), (Vgg16Bn, 1, 70, 90), (ResNet18, 1, 96, 112)] {
        let device = everywhere_in(architecture, [height, width], WinogradTile::Four);
        let batch = random_batch(count, height, width);
        let mut large = 0;
        let look = |_, plan: &mut Plan| {
            large =
                plan.steps.iter().filter(|step| step.kernel.shader.file() == Shader::WinogradInput4x4.file()).count();
        };
        let model = Model::synthetic(architecture).unwrap();
        let method = Method::default();
        let verification = pollster::block_on(verify_edited(&device, &model, &method, &batch, look)).unwrap();
        let failure = verification.first_failure.map(|index| &verification.checked[index]);
        assert!(verification.passed(), "{architecture}: {failure:#?}, {} stray words", verification.stray_words);
        assert!(large > 0, "{architecture}: no large tiles");
        println!("{architecture}: {large} transforms, map error {:.1e}", verification.map_error);
    }
}
