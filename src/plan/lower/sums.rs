//! Sums that only the host reads: partial ones of several values at a time, and in the end the totals of all.

use super::draft::{Draft, UNUSED};
use super::{Lowering, Work};
use crate::graph::{Explain, NodeId, Op, Reduction};
use crate::plan::fuse::{Group, summed};
use crate::plan::kernel::{Kernel, Shader};
use crate::plan::layout::QUAD_BYTES;
use crate::plan::memory::ALIGNMENT;
use crate::plan::uniforms::Uniforms;
use crate::plan::{Value, ValueId};

/// The most values of a step: one binding of the eight that WebGPU grants is for what it writes.
pub const MOST_SUMMED: usize = 7;

/// vec4 elements that begin at a binding's alignment.
const ALIGNED: u32 = (ALIGNMENT / QUAD_BYTES) as u32;

/// Where sums are made.
#[derive(Clone, Copy)]
pub(in crate::plan) struct Sums {
    /// [values][samples][stride].
    partials: ValueId,
    /// Partial sums of a sample at most.
    stride: u32,
    /// Two of each value, one behind the other.
    results: ValueId,
    /// vec4 elements between two of them.
    result_stride: u32,
    /// Values.
    count: u32,
    /// Values that have had their step.
    done: u32,
    /// One of the nodes.
    node: NodeId,
}

impl Sums {
    fn row_bytes(&self, batch: u32) -> u64 {
        u64::from(self.stride * batch) * QUAD_BYTES
    }
}

impl Draft<'_> {
    /// Bytes of the partial sums of all groups of sums.
    pub fn partial_sum_bytes(&self, groups: &[Group]) -> u64 {
        let rows: usize = groups.iter().map(|group| summed(self.graph, group.sums()).len()).sum();
        rows as u64 * u64::from(self.partial_sums(groups) * self.batch) * QUAD_BYTES
    }

    /// Partial sums of a sample of any value at most, and as many as begin at a binding's alignment.
    fn partial_sums(&self, groups: &[Group]) -> u32 {
        let values = groups.iter().flat_map(|group| summed(self.graph, group.sums()));
        let runs = values.map(|value| self.profile.strategy.cut(self.graph.shape(value).vectors()).1);
        runs.max().unwrap_or(1).next_multiple_of(ALIGNED)
    }

    /// Makes room for the partial sums and results of all groups of sums.
    pub fn place_sums(&mut self, groups: &[Group]) {
        let graph = self.graph;
        let sums: Vec<&[NodeId]> = groups.iter().map(Group::sums).filter(|sums| !sums.is_empty()).collect();
        let count: usize = sums.iter().map(|sums| summed(graph, sums).len()).sum();
        let Some(&node) = sums.iter().copied().flatten().last() else { return };
        let stride = self.partial_sums(groups);
        let (count, result_stride) = (count as u32, self.batch.next_multiple_of(ALIGNED));
        let value = |name: &str, quads: u32| {
            let bytes = u64::from(count) * u64::from(quads) * QUAD_BYTES;
            Value { name: name.into(), node: None, bytes, within: None }
        };
        let partials = self.room(value("partial sums", stride * self.batch));
        let results = self.room(value("sums", 2 * result_stride));
        let mut row = 0;
        for sums in &sums {
            let values = summed(graph, sums);
            for &sum in *sums {
                let place = values.iter().position(|&value| value == graph.node(sum).inputs[0]).unwrap_or(0) as u32;
                let is_of_magnitudes = graph.node(sum).op == Op::Explain(Explain::Reduce(Reduction::SumAbsolute));
                let result = 2 * (row + place) + u32::from(is_of_magnitudes);
                let offset = u64::from(result * result_stride) * QUAD_BYTES;
                self.new_value(sum, Some((results, offset)));
            }
            row += values.len() as u32;
        }
        self.sums = Some(Sums { partials, stride, results, result_stride, count, done: 0, node });
    }
}

impl Lowering<'_, '_> {
    /// Partial sums of the values that such nodes add up.
    pub(super) fn sums(&mut self, nodes: &[NodeId]) {
        let Some(sums) = self.draft.sums else { return };
        let summed = summed(self.graph, nodes);
        let strategy = self.profile.strategy;
        let counts: Vec<u32> = summed.iter().map(|&value| self.shape(value).vectors()).collect();
        let runs = counts.iter().map(|&count| strategy.cut(count).1).max().unwrap_or(1);
        let row_bytes = sums.row_bytes(self.batch);
        let partials = self.draft.room(Value {
            name: format!("{} (partial)", self.label),
            node: None,
            bytes: row_bytes * summed.len() as u64,
            within: Some((sums.partials, row_bytes * u64::from(sums.done))),
        });
        let names = ["count_0", "count_1", "count_2", "count_3", "count_4", "count_5", "count_6"];
        let given = counts.iter().copied().chain(std::iter::repeat(0));
        let uniforms = names.into_iter().zip(given).fold(Uniforms::new(), |all, (name, count)| all.with(name, count));
        let uniforms = uniforms
            .with("least_run", strategy.reduction_run)
            .with("most_runs", strategy.partial_results)
            .with("stride", sums.stride);
        let mut values = self.values(&summed);
        values.resize(MOST_SUMMED, UNUSED);
        values.push(partials);
        let kernel = Kernel::new(Shader::ValueSums);
        let kernel = if summed.len() == 1 { kernel.with("ONE", 1) } else { kernel };
        let kernel = self.with_reduction_lanes(kernel);
        let flops = 12 * counts.iter().map(|&count| u64::from(count)).sum::<u64>() * u64::from(self.batch);
        let workgroups = [runs, summed.len() as u32, self.batch];
        self.push(Work { kernel, uniforms, workgroups, flops }, Vec::new(), values);
        self.draft.sums = Some(Sums { done: sums.done + summed.len() as u32, ..sums });
    }

    /// The totals of all partial sums.
    pub fn totals(draft: &mut Draft<'_>) {
        let Some(Sums { partials, stride, results, result_stride, count, node, .. }) = draft.sums else { return };
        let Draft { graph, profile, batch, .. } = *draft;
        let mut lowering = Lowering { graph, profile, batch, draft, label: "totals".into(), output: node };
        let uniforms = Uniforms::new().with("stride", stride).with("result_stride", result_stride);
        let kernel = lowering.with_reduction_lanes(Kernel::new(Shader::ValueTotals));
        let flops = 2 * u64::from(count * batch) * u64::from(stride);
        let work = Work { kernel, uniforms, workgroups: [count, 1, batch], flops };
        lowering.push(work, Vec::new(), vec![partials, results]);
    }
}
