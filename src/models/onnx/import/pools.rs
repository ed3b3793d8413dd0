//! Pooling and means over pixels.

use super::layers::{or_refuse, padding, pair};
use super::{Importer, Inputs, Outcome, constant_input, data};
use crate::graph::{Forward, Padding, Window};
use crate::models::onnx::OnnxError;
use crate::models::onnx::node::OnnxNode;
use crate::models::onnx::view::View;

/// The window of a pooling operation, with the padding behind it that ceil mode needs.
fn window(node: &OnnxNode, x: &View) -> Result<Window, OnnxError> {
    let kernel = pair(node, "kernel_shape", 0)?;
    let (strides, dilation) = (pair(node, "strides", 1)?, pair(node, "dilations", 1)?);
    if kernel.contains(&0) || strides.contains(&0) {
        return Err(node.error("has no kernel_shape, or a stride of 0"));
    }
    let size = [x.shape.height, x.shape.width];
    let along = |axis: usize| (kernel[axis] - 1).saturating_mul(dilation[axis]).saturating_add(1);
    let covered = [along(0), along(1)];
    let padding = padding(node, size, covered, strides)?;
    let window = Window { kernel, stride: strides, dilation, padding };
    let is_ceiled = node.int("ceil_mode").unwrap_or(0) != 0;
    Ok(if is_ceiled { window.ceiled(size[0], size[1]) } else { window })
}

pub(super) fn max_pool(importer: &mut Importer, node: &OnnxNode, inputs: &Inputs) -> Result<Outcome, OnnxError> {
    let x = data(node, inputs, 0)?;
    if !x.is_image() || x.is_padded() {
        return Ok(Outcome::Unsupported("behind a Pad, or of channels in another order".into()));
    }
    if node.outputs().len() > 1 && !node.outputs()[1].is_empty() {
        return Ok(Outcome::Unsupported("whose positions are used".into()));
    }
    let window = window(node, x)?;
    let name = importer.layer_name(node);
    let made = importer.graph.add(&name, Forward::MaxPool(window), &[x.node]);
    importer.image(made)
}

/// Average pooling; a window that covers all pixels is a mean over them.
pub(super) fn average_pool(importer: &mut Importer, node: &OnnxNode, inputs: &Inputs) -> Result<Outcome, OnnxError> {
    let x = data(node, inputs, 0)?;
    if !x.is_image() || x.is_padded() {
        return Ok(Outcome::Unsupported("behind a Pad, or of channels in another order".into()));
    }
    let window = window(node, x)?;
    let size = [x.shape.height, x.shape.width];
    let is_global = window.kernel == size && window.padding == Padding::default();
    if !is_global {
        return Ok(Outcome::Unsupported("by windows smaller than the map".into()));
    }
    pooled(importer, node, x)
}

pub(super) fn global_average_pool(
    importer: &mut Importer,
    node: &OnnxNode,
    inputs: &Inputs,
) -> Result<Outcome, OnnxError> {
    let x = data(node, inputs, 0)?;
    if !x.is_image() || x.is_padded() {
        return Ok(Outcome::Unsupported("behind a Pad, or of channels in another order".into()));
    }
    pooled(importer, node, x)
}

fn pooled(importer: &mut Importer, node: &OnnxNode, x: &View) -> Result<Outcome, OnnxError> {
    let name = importer.layer_name(node);
    let made = importer.graph.add(&name, Forward::AveragePool { height: 1, width: 1 }, &[x.node]);
    importer.image(made)
}

/// A mean over the dimensions that hold the pixels.
pub(super) fn mean(importer: &mut Importer, node: &OnnxNode, inputs: &Inputs) -> Result<Outcome, OnnxError> {
    let x = data(node, inputs, 0)?;
    let sizes = x.sizes();
    let axes = node.list("axes", or_refuse!(constant_input(inputs, 1)))?.unwrap_or_default();
    let axes = node.axes(&axes, sizes.len())?;
    let channels = x.channel_dim();
    let is_pixels = !x.is_padded()
        && sizes.iter().enumerate().all(|(axis, &size)| size == 1 || axes.contains(&axis) != (Some(axis) == channels));
    if !is_pixels {
        return Ok(Outcome::Unsupported(format!("over the axes {axes:?} of {sizes:?}")));
    }
    let name = importer.layer_name(node);
    let made = importer.graph.add(&name, Forward::AveragePool { height: 1, width: 1 }, &[x.node])?;
    let shape = importer.graph.shape(made);
    let is_kept = node.int("keepdims").unwrap_or(1) != 0;
    let mut dims = Vec::new();
    for (axis, factors) in x.dims.iter().enumerate() {
        match (axes.contains(&axis), is_kept) {
            (false, _) => dims.push(factors.clone()),
            (true, true) => dims.push(Vec::new()),
            (true, false) => {}
        }
    }
    Ok(Outcome::Value(View { dims, shape, ..x.of(made) }))
}
