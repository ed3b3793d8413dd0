//! Batch normalisation, activations and elementwise operations of two values.

use super::{Lowering, UNUSED, Work};
use crate::graph::{
    Activation, Backward, BatchNormId, Bias, Binary, Explain, Forward, Function, Node, NodeId, Op, Shape, SlopeId,
    Unary,
};
use crate::plan::fuse::{ActivationBack, FanOut, Group, SumBack};
use crate::plan::kernel::{Kernel, Shader};
use crate::plan::packing::Packing;
use crate::plan::uniforms::Uniforms;
use crate::plan::{ValueId, codes};

/// The shader's `OPERATION`.
pub(super) const fn code(binary: Binary) -> u32 {
    match binary {
        Binary::MultiplyAbsolute => codes::BINARY_MULTIPLY_ABSOLUTE,
        Binary::SafeDivide => codes::BINARY_SAFE_DIVIDE,
        Binary::Ratio => codes::BINARY_RATIO,
        Binary::Mask => codes::BINARY_MASK,
        Binary::AddAbsolute => codes::BINARY_ADD_ABSOLUTE,
        Binary::Divide => codes::BINARY_DIVIDE,
    }
}

/// The shader's `FUNCTION`.
const fn function_code(function: Function) -> u32 {
    match function {
        Function::LeakyRelu { .. } => codes::FUNCTION_LEAKY_RELU,
        Function::Elu { .. } => codes::FUNCTION_ELU,
        Function::Selu { .. } => codes::FUNCTION_SELU,
        Function::Silu => codes::FUNCTION_SILU,
        Function::HardSwish => codes::FUNCTION_HARD_SWISH,
        Function::Sigmoid => codes::FUNCTION_SIGMOID,
        Function::HardSigmoid { .. } => codes::FUNCTION_HARD_SIGMOID,
        Function::Tanh => codes::FUNCTION_TANH,
        Function::Gelu => codes::FUNCTION_GELU,
        Function::GeluTanh => codes::FUNCTION_GELU_TANH,
        Function::Mish => codes::FUNCTION_MISH,
        Function::Softplus => codes::FUNCTION_SOFTPLUS,
        Function::Clip { .. } => codes::FUNCTION_CLIP,
        Function::Celu { .. } => codes::FUNCTION_CELU,
        Function::Erf => codes::FUNCTION_ERF,
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

impl Lowering<'_, '_> {
    /// Per channel a scale and a shift, of a value or of the sum of two; `operation` is one of `codes::AFFINE_*`.
    pub(super) fn channel_affine(&mut self, node: &Node, sum: Option<&Node>, packing: Packing, operation: u32) {
        let (kernel, workgroups) = self.per_quad(Kernel::new(Shader::ChannelAffine), node.shape);
        let uniforms = Uniforms::new()
            .with("pixels", node.shape.pixels())
            .with("quads", node.shape.quads())
            .with("operation", operation)
            .with("has_second", sum.is_some());
        let weights = vec![packing];
        let (first, second) = match sum {
            Some(sum) => (self.value(sum.inputs[0]), self.value(sum.inputs[1])),
            None => (self.value(node.inputs[0]), UNUSED),
        };
        let values = vec![first, second, self.value(self.output)];
        let flops = self.elements(node, 2);
        self.push(Work { kernel, uniforms, workgroups, flops }, weights, values);
    }

    /// What an activation makes of one value or two; `operation` is one of `codes::CLAMP_*`.
    pub(super) fn clamp(&mut self, node: &Node, activation: Activation, operation: u32) {
        let kernel = Kernel::new(Shader::Clamp).with("OPERATION", operation);
        let count = node.shape.vectors();
        let (kernel, workgroups) = self.flat(kernel, count);
        let uniforms =
            Uniforms::new().with("count", count).with("columns", workgroups[0]).with("high", activation.ceiling());
        let first = self.value(node.inputs[0]);
        let second = node.inputs.get(1).map_or(UNUSED, |&id| self.value(id));
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
        let gradient = if is_gradient { self.value(values[1]) } else { UNUSED };
        let values = vec![self.value(values[0]), gradient, self.value(self.output)];
        let flops = self.elements(node, 16);
        self.push(Work { kernel, uniforms, workgroups, flops }, Vec::new(), values);
    }

    /// The first value, or the gradient through it of the second.
    pub(super) fn parametric_relu(&mut self, node: &Node, layer: SlopeId, values: [NodeId; 2], is_gradient: bool) {
        let kernel = Kernel::new(Shader::ParametricRelu).with("GRADIENT", is_gradient.into());
        let (kernel, workgroups) = self.per_quad(kernel, node.shape);
        let uniforms = Uniforms::new().with("pixels", node.shape.pixels()).with("quads", node.shape.quads());
        let gradient = if is_gradient { self.value(values[1]) } else { UNUSED };
        let values = vec![self.value(values[0]), gradient, self.value(self.output)];
        let flops = self.elements(node, 2);
        self.push(Work { kernel, uniforms, workgroups, flops }, vec![Packing::Slopes { layer }], values);
    }

    pub(super) fn unary(&mut self, node: &Node, unary: Unary) {
        let (operation, constant) = match unary {
            Unary::Scale(factor) => (codes::UNARY_SCALE, factor),
            Unary::Stabilize(epsilon) => (codes::UNARY_STABILIZE, epsilon),
        };
        let kernel = Kernel::new(Shader::Unary).with("OPERATION", operation);
        let count = node.shape.vectors();
        let (kernel, workgroups) = self.flat(kernel, count);
        let uniforms = Uniforms::new()
            .with("count", count)
            .with("columns", workgroups[0])
            .with("constant", constant.value())
            .with("pixels", node.shape.pixels())
            .with("channels", node.shape.channels);
        let values = vec![self.value(node.inputs[0]), self.value(self.output)];
        let flops = self.elements(node, 1);
        self.push(Work { kernel, uniforms, workgroups, flops }, Vec::new(), values);
    }

    /// A sum and what follows it.
    pub(super) fn add(&mut self, group: &Group, node: &Node) {
        let graph = self.graph;
        let next = group.chain().get(1).map(|&id| graph.node(id));
        match next.map(|next| (next, next.op)) {
            Some((next, Op::Backward(Backward::BatchNormGradient(id)))) => {
                self.channel_affine(next, Some(node), normalization(id), codes::AFFINE_SCALE);
            }
            Some((_, Op::Forward(Forward::Clamp(activation)))) => {
                self.elementwise(node, codes::BINARY_ADD, Some(activation));
            }
            _ => self.elementwise(node, codes::BINARY_ADD, None),
        }
    }

    /// An operation of two values, one of `codes::BINARY_*`, and perhaps an activation behind it.
    pub(super) fn elementwise(&mut self, node: &Node, operation: u32, activation: Option<Activation>) {
        let second = self.shape(node.inputs[1]);
        let operand = match second {
            _ if second == node.shape => codes::OPERAND_LIKE,
            Shape::SCALAR => codes::OPERAND_SCALAR,
            _ => codes::OPERAND_PER_CHANNEL,
        };
        let kernel = Kernel::new(Shader::Binary).with("OPERATION", operation);
        let kernel = if activation.is_some() { kernel.with("CLAMPED", 1) } else { kernel };
        let (kernel, workgroups) = self.per_quad(kernel, node.shape);
        let uniforms = binary_uniforms(node.shape, operand, activation.map_or(f32::MAX, Activation::ceiling));
        let mut values = self.values(&node.inputs);
        values.push(self.value(self.output));
        let flops = self.elements(node, 1);
        self.push(Work { kernel, uniforms, workgroups, flops }, Vec::new(), values);
    }

    pub(super) fn zeros(&mut self, destination: ValueId, shape: Shape, samples: u32) {
        let kernel = Kernel::new(Shader::Binary).with("OPERATION", codes::BINARY_ZERO);
        let (kernel, [x, y, _]) = self.per_quad(kernel, shape);
        let uniforms = binary_uniforms(shape, codes::OPERAND_NONE, f32::MAX);
        let values = vec![UNUSED, UNUSED, destination];
        self.push(Work { kernel, uniforms, workgroups: [x, y, samples], flops: 0 }, Vec::new(), values);
    }

    /// Gradient and relevance back through an activation.
    pub(super) fn activation_back(&mut self, back: &ActivationBack) {
        let graph = self.graph;
        let gradient = graph.node(back.gradient);
        let Op::Backward(Backward::ClampGradient(activation)) = gradient.op else { return };
        let (shape, [g, y]) = (gradient.shape, [gradient.inputs[0], gradient.inputs[1]]);
        let (first, second) = match back.sum.map(|sum| &graph.node(sum).inputs[..]) {
            Some(&[first, second]) => (first, Some(second)),
            _ => (g, None),
        };
        let affine = match back.scaled.map(|scaled| &graph.node(scaled).op) {
            Some(&Op::Backward(Backward::BatchNormGradient(id))) => normalization(id),
            _ => Packing::Unused,
        };
        let (kernel, workgroups) = self.flat(Kernel::new(Shader::ClampBack), shape.vectors());
        let uniforms = Uniforms::new()
            .with("count", shape.vectors())
            .with("columns", workgroups[0])
            .with("pixels", shape.pixels())
            .with("high", activation.ceiling())
            .with("has_second", second.is_some())
            .with("keeps_gradient", back.keeps_gradient)
            .with("is_scaled", back.scaled.is_some())
            .with("has_relevance", back.relevance.is_some());
        let relevance = back.relevance.map(|relevance| graph.node(relevance).inputs[0]);
        let read = [Some(first), second, relevance, Some(y)];
        let written = [Some(back.gradient).filter(|_| back.keeps_gradient), back.scaled, back.relevance];
        let values = [&read[..], &written[..]].concat().into_iter().map(|id| self.value_or_unused(id)).collect();
        let flops = self.elements(gradient, 6);
        self.push_writing(Work { kernel, uniforms, workgroups, flops }, vec![affine], values, written.len());
    }

    /// Relevance of a value that two steps read.
    pub(super) fn fan_out(&mut self, fan_out: &FanOut) {
        let node = self.graph.node(fan_out.product);
        let [first, second] = self.read_by_quotients(fan_out);
        let (kernel, workgroups) = self.flat(Kernel::new(Shader::FanOut), node.shape.vectors());
        let uniforms = Uniforms::new().with("count", node.shape.vectors()).with("columns", workgroups[0]);
        let values = self.values(&[node.inputs[0], first, second, fan_out.product]);
        let flops = self.elements(node, 6);
        self.push(Work { kernel, uniforms, workgroups, flops }, Vec::new(), values);
    }

    /// Relevance of both summands of a sum.
    pub(super) fn summands(&mut self, back: &SumBack) {
        let graph = self.graph;
        let node = graph.node(back.products[0]);
        let [a, b] = back.products.map(|id| graph.node(id).inputs[0]);
        let at_sum = graph.node(back.activation.unwrap_or(back.quotient));
        let relevances = back.fan_out.map(|fan_out| self.read_by_quotients(&fan_out));
        let [first, second] = relevances.map_or([Some(at_sum.inputs[0]), None], |both| both.map(Some));
        let high = match at_sum.op {
            Op::Explain(Explain::ClampRelevance(activation)) => activation.ceiling(),
            Op::Forward(_) | Op::Backward(_) | Op::Explain(_) => f32::MAX,
        };
        let (kernel, workgroups) = self.flat(Kernel::new(Shader::SumRelevance), node.shape.vectors());
        let uniforms = Uniforms::new()
            .with("count", node.shape.vectors())
            .with("columns", workgroups[0])
            .with("high", high)
            .with("has_second", back.fan_out.is_some())
            .with("is_clamped", back.activation.is_some())
            .with("keeps_output", back.summed_product.is_some())
            .with("keeps_input", back.summed_relevance.is_some());
        let [to_a, to_b] = back.products;
        let written = [back.summed_product, back.summed_relevance, Some(to_a), Some(to_b)];
        let values = [&[first, second, Some(a), Some(b)][..], &written[..]].concat();
        let values = values.into_iter().map(|id| self.value_or_unused(id)).collect();
        let flops = self.elements(node, 12);
        self.push_writing(Work { kernel, uniforms, workgroups, flops }, Vec::new(), values, written.len());
    }

    /// What both steps sent back.
    fn read_by_quotients(&self, fan_out: &FanOut) -> [NodeId; 2] {
        fan_out.quotients.map(|id| self.graph.node(id).inputs[0])
    }

    fn value_or_unused(&mut self, id: Option<NodeId>) -> ValueId {
        id.map_or(UNUSED, |id| self.value(id))
    }
}

fn binary_uniforms(shape: Shape, operand: u32, high: f32) -> Uniforms {
    Uniforms::new()
        .with("pixels", shape.pixels())
        .with("quads", shape.quads())
        .with("operand", operand)
        .with("high", high)
        .with("channels", shape.channels)
}
