//! Fusion: which nodes run as one step. A group is a product with weights and what directly follows it; only its last value is stored.

use crate::graph::{Binary, Graph, NodeId, Op};

/// Nodes that run as one step, in order; the last one's value is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// The nodes.
    pub nodes: Vec<NodeId>,
}

impl Group {
    /// The node that does the work.
    pub fn head(&self) -> NodeId {
        self.nodes[0]
    }

    /// The node whose value is stored.
    pub fn output(&self) -> NodeId {
        self.nodes[self.nodes.len() - 1]
    }
}

/// Groups the live nodes of a graph, in an order in which every group's inputs precede it. Values of `kept` nodes are stored.
pub fn groups(graph: &Graph, live: &[bool], kept: &[NodeId]) -> Vec<Group> {
    let mut readers = vec![Vec::new(); graph.nodes().len()];
    for id in graph.ids().filter(|id| live[id.index()]) {
        for &input in &graph.node(id).inputs {
            readers[input.index()].push(id);
        }
    }
    let mut absorbed = vec![false; graph.nodes().len()];
    let mut groups = Vec::new();
    for id in graph.ids().filter(|id| live[id.index()]) {
        if absorbed[id.index()] || graph.node(id).op.is_given() {
            continue;
        }
        let mut nodes = vec![id];
        while let Some(next) = follower(graph, &nodes, &readers, kept) {
            absorbed[next.index()] = true;
            nodes.push(next);
        }
        groups.push(Group { nodes });
    }
    groups.sort_by_key(|group| position(graph, group));
    groups
}

/// A group stands where its last node stood, so that what it reads besides is there. A reduction follows the value that it reads, so
/// that the value's memory need not wait for it.
fn position(graph: &Graph, group: &Group) -> (NodeId, NodeId) {
    let node = graph.node(group.head());
    match node.op {
        Op::Reduce(_) | Op::SaliencyMaximum => (node.inputs[0], group.output()),
        _ => (group.output(), NodeId(0)),
    }
}

/// The one node that reads the group's output, if the group's kernel can take it in.
fn follower(graph: &Graph, nodes: &[NodeId], readers: &[Vec<NodeId>], kept: &[NodeId]) -> Option<NodeId> {
    let (head, output) = (nodes[0], nodes[nodes.len() - 1]);
    let [next] = readers[output.index()][..] else { return None };
    if kept.contains(&output) {
        return None;
    }
    let next_node = graph.node(next);
    let first = nodes.len() == 1;
    let fits = match (&graph.node(head).op, &next_node.op) {
        (Op::Convolve { .. }, Op::BatchNorm(_)) => first,
        (Op::Convolve { .. }, Op::Clamp(_)) => first || matches!(graph.node(output).op, Op::BatchNorm(_)),
        (Op::Convolve { bias: false, .. } | Op::ConvolveOnes { .. }, Op::Binary(Binary::Ratio)) => {
            first && next_node.inputs[1] == output
        }
        (Op::ConvolveTranspose { .. }, Op::Binary(Binary::MultiplyAbsolute)) => first && next_node.inputs[0] == output,
        (Op::Linear { .. }, Op::Clamp(_)) => first,
        _ => false,
    };
    fits.then_some(next)
}
