//! The values of what only explanations have.

use super::{Reference, elementwise, factor, linear_maps, linear_weight, maps, noise, rules, target};
use crate::graph::{Explain, Node, Part, Shape};

impl Reference<'_> {
    pub(super) fn explain(&self, op: Explain, node: &Node, inputs: &[&[f64]]) -> Vec<f64> {
        let shape = self.input_shape(node);
        let pixels = shape.pixels() as usize;
        match op {
            Explain::ClassRequest { .. } | Explain::VariationRequest(_) => Vec::new(),
            Explain::ClassIndex => vec![target::class_index(inputs[0], inputs[1][0])],
            Explain::LogitRelevance(kind) => target::logit_relevance(kind, inputs[0], inputs[1][0]),
            Explain::ConvolveParts { layer, weight, input } => {
                self.convolve(layer, [weight, input], None, node, inputs[0])
            }
            Explain::ConvolveTransposeMasked { layer, .. } => {
                let masked = inputs[0].iter().zip(inputs[1]).map(|(&g, &c)| if c == 0.0 { 0.0 } else { g });
                let masked: Vec<f64> = masked.collect();
                self.convolution_map(layer, Part::Full, node.shape, shape).apply_transposed(&masked)
            }
            Explain::ConvolveOnes { layer, weight, height, width } => {
                let shape = Shape::new(self.graph.convolution(layer).input_channels, height, width);
                let ones = vec![1.0; shape.elements() as usize];
                self.convolution_map(layer, weight, shape, node.shape).apply(&ones, None)
            }
            Explain::LinearParts { layer, weight, input } => {
                linear_maps::linear(self.linear(layer), linear_weight(layer, weight), inputs[0], input, None)
            }
            Explain::LinearOnes { layer, weight } => {
                let ones = vec![1.0; self.graph.linear_layer(layer).input.elements() as usize];
                linear_maps::linear(self.linear(layer), linear_weight(layer, weight), &ones, Part::Full, None)
            }
            Explain::ClampRelevance(activation) => elementwise::clamp_relevance(activation, inputs[0], inputs[1]),
            Explain::Unary(unary) => elementwise::unary(unary, inputs[0]),
            Explain::Binary(binary) => self.elementwise(node, inputs, |a, b| elementwise::binary(binary, a, b)),
            Explain::Reduce(reduction) => vec![elementwise::reduce(reduction, inputs[0])],
            Explain::SaliencyMaps => factor::saliency_maps(inputs[0], inputs[1], inputs[2], shape),
            Explain::SaliencyMaximum => vec![factor::saliency_maximum(inputs[0], shape)],
            Explain::MaskedSaliency => rules::masked_saliency(inputs[0], inputs[1], pixels),
            Explain::FactorBasis => factor::basis(inputs[0], inputs[1][0], inputs[2], shape),
            Explain::FactorMaps => {
                let x = factor::factor(inputs[0], inputs[1][0], inputs[2], shape);
                let gm = factor::factor(inputs[3], inputs[4][0], inputs[5], shape);
                [x, gm].concat()
            }
            Explain::Residual(terms) => {
                rules::residual(terms, inputs[0], inputs[1], inputs[2], inputs[3][0], inputs[4], pixels)
            }
            Explain::Shift => rules::shift(inputs[0], inputs[1], inputs[2][0], inputs[3][0]),
            Explain::BoxRatio => {
                rules::box_ratio(inputs[0], [inputs[1], inputs[2], inputs[3]], [inputs[4][0], inputs[5][0]])
            }
            Explain::BoxRelevance => {
                rules::box_relevance(inputs[0], [inputs[1], inputs[2]], [inputs[3][0], inputs[4][0]])
            }
            Explain::Noise { seed } => noise::normal(seed, inputs[1][0] as u32, node.shape),
            Explain::Resize { .. } => maps::resize(inputs[0], shape, node.shape),
            Explain::ChannelSum | Explain::PlainMap { absolute: false } => {
                maps::channel_sum(inputs[0], shape, |value| value)
            }
            Explain::PlainMap { absolute: true } => maps::channel_sum(inputs[0], shape, f64::abs),
            Explain::ScaledMagnitude => maps::scaled_magnitude(inputs[0], inputs[1][0], inputs[2][0], shape),
            Explain::HeatMap => rules::heat_map(inputs[0], inputs[1][0], pixels),
        }
    }

    /// The shape of a node's first input.
    pub(super) fn input_shape(&self, node: &Node) -> Shape {
        node.inputs.first().map_or(Shape::SCALAR, |&input| self.graph.shape(input))
    }
}
