//! Fusion: which nodes run as one step. A group is a product with weights and what directly follows it; only its last value is stored.

use crate::graph::{Binary, Graph, Node, NodeId, Op, Part};

/// Nodes that run as one step, in order; the last one's value is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// The nodes.
    pub nodes: Vec<NodeId>,
    /// A group that reads the same weights and runs in the same step.
    pub partner: Option<Box<Group>>,
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

/// Groups the live nodes of a graph, in an order in which every group's inputs precede it. Values of `kept` nodes are stored. A
/// convolution's `W x` and `|W| |x|` run in one step where they can and each have at least `joint_flops` operations.
pub fn groups(graph: &Graph, live: &[bool], kept: &[NodeId], joint_flops: u64) -> Vec<Group> {
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
        let joins = |&reader: &NodeId| is_joint(graph, graph.node(reader), graph.node(id), joint_flops);
        let joins_another = graph.node(id).inputs.iter().flat_map(|input| &readers[input.index()]).any(joins);
        while !joins_another && let Some(next) = follower(graph, &nodes, &readers, kept) {
            absorbed[next.index()] = true;
            nodes.push(next);
        }
        groups.push(Group { nodes, partner: None });
    }
    groups.sort_by_key(|group| position(graph, group));
    pair(graph, groups, joint_flops)
}

/// Joins products with the weights of one linear layer, or one convolution, two at a time: reading is what takes the time. Of two products
/// with the same input the later one joins the earlier; of two transposes the earlier waits for the later if nothing needs it before.
fn pair(graph: &Graph, groups: Vec<Group>, joint_flops: u64) -> Vec<Group> {
    let mut paired: Vec<Option<Group>> = Vec::with_capacity(groups.len());
    for group in groups {
        let earlier =
            paired.iter().rposition(|earlier| earlier.as_ref().is_some_and(|e| is_pair(graph, e, &group, joint_flops)));
        let Some(position) = earlier else {
            paired.push(Some(group));
            continue;
        };
        let transposed = matches!(graph.node(group.head()).op, Op::LinearTranspose { .. });
        let Some(mut first) = paired[position].take() else { continue };
        if !transposed {
            first.partner = Some(Box::new(group));
            paired[position] = Some(first);
        } else if paired[position..].iter().flatten().any(|between| reads(graph, between, first.output())) {
            paired[position] = Some(first);
            paired.push(Some(group));
        } else {
            paired.push(Some(Group { partner: Some(Box::new(first)), ..group }));
        }
    }
    paired.into_iter().flatten().collect()
}

fn is_pair(graph: &Graph, earlier: &Group, later: &Group, joint_flops: u64) -> bool {
    let (a, b) = (graph.node(earlier.head()), graph.node(later.head()));
    let free = earlier.partner.is_none() && later.partner.is_none() && later.nodes.len() == 1;
    let same = match (&a.op, &b.op) {
        (Op::Linear { layer: a_layer, .. }, Op::Linear { layer: b_layer, bias: false, .. }) => {
            a_layer == b_layer && a.inputs == b.inputs
        }
        (Op::LinearTranspose { layer: a_layer, .. }, Op::LinearTranspose { layer: b_layer, .. }) => a_layer == b_layer,
        (Op::Convolve { .. }, Op::Convolve { .. }) => is_joint(graph, a, b, joint_flops),
        _ => false,
    };
    free && same
}

/// Whether they are a dense convolution's `W x` and `|W| |x|` of at least so many operations each, where x is nowhere negative.
fn is_joint(graph: &Graph, forward: &Node, absolute: &Node, flops: u64) -> bool {
    let (full, magnitude) = (Part::Full, Part::Absolute);
    let (a, b) = match (&forward.op, &absolute.op) {
        (
            Op::Convolve { layer: a, weight, input, .. },
            Op::Convolve { layer: b, weight: other, input: of, bias: false },
        ) if (*weight, *input, *other, *of) == (full, full, magnitude, magnitude) => (a, b),
        _ => return false,
    };
    let layer = graph.convolution(*a);
    let is_large = !layer.depthwise && layer.flops(forward.shape) >= flops;
    a == b && is_large && forward.inputs == absolute.inputs && graph.is_non_negative(forward.inputs[0])
}

fn reads(graph: &Graph, group: &Group, value: NodeId) -> bool {
    let partner = group.partner.iter().flat_map(|partner| &partner.nodes);
    group.nodes.iter().chain(partner).any(|&id| graph.node(id).inputs.contains(&value))
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
