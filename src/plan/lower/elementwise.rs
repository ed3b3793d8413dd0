//! Batch normalisation, activations and elementwise operations of two values.

use super::{Lowering, Work};
use crate::graph::{Activation, BatchNormId, Bias, Binary, Function, Node, NodeId, Shape, Unary};
use crate::plan::ValueId;
use crate::plan::kernel::{Kernel, Shader};
use crate::plan::packing::Packing;
use crate::plan::uniforms::Uniforms;

/// What is done with a channel's scale and shift; the numbers are the shader's `operation`.
#[derive(Clone, Copy)]
pub(super) enum ChannelOperation {
    /// `v * scale`
    Scale = 0,
    /// `v * scale + shift`
    Affine = 1,
    /// `v * shift`
    Shift = 2,
}

/// What is wanted of an activation; the numbers are the shader's `OPERATION`.
#[derive(Clone, Copy)]
pub(super) enum ClampOperation {
    Value = 0,
    Gradient = 1,
    Relevance = 2,
}

/// `a + b`, `a * b` and `a - b`, as the shader's `OPERATION`.
pub(super) const ADD: u32 = 0;
pub(super) const MULTIPLY: u32 = 1;
pub(super) const SUBTRACT: u32 = 7;

/// The shader's `OPERATION`.
pub(super) const fn code(binary: Binary) -> u32 {
    match binary {
        Binary::MultiplyAbsolute => 2,
        Binary::SafeDivide => 3,
        Binary::Ratio => 4,
        Binary::Mask => 5,
        Binary::AddAbsolute => 6,
        Binary::Divide => 8,
    }
}

/// The shader's `FUNCTION`.
const fn function_code(function: Function) -> u32 {
    match function {
        Function::LeakyRelu { .. } => 0,
        Function::Elu { .. } => 1,
        Function::Selu => 2,
        Function::Silu => 3,
        Function::HardSwish => 4,
        Function::Sigmoid => 5,
        Function::HardSigmoid { .. } => 6,
        Function::Tanh => 7,
        Function::Gelu => 8,
        Function::GeluTanh => 9,
        Function::Mish => 10,
        Function::Softplus => 11,
        Function::Clip { .. } => 12,
    }
}

/// Scale and shift of a batch normalisation.
pub(super) const fn normalization(id: BatchNormId) -> Packing {
    Packing::Affine { layer: None, batch_norm: Some(id) }
}

/// Scales and shifts of which the shift is a layer's bias.
pub(super) const fn bias_of(bias: Bias) -> Packing {
    match bias {
        Bias::BatchNorm(id) => normalization(id),
        Bias::Convolution(id) => Packing::Affine { layer: Some(id), batch_norm: None },
        Bias::Linear(layer) => Packing::LinearAffine { layer },
    }
}

impl Lowering<'_> {
    pub(super) fn channel_affine(&mut self, node: &Node, packing: Packing, operation: ChannelOperation) {
        let (kernel, workgroups) = self.per_quad(Kernel::new(Shader::ChannelAffine), node.shape);
        let uniforms = Uniforms::new()
            .with("pixels", node.shape.pixels())
            .with("quads", node.shape.quads())
            .with("operation", operation as u32);
        let weights = vec![packing];
        let values = vec![self.value(node.inputs[0]), self.value(self.output)];
        let flops = self.elements(node, 2);
        self.push(Work { kernel, uniforms, workgroups, flops }, weights, values);
    }

    pub(super) fn clamp(&mut self, node: &Node, activation: Activation, operation: ClampOperation) {
        let kernel = Kernel::new(Shader::Clamp).with("OPERATION", operation as u32);
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

    /// A function of the first value, or the gradient through it of the second.
    pub(super) fn activate(&mut self, node: &Node, function: Function, values: [NodeId; 2], is_gradient: bool) {
        let kernel = Kernel::new(Shader::Activate).with("FUNCTION", function_code(function));
        let (kernel, workgroups) = self.per_quad(kernel.with("GRADIENT", is_gradient.into()), node.shape);
        let [first, second] = function.constants();
        let uniforms = Uniforms::new()
            .with("pixels", node.shape.pixels())
            .with("quads", node.shape.quads())
            .with("channels", node.shape.channels)
            .with("first", first)
            .with("second", second);
        let gradient = if is_gradient { self.value(values[1]) } else { self.unused };
        let values = vec![self.value(values[0]), gradient, self.value(self.output)];
        let flops = self.elements(node, 16);
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

    /// An operation of two values; the number is the shader's `OPERATION`.
    pub(super) fn elementwise(&mut self, node: &Node, operation: u32) {
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
