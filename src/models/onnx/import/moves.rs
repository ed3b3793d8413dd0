//! Operations that rename dimensions, or only pass a value on.

use super::layers::or_refuse;
use super::{Importer, Inputs, Outcome, constant_input, data};
use crate::graph::Padding;
use crate::models::onnx::OnnxError;
use crate::models::onnx::fold::{permutation, shape_of, squeezed, unsqueezed};
use crate::models::onnx::node::OnnxNode;
use crate::models::onnx::view::View;

pub(super) fn identity(_: &mut Importer, node: &OnnxNode, inputs: &Inputs) -> Result<Outcome, OnnxError> {
    Ok(Outcome::Value(data(node, inputs, 0)?.clone()))
}

pub(super) fn shape(_: &mut Importer, node: &OnnxNode, inputs: &Inputs) -> Result<Outcome, OnnxError> {
    Ok(Outcome::Constant(shape_of(node, &data(node, inputs, 0)?.sizes())?))
}

fn renamed(x: &View, sizes: &[usize]) -> Outcome {
    match x.reshaped(sizes) {
        Some(view) => Outcome::Value(view),
        None => Outcome::Unsupported(format!("from {:?} to {sizes:?}", x.sizes())),
    }
}

pub(super) fn reshape(_: &mut Importer, node: &OnnxNode, inputs: &Inputs) -> Result<Outcome, OnnxError> {
    let x = data(node, inputs, 0)?;
    let wanted = node.list("shape", or_refuse!(constant_input(inputs, 1)))?;
    let wanted = wanted.ok_or_else(|| node.error("has no shape"))?;
    Ok(renamed(x, &node.reshaped(&x.sizes(), &wanted)?))
}

pub(super) fn flatten(_: &mut Importer, node: &OnnxNode, inputs: &Inputs) -> Result<Outcome, OnnxError> {
    let x = data(node, inputs, 0)?;
    Ok(renamed(x, &node.flattened(&x.sizes())?))
}

pub(super) fn squeeze(_: &mut Importer, node: &OnnxNode, inputs: &Inputs) -> Result<Outcome, OnnxError> {
    let x = data(node, inputs, 0)?;
    let axes = node.list("axes", or_refuse!(constant_input(inputs, 1)))?;
    Ok(renamed(x, &squeezed(node, &x.sizes(), axes)?))
}

pub(super) fn unsqueeze(_: &mut Importer, node: &OnnxNode, inputs: &Inputs) -> Result<Outcome, OnnxError> {
    let x = data(node, inputs, 0)?;
    let axes = node.list("axes", or_refuse!(constant_input(inputs, 1)))?;
    Ok(renamed(x, &unsqueezed(node, &x.sizes(), axes)?))
}

pub(super) fn transpose(_: &mut Importer, node: &OnnxNode, inputs: &Inputs) -> Result<Outcome, OnnxError> {
    let x = data(node, inputs, 0)?;
    let order = permutation(node, x.dims.len())?;
    Ok(match x.transposed(&order) {
        Some(view) => Outcome::Value(view),
        None => Outcome::Unsupported("behind a Pad".into()),
    })
}

/// Zeros around the pixels, which the next convolution takes in.
pub(super) fn pad(_: &mut Importer, node: &OnnxNode, inputs: &Inputs) -> Result<Outcome, OnnxError> {
    let x = data(node, inputs, 0)?;
    let refused = |why: &str| Ok(Outcome::Unsupported(why.into()));
    let pads = match node.list("pads", or_refuse!(constant_input(inputs, 1)))? {
        Some(pads) => pads,
        None => node.ints("paddings").map(<[i64]>::to_vec).ok_or_else(|| node.error("has no pads"))?,
    };
    if constant_input(inputs, 3).ok().flatten().is_some() {
        return refused("along chosen axes");
    }
    if node.string("mode").unwrap_or("constant") != "constant" {
        return refused("by other values than a constant");
    }
    let value = or_refuse!(constant_input(inputs, 2)).and_then(|value| value.scalar()).or(node.float("value"));
    if pads.iter().all(|&pixels| pixels == 0) {
        return Ok(Outcome::Value(x.clone()));
    }
    if value.is_some_and(|value| value != 0.0) {
        return refused("by another value than 0");
    }
    let pixels: Vec<u32> = pads.iter().filter_map(|&pixels| u32::try_from(pixels).ok()).collect();
    let &[0, 0, top, left, 0, 0, bottom, right] = pixels.as_slice() else {
        return refused("of channels, or by negative sizes");
    };
    if !x.is_image() || x.is_padded() {
        return refused("of channels in another order, or twice");
    }
    Ok(Outcome::Value(View { padding: Padding { top, left, bottom, right }, ..x.clone() }))
}
