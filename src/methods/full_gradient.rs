//! FullGrad (Srinivas, Fleuret, NeurIPS 2019, arXiv 1905.00780): input times gradient, and every bias times the
//! gradient there. Together they add up to the logit exactly where all activations are ReLU; a saturated ReLU6 adds a
//! constant that no bias accounts for.

use super::gradient::{Gradients, Through, logit_gradients, walked};
use super::slot::tag;
use super::{ClassMap, Explanation, MethodError};
use crate::graph::{Backward, Bias, Constant, Explain, Forward, Graph, GraphError, Network, NodeId, Reduction, Unary};
use std::collections::BTreeMap;

/// Adds the maps of `slots` classes; see [`Method::explain`](super::Method::explain). As in the paper's map, linear
/// layers have no place in the picture and count for completeness alone.
pub(super) fn explain(network: &Network, slots: u32) -> Result<Explanation, MethodError> {
    let mut graph = network.graph.clone();
    let maps = (0..slots).map(|slot| class_map(&mut graph, network, slot)).collect::<Result<_, _>>()?;
    Ok(Explanation { graph, input: network.input, logits: network.logits, maps, variations: None })
}

fn class_map(graph: &mut Graph, network: &Network, slot: u32) -> Result<ClassMap, MethodError> {
    let gradients = logit_gradients("fullgrad", graph, network, slot, Through::Plain)?;
    let tag = tag(slot);
    let inputs = [gradients.at_input, network.input];
    let attribution = graph.add(&format!("input x gradient{tag}"), Forward::Multiply, &inputs)?;
    let mut completeness = vec![total(graph, attribution)?];
    let mut spatial = vec![attribution];
    for (bias, product) in bias_gradients(graph, network, &gradients, &tag)? {
        completeness.push(total(graph, product)?);
        if !matches!(bias, Bias::Linear(_)) {
            spatial.push(product);
        }
    }
    completeness.extend(less_neighbours(graph, network, &gradients, &tag)?);
    let sum = sum_of_layers(graph, network, &spatial, &tag)?;
    let map = graph.add(&format!("map{tag}"), Explain::PlainMap { absolute: false }, &[sum])?;
    Ok(ClassMap { completeness, ..ClassMap::undivided(gradients.class, attribution, map) })
}

/// Every bias between input and logits times the gradient where it is added.
fn bias_gradients(
    graph: &mut Graph,
    network: &Network,
    gradients: &Gradients,
    tag: &str,
) -> Result<Vec<(Bias, NodeId)>, GraphError> {
    let walked = walked(network);
    let mut products = Vec::new();
    for id in network.graph.ids().filter(|id| walked[id.index()]) {
        let node = network.graph.node(id);
        let bias = node.op.forward().and_then(bias_of);
        if let (Some(bias), Some(g)) = (bias, gradients.at_output[id.index()]) {
            let name = format!("{}:bias x gradient{tag}", node.name);
            products.push((bias, graph.add(&name, Backward::BiasGradient(bias), &[g])?));
        }
    }
    Ok(products)
}

/// What is subtracted from the class's logit: a neighbour's.
fn less_neighbours(
    graph: &mut Graph,
    network: &Network,
    gradients: &Gradients,
    tag: &str,
) -> Result<Option<NodeId>, GraphError> {
    let (Some(given), Some(g)) = (network.graph.given(), gradients.at_output[network.logits.index()]) else {
        return Ok(None);
    };
    let product = graph.add(&format!("neighbour x gradient{tag}"), Forward::Multiply, &[g, given])?;
    let sum = total(graph, product)?;
    Ok(Some(graph.add(&format!("less the neighbour{tag}"), Unary::Scale(Constant::new(-1.0)), &[sum])?))
}

/// What an operation adds to each channel.
fn bias_of(op: Forward) -> Option<Bias> {
    match op {
        Forward::Convolve { layer, bias } => bias.then_some(Bias::Convolution(layer)),
        Forward::Linear { layer, bias } => bias.then_some(Bias::Linear(layer)),
        Forward::BatchNorm(layer) => Some(Bias::BatchNorm(layer)),
        Forward::Input
        | Forward::Clamp(_)
        | Forward::Activate(_)
        | Forward::ParametricRelu(_)
        | Forward::NormalizeResponse(_)
        | Forward::NormalizeChannels { .. }
        | Forward::MaxPool(_)
        | Forward::AveragePool { .. }
        | Forward::AverageWindows(_)
        | Forward::Add
        | Forward::Subtract
        | Forward::Multiply
        | Forward::Concat
        | Forward::Slice(_)
        | Forward::Pad { .. }
        | Forward::Shuffle { .. }
        | Forward::Transpose(_)
        | Forward::LogitPair
        | Forward::Given { .. }
        | Forward::Against
        | Forward::Normalize => None,
    }
}

fn total(graph: &mut Graph, value: NodeId) -> Result<NodeId, GraphError> {
    let name = format!("{}:total", graph.node(value).name);
    graph.add(&name, Reduction::Sum, &[value])
}

/// Each layer's magnitudes scaled to [0, 1], resized, summed over channels and layers. Sums are taken before resizing
/// where sizes are equal, which gives the same.
fn sum_of_layers(graph: &mut Graph, network: &Network, layers: &[NodeId], tag: &str) -> Result<NodeId, GraphError> {
    let picture = graph.shape(network.input);
    let mut by_size: BTreeMap<(u32, u32), Vec<NodeId>> = BTreeMap::new();
    for &layer in layers {
        let (name, shape) = (graph.node(layer).name.clone(), graph.shape(layer));
        let low = graph.add(&format!("{name}:smallest"), Reduction::MinimumAbsolute, &[layer])?;
        let high = graph.add(&format!("{name}:largest"), Reduction::MaximumAbsolute, &[layer])?;
        let scaled = graph.add(&format!("{name}:scaled"), Explain::ScaledMagnitude, &[layer, low, high])?;
        by_size.entry((shape.height, shape.width)).or_default().push(scaled);
    }
    let mut resized = Vec::new();
    for ((height, width), of_size) in by_size {
        let sum = add_all(graph, &of_size, tag)?;
        let resize = Explain::Resize { height: picture.height, width: picture.width };
        resized.push(match (height, width) == (picture.height, picture.width) {
            true => sum,
            false => graph.add(&format!("layers of {height}x{width}:resized{tag}"), resize, &[sum])?,
        });
    }
    add_all(graph, &resized, tag)
}

/// The sum of one or more values.
fn add_all(graph: &mut Graph, values: &[NodeId], tag: &str) -> Result<NodeId, GraphError> {
    let mut sum = values[0];
    for &value in &values[1..] {
        sum = graph.add(&format!("sum of layers{tag}"), Forward::Add, &[sum, value])?;
    }
    Ok(sum)
}
