//! The methods that need one gradient at the picture: gradient, input times gradient, guided backpropagation.

use super::gradient::{Through, logit_gradients};
use super::slot::tag;
use super::{ClassMap, Explanation, MethodError};
use crate::graph::{Explain, Forward, Graph, Network};

/// Which of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Variant {
    /// `d y_t / d x`; the map sums magnitudes.
    Gradient,
    /// `x * d y_t / d x`; the map sums values.
    InputXGradient,
    /// The gradient without negative values behind every ReLU; the map sums magnitudes.
    GuidedBackprop,
}

impl Variant {
    const fn name(self) -> &'static str {
        match self {
            Variant::Gradient => "gradient",
            Variant::InputXGradient => "input-x-gradient",
            Variant::GuidedBackprop => "guided-backprop",
        }
    }
}

/// Adds the maps of `slots` classes; see [`Method::explain`](super::Method::explain).
pub(super) fn explain(network: &Network, slots: u32, variant: Variant) -> Result<Explanation, MethodError> {
    let mut graph = network.graph.clone();
    let maps = (0..slots).map(|slot| class_map(&mut graph, network, slot, variant)).collect::<Result<_, _>>()?;
    Ok(Explanation { graph, input: network.input, logits: network.logits, maps, variations: None })
}

fn class_map(graph: &mut Graph, network: &Network, slot: u32, variant: Variant) -> Result<ClassMap, MethodError> {
    let through = if variant == Variant::GuidedBackprop { Through::Guided } else { Through::Plain };
    let gradients = logit_gradients(variant.name(), graph, network, slot, through)?;
    let mut attribution = gradients.at_input;
    let tag = tag(slot);
    let absolute = variant != Variant::InputXGradient;
    if !absolute {
        let inputs = [attribution, network.input];
        attribution = graph.add(&format!("input x gradient{tag}"), Forward::Multiply, &inputs)?;
    }
    let map = graph.add(&format!("map{tag}"), Explain::PlainMap { absolute }, &[attribution])?;
    Ok(ClassMap::undivided(gradients.class, attribution, map))
}
