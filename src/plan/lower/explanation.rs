//! The operations that only explanations have: target, factorization, residual, box rule, map.

use super::{LANES, Lowering, UNUSED, Work};
use crate::graph::{Explain, LogitRelevance, Node, NodeId, Op, ResidualTerms, Shape};
use crate::plan::fuse::Saliency;
use crate::plan::kernel::{Kernel, Shader};
use crate::plan::layout::QUAD_BYTES;
use crate::plan::memory::ALIGNMENT;
use crate::plan::uniforms::Uniforms;
use crate::plan::{Value, ValueId, codes};

/// Runs of pixels at most, in each of which the largest values of a layer are found.
const MOST_RUNS: u32 = 64;

impl Lowering<'_, '_> {
    pub(super) fn class_index(&mut self, node: &Node) {
        let logits = self.shape(node.inputs[0]);
        let workgroups = [logits.channels.div_ceil(LANES), 1, self.batch];
        self.step(node, (Kernel::new(Shader::ClassIndex), workgroups), classes(logits), 4);
    }

    pub(super) fn target_gradient(&mut self, node: &Node) {
        self.step(node, self.per_sample(Shader::TargetGradient), classes(node.shape), 8 * EXPONENTIAL);
    }

    pub(super) fn logit_relevance(&mut self, node: &Node, kind: LogitRelevance) {
        let uniforms = classes(node.shape).with("kind", relevance_code(kind));
        self.step(node, self.per_sample(Shader::LogitRelevance), uniforms, 4);
    }

    /// Maps of a layer, and partial results of what is asked for besides: each kind behind the other, in a part of its
    /// own.
    pub(super) fn saliency(&mut self, saliency: &Saliency) {
        let graph = self.graph;
        let node = graph.node(saliency.maps);
        let shape = self.shape(node.inputs[0]);
        let (kernel, lanes) = self.with_lanes(Kernel::new(Shader::SaliencyMaps));
        let (kernel, pixels) = self.with_channel_lanes(kernel, lanes, shape);
        let least = if pixels == lanes { self.profile.strategy.pixel_run } else { pixels };
        let run = shape.pixels().div_ceil(MOST_RUNS).next_multiple_of(pixels).max(least);
        let runs = shape.pixels().div_ceil(run);
        let stride = (runs * self.batch).next_multiple_of(ALIGNMENT as u32 / QUAD_BYTES as u32);
        let part = u64::from(stride) * QUAD_BYTES;
        let found = self.scratch_bytes("found", 4 * part);
        for (id, offset) in saliency.reductions().into_iter().zip((0..).step_by(part as usize)) {
            let Some(id) = id else { continue };
            let (name, bytes) = (graph.node(id).name.clone(), u64::from(runs * self.batch) * QUAD_BYTES);
            let value = self.draft.room(Value { name, node: None, bytes, within: Some((found, offset)) });
            self.draft.partials.insert(id, (value, runs));
        }
        let masked = saliency.largest_masked.map(|id| graph.node(id).inputs[0]);
        let uniforms = pixels_and_quads(shape)
            .with("channels", shape.channels)
            .with("per_channel", self.shape(node.inputs[2]) != shape)
            .with("has_masked", masked.is_some())
            .with("run", run)
            .with("runs", runs)
            .with("stride", stride);
        let mut values = self.values(&node.inputs);
        values.push(masked.map_or(UNUSED, |masked| self.value(masked)));
        values.extend([found, self.value(saliency.maps)]);
        let flops = shape.elements() * u64::from(self.batch) * 8;
        self.push_writing(Work { kernel, uniforms, workgroups: [runs, 1, self.batch], flops }, Vec::new(), values, 2);
    }

