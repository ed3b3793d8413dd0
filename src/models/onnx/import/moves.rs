//! Operations that rename dimensions, or only pass a value on.

use super::layers::or_refuse;
use super::{Importer, Inputs, Outcome, constant_input, data};
use crate::graph::{Forward, Order};
use crate::models::onnx::OnnxError;
use crate::models::onnx::fold::{permutation, shape_of, squeezed, unsqueezed};
use crate::models::onnx::node::OnnxNode;
use crate::models::onnx::proto::tensor_proto::DataType;
use crate::models::onnx::view::View;

pub(super) fn identity(_: &mut Importer, node: &OnnxNode, inputs: &Inputs) -> Result<Outcome, OnnxError> {
    Ok(Outcome::Value(data(node, inputs, 0)?.clone()))
}

pub(super) fn dropout(_: &mut Importer, node: &OnnxNode, inputs: &Inputs) -> Result<Outcome, OnnxError> {
    let (ratio, training) = (or_refuse!(constant_input(inputs, 1)), or_refuse!(constant_input(inputs, 2)));
    if node.drops(ratio, training) {
        return Ok(Outcome::Unsupported("as in training".into()));
    }
    Ok(Outcome::Value(data(node, inputs, 0)?.clone()))
}

pub(super) fn shape(_: &mut Importer, node: &OnnxNode, inputs: &Inputs) -> Result<Outcome, OnnxError> {
    Ok(Outcome::Constant(shape_of(node, &data(node, inputs, 0)?.sizes())?))
}

/// `Cast` to another floating-point type, which is none here.
pub(super) fn cast(_: &mut Importer, node: &OnnxNode, inputs: &Inputs) -> Result<Outcome, OnnxError> {
    let is_float = [DataType::Float, DataType::Float16, DataType::Double, DataType::Bfloat16]
        .into_iter()
        .any(|kind| node.int("to") == Some(kind as i64));
    if !is_float {
        return Ok(Outcome::Unsupported("to another type than floating point".into()));
    }
    Ok(Outcome::Value(data(node, inputs, 0)?.clone()))
}

/// The value under another shape; channels that this leaves in the order of a shuffle are put in that order. A map that
/// is flattened is one of the channels, rows and columns that the file has, so that a linear layer sees it as such.
fn renamed(importer: &mut Importer, node: &OnnxNode, x: &View, sizes: &[usize]) -> Result<Outcome, OnnxError> {
    let flat = x.shape.elements() as usize;
    let is_flattened = x.shape.pixels() > 1 && matches!(sizes, &[1, size] if size == flat);
    if let Some(order) = x.order().filter(|&order| is_flattened && order != Order::SAME) {
        let name = importer.layer_name(node);
        let made = importer.graph.add(&name, Forward::Transpose(order), &[x.node])?;
        let image = View::image(made, importer.graph.shape(made));
        return Ok(image.reshaped(sizes).map_or_else(|| Outcome::Unsupported(String::new()), Outcome::Value));
    }
    let Some(view) = x.reshaped(sizes) else {
        return Ok(Outcome::Unsupported(format!("from {:?} to {sizes:?}", x.sizes())));
    };
    let Some((dim, groups)) = view.shuffle() else { return Ok(Outcome::Value(view)) };
    let name = importer.layer_name(node);
    let made = importer.graph.add(&name, Forward::Shuffle { groups }, &[view.node])?;
    Ok(Outcome::Value(view.with_channels(dim, made, view.shape)))
}

pub(super) fn reshape(importer: &mut Importer, node: &OnnxNode, inputs: &Inputs) -> Result<Outcome, OnnxError> {
    let x = data(node, inputs, 0)?;
    let wanted = node.list("shape", or_refuse!(constant_input(inputs, 1)))?;
    let wanted = wanted.ok_or_else(|| node.error("has no shape"))?;
    renamed(importer, node, x, &node.reshaped(&x.sizes(), &wanted)?)
}

pub(super) fn flatten(importer: &mut Importer, node: &OnnxNode, inputs: &Inputs) -> Result<Outcome, OnnxError> {
    let x = data(node, inputs, 0)?;
    renamed(importer, node, x, &node.flattened(&x.sizes())?)
}

pub(super) fn squeeze(importer: &mut Importer, node: &OnnxNode, inputs: &Inputs) -> Result<Outcome, OnnxError> {
    let x = data(node, inputs, 0)?;
    let axes = node.list("axes", or_refuse!(constant_input(inputs, 1)))?;
    renamed(importer, node, x, &squeezed(node, &x.sizes(), axes)?)
}

pub(super) fn unsqueeze(importer: &mut Importer, node: &OnnxNode, inputs: &Inputs) -> Result<Outcome, OnnxError> {
    let x = data(node, inputs, 0)?;
    let axes = node.list("axes", or_refuse!(constant_input(inputs, 1)))?;
    renamed(importer, node, x, &unsqueezed(node, &x.sizes(), axes)?)
}

pub(super) fn transpose(_: &mut Importer, node: &OnnxNode, inputs: &Inputs) -> Result<Outcome, OnnxError> {
    let x = data(node, inputs, 0)?;
    let order = permutation(node, x.dims.len())?;
    let view = x.transposed(&order).ok_or_else(|| node.error(format!("has the order {order:?}")))?;
    Ok(Outcome::Value(view))
}
