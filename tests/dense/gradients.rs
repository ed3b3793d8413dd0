//! The gradient stream of a whole explanation against central differences of the target's probability.

use super::network::{network, picture};
use super::target::probability;
use crate::common::compare::{Tolerance, assert_close};
use crate::common::random::Random;
use agf::graph::{Forward, Network, NodeId, Op};
use agf::methods::agf::{Ablations, explain};
use agf::methods::{Explanation, Quantity};
use agf::reference::Reference;
use std::collections::HashMap;

const STEP: f64 = 1e-6;

/// One forward pass, of which later parts can be repeated.
struct Pass<'a> {
    reference: &'a Reference<'a>,
    network: &'a Network,
    values: &'a HashMap<NodeId, Vec<f64>>,
}

impl Pass<'_> {
    /// `p_t` where one element of one input of `layer` is moved, for this reader alone, and the pieces then in use.
    fn moved(&self, layer: NodeId, input: usize, element: usize, step: f64, t: usize) -> (f64, Vec<usize>) {
        let graph = &self.network.graph;
        let mut changed: HashMap<NodeId, Vec<f64>> = HashMap::new();
        let mut pieces = Vec::new();
        for id in graph.ids().filter(|&id| id >= layer) {
            let inputs = &graph.node(id).inputs;
            if id != layer && !inputs.iter().any(|input| changed.contains_key(input)) {
                continue;
            }
            let value = |id: &NodeId| changed.get(id).unwrap_or(&self.values[id]).clone();
            let mut inputs: Vec<Vec<f64>> = inputs.iter().map(value).collect();
            if id == layer {
                inputs[input][element] += step;
            }
            let inputs: Vec<&[f64]> = inputs.iter().map(Vec::as_slice).collect();
            let output = self.reference.evaluate(id, &inputs);
            pieces.extend(pieces_of(&graph.node(id).op, inputs[0], &output));
            changed.insert(id, output);
        }
        let logits = &changed[&self.network.logits];
        let distance = |k: usize| (logits[k] - logits[t]).abs();
        pieces.push((0..logits.len()).fold(0, |best, k| if distance(k) > distance(best) { k } else { best }));
        (probability(logits, t), pieces)
    }
}

/// Which linear piece an operation is in at every element: whether it clamps, or where the maximum is.
fn pieces_of(op: &Op, x: &[f64], y: &[f64]) -> Vec<usize> {
    match op {
        Op::Forward(Forward::Clamp(activation)) => {
            let ceiling = f64::from(activation.ceiling());
            x.iter().map(|&x| usize::from(x > 0.0) + usize::from(x >= ceiling)).collect()
        }
        Op::Forward(Forward::MaxPool(_)) => y.iter().map(|y| x.iter().position(|x| x == y).unwrap()).collect(),
        _ => Vec::new(),
    }
}

#[test]
fn gradients_of_every_layer_are_finite_differences() {
    let mut random = Random::new();
    for pooled in [[2, 3], [4, 3], [1, 1]] {
        let network = network(pooled);
        let explanation = explain(&network, 1, Ablations::default()).unwrap();
        check_gradients(&network, &explanation, &mut random);
    }
}

fn check_gradients(network: &Network, explanation: &Explanation, random: &mut Random) {
    let parameters = random.parameters(&explanation.graph);
    let reference = Reference::new(&explanation.graph, &parameters).unwrap();
    let t = random.uniform(0.0, 5.0) as usize;
    let wanted: Vec<NodeId> = explanation.graph.ids().collect();
    let values = reference.run(&picture(random), &[t as f64], &wanted).unwrap();
    let forward = Pass { reference: &reference, network, values: &values };
    let (mut compared, mut skipped) = (0, 0);
    for trace in &explanation.maps[0].trace {
        let Quantity::Gradient(input) = trace.quantity else { continue };
        let mut gradient = values[&trace.node].clone();
        let mut expected = vec![0.0; gradient.len()];
        for element in 0..gradient.len() {
            let [(above, pieces_above), (below, pieces_below)] =
                [STEP, -STEP].map(|step| forward.moved(trace.layer, input as usize, element, step, t));
            compared += 1;
            expected[element] = (above - below) / (2.0 * STEP);
            if pieces_above != pieces_below {
                skipped += 1;
                (gradient[element], expected[element]) = (0.0, 0.0);
            }
        }
        let what = format!("gradient at input {input} of '{}'", network.graph.node(trace.layer).name);
        assert_close(&what, &gradient, &expected, Tolerance { absolute: 1e-8, relative: 1e-5 });
    }
    assert!(compared > 500, "{compared}");
    assert!(skipped * 10 < compared, "{skipped} of {compared} elements lie on an edge");
}

/// Several readers' gradients add up.
#[test]
fn fan_out_sums_gradients() {
    let mut random = Random::new();
    let network = network([2, 3]);
    let explanation = explain(&network, 1, Ablations::default()).unwrap();
    let graph = &explanation.graph;
    let parameters = random.parameters(graph);
    let reference = Reference::new(graph, &parameters).unwrap();
    let wanted: Vec<NodeId> = graph.ids().collect();
    let values = reference.run(&picture(&mut random), &[2.0], &wanted).unwrap();
    let trace = &explanation.maps[0].trace;
    let at = |layer: &str, index| {
        let is_it = |node: NodeId| graph.node(node).name == layer;
        let found = trace.iter().find(|trace| is_it(trace.layer) && trace.quantity == Quantity::Gradient(index));
        &values[&found.unwrap().node]
    };
    let total: Vec<f64> = at("sum", 1).iter().zip(at("expand", 0)).map(|(a, b)| a + b).collect();
    let pool = graph.ids().find(|&id| graph.node(id).name == "max_pool").unwrap();
    let Op::Forward(Forward::MaxPool(window)) = graph.node(pool).op else { unreachable!() };
    let x = graph.node(pool).inputs[0];
    let choice = super::definitions::max_pool(&window, &values[&x], graph.shape(x), graph.shape(pool));
    let tolerance = Tolerance { absolute: 1e-14, relative: 1e-12 };
    assert_close("through the pool", at("max_pool", 0), &choice.transposed().apply(&total), tolerance);
}
