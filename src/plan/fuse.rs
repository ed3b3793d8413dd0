//! Fusion: which nodes run as one step, of which only some values are stored.

mod pairs;
mod patterns;
mod reductions;
mod sums;

pub use reductions::{Saliency, folds};
pub use sums::summed;

use crate::graph::{Backward, Binary, Explain, Forward, Graph, NodeId, Op};

/// Nodes that run as one step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Group {
    /// A node and what directly follows it in its kernel; the last one's value is stored.
    Chain(Vec<NodeId>),
    /// A chain, and a node that reads the same weights; the values of both are stored.
    SharedWeights {
        /// The chain.
        chain: Vec<NodeId>,
        /// The other node.
        partner: NodeId,
    },
    /// What goes back through an activation: gradient and relevance at its input are stored.
    Activation(ActivationBack),
    /// Relevance of a value that two steps read: the product is stored.
    FanOut(FanOut),
    /// Relevance at a sum, on its way to both summands: the products are stored, and what is summed besides. The sum
    /// itself is not read.
    Summands(SumBack),
    /// `x * transpose(S)` with the quotient S of relevance at a pooled value: the product is stored.
    Pooling {
        /// S.
        quotient: NodeId,
        /// The transpose.
        transpose: NodeId,
        /// The product.
        product: NodeId,
    },
    /// Two means over the pixels of one map: both are stored.
    Bases([NodeId; 2]),
    /// Maps of a layer, and reductions of what they are made of: partial results of these are stored.
    Saliency(Saliency),
    /// A residual and its sum, of which partial results are stored.
    Residual {
        /// The residual.
        residual: NodeId,
        /// Its sum.
        sum: NodeId,
    },
    /// Sums, and sums of magnitudes, that only the host reads.
    Sums(Vec<NodeId>),
}

/// The nodes of [`Group::Activation`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ActivationBack {
    /// The sum of two gradients at the activation's output, where there are two.
    pub sum: Option<NodeId>,
    /// The gradient at the activation's input.
    pub gradient: NodeId,
    /// The gradient through a batch normalisation before the activation.
    pub scaled: Option<NodeId>,
    /// Whether anything else reads the gradient at the activation's input.
    pub keeps_gradient: bool,
    /// The relevance at the activation's input, unless another group has it.
    pub relevance: Option<NodeId>,
}

/// The nodes of [`Group::FanOut`]: `x (div(c, x) + div(d, x))`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FanOut {
    /// Both quotients.
    pub quotients: [NodeId; 2],
    /// Their sum.
    pub sum: NodeId,
    /// The product.
    pub product: NodeId,
}

/// The nodes of [`Group::Summands`]: `a S` and `b S` with the quotient S of relevance at a sum a + b.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SumBack {
    /// The relevance of the sum's value, or its activation's, where two steps read that.
    pub fan_out: Option<FanOut>,
    /// The relevance at the input of the sum's activation.
    pub activation: Option<NodeId>,
    /// S.
    pub quotient: NodeId,
    /// Both products.
    pub products: [NodeId; 2],
    /// The fan-out's product, where the host reads its sum.
    pub summed_product: Option<NodeId>,
    /// The relevance at the activation's input, where the host reads its sum.
    pub summed_relevance: Option<NodeId>,
}

impl FanOut {
    fn nodes(&self) -> [NodeId; 4] {
        let [first, second] = self.quotients;
        [first, second, self.sum, self.product]
    }
}

impl Group {
    /// All nodes.
    pub fn nodes(&self) -> Vec<NodeId> {
        match *self {
            Group::Chain(ref nodes) => nodes.clone(),
            Group::SharedWeights { ref chain, partner } => [&chain[..], &[partner]].concat(),
            Group::Activation(ActivationBack { sum, gradient, scaled, relevance, .. }) => {
                sum.into_iter().chain([gradient]).chain(scaled).chain(relevance).collect()
            }
            Group::FanOut(fan_out) => fan_out.nodes().to_vec(),
            Group::Summands(SumBack { fan_out, activation, quotient, products: [a, b], .. }) => {
                let before = fan_out.iter().flat_map(FanOut::nodes).chain(activation);
                before.chain([quotient, a, b]).collect()
            }
            Group::Pooling { quotient, transpose, product } => vec![quotient, transpose, product],
            Group::Bases(nodes) => nodes.to_vec(),
            Group::Saliency(saliency) => {
                [saliency.maps].into_iter().chain(saliency.reductions().into_iter().flatten()).collect()
            }
            Group::Residual { residual, sum } => vec![residual, sum],
            Group::Sums(ref sums) => sums.clone(),
        }
    }

