//! The operations that only explanations have: target, factorization, residual, box rule, map.

use super::{Lowering, Work};
use crate::graph::{LogitRelevance, Node, Op, ResidualTerms, Shape};
use crate::plan::kernel::{Kernel, Shader};
use crate::plan::uniforms::Uniforms;

impl Lowering<'_> {
    pub(super) fn explanation(&mut self, node: &Node) {
        let first = self.shape(node.inputs[0]);
        let pixels_and_quads = || Uniforms::new().with("pixels", first.pixels()).with("quads", first.quads());
        let classes = || Uniforms::new().with("classes", first.channels).with("quads", first.quads());
        let per_sample = |shader| (Kernel::new(shader), [1, 1, self.batch]);
        let per_pixel = |shader| self.per_pixel(Kernel::new(shader), first);
        let per_quad = |shader| self.per_quad(Kernel::new(shader), first);
        let ((kernel, workgroups), uniforms) = match node.op {
            Op::ClassIndex => (per_sample(Shader::ClassIndex), classes()),
            Op::TargetGradient => (per_sample(Shader::TargetGradient), classes()),
            Op::LogitRelevance(kind) => {
                (per_sample(Shader::LogitRelevance), classes().with("kind", relevance_code(kind)))
            }
            Op::SaliencyMaps => {
                let per_channel = self.shape(node.inputs[2]) != first;
                let uniforms = pixels_and_quads().with("channels", first.channels).with("per_channel", per_channel);
                (per_pixel(Shader::SaliencyMaps), uniforms)
            }
            Op::FactorBasis => {
                let work = (Kernel::new(Shader::FactorBasis), [1, first.quads(), self.batch]);
                (work, pixels_and_quads().with("channels", first.channels))
            }
            Op::FactorMaps => (per_pixel(Shader::FactorMaps), pixels_and_quads()),
            Op::Residual(terms) => (per_quad(Shader::Residual), residual_uniforms(pixels_and_quads(), terms)),
            Op::MaskedSaliency => (per_quad(Shader::MaskedSaliency), pixels_and_quads()),
            Op::Shift => self.flat_work(Shader::Shift, first),
            Op::BoxRatio => self.flat_work(Shader::BoxRatio, first),
            Op::BoxRelevance => self.flat_work(Shader::BoxRelevance, first),
            Op::HeatMap => (per_pixel(Shader::HeatMap), pixels_and_quads()),
            _ => return,
        };
        let mut values = self.values(&node.inputs);
        values.push(self.value(self.output));
        let flops = first.elements() * u64::from(self.batch) * flops_per_element(&node.op);
        self.push(Work { kernel, uniforms, workgroups, flops }, Vec::new(), values);
    }

    fn flat_work(&self, shader: Shader, shape: Shape) -> ((Kernel, [u32; 3]), Uniforms) {
        let count = shape.vectors();
        let (kernel, workgroups) = self.flat(Kernel::new(shader), count);
        let uniforms = Uniforms::new().with("count", count).with("columns", workgroups[0]);
        ((kernel, workgroups), uniforms)
    }
}

/// The shader's number for a relevance of logits.
fn relevance_code(kind: LogitRelevance) -> u32 {
    match kind {
        LogitRelevance::Target => 0,
        LogitRelevance::Others => 1,
        LogitRelevance::SoftmaxTarget => 2,
        LogitRelevance::SoftmaxOthers => 3,
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

/// Rough operations per element, an exponential counted as ten.
fn flops_per_element(op: &Op) -> u64 {
    match op {
        Op::FactorMaps => 44,
        Op::FactorBasis | Op::Residual(_) => 16,
        Op::TargetGradient => 80,
        _ => 4,
    }
}
