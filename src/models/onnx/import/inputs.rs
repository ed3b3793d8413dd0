//! What nodes read: data, constants, and which of them only turn logits into probabilities.

use super::{File, Inputs, OnnxError, OnnxNode, Outcome, Tensor, Value, View, decode};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// What a rule takes as its first input: data.
pub(super) fn data<'v>(node: &OnnxNode, inputs: &'v Inputs, index: usize) -> Result<&'v View, OnnxError> {
    match inputs.get(index) {
        Some(Some(Value::Data(view))) => Ok(view),
        Some(Some(_)) => {
            Err(node.error(format!("has a constant as input {index}, where the picture's data is expected")))
        }
        Some(None) | None => Err(node.error(format!("has no input {index}"))),
    }
}

/// A constant input; `None` where it is left out, an outcome where it depends on the picture.
pub(super) fn constant_input(inputs: &Inputs, index: usize) -> Result<Option<&Arc<Tensor>>, Outcome> {
    match inputs.get(index) {
        Some(Some(Value::Constant(tensor))) => Ok(Some(tensor)),
        Some(None) | None => Ok(None),
        Some(Some(_)) => Err(Outcome::Unsupported("with parameters that depend on the picture".into())),
    }
}

/// The value of a `Constant`.
pub(super) fn constant(node: &OnnxNode) -> Result<Arc<Tensor>, OnnxError> {
    let name = node.outputs().first().map_or("", String::as_str);
    if let Some(tensor) = node.tensor("value") {
        return decode(tensor, name, None);
    }
    if let Some(value) = node.float("value_float") {
        return Ok(Tensor::of_floats(name, vec![], vec![value]));
    }
    if let Some(values) = node.floats("value_floats") {
        return Ok(Tensor::of_floats(name, vec![values.len()], values.to_vec()));
    }
    if let Some(value) = node.int("value_int") {
        return Ok(Tensor::integers(name, vec![value]).reshaped(vec![]));
    }
    if let Some(values) = node.ints("value_ints") {
        return Ok(Tensor::integers(name, values.to_vec()));
    }
    Err(node.error("has no value that is read: a tensor, numbers, or lists of them"))
}

/// The nodes that turn logits into probabilities, from the output back to what makes the logits.
pub(super) fn head(file: &File) -> HashSet<usize> {
    let makers: HashMap<&str, usize> = (0..)
        .zip(&file.graph.node)
        .flat_map(|(index, node)| node.output.iter().map(move |name| (name.as_str(), index)))
        .collect();
    let (mut passed, mut head) = (Vec::new(), HashSet::new());
    let mut name = file.output.as_str();
    while let Some(&index) = makers.get(name) {
        let node = &file.graph.node[index];
        match node.op_type() {
            "Softmax" | "LogSoftmax" | "Sigmoid" => head.insert(index),
            "Identity" | "Cast" | "Flatten" | "Reshape" | "Squeeze" | "Dropout" | "QuantizeLinear"
            | "DequantizeLinear" => {
                passed.push(index);
                true
            }
            _ => break,
        };
        match node.input.first() {
            Some(input) => name = input,
            None => break,
        }
    }
    head
}