    /// The nodes whose values, or partial results, are stored.
    pub fn outputs(&self) -> Vec<NodeId> {
        match *self {
            Group::Chain(ref nodes) => nodes.last().copied().into_iter().collect(),
            Group::SharedWeights { ref chain, partner } => chain.last().copied().into_iter().chain([partner]).collect(),
            Group::Activation(back) => {
                let gradient = Some(back.gradient).filter(|_| back.keeps_gradient);
                gradient.into_iter().chain(back.scaled).chain(back.relevance).collect()
            }
            Group::FanOut(FanOut { product, .. }) | Group::Pooling { product, .. } => vec![product],
            Group::Summands(SumBack { products, summed_product, summed_relevance, .. }) => {
                products.into_iter().chain(summed_product).chain(summed_relevance).collect()
            }
            Group::Bases(_) | Group::Saliency(_) | Group::Residual { .. } | Group::Sums(_) => self.nodes(),
        }
    }

    /// The nodes of a chain, that of a group over shared weights included.
    pub fn chain(&self) -> &[NodeId] {
        match self {
            Group::Chain(nodes) | Group::SharedWeights { chain: nodes, .. } => nodes,
            _ => &[],
        }
    }

    /// Sums that only the host reads.
    pub fn sums(&self) -> &[NodeId] {
        match self {
            Group::Sums(sums) => sums,
            _ => &[],
        }
    }

    /// The node that shares a chain's weights.
    pub fn partner(&self) -> Option<NodeId> {
        match *self {
            Group::SharedWeights { partner, .. } => Some(partner),
            _ => None,
        }
    }
}

/// What decides on fusion.
pub struct Limits {
    /// `W x` and `|W| |x|` of at least so many operations each are one pass; `None`: never.
    pub joint_flops: Option<u64>,
    /// Whether a kernel goes through W and |W| in one dispatch, each with a source of its own.
    pub shares_parts: bool,
    /// Transposes over the same weights are one pass where their values have at most so many bytes, taken together,
    /// for one sample.
    pub pair_bytes: u64,
    /// Sums of at most so many values are one step; 0: each sum is a step of its own.
    pub summed_values: usize,
}

/// A graph with who reads what, of the nodes that are live.
struct Fusion<'a> {
    graph: &'a Graph,
    /// Whether a node's value is to be stored, by its index.
    is_kept: Vec<bool>,
    /// Whether a group has it, by its index.
    is_absorbed: Vec<bool>,
    limits: &'a Limits,
    readers: Vec<Vec<NodeId>>,
}

/// Groups the live nodes of a graph, in an order in which every group's inputs precede it. Values of `kept` nodes are
/// stored.
pub fn groups(graph: &Graph, live: &[bool], kept: &[NodeId], limits: &Limits) -> Vec<Group> {
    let mut readers = vec![Vec::new(); graph.nodes().len()];
    for id in graph.ids().filter(|id| live[id.index()]) {
        for &input in &graph.node(id).inputs {
            readers[input.index()].push(id);
        }
    }
    let mut is_kept = vec![false; graph.nodes().len()];
    kept.iter().for_each(|id| is_kept[id.index()] = true);
    let is_absorbed = vec![false; graph.nodes().len()];
    let mut fusion = Fusion { graph, is_kept, is_absorbed, limits, readers };
    let is_computed = |id: &NodeId| live[id.index()] && !graph.node(*id).op.is_given();
    let mut groups = fusion.all_summands(graph.ids().filter(is_computed));
    for id in graph.ids().filter(is_computed) {
        if fusion.is_absorbed[id.index()] {
            continue;
        }
        let is_free = |group: &Group| group.nodes().iter().all(|node| !fusion.is_absorbed[node.index()]);
        let group = fusion.pattern(id).filter(is_free).unwrap_or_else(|| Group::Chain(fusion.chain(id)));
        fusion.absorb(&group);
        groups.push(group);
    }
    fusion.sort(&mut groups);
    let groups = fusion.pair(groups);
    if limits.summed_values == 0 { groups } else { fusion.gather_sums(groups) }
}

