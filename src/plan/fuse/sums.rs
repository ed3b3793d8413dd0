//! Sums that only the host reads, such as an audit's: those of several values are one step.

use super::{Fusion, Group};
use crate::graph::{Explain, Graph, NodeId, Op, Reduction};

/// Bytes of one sample's values that wait for others to be summed with, in all.
const WAITING_BYTES: u64 = 7 << 20;

/// The values that such nodes add up, each once.
pub fn summed(graph: &Graph, sums: &[NodeId]) -> Vec<NodeId> {
    let mut values: Vec<NodeId> = Vec::new();
    for value in sums.iter().map(|&sum| graph.node(sum).inputs[0]) {
        if !values.contains(&value) {
            values.push(value);
        }
    }
    values
}

/// Sums that wait for others, and behind how many groups they are.
#[derive(Default)]
struct Waiting {
    sums: Vec<NodeId>,
    position: usize,
}

impl Fusion<'_> {
    /// Joins sums of values that follow each other closely; a value waits for the step that adds it up.
    pub(super) fn gather_sums(&self, groups: Vec<Group>) -> Vec<Group> {
        let mut gathered = Vec::with_capacity(groups.len());
        let mut waiting = Waiting::default();
        for group in groups {
            let Some(sum) = self.sum(&group) else {
                gathered.push(group);
                continue;
            };
            if !self.fits(&waiting.sums, sum) {
                waiting.join(&mut gathered);
            }
            waiting.sums.push(sum);
            waiting.position = gathered.len();
        }
        waiting.join(&mut gathered);
        gathered
    }

    /// The sum that a group is, if only the host reads it.
    fn sum(&self, group: &Group) -> Option<NodeId> {
        let Group::Chain(nodes) = group else { return None };
        let &[id] = &nodes[..] else { return None };
        self.is_sum(id).then_some(id)
    }

    fn is_sum(&self, id: NodeId) -> bool {
        let is_sum = matches!(self.op(id), Op::Explain(Explain::Reduce(Reduction::Sum | Reduction::SumAbsolute)));
        is_sum && self.is_kept[id.index()] && self.readers[id.index()].is_empty()
    }

    /// Whether a value need not be stored for anything but sums that only the host reads: one other node reads it.
    pub(super) fn is_only_read_by(&self, id: NodeId, reader: NodeId) -> bool {
        let readers = &self.readers[id.index()];
        let is_expected = |&other: &NodeId| other == reader || self.is_sum(other);
        !self.is_kept[id.index()] && readers.contains(&reader) && readers.iter().all(is_expected)
    }

    /// Whether a sum may join others.
    fn fits(&self, sums: &[NodeId], sum: NodeId) -> bool {
        let values = summed(self.graph, sums);
        let bytes: u64 = values.iter().map(|&value| self.graph.shape(value).bytes()).sum();
        let is_known = values.contains(&self.inputs(sum)[0]);
        is_known || (values.len() < self.limits.summed_values && bytes < WAITING_BYTES)
    }
}

impl Waiting {
    fn join(&mut self, gathered: &mut Vec<Group>) {
        let sums = std::mem::take(&mut self.sums);
        if !sums.is_empty() {
            gathered.insert(self.position, Group::Sums(sums));
        }
    }
}