    /// A kernel of so many lanes of which as many share a pixel's channels as may, as long as there are no more
    /// workgroups than partial results should be; and how many pixels a workgroup has at a time.
    fn with_channel_lanes(&self, kernel: Kernel, lanes: u32, shape: Shape) -> (Kernel, u32) {
        let is_useful = |&sharing: &u32| {
            let is_allowed = sharing <= self.profile.strategy.channel_lanes.min(lanes);
            is_allowed && sharing <= shape.quads() && shape.pixels() * sharing <= MOST_RUNS * lanes
        };
        match [64, 16, 4].into_iter().find(is_useful) {
            Some(sharing) => (kernel.with("CHANNEL_LANES", sharing), lanes / sharing),
            None => (kernel, lanes),
        }
    }

    pub(super) fn masked_saliency(&mut self, node: &Node) {
        let work = self.per_quad(Kernel::new(Shader::MaskedSaliency), node.shape);
        self.step(node, work, pixels_and_quads(node.shape), 4);
    }

    /// Means of one value, or of two over the pixels of the same map.
    pub(super) fn factor_bases(&mut self, bases: &[NodeId]) {
        let graph = self.graph;
        let (first, second) = (graph.node(bases[0]), bases.get(1).map(|&id| graph.node(id)));
        let shape = self.shape(first.inputs[0]);
        let (value, (maximum, maximum_runs)) = (self.value(first.inputs[0]), self.partials(first.inputs[1]));
        let mut values = vec![value, maximum];
        let mut second_runs = 0;
        match second {
            Some(second) => {
                let (maximum, runs) = self.partials(second.inputs[1]);
                second_runs = runs;
                values.extend([self.value(second.inputs[0]), maximum]);
            }
            None => values.extend([UNUSED; 2]),
        }
        values.push(self.value(first.inputs[2]));
        values.push(bases.get(1).map_or(UNUSED, |&id| self.value(id)));
        values.push(self.value(bases[0]));
        let uniforms = Uniforms::new()
            .with("pixels", shape.pixels())
            .with("quads", shape.quads())
            .with("channels", shape.channels)
            .with("samples", self.batch)
            .with("maximum_runs", maximum_runs)
            .with("second_runs", second_runs);
        let count = bases.len() as u32;
        let workgroups = [1, shape.quads(), self.batch * count];
        let flops = shape.elements() * u64::from(self.batch * count) * (EXPONENTIAL + 6);
        let kernel = Kernel::new(Shader::FactorBasis);
        let has_more_lanes = self.profile.strategy.reduction_lanes > LANES;
        let kernel = if has_more_lanes { self.with_reduction_lanes(kernel) } else { kernel };
        self.push_writing(Work { kernel, uniforms, workgroups, flops }, Vec::new(), values, bases.len());
    }

    pub(super) fn factor_maps(&mut self, node: &Node) {
        let shape = self.shape(node.inputs[0]);
        let lanes = self.profile.strategy.lanes;
        let (kernel, pixels) = self.with_channel_lanes(Kernel::new(Shader::FactorMaps), lanes, shape);
        let run = if pixels == lanes { self.profile.strategy.pixel_run } else { pixels };
        let (kernel, run) = self.in_runs(kernel, run);
        let workgroups = [shape.pixels().div_ceil(run), 1, self.batch];
        let [input_runs, gradient_runs] = [1, 4].map(|index| self.partials(node.inputs[index]).1);
        let uniforms = pixels_and_quads(shape).with("input_runs", input_runs).with("gradient_runs", gradient_runs);
        self.step(node, (kernel, workgroups), uniforms, 4 * EXPONENTIAL + 4);
    }

    /// A residual and its sum.
    pub(super) fn residual_and_sum(&mut self, residual: NodeId, sum: NodeId) {
        let graph = self.graph;
        let node = graph.node(residual);
        if let Op::Explain(Explain::Residual(terms)) = node.op {
            self.residual(node, terms, Some(sum));
        }
    }

