//! What plans of the known networks contain: for tests and tools that must see every kernel, new ones included.
//!
//! Beside the flow: it builds the graphs of all architectures and plans them, without a device.

use crate::error::Error;
use crate::graph::{
    Activation, Averaging, Constant, Convolution, Forward, Function, Graph, GraphError, Network, NodeId, Order,
    Padding, Region, ResponseNormalization, Shape, Window,
};
use crate::methods::Method;
use crate::methods::agf::Ablations;
use crate::models::Architecture;
use crate::plan::kernel::Kernel;
use crate::plan::{Plan, Profile, Sharing};
use crate::wiring::{Wanted, Wiring};
use std::collections::BTreeSet;

/// Plans of every architecture, and of a network of what none of them has, with every method for pictures of this size:
/// the explanation as it runs with an audit, and with every node stored (nothing fused); also of the ablation that
/// changes an operation's shape.
///
/// # Errors
/// [`Error::Graph`] or [`Error::Plan`] where the size does not fit a network or the profile.
pub fn plans(profile: &Profile, height: u32, width: u32) -> Result<Vec<(&'static str, Plan)>, Error> {
    let mut plans = Vec::new();
    for (name, wiring) in wirings(height, width)? {
        plans.extend(both_plans(&wiring, profile)?.map(|plan| (name, plan)));
    }
    Ok(plans)
}

/// Every kernel that those plans choose for any of these profiles, at small and at usual sizes, in order.
///
/// # Errors
/// As for [`plans`].
pub fn kernels(profiles: &[Profile]) -> Result<BTreeSet<Kernel>, Error> {
    let mut kernels = BTreeSet::new();
    for (height, width) in [(64, 96), (224, 224)] {
        for (_, wiring) in wirings(height, width)? {
            for profile in profiles {
                let plans = both_plans(&wiring, profile)?;
                kernels.extend(plans.iter().flat_map(Plan::kernels).cloned());
            }
        }
    }
    Ok(kernels)
}

fn wirings(height: u32, width: u32) -> Result<Vec<(&'static str, Wiring)>, Error> {
    let beyond = beyond_architectures(height, width)?;
    let likeness = beyond.like(beyond.penultimate(), "references", 3)?;
    let mut networks = vec![
        ("without a class", likeness),
        ("against", beyond.clone().against()?),
        ("beyond the architectures", beyond),
    ];
    for architecture in Architecture::ALL {
        networks.push((architecture.name(), architecture.build(height, width, architecture.default_classes())?));
    }
    let gradcam = Method::Agf(Ablations { gradcam: true, ..Default::default() });
    let mut wirings = Vec::new();
    for (name, network) in &networks {
        for method in Method::ALL.iter().chain([&gradcam]) {
            wirings.push((*name, Wiring::new(network, method, Wanted { slots: 1, audit: true })?));
        }
    }
    Ok(wirings)
}

fn both_plans(wiring: &Wiring, profile: &Profile) -> Result<[Plan; 2], Error> {
    let everything: Vec<NodeId> = wiring.graph.ids().collect();
    let stored = Plan::new(&wiring.graph, &everything, 1, profile, Sharing::Separate)?;
    Ok([wiring.plan(2, profile, Sharing::Shared)?, stored])
}

/// A network of what no architecture has: a grouped convolution, other activations, pools and moves, and one output.
fn beyond_architectures(height: u32, width: u32) -> Result<Network, GraphError> {
    let mut graph = Graph::new();
    let input = graph.input(Shape::new(3, height, width))?;
    let mut convolve = |x, name: &str, [input_channels, output_channels]: [u32; 2], groups| {
        let (name, window) = (name.to_string(), Window::square(3, 1, 1));
        let layer = Convolution { name, input_channels, output_channels, window, groups, bias: true };
        let x = graph.convolve(layer, x)?;
        graph.add("relu", Forward::Clamp(Activation::Relu), &[x])
    };
    let x = convolve(input, "first", [3, 6], 1)?;
    let x = convolve(x, "grouped", [6, 10], 2)?;
    let x = graph.add("concat", Forward::Concat, &[x, x])?;
    let x = graph.add("tanh", Forward::Activate(Function::Tanh), &[x])?;
    let x = graph.parametric_relu("slopes", x)?;
    let [alpha, beta, bias] = [1e-4, 0.75, 1.0].map(Constant::new);
    let normalization = ResponseNormalization { size: 5, alpha, beta, bias };
    let x = graph.add("normalized", Forward::NormalizeResponse(normalization), &[x])?;
    let epsilon = Constant::new(1e-5);
    let x = graph.add("channels normalized", Forward::NormalizeChannels { epsilon }, &[x])?;
    let averaging = Averaging { window: Window::square(3, 2, 1), counted: Padding::all(1) };
    let x = graph.add("averaged", Forward::AverageWindows(averaging), &[x])?;
    let x = graph.add("shuffled", Forward::Shuffle { groups: 4 }, &[x])?;
    let order = Order::new([1, 2, 0]).unwrap_or(Order::SAME);
    let x = graph.add("transposed", Forward::Transpose(order), &[x])?;
    let small = graph.shape(x);
    let shape = small.resized(small.height + 1, small.width + 1);
    let x = graph.add("padded", Forward::Pad { region: Region::whole(small), shape }, &[x])?;
    let pooled = graph.add("pool", Forward::AveragePool { height: 1, width: 1 }, &[x])?;
    let output = graph.linear_without_bias("last", 1, pooled)?;
    Network::new(graph, input, output)
}
