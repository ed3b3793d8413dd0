//! The operations that only explanations have: target, factorization, residual, box rule, map.

use super::{Lowering, Work};
use crate::graph::{LogitRelevance, Node, NodeId, ResidualTerms, Shape};
use crate::plan::kernel::{Kernel, Shader};
use crate::plan::uniforms::Uniforms;
use crate::plan::{ValueId, codes};

impl Lowering<'_> {
    pub(super) fn class_index(&mut self, node: &Node) {
        let logits = self.shape(node.inputs[0]);
        self.step(node, self.per_sample(Shader::ClassIndex), classes(logits), 4);
    }

    pub(super) fn target_gradient(&mut self, node: &Node) {
        self.step(node, self.per_sample(Shader::TargetGradient), classes(node.shape), 8 * EXPONENTIAL);
    }

    pub(super) fn logit_relevance(&mut self, node: &Node, kind: LogitRelevance) {
        let uniforms = classes(node.shape).with("kind", relevance_code(kind));
        self.step(node, self.per_sample(Shader::LogitRelevance), uniforms, 4);
    }

    pub(super) fn saliency_maps(&mut self, node: &Node) {
        let shape = self.shape(node.inputs[0]);
        let per_channel = self.shape(node.inputs[2]) != shape;
        let uniforms = pixels_and_quads(shape).with("channels", shape.channels).with("per_channel", per_channel);
        self.step(node, self.per_pixel(Kernel::new(Shader::SaliencyMaps), shape), uniforms, 4);
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
            None => values.extend([self.unused; 2]),
        }
        values.push(self.value(first.inputs[2]));
        values.push(bases.get(1).map_or(self.unused, |&id| self.value(id)));
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
        self.push_writing(Work { kernel, uniforms, workgroups, flops }, Vec::new(), values, bases.len());
    }

    pub(super) fn factor_maps(&mut self, node: &Node) {
        let shape = self.shape(node.inputs[0]);
        let work = self.per_pixel(Kernel::new(Shader::FactorMaps), shape);
        let [input_runs, gradient_runs] = [1, 4].map(|index| self.partials(node.inputs[index]).1);
        let uniforms = pixels_and_quads(shape).with("input_runs", input_runs).with("gradient_runs", gradient_runs);
        self.step(node, work, uniforms, 4 * EXPONENTIAL + 4);
    }

    pub(super) fn residual(&mut self, node: &Node, terms: ResidualTerms) {
        let maximum_runs = self.partials(node.inputs[3]).1;
        let uniforms = residual_uniforms(pixels_and_quads(node.shape), terms).with("maximum_runs", maximum_runs);
        self.step(node, self.per_quad(Kernel::new(Shader::Residual), node.shape), uniforms, EXPONENTIAL + 6);
    }

    /// A step of a rule whose lanes go through the elements of the first input, whatever pixel they belong to. Of its last two inputs it folds
    /// partial results, whose numbers have these names.
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
