//! From groups of nodes to steps: kernel, uniforms, bindings and workgroups of each.

#![deny(clippy::wildcard_enum_match_arm)]

mod convolution;
mod direct;
mod draft;
mod elementwise;
mod explanation;
mod general;
mod grouped;
mod joint;
mod linear;
mod maps;
mod normalization;
mod pooling;
mod reduction;
mod region;
mod sums;
mod tiled;
mod winograd;

use super::fuse::{Group, Saliency};
use super::kernel::{Kernel, Shader};
use super::layout::{QUAD, QUAD_BYTES};
use super::packing::Packing;
use super::uniforms::Uniforms;
use super::{Loads, Profile, Step, Value, ValueId, codes};
use crate::graph::{Backward, Explain, Forward, Graph, Node, NodeId, Op, Part, Reduction, Shape};
pub(super) use draft::Draft;
use draft::UNUSED;
use elementwise::{bias_of, code, normalization};
use pooling::MaxPoolOperation;
pub(super) use sums::MOST_SUMMED;

/// The shaders' own `LANES` and `RUN`.
const LANES: u32 = 64;

/// Makes the steps of one group.
pub(super) struct Lowering<'d, 'a> {
    graph: &'a Graph,
    profile: &'a Profile,
    batch: u32,
    draft: &'d mut Draft<'a>,
    /// The group's name in plans.
    label: String,
    /// The first value that it stores.
    output: NodeId,
}

impl<'d, 'a> Lowering<'d, 'a> {
    /// Appends a group's steps to the plan so far.
    pub fn group(draft: &'d mut Draft<'a>, group: &Group) {
        let Some(&output) = group.outputs().first() else { return };
        let Draft { graph, profile, batch, .. } = *draft;
        let mut lowering = Self { graph, profile, batch, draft, label: label(graph, group), output };
        match *group {
            Group::Chain(ref nodes) | Group::SharedWeights { chain: ref nodes, .. } => lowering.chain(group, nodes[0]),
            Group::Activation(back) => lowering.activation_back(&back),
            Group::FanOut(fan_out) => lowering.fan_out(&fan_out),
            Group::Summands(back) => lowering.summands(&back),
            Group::Pooling { quotient, transpose, product } => {
                lowering.pooling_relevance(quotient, transpose, product);
            }
            Group::Bases(bases) => lowering.factor_bases(&bases),
            Group::Saliency(saliency) => lowering.saliency(&saliency),
            Group::Residual { residual, sum } => lowering.residual_and_sum(residual, sum),
            Group::Sums(ref sums) => lowering.sums(sums),
        }
    }

    fn chain(&mut self, group: &Group, head: NodeId) {
        let node = self.graph.node(head).clone();
        match node.op {
            Op::Forward(op) => self.forward(group, &node, op),
            Op::Backward(op) => self.backward(group, &node, op),
            Op::Explain(op) => self.explain(group, &node, op),
        }
    }

    fn forward(&mut self, group: &Group, node: &Node, op: Forward) {
        match op {
            // The host gives it.
            Forward::Input | Forward::Given { .. } => {}
            Forward::Convolve { layer, .. } => self.convolution(group, node, layer, Part::Full, Part::Full),
            Forward::Linear { layer, bias } => self.linear(group, node, layer, [Part::Full, Part::Full], bias),
            Forward::BatchNorm(id) => self.channel_affine(node, None, normalization(id), codes::AFFINE_SCALE_AND_SHIFT),
            Forward::Clamp(activation) => self.clamp(node, activation, codes::CLAMP_VALUE),
            Forward::Activate(function) => self.activate(node, function, [node.inputs[0], node.inputs[0]], false),
            Forward::ParametricRelu(layer) => {
                self.parametric_relu(node, layer, [node.inputs[0], node.inputs[0]], false);
            }
            Forward::NormalizeResponse(of) => {
                self.normalize_response(node, of, [node.inputs[0], node.inputs[0]], false);
            }
            Forward::NormalizeChannels { epsilon } => {
                self.normalize_channels(node, epsilon, [node.inputs[0], node.inputs[0]], false);
            }
            Forward::MaxPool(window) => self.max_pool(node, window, MaxPoolOperation::Value),
            Forward::AveragePool { .. } => self.average_pool(node, false),
            Forward::AverageWindows(averaging) => self.average_windows(node, averaging, false),
            Forward::Add => self.add(group, node),
            Forward::Subtract => self.elementwise(node, codes::BINARY_SUBTRACT, None),
            Forward::Multiply => self.elementwise(node, codes::BINARY_MULTIPLY, None),
            Forward::Concat => self.concat(node),
            Forward::Slice(region) => self.slice(node, region),
            Forward::Pad { region, .. } => self.pad(node, region),
            Forward::Shuffle { groups } => self.shuffle(node, groups),
            Forward::Transpose(order) => self.transpose(node, order),
            Forward::LogitPair => self.logit_pair(node, false),
            Forward::Against => self.elementwise(node, codes::BINARY_SUBTRACT, None),
            Forward::Normalize => self.normalize(node, false),
        }
    }

