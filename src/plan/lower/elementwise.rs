//! Batch normalisation, activations and elementwise operations of two values.

use super::{Lowering, Work};
use crate::graph::{Bias, Binary, Node, Op, Shape, Unary};
use crate::plan::ValueId;
use crate::plan::kernel::{Kernel, Shader};
use crate::plan::packing::Packing;
use crate::plan::uniforms::Uniforms;

impl Lowering<'_> {
    pub(super) fn channel_affine(&mut self, node: &Node) {
        let normalization = |id| Packing::Affine { layer: None, batch_norm: Some(id) };
        let (packing, operation) = match node.op {
            Op::BatchNormGradient(id) => (normalization(id), 0u32),
            Op::BatchNorm(id) => (normalization(id), 1),
            Op::BiasGradient(Bias::BatchNorm(id)) => (normalization(id), 2),
            Op::BiasGradient(Bias::Convolution(id)) => (Packing::Affine { layer: Some(id), batch_norm: None }, 2),
            Op::BiasGradient(Bias::Linear(layer)) => (Packing::LinearAffine { layer }, 2),
            _ => return,
        };
        let (kernel, workgroups) = self.per_quad(Kernel::new(Shader::ChannelAffine), node.shape);
        let uniforms = Uniforms::new()
            .with("pixels", node.shape.pixels())
            .with("quads", node.shape.quads())
            .with("operation", operation);
        let weights = vec![packing];
        let values = vec![self.value(node.inputs[0]), self.value(self.output)];
        let flops = self.elements(node, 2);
        self.push(Work { kernel, uniforms, workgroups, flops }, weights, values);
    }

    pub(super) fn clamp(&mut self, node: &Node) {
        let (activation, operation) = match node.op {
            Op::Clamp(activation) => (activation, 0),
            Op::ClampGradient(activation) => (activation, 1),
            Op::ClampRelevance(activation) => (activation, 2),
            _ => return,
        };
        let kernel = Kernel::new(Shader::Clamp).with("OPERATION", operation);
        let count = node.shape.vectors();
        let (kernel, workgroups) = self.flat(kernel, count);
        let uniforms =
            Uniforms::new().with("count", count).with("columns", workgroups[0]).with("high", activation.ceiling());
        let first = self.value(node.inputs[0]);
        let second = node.inputs.get(1).map_or(self.unused, |&id| self.value(id));
        let values = vec![first, second, self.value(self.output)];
        let flops = self.elements(node, 2);
        self.push(Work { kernel, uniforms, workgroups, flops }, Vec::new(), values);
    }

    pub(super) fn unary(&mut self, node: &Node, unary: Unary) {
        let (operation, constant) = match unary {
            Unary::Scale(factor) => (0, factor),
            Unary::Stabilize(epsilon) => (1, epsilon),
        };
        let kernel = Kernel::new(Shader::Unary).with("OPERATION", operation);
        let count = node.shape.vectors();
        let (kernel, workgroups) = self.flat(kernel, count);
        let uniforms =
            Uniforms::new().with("count", count).with("columns", workgroups[0]).with("constant", constant.value());
        let values = vec![self.value(node.inputs[0]), self.value(self.output)];
        let flops = self.elements(node, 1);
        self.push(Work { kernel, uniforms, workgroups, flops }, Vec::new(), values);
    }

    pub(super) fn binary(&mut self, node: &Node, binary: Binary) {
        let operation = match binary {
            Binary::Add => 0,
            Binary::Multiply => 1,
            Binary::MultiplyAbsolute => 2,
            Binary::SafeDivide => 3,
            Binary::Ratio => 4,
            Binary::Mask => 5,
            Binary::AddAbsolute => 6,
            Binary::Subtract => 7,
            Binary::Divide => 8,
        };
        let second = self.shape(node.inputs[1]);
        let broadcast = match second {
            _ if second == node.shape => 0,
            Shape::SCALAR => 2,
            _ => 1u32,
        };
        let kernel = Kernel::new(Shader::Binary).with("OPERATION", operation);
        let (kernel, workgroups) = self.per_quad(kernel, node.shape);
        let uniforms = Uniforms::new()
            .with("pixels", node.shape.pixels())
            .with("quads", node.shape.quads())
            .with("broadcast", broadcast);
        let mut values = self.values(&node.inputs);
        values.push(self.value(self.output));
        let flops = self.elements(node, 1);
        self.push(Work { kernel, uniforms, workgroups, flops }, Vec::new(), values);
    }

    pub(super) fn copy(&mut self, source: ValueId, destination: ValueId, shape: Shape) {
        self.fill(9, [source, self.unused, destination], shape, self.batch);
    }

    pub(super) fn zeros(&mut self, destination: ValueId, shape: Shape, samples: u32) {
        self.fill(10, [self.unused, self.unused, destination], shape, samples);
    }

    /// Writes what an operation makes of at most one value.
    fn fill(&mut self, operation: u32, values: [ValueId; 3], shape: Shape, samples: u32) {
        let (kernel, [x, y, _]) = self.per_quad(Kernel::new(Shader::Binary).with("OPERATION", operation), shape);
        let uniforms =
            Uniforms::new().with("pixels", shape.pixels()).with("quads", shape.quads()).with("broadcast", 3u32);
        self.push(Work { kernel, uniforms, workgroups: [x, y, samples], flops: 0 }, Vec::new(), values.to_vec());
    }
}
