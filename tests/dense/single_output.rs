//! Networks with one output, and networks whose last layer with weights is not their last operation.

use super::target::probability;
use crate::common::compare::{Tolerance, assert_close};
use crate::common::random::{Random, Values};
use agf::graph::{Activation, Convolution, Forward, Graph, Network, NodeId, Shape, Window};
use agf::methods::relevance::Preset;
use agf::methods::{ClassMap, Method, Quantity};
use agf::reference::Reference;
use std::collections::HashMap;

const STEP: f64 = 1e-6;
const INPUT: Shape = Shape::new(3, 6, 5);

fn convolve(graph: &mut Graph, name: &str, x: NodeId, channels: u32, window: Window) -> NodeId {
    let input_channels = graph.shape(x).channels;
    let (name, output_channels) = (name.to_string(), channels);
    let layer = Convolution { name, input_channels, output_channels, window, groups: 1, bias: true };
    graph.convolve(layer, x).unwrap()
}

/// The features that all networks here begin with.
fn features() -> (Graph, NodeId, NodeId) {
    let mut graph = Graph::new();
    let input = graph.input(INPUT).unwrap();
    let x = convolve(&mut graph, "first", input, 6, Window::square(3, 1, 1));
    let x = graph.add("relu", Forward::Clamp(Activation::Relu), &[x]).unwrap();
    (graph, input, x)
}

/// As a binary classifier ends: one logit.
fn single() -> Network {
    let (mut graph, input, x) = features();
    let pooled = graph.add("pool", Forward::AveragePool { height: 1, width: 1 }, &[x]).unwrap();
    let output = graph.linear("last", 1, pooled).unwrap();
    Network::new(graph, input, output).unwrap()
}

/// As SqueezeNet ends: a convolution, ReLU and the mean of every channel.
fn pooled_logits() -> Network {
    let (mut graph, input, x) = features();
    let x = convolve(&mut graph, "last", x, 3, Window::square(1, 1, 0));
    let x = graph.add("last_relu", Forward::Clamp(Activation::Relu), &[x]).unwrap();
    let logits = graph.add("mean", Forward::AveragePool { height: 1, width: 1 }, &[x]).unwrap();
    Network::new(graph, input, logits).unwrap()
}

/// The sum of two linear layers of different values.
fn side_by_side() -> Network {
    let (mut graph, input, x) = features();
    let mean = graph.add("pool", Forward::AveragePool { height: 1, width: 1 }, &[x]).unwrap();
    let coarse = graph.add("coarse", Forward::AveragePool { height: 2, width: 1 }, &[x]).unwrap();
    let a = graph.linear("last a", 3, mean).unwrap();
    let b = graph.linear("last b", 3, coarse).unwrap();
    let logits = graph.add("sum", Forward::Add, &[a, b]).unwrap();
    Network::new(graph, input, logits).unwrap()
}

/// The last layer's output and what that layer reads, added.
fn read_twice() -> Network {
    let (mut graph, input, x) = features();
    let mean = graph.add("pool", Forward::AveragePool { height: 1, width: 1 }, &[x]).unwrap();
    let last = graph.linear("last", 6, mean).unwrap();
    let logits = graph.add("sum", Forward::Add, &[last, mean]).unwrap();
    Network::new(graph, input, logits).unwrap()
}

/// Everything that one class's walk computes on a random picture.
struct Walked {
    network: Network,
    map: ClassMap,
    parameters: Values,
    values: HashMap<NodeId, Vec<f64>>,
    class: usize,
}

fn walked(network: Network, method: &Method, class: usize, random: &mut Random) -> Walked {
    let explanation = method.explain(&network, 1).unwrap();
    let parameters = random.parameters(&explanation.graph);
    let picture: Vec<f64> = (0..INPUT.elements()).map(|_| random.uniform(-2.0, 2.5)).collect();
    let wanted: Vec<NodeId> = explanation.graph.ids().collect();
    let reference = Reference::new(&explanation.graph, &parameters).unwrap();
    let values = reference.run(&picture, &[class as f64], &wanted).unwrap();
    let map = explanation.maps[0].clone();
    Walked { network, map, parameters, values, class }
}