    /// A residual, and partial results of its sum, whoever may read them.
    pub(super) fn residual(&mut self, node: &Node, terms: ResidualTerms, sum: Option<NodeId>) {
        let count = node.shape.vectors();
        let (run, runs) = self.profile.strategy.cut(count);
        let sums = self.scratch("sum", Shape::new(1, 1, runs));
        if let Some(sum) = sum {
            self.draft.partials.insert(sum, (sums, runs));
        }
        let uniforms = Uniforms::new()
            .with("pixels", node.shape.pixels())
            .with("count", count)
            .with("run", run)
            .with("runs", runs);
        let uniforms = residual_uniforms(uniforms, terms).with("maximum_runs", self.partials(node.inputs[3]).1);
        let mut values: Vec<ValueId> = node.inputs.iter().map(|&id| self.partials(id).0).collect();
        values.extend([sums, self.value(self.output)]);
        let kernel = self.with_reduction_lanes(Kernel::new(Shader::Residual));
        let flops = self.elements(node, EXPONENTIAL + 7);
        self.push_writing(Work { kernel, uniforms, workgroups: [runs, 1, self.batch], flops }, Vec::new(), values, 2);
    }

    /// A step of a rule whose lanes go through the elements of the first input, whatever pixel they belong to. Of its
    /// last two inputs it folds partial results, whose numbers have these names.
    pub(super) fn rule_step(&mut self, node: &Node, shader: Shader, runs: [&'static str; 2]) {
        let shape = self.shape(node.inputs[0]);
        let count = shape.vectors();
        let work = self.flat(Kernel::new(shader), count);
        let uniforms = Uniforms::new().with("count", count).with("columns", work.1[0]);
        let folded = node.inputs[node.inputs.len() - 2..].iter().zip(runs);
        let uniforms = folded.fold(uniforms, |uniforms, (&id, name)| uniforms.with(name, self.partials(id).1));
        self.step(node, work, uniforms, 4);
    }

    pub(super) fn heat_map(&mut self, node: &Node) {
        let shape = self.shape(node.inputs[0]);
        let work = self.per_pixel(Kernel::new(Shader::HeatMap), shape);
        self.step(node, work, pixels_and_quads(shape), 4);
    }

    fn per_sample(&self, shader: Shader) -> (Kernel, [u32; 3]) {
        (Kernel::new(shader), [1, 1, self.batch])
    }

    /// Appends a step of so many operations per element of the first input.
    fn step(&mut self, node: &Node, (kernel, workgroups): (Kernel, [u32; 3]), uniforms: Uniforms, per_element: u64) {
        let mut values: Vec<ValueId> = node.inputs.iter().map(|&id| self.partials(id).0).collect();
        values.push(self.value(self.output));
        let flops = self.shape(node.inputs[0]).elements() * u64::from(self.batch) * per_element;
        self.push(Work { kernel, uniforms, workgroups, flops }, Vec::new(), values);
    }
}

/// Operations that an exponential counts as.
const EXPONENTIAL: u64 = 10;

fn pixels_and_quads(shape: Shape) -> Uniforms {
    Uniforms::new().with("pixels", shape.pixels()).with("quads", shape.quads())
}

fn classes(logits: Shape) -> Uniforms {
    Uniforms::new().with("classes", logits.channels).with("quads", logits.quads())
}

/// The shader's number for a relevance of logits.
fn relevance_code(kind: LogitRelevance) -> u32 {
    match kind {
        LogitRelevance::Target => codes::LOGIT_TARGET,
        LogitRelevance::Others => codes::LOGIT_OTHERS,
        LogitRelevance::SoftmaxTarget => codes::LOGIT_SOFTMAX_TARGET,
        LogitRelevance::SoftmaxOthers => codes::LOGIT_SOFTMAX_OTHERS,
    }
}

fn residual_uniforms(uniforms: Uniforms, terms: ResidualTerms) -> Uniforms {
    uniforms
        .with("factor_x", terms.factor_x)
        .with("saliency", terms.saliency)
        .with("normalized", terms.normalized)
        .with("regularized", terms.regularized)
        .with("factor_dx", terms.factor_dx)
        .with("agnostic", terms.agnostic)
}