    fn backward(&mut self, group: &Group, node: &Node, op: Backward) {
        match op {
            Backward::OneHot => self.one_hot(node),
            Backward::TargetGradient => self.target_gradient(node),
            Backward::ConvolveTranspose { layer, weight, .. } => self.convolution_transpose(group, node, layer, weight),
            Backward::LinearTranspose { layer, weight } => self.linear_transpose(group, node, layer, weight),
            Backward::BatchNormGradient(id) => self.channel_affine(node, None, normalization(id), codes::AFFINE_SCALE),
            Backward::ClampGradient(activation) => self.clamp(node, activation, codes::CLAMP_GRADIENT),
            Backward::ActivateGradient(function) => {
                self.activate(node, function, [node.inputs[1], node.inputs[0]], true);
            }
            Backward::ParametricReluGradient(layer) => {
                self.parametric_relu(node, layer, [node.inputs[1], node.inputs[0]], true);
            }
            Backward::NormalizeResponseGradient(of) => {
                self.normalize_response(node, of, [node.inputs[1], node.inputs[0]], true);
            }
            Backward::NormalizeChannelsGradient { epsilon } => {
                self.normalize_channels(node, epsilon, [node.inputs[1], node.inputs[0]], true);
            }
            Backward::MaxPoolIndex(window) => self.max_pool(node, window, MaxPoolOperation::Index),
            Backward::MaxPoolTranspose { window, .. } => self.max_pool(node, window, MaxPoolOperation::Transpose),
            Backward::AveragePoolTranspose { .. } => self.average_pool(node, true),
            Backward::AverageWindowsTranspose { averaging, .. } => self.average_windows(node, averaging, true),
            Backward::LogitPairGradient => self.logit_pair(node, true),
            Backward::NormalizeGradient => self.normalize(node, true),
            Backward::BiasGradient(bias) => self.channel_affine(node, None, bias_of(bias), codes::AFFINE_SHIFT),
        }
    }

