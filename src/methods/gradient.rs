//! Plain differentiation: one rule per operation, and the walk from the logits to the picture that the gradient methods
//! share.

use super::slot::tag;
use super::{MethodError, slot};
use crate::graph::{
    Activation, Backward, Constant, Forward, Graph, GraphError, Network, NodeId, Op, Part, Reduction, Region, Shape,
    Unary,
};

/// How a gradient goes back through ReLU and ReLU6.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Through {
    /// As it is where the activation passes its input.
    Plain,
    /// Negative values are dropped as well (guided backpropagation, Springenberg et al., 2015).
    Guided,
}

/// The gradient of one class's logit.
pub(super) struct Gradients {
    /// The class, a scalar per sample.
    pub class: NodeId,
    /// The gradient at each forward node's output, by node index; `None` where the logit does not depend on it.
    pub at_output: Vec<Option<NodeId>>,
    /// The gradient at the network's input.
    pub at_input: NodeId,
}

/// Differentiates the logit of the class in `slot` with respect to everything between the network's input and its
/// logits.
///
/// # Errors
/// [`MethodError::NoRule`] names every operation without a rule, [`MethodError::Form`] says that no path leads to the
/// input.
pub(super) fn logit_gradients(
    method: &'static str,
    graph: &mut Graph,
    network: &Network,
    slot: u32,
    through: Through,
) -> Result<Gradients, MethodError> {
    let walked = walked(network);
    check(method, network, &walked)?;
    let tag = tag(slot);
    let class = slot::class(graph, network.logits, slot)?;
    let mut at_output: Vec<Option<NodeId>> = vec![None; network.graph.nodes().len()];
    at_output[network.logits.index()] = Some(slot::one_hot(graph, network.logits, class, slot)?);
    for id in network.graph.ids().rev().filter(|id| walked[id.index()]) {
        let Some(mut g) = at_output[id.index()] else { continue };
        let node = network.graph.node(id);
        let Op::Forward(op) = node.op else { continue };
        if through == Through::Guided && matches!(op, Forward::Clamp(_)) {
            g = graph.add(&format!("{}:guided{tag}", node.name), Forward::Clamp(Activation::Relu), &[g])?;
        }
        let at_inputs = gradient(graph, id, op, g, &tag)?;
        for (&input, part) in node.inputs.iter().zip(at_inputs) {
            let name = format!("{}:gradient sum{tag}", network.graph.node(input).name);
            let at = &mut at_output[input.index()];
            *at = Some(match *at {
                None => part,
                Some(sum) => graph.add(&name, Forward::Add, &[sum, part])?,
            });
        }
    }
    let at_input = at_output[network.input.index()].ok_or(MethodError::Form {
        method,
        needs: "a path from the logits to the picture",
        found: "none was found".into(),
    })?;
    Ok(Gradients { class, at_output, at_input })
}

/// Whether each node lies between the network's input and its logits.
pub(super) fn walked(network: &Network) -> Vec<bool> {
    let live = network.graph.live(&[network.logits]);
    let mut depends = vec![false; live.len()];
    depends[network.input.index()] = true;
    for id in network.graph.ids().filter(|&id| id > network.input) {
        let reads = network.graph.node(id).inputs.iter().any(|input| depends[input.index()]);
        depends[id.index()] = reads && live[id.index()];
    }
    depends[network.input.index()] = false;
    depends
}

fn check(method: &'static str, network: &Network, walked: &[bool]) -> Result<(), MethodError> {
    let graph = &network.graph;
    let lacks = |id: &NodeId| walked[id.index()] && graph.node(*id).op.forward().is_none();
    let describe = |id: NodeId| format!("'{}' ({})", graph.node(id).name, graph.node(id).op.name());
    let nodes: Vec<String> = graph.ids().filter(lacks).map(describe).collect();
    if nodes.is_empty() { Ok(()) } else { Err(MethodError::NoRule { method, nodes }) }
}

