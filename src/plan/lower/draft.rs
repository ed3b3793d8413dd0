//! The plan so far: steps, and the values that they write and read.

use super::goes_back;
use super::sums::Sums;
use crate::graph::{Backward, Graph, NodeId, Op};
use crate::plan::fuse::Group;
use crate::plan::layout::{self, QUAD_BYTES};
use crate::plan::variant::DensePass;
use crate::plan::{LayerPasses, Profile, Step, Value, ValueId};
use std::collections::HashMap;

/// What a step names for a binding that it does not use. Each such binding of a step gets a small value of its own,
/// the first [`UNUSED_VALUES`] ones, since WebGPU forbids writable bindings of one dispatch to overlap.
pub(super) const UNUSED: ValueId = ValueId(0);

/// WebGPU's default `max_storage_buffers_per_shader_stage`.
const UNUSED_VALUES: usize = 8;

/// What groups have become so far.
pub(in crate::plan) struct Draft<'a> {
    pub graph: &'a Graph,
    pub profile: &'a Profile,
    /// Samples.
    pub batch: u32,
    pub steps: Vec<Step>,
    pub values: Vec<Value>,
    pub value_of: HashMap<NodeId, ValueId>,
    pub passes: Vec<LayerPasses>,
    pub dense: Vec<DensePass>,
    /// Partial results of reductions that no step folds: every reader does, with so many of each sample.
    pub(super) partials: HashMap<NodeId, (ValueId, u32)>,
    /// Where sums that only the host reads are made.
    pub(super) sums: Option<Sums>,
    /// Whether the host reads a node, by its index.
    pub(super) is_kept: Vec<bool>,
    /// Who reads each node.
    pub(super) readers: Vec<Vec<NodeId>>,
    /// Whether gradients or relevances are wanted, and not only a prediction.
    pub(super) is_explained: bool,
}

impl<'a> Draft<'a> {
    pub fn new(graph: &'a Graph, live: &[bool], kept: &[NodeId], profile: &'a Profile, batch: u32) -> Self {
        let unused = Value { name: "unused".into(), node: None, bytes: QUAD_BYTES, within: None };
        let values = vec![unused; UNUSED_VALUES];
        let mut readers = graph.consumers();
        readers.iter_mut().for_each(|readers| readers.retain(|reader| live[reader.index()]));
        let mut is_kept = vec![false; graph.nodes().len()];
        kept.iter().for_each(|id| is_kept[id.index()] = true);
        Self {
            graph,
            profile,
            batch,
            steps: Vec::new(),
            values,
            value_of: HashMap::new(),
            passes: Vec::new(),
            dense: Vec::new(),
            partials: HashMap::new(),
            sums: None,
            is_kept,
            readers,
            is_explained: goes_back(graph, live),
        }
    }

    /// The place of a node's value; made on first use.
    pub fn value(&mut self, id: NodeId) -> ValueId {
        match self.value_of.get(&id) {
            Some(&known) => known,
            None => self.new_value(id, None),
        }
    }

    pub(super) fn new_value(&mut self, id: NodeId, within: Option<(ValueId, u64)>) -> ValueId {
        let node = self.graph.node(id);
        let (name, bytes) = (node.name.clone(), layout::bytes(node) * u64::from(self.batch));
        let value = self.room(Value { name, node: Some(id), bytes, within });
        self.value_of.insert(id, value);
        value
    }

    /// Makes room for a value.
    pub(super) fn room(&mut self, value: Value) -> ValueId {
        self.values.push(value);
        ValueId(self.values.len() - 1)
    }

    /// Makes room for what two transposes over the same weights read, and for what they write: one behind the other, so
    /// that they are one pass over twice as many samples.
    pub fn place_together(&mut self, group: &Group) {
        let Group::SharedWeights { chain, partner } = group else { return };
        if let Op::Backward(Backward::ConvolveTranspose { .. }) = self.graph.node(chain[0]).op {
            let source = |id: NodeId| self.graph.node(id).inputs[0];
            let output = chain[chain.len() - 1];
            for [first, second] in [[source(chain[0]), source(*partner)], [output, *partner]] {
                let bytes = self.graph.shape(first).bytes() * u64::from(self.batch);
                let name = format!("{} & {}", self.graph.node(first).name, self.graph.node(second).name);
                let whole = self.room(Value { name, node: None, bytes: 2 * bytes, within: None });
                self.new_value(first, Some((whole, 0)));
                self.new_value(second, Some((whole, bytes)));
            }
        }
    }
}
