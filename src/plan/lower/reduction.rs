//! Reductions of a sample to one value, in one level or two.

use super::{Lowering, Work};
use crate::graph::{Node, Reduction, Shape};
use crate::plan::ValueId;
use crate::plan::kernel::{Kernel, Shader};
use crate::plan::uniforms::Uniforms;

/// vec4 elements that one workgroup reduces.
const RUN: u32 = 2048;

/// One level: `count` vec4 elements of each sample, of which the channels `first_channel..channels` take part.
struct Level {
    operation: u32,
    pixels: u32,
    count: u32,
    run: u32,
    first_channel: u32,
    channels: u32,
}

impl Lowering<'_> {
    /// Reduces the channels from `first_channel` on.
    pub(super) fn reduction(&mut self, node: &Node, reduction: Reduction, first_channel: u32) {
        let shape = self.shape(node.inputs[0]);
        let (operation, second_operation) = match reduction {
            Reduction::Maximum => (0, 0),
            Reduction::Minimum => (1, 1),
            Reduction::Sum => (2, 2),
            Reduction::CountNonZero => (3, 2),
            Reduction::MaximumAbsolute => (4, 0),
            Reduction::MinimumAbsolute => (5, 1),
            Reduction::SumAbsolute => (6, 2),
        };
        let count = shape.vectors();
        // The number of runs depends on the shape alone, so that a sample gives the same bits in every batch.
        let run = RUN.max(count.div_ceil(RUN));
        let runs = count.div_ceil(run);
        let level = Level { operation, pixels: shape.pixels(), count, run, first_channel, channels: shape.channels };
        let (source, output) = (self.value(node.inputs[0]), self.value(self.output));
        if runs == 1 {
            return self.level(&level, source, output);
        }
        let partial = self.scratch("partial", Shape::new(1, 1, runs));
        self.level(&level, source, partial);
        let last =
            Level { operation: second_operation, pixels: runs, count: runs, run: runs, first_channel: 0, channels: 1 };
        self.level(&last, partial, output);
    }

    /// `g [c != 0]`, and per sample how many non-zero elements of `g` that leaves out.
    pub(super) fn masked(&mut self, g: ValueId, c: ValueId, shape: Shape) -> (ValueId, ValueId) {
        let count = shape.vectors();
        let run = RUN.max(count.div_ceil(RUN));
        let runs = count.div_ceil(run);
        let masked = self.scratch("masked", shape);
        let partial = self.scratch("taken, partial", Shape::new(1, 1, runs));
        let uniforms = Uniforms::new().with("count", count).with("run", run).with("runs", runs);
        let (kernel, _) = self.with_lanes(Kernel::new(Shader::Mask));
        let flops = 4 * u64::from(count) * u64::from(self.batch);
        let workgroups = [runs, 1, self.batch];
        self.push_writing(Work { kernel, uniforms, workgroups, flops }, Vec::new(), vec![g, c, masked, partial], 2);
        let taken = self.scratch("taken", Shape::SCALAR);
        let level = Level { operation: 2, pixels: runs, count: runs, run: runs, first_channel: 0, channels: 1 };
        self.level(&level, partial, taken);
        (masked, taken)
    }

    fn level(&mut self, level: &Level, source: ValueId, destination: ValueId) {
        let (kernel, _) = self.with_lanes(Kernel::new(Shader::Reduce).with("OPERATION", level.operation));
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
}
