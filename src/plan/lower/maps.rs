//! What the gradient methods add: the target's unit vector, noise, and what makes maps out of values.

use super::{LANES, Lowering, UNUSED, Work};
use crate::graph::Node;
use crate::plan::kernel::{Kernel, Shader};
use crate::plan::uniforms::Uniforms;

impl Lowering<'_, '_> {
    pub(super) fn one_hot(&mut self, node: &Node) {
        let uniforms = Uniforms::new().with("quads", node.shape.quads());
        let workgroups = [node.shape.quads().div_ceil(LANES), 1, self.batch];
        let values = vec![self.value(node.inputs[1]), self.value(self.output)];
        let flops = self.elements(node, 1);
        self.push(Work { kernel: Kernel::new(Shader::OneHot), uniforms, workgroups, flops }, Vec::new(), values);
    }

    pub(super) fn logit_pair(&mut self, node: &Node, transposed: bool) {
        let kernel = Kernel::new(Shader::LogitPair).with("TRANSPOSED", transposed.into());
        let uniforms = Uniforms::new().with("samples", self.batch);
        let values = vec![self.value(node.inputs[0]), self.value(self.output)];
        let (workgroups, flops) = ([self.batch.div_ceil(LANES), 1, 1], u64::from(self.batch));
        self.push(Work { kernel, uniforms, workgroups, flops }, Vec::new(), values);
    }

    pub(super) fn normalize(&mut self, node: &Node, is_gradient: bool) {
        let kernel = Kernel::new(Shader::Normalize).with("GRADIENT", is_gradient.into());
        let uniforms = Uniforms::new().with("count", node.shape.quads() * node.shape.pixels());
        let (x, g) = match node.inputs[..] {
            [g, x] => (self.value(x), self.value(g)),
            _ => (self.value(node.inputs[0]), UNUSED),
        };
        let values = vec![x, g, self.value(self.output)];
        let flops = self.elements(node, 5);
        self.push(Work { kernel, uniforms, workgroups: [1, 1, self.batch], flops }, Vec::new(), values);
    }

    pub(super) fn noise(&mut self, node: &Node, seed: u64) {
        let uniforms = Uniforms::new()
            .with("pixels", node.shape.pixels())
            .with("quads", node.shape.quads())
            .with("channels", node.shape.channels)
            .with("seed_low", seed as u32)
            .with("seed_high", (seed >> 32) as u32);
        let values = vec![self.value(node.inputs[1]), self.value(self.output)];
        let (kernel, workgroups) = self.per_quad(Kernel::new(Shader::Noise), node.shape);
        let flops = self.elements(node, 80);
        self.push(Work { kernel, uniforms, workgroups, flops }, Vec::new(), values);
    }

    pub(super) fn resize(&mut self, node: &Node) {
        let source = self.shape(node.inputs[0]);
        let uniforms = Uniforms::new()
            .with("source_height", source.height)
            .with("source_width", source.width)
            .with("height", node.shape.height)
            .with("width", node.shape.width)
            .with("quads", node.shape.quads());
        let values = vec![self.value(node.inputs[0]), self.value(self.output)];
        let (kernel, workgroups) = self.per_quad(Kernel::new(Shader::Resize), node.shape);
        let flops = self.elements(node, 8);
        self.push(Work { kernel, uniforms, workgroups, flops }, Vec::new(), values);
    }

    pub(super) fn channel_sum(&mut self, node: &Node, scaled: bool) {
        let source = self.shape(node.inputs[0]);
        let kernel = Kernel::new(Shader::ChannelSum).with("SCALED", scaled.into());
        let uniforms = Uniforms::new()
            .with("pixels", source.pixels())
            .with("quads", source.quads())
            .with("channels", source.channels);
        let mut values = self.values(&node.inputs);
        values.resize(3, UNUSED);
        values.push(self.value(self.output));
        let flops = source.elements() * u64::from(self.batch) * 3;
        let (kernel, workgroups) = self.per_pixel(kernel, source);
        self.push(Work { kernel, uniforms, workgroups, flops }, Vec::new(), values);
    }

    pub(super) fn plain_map(&mut self, node: &Node, absolute: bool) {
        let source = self.shape(node.inputs[0]);
        let uniforms =
            Uniforms::new().with("pixels", source.pixels()).with("quads", source.quads()).with("absolute", absolute);
        let values = vec![self.value(node.inputs[0]), self.value(self.output)];
        let (kernel, workgroups) = self.per_pixel(Kernel::new(Shader::PlainMap), source);
        let flops = source.elements() * u64::from(self.batch);
        self.push(Work { kernel, uniforms, workgroups, flops }, Vec::new(), values);
    }
}
