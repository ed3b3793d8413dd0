//! Products over the same weights that run as one step: reading is what takes the time.

use super::{Fusion, Group};
use crate::graph::{Backward, Binary, ConvolutionId, Explain, Forward, LinearId, Node, NodeId, Op, Part, Shape};
use crate::plan::memory::ALIGNMENT;
use std::collections::HashMap;

/// A layer with weights, whatever part of them is meant.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Layer {
    Convolution(ConvolutionId),
    Linear(LinearId),
}

impl Fusion<'_> {
    /// Joins products with the weights of one linear layer, or one convolution, two at a time. Of two products with the
    /// same input the later one joins the earlier; of two transposes the earlier waits for the later if nothing
    /// needs it before.
    pub(super) fn pair(&self, groups: Vec<Group>) -> Vec<Group> {
        let mut paired: Vec<Option<Group>> = Vec::with_capacity(groups.len());
        let mut by_weights: HashMap<(Layer, bool), Vec<usize>> = HashMap::new();
        for group in groups {
            let Some(key) = self.weights_of(&group) else {
                paired.push(Some(group));
                continue;
            };
            let same_weights = by_weights.entry(key).or_default();
            let is_pair = |&earlier: &usize| {
                let earlier: Option<&Group> = paired[earlier].as_ref();
                earlier.is_some_and(|earlier| self.is_pair(earlier, &group))
            };
            let earlier = same_weights.iter().copied().rev().find(is_pair);
            let joined = earlier.and_then(|position| Some((position, self.join(&paired, position, &group)?)));
            match joined {
                Some((position, pair)) => {
                    same_weights.retain(|&other| other != position);
                    let (_, transposed) = key;
                    if transposed {
                        paired[position] = None;
                        paired.push(Some(pair));
                    } else {
                        paired[position] = Some(pair);
                    }
                }
                None => {
                    paired.push(Some(group));
                    same_weights.push(paired.len() - 1);
                }
            }
        }
        paired.into_iter().flatten().collect()
    }

    /// A group with an earlier one of the same weights, unless a transpose would have to wait for a value that
    /// something between them needs.
    fn join(&self, paired: &[Option<Group>], position: usize, later: &Group) -> Option<Group> {
        let earlier = paired[position].as_ref()?;
        let (&head, &output) = (later.chain().first()?, earlier.chain().last()?);
        if !matches!(self.op(head), Op::Backward(_)) {
            return Some(Group::SharedWeights { chain: earlier.chain().to_vec(), partner: head });
        }
        let is_needed_before = paired[position..].iter().flatten().any(|between| self.reads(between, output));
        (!is_needed_before).then(|| Group::SharedWeights { chain: later.chain().to_vec(), partner: output })
    }

    /// The weights that a group's product goes through, and whether transposed: only groups with the same can be a
    /// pair.
    fn weights_of(&self, group: &Group) -> Option<(Layer, bool)> {
        match self.op(*group.chain().first()?) {
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

    fn is_pair(&self, earlier: &Group, later: &Group) -> bool {
        let (Group::Chain(earlier), Group::Chain(later)) = (earlier, later) else { return false };
        let (a, b) = (self.graph.node(earlier[0]), self.graph.node(later[0]));
        match (a.op, b.op) {
            (
                Op::Backward(Backward::LinearTranspose { layer: a, .. }),
                Op::Backward(Backward::LinearTranspose { layer: b, .. }),
            ) => later.len() == 1 && a == b,
            (
                Op::Backward(Backward::ConvolveTranspose { layer: a_layer, weight: a_weight, .. }),
                Op::Backward(Backward::ConvolveTranspose { layer: b_layer, weight: b_weight, .. }),
            ) => {
                let shapes = |node: &Node| (self.graph.shape(node.inputs[0]), node.shape);
                let is_same = a_layer == b_layer && shapes(a) == shapes(b);
                let fits = match (a_weight == b_weight, self.is_of_gradient(a)) {
                    (true, false) => self.is_of_quotient(a) && self.is_of_quotient(b),
                    (false, true) => self.limits.shares_parts && self.is_product(a_layer) && self.is_of_quotient(b),
                    (true, true) | (false, false) => false,
                };
                earlier.len() == 1 && is_same && fits && [a, b].iter().all(|node| self.can_lie_beside_another(node))
            }
            (_, Op::Explain(Explain::ConvolveParts { .. })) => later.len() == 1 && self.is_joint(a, b),
            _ => match (linear_product(&a.op), linear_product(&b.op)) {
                (Some((a_layer, _)), Some((b_layer, false))) => {
                    later.len() == 1 && a_layer == b_layer && a.inputs == b.inputs
                }
                _ => false,
            },
        }
    }

    /// Whether a transpose's source, and its result, may be one half of a value: of a size that other values can begin
    /// behind.
    fn can_lie_beside_another(&self, transpose: &Node) -> bool {
        let fits =
            |shape: Shape| shape.bytes().is_multiple_of(ALIGNMENT) && 2 * shape.bytes() <= self.limits.pair_bytes;
        [self.graph.shape(transpose.inputs[0]), transpose.shape].into_iter().all(fits)
    }

    /// Whether a transpose's source is a quotient that nothing else reads.
    fn is_of_quotient(&self, transpose: &Node) -> bool {
        let source = transpose.inputs[0];
        self.op(source) == Binary::Ratio.into() && self.readers[source.index()].len() == 1
    }

    /// Whether a transpose's source is a gradient that is no transpose's result, and that no other transpose reads: it
    /// may lie beside another value.
    fn is_of_gradient(&self, transpose: &Node) -> bool {
        let source = transpose.inputs[0];
        let is_gradient =
            matches!(self.op(source), Op::Backward(Backward::BatchNormGradient(_) | Backward::ClampGradient(_)));
        let is_transpose = |&&id: &&NodeId| matches!(self.op(id), Op::Backward(Backward::ConvolveTranspose { .. }));
        is_gradient && self.readers[source.index()].iter().filter(is_transpose).count() == 1
    }

    /// Whether a convolution is a product of matrices.
    fn is_product(&self, layer: ConvolutionId) -> bool {
        let layer = self.graph.convolution(layer);
        layer.groups == 1 && layer.window.taps() == 1 && layer.window.plain_stride().is_some()
    }

    /// Whether they are a dense convolution's `W x` and `|W| |x|` of enough operations each, where x is nowhere
    /// negative.
    pub(super) fn is_joint(&self, forward: &Node, absolute: &Node) -> bool {
        let (
            Op::Forward(Forward::Convolve { layer: a, .. }),
            Op::Explain(Explain::ConvolveParts { layer: b, weight: Part::Absolute, input: Part::Absolute }),
        ) = (&forward.op, &absolute.op)
        else {
            return false;
        };
        let layer = self.graph.convolution(*a);
        let is_dense = layer.groups == 1 && layer.window.plain_stride().is_some();
        let is_large = is_dense && self.limits.joint_flops.is_some_and(|flops| layer.flops(forward.shape) >= flops);
        a == b && is_large && forward.inputs == absolute.inputs && self.graph.is_non_negative(forward.inputs[0])
    }

    fn reads(&self, group: &Group, value: NodeId) -> bool {
        group.nodes().into_iter().any(|id| self.inputs(id).contains(&value))
    }
}

/// The layer of a linear layer's product, and whether its bias is added.
fn linear_product(op: &Op) -> Option<(LinearId, bool)> {
    match *op {
        Op::Forward(Forward::Linear { layer, bias }) => Some((layer, bias)),
        Op::Explain(Explain::LinearParts { layer, .. }) => Some((layer, false)),
        Op::Forward(_) | Op::Backward(_) | Op::Explain(_) => None,
    }
}
