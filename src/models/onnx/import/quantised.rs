//! Quantised files, taken as the float networks that they stand for: integers are multiplied out, and values go through
//! quantisation as they are. Only what it cuts off below 0, where its integers begin there, is a ReLU that the file has
//! left out.

use super::layers::or_refuse;
use super::{Importer, Inputs, Outcome, Value, constant_input, data, layers, linear, pools, products, sums};
use crate::graph::{Activation, Forward};
use crate::models::onnx::OnnxError;
use crate::models::onnx::fold::{self, dequantized};
use crate::models::onnx::node::OnnxNode;
use crate::models::onnx::tensor::{Tensor, Values};
use crate::models::onnx::view::View;
use std::sync::Arc;

/// `QuantizeLinear` of data.
pub(super) fn quantize(importer: &mut Importer, node: &OnnxNode, inputs: &Inputs) -> Result<Outcome, OnnxError> {
    let x = data(node, inputs, 0)?;
    let scale = or_refuse!(constant_input(inputs, 1)).cloned();
    let zero = or_refuse!(constant_input(inputs, 2)).cloned();
    if let (Some(scale), Some(name)) = (scale, node.outputs().first()) {
        importer.scales.insert(name.clone(), scale);
    }
    importer.requantized(node, x.clone(), zero.as_deref())
}

/// `DequantizeLinear` of data, by the scale that it was quantised with.
pub(super) fn dequantize(importer: &mut Importer, node: &OnnxNode, inputs: &Inputs) -> Result<Outcome, OnnxError> {
    importer.is_quantised = true;
    let scale = or_refuse!(constant_input(inputs, 1));
    let known = node.inputs().first().and_then(|name| importer.scales.get(name));
    if let (Some(scale), Some(known)) = (scale, known)
        && scale.floats() != known.floats()
    {
        return Ok(Outcome::Unsupported("by another scale than the value's".into()));
    }
    Ok(Outcome::Value(data(node, inputs, 0)?.clone()))
}

/// `DynamicQuantizeLinear`: the value itself, with the scale 1 and the zero point 0.
pub(super) fn quantize_dynamically(
    importer: &mut Importer,
    node: &OnnxNode,
    inputs: &Inputs,
) -> Result<Outcome, OnnxError> {
    importer.is_quantised = true;
    let x = data(node, inputs, 0)?;
    importer.dynamic.extend(node.outputs().first().cloned());
    let scale = Tensor::of_floats("", vec![], vec![1.0]);
    let zero = Tensor::ranged("", vec![], Values::Integer(vec![0]), Some([0, 255]));
    Ok(Outcome::Values(vec![Value::Data(x.clone()), Value::Constant(scale), Value::Constant(zero)]))
}

/// `ConvInteger` of what was quantised dynamically.
pub(super) fn convolution_of_integers(
    importer: &mut Importer,
    node: &OnnxNode,
    inputs: &Inputs,
) -> Result<Outcome, OnnxError> {
    of_integers(importer, node, inputs, 0, layers::convolution)
}

/// `MatMulInteger` of what was quantised dynamically.
pub(super) fn matrix_product_of_integers(
    importer: &mut Importer,
    node: &OnnxNode,
    inputs: &Inputs,
) -> Result<Outcome, OnnxError> {
    of_integers(importer, node, inputs, -1, linear::matrix_product)
}

fn of_integers(
    importer: &mut Importer,
    node: &OnnxNode,
    inputs: &Inputs,
    axis: i64,
    rule: super::Rule,
) -> Result<Outcome, OnnxError> {
    if !node.inputs().first().is_some_and(|name| importer.dynamic.contains(name)) {
        return Ok(Outcome::Unsupported("of what is not quantised dynamically".into()));
    }
    let weight = or_refuse!(constant_input(inputs, 1)).ok_or_else(|| node.error("has no weight"))?;
    let one = Tensor::of_floats("", vec![], vec![1.0]);
    let weight = multiplied_out(node, weight, &one, or_refuse!(constant_input(inputs, 3)), axis)?;
    rule(importer, node, &[given(inputs, 0), Some(Value::Constant(weight))])
}

/// `QLinearConv`.
pub(super) fn convolution(importer: &mut Importer, node: &OnnxNode, inputs: &Inputs) -> Result<Outcome, OnnxError> {
    let constant = |index: usize| required(node, inputs, index);
    let (scale, weight, weight_scale) = (or_refuse!(constant(1)?), or_refuse!(constant(3)?), or_refuse!(constant(4)?));
    let filter = multiplied_out(node, &weight, &weight_scale, or_refuse!(constant_input(inputs, 5)), 0)?;
    let bias = match or_refuse!(constant_input(inputs, 8)) {
        Some(bias) => Some(Value::Constant(bias_of(node, bias, &scale, &weight_scale)?)),
        None => None,
    };
    let zero = or_refuse!(constant(7)?);
    let made = layers::convolution(importer, node, &[given(inputs, 0), Some(Value::Constant(filter)), bias])?;
    importer.behind(node, made, &zero)
}

/// `QLinearMatMul`.
pub(super) fn matrix_product(importer: &mut Importer, node: &OnnxNode, inputs: &Inputs) -> Result<Outcome, OnnxError> {
    let (matrix, scale) = (or_refuse!(required(node, inputs, 3)?), or_refuse!(required(node, inputs, 4)?));
    let matrix = multiplied_out(node, &matrix, &scale, or_refuse!(constant_input(inputs, 5)), -1)?;
    let zero = or_refuse!(required(node, inputs, 7)?);
    let made = linear::matrix_product(importer, node, &[given(inputs, 0), Some(Value::Constant(matrix))])?;
    importer.behind(node, made, &zero)
}