    fn explain(&mut self, group: &Group, node: &Node, op: Explain) {
        match op {
            // The host gives them.
            Explain::ClassRequest { .. } | Explain::VariationRequest(_) => {}
            Explain::ClassIndex => self.class_index(node),
            Explain::LogitRelevance(kind) => self.logit_relevance(node, kind),
            Explain::ConvolveParts { layer, weight, input } => self.convolution(group, node, layer, weight, input),
            Explain::ConvolveTransposeMasked { layer, .. } => self.masked_transpose(node, layer),
            Explain::ConvolveOnes { layer, weight, height, width } => {
                self.convolution_ones(group, node, layer, weight, [height, width]);
            }
            Explain::LinearParts { layer, weight, input } => self.linear(group, node, layer, [weight, input], false),
            Explain::LinearOnes { layer, weight } => self.linear_ones(node, layer, weight),
            Explain::ClampRelevance(activation) => self.clamp(node, activation, codes::CLAMP_RELEVANCE),
            Explain::Unary(unary) => self.unary(node, unary),
            Explain::Binary(binary) => self.elementwise(node, code(binary), None),
            Explain::Reduce(reduction) => self.reduction(node, reduction, 0),
            Explain::SaliencyMaps => self.saliency(&Saliency::of(self.output)),
            Explain::SaliencyMaximum => self.reduction(node, Reduction::Maximum, 1),
            Explain::MaskedSaliency => self.masked_saliency(node),
            Explain::FactorBasis => self.factor_bases(&[self.output]),
            Explain::FactorMaps => self.factor_maps(node),
            Explain::Residual(terms) => self.residual(node, terms, None),
            Explain::Shift => self.rule_step(node, Shader::Shift, ["sum_runs", "count_runs"]),
            Explain::BoxRatio => self.rule_step(node, Shader::BoxRatio, ["minimum_runs", "maximum_runs"]),
            Explain::BoxRelevance => self.rule_step(node, Shader::BoxRelevance, ["minimum_runs", "maximum_runs"]),
            Explain::Noise { seed } => self.noise(node, seed),
            Explain::Resize { .. } => self.resize(node),
            Explain::ChannelSum => self.channel_sum(node, false),
            Explain::ScaledMagnitude => self.channel_sum(node, true),
            Explain::HeatMap => self.heat_map(node),
            Explain::PlainMap { absolute } => self.plain_map(node, absolute),
        }
    }

    fn shape(&self, id: NodeId) -> Shape {
        self.graph.shape(id)
    }

    fn value(&mut self, id: NodeId) -> ValueId {
        self.draft.value(id)
    }

    fn values(&mut self, ids: &[NodeId]) -> Vec<ValueId> {
        ids.iter().map(|&id| self.value(id)).collect()
    }

    /// A value that no node has, for partial results.
    fn scratch(&mut self, name: &str, shape: Shape) -> ValueId {
        self.scratch_bytes(name, shape.bytes() * u64::from(self.batch))
    }

    fn scratch_bytes(&mut self, name: &str, bytes: u64) -> ValueId {
        self.draft.room(Value { name: format!("{} ({name})", self.label), node: None, bytes, within: None })
    }

    /// Appends a step; the last of `values` is what it writes.
    fn push(&mut self, work: Work, weights: Vec<Packing>, values: Vec<ValueId>) {
        self.push_writing(work, weights, values, 1);
    }

    /// Appends a step that writes the last `written` of `values`.
    fn push_writing(&mut self, work: Work, weights: Vec<Packing>, mut values: Vec<ValueId>, written: usize) {
        self.bind_once(&mut values);
        let value_bytes: u64 = values.iter().map(|&value| self.draft.values[value.0].bytes).sum();
        let weight_bytes: u64 = weights.iter().map(|packing| packing.bytes(self.graph)).sum();
        self.draft.steps.push(Step {
            node: self.output,
            label: self.label.clone(),
            kernel: work.kernel,
            uniforms: work.uniforms,
            weights,
            values,
            written,
            workgroups: work.workgroups,
            flops: work.flops,
            bytes: value_bytes + weight_bytes,
        });
    }

    /// Gives every binding bytes of its own, since WebGPU forbids writable bindings of one dispatch to overlap: what is
    /// not used gets a small value each, and what a step reads twice, such as the square's factor, is copied.
    fn bind_once(&mut self, values: &mut [ValueId]) {
        let unused = values.iter_mut().filter(|value| **value == UNUSED);
        unused.zip(0..).for_each(|(value, index)| *value = ValueId(index));
        for index in 1..values.len() {
            if values[..index].contains(&values[index]) {
                values[index] = self.copy(values[index]);
            }
        }
    }

