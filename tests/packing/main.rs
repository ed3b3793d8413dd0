//! Packed weights against the layers' own: of plans of networks that chance made, and of every kind that there is.

#[path = "../common/mod.rs"]
mod common;
mod expected;

use agf::graph::{Convolution, Forward, Graph, GraphError, Op, Part, Shape, WeightSource, Window};
use agf::methods::Method;
use agf::models::weights::Weights;
use agf::plan::Sharing;
use agf::plan::packing::{Element, Packing};
use agf::plan::variant::WinogradTile;
use agf::wiring::{Wanted, Wiring};
use common::networks::sized;
use common::planned::profiles;
use common::random::Random;
use expected::Layers;
use std::collections::{BTreeSet, HashSet};

fn check(packing: Packing, layers: &Layers) {
    let packed = packing.packed(layers.graph, layers.weights);
    let expected = layers.expected(packing, packed.len());
    assert_eq!(packed.len(), packing.elements(layers.graph), "{packing:?}");
    let scale = expected.iter().fold(1.0, |most: f64, value| most.max(value.abs()));
    for (index, (&word, expected)) in packed.iter().zip(&expected).enumerate() {
        let value = f64::from(f32::from_bits(word));
        let is_there = value == 0.0 && *expected == 0.0 || (value - expected).abs() <= 1e-6 * scale;
        assert!(is_there, "{packing:?}: {value} instead of {expected} at {index}");
    }
}

/// What a packing is called.
fn kind(packing: Packing) -> String {
    format!("{packing:?}").split([' ', '{']).next().unwrap_or_default().into()
}

#[test]
fn packings_of_plans() {
    let mut random = Random::new();
    let mut seen: BTreeSet<String> = BTreeSet::new();
    for index in 0..120 {
        let (network, [_, _, batch]) = sized(&random.bytes(160), 24);
        let method = &Method::ALL[index % Method::ALL.len()];
        let Ok(wiring) = Wiring::new(&network, method, Wanted { slots: 1, audit: false }) else { continue };
        let weights = Weights::synthetic(&network.graph.parameters());
        let layers = Layers { graph: &wiring.graph, weights: &weights };
        for profile in profiles() {
            let plan = wiring.plan(batch, &profile, Sharing::Shared).unwrap();
            let packings: HashSet<Packing> = plan.steps.iter().flat_map(|step| step.weights.iter().copied()).collect();
            for packing in packings {
                check(packing, &layers);
                seen.insert(kind(packing));
            }
        }
    }
    for common in ["Affine", "Dense", "Depthwise", "General", "Grouped", "Linear", "LinearBias", "Slopes", "TapSums"] {
        assert!(seen.contains(common), "{common}: {seen:?}");
    }
}

/// A network with convolutions in groups of whole quads and of other numbers.
fn network_of_groups() -> Result<Graph, GraphError> {
    let mut graph = Graph::new();
    let mut x = graph.input(Shape::new(3, 9, 10))?;
    for (index, [output_channels, groups]) in [[16, 1], [24, 2], [30, 1], [18, 3], [18, 18]].into_iter().enumerate() {
        let (name, window, bias) = (format!("layer{index}"), Window::square(3, 1, 1), index % 2 == 0);
        let input_channels = graph.shape(x).channels;
        x = graph.convolve(Convolution { name, input_channels, output_channels, window, groups, bias }, x)?;
    }
    let x = graph.batch_norm("norm", 1e-3, x)?;
    let x = graph.parametric_relu("slopes", x)?;
    graph.linear("last", 5, x)?;
    Ok(graph)
}

/// Every packing of a node's weights.
fn packings(graph: &Graph, op: &Op) -> Vec<Packing> {
    let element = Element::F32;
    let parts = [Part::Full, Part::Absolute, Part::Positive, Part::Negative];
    let sources = [WeightSource::Parameter, WeightSource::Squared, WeightSource::Ones];
    let mut packings = Vec::new();
    match *op {
        Op::Forward(Forward::Convolve { layer, .. }) => {
            let convolution = graph.convolution(layer);
            let of_group =
                [convolution.input_channels, convolution.output_channels].map(|all| all / convolution.groups);
            packings.push(Packing::Affine { layer: Some(layer), batch_norm: None });
            for layer in sources.map(|source| layer.with(source)) {
                packings.extend(parts.map(|part| Packing::TapSums { layer, part }));
                packings.extend([false, true].map(|transposed| Packing::General { layer, transposed }));
                if convolution.is_depthwise() {
                    packings.push(Packing::Depthwise { layer });
                } else if of_group.iter().all(|channels| channels.is_multiple_of(4)) {
                    packings.extend([false, true].map(|transposed| Packing::Grouped { layer, transposed }));
                }
                let dense = [false, true].into_iter().flat_map(|transposed| parts.map(|part| (transposed, part)));
                for (transposed, part) in dense.filter(|_| convolution.groups == 1) {
                    packings.push(Packing::Dense { layer, transposed, part, element });
                    let tiles = [WinogradTile::Two, WinogradTile::Four];
                    packings.extend(tiles.map(|tile| Packing::Winograd { tile, layer, transposed, part }));
                }
            }
        }
        Op::Forward(Forward::BatchNorm(layer)) => {
            packings.push(Packing::Affine { layer: None, batch_norm: Some(layer) });
        }
        Op::Forward(Forward::ParametricRelu(layer)) => packings.push(Packing::Slopes { layer }),
        Op::Forward(Forward::Linear { layer, .. }) => {
            packings.extend([Packing::LinearAffine { layer }, Packing::LinearBias { layer }]);
            for layer in sources.map(|source| layer.with(source)) {
                packings.extend([0, 4].map(|first_row| Packing::Linear { layer, first_row, rows: 4, element }));
                packings.extend(parts.map(|part| Packing::RowSums { layer, part }));
            }
        }
        _ => {}
    }
    packings
}

#[test]
fn packings_of_every_kind() {
    let graph = network_of_groups().unwrap();
    let weights = Weights::synthetic(&graph.parameters());
    let layers = Layers { graph: &graph, weights: &weights };
    let mut seen = BTreeSet::from([kind(Packing::Unused)]);
    check(Packing::Unused, &layers);
    for packing in graph.nodes().iter().flat_map(|node| packings(&graph, &node.op)) {
        check(packing, &layers);
        seen.insert(kind(packing));
    }
    let all =
        "Affine Dense Depthwise General Grouped Linear LinearAffine LinearBias RowSums Slopes TapSums Unused Winograd";
    assert_eq!(seen, all.split(' ').map(String::from).collect());
}
