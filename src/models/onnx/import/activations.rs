//! Elementwise functions of one value.

use super::layers::or_refuse;
use super::{Importer, Inputs, Outcome, constant_input, data};
use crate::graph::{Activation, Constant, Forward, Function};
use crate::models::onnx::OnnxError;
use crate::models::onnx::node::OnnxNode;

pub(super) fn relu(importer: &mut Importer, node: &OnnxNode, inputs: &Inputs) -> Result<Outcome, OnnxError> {
    clamp(importer, node, inputs, Activation::Relu)
}

fn clamp(
    importer: &mut Importer,
    node: &OnnxNode,
    inputs: &Inputs,
    activation: Activation,
) -> Result<Outcome, OnnxError> {
    let x = data(node, inputs, 0)?;
    if x.is_padded() {
        return Ok(Outcome::Unsupported("behind a Pad".into()));
    }
    let name = importer.layer_name(node);
    let made = importer.graph.add(&name, Forward::Clamp(activation), &[x.node]);
    importer.view(x, made)
}

/// An elementwise function that is not ReLU or ReLU6.
pub(super) fn function(importer: &mut Importer, node: &OnnxNode, inputs: &Inputs) -> Result<Outcome, OnnxError> {
    let number = |name: &str, default: f32| Constant::new(node.float(name).unwrap_or(default));
    let function = match node.op().as_str() {
        "LeakyRelu" => Function::LeakyRelu { slope: number("alpha", 0.01) },
        "Elu" => Function::Elu { alpha: number("alpha", 1.0) },
        "Sigmoid" => Function::Sigmoid,
        "HardSigmoid" => Function::HardSigmoid { slope: number("alpha", 0.2), offset: number("beta", 0.5) },
        "HardSwish" => Function::HardSwish,
        "Tanh" => Function::Tanh,
        "Mish" => Function::Mish,
        "Softplus" => Function::Softplus,
        "Gelu" => match node.string("approximate").unwrap_or("none") {
            "none" => Function::Gelu,
            "tanh" => Function::GeluTanh,
            other => return Err(node.error(format!("has the unknown approximation '{other}'"))),
        },
        op => return Ok(Outcome::Unsupported(format!("{op} has no function here"))),
    };
    activate(importer, node, inputs, function)
}

fn activate(
    importer: &mut Importer,
    node: &OnnxNode,
    inputs: &Inputs,
    function: Function,
) -> Result<Outcome, OnnxError> {
    let x = data(node, inputs, 0)?;
    if x.is_padded() {
        return Ok(Outcome::Unsupported("behind a Pad".into()));
    }
    let name = importer.layer_name(node);
    let made = importer.graph.add(&name, Forward::Activate(function), &[x.node]);
    importer.view(x, made)
}

/// `Clip`, whose bounds are attributes before operator set 11 and inputs from then on.
pub(super) fn clip(importer: &mut Importer, node: &OnnxNode, inputs: &Inputs) -> Result<Outcome, OnnxError> {
    let low = or_refuse!(constant_input(inputs, 1)).and_then(|bound| bound.scalar()).or(node.float("min"));
    let high = or_refuse!(constant_input(inputs, 2)).and_then(|bound| bound.scalar()).or(node.float("max"));
    match (low.unwrap_or(f32::MIN), high.unwrap_or(f32::MAX)) {
        (0.0, 6.0) => clamp(importer, node, inputs, Activation::Relu6),
        (0.0, f32::MAX | f32::INFINITY) => clamp(importer, node, inputs, Activation::Relu),
        (low, high) if low <= high => {
            let [low, high] = [low, high].map(Constant::new);
            activate(importer, node, inputs, Function::Clip { low, high })
        }
        (low, high) => Err(node.error(format!("has the bounds {low} and {high}"))),
    }
}
