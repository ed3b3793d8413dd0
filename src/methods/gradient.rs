//! Plain differentiation, one rule per operation.

use crate::graph::{Binary, Graph, GraphError, NodeId, Op, Part};

/// Gradients at the inputs of forward node `id`, given the gradient `g` at its output. `None`: no rule for this operation.
pub(super) fn gradient(graph: &mut Graph, id: NodeId, g: NodeId, tag: &str) -> Result<Option<Vec<NodeId>>, GraphError> {
    let node = graph.node(id).clone();
    let name = format!("{}:gradient{tag}", node.name);
    let input = node.inputs.first().map(|&input| graph.shape(input));
    let (Some(shape), Some(&x)) = (input, node.inputs.first()) else { return Ok(None) };
    let (height, width) = (shape.height, shape.width);
    let at_input = match node.op {
        Op::Convolve { layer, weight: Part::Full, input: Part::Full, .. } => {
            graph.add(&name, Op::ConvolveTranspose { layer, weight: Part::Full, height, width }, &[g])?
        }
        Op::Linear { layer, weight: Part::Full, input: Part::Full, .. } => {
            graph.add(&name, Op::LinearTranspose { layer, weight: Part::Full }, &[g])?
        }
        Op::BatchNorm(layer) => graph.add(&name, Op::BatchNormGradient(layer), &[g])?,
        Op::Clamp(activation) => graph.add(&name, Op::ClampGradient(activation), &[g, id])?,
        Op::MaxPool(window) => {
            let index = graph.add(&format!("{}:index", node.name), Op::MaxPoolIndex(window), &[x])?;
            graph.add(&name, Op::MaxPoolTranspose { window, height, width }, &[g, index])?
        }
        Op::AveragePool { .. } => graph.add(&name, Op::AveragePoolTranspose { height, width }, &[g])?,
        Op::Binary(Binary::Add) => return Ok(Some(vec![g, g])),
        _ => return Ok(None),
    };
    Ok(Some(vec![at_input]))
}

/// Whether [`gradient`] has a rule for a forward operation.
pub(super) fn covers(op: &Op) -> bool {
    match op {
        Op::Convolve { weight, input, .. } | Op::Linear { weight, input, .. } => {
            *weight == Part::Full && *input == Part::Full
        }
        Op::BatchNorm(_) | Op::Clamp(_) | Op::MaxPool(_) | Op::AveragePool { .. } | Op::Binary(Binary::Add) => true,
        _ => false,
    }
}
