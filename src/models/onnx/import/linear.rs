//! Products with a matrix: linear layers.

use super::layers::{fill, or_refuse};
use super::parameters::Form;
use super::{Importer, Inputs, Outcome, constant_input, data};
use crate::graph::parameter::ParameterKind;
use crate::graph::{Convolution, Padding, Window};
use crate::models::onnx::OnnxError;
use crate::models::onnx::node::OnnxNode;
use crate::models::onnx::tensor::Tensor;
use crate::models::onnx::view::{Axis, View};
use std::sync::Arc;

/// `alpha A B + beta C`, A being the data.
pub(super) fn gemm(importer: &mut Importer, node: &OnnxNode, inputs: &Inputs) -> Result<Outcome, OnnxError> {
    let x = data(node, inputs, 0)?;
    let weight = or_refuse!(constant_input(inputs, 1)).ok_or_else(|| node.error("has no weight"))?;
    let bias = or_refuse!(constant_input(inputs, 2));
    if node.int("transA").unwrap_or(0) != 0 {
        return Ok(Outcome::Unsupported("with the data transposed".into()));
    }
    let factor = |name: &str| node.float(name).filter(|&factor| factor != 1.0);
    let is_transposed = node.int("transB").unwrap_or(0) == 0;
    let product = Product { weight, is_transposed, alpha: factor("alpha"), bias, beta: factor("beta") };
    product.add(importer, node, x)
}

/// `A B`, A being the data; a bias may follow as an addition.
pub(super) fn matrix_product(importer: &mut Importer, node: &OnnxNode, inputs: &Inputs) -> Result<Outcome, OnnxError> {
    let x = data(node, inputs, 0)?;
    let weight = or_refuse!(constant_input(inputs, 1)).ok_or_else(|| node.error("has no weight"))?;
    Product { weight, is_transposed: true, alpha: None, bias: None, beta: None }.add(importer, node, x)
}

struct Product<'a> {
    weight: &'a Arc<Tensor>,
    /// Whether the weight is (inputs, outputs) instead of (outputs, inputs).
    is_transposed: bool,
    alpha: Option<f32>,
    bias: Option<&'a Arc<Tensor>>,
    beta: Option<f32>,
}

impl Product<'_> {
    fn add(&self, importer: &mut Importer, node: &OnnxNode, x: &View) -> Result<Outcome, OnnxError> {
        let &[first, second] = self.weight.dims.as_slice() else {
            return Ok(Outcome::Unsupported(format!("with weights of {} dimensions", self.weight.dims.len())));
        };
        if !self.weight.is_countable() {
            return Err(node.error(format!("has weights {:?}, more than a layer may have", self.weight.dims)));
        }
        let (outputs, columns) = if self.is_transposed { (second, first) } else { (first, second) };
        let last = x.dims.len().saturating_sub(1);
        if x.shape.pixels() > 1 && x.axis(last) == Some(Axis::Channel) {
            return self.add_at_each_pixel(importer, node, x, [outputs, columns]);
        }
        let Some(positions) = x.flat_positions() else {
            return Ok(Outcome::Unsupported("over a dimension among others".into()));
        };
        if positions.len() != columns {
            let what = format!("has weights {:?} for a value of {} elements", self.weight.dims, positions.len());
            return Err(node.error(what));
        }
        let is_ordered = positions.iter().enumerate().all(|(index, &position)| index == position);
        let form = Form {
            transposed: self.is_transposed,
            columns: (!is_ordered).then_some(positions),
            inverted: false,
            factor: self.alpha,
        };
        let name = importer.layer_name(node);
        let count = u32::try_from(outputs).map_err(|_| node.error(format!("has weights {:?}", self.weight.dims)))?;
        let made = importer.graph.linear(&name, count, x.node)?;
        importer.bind(format!("{name}.weight"), &[outputs, columns], ParameterKind::Weight, self.weight, form);
        let bias = self.bias.cloned().unwrap_or_else(|| fill(0.0));
        let form = Form { factor: self.beta.filter(|_| self.bias.is_some()), ..Form::default() };
        importer.bind(format!("{name}.bias"), &[outputs], ParameterKind::Bias, &bias, form);
        let shape = importer.graph.shape(made);
        Ok(Outcome::Value(View::vector(made, shape)))
    }

    /// A matrix over the channels of each pixel, which is a convolution of one tap.
    fn add_at_each_pixel(
        &self,
        importer: &mut Importer,
        node: &OnnxNode,
        x: &View,
        [outputs, columns]: [usize; 2],
    ) -> Result<Outcome, OnnxError> {
        let wrong = || node.error(format!("has weights {:?} for {} channels", self.weight.dims, x.shape.channels));
        if columns != x.shape.channels as usize {
            return Err(wrong());
        }
        let name = importer.layer_name(node);
        let output_channels = u32::try_from(outputs).map_err(|_| wrong())?;
        let window = Window::new([1, 1], 1, Padding::default());
        let input_channels = x.shape.channels;
        let layer = Convolution { name: name.clone(), input_channels, output_channels, window, groups: 1, bias: true };
        let made = importer.graph.convolve(layer, x.node)?;
        let form = Form { transposed: self.is_transposed, factor: self.alpha, ..Form::default() };
        let shape = [outputs, columns, 1, 1];
        importer.bind(format!("{name}.weight"), &shape, ParameterKind::Weight, self.weight, form);
        let bias = self.bias.cloned().unwrap_or_else(|| fill(0.0));
        let form = Form { factor: self.beta.filter(|_| self.bias.is_some()), ..Form::default() };
        importer.bind(format!("{name}.bias"), &[outputs], ParameterKind::Bias, &bias, form);
        let shape = importer.graph.shape(made);
        Ok(Outcome::Value(x.with_channels(x.dims.len().saturating_sub(1), made, shape)))
    }
}
