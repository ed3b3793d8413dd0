//! Pooling and means over pixels.

use super::layers::{or_refuse, padding, pair};
use super::{Importer, Inputs, Outcome, constant_input, data};
use crate::graph::{Averaging, Forward, Padding, Window};
use crate::models::onnx::OnnxError;
use crate::models::onnx::node::OnnxNode;
use crate::models::onnx::view::{Axis, View};

/// The window of a pooling operation, with the padding behind it that ceil mode needs, and the padding without that.
fn window(node: &OnnxNode, x: &View) -> Result<(Window, Padding), OnnxError> {
    let kernel = pair(node, "kernel_shape", 0)?;
    let (strides, dilation) = (pair(node, "strides", 1)?, pair(node, "dilations", 1)?);
    if kernel.contains(&0) || strides.contains(&0) {
        return Err(node.error("has no kernel_shape, or a stride of 0"));
    }
    let size = [x.shape.height, x.shape.width];
    let along = |axis: usize| (kernel[axis] - 1).saturating_mul(dilation[axis]).saturating_add(1);
    let covered = [along(0), along(1)];
    let own = padding(node, size, covered, strides)?;
    let window = Window { kernel, stride: strides, dilation, padding: own };
    let is_ceiled = node.int("ceil_mode").unwrap_or(0) != 0;
    Ok((if is_ceiled { window.ceiled(size[0], size[1]) } else { window }, own))
}

pub(super) fn max_pool(importer: &mut Importer, node: &OnnxNode, inputs: &Inputs) -> Result<Outcome, OnnxError> {
    let x = data(node, inputs, 0)?;
    if !x.is_image() {
        return Ok(Outcome::Unsupported("of channels in another order".into()));
    }
    let (window, _) = window(node, x)?;
    let name = importer.layer_name(node);
    let made = importer.graph.add(&name, Forward::MaxPool(window), &[x.node]);
    importer.image(made)
}

/// Average pooling; a window that covers all pixels is a mean over them.
pub(super) fn average_pool(importer: &mut Importer, node: &OnnxNode, inputs: &Inputs) -> Result<Outcome, OnnxError> {
    let x = data(node, inputs, 0)?;
    if !x.is_image() {
        return Ok(Outcome::Unsupported("of channels in another order".into()));
    }
    let (window, own) = window(node, x)?;
    if window.kernel == [x.shape.height, x.shape.width] && window.padding == Padding::default() {
        return pooled(importer, node, x);
    }
    let counted = if node.int("count_include_pad").unwrap_or(0) == 0 { Padding::default() } else { own };
    let name = importer.layer_name(node);
    let made = importer.graph.add(&name, Forward::AverageWindows(Averaging { window, counted }), &[x.node]);
    importer.image(made)
}

pub(super) fn global_max_pool(importer: &mut Importer, node: &OnnxNode, inputs: &Inputs) -> Result<Outcome, OnnxError> {
    let x = data(node, inputs, 0)?;
    if !x.is_image() {
        return Ok(Outcome::Unsupported("of channels in another order".into()));
    }
    let name = importer.layer_name(node);
    let window = Window::new([x.shape.height, x.shape.width], 1, Padding::default());
    let made = importer.graph.add(&name, Forward::MaxPool(window), &[x.node]);
    importer.image(made)
}

pub(super) fn global_average_pool(
    importer: &mut Importer,
    node: &OnnxNode,
    inputs: &Inputs,
) -> Result<Outcome, OnnxError> {
    let x = data(node, inputs, 0)?;
    if !x.is_image() {
        return Ok(Outcome::Unsupported("of channels in another order".into()));
    }
    pooled(importer, node, x)
}

fn pooled(importer: &mut Importer, node: &OnnxNode, x: &View) -> Result<Outcome, OnnxError> {
    let name = importer.layer_name(node);
    let made = importer.graph.add(&name, Forward::AveragePool { height: 1, width: 1 }, &[x.node]);
    importer.image(made)
}

/// A mean over rows, columns or both.
pub(super) fn mean(importer: &mut Importer, node: &OnnxNode, inputs: &Inputs) -> Result<Outcome, OnnxError> {
    let x = data(node, inputs, 0)?;
    let sizes = x.sizes();
    let axes = node.list("axes", or_refuse!(constant_input(inputs, 1)))?.filter(|axes| !axes.is_empty());
    let axes = match axes {
        Some(axes) => node.axes(&axes, sizes.len())?,
        None if node.int("noop_with_empty_axes").unwrap_or(0) != 0 => return Ok(Outcome::Value(x.clone())),
        None => (0..sizes.len()).collect(),
    };
    let [mut height, mut width] = [x.shape.height, x.shape.width];
    for &axis in axes.iter().filter(|&&axis| sizes[axis] > 1) {
        match x.axis(axis) {
            Some(Axis::Row) => height = 1,
            Some(Axis::Column) => width = 1,
            // Rows and columns under one dimension.
            None if x.holds_all_pixels(axis) => (height, width) = (1, 1),
            Some(Axis::Channel) | None => {
                return Ok(Outcome::Unsupported(format!("over the axes {axes:?} of {sizes:?}")));
            }
        }
    }
    let name = importer.layer_name(node);
    let made = importer.graph.add(&name, Forward::AveragePool { height, width }, &[x.node])?;
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
