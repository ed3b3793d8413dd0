//! Grad-CAM (Selvaraju et al., ICCV 2017, arXiv 1610.02391): the feature maps before the last layers, each weighted by
//! the mean of its gradient, summed, without the negative part, resized to the picture.

use super::gradient::{Through, logit_gradients, walked};
use super::slot::tag;
use super::{ClassMap, Explanation, MethodError};
use crate::graph::{Activation, Explain, Forward, Graph, Network, NodeId};

const METHOD: &str = "grad-cam";

/// Adds the maps of `slots` classes; see [`Method::explain`](super::Method::explain). A map's attribution is the
/// weighted sum, of the size of the feature maps and before its negative part is dropped.
pub(super) fn explain(network: &Network, slots: u32) -> Result<Explanation, MethodError> {
    let features = last_features(network).ok_or(MethodError::Form {
        method: METHOD,
        needs: "a convolution before its last layers",
        found: "they read the picture, or there are none".into(),
    })?;
    let mut graph = network.graph.clone();
    let maps = (0..slots).map(|slot| class_map(&mut graph, network, features, slot)).collect::<Result<_, _>>()?;
    Ok(Explanation { graph, input: network.input, logits: network.logits, maps, variations: None })
}

/// The feature maps that the first linear layer reads or, without one, the last convolution; pooling before it is left
/// aside.
fn last_features(network: &Network) -> Option<NodeId> {
    let graph = &network.graph;
    let walked = walked(network);
    let forward = |id: &NodeId| graph.node(*id).op.forward().filter(|_| walked[id.index()]);
    let first_linear = graph.ids().find(|id| matches!(forward(id), Some(Forward::Linear { .. })));
    let last_convolution = || graph.ids().rev().find(|id| matches!(forward(id), Some(Forward::Convolve { .. })));
    let mut features = *graph.node(first_linear.or_else(last_convolution)?).inputs.first()?;
    while let Some(Forward::MaxPool(_) | Forward::AveragePool { .. } | Forward::AverageWindows(_)) = forward(&features)
    {
        features = *graph.node(features).inputs.first()?;
    }
    Some(features).filter(|&features| features != network.input)
}

fn class_map(graph: &mut Graph, network: &Network, features: NodeId, slot: u32) -> Result<ClassMap, MethodError> {
    let gradients = logit_gradients(METHOD, graph, network, slot, Through::Plain)?;
    let gradient = gradients.at_output[features.index()].ok_or(MethodError::Form {
        method: METHOD,
        needs: "logits that depend on the last feature maps",
        found: format!("they do not depend on '{}'", network.graph.node(features).name),
    })?;
    let tag = tag(slot);
    let picture = graph.shape(network.input);
    let mean = Forward::AveragePool { height: 1, width: 1 };
    let weights = graph.add(&format!("channel weights{tag}"), mean, &[gradient])?;
    let weighted = graph.add(&format!("weighted features{tag}"), Forward::Multiply, &[features, weights])?;
    let sum = graph.add(&format!("weighted sum{tag}"), Explain::ChannelSum, &[weighted])?;
    let positive = graph.add(&format!("positive part{tag}"), Forward::Clamp(Activation::Relu), &[sum])?;
    let resize = Explain::Resize { height: picture.height, width: picture.width };
    let resized = graph.add(&format!("resized{tag}"), resize, &[positive])?;
    let map = graph.add(&format!("map{tag}"), Explain::PlainMap { absolute: false }, &[resized])?;
    Ok(ClassMap::undivided(gradients.class, sum, map))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::Architecture;

    #[test]
    fn features_are_those_that_the_last_layers_read() {
        for (architecture, name) in [
            (Architecture::Vgg11Bn, "features.27"),
            (Architecture::ResNet18, "layer4.1.relu2"),
            (Architecture::EfficientNetLite0, "_bn1.relu6"),
            (Architecture::SqueezeNet1_1, "features.12.concat"),
        ] {
            let network = architecture.build(64, 64, 10).unwrap();
            let features = last_features(&network).unwrap();
            assert_eq!(network.graph.node(features).name, name, "{architecture}");
        }
    }
}
