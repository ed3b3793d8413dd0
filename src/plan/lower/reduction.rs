//! Reductions of a sample to one value, in one level or two.

use super::{LANES, Lowering, Work};
use crate::graph::{Node, NodeId, Reduction, Shape};
use crate::plan::fuse;
use crate::plan::kernel::{Kernel, Shader};
use crate::plan::uniforms::Uniforms;
use crate::plan::{ValueId, codes};

/// One level: `count` vec4 elements of each sample, of which the channels `first_channel..channels` take part.
struct Level {
    operation: u32,
    pixels: u32,
    count: u32,
    run: u32,
    first_channel: u32,
    channels: u32,
}

impl Lowering<'_, '_> {
    /// Reduces the channels from `first_channel` on: in one level where every reader folds partial results, otherwise
    /// in two.
    pub(super) fn reduction(&mut self, node: &Node, reduction: Reduction, first_channel: u32) {
        let (id, shape) = (self.output, self.shape(node.inputs[0]));
        let (operation, second_operation) = match reduction {
            Reduction::Maximum => (codes::REDUCE_MAXIMUM, codes::REDUCE_MAXIMUM),
            Reduction::Minimum => (codes::REDUCE_MINIMUM, codes::REDUCE_MINIMUM),
            Reduction::Sum => (codes::REDUCE_SUM, codes::REDUCE_SUM),
            Reduction::CountNonZero => (codes::REDUCE_COUNT_NON_ZERO, codes::REDUCE_SUM),
            Reduction::MaximumAbsolute => (codes::REDUCE_MAXIMUM_ABSOLUTE, codes::REDUCE_MAXIMUM),
            Reduction::MinimumAbsolute => (codes::REDUCE_MINIMUM_ABSOLUTE, codes::REDUCE_MINIMUM),
            Reduction::SumAbsolute => (codes::REDUCE_SUM_ABSOLUTE, codes::REDUCE_SUM),
        };
        let count = shape.vectors();
        let (run, runs) = self.profile.strategy.cut(count);
        let level = Level { operation, pixels: shape.pixels(), count, run, first_channel, channels: shape.channels };
        let source = self.value(node.inputs[0]);
        if runs == 1 {
            let output = self.value(id);
            return self.level(&level, source, output);
        }
        let partial = self.scratch("partial", Shape::new(1, 1, runs));
        self.level(&level, source, partial);
        if self.is_folded_by_readers(id) {
            self.draft.partials.insert(id, (partial, runs));
            return;
        }
        let output = self.value(id);
        let last =
            Level { operation: second_operation, pixels: runs, count: runs, run: runs, first_channel: 0, channels: 1 };
        self.level(&last, partial, output);
    }

    /// Whether all that read a reduction's result take partial results for it.
    fn is_folded_by_readers(&self, id: NodeId) -> bool {
        let folds = |&reader: &NodeId| fuse::folds(self.graph.node(reader).op);
        !self.draft.is_kept[id.index()] && self.draft.readers[id.index()].iter().all(folds)
    }

    /// A reduction's result as partial results, and how many a sample has: one where they are folded already.
    pub(super) fn partials(&mut self, id: NodeId) -> (ValueId, u32) {
        self.draft.partials.get(&id).copied().unwrap_or_else(|| (self.value(id), 1))
    }

    /// `g [c != 0]`, and how many non-zero elements of `g` that leaves out, in so many parts; `values` are g, c, and a
    /// value of `copied` shape with the place where it is copied to.
    pub(super) fn masked(
        &mut self,
        [g, c, unmasked, copy]: [ValueId; 4],
        shape: Shape,
        copied: Shape,
    ) -> (ValueId, (ValueId, u32)) {
        let (run, runs) = self.profile.strategy.cut(shape.vectors());
        let masked = self.scratch("masked", shape);
        let taken = self.scratch("taken", Shape::new(1, 1, runs));
        let uniforms = Uniforms::new()
            .with("count", shape.vectors())
            .with("run", run)
            .with("runs", runs)
            .with("copy_count", copied.vectors())
            .with("copy_run", copied.vectors().div_ceil(runs));
        let kernel = self.with_reduction_lanes(Kernel::new(Shader::Mask));
        let flops = 4 * u64::from(shape.vectors()) * u64::from(self.batch);
        let work = Work { kernel, uniforms, workgroups: [runs, 1, self.batch], flops };
        self.push_writing(work, Vec::new(), vec![g, c, unmasked, masked, taken, copy], 3);
        (masked, (taken, runs * self.batch))
    }

    fn level(&mut self, level: &Level, source: ValueId, destination: ValueId) {
        let kernel = self.with_reduction_lanes(Kernel::new(Shader::Reduce).with("OPERATION", level.operation));
        let runs = level.count.div_ceil(level.run);
        let uniforms = Uniforms::new()
            .with("pixels", level.pixels)
            .with("count", level.count)
            .with("run", level.run)
            .with("runs", runs)
            .with("first_channel", level.first_channel)
            .with("channels", level.channels);
        let flops = 4 * u64::from(level.count) * u64::from(self.batch);
        let workgroups = [runs, 1, self.batch];
        self.push(Work { kernel, uniforms, workgroups, flops }, Vec::new(), vec![source, destination]);
    }

    /// A kernel with the strategy's lanes for reductions.
    pub(super) fn with_reduction_lanes(&self, kernel: Kernel) -> Kernel {
        let lanes = self.profile.strategy.reduction_lanes;
        if lanes == LANES { kernel } else { kernel.with("LANES", lanes) }
    }
}
