//! Every variant of the dense kernels on a fixed list of layers: which are fast on an adapter, and whether all compute
//! the same.

use super::Summary;
use super::probes::Probes;
use super::summary::Repeats;
use crate::error::Error;
use crate::gpu::{Clock, Gpu, Program, WeightStore};
use crate::graph::{Backward, Convolution, Forward, Graph, NodeId, Op, Part, Shape, Window};
use crate::models::weights::Weights;
use crate::plan::variant::{DensePass, Tuning, Variant};
use crate::plan::{Plan, Sharing};

/// A convolution that is measured in both directions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
pub struct LayerShape {
    /// A network that has it.
    pub network: &'static str,
    /// Channels that it reads.
    pub input_channels: u32,
    /// Channels that it writes.
    pub output_channels: u32,
    /// Rows, and columns, of the kernel.
    pub kernel: u32,
    /// Stride.
    pub stride: u32,
    /// Rows, and columns, that it reads, where the network's input has 224.
    pub side: u32,
}

const fn layer(network: &'static str, channels: [u32; 2], [kernel, stride]: [u32; 2], side: u32) -> LayerShape {
    let [input_channels, output_channels] = channels;
    LayerShape { network, input_channels, output_channels, kernel, stride, side }
}

/// The layers: 12 convolutions, 24 shapes of passes.
pub const LAYERS: [LayerShape; 12] = [
    layer("vgg19", [3, 64], [3, 1], 224),
    layer("vgg19", [64, 64], [3, 1], 224),
    layer("vgg19", [128, 128], [3, 1], 112),
    layer("vgg19", [256, 256], [3, 1], 56),
    layer("vgg19", [512, 512], [3, 1], 28),
    layer("vgg19", [512, 512], [3, 1], 14),
    layer("resnet50", [3, 64], [7, 2], 224),
    layer("resnet50", [64, 256], [1, 1], 56),
    layer("resnet50", [128, 128], [3, 2], 56),
    layer("resnet50", [1024, 256], [1, 1], 14),
    layer("resnet50", [512, 512], [3, 1], 7),
    layer("efficientnet_lite0", [144, 24], [1, 1], 56),
];

/// What was measured of all layers.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Variants {
    /// What was measured with.
    pub clock: Clock,
    /// FMA probe, 1e9 floating-point operations per second.
    pub fma_probe: Summary,
    /// Layers in the order of [`LAYERS`], of each the forward pass as an explanation has it and the transpose.
    pub passes: Vec<PassVariants>,
}

/// The variants of one pass of a layer.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct PassVariants {
    /// The layer.
    pub layer: LayerShape,
    /// The pass.
    pub shape: String,
    /// Floating-point operations of a direct sum.
    pub flops: u64,
    /// The default first.
    pub variants: Vec<VariantTime>,
}

/// One variant of a pass.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct VariantTime {
    /// The variant.
    pub variant: String,
    /// Dispatches.
    pub steps: usize,
    /// Milliseconds of all its dispatches.
    pub milliseconds: Summary,
    /// 1e9 operations of a direct sum per second, from the median.
    pub gflops: f64,
    /// The same over the FMA probe's.
    pub share_of_fma: f64,
    /// Relative L2 distance of its result from the default's; NaN where either is not finite.
    pub difference: f64,
}

/// A layer's graph: the forward pass, and the transpose of its result.
struct Case {
    layer: LayerShape,
    graph: Graph,
    input: NodeId,
    outputs: [NodeId; 2],
    weights: Weights,
}

/// Times every variant of every layer, for a network's input of `size` rows and columns, and compares their results
/// with the default's.
///
/// # Errors
/// [`Error`] where a layer does not fit the device, or the GPU fails.
pub async fn measure_variants(
    gpu: &Gpu,
    size: [u32; 2],
    repeats: Repeats,
    mut progress: impl FnMut(),
) -> Result<Variants, Error> {
    let gpu = gpu.with_tuning(Tuning::new());
    let probes = Probes::new(&gpu).await?;
    let (mut fma, mut passes) = (Vec::new(), Vec::new());
    for layer in LAYERS {
        fma.push(probes.fma().await?);
        passes.extend(Case::new(layer, size)?.measure(&gpu, repeats).await?);
        progress();
    }
    let fma_probe = Summary::of(fma);
    for time in passes.iter_mut().flat_map(|pass| &mut pass.variants) {
        time.share_of_fma = time.gflops / fma_probe.median;
    }
    Ok(Variants { clock: gpu.clock(), fma_probe, passes })
}

impl Case {
    fn new(layer: LayerShape, [height, width]: [u32; 2]) -> Result<Self, Error> {
        let scaled = |size: u32| (layer.side * size).div_ceil(224).max(layer.kernel);
        let shape = Shape::new(layer.input_channels, scaled(height), scaled(width));
        let mut graph = Graph::new();
        let input = graph.input(shape)?;
        let convolution = Convolution {
            name: "layer".into(),
            input_channels: layer.input_channels,
            output_channels: layer.output_channels,
            window: Window::square(layer.kernel, layer.stride, layer.kernel / 2),
            groups: 1,
            bias: false,
        };
        let forward = graph.convolve(convolution, input)?;
        let mut outputs = [forward; 2];
        if let Op::Forward(Forward::Convolve { layer, .. }) = graph.node(forward).op {
            let Shape { height, width, .. } = shape;
            let back = Backward::ConvolveTranspose { layer, weight: Part::Full, height, width };
            outputs[1] = graph.add("transpose", back, &[forward])?;
        }
        let weights = Weights::synthetic(&graph.parameters());
        Ok(Self { layer, graph, input, outputs, weights })
    }

