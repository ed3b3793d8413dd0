//! Arithmetic of two values: sums of data, and factors and summands that the file fixes, which are batch normalisations here.

use super::layers::fill;
use super::parameters::Form;
use super::{Importer, Inputs, Outcome, Value, data};
use crate::graph::Forward;
use crate::graph::parameter::ParameterKind;
use crate::models::onnx::OnnxError;
use crate::models::onnx::node::OnnxNode;
use crate::models::onnx::tensor::Tensor;
use crate::models::onnx::view::View;
use std::sync::Arc;

/// The two inputs of an operation of which one is data.
enum Pair<'v> {
    Data(&'v View, &'v View),
    /// Data, then a constant.
    Right(&'v View, &'v Arc<Tensor>),
    /// A constant, then data.
    Left(&'v Arc<Tensor>, &'v View),
}

fn pair<'v>(node: &OnnxNode, inputs: &'v Inputs) -> Result<Pair<'v>, OnnxError> {
    match inputs {
        [Some(Value::Data(a)), Some(Value::Data(b))] => Ok(Pair::Data(a, b)),
        [Some(Value::Data(a)), Some(Value::Constant(b))] => Ok(Pair::Right(a, b)),
        [Some(Value::Constant(a)), Some(Value::Data(b))] => Ok(Pair::Left(a, b)),
        _ => Err(node.error(format!("has {} inputs, two are expected", inputs.len()))),
    }
}

pub(super) fn add(importer: &mut Importer, node: &OnnxNode, inputs: &Inputs) -> Result<Outcome, OnnxError> {
    if let [Some(Value::Data(only))] = inputs {
        return Ok(Outcome::Value(only.clone()));
    }
    if inputs.len() > 2 {
        return sum(importer, node, inputs);
    }
    match pair(node, inputs)? {
        Pair::Data(a, b) => added(importer, node, a, b),
        Pair::Right(x, term) | Pair::Left(term, x) => {
            let index = usize::from(matches!(inputs[0], Some(Value::Constant(_))));
            let is_only_reader = importer.is_only_reader(node, index);
            importer.affine(node, x, Affine { term: Some((term, 1.0)), ..Affine::default() }, is_only_reader)
        }
    }
}

/// A sum of more than two values, from left to right.
fn sum(importer: &mut Importer, node: &OnnxNode, inputs: &Inputs) -> Result<Outcome, OnnxError> {
    let mut total = data(node, inputs, 0)?.clone();
    for index in 1..inputs.len() {
        match added(importer, node, &total, data(node, inputs, index)?)? {
            Outcome::Value(view) => total = view,
            other => return Ok(other),
        }
    }
    Ok(Outcome::Value(total))
}

fn added(importer: &mut Importer, node: &OnnxNode, a: &View, b: &View) -> Result<Outcome, OnnxError> {
    if a.dims != b.dims || a.is_padded() || b.is_padded() {
        return Ok(Outcome::Unsupported(format!("of {:?} and {:?}", a.sizes(), b.sizes())));
    }
    let name = importer.layer_name(node);
    let made = importer.graph.add(&name, Forward::Add, &[a.node, b.node]);
    importer.view(a, made)
}

pub(super) fn subtract(importer: &mut Importer, node: &OnnxNode, inputs: &Inputs) -> Result<Outcome, OnnxError> {
    match pair(node, inputs)? {
        Pair::Data(..) => Ok(Outcome::Unsupported("of two values that depend on the picture".into())),
        Pair::Right(x, term) => {
            let is_only_reader = importer.is_only_reader(node, 0);
            importer.affine(node, x, Affine { term: Some((term, -1.0)), ..Affine::default() }, is_only_reader)
        }
        Pair::Left(term, x) => {
            let minus = fill(-1.0);
            importer.affine(node, x, Affine { factor: Some((&minus, false)), term: Some((term, 1.0)) }, false)
        }
    }
}

pub(super) fn multiply(importer: &mut Importer, node: &OnnxNode, inputs: &Inputs) -> Result<Outcome, OnnxError> {
    match pair(node, inputs)? {
        Pair::Data(..) => Ok(Outcome::Unsupported("of two values that depend on the picture".into())),
        Pair::Right(x, factor) | Pair::Left(factor, x) => {
            importer.affine(node, x, Affine { factor: Some((factor, false)), ..Affine::default() }, false)
        }
    }
}