/// Gradients at the inputs of forward node `id`, given the gradient `g` at its output.
pub(super) fn gradient(
    graph: &mut Graph,
    id: NodeId,
    op: Forward,
    g: NodeId,
    tag: &str,
) -> Result<Vec<NodeId>, GraphError> {
    let node = graph.node(id).clone();
    let name = format!("{}:gradient{tag}", node.name);
    let Some(&x) = node.inputs.first() else { return Ok(Vec::new()) };
    let Shape { height, width, .. } = graph.shape(x);
    let at_input = match op {
        Forward::Input | Forward::Given { .. } => return Ok(Vec::new()),
        Forward::Convolve { layer, .. } => {
            graph.add(&name, Backward::ConvolveTranspose { layer, weight: Part::Full, height, width }, &[g])?
        }
        Forward::Linear { layer, .. } => {
            graph.add(&name, Backward::LinearTranspose { layer, weight: Part::Full }, &[g])?
        }
        Forward::BatchNorm(layer) => graph.add(&name, Backward::BatchNormGradient(layer), &[g])?,
        Forward::Clamp(activation) => graph.add(&name, Backward::ClampGradient(activation), &[g, id])?,
        Forward::Activate(function) => graph.add(&name, Backward::ActivateGradient(function), &[g, x])?,
        Forward::ParametricRelu(layer) => graph.add(&name, Backward::ParametricReluGradient(layer), &[g, x])?,
        Forward::NormalizeResponse(normalization) => {
            graph.add(&name, Backward::NormalizeResponseGradient(normalization), &[g, x])?
        }
        Forward::NormalizeChannels { epsilon } => {
            graph.add(&name, Backward::NormalizeChannelsGradient { epsilon }, &[g, x])?
        }
        Forward::MaxPool(window) => {
            let index = graph.add(&format!("{}:index", node.name), Backward::MaxPoolIndex(window), &[x])?;
            graph.add(&name, Backward::MaxPoolTranspose { window, height, width }, &[g, index])?
        }
        Forward::AveragePool { .. } => graph.add(&name, Backward::AveragePoolTranspose { height, width }, &[g])?,
        Forward::AverageWindows(averaging) => {
            graph.add(&name, Backward::AverageWindowsTranspose { averaging, height, width }, &[g])?
        }
        Forward::Add => return at_operands(graph, &name, &node.inputs, [g, g]),
        Forward::Subtract => {
            let negated = graph.add(&name, Unary::Scale(Constant::new(-1.0)), &[g])?;
            return at_operands(graph, &name, &node.inputs, [g, negated]);
        }
        Forward::Multiply => {
            let b = node.inputs.get(1).copied().unwrap_or(x);
            let at_a = graph.add(&name, Forward::Multiply, &[g, b])?;
            let at_b = graph.add(&name, Forward::Multiply, &[g, x])?;
            return at_operands(graph, &name, &node.inputs, [at_a, at_b]);
        }
        Forward::Concat => return slices(graph, &name, &node.inputs, g),
        Forward::Slice(region) => graph.add(&name, Forward::Pad { region, shape: graph.shape(x) }, &[g])?,
        Forward::Pad { region, .. } => graph.add(&name, Forward::Slice(region), &[g])?,
        Forward::Shuffle { groups } => {
            let groups = graph.shape(x).channels / groups;
            graph.add(&name, Forward::Shuffle { groups }, &[g])?
        }
        Forward::Transpose(order) => graph.add(&name, Forward::Transpose(order.inverse()), &[g])?,
        Forward::LogitPair => graph.add(&name, Backward::LogitPairGradient, &[g])?,
        Forward::Against => g,
        Forward::Normalize => graph.add(&name, Backward::NormalizeGradient, &[g, x])?,
    };
    Ok(vec![at_input])
}

/// Of a value over the concatenation of `inputs`, what belongs to each of them.
pub(super) fn slices(
    graph: &mut Graph,
    name: &str,
    inputs: &[NodeId],
    value: NodeId,
) -> Result<Vec<NodeId>, GraphError> {
    let mut first = 0;
    let mut parts = Vec::with_capacity(inputs.len());
    for &input in inputs {
        let channels = graph.shape(input).channels;
        let region = Region::of_channels(first, channels, graph.shape(value));
        parts.push(graph.add(name, Forward::Slice(region), &[value])?);
        first += channels;
    }
    Ok(parts)
}

/// What belongs to each of two operands, of which the second may have been broadcast: summed over the axes along which
/// it was.
pub(super) fn at_operands(
    graph: &mut Graph,
    name: &str,
    operands: &[NodeId],
    values: [NodeId; 2],
) -> Result<Vec<NodeId>, GraphError> {
    let mut summed = Vec::with_capacity(2);
    for (value, &operand) in values.into_iter().zip(operands) {
        let (full, wanted) = (graph.shape(value), graph.shape(operand));
        summed.push(match wanted {
            _ if wanted == full => value,
            Shape::SCALAR => graph.add(name, Reduction::Sum, &[value])?,
            _ => {
                let mean = graph.add(name, Forward::AveragePool { height: 1, width: 1 }, &[value])?;
                graph.add(name, Unary::Scale(Constant::new(full.pixels() as f32)), &[mean])?
            }
        });
    }
    Ok(summed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::{Binary, Explain};
    use crate::methods::Method;

    /// What is no operation of networks has no gradient, wherever it stands between picture and logits.
    #[test]
    fn operations_without_a_gradient_are_named() {
        let mut graph = Graph::new();
        let input = graph.input(Shape::new(3, 4, 4)).unwrap();
        let odd = graph.add("odd", Explain::Binary(Binary::AddAbsolute), &[input, input]).unwrap();
        let pooled = graph.add("pooled", Forward::AveragePool { height: 1, width: 1 }, &[odd]).unwrap();
        let logits = graph.linear("last", 2, pooled).unwrap();
        let network = Network::new(graph, input, logits).unwrap();
        match Method::Gradient.explain(&network, 1) {
            Err(MethodError::NoRule { nodes, .. }) => {
                assert!(nodes.len() == 1 && nodes[0].contains("'odd'"), "{nodes:?}")
            }
            other => panic!("{other:?}"),
        }
    }
}