    /// Both passes with their first, second, ... variants, until the one with more variants has no more.
    async fn measure(&self, gpu: &Gpu, repeats: Repeats) -> Result<Vec<PassVariants>, Error> {
        let mut store = WeightStore::default();
        let plan = Plan::new(&self.graph, &self.outputs, 1, gpu.profile(), Sharing::Shared)?;
        let variants: Vec<Vec<Variant>> = plan.dense.iter().map(|pass| default_first(pass, gpu)).collect();
        let mut measured: Vec<PassVariants> = plan.dense.iter().map(|pass| self.not_measured(pass)).collect();
        let mut defaults = Vec::new();
        for round in 0..variants.iter().map(Vec::len).max().unwrap_or(0) {
            let choice = |(pass, variants): (&DensePass, &Vec<Variant>)| Some((pass.shape, *variants.get(round)?));
            let gpu = gpu.with_tuning(plan.dense.iter().zip(&variants).filter_map(choice).collect());
            let program = self.program(&gpu, &mut store).await?;
            program.submit().await?;
            let results = program.read(&self.graph, &self.outputs).await?;
            if round == 0 {
                defaults.clone_from(&results);
            }
            for (index, pass) in measured.iter_mut().enumerate() {
                let Some(variant) = variants.get(index).and_then(|variants| variants.get(round)) else { continue };
                let mut time = time(&program, index, variant, repeats, pass.flops).await?;
                time.difference = match (defaults.get(index), results.get(index)) {
                    (Some(default), Some(result)) => difference(default, result),
                    _ => f64::NAN,
                };
                pass.variants.push(time);
            }
        }
        Ok(measured)
    }

    async fn program(&self, gpu: &Gpu, store: &mut WeightStore) -> Result<Program, Error> {
        let plan = Plan::new(&self.graph, &self.outputs, 1, gpu.profile(), Sharing::Shared)?;
        store.upload(gpu, &self.graph, &self.weights, &plan.packings()).await?;
        let program = Program::new(gpu, plan, store).await?;
        let elements = self.graph.shape(self.input).elements() as u32;
        // Values from -1 to 1, the same on every machine.
        let value = |at: u32| (at.wrapping_mul(2_654_435_761) >> 8) as f32 / (1 << 23) as f32 - 1.0;
        let values: Vec<f32> = (0..elements).map(value).collect();
        program.write(&self.graph, self.input, &values)?;
        Ok(program)
    }

    fn not_measured(&self, pass: &DensePass) -> PassVariants {
        let LayerShape { input_channels, output_channels, kernel, .. } = self.layer;
        let forward = self.graph.shape(self.outputs[0]);
        // Two operations per weight and pixel of the forward pass's result, in either direction.
        let per_pixel = 2 * u64::from(input_channels * output_channels * kernel * kernel);
        let flops = per_pixel * u64::from(forward.height) * u64::from(forward.width);
        PassVariants { layer: self.layer, shape: pass.shape.to_string(), flops, variants: Vec::new() }
    }
}

fn default_first(pass: &DensePass, gpu: &Gpu) -> Vec<Variant> {
    let mut others = pass.shape.candidates(gpu.profile());
    others.retain(|variant| *variant != pass.variant);
    [vec![pass.variant], others].concat()
}

/// A dense pass of a program that has run before.
async fn time(
    program: &Program,
    index: usize,
    variant: &Variant,
    repeats: Repeats,
    flops: u64,
) -> Result<VariantTime, Error> {
    let steps = program.plan().dense.get(index).map_or(0..0, |pass| pass.steps.clone());
    let mut times = Vec::new();
    for _ in repeats.rounds() {
        times.push(program.time_steps(steps.clone()).await?.milliseconds.iter().sum());
    }
    let milliseconds = Summary::of(times);
    // A clock may be too coarse for the shortest steps.
    let gflops = flops as f64 / 1e6 / milliseconds.median.max(1e-6);
    let (share_of_fma, difference) = (f64::NAN, f64::NAN);
    Ok(VariantTime { variant: variant.to_string(), steps: steps.len(), milliseconds, gflops, share_of_fma, difference })
}

/// Relative L2 distance.
fn difference(expected: &[f32], found: &[f32]) -> f64 {
    let squares = |sum: f64, value: f64| sum + value * value;
    let distance = expected.iter().zip(found).map(|(&a, &b)| f64::from(a) - f64::from(b)).fold(0.0, squares);
    let norm = expected.iter().map(|&value| f64::from(value)).fold(0.0, squares);
    (distance / norm).sqrt()
}
