//! Sums and differences, and the factors and summands that a file fixes, which are batch normalisations here.

use super::layers::fill;
use super::parameters::Form;
use super::{Importer, Inputs, Outcome, Value, data};
use crate::graph::parameter::ParameterKind;
use crate::graph::{Forward, NodeId};
use crate::models::onnx::OnnxError;
use crate::models::onnx::node::OnnxNode;
use crate::models::onnx::tensor::Tensor;
use crate::models::onnx::view::View;
use std::sync::Arc;

/// The two inputs of an operation of which one is data.
pub(super) enum Pair<'v> {
    Data(View, View),
    /// Data, then a constant.
    Right(View, &'v Arc<Tensor>),
    /// A constant, then data.
    Left(&'v Arc<Tensor>, View),
}

pub(super) fn pair<'v>(node: &OnnxNode, inputs: &'v Inputs) -> Result<Pair<'v>, OnnxError> {
    match inputs {
        [Some(Value::Data(a)), Some(Value::Data(b))] => Ok(Pair::Data(a.clone(), b.clone())),
        [Some(Value::Data(a)), Some(Value::Constant(b))] => Ok(Pair::Right(a.clone(), b)),
        [Some(Value::Constant(a)), Some(Value::Data(b))] => Ok(Pair::Left(a, b.clone())),
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
        Pair::Data(a, b) => added(importer, node, &a, &b),
        Pair::Right(x, term) | Pair::Left(term, x) => {
            let index = usize::from(matches!(inputs[0], Some(Value::Constant(_))));
            let is_only_reader = importer.is_only_reader(node, index);
            importer.affine(node, &x, Affine { term: Some((term, 1.0)), ..Affine::default() }, is_only_reader)
        }
    }
}

/// A sum divided by the number of its values.
pub(super) fn mean(importer: &mut Importer, node: &OnnxNode, inputs: &Inputs) -> Result<Outcome, OnnxError> {
    match add(importer, node, inputs)? {
        Outcome::Value(total) if inputs.len() > 1 => {
            let share = fill(1.0 / inputs.len() as f32);
            importer.affine(node, &total, Affine { factor: Some((&share, false)), ..Affine::default() }, false)
        }
        other => Ok(other),
    }
}

/// A sum of more than two values, from left to right.
fn sum(importer: &mut Importer, node: &OnnxNode, inputs: &Inputs) -> Result<Outcome, OnnxError> {
    if inputs.iter().any(|input| matches!(input, Some(Value::Constant(_)))) {
        return Ok(Outcome::Unsupported("of data and constants".into()));
    }
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
    let name = importer.layer_name(node);
    let Some([a, b]) = importer.ordered(&name, a, b)? else { return Ok(unequal(a, b)) };
    let made = importer.graph.add(&name, Forward::Add, &[a.node, b.node]);
    importer.view(&a, made)
}

pub(super) fn unequal(a: &View, b: &View) -> Outcome {
    Outcome::Unsupported(format!("of {:?} and {:?}", a.sizes(), b.sizes()))
}

pub(super) fn subtract(importer: &mut Importer, node: &OnnxNode, inputs: &Inputs) -> Result<Outcome, OnnxError> {
    match pair(node, inputs)? {
        Pair::Data(a, b) => {
            let name = importer.layer_name(node);
            let Some([large, small]) = importer.ordered(&name, &a, &b)? else { return Ok(unequal(&a, &b)) };
            let made = importer.graph.add(&name, Forward::Subtract, &[large.node, small.node]);
            let difference = importer.view(&large, made)?;
            match difference {
                // The small one less the large one.
                Outcome::Value(view) if large.node == b.node && a != b => importer.negated(node, &view),
                other => Ok(other),
            }
        }
        Pair::Right(x, term) => {
            let is_only_reader = importer.is_only_reader(node, 0);
            importer.affine(node, &x, Affine { term: Some((term, -1.0)), ..Affine::default() }, is_only_reader)
        }
        Pair::Left(term, x) => {
            let minus = fill(-1.0);
            importer.affine(node, &x, Affine { factor: Some((&minus, false)), term: Some((term, 1.0)) }, false)
        }
    }
}

/// `factor * x + term`, each a number or one per channel.
#[derive(Default)]
pub(super) struct Affine<'v> {
    /// The factor, and whether 1 is divided by it.
    pub factor: Option<(&'v Arc<Tensor>, bool)>,
    /// The summand and its sign.
    pub term: Option<(&'v Arc<Tensor>, f32)>,
}

impl Importer<'_> {
    /// A factor and a summand as a batch normalisation of mean 0 and variance 1. A summand alone goes to the layer that
    /// makes `x` where nothing else reads that.
    pub(super) fn affine(
        &mut self,
        node: &OnnxNode,
        x: &View,
        affine: Affine,
        is_only_reader: bool,
    ) -> Result<Outcome, OnnxError> {
        let tensors =
            affine.factor.iter().map(|(tensor, _)| *tensor).chain(affine.term.iter().map(|(tensor, _)| *tensor));
        for tensor in tensors {
            if !x.is_per_channel(&tensor.dims) {
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

    /// `-x`
    fn negated(&mut self, node: &OnnxNode, x: &View) -> Result<Outcome, OnnxError> {
        let minus = fill(-1.0);
        self.affine(node, x, Affine { factor: Some((&minus, false)), ..Affine::default() }, false)
    }

    /// Factor and summand of a value that `affine` made with a number for each, and the value that it made it of.
    pub(super) fn scaled(&self, id: NodeId) -> Option<(NodeId, f32, f32)> {
        let node = self.graph.node(id);
        let (Some(Forward::BatchNorm(layer)), Some(&x)) = (node.op.forward(), node.inputs.first()) else { return None };
        if self.graph.batch_norm_layer(layer).epsilon != 0.0 {
            return None;
        }
        let number = |parameter: &str| {
            let name = format!("{}.{parameter}", node.name);
            let binding = self.bindings.iter().rev().find(|binding| binding.parameter.name == name)?;
            let value = binding.tensor.scalar()?;
            let value = if binding.form.inverted { 1.0 / value } else { value };
            Some(value * binding.form.factor.unwrap_or(1.0))
        };
        Some((x, number("weight")?, number("bias")?))
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
