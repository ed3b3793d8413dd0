//! Products of two values: gates, and activations that a file has in parts.

use super::sums::{Affine, Pair, pair, unequal};
use super::{Importer, Inputs, Outcome};
use crate::graph::{Activation, Forward, Function, NodeId};
use crate::models::onnx::OnnxError;
use crate::models::onnx::node::OnnxNode;
use crate::models::onnx::tensor::Tensor;
use crate::models::onnx::view::View;
use std::sync::Arc;

pub(super) fn multiply(importer: &mut Importer, node: &OnnxNode, inputs: &Inputs) -> Result<Outcome, OnnxError> {
    match pair(node, inputs)? {
        Pair::Data(a, b) => {
            let name = importer.layer_name(node);
            let Some([a, b]) = importer.ordered(&name, &a, &b)? else { return Ok(unequal(&a, &b)) };
            let whole = importer.whole(a.node, b.node).or_else(|| importer.whole(b.node, a.node));
            let made = match whole {
                Some((x, function)) => importer.graph.add(&name, Forward::Activate(function), &[x]),
                None => importer.graph.add(&name, Forward::Multiply, &[a.node, b.node]),
            };
            importer.view(&a, made)
        }
        Pair::Right(x, factor) | Pair::Left(factor, x) => scaled(importer, node, &x, factor, false),
    }
}

pub(super) fn divide(importer: &mut Importer, node: &OnnxNode, inputs: &Inputs) -> Result<Outcome, OnnxError> {
    match pair(node, inputs)? {
        Pair::Data(..) | Pair::Left(..) => Ok(Outcome::Unsupported("by a value that depends on the picture".into())),
        Pair::Right(x, factor) => scaled(importer, node, &x, factor, true),
    }
}

/// `x` times a constant, or divided by it.
fn scaled(
    importer: &mut Importer,
    node: &OnnxNode,
    x: &View,
    factor: &Arc<Tensor>,
    is_inverted: bool,
) -> Result<Outcome, OnnxError> {
    let number = factor.scalar().map(|factor| if is_inverted { 1.0 / factor } else { factor });
    if let Some((of, function)) = number.and_then(|number| importer.whole_of_scaled(x.node, number)) {
        let name = importer.layer_name(node);
        let made = importer.graph.add(&name, Forward::Activate(function), &[of]);
        return importer.view(x, made);
    }
    importer.affine(node, x, Affine { factor: Some((factor, is_inverted)), ..Affine::default() }, false)
}

fn is_near(a: f32, b: f32) -> bool {
    (a - b).abs() <= 1e-5 * b.abs()
}

impl Importer<'_> {
    /// The activation that `x` times `gate` is.
    fn whole(&self, x: NodeId, gate: NodeId) -> Option<(NodeId, Function)> {
        let node = self.graph.node(gate);
        let of = |function| Some((x, function));
        match node.op.forward()? {
            Forward::Activate(Function::Sigmoid) if node.inputs == [x] => of(Function::Silu),
            Forward::Activate(Function::HardSigmoid { slope, offset })
                if node.inputs == [x] && is_near(slope.value(), 1.0 / 6.0) && offset.value() == 0.5 =>
            {
                of(Function::HardSwish)
            }
            Forward::BatchNorm(_) => {
                let (inner, factor, term) = self.scaled(gate)?;
                if is_near(factor, 1.0 / 6.0) && term == 0.0 && self.is_shifted_relu6(x, inner) {
                    return of(Function::HardSwish);
                }
                // x times (erf(x / sqrt(2)) / 2 + 1 / 2), or x / 2 times (erf(x / sqrt(2)) + 1)
                let half = self.scaled(x).filter(|&(_, factor, term)| factor == 0.5 && term == 0.0);
                match (half, factor, term) {
                    (_, 0.5, 0.5) if self.is_error_function(x, inner) => of(Function::Gelu),
                    (Some((x, ..)), 1.0, 1.0) if self.is_error_function(x, inner) => Some((x, Function::Gelu)),
                    _ => None,
                }
            }
            _ => None,
        }
    }

    /// The activation that a product times a number is.
    fn whole_of_scaled(&self, product: NodeId, number: f32) -> Option<(NodeId, Function)> {
        let node = self.graph.node(product);
        let (Some(Forward::Multiply), &[a, b]) = (node.op.forward(), node.inputs.as_slice()) else { return None };
        let pairs = [(a, b), (b, a)];
        let swish = |&(x, gate): &(NodeId, NodeId)| is_near(number, 1.0 / 6.0) && self.is_shifted_relu6(x, gate);
        if let Some(&(x, _)) = pairs.iter().find(|pair| swish(pair)) {
            return Some((x, Function::HardSwish));
        }
        let gelu = |&(x, gate): &(NodeId, NodeId)| {
            number == 0.5
                && self.scaled(gate).is_some_and(|(inner, factor, term)| {
                    factor == 1.0 && term == 1.0 && self.is_error_function(x, inner)
                })
        };
        pairs.iter().find(|pair| gelu(pair)).map(|&(x, _)| (x, Function::Gelu))
    }

    /// Whether a value is `min(max(x + 3, 0), 6)`.
    fn is_shifted_relu6(&self, x: NodeId, id: NodeId) -> bool {
        let node = self.graph.node(id);
        node.op.forward() == Some(Forward::Clamp(Activation::RELU6))
            && node.inputs.first().is_some_and(|&inner| self.scaled(inner) == Some((x, 1.0, 3.0)))
    }

    /// Whether a value is `erf(x / sqrt(2))`.
    fn is_error_function(&self, x: NodeId, id: NodeId) -> bool {
        let node = self.graph.node(id);
        let of_scaled = |inner: NodeId| {
            self.scaled(inner).is_some_and(|(of, factor, term)| {
                of == x && is_near(factor, std::f32::consts::FRAC_1_SQRT_2) && term == 0.0
            })
        };
        node.op.forward() == Some(Forward::Activate(Function::Erf))
            && node.inputs.first().copied().is_some_and(of_scaled)
    }
}
