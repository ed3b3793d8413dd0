//! Convolutions of every geometry against the f64 reference, node by node: groups, dilation, two strides, uneven
//! padding and kernels.

use crate::{gpu, limited_gpu, random_batch};
use agf::gpu::Gpu;
use agf::graph::{Activation, Convolution, Forward, Graph, GraphError, Network, Padding, Shape, Window};
use agf::image::InputSpec;
use agf::methods::Method;
use agf::methods::relevance::Preset;
use agf::models::weights::Weights;
use agf::models::{Architecture, Model, Recipe};
use agf::plan::kernel::Shader;
use agf::plan::{Block, Plan, Profile, Sharing, Strategy};
use agf::verify::verify;

const NONE: Padding = Padding::all(0);
const UNEVEN: Padding = Padding { top: 0, left: 2, bottom: 3, right: 1 };

/// A convolution between others.
#[derive(Clone, Copy, Debug)]
struct Geometry {
    channels: [u32; 2],
    groups: u32,
    window: Window,
}

const fn geometry(
    channels: [u32; 2],
    groups: u32,
    kernel: [u32; 2],
    stride: [u32; 2],
    dilation: [u32; 2],
    padding: Padding,
) -> Geometry {
    Geometry { channels, groups, window: Window { kernel, stride, dilation, padding } }
}

const GEOMETRIES: [Geometry; 13] = [
    geometry([6, 10], 2, [3, 3], [1, 1], [1, 1], Padding::all(1)),
    geometry([6, 9], 3, [3, 3], [2, 2], [1, 1], UNEVEN),
    geometry([9, 6], 3, [1, 1], [1, 1], [1, 1], NONE),
    geometry([16, 8], 2, [3, 3], [1, 1], [1, 1], Padding::all(1)),
    geometry([5, 10], 5, [3, 3], [1, 1], [1, 1], Padding::all(1)),
    geometry([5, 5], 5, [3, 3], [1, 1], [2, 2], Padding::all(2)),
    geometry([7, 7], 7, [3, 2], [2, 1], [1, 1], UNEVEN),
    geometry([5, 6], 1, [3, 3], [1, 1], [2, 2], Padding::all(2)),
    geometry([5, 6], 1, [3, 3], [2, 2], [3, 1], UNEVEN),
    geometry([5, 6], 1, [3, 3], [2, 1], [1, 1], Padding::all(1)),
    geometry([6, 6], 2, [2, 3], [1, 3], [3, 2], UNEVEN),
    geometry([5, 7], 1, [1, 7], [1, 1], [1, 1], Padding { top: 0, left: 3, bottom: 0, right: 3 }),
    geometry([3, 5], 1, [8, 8], [2, 2], [1, 1], UNEVEN),
];

impl Geometry {
    fn is_tuned(&self) -> bool {
        let [inputs, outputs] = self.channels;
        let is_plain = self.window.stride[0] == self.window.stride[1] && self.window.dilation == [1, 1];
        let is_depthwise = self.groups == inputs && self.groups == outputs;
        let is_of_quads = [inputs, outputs].iter().all(|channels| (channels / self.groups).is_multiple_of(4));
        is_plain && (self.groups == 1 || is_depthwise || is_of_quads)
    }

    fn network(&self, height: u32, width: u32) -> Result<Network, GraphError> {
        let mut graph = Graph::new();
        let input = graph.input(Shape::new(3, height, width))?;
        let [input_channels, output_channels] = self.channels;
        let first = Convolution {
            name: "first".into(),
            input_channels: 3,
            output_channels: input_channels,
            window: Window { stride: [1, 2], ..Window::square(3, 1, 1) },
            groups: 1,
            bias: false,
        };
        let x = graph.convolve(first, input)?;
        let x = graph.batch_norm("first norm", 1e-3, x)?;
        let x = graph.add("first relu", Forward::Clamp(Activation::Relu), &[x])?;
        let dilated = Window { stride: [1, 1], dilation: [2, 1], ..Window::square(2, 1, 0) };
        let x = graph.add("pool", Forward::MaxPool(dilated), &[x])?;
        let (window, groups, bias) = (self.window, self.groups, true);
        let name = "geometry".to_string();
        let layer = Convolution { name, input_channels, output_channels, window, groups, bias };
        let x = graph.convolve(layer, x)?;
        let x = graph.add("relu", Forward::Clamp(Activation::RELU6), &[x])?;
        let x = graph.add("mean", Forward::AveragePool { height: 1, width: 1 }, &[x])?;
        let logits = graph.linear_without_bias("last", 4, x)?;
        Network::new(graph, input, logits)
    }

