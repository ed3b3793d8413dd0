//! Groups of nodes that are one operation: layer normalisation, which operator sets before 17 have in parts.

use super::proto::{AttributeProto, GraphProto, NodeProto};
use super::tensor::{Tensor, decode};
use std::collections::HashMap;
use std::sync::Arc;

/// The nodes and constants that names stand for.
struct Names<'a> {
    makers: HashMap<&'a str, &'a NodeProto>,
    constants: &'a HashMap<String, Arc<Tensor>>,
}

/// Puts `LayerNormalization` in the place of `(x - mean(x)) / sqrt(mean((x - mean(x))^2) + epsilon)`, the means being
/// over the last axis.
pub(super) fn join_layer_normalizations(graph: &mut GraphProto, constants: &HashMap<String, Arc<Tensor>>) {
    let makers = graph.node.iter().flat_map(|node| node.output.iter().map(move |name| (name.as_str(), node)));
    let names = Names { makers: makers.collect(), constants };
    let joined: Vec<Option<NodeProto>> = graph.node.iter().map(|node| names.layer_normalization(node)).collect();
    for (node, joined) in graph.node.iter_mut().zip(joined) {
        if let Some(joined) = joined {
            *node = joined;
        }
    }
}

impl<'a> Names<'a> {
    /// The node of this operation that makes a value.
    fn maker(&self, name: Option<&String>, op: &str) -> Option<&'a NodeProto> {
        self.makers.get(name?.as_str()).copied().filter(|node| node.op_type() == op)
    }

    fn constant(&self, name: &str) -> Option<Arc<Tensor>> {
        if let Some(tensor) = self.constants.get(name) {
            return Some(tensor.clone());
        }
        let node = self.makers.get(name).filter(|node| node.op_type() == "Constant")?;
        let attribute = node.attribute.first()?;
        match (&attribute.t, attribute.f) {
            (Some(tensor), _) => decode(tensor, name, None).ok(),
            (None, Some(value)) => Some(Tensor::of_floats(name, vec![], vec![value])),
            (None, None) => None,
        }
    }

    fn layer_normalization(&self, node: &NodeProto) -> Option<NodeProto> {
        if node.op_type() != "Div" {
            return None;
        }
        let distance = self.maker(node.input.first(), "Sub")?;
        let x = self.centred(distance)?;
        let deviation = self.maker(node.input.get(1), "Sqrt")?;
        let sum = self.maker(deviation.input.first(), "Add")?;
        let [first, second] = sum.input.as_slice() else { return None };
        let (variance, epsilon) = match (self.constant(first), self.constant(second)) {
            (None, Some(epsilon)) => (first, epsilon),
            (Some(epsilon), None) => (second, epsilon),
            (None, None) | (Some(_), Some(_)) => return None,
        };
        let square = self.mean(variance)?;
        let of_x = |name: Option<&String>| self.maker(name, "Sub").and_then(|node| self.centred(node)) == Some(x);
        let is_square = match self.maker(Some(square), "Pow") {
            Some(power) => {
                let exponent = power.input.get(1).and_then(|name| self.constant(name));
                of_x(power.input.first()) && exponent.and_then(|exponent| exponent.scalar()) == Some(2.0)
            }
            None => {
                let product = self.maker(Some(square), "Mul")?;
                of_x(product.input.first()) && of_x(product.input.get(1))
            }
        };
        let number = |name: &str, f, i| AttributeProto { name: Some(name.into()), f, i, ..Default::default() };
        is_square.then(|| NodeProto {
            op_type: Some("LayerNormalization".into()),
            input: vec![x.clone()],
            attribute: vec![number("axis", None, Some(-1)), number("epsilon", epsilon.scalar(), None)],
            ..node.clone()
        })
    }

    /// The x of `x - mean(x)`.
    fn centred(&self, node: &'a NodeProto) -> Option<&'a String> {
        let [x, mean] = node.input.as_slice() else { return None };
        (self.mean(mean)? == x).then_some(x)
    }

    /// The value whose mean over the last axis a value is.
    fn mean(&self, name: &String) -> Option<&'a String> {
        let node = self.maker(Some(name), "ReduceMean")?;
        let attribute = |name: &str| node.attribute.iter().find(|attribute| attribute.name() == name);
        let axes = match node.input.get(1) {
            Some(axes) => self.constant(axes)?.whole()?,
            None => attribute("axes")?.ints.clone(),
        };
        let is_kept = attribute("keepdims").and_then(|attribute| attribute.i) != Some(0);
        (axes == [-1] && is_kept).then(|| node.input.first()).flatten()
    }
}
