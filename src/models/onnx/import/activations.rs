//! Elementwise functions of one value.

use super::layers::or_refuse;
use super::parameters::Form;
use super::{Importer, Inputs, Outcome, constant_input, data};
use crate::graph::parameter::ParameterKind;
use crate::graph::{Activation, Constant, Forward, Function};
use crate::models::onnx::OnnxError;
use crate::models::onnx::node::OnnxNode;

pub(super) fn relu(importer: &mut Importer, node: &OnnxNode, inputs: &Inputs) -> Result<Outcome, OnnxError> {
    elementwise(importer, node, inputs, Forward::Clamp(Activation::Relu))
}

/// An elementwise function that is not ReLU or one with an upper bound.
pub(super) fn function(importer: &mut Importer, node: &OnnxNode, inputs: &Inputs) -> Result<Outcome, OnnxError> {
    let number = |name: &str, default: f32| Constant::new(node.float(name).unwrap_or(default));
    let function = match node.op().as_str() {
        "LeakyRelu" => Function::LeakyRelu { slope: number("alpha", 0.01) },
        "Elu" => Function::Elu { alpha: number("alpha", 1.0) },
        "Selu" => {
            let [alpha, gamma] = Function::SELU.constants();
            Function::Selu { alpha: number("alpha", alpha), gamma: number("gamma", gamma) }
        }
        "Celu" => Function::Celu { alpha: number("alpha", 1.0) },
        "Sigmoid" => Function::Sigmoid,
        "HardSigmoid" => Function::HardSigmoid { slope: number("alpha", 0.2), offset: number("beta", 0.5) },
        "HardSwish" => Function::HardSwish,
        "Tanh" => Function::Tanh,
        "Erf" => Function::Erf,
        "Mish" => Function::Mish,
        "Softplus" => Function::Softplus,
        "Gelu" => match node.string("approximate").unwrap_or("none") {
            "none" => Function::Gelu,
            "tanh" => Function::GeluTanh,
            other => return Err(node.error(format!("has the unknown approximation '{other}'"))),
        },
        op => return Ok(Outcome::Unsupported(format!("{op} has no function here"))),
    };
    elementwise(importer, node, inputs, Forward::Activate(function))
}

fn elementwise(importer: &mut Importer, node: &OnnxNode, inputs: &Inputs, op: Forward) -> Result<Outcome, OnnxError> {
    let x = data(node, inputs, 0)?;
    let name = importer.layer_name(node);
    let made = importer.graph.add(&name, op, &[x.node]);
    importer.view(x, made)
}

/// `Clip`, whose bounds are attributes before operator set 11 and inputs from then on.
pub(super) fn clip(importer: &mut Importer, node: &OnnxNode, inputs: &Inputs) -> Result<Outcome, OnnxError> {
    let low = or_refuse!(constant_input(inputs, 1)).and_then(|bound| bound.scalar()).or(node.float("min"));
    let high = or_refuse!(constant_input(inputs, 2)).and_then(|bound| bound.scalar()).or(node.float("max"));
    let op = match (low.unwrap_or(f32::MIN), high.unwrap_or(f32::MAX)) {
        (0.0, f32::MAX | f32::INFINITY) => Forward::Clamp(Activation::Relu),
        (0.0, high) if high > 0.0 => Forward::Clamp(Activation::Capped { ceiling: Constant::new(high) }),
        (low, high) if low <= high => {
            let [low, high] = [low, high].map(|bound| Constant::new(bound.clamp(f32::MIN, f32::MAX)));
            Forward::Activate(Function::Clip { low, high })
        }
        // As the format has it, the upper bound wins.
        (low, high) if low > high => {
            let high = Constant::new(high);
            Forward::Activate(Function::Clip { low: high, high })
        }
        (low, high) => return Err(node.error(format!("has the bounds {low} and {high}"))),
    };
    elementwise(importer, node, inputs, op)
}

/// `PRelu`, with a slope for all, or one per channel.
pub(super) fn parametric_relu(importer: &mut Importer, node: &OnnxNode, inputs: &Inputs) -> Result<Outcome, OnnxError> {
    let x = data(node, inputs, 0)?;
    let slopes = or_refuse!(constant_input(inputs, 1)).ok_or_else(|| node.error("has no slope"))?;
    if !x.is_per_channel(&slopes.dims) {
        let what = format!("of {:?} with slopes of {:?}", x.sizes(), slopes.dims);
        return Ok(Outcome::Unsupported(what));
    }
    let name = importer.layer_name(node);
    let made = importer.graph.parametric_relu(&name, x.node);
    let shape = [x.shape.channels as usize];
    importer.bind(format!("{name}.weight"), &shape, ParameterKind::Slope, slopes, Form::default());
    importer.view(x, made)
}