    fn model(self) -> Model {
        let input = InputSpec { height: 24, width: 21, ..Architecture::TinyVgg.recipe(10).unwrap().input_spec() };
        let recipe = Recipe::new("geometry", input, move |height, width| self.network(height, width)).unwrap();
        let weights = Weights::synthetic(recipe.parameters());
        Model::new(recipe, weights, "synthetic".into())
    }
}

/// Kernels of the sizes that 8 lanes can keep, and of larger ones, by three strides.
const DEPTHWISE: [Geometry; 9] = [
    geometry([6, 6], 6, [1, 1], [1, 1], [1, 1], NONE),
    geometry([9, 9], 9, [1, 1], [2, 2], [1, 1], NONE),
    geometry([6, 6], 6, [2, 3], [1, 1], [1, 1], UNEVEN),
    geometry([6, 6], 6, [3, 3], [2, 2], [1, 1], Padding::all(1)),
    geometry([5, 5], 5, [5, 5], [1, 1], [1, 1], Padding::all(2)),
    geometry([5, 5], 5, [5, 6], [2, 2], [1, 1], UNEVEN),
    geometry([4, 4], 4, [5, 5], [3, 3], [1, 1], UNEVEN),
    geometry([6, 6], 6, [7, 7], [1, 1], [1, 1], Padding::all(3)),
    geometry([6, 6], 6, [6, 4], [2, 2], [1, 1], Padding::all(1)),
];

/// Groups of whole quads, likewise.
const GROUPED: [Geometry; 6] = [
    geometry([8, 16], 2, [1, 1], [1, 1], [1, 1], NONE),
    geometry([16, 8], 2, [3, 3], [1, 1], [1, 1], Padding::all(1)),
    geometry([12, 12], 3, [3, 3], [2, 2], [1, 1], Padding::all(1)),
    geometry([8, 24], 2, [2, 5], [1, 1], [1, 1], UNEVEN),
    geometry([16, 8], 2, [5, 6], [2, 2], [1, 1], UNEVEN),
    geometry([8, 8], 2, [3, 7], [3, 3], [1, 1], Padding::all(3)),
];

fn check(gpu: &Gpu, method: &Method, count: u32) {
    check_all(&GEOMETRIES, gpu, method, count);
}

fn check_all(geometries: &[Geometry], gpu: &Gpu, method: &Method, count: u32) {
    for geometry in geometries {
        let batch = random_batch(count, 24, 21);
        let verification = pollster::block_on(verify(gpu, &geometry.model(), method, &batch)).unwrap();
        let failure = verification.first_failure.map(|index| &verification.checked[index]);
        let words = verification.stray_words;
        assert!(verification.passed(), "{geometry:?} {method}: {failure:#?}, {words} stray words");
    }
}

/// Pixels that a lane computes together are those of other rows and columns in every phase of a transpose.
fn check_blocks(geometries: &[Geometry], blocks: &[Block]) {
    check_all(geometries, gpu(), &Method::default(), 2);
    for &lane_block in blocks {
        let strategy = Strategy { lane_block, enough_lanes: 0, ..Strategy::GRAPHICS_CARD };
        check_all(geometries, &gpu().with_strategy(strategy), &Method::default(), 1);
    }
}

#[test]
fn depthwise_kernels_pass_by_all_blocks() {
    let [one, four] = [1, 4].map(|columns| Block { rows: 2, columns });
    check_blocks(&DEPTHWISE, &[Block::PIXEL, Block { rows: 1, ..four }, one, four]);
}

#[test]
fn grouped_kernels_pass_by_all_blocks() {
    check_blocks(&GROUPED, &[Block::PIXEL, Block { rows: 1, columns: 4 }]);
}

#[test]
fn every_geometry_passes_with_agf() {
    check(gpu(), &Method::default(), 2);
}

#[test]
fn every_geometry_passes_with_lrp() {
    check(gpu(), &Method::Relevance(Preset::LrpAb), 1);
}

#[test]
fn every_geometry_passes_with_webgpus_limits() {
    check(limited_gpu(), &Method::default(), 3);
}

/// Grouped convolutions have no products of zeros, and what the dense and the depthwise kernel can do stays with them.
#[test]
fn tuned_kernels_keep_what_they_can_do() {
    for geometry in GEOMETRIES {
        let network = geometry.network(24, 21).unwrap();
        let plan = Plan::new(&network.graph, &[network.logits], 1, &Profile::WEBGPU, Sharing::Shared).unwrap();
        let is_general = |label: &str| {
            let step = plan.steps.iter().find(|step| step.label.starts_with(label)).unwrap();
            step.kernel.shader == Shader::ConvolutionGeneral
        };
        assert!(is_general("first"), "strides of 1 and 2");
        assert_eq!(is_general("geometry"), !geometry.is_tuned(), "{geometry:?}");
    }
}
