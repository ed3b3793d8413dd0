//! Operations that move values: concatenation, slices, pads, and channels or axes in another order.

use super::{Lowering, Work};
use crate::graph::{Node, NodeId, Order, Region, Shape, Span};
use crate::plan::kernel::{Kernel, Shader};
use crate::plan::layout::QUAD;
use crate::plan::uniforms::Uniforms;

/// A part of one value on its way to a part of another.
struct Move {
    source: NodeId,
    from: Region,
    to: Region,
    /// Groups that the source's channels are taken from in turn.
    groups: u32,
    /// Whether channels before the region were written by a step before.
    keeps: bool,
}

impl Lowering<'_, '_> {
    /// One input behind the other; a quad that two of them share is written by both, the second of which keeps what the
    /// first wrote.
    pub(super) fn concat(&mut self, node: &Node) {
        let mut first = 0;
        for (index, &source) in node.inputs.iter().enumerate() {
            let from = Region::whole(self.shape(source));
            let count = from.channels.count;
            let to = Region { channels: Span::from(first, count), ..from };
            let quads = first / QUAD..(first + count).div_ceil(QUAD);
            self.moved(node, &Move { source, from, to, groups: 1, keeps: index > 0 }, quads);
            first += count;
        }
    }

    pub(super) fn slice(&mut self, node: &Node, from: Region) {
        let to = Region::whole(node.shape);
        let slice = Move { source: node.inputs[0], from, to, groups: 1, keeps: false };
        self.moved(node, &slice, 0..node.shape.quads());
    }

    pub(super) fn pad(&mut self, node: &Node, to: Region) {
        let source = node.inputs[0];
        let pad = Move { source, from: Region::whole(self.shape(source)), to, groups: 1, keeps: false };
        self.moved(node, &pad, 0..node.shape.quads());
    }

    pub(super) fn shuffle(&mut self, node: &Node, groups: u32) {
        let whole = Region::whole(node.shape);
        let shuffle = Move { source: node.inputs[0], from: whole, to: whole, groups, keeps: false };
        self.moved(node, &shuffle, 0..node.shape.quads());
    }

    pub(super) fn transpose(&mut self, node: &Node, order: Order) {
        let source = self.shape(node.inputs[0]);
        let [first, second, third] = order.axes().map(u32::from);
        let uniforms = Uniforms::new()
            .with("pixels", node.shape.pixels())
            .with("width", node.shape.width)
            .with("channels", node.shape.channels)
            .with("quads", node.shape.quads())
            .with("source_pixels", source.pixels())
            .with("source_width", source.width)
            .with("source_quads", source.quads())
            .with("first", first)
            .with("second", second)
            .with("third", third);
        let (kernel, workgroups) = self.per_quad(Kernel::new(Shader::Transpose), node.shape);
        let values = vec![self.value(node.inputs[0]), self.value(self.output)];
        self.push(Work { kernel, uniforms, workgroups, flops: 0 }, Vec::new(), values);
    }

    /// Writes these quads of the node's value.
    fn moved(&mut self, node: &Node, part: &Move, quads: std::ops::Range<u32>) {
        let source = self.shape(part.source);
        let Move { from, to, .. } = part;
        let stays = (source.height, source.width) == (node.shape.height, node.shape.width)
            && (from.rows, from.columns) == (to.rows, to.columns);
        let mut uniforms = Uniforms::new()
            .with("pixels", node.shape.pixels())
            .with("width", node.shape.width)
            .with("source_pixels", source.pixels())
            .with("source_width", source.width)
            .with("source_quads", source.quads())
            .with("quads", node.shape.quads())
            .with("first_quad", quads.start)
            .with("groups", part.groups)
            .with("keep", part.keeps);
        let names = [
            ["from_channel", "from_channels", "channel", "channels", "channel_count"],
            ["from_row", "from_rows", "row", "rows", "row_count"],
            ["from_column", "from_columns", "column", "columns", "column_count"],
        ];
        let spans = [(from.channels, to.channels), (from.rows, to.rows), (from.columns, to.columns)];
        for ([from_first, from_step, first, step, count], (from, to)) in names.into_iter().zip(spans) {
            uniforms = uniforms
                .with(from_first, from.first)
                .with(from_step, from.step as u32)
                .with(first, to.first)
                .with(step, to.step as u32)
                .with(count, to.count);
        }
        let kernel = Kernel::new(Shader::Region).with("MOVES_PIXELS", (!stays).into());
        let written = Shape { channels: (quads.end - quads.start) * QUAD, ..node.shape };
        let (kernel, workgroups) = self.per_quad(kernel, written);
        let values = vec![self.value(part.source), self.value(self.output)];
        self.push(Work { kernel, uniforms, workgroups, flops: 0 }, Vec::new(), values);
    }
}