    fn copy(&mut self, value: ValueId) -> ValueId {
        let bytes = self.draft.values[value.0].bytes;
        let copy = self.scratch_bytes("copy", bytes);
        let count = (bytes / QUAD_BYTES / u64::from(self.batch)) as u32;
        let (kernel, workgroups) = self.flat(Kernel::new(Shader::Unary).with("OPERATION", codes::UNARY_SCALE), count);
        let uniforms = Uniforms::new().with("count", count).with("columns", workgroups[0]).with("constant", 1.0);
        // Whatever the value's shape, all lanes are taken.
        let uniforms = uniforms.with("pixels", count).with("channels", QUAD);
        let flops = bytes / 4;
        self.push(Work { kernel, uniforms, workgroups, flops }, Vec::new(), vec![value, copy]);
        copy
    }

    /// A kernel whose lanes go through every pixel and channel quad of `shape`, and its workgroups.
    fn per_quad(&self, kernel: Kernel, shape: Shape) -> (Kernel, [u32; 3]) {
        let (kernel, run) = self.in_runs(kernel, self.profile.strategy.run);
        (kernel, [shape.pixels().div_ceil(run), shape.quads(), self.batch])
    }

    /// The same of every pixel of `shape`, each with all of its channels.
    fn per_pixel(&self, kernel: Kernel, shape: Shape) -> (Kernel, [u32; 3]) {
        let (kernel, run) = self.in_runs(kernel, self.profile.strategy.pixel_run);
        (kernel, [shape.pixels().div_ceil(run), 1, self.batch])
    }

    /// The same of `count` vec4 of each sample, in as many rows of workgroups as the limit asks for.
    fn flat(&self, kernel: Kernel, count: u32) -> (Kernel, [u32; 3]) {
        let (kernel, run) = self.in_runs(kernel, self.profile.strategy.run);
        let groups = count.div_ceil(run);
        let columns = groups.min(self.profile.facts.max_workgroups);
        (kernel, [columns, groups.div_ceil(columns), self.batch])
    }

    /// Of a shader's two forms, with quads of floats and of integers of 64 bits, the one that is faster here.
    fn form(&self, f32: Shader, u64: Shader) -> Shader {
        match self.profile.strategy.loads {
            Loads::Floats => f32,
            Loads::Integers64 => u64,
        }
    }

    /// A kernel with the strategy's lanes.
    fn with_lanes(&self, kernel: Kernel) -> (Kernel, u32) {
        let lanes = self.profile.strategy.lanes;
        (if lanes == LANES { kernel } else { kernel.with("LANES", lanes) }, lanes)
    }

    /// A kernel whose workgroups go through a run of so many elements each.
    fn in_runs(&self, kernel: Kernel, run: u32) -> (Kernel, u32) {
        let (kernel, _) = self.with_lanes(kernel);
        (if run == LANES { kernel } else { kernel.with("RUN", run) }, run)
    }

    /// The node's own elements times the batch, times `per_element`.
    fn elements(&self, node: &Node, per_element: u64) -> u64 {
        node.shape.elements() * u64::from(self.batch) * per_element
    }
}

/// What a step runs.
struct Work {
    kernel: Kernel,
    uniforms: Uniforms,
    workgroups: [u32; 3],
    flops: u64,
}

/// Names of a group's nodes: those of a chain, else those whose values are stored.
fn label(graph: &Graph, group: &Group) -> String {
    let names = |nodes: &[NodeId], between: &str| {
        nodes.iter().map(|&id| graph.node(id).name.as_str()).collect::<Vec<_>>().join(between)
    };
    match group {
        Group::Chain(nodes) => names(nodes, " + "),
        Group::SharedWeights { chain, partner } => format!("{} & {}", names(chain, " + "), names(&[*partner], "")),
        Group::Activation(_)
        | Group::FanOut(_)
        | Group::Summands(_)
        | Group::Pooling { .. }
        | Group::Bases(_)
        | Group::Saliency(_)
        | Group::Residual { .. }
        | Group::Sums(_) => names(&group.outputs(), " & "),
    }
}

/// Whether anything goes back through the network.
fn goes_back(graph: &Graph, live: &[bool]) -> bool {
    let is_transpose = |id: NodeId| matches!(graph.node(id).op, Op::Backward(op) if op.is_heavy());
    graph.ids().filter(|id| live[id.index()]).any(is_transpose)
}