/// onnxruntime's `QGemm`.
pub(super) fn gemm(importer: &mut Importer, node: &OnnxNode, inputs: &Inputs) -> Result<Outcome, OnnxError> {
    let (scale, matrix) = (or_refuse!(required(node, inputs, 1)?), or_refuse!(required(node, inputs, 3)?));
    let matrix_scale = or_refuse!(required(node, inputs, 4)?);
    let axis = if node.int("transB").unwrap_or(0) == 0 { 1 } else { 0 };
    let weight = multiplied_out(node, &matrix, &matrix_scale, or_refuse!(constant_input(inputs, 5)), axis)?;
    let bias = match or_refuse!(constant_input(inputs, 6)) {
        Some(bias) => Some(Value::Constant(bias_of(node, bias, &scale, &matrix_scale)?)),
        None => None,
    };
    let zero = or_refuse!(constant_input(inputs, 8)).cloned();
    let made = linear::gemm(importer, node, &[given(inputs, 0), Some(Value::Constant(weight)), bias])?;
    // Without an output's zero point the result is of floats.
    match zero {
        Some(zero) => importer.behind(node, made, &zero),
        None => Ok(made),
    }
}

/// onnxruntime's `QLinearAdd` and `QLinearMul`.
pub(super) fn arithmetic(importer: &mut Importer, node: &OnnxNode, inputs: &Inputs) -> Result<Outcome, OnnxError> {
    let mut operands = Vec::with_capacity(2);
    for first in [0, 3] {
        operands.push(match inputs.get(first) {
            Some(Some(Value::Constant(tensor))) => {
                let scale = or_refuse!(required(node, inputs, first + 1)?);
                let zero = or_refuse!(constant_input(inputs, first + 2));
                Some(Value::Constant(multiplied_out(node, tensor, &scale, zero, 0)?))
            }
            _ => given(inputs, first),
        });
    }
    let zero = or_refuse!(constant_input(inputs, 7)).cloned();
    let rule = if node.op().ends_with("Mul") { products::multiply } else { sums::add };
    let made = rule(importer, node, &operands)?;
    match zero {
        Some(zero) => importer.behind(node, made, &zero),
        None => Ok(made),
    }
}

/// onnxruntime's `QLinearGlobalAveragePool`.
pub(super) fn global_average_pool(
    importer: &mut Importer,
    node: &OnnxNode,
    inputs: &Inputs,
) -> Result<Outcome, OnnxError> {
    importer.is_quantised = true;
    if node.int("channels_last").unwrap_or(0) != 0 {
        return Ok(Outcome::Unsupported("of channels in another order".into()));
    }
    pools::global_average_pool(importer, node, &inputs[..inputs.len().min(1)])
}

fn given(inputs: &Inputs, index: usize) -> Option<Value> {
    inputs.get(index).cloned().flatten()
}

fn required(node: &OnnxNode, inputs: &Inputs, index: usize) -> Result<Result<Arc<Tensor>, Outcome>, OnnxError> {
    match constant_input(inputs, index) {
        Ok(Some(tensor)) => Ok(Ok(tensor.clone())),
        Ok(None) => Err(node.error(format!("has no input {index}"))),
        Err(outcome) => Ok(Err(outcome)),
    }
}

/// `(x - zero point) * scale`
fn multiplied_out(
    node: &OnnxNode,
    x: &Arc<Tensor>,
    scale: &Tensor,
    zero: Option<&Arc<Tensor>>,
    axis: i64,
) -> Result<Arc<Tensor>, OnnxError> {
    dequantized(&fold::Fold::of(node), x, scale, zero, axis)
}

/// A bias, whose scale is the product of the input's and the weight's.
fn bias_of(node: &OnnxNode, bias: &Arc<Tensor>, scale: &Tensor, weight: &Tensor) -> Result<Arc<Tensor>, OnnxError> {
    let number = scale.scalar().ok_or_else(|| node.error("has an input of several scales"))?;
    let scales = weight.floats().ok_or_else(|| node.error("has too many scales"))?;
    let scales: Vec<f32> = scales.iter().map(|weight| weight * number).collect();
    let scales = Tensor::of_floats("", vec![scales.len()], scales);
    multiplied_out(node, bias, &scales, None, 0)
}

impl Importer<'_> {
    /// A value behind its quantisation: a ReLU where the integers begin at the zero point, and the value may be below
    /// it.
    fn requantized(&mut self, node: &OnnxNode, x: View, zero: Option<&Tensor>) -> Result<Outcome, OnnxError> {
        self.is_quantised = true;
        let lowest = zero.map_or(Some(0), |zero| zero.range.map(|[low, _]| low));
        let begins_at_zero = match zero {
            Some(zero) => zero.whole().is_some_and(|points| points.iter().all(|&point| Some(point) == lowest)),
            None => true,
        };
        let is_picture = self.graph.node(x.node).op.forward() == Some(Forward::Input);
        if !begins_at_zero || is_picture || self.graph.is_non_negative(x.node) {
            return Ok(Outcome::Value(x));
        }
        let name = self.layer_name(node);
        let made = self.graph.add(&name, Forward::Clamp(Activation::Relu), &[x.node]);
        self.view(&x, made)
    }

    /// What an operation gave, behind the quantisation of its result.
    fn behind(&mut self, node: &OnnxNode, made: Outcome, zero: &Tensor) -> Result<Outcome, OnnxError> {
        match made {
            Outcome::Value(view) => self.requantized(node, view, Some(zero)),
            Outcome::Values(_) | Outcome::Constant(_) | Outcome::Unsupported(_) => Ok(made),
        }
    }
}
