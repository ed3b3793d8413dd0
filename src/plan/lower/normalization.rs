//! Normalisations over the channels of each pixel.

use super::{Lowering, UNUSED, Work};
use crate::graph::{Constant, Node, NodeId, ResponseNormalization};
use crate::plan::kernel::{Kernel, Shader};
use crate::plan::uniforms::Uniforms;

impl Lowering<'_, '_> {
    /// The first value normalised, or the gradient through that of the second.
    pub(super) fn normalize_response(
        &mut self,
        node: &Node,
        of: ResponseNormalization,
        values: [NodeId; 2],
        is_gradient: bool,
    ) {
        let kernel = Kernel::new(Shader::NormalizeResponse).with("GRADIENT", is_gradient.into());
        let (kernel, workgroups) = self.per_quad(kernel, node.shape);
        let uniforms = Uniforms::new()
            .with("pixels", node.shape.pixels())
            .with("quads", node.shape.quads())
            .with("channels", node.shape.channels)
            .with("before", (of.size - 1) / 2)
            .with("behind", of.size / 2)
            .with("factor", of.alpha.value() / of.size as f32)
            .with("exponent", of.beta.value())
            .with("bias", of.bias.value());
        let gradient = if is_gradient { self.value(values[1]) } else { UNUSED };
        let values = vec![self.value(values[0]), gradient, self.value(self.output)];
        let per_element = if is_gradient { of.size * (of.size + 4) } else { of.size + 4 };
        let flops = self.elements(node, per_element.into());
        self.push(Work { kernel, uniforms, workgroups, flops }, Vec::new(), values);
    }

    /// The first value normalised, or the gradient through that of the second.
    pub(super) fn normalize_channels(
        &mut self,
        node: &Node,
        epsilon: Constant,
        values: [NodeId; 2],
        is_gradient: bool,
    ) {
        let kernel = Kernel::new(Shader::NormalizeChannels).with("GRADIENT", is_gradient.into());
        let (kernel, workgroups) = self.per_pixel(kernel, node.shape);
        let uniforms = Uniforms::new()
            .with("pixels", node.shape.pixels())
            .with("quads", node.shape.quads())
            .with("channels", node.shape.channels)
            .with("epsilon", epsilon.value());
        let gradient = if is_gradient { self.value(values[1]) } else { UNUSED };
        let values = vec![self.value(values[0]), gradient, self.value(self.output)];
        let flops = self.elements(node, 12);
        self.push(Work { kernel, uniforms, workgroups, flops }, Vec::new(), values);
    }
}
