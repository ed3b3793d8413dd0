//! Convolutions and batch normalisations.

use super::parameters::{Binding, Form};
use super::{Importer, Inputs, Outcome, constant_input, data};
use crate::graph::parameter::{Parameter, ParameterKind};
use crate::graph::{Convolution, Padding, Window};
use crate::models::onnx::OnnxError;
use crate::models::onnx::node::OnnxNode;
use crate::models::onnx::tensor::Tensor;
use std::sync::Arc;

impl Importer<'_> {
    /// Says where a parameter comes from.
    pub(super) fn bind(
        &mut self,
        name: String,
        shape: &[usize],
        kind: ParameterKind,
        tensor: &Arc<Tensor>,
        form: Form,
    ) {
        self.bindings.push(Binding { parameter: Parameter::new(name, shape, kind), tensor: tensor.clone(), form });
    }
}

/// A number everywhere.
pub(super) fn fill(value: f32) -> Arc<Tensor> {
    Tensor::of_floats("", vec![], vec![value])
}

macro_rules! or_refuse {
    ($result:expr) => {
        match $result {
            Ok(value) => value,
            Err(outcome) => return Ok(outcome),
        }
    };
}
pub(super) use or_refuse;

/// Two numbers of a list along rows and columns; `None` for a list of another length.
pub(super) fn pair(node: &OnnxNode, name: &str, default: u32) -> Result<[u32; 2], OnnxError> {
    let Some(list) = node.ints(name) else { return Ok([default; 2]) };
    let numbers: Vec<u32> = list.iter().filter_map(|&number| u32::try_from(number).ok()).collect();
    numbers.try_into().map_err(|_| node.error(format!("has {name} {list:?}; rows and columns are expected")))
}

/// The padding of a window operation over a value of `size` rows and columns.
pub(super) fn padding(
    node: &OnnxNode,
    size: [u32; 2],
    kernel: [u32; 2],
    strides: [u32; 2],
) -> Result<Padding, OnnxError> {
    let mode = node.string("auto_pad").unwrap_or("NOTSET");
    match mode {
        "VALID" => Ok(Padding::default()),
        "SAME_UPPER" | "SAME_LOWER" => {
            let along = |axis: usize| {
                let steps = size[axis].div_ceil(strides[axis].max(1)).max(1) - 1;
                let covered = steps.saturating_mul(strides[axis]).saturating_add(kernel[axis]);
                let total = covered.saturating_sub(size[axis]);
                let less = total / 2;
                if mode == "SAME_UPPER" { (less, total - less) } else { (total - less, less) }
            };
            let ((top, bottom), (left, right)) = (along(0), along(1));
            Ok(Padding { top, left, bottom, right })
        }
        "NOTSET" => {
            let Some(pads) = node.ints("pads") else { return Ok(Padding::default()) };
            let pixels: Vec<u32> = pads.iter().filter_map(|&pixels| u32::try_from(pixels).ok()).collect();
            match pixels[..] {
                [top, left, bottom, right] => Ok(Padding { top, left, bottom, right }),
                _ => Err(node.error(format!("has pads {pads:?}; four numbers of pixels are expected"))),
            }
        }
        other => Err(node.error(format!("has the unknown auto_pad '{other}'"))),
    }
}

pub(super) fn convolution(importer: &mut Importer, node: &OnnxNode, inputs: &Inputs) -> Result<Outcome, OnnxError> {
    let x = data(node, inputs, 0)?;
    let weight = or_refuse!(constant_input(inputs, 1)).ok_or_else(|| node.error("has no weight"))?;
    let bias = or_refuse!(constant_input(inputs, 2));
    let &[outputs, inner, rows, columns] = weight.dims.as_slice() else {
        return Ok(Outcome::Unsupported(format!("over {} axes", weight.dims.len().saturating_sub(2))));
    };
    if !x.is_image() {
        return Ok(Outcome::Unsupported("of channels in another order".into()));
    }
    if !weight.is_countable() {
        return Err(node.error(format!("has weights {:?}, more than a layer may have", weight.dims)));
    }
    let groups = usize::try_from(node.int("group").unwrap_or(1)).unwrap_or(0);
    let input_channels = x.shape.channels as usize;
    if groups == 0 || inner.checked_mul(groups) != Some(input_channels) || outputs % groups != 0 {
        let what = format!("has weights {:?} in {groups} groups for {input_channels} channels", weight.dims);
        return Err(node.error(what));
    }
    let size = |size: usize| u32::try_from(size).map_err(|_| node.error(format!("has weights {:?}", weight.dims)));
    let (kernel, strides) = ([size(rows)?, size(columns)?], pair(node, "strides", 1)?);
    let dilation = pair(node, "dilations", 1)?;
    let along = |axis: usize| (kernel[axis].saturating_sub(1)).saturating_mul(dilation[axis]).saturating_add(1);
    let padding = padding(node, [x.shape.height, x.shape.width], [along(0), along(1)], strides)?;
    let name = importer.layer_name(node);
    let layer = Convolution {
        name: name.clone(),
        input_channels: x.shape.channels,
        output_channels: size(outputs)?,
        window: Window { kernel, stride: strides, dilation, padding },
        groups: size(groups)?,
        bias: bias.is_some(),
    };
    let made = importer.graph.convolve(layer, x.node);
    importer.bind(format!("{name}.weight"), &weight.dims, ParameterKind::Weight, weight, Form::default());
    if let Some(bias) = bias {
        importer.bind(format!("{name}.bias"), &[outputs], ParameterKind::Bias, bias, Form::default());
    }
    importer.image(made)
}

pub(super) fn batch_normalization(
    importer: &mut Importer,
    node: &OnnxNode,
    inputs: &Inputs,
) -> Result<Outcome, OnnxError> {
    let x = data(node, inputs, 0)?;
    if x.channel_dim() != Some(1) && x.shape.channels > 1 {
        return Ok(Outcome::Unsupported("of channels in another order".into()));
    }
    if node.int("training_mode").unwrap_or(0) != 0 {
        return Ok(Outcome::Unsupported("as in training".into()));
    }
    let name = importer.layer_name(node);
    let channels = x.shape.channels as usize;
    let epsilon = f64::from(node.float("epsilon").unwrap_or(1e-5));
    let made = importer.graph.batch_norm(&name, epsilon, x.node);
    let parameters = [
        ("weight", ParameterKind::BatchNormScale),
        ("bias", ParameterKind::BatchNormShift),
        ("running_mean", ParameterKind::BatchNormMean),
        ("running_var", ParameterKind::BatchNormVariance),
    ];
    for (index, (parameter, kind)) in (1..).zip(parameters) {
        let tensor = or_refuse!(constant_input(inputs, index));
        let tensor = tensor.ok_or_else(|| node.error(format!("has no {parameter}")))?;
        importer.bind(format!("{name}.{parameter}"), &[channels], kind, tensor, Form::default());
    }
    importer.view(x, made)
}
