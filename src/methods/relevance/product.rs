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
            _ if single.is_some() => return false,
            _ => single = Some(part),
        }
    }
    single.is_some_and(|single| single != id && graph.shape(single).channels == 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::{Activation, Function, Order, Shape};

    #[test]
    fn gates_are_bounded_or_repeated() {
        let mut graph = Graph::new();
        let x = graph.input(Shape::new(1, 4, 4)).unwrap();
        let mut add = |name: &str, op: Forward, inputs: &[NodeId]| graph.add(name, op, inputs).unwrap();
        let relu = add("relu", Forward::Clamp(Activation::Relu), &[x]);
        let clipped = add("relu6", Forward::Clamp(Activation::Capped { ceiling: Constant::new(6.0) }), &[x]);
        let sigmoid = add("sigmoid", Forward::Activate(Function::Sigmoid), &[x]);
        let softplus = add("softplus", Forward::Activate(Function::Softplus), &[x]);
        let pair = add("pair", Forward::Concat, &[relu, relu]);
        let four = add("four", Forward::Concat, &[pair, pair]);
        let mixed = add("mixed", Forward::Concat, &[relu, sigmoid]);
        let turned = add("turned", Forward::Transpose(Order::new([1, 0, 2]).unwrap()), &[pair]);
        let wide = add("wide", Forward::Concat, &[turned, turned]);
        let shifted = graph.batch_norm("shifted", 1e-5, sigmoid).unwrap();
        let shifted_relu = graph.batch_norm("shifted relu", 1e-5, relu).unwrap();
        let bounded = [clipped, sigmoid, shifted].map(|id| is_bounded(&graph, id));
        assert_eq!(bounded, [true; 3]);
        let unbounded = [x, relu, softplus, shifted_relu, pair].map(|id| is_bounded(&graph, id));
        assert_eq!(unbounded, [false; 5]);
        assert_eq!([pair, four, turned].map(|id| is_repeated(&graph, id)), [true; 3]);
        assert_eq!([x, relu, mixed, wide].map(|id| is_repeated(&graph, id)), [false; 4]);
    }
}
