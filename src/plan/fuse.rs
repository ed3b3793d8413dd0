//! Fusion: which nodes run as one step. A group is a product with weights and what directly follows it; only its last value is stored.

use super::memory::ALIGNMENT;
use crate::graph::{Backward, Binary, ConvolutionId, Explain, Forward, Graph, LinearId, Node, NodeId, Op, Part, Shape};
use std::collections::HashMap;

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

/// Which passes over a convolution's weights run as one.
pub struct Limits {
    /// `W x` and `|W| |x|` of at least so many operations each; `None`: never.
    pub joint_flops: Option<u64>,
    /// Transposes whose values have at most so many bytes, taken together, for one sample.
    pub pair_bytes: u64,
}

/// Groups the live nodes of a graph, in an order in which every group's inputs precede it. Values of `kept` nodes are stored.
pub fn groups(graph: &Graph, live: &[bool], kept: &[NodeId], limits: &Limits) -> Vec<Group> {
    let mut readers = vec![Vec::new(); graph.nodes().len()];
    for id in graph.ids().filter(|id| live[id.index()]) {
        for &input in &graph.node(id).inputs {
            readers[input.index()].push(id);
        }
    }
    let mut is_kept = vec![false; graph.nodes().len()];
    kept.iter().for_each(|id| is_kept[id.index()] = true);
    let mut absorbed = vec![false; graph.nodes().len()];
    let mut groups = Vec::new();
    for id in graph.ids().filter(|id| live[id.index()]) {
        if absorbed[id.index()] || graph.node(id).op.is_given() {
            continue;
        }
        let mut nodes = vec![id];
        let joins = |&reader: &NodeId| is_joint(graph, graph.node(reader), graph.node(id), limits.joint_flops);
        let joins_another = graph.node(id).inputs.iter().flat_map(|input| &readers[input.index()]).any(joins);
        while !joins_another && let Some(next) = follower(graph, &nodes, &readers, &is_kept) {
            absorbed[next.index()] = true;
            nodes.push(next);
        }
        groups.push(Group { nodes, partner: None });
    }
    groups.sort_by_key(|group| position(graph, group));
    pair(&Pairing { graph, readers: &readers, limits }, groups)
}

/// What decides on pairs.
struct Pairing<'a> {
    graph: &'a Graph,
    readers: &'a [Vec<NodeId>],
    limits: &'a Limits,
}

/// Joins products with the weights of one linear layer, or one convolution, two at a time: reading is what takes the time. Of two products
/// with the same input the later one joins the earlier; of two transposes the earlier waits for the later if nothing needs it before.
fn pair(pairing: &Pairing, groups: Vec<Group>) -> Vec<Group> {
    let graph = pairing.graph;
    let mut paired: Vec<Option<Group>> = Vec::with_capacity(groups.len());
    let mut by_weights: HashMap<(Layer, bool), Vec<usize>> = HashMap::new();
    for group in groups {
        let Some(key) = weights_of(graph, &group) else {
            paired.push(Some(group));
            continue;
        };
        let same_weights = by_weights.entry(key).or_default();
        let is_pair = |&earlier: &usize| {
            let earlier: Option<&Group> = paired[earlier].as_ref();
            earlier.is_some_and(|earlier| pairing.is_pair(earlier, &group))
        };
        let earlier = same_weights.iter().copied().rev().find(is_pair);
        let taken = earlier.and_then(|position| Some((position, paired[position].take()?)));
        let (_, transposed) = key;
        match taken {
            Some((position, first)) if !transposed => {
                paired[position] = Some(Group { partner: Some(Box::new(group)), ..first });
                same_weights.retain(|&other| other != position);
                continue;
            }
            Some((position, first)) => {
                if paired[position..].iter().flatten().any(|between| reads(graph, between, first.output())) {
                    paired[position] = Some(first);
                    paired.push(Some(group));
                } else {
                    same_weights.retain(|&other| other != position);
                    paired.push(Some(Group { partner: Some(Box::new(first)), ..group }));
                    continue;
                }
            }
            None => paired.push(Some(group)),
        }
        same_weights.push(paired.len() - 1);
    }
    paired.into_iter().flatten().collect()
}

/// A layer with weights, whatever part of them is meant.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Layer {
    Convolution(ConvolutionId),
    Linear(LinearId),
}

/// The weights that a group's product goes through, and whether transposed: only groups with the same can be a pair.
fn weights_of(graph: &Graph, group: &Group) -> Option<(Layer, bool)> {
    match graph.node(group.head()).op {
        Op::Forward(Forward::Convolve { layer, .. }) | Op::Explain(Explain::ConvolveParts { layer, .. }) => {
            Some((Layer::Convolution(layer), false))
        }
        Op::Forward(Forward::Linear { layer, .. }) | Op::Explain(Explain::LinearParts { layer, .. }) => {
            Some((Layer::Linear(layer), false))
        }
        Op::Backward(Backward::ConvolveTranspose { layer, .. }) => Some((Layer::Convolution(layer), true)),
        Op::Backward(Backward::LinearTranspose { layer, .. }) => Some((Layer::Linear(layer), true)),
        _ => None,
    }
}

