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
        let count = first.quads() * first.pixels();
        let (shader, uniforms) = match node.op {
            Op::ClassIndex => (Shader::ClassIndex, classes()),
            Op::TargetGradient => (Shader::TargetGradient, classes()),
            Op::LogitRelevance(kind) => (Shader::LogitRelevance, classes().with("kind", relevance_code(kind))),
            Op::SaliencyMaps => {
                let per_channel = self.shape(node.inputs[2]) != first;
                let uniforms = pixels_and_quads().with("channels", first.channels).with("per_channel", per_channel);
                (Shader::SaliencyMaps, uniforms)
            }
            Op::FactorBasis => (Shader::FactorBasis, pixels_and_quads().with("channels", first.channels)),
            Op::FactorMaps => (Shader::FactorMaps, pixels_and_quads()),
            Op::Residual(terms) => (Shader::Residual, residual_uniforms(pixels_and_quads(), terms)),
            Op::MaskedSaliency => (Shader::MaskedSaliency, pixels_and_quads()),
            Op::Shift => (Shader::Shift, Uniforms::new().with("count", count)),
            Op::BoxRatio => (Shader::BoxRatio, Uniforms::new().with("count", count)),
            Op::BoxRelevance => (Shader::BoxRelevance, Uniforms::new().with("count", count)),
            Op::HeatMap => (Shader::HeatMap, pixels_and_quads()),
            _ => return,
        };
        let (kernel, workgroups) = self.workgroups(Kernel::new(shader), first);
        let is_flat = matches!(node.op, Op::Shift | Op::BoxRatio | Op::BoxRelevance);
        let uniforms = if is_flat { uniforms.with("columns", workgroups[0]) } else { uniforms };
        let mut values = self.values(&node.inputs);
        values.push(self.value(self.output));
        let flops = first.elements() * u64::from(self.batch) * flops_per_element(&node.op);
        self.push(Work { kernel, uniforms, workgroups, flops }, Vec::new(), values);
    }

    fn workgroups(&self, kernel: Kernel, shape: Shape) -> (Kernel, [u32; 3]) {
        match kernel.shader {
            Shader::ClassIndex | Shader::TargetGradient | Shader::LogitRelevance => (kernel, [1, 1, self.batch]),
            Shader::FactorBasis => (kernel, [1, shape.quads(), self.batch]),
            Shader::SaliencyMaps | Shader::FactorMaps | Shader::HeatMap => self.per_pixel(kernel, shape),
            Shader::Residual | Shader::MaskedSaliency => self.per_quad(kernel, shape),
            _ => self.flat(kernel, shape.quads() * shape.pixels()),
        }
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
