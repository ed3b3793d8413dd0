//! The values of what differentiation adds.

use super::{Reference, channels, elementwise, function, linear_maps, linear_weight, pooling, response, target};
use crate::graph::{Backward, Node};

impl Reference<'_> {
    pub(super) fn backward(&self, op: Backward, node: &Node, inputs: &[&[f64]]) -> Vec<f64> {
        match op {
            Backward::OneHot => target::one_hot(inputs[0].len(), inputs[1][0]),
            Backward::TargetGradient => target::target_gradient(inputs[0], inputs[1][0]),
            Backward::ConvolveTranspose { layer, weight, .. } => {
                self.convolution_map(layer, weight, node.shape, self.input_shape(node)).apply_transposed(inputs[0])
            }
            Backward::LinearTranspose { layer, weight } => {
                linear_maps::linear_transpose(self.linear(layer), linear_weight(layer, weight), inputs[0])
            }
            Backward::BatchNormGradient(layer) => {
                elementwise::batch_norm_gradient(&self.batch_norm(layer), inputs[0], node.shape)
            }
            Backward::ClampGradient(activation) => elementwise::clamp_gradient(activation, inputs[0], inputs[1]),
            Backward::ActivateGradient(of) => {
                inputs[0].iter().zip(inputs[1]).map(|(g, &x)| g * function::slope(of, x)).collect()
            }
            Backward::ParametricReluGradient(layer) => self.parametric_relu(layer, inputs[0], inputs[1], node.shape),
            Backward::NormalizeResponseGradient(of) => response::gradient(of, inputs[0], inputs[1], node.shape),
            Backward::NormalizeChannelsGradient { epsilon } => {
                channels::gradient(epsilon, inputs[0], inputs[1], node.shape)
            }
            Backward::MaxPoolIndex(window) => {
                pooling::max_pool_index(&window, inputs[0], self.input_shape(node), node.shape)
            }
            Backward::MaxPoolTranspose { window, .. } => {
                pooling::max_pool_transpose(&window, inputs[0], inputs[1], node.shape, self.input_shape(node))
            }
            Backward::AveragePoolTranspose { .. } => {
                pooling::average_pool_transpose(inputs[0], node.shape, self.input_shape(node))
            }
            Backward::AverageWindowsTranspose { averaging, .. } => {
                pooling::average_windows_transpose(&averaging, inputs[0], node.shape, self.input_shape(node))
            }
            Backward::LogitPairGradient => vec![(inputs[0][0] - inputs[0][1]) / 2.0],
            Backward::NormalizeGradient => elementwise::by_length(inputs[0], inputs[1]),
            Backward::BiasGradient(bias) => elementwise::per_channel(inputs[0], &self.bias(bias), node.shape),
        }
    }
}