impl Pairing<'_> {
    fn is_pair(&self, earlier: &Group, later: &Group) -> bool {
        let (a, b) = (self.graph.node(earlier.head()), self.graph.node(later.head()));
        if earlier.partner.is_some() || later.partner.is_some() {
            return false;
        }
        let is_plain = |group: &Group| group.nodes.len() == 1;
        match (&a.op, &b.op) {
            (
                Op::Backward(Backward::LinearTranspose { layer: a, .. }),
                Op::Backward(Backward::LinearTranspose { layer: b, .. }),
            ) => is_plain(later) && a == b,
            (
                Op::Backward(Backward::ConvolveTranspose { layer: a_layer, weight: a_weight, .. }),
                Op::Backward(Backward::ConvolveTranspose { layer: b_layer, weight: b_weight, .. }),
            ) => {
                let shapes = |node: &Node| (self.graph.shape(node.inputs[0]), node.shape);
                let is_same = a_layer == b_layer && a_weight == b_weight && shapes(a) == shapes(b);
                is_plain(earlier) && is_same && [a, b].iter().all(|node| self.can_lie_beside_another(node))
            }
            (_, Op::Explain(Explain::ConvolveParts { .. })) => {
                is_plain(later) && is_joint(self.graph, a, b, self.limits.joint_flops)
            }
            _ => match (linear_product(&a.op), linear_product(&b.op)) {
                (Some((a_layer, _)), Some((b_layer, false))) => {
                    is_plain(later) && a_layer == b_layer && a.inputs == b.inputs
                }
                _ => false,
            },
        }
    }

    /// Whether a transpose's source, and its result, may be one half of a value: a quotient that nothing else reads, of a size that other values
    /// can begin behind.
    fn can_lie_beside_another(&self, transpose: &Node) -> bool {
        let source = transpose.inputs[0];
        let is_quotient = self.graph.node(source).op == Binary::Ratio.into();
        let fits =
            |shape: Shape| shape.bytes().is_multiple_of(ALIGNMENT) && 2 * shape.bytes() <= self.limits.pair_bytes;
        let shapes = [self.graph.shape(source), transpose.shape];
        is_quotient && self.readers[source.index()].len() == 1 && shapes.into_iter().all(fits)
    }
}

/// Whether they are a dense convolution's `W x` and `|W| |x|` of at least so many operations each, where x is nowhere negative.
fn is_joint(graph: &Graph, forward: &Node, absolute: &Node, flops: Option<u64>) -> bool {
    let (
        Op::Forward(Forward::Convolve { layer: a, .. }),
        Op::Explain(Explain::ConvolveParts { layer: b, weight: Part::Absolute, input: Part::Absolute }),
    ) = (&forward.op, &absolute.op)
    else {
        return false;
    };
    let layer = graph.convolution(*a);
    let is_dense = layer.groups == 1 && layer.window.plain_stride().is_some();
    let is_large = is_dense && flops.is_some_and(|flops| layer.flops(forward.shape) >= flops);
    a == b && is_large && forward.inputs == absolute.inputs && graph.is_non_negative(forward.inputs[0])
}

/// The layer of a linear layer's product, and whether its bias is added.
fn linear_product(op: &Op) -> Option<(LinearId, bool)> {
    match *op {
        Op::Forward(Forward::Linear { layer, bias }) => Some((layer, bias)),
        Op::Explain(Explain::LinearParts { layer, .. }) => Some((layer, false)),
        Op::Forward(_) | Op::Backward(_) | Op::Explain(_) => None,
    }
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
        Op::Explain(Explain::Reduce(_) | Explain::SaliencyMaximum) => (node.inputs[0], group.output()),
        Op::Forward(_) | Op::Backward(_) | Op::Explain(_) => (group.output(), NodeId(0)),
    }
}

/// The one node that reads the group's output, if the group's kernel can take it in.
fn follower(graph: &Graph, nodes: &[NodeId], readers: &[Vec<NodeId>], is_kept: &[bool]) -> Option<NodeId> {
    let (head, output) = (nodes[0], nodes[nodes.len() - 1]);
    let [next] = readers[output.index()][..] else { return None };
    if is_kept[output.index()] {
        return None;
    }
    let next_node = graph.node(next);
    let first = nodes.len() == 1;
    let fits = match (graph.node(head).op, next_node.op) {
        (Op::Forward(Forward::Convolve { .. }), Op::Forward(Forward::BatchNorm(_))) => first,
        (Op::Forward(Forward::Convolve { .. }), Op::Forward(Forward::Clamp(_))) => {
            first || matches!(graph.node(output).op, Op::Forward(Forward::BatchNorm(_)))
        }
        (
            Op::Forward(Forward::Convolve { bias: false, .. })
            | Op::Explain(Explain::ConvolveParts { .. } | Explain::ConvolveOnes { .. }),
            Op::Explain(Explain::Binary(Binary::Ratio)),
        ) => first && next_node.inputs[1] == output,
        (Op::Backward(Backward::ConvolveTranspose { .. }), Op::Explain(Explain::Binary(Binary::MultiplyAbsolute))) => {
            first && next_node.inputs[0] == output
        }
        (Op::Forward(Forward::Linear { .. }), Op::Forward(Forward::Clamp(_))) => first,
        _ => false,
    };
    fits.then_some(next)
}
