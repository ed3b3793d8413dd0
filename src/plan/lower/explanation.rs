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
        let (shader, uniforms, workgroups) = match node.op {
            Op::ClassIndex => (Shader::ClassIndex, classes(), [1, 1, self.batch]),
            Op::TargetGradient => (Shader::TargetGradient, classes(), [1, 1, self.batch]),
            Op::LogitRelevance(kind) => {
                let kind = match kind {
                    LogitRelevance::Target => 0u32,
                    LogitRelevance::Others => 1,
                    LogitRelevance::SoftmaxTarget => 2,
                    LogitRelevance::SoftmaxOthers => 3,
                };
                (Shader::LogitRelevance, classes().with("kind", kind), [1, 1, self.batch])
            }
            Op::SaliencyMaps => {
                let per_channel = self.shape(node.inputs[2]) != first;
                let uniforms = pixels_and_quads().with("channels", first.channels).with("per_channel", per_channel);
                (Shader::SaliencyMaps, uniforms, self.per_pixel(first))
            }
            Op::FactorBasis => {
                let uniforms = pixels_and_quads().with("channels", first.channels);
                (Shader::FactorBasis, uniforms, [1, first.quads(), self.batch])
            }
            Op::FactorMaps => (Shader::FactorMaps, pixels_and_quads(), self.per_pixel(first)),
            Op::Residual(terms) => {
                (Shader::Residual, residual_uniforms(pixels_and_quads(), terms), self.per_quad(first))
            }
            Op::MaskedSaliency => (Shader::MaskedSaliency, pixels_and_quads(), self.per_quad(first)),
            Op::Shift => self.flat_work(Shader::Shift, first),
            Op::BoxRatio => self.flat_work(Shader::BoxRatio, first),
            Op::BoxRelevance => self.flat_work(Shader::BoxRelevance, first),
            Op::HeatMap => (Shader::HeatMap, pixels_and_quads(), self.per_pixel(first)),
            _ => return,
        };
        let mut values = self.values(&node.inputs);
        values.push(self.value(self.output));
        let flops = first.elements() * u64::from(self.batch) * flops_per_element(&node.op);
        self.push(Work { kernel: Kernel::new(shader), uniforms, workgroups, flops }, Vec::new(), values);
    }

    fn flat_work(&self, shader: Shader, shape: Shape) -> (Shader, Uniforms, [u32; 3]) {
        let count = shape.quads() * shape.pixels();
        let workgroups = self.flat(count);
        (shader, Uniforms::new().with("count", count).with("columns", workgroups[0]), workgroups)
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