pub(super) fn divide(importer: &mut Importer, node: &OnnxNode, inputs: &Inputs) -> Result<Outcome, OnnxError> {
    match pair(node, inputs)? {
        Pair::Data(..) | Pair::Left(..) => Ok(Outcome::Unsupported("by a value that depends on the picture".into())),
        Pair::Right(x, factor) => {
            importer.affine(node, x, Affine { factor: Some((factor, true)), ..Affine::default() }, false)
        }
    }
}

/// `factor * x + term`, each a number or one per channel.
#[derive(Default)]
struct Affine<'v> {
    /// The factor, and whether 1 is divided by it.
    factor: Option<(&'v Arc<Tensor>, bool)>,
    /// The summand and its sign.
    term: Option<(&'v Arc<Tensor>, f32)>,
}

impl Importer<'_> {
    /// A factor and a summand as a batch normalisation of mean 0 and variance 1. A summand alone goes to the layer that makes `x` where
    /// nothing else reads that.
    fn affine(
        &mut self,
        node: &OnnxNode,
        x: &View,
        affine: Affine,
        is_only_reader: bool,
    ) -> Result<Outcome, OnnxError> {
        let tensors =
            affine.factor.iter().map(|(tensor, _)| *tensor).chain(affine.term.iter().map(|(tensor, _)| *tensor));
        for tensor in tensors {
            if x.is_padded() || !is_per_channel(x, &tensor.dims) {
                let what = format!("of {:?} with a constant of {:?}", x.sizes(), tensor.dims);
                return Ok(Outcome::Unsupported(what));
            }
        }
        if let (None, Some((term, sign)), true) = (affine.factor, affine.term, is_only_reader)
            && self.take_in(x, term, sign)
        {
            return Ok(Outcome::Value(x.clone()));
        }
        let name = self.layer_name(node);
        let made = self.graph.batch_norm(&name, 0.0, x.node);
        let channels = [x.shape.channels as usize];
        let one = fill(1.0);
        let (factor, inverted) = affine.factor.unwrap_or((&one, false));
        let form = Form { inverted, ..Form::default() };
        self.bind(format!("{name}.weight"), &channels, ParameterKind::BatchNormScale, factor, form);
        let zero = fill(0.0);
        let (term, sign) = affine.term.unwrap_or((&zero, 1.0));
        let form = Form { factor: Some(sign).filter(|&sign| sign != 1.0), ..Form::default() };
        self.bind(format!("{name}.bias"), &channels, ParameterKind::BatchNormShift, term, form);
        self.bind(format!("{name}.running_mean"), &channels, ParameterKind::BatchNormMean, &zero, Form::default());
        self.bind(format!("{name}.running_var"), &channels, ParameterKind::BatchNormVariance, &one, Form::default());
        self.view(x, made)
    }

    /// Makes a summand the bias of the layer that gives `x`, where that has none; whether it did.
    fn take_in(&mut self, x: &View, term: &Arc<Tensor>, sign: f32) -> bool {
        let bias = format!("{}.bias", self.graph.node(x.node).name);
        let is_zero = |tensor: &Tensor| tensor.name.is_empty() && tensor.scalar() == Some(0.0);
        let free = self.bindings.iter_mut().find(|binding| binding.parameter.name == bias && is_zero(&binding.tensor));
        let Some(binding) = free else { return false };
        binding.tensor = term.clone();
        binding.form.factor = Some(sign).filter(|&sign| sign != 1.0);
        true
    }
}

/// Whether a constant of these dimensions varies along the channels of `x` alone.
fn is_per_channel(x: &View, dims: &[usize]) -> bool {
    let rank = x.dims.len();
    let Some(channels) = x.channel_dim() else { return dims.iter().all(|&size| size == 1) };
    dims.len() <= rank
        && dims.iter().enumerate().all(|(index, &size)| {
            let axis = rank - dims.len() + index;
            size == 1 || axis == channels && size == x.shape.channels as usize
        })
}
