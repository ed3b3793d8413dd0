//! Products of two values: which factor is the signal, and which its gate.

use super::layer::Layer;
use crate::graph::{Activation, Constant, Forward, Graph, GraphError, NodeId};
use std::cmp::Ordering;
use std::collections::HashSet;

impl Layer<'_> {
    /// The signal of a product takes all, its gate nothing: the gate is the factor that is broadcast, or of two equal
    /// shapes the one that a bounded activation gives. Without a gate both take half.
    pub(super) fn product(&mut self) -> Result<Vec<Option<NodeId>>, GraphError> {
        let (a, b) = (self.inputs[0], self.inputs[1]);
        if a == b || self.graph.shape(a) != self.graph.shape(b) {
            return Ok(vec![Some(self.c), None]);
        }
        let like_a_gate = |factor| (is_repeated(self.graph, factor), is_bounded(self.graph, factor));
        match like_a_gate(a).cmp(&like_a_gate(b)) {
            Ordering::Less => Ok(vec![Some(self.c), None]),
            Ordering::Greater => Ok(vec![None, Some(self.c)]),
            Ordering::Equal => {
                let half = self.scale("half of the relevance", Constant::new(0.5), self.c)?;
                Ok(vec![Some(half); 2])
            }
        }
    }
}

/// Whether a value comes from an activation whose values lie between bounds, scaled and shifted or not.
fn is_bounded(graph: &Graph, mut id: NodeId) -> bool {
    loop {
        let node = graph.node(id);
        match (node.op.forward(), node.inputs.first()) {
            (Some(Forward::Activate(function)), _) => return function.is_bounded(),
            (Some(Forward::Clamp(activation)), _) => return activation != Activation::Relu,
            (Some(Forward::BatchNorm(_)), Some(&x)) => id = x,
            _ => return false,
        }
    }
}

/// Whether a value is one channel, row or column many times: what is broadcast along them.
fn is_repeated(graph: &Graph, mut id: NodeId) -> bool {
    while let (Some(Forward::Transpose(_)), Some(&x)) = (graph.node(id).op.forward(), graph.node(id).inputs.first()) {
        id = x;
    }
    let (mut open, mut seen, mut single) = (vec![id], HashSet::new(), None);
    while let Some(part) = open.pop() {
        let node = graph.node(part);
        match node.op.forward() {
            _ if !seen.insert(part) => {}
            Some(Forward::Concat) => open.extend(&node.inputs),
            _ if single.is_some_and(|single| single != part) => return false,
            _ => single = Some(part),
        }
    }
    single.is_some_and(|single| single != id && graph.shape(single).channels == 1)
}