impl Fusion<'_> {
    fn absorb(&mut self, group: &Group) {
        group.nodes().into_iter().for_each(|node| self.is_absorbed[node.index()] = true);
    }

    /// Relevance of all sums whose summands are there. They add these by themselves, so that the sums may end in their
    /// activations.
    fn all_summands(&mut self, ids: impl Iterator<Item = NodeId>) -> Vec<Group> {
        let groups: Vec<SumBack> = ids.filter_map(|id| self.summands(id)).collect();
        for &back in &groups {
            self.absorb(&Group::Summands(back));
            let sum = self.inputs(back.quotient)[1];
            self.readers[sum.index()].retain(|&reader| reader != back.quotient);
        }
        groups.into_iter().map(Group::Summands).collect()
    }

    fn op(&self, id: NodeId) -> Op {
        self.graph.node(id).op
    }

    fn inputs(&self, id: NodeId) -> &[NodeId] {
        &self.graph.node(id).inputs
    }

    /// The one node that reads a value which need not be stored.
    fn only_reader(&self, id: NodeId) -> Option<NodeId> {
        match self.readers[id.index()][..] {
            [reader] if !self.is_kept[id.index()] => Some(reader),
            _ => None,
        }
    }

    /// Whether no input is broadcast.
    fn is_of_one_shape(&self, id: NodeId) -> bool {
        self.inputs(id).iter().all(|&input| self.graph.shape(input) == self.graph.shape(id))
    }

    /// A node and its followers.
    fn chain(&self, id: NodeId) -> Vec<NodeId> {
        let mut nodes = vec![id];
        let reads_same = self.inputs(id).iter().flat_map(|input| &self.readers[input.index()]);
        if reads_same.clone().any(|&reader| self.is_joint(self.graph.node(reader), self.graph.node(id))) {
            return nodes;
        }
        while let Some(next) = self.follower(&nodes) {
            nodes.push(next);
        }
        nodes
    }

    /// The one node that reads the chain's output, if the chain's kernel can take it in.
    fn follower(&self, nodes: &[NodeId]) -> Option<NodeId> {
        let (head, output) = (nodes[0], nodes[nodes.len() - 1]);
        let next = self.only_reader(output)?;
        let inputs = self.inputs(next);
        let first = nodes.len() == 1;
        let fits = match (self.op(head), self.op(next)) {
            (Op::Forward(Forward::Convolve { .. }), Op::Forward(Forward::BatchNorm(_))) => first,
            (Op::Forward(Forward::Convolve { .. }), Op::Forward(Forward::Clamp(_))) => {
                first || matches!(self.op(output), Op::Forward(Forward::BatchNorm(_)))
            }
            (
                Op::Forward(Forward::Convolve { bias: false, .. })
                | Op::Explain(Explain::ConvolveParts { .. } | Explain::ConvolveOnes { .. }),
                Op::Explain(Explain::Binary(Binary::Ratio)),
            ) => first && inputs[1] == output,
            (
                Op::Backward(Backward::ConvolveTranspose { .. }),
                Op::Explain(Explain::Binary(Binary::MultiplyAbsolute)),
            ) => first && inputs[0] == output,
            (Op::Forward(Forward::Linear { .. } | Forward::Add), Op::Forward(Forward::Clamp(_))) => first,
            (Op::Forward(Forward::Add), Op::Backward(Backward::BatchNormGradient(_))) => {
                first && self.is_of_one_shape(head)
            }
            _ => false,
        };
        fits.then_some(next)
    }

    /// Where a group runs: at its last node that reads something else than the others' values, for all that is there.
    fn place(&self, group: &Group) -> Option<NodeId> {
        match *group {
            Group::Activation(back) => {
                Some(back.relevance.map_or(back.gradient, |relevance| relevance.max(back.gradient)))
            }
            Group::Saliency(saliency) => Some(saliency.maps),
            Group::Chain(_)
            | Group::SharedWeights { .. }
            | Group::FanOut(_)
            | Group::Summands(_)
            | Group::Pooling { .. }
            | Group::Bases(_)
            | Group::Residual { .. }
            | Group::Sums(_) => group.nodes().into_iter().max(),
        }
    }

    /// A reduction follows the value that it reads, so that the value's memory need not wait for it.
    fn sort(&self, groups: &mut [Group]) {
        let mut place_of: Vec<NodeId> = self.graph.ids().collect();
        for group in groups.iter() {
            let place = self.place(group);
            group.nodes().into_iter().for_each(|node| place_of[node.index()] = place.unwrap_or(node));
        }
        groups.sort_by_key(|group| {
            let nodes = group.nodes();
            match self.op(nodes[0]) {
                Op::Explain(Explain::Reduce(_) | Explain::SaliencyMaximum) => {
                    (place_of[self.inputs(nodes[0])[0].index()], nodes[0])
                }
                Op::Forward(_) | Op::Backward(_) | Op::Explain(_) => (place_of[nodes[0].index()], NodeId(0)),
            }
        });
    }
}
