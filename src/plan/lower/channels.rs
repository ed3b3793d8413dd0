//! Operations that move channels: concatenation, slices, and the transpose of a slice.

use super::{Lowering, Work};
use crate::graph::{Node, NodeId, Shape};
use crate::plan::kernel::{Kernel, Shader};
use crate::plan::layout::QUAD;
use crate::plan::uniforms::Uniforms;

/// A run of channels on its way from one value to another.
struct Run {
    source: NodeId,
    source_first: u32,
    first: u32,
    count: u32,
    /// Whether channels before the run were written by a step before.
    keeps: bool,
}

impl Lowering<'_, '_> {
    /// One input behind the other; a quad that two of them share is written by both, the second of which keeps what the first wrote.
    pub(super) fn concat(&mut self, node: &Node) {
        let mut first = 0;
        for (index, &source) in node.inputs.iter().enumerate() {
            let count = self.shape(source).channels;
            let quads = first / QUAD..(first + count).div_ceil(QUAD);
            self.channels(node, &Run { source, source_first: 0, first, count, keeps: index > 0 }, quads);
            first += count;
        }
    }

    pub(super) fn slice(&mut self, node: &Node, source_first: u32) {
        let run = Run { source: node.inputs[0], source_first, first: 0, count: node.shape.channels, keeps: false };
        self.channels(node, &run, 0..node.shape.quads());
    }

    pub(super) fn slice_transpose(&mut self, node: &Node, first: u32) {
        let source = node.inputs[0];
        let run = Run { source, source_first: 0, first, count: self.shape(source).channels, keeps: false };
        self.channels(node, &run, 0..node.shape.quads());
    }

    /// Writes these quads of the node's value.
    fn channels(&mut self, node: &Node, run: &Run, quads: std::ops::Range<u32>) {
        let uniforms = Uniforms::new()
            .with("pixels", node.shape.pixels())
            .with("source_quads", self.shape(run.source).quads())
            .with("source_first", run.source_first)
            .with("quads", node.shape.quads())
            .with("first", run.first)
            .with("count", run.count)
            .with("first_quad", quads.start)
            .with("keep", run.keeps);
        let written = Shape { channels: (quads.end - quads.start) * QUAD, ..node.shape };
        let (kernel, workgroups) = self.per_quad(Kernel::new(Shader::Channels), written);
        let values = vec![self.value(run.source), self.value(self.output)];
        self.push(Work { kernel, uniforms, workgroups, flops: 0 }, Vec::new(), values);
    }
}
