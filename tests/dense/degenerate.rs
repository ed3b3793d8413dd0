//! Inputs at the edge: nothing to explain, nothing to distinguish, overflowing exponentials; and inputs that are
//! refused.

use super::network::{CLASSES, INPUT, network, picture};
use crate::common::random::{Random, Values};
use agf::graph::{Explain, Graph, NodeId, ResidualTerms, Shape};
use agf::methods::Explanation;
use agf::methods::agf::{Ablations, explain};
use agf::reference::{Parameters, Reference, ReferenceError};

fn explanation() -> Explanation {
    explain(&network([2, 3]), 1, Ablations::default()).unwrap()
}

/// The map, after all values were found finite.
fn map_of(explanation: &Explanation, parameters: &dyn Parameters, picture: &[f64]) -> Vec<f64> {
    let reference = Reference::new(&explanation.graph, parameters).unwrap();
    let wanted: Vec<NodeId> = explanation.graph.ids().collect();
    let mut values = reference.run(picture, &[1.0], &wanted).unwrap();
    for (id, value) in &values {
        let node = explanation.graph.node(*id);
        let bad = value.iter().position(|value| !value.is_finite());
        assert!(bad.is_none(), "'{}' ({}) is not finite at {bad:?}", node.name, node.op.name());
    }
    values.remove(&explanation.maps[0].map).unwrap()
}

fn is_zero(map: &[f64]) -> bool {
    map.iter().all(|&value| value == 0.0)
}

#[test]
fn without_influence_on_the_logits_the_map_is_exactly_zero() {
    let mut random = Random::new();
    let explanation = explanation();
    let mut parameters = random.parameters(&explanation.graph);
    parameters.0.get_mut("last.weight").unwrap().fill(0.0);
    assert!(is_zero(&map_of(&explanation, &parameters, &picture(&mut random))));
}

#[test]
fn with_equal_logits_the_map_is_exactly_zero() {
    let mut random = Random::new();
    let explanation = explanation();
    let mut parameters = random.parameters(&explanation.graph);
    let weight = parameters.0.get_mut("last.weight").unwrap();
    let row = weight[..weight.len() / CLASSES as usize].to_vec();
    weight.chunks_mut(row.len()).for_each(|other| other.copy_from_slice(&row));
    parameters.0.get_mut("last.bias").unwrap().fill(0.25);
    assert!(is_zero(&map_of(&explanation, &parameters, &picture(&mut random))));
}

#[test]
fn a_dead_layer_gives_a_map_of_zeros() {
    let mut random = Random::new();
    let explanation = explanation();
    let mut parameters = random.parameters(&explanation.graph);
    parameters.0.get_mut("hidden.weight").unwrap().fill(0.0);
    parameters.0.get_mut("hidden.bias").unwrap().fill(-1.0);
    assert!(is_zero(&map_of(&explanation, &parameters, &picture(&mut random))));
}

#[test]
fn constant_pictures_have_finite_maps() {
    let mut random = Random::new();
    let explanation = explanation();
    for value in [0.0, 1.0, -2.0] {
        let parameters = random.parameters(&explanation.graph);
        let map = map_of(&explanation, &parameters, &vec![value; INPUT.elements() as usize]);
        assert!(value != 0.0 || is_zero(&map), "a picture of zeros has no relevance");
    }
}

/// `exp(-C)` overflows: the quotient is 0, and what stays is `F_dx + A`.
#[test]
fn very_negative_relevance_suppresses_the_evidence() {
    let mut graph = Graph::new();
    let c = graph.input(Shape::new(1, 1, 4)).unwrap();
    let maps = graph.add("maps", Explain::SaliencyMaps, &[c, c, c]).unwrap();
    let peak = graph.add("peak", Explain::SaliencyMaximum, &[maps]).unwrap();
    let op = Explain::Residual(ResidualTerms::default());
    let residual = graph.add("R", op, &[c, c, maps, peak, maps]).unwrap();
    let shifted = graph.add("shifted", Explain::Shift, &[c, c, peak, peak]).unwrap();
    let nothing = Values::none();
    let reference = Reference::new(&graph, &nothing).unwrap();
    let maps = [0.0, 0.0, 0.0, 0.0, 2.0, 2.0, 2.0, 4.0];
    let factors = [1.0, -1.0, 1.0, 1.0, 0.5, 0.5, -0.5, 0.5];
    let agnostic = [3.0, 3.0, 3.0, 3.0];
    let found = reference.evaluate(residual, &[&[-1e6, -1e300, 0.0, 1e6], &agnostic, &maps, &[4.0], &factors]);
    let div = |a: f64, b: f64| a / (b + 1e-9);
    assert_eq!(found, [3.5, 3.5, 0.0, div(1.0 + div(4.0, 4.0), 1.0) + 0.5 + 3.0]);
    assert_eq!(reference.evaluate(shifted, &[&[0.0; 4], &[0.0; 4], &[0.0], &[0.0]]), [0.0; 4]);
}

#[test]
fn inputs_that_do_not_fit_are_refused() {
    let mut random = Random::new();
    let explanation = explanation();
    let mut parameters = random.parameters(&explanation.graph);
    let (picture, map) = (picture(&mut random), [explanation.maps[0].map]);
    let reference = Reference::new(&explanation.graph, &parameters).unwrap();
    let refused = |picture: &[f64], requests: &[f64]| reference.run(picture, requests, &map).unwrap_err();
    assert_eq!(refused(&picture[1..], &[0.0]), ReferenceError::PictureLength { needed: 216, found: 215 });
    assert_eq!(refused(&picture, &[]), ReferenceError::MissingRequest { slot: 0, found: 0 });
    for request in [5.0, -6.0, 0.5] {
        assert_eq!(refused(&picture, &[request]), ReferenceError::Request { slot: 0, request, classes: CLASSES });
    }
    assert!(matches!(refused(&picture, &[f64::NAN]), ReferenceError::Request { .. }));
    let nodes = network([2, 3]).graph.nodes().len();
    let small = network([2, 3]).graph;
    let foreign = Reference::new(&small, &parameters).unwrap().run(&picture, &[0.0], &map).unwrap_err();
    assert_eq!(foreign, ReferenceError::UnknownNode { index: map[0].index(), nodes });

    parameters.0.get_mut("first.weight").unwrap().push(0.0);
    let error = Reference::new(&explanation.graph, &parameters).err().unwrap();
    assert_eq!(error, ReferenceError::ParameterLength { name: "first.weight".into(), needed: 72, found: 73 });
    parameters.0.remove("first.weight");
    let error = Reference::new(&explanation.graph, &parameters).err().unwrap();
    assert_eq!(error, ReferenceError::MissingParameter { name: "first.weight".into() });
}
