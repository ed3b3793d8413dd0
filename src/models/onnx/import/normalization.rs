//! Normalisations over the values of one picture.

use super::layers::{fill, or_refuse};
use super::parameters::Form;
use super::{Importer, Inputs, Outcome, constant_input, data};
use crate::graph::parameter::ParameterKind;
use crate::graph::{Constant, Forward, ResponseNormalization};
use crate::models::onnx::OnnxError;
use crate::models::onnx::node::OnnxNode;
use crate::models::onnx::view::Axis;

/// `LRN`, over neighbouring channels.
pub(super) fn local_response(importer: &mut Importer, node: &OnnxNode, inputs: &Inputs) -> Result<Outcome, OnnxError> {
    let x = data(node, inputs, 0)?;
    if x.axis(1) != Some(Axis::Channel) {
        return Ok(Outcome::Unsupported("of channels in another order".into()));
    }
    let size = node.int("size").and_then(|size| u32::try_from(size).ok()).filter(|&size| size > 0);
    let size = size.ok_or_else(|| node.error("has no size above 0"))?;
    let number = |name: &str, default: f32| Constant::new(node.float(name).unwrap_or(default));
    let [alpha, beta, bias] = [number("alpha", 1e-4), number("beta", 0.75), number("bias", 1.0)];
    let is_usual = bias.value() > 0.0 && alpha.value() >= 0.0;
    if !is_usual {
        return Ok(Outcome::Unsupported("with a bias that is not above 0, or a negative alpha".into()));
    }
    let name = importer.layer_name(node);
    let normalization = ResponseNormalization { size, alpha, beta, bias };
    let made = importer.graph.add(&name, Forward::NormalizeResponse(normalization), &[x.node]);
    importer.view(x, made)
}

/// `LayerNormalization` over the channels of each pixel, its factors being a batch normalisation of mean 0 and variance
/// 1.
pub(super) fn layer(importer: &mut Importer, node: &OnnxNode, inputs: &Inputs) -> Result<Outcome, OnnxError> {
    let x = data(node, inputs, 0)?;
    let scale = or_refuse!(constant_input(inputs, 1)).cloned().unwrap_or_else(|| fill(1.0));
    let shift = or_refuse!(constant_input(inputs, 2)).cloned().unwrap_or_else(|| fill(0.0));
    let (rank, channels) = (x.dims.len(), x.shape.channels as usize);
    let axis = node.axis(node.int("axis").unwrap_or(-1), rank)?;
    let is_of_channels = axis + 1 == rank && x.axis(axis) == Some(Axis::Channel);
    let fits =
        [&scale, &shift].iter().all(|tensor| matches!(tensor.count(), Some(count) if count == 1 || count == channels));
    if !is_of_channels || !fits {
        return Ok(Outcome::Unsupported(format!("over the axes from {axis} on of {:?}", x.sizes())));
    }
    let epsilon = Constant::new(node.float("epsilon").unwrap_or(1e-5));
    let is_above_zero = epsilon.value() > 0.0;
    if !is_above_zero {
        return Ok(Outcome::Unsupported("with an epsilon that is not above 0".into()));
    }
    let name = importer.layer_name(node);
    let made = importer.graph.add(&format!("{name}.normalized"), Forward::NormalizeChannels { epsilon }, &[x.node])?;
    let made = importer.graph.batch_norm(&name, 0.0, made);
    let bind = [
        ("weight", ParameterKind::BatchNormScale, scale),
        ("bias", ParameterKind::BatchNormShift, shift),
        ("running_mean", ParameterKind::BatchNormMean, fill(0.0)),
        ("running_var", ParameterKind::BatchNormVariance, fill(1.0)),
    ];
    for (parameter, kind, tensor) in bind {
        importer.bind(format!("{name}.{parameter}"), &[channels], kind, &tensor, Form::default());
    }
    importer.view(x, made)
}