impl Walked {
    fn node(&self, name: &str) -> NodeId {
        self.network.graph.ids().find(|&id| self.network.graph.node(id).name == name).unwrap()
    }

    fn traced(&self, layer: NodeId, quantity: Quantity) -> &[f64] {
        let trace = self.map.trace.iter().find(|trace| trace.layer == layer && trace.quantity == quantity);
        &self.values[&trace.unwrap().node]
    }

    /// The target's probability where `layer` alone reads `x`, as its input of a number.
    fn probability(&self, layer: NodeId, number: usize, x: &[f64]) -> f64 {
        let graph = &self.network.graph;
        let reference = Reference::new(graph, &self.parameters).unwrap();
        let mut values = self.values.clone();
        for id in graph.ids().filter(|&id| id >= layer) {
            let mut inputs: Vec<&[f64]> = graph.node(id).inputs.iter().map(|input| &values[input][..]).collect();
            if id == layer {
                inputs[number] = x;
            }
            let value = reference.evaluate(id, &inputs);
            values.insert(id, value);
        }
        probability(&values[&self.network.logits], self.class)
    }

    /// That relevance begins at an input of `layer` as input times slope.
    fn check_beginning(&self, layer: &str, number: usize) {
        let layer = self.node(layer);
        let x = &self.values[&self.network.graph.node(layer).inputs[number]];
        let slope = |element: usize| {
            let [above, below] = [STEP, -STEP].map(|step| {
                let mut moved = x.clone();
                moved[element] += step;
                self.probability(layer, number, &moved)
            });
            (above - below) / (2.0 * STEP)
        };
        let expected: Vec<f64> = (0..x.len()).map(|element| x[element] * slope(element)).collect();
        let tolerance = Tolerance { absolute: 1e-8, relative: 1e-5 };
        assert_close("first relevance", self.traced(layer, Quantity::Relevance(number as u32)), &expected, tolerance);
    }
}

#[test]
fn one_output_is_two_logits() {
    let mut random = Random::new();
    for class in [0, 1] {
        let walked = walked(single(), &Method::default(), class, &mut random);
        let y = walked.values[&walked.node("last")][0];
        let logits = &walked.values[&walked.network.logits];
        assert_eq!(*logits, [y / 2.0, -y / 2.0]);
        let exponential = logits[0].exp();
        let sigmoid = exponential / (exponential + logits[1].exp());
        assert!((sigmoid - 1.0 / (1.0 + (-y).exp())).abs() <= 1e-12, "{sigmoid}");
        walked.check_beginning("last", 0);
    }
}

/// Relevance that begins at a logit goes to the output whole.
#[test]
fn relevance_of_a_logit_is_that_of_the_output() {
    let mut random = Random::new();
    for class in [0, 1] {
        let walked = walked(single(), &Method::Relevance(Preset::Lrp), class, &mut random);
        let y = walked.values[&walked.node("last")][0];
        let expected = if class == 0 { y / 2.0 } else { -y / 2.0 };
        assert_eq!(walked.traced(walked.network.logits, Quantity::Relevance(0)), [expected]);
    }
}

#[test]
fn relevance_begins_at_the_last_layers_with_weights() {
    let mut random = Random::new();
    for class in [0, 1, 2] {
        walked(pooled_logits(), &Method::default(), class, &mut random).check_beginning("last", 0);
        let both = walked(side_by_side(), &Method::default(), class, &mut random);
        both.check_beginning("last a", 0);
        both.check_beginning("last b", 0);
        let twice = walked(read_twice(), &Method::default(), class, &mut random);
        twice.check_beginning("last", 0);
        twice.check_beginning("sum", 1);
    }
}
