//! Which rule each forward node takes.

use super::rule::Subject;
use super::{Kind, Rule, RuleList, Start};
use crate::graph::{BatchNormId, Forward, Graph, Network, NodeId, Op};
use crate::methods::MethodError;

/// The rules of a network's nodes, by node index.
pub(super) struct Assignment {
    /// Forward nodes that the logits depend on.
    pub live: Vec<bool>,
    /// The last layers with weights and what lies behind them: where a walk from the target's probability begins.
    pub head: Vec<bool>,
    rules: Vec<Option<(Forward, Rule)>>,
    fan_outs: Vec<Option<Rule>>,
    /// For a convolution the batch normalisation that is folded into it.
    folded: Vec<Option<BatchNormId>>,
}

impl Assignment {
    /// The first matching rule of every node.
    ///
    /// # Errors
    /// [`MethodError::NoRule`] names all nodes without one.
    pub fn new(network: &Network, list: &RuleList) -> Result<Self, MethodError> {
        let graph = &network.graph;
        let live = graph.live(&[network.logits]);
        let count = live.len();
        let mut assignment = Self {
            rules: vec![None; count],
            fan_outs: vec![None; count],
            folded: vec![None; count],
            live,
            head: head(network),
        };
        let (readers, depths) = (readers(graph, &assignment.live), depths(graph));
        let mut missing = Vec::new();
        for id in graph.ids().filter(|id| assignment.live[id.index()]) {
            let find = |kind: Kind| {
                let deepest = depths[network.logits.index()];
                let subject = Subject { graph, id, kind, depth: depths[id.index()], deepest };
                list.find(&subject)
            };
            let node = graph.node(id);
            if readers[id.index()].len() > 1 {
                assignment.fan_outs[id.index()] = find(Kind::FanOut);
                if assignment.fan_outs[id.index()].is_none() {
                    missing.push(format!("'{}' (fan-out)", node.name));
                }
            }
            if id == network.input {
                continue;
            }
            // What lies before the beginning of the walk needs a gradient alone.
            let is_before = list.start == Start::Probability && assignment.head[id.index()];
            let rule = node.op.forward().and_then(|op| match Kind::of(op) {
                Some(kind) if !is_before => Some((op, find(kind)?)),
                Some(_) | None => Some((op, Rule::Pass)),
            });
            if rule.is_none() {
                missing.push(format!("'{}' ({})", node.name, node.op.name()));
            }
            if let (Some((_, Rule::Fold)), Some((convolution, batch_norm))) = (rule, folding(graph, id, &readers)) {
                assignment.folded[convolution.index()] = Some(batch_norm);
            }
            assignment.rules[id.index()] = rule;
        }
        if missing.is_empty() { Ok(assignment) } else { Err(MethodError::NoRule { method: list.name, nodes: missing }) }
    }

    /// A node's operation and its rule; `None` where relevance does not go through the node.
    pub fn rule(&self, id: NodeId) -> Option<(Forward, Rule)> {
        self.rules[id.index()]
    }

    pub fn fan_out(&self, id: NodeId) -> Rule {
        self.fan_outs[id.index()].unwrap_or(Rule::Pass)
    }

    pub fn folded(&self, id: NodeId) -> Option<BatchNormId> {
        self.folded[id.index()]
    }
}

/// The last layers with weights and what lies behind them. A value that such a layer reads is not among them.
fn head(network: &Network) -> Vec<bool> {
    let graph = &network.graph;
    let mut head = vec![false; graph.nodes().len()];
    let mut is_read_by_layer = head.clone();
    head[network.logits.index()] = true;
    for id in graph.ids().rev().filter(|&id| id != network.input) {
        if !head[id.index()] || is_read_by_layer[id.index()] {
            head[id.index()] = false;
            continue;
        }
        let node = graph.node(id);
        let has_weights = node.op.forward().is_some_and(|op| op.has_weights());
        let reached = if has_weights { &mut is_read_by_layer } else { &mut head };
        node.inputs.iter().for_each(|input| reached[input.index()] = true);
    }
    head[network.input.index()] = false;
    head
}

/// The convolution that a batch normalisation can be folded into: the one whose output nothing else reads.
fn folding(graph: &Graph, id: NodeId, readers: &[Vec<NodeId>]) -> Option<(NodeId, BatchNormId)> {
    let node = graph.node(id);
    let (Op::Forward(Forward::BatchNorm(batch_norm)), &[input]) = (node.op, node.inputs.as_slice()) else {
        return None;
    };
    let is_alone = readers[input.index()].len() == 1;
    (matches!(graph.node(input).op, Op::Forward(Forward::Convolve { .. })) && is_alone).then_some((input, batch_norm))
}

/// Live readers of every node; one that reads a value twice stands there twice.
fn readers(graph: &Graph, live: &[bool]) -> Vec<Vec<NodeId>> {
    let mut readers = graph.consumers();
    readers.iter_mut().for_each(|readers| readers.retain(|reader| live[reader.index()]));
    readers
}

/// Layers with weights on the longest path from the picture up to each node, its own included.
fn depths(graph: &Graph) -> Vec<i32> {
    let mut depths = vec![0; graph.nodes().len()];
    for id in graph.ids() {
        let node = graph.node(id);
        let before = node.inputs.iter().map(|input| depths[input.index()]).max().unwrap_or(0);
        depths[id.index()] = before + i32::from(node.op.forward().is_some_and(|op| op.has_weights()));
    }
    depths
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::{Convolution, Shape, Window};

    #[test]
    fn a_batch_normalisation_folds_into_a_convolution_that_it_alone_reads() {
        let mut graph = Graph::new();
        let x = graph.input(Shape::new(2, 4, 4)).unwrap();
        let mut convolve = |name: &str| {
            let window = Window::square(1, 1, 0);
            let layer = Convolution {
                name: name.into(),
                input_channels: 2,
                output_channels: 2,
                window,
                groups: 1,
                bias: false,
            };
            graph.convolve(layer, x).unwrap()
        };
        let [alone, shared] = ["alone", "shared"].map(&mut convolve);
        let mut after = |name: &str, x: NodeId| graph.batch_norm(name, 1e-5, x).unwrap();
        let folded = after("folded", alone);
        let twice = after("twice", folded);
        let beside = after("beside", shared);
        let sum = graph.add("sum", Forward::Add, &[beside, shared]).unwrap();
        let readers = readers(&graph, &graph.live(&[sum, twice]));
        let found = [folded, twice, beside, sum].map(|id| folding(&graph, id, &readers).map(|(layer, _)| layer));
        assert_eq!(found, [Some(alone), None, None, None]);
    }
}
