//! The values of what networks are made of.

use super::{Reference, channels, elementwise, function, linear_maps, linear_weight, moves, pooling, response};
use crate::graph::{ConvolutionId, Forward, Node, Part};

impl Reference<'_> {
    pub(super) fn forward(&self, op: Forward, node: &Node, inputs: &[&[f64]]) -> Vec<f64> {
        match op {
            Forward::Input | Forward::Given { .. } => Vec::new(),
            Forward::Convolve { layer, bias } => {
                let bias = bias.then(|| self.parameter(&self.graph.convolution(layer).bias_name()));
                self.convolve(layer, [Part::Full, Part::Full], bias, node, inputs[0])
            }
            Forward::Linear { layer, bias } => {
                let bias = bias.then(|| self.parameter(&self.graph.linear_layer(layer).bias_name()));
                let weight = linear_weight(layer, Part::Full);
                linear_maps::linear(self.linear(layer), weight, inputs[0], Part::Full, bias)
            }
            Forward::BatchNorm(layer) => elementwise::batch_norm(&self.batch_norm(layer), inputs[0], node.shape),
            Forward::Clamp(activation) => elementwise::clamp(activation, inputs[0]),
            Forward::Activate(of) => inputs[0].iter().map(|&x| function::value(of, x)).collect(),
            Forward::ParametricRelu(layer) => self.parametric_relu(layer, inputs[0], inputs[0], node.shape),
            Forward::NormalizeResponse(of) => response::normalized(of, inputs[0], node.shape),
            Forward::NormalizeChannels { epsilon } => channels::normalized(epsilon, inputs[0], node.shape),
            Forward::MaxPool(window) => pooling::max_pool(&window, inputs[0], self.input_shape(node), node.shape),
            Forward::AveragePool { .. } => pooling::average_pool(inputs[0], self.input_shape(node), node.shape),
            Forward::AverageWindows(of) => pooling::average_windows(&of, inputs[0], self.input_shape(node), node.shape),
            Forward::Concat => inputs.concat(),
            Forward::Slice(region) => moves::sliced(region, inputs[0], self.input_shape(node)),
            Forward::Pad { region, shape } => moves::padded(region, inputs[0], shape),
            Forward::Shuffle { groups } => moves::shuffled(groups, inputs[0], node.shape),
            Forward::Transpose(order) => moves::transposed(order, inputs[0], self.input_shape(node)),
            Forward::LogitPair => vec![inputs[0][0] / 2.0, -inputs[0][0] / 2.0],
            Forward::Normalize => elementwise::by_length(inputs[0], inputs[0]),
            Forward::Subtract | Forward::Against => self.elementwise(node, inputs, |a, b| a - b),
            Forward::Multiply => self.elementwise(node, inputs, |a, b| a * b),
            Forward::Add => self.elementwise(node, inputs, |a, b| a + b),
        }
    }

    /// `part(W) * part(x) [+ b]`, given the parts of weight and input.
    pub(super) fn convolve(
        &self,
        layer: ConvolutionId,
        [weight, input]: [Part; 2],
        bias: Option<&[f32]>,
        node: &Node,
        x: &[f64],
    ) -> Vec<f64> {
        let x: Vec<f64> = x.iter().map(|&value| linear_maps::part(input, value)).collect();
        self.convolution_map(layer, weight, self.input_shape(node), node.shape).apply(&x, bias)
    }

    /// Of two values, of which the second may be a scalar, one value per channel, or of the first's shape.
    pub(super) fn elementwise(&self, node: &Node, inputs: &[&[f64]], combine: impl Fn(f64, f64) -> f64) -> Vec<f64> {
        elementwise::combined(inputs[0], node.shape, inputs[1], self.graph.shape(node.inputs[1]), combine)
    }
}
