//! Products and differences of two values of a network: squeeze-and-excitation, gates, and operands that are broadcast.

use super::logit_methods::check_gradient;
use crate::common::compare::{Tolerance, assert_close};
use crate::common::random::Random;
use agf::graph::{Convolution, Forward, Function, Graph, Network, NodeId, Shape, Window};
use agf::methods::relevance::Preset;
use agf::methods::{Method, Quantity};
use agf::reference::Reference;
use std::collections::HashMap;

const TANH: Forward = Forward::Activate(Function::Tanh);
const SIGMOID: Forward = Forward::Activate(Function::Sigmoid);

/// Without corners: a mask of one channel, squeeze-and-excitation, a gate of the same shape, a square, a product of
/// equals, and differences with one value per channel and with a whole value.
fn network() -> Network {
    let mut graph = Graph::new();
    let input = graph.input(Shape::new(3, 4, 3)).unwrap();
    let convolve = |graph: &mut Graph, name: &str, x: NodeId, act: Forward| {
        let (name, shape) = (name.to_string(), graph.shape(x));
        let window = if shape.pixels() == 1 { Window::square(1, 1, 0) } else { Window::square(3, 1, 1) };
        let input_channels = shape.channels;
        let output_channels = if name == "mask" { 1 } else { 3 };
        let layer = Convolution { name: name.clone(), input_channels, output_channels, window, groups: 1, bias: true };
        let x = graph.convolve(layer, x).unwrap();
        graph.add(&format!("{name} act"), act, &[x]).unwrap()
    };
    let first = convolve(&mut graph, "first", input, TANH);
    // What is broadcast is the gate, though its values have no bound and those of the signal have.
    let mask = convolve(&mut graph, "mask", first, Forward::Activate(Function::Softplus));
    let mask = graph.add("mask for each channel", Forward::Concat, &[mask, mask, mask]).unwrap();
    let masked = graph.add("masked", Forward::Multiply, &[mask, first]).unwrap();
    let x = graph.add("calm", TANH, &[masked]).unwrap();
    let mean = graph.add("squeeze", Forward::AveragePool { height: 1, width: 1 }, &[x]).unwrap();
    let gate = convolve(&mut graph, "excite", mean, SIGMOID);
    let excited = graph.add("excited", Forward::Multiply, &[x, gate]).unwrap();
    let other = convolve(&mut graph, "other", excited, TANH);
    let wide = convolve(&mut graph, "wide", excited, SIGMOID);
    let less = graph.add("less mean", Forward::Subtract, &[excited, mean]).unwrap();
    let square = graph.add("square", Forward::Multiply, &[less, less]).unwrap();
    let plain = graph.add("plain", Forward::Multiply, &[square, excited]).unwrap();
    let gated = graph.add("gated", Forward::Multiply, &[wide, plain]).unwrap();
    let difference = graph.add("difference", Forward::Subtract, &[gated, other]).unwrap();
    let logits = graph.linear("last", 4, difference).unwrap();
    Network::new(graph, input, logits).unwrap()
}

#[test]
fn the_gradient_is_the_slope_of_the_logit() {
    check_gradient(&network());
}

/// A value times a number of its own, and less it.
#[test]
fn the_gradient_of_a_number_is_summed_over_all() {
    let mut graph = Graph::new();
    let input = graph.input(Shape::new(3, 4, 3)).unwrap();
    let x = graph.add("calm", TANH, &[input]).unwrap();
    let number = graph.linear("number", 1, x).unwrap();
    let strength = graph.add("strength", SIGMOID, &[number]).unwrap();
    let product = graph.add("product", Forward::Multiply, &[x, strength]).unwrap();
    let difference = graph.add("difference", Forward::Subtract, &[product, number]).unwrap();
    let logits = graph.linear("last", 4, difference).unwrap();
    check_gradient(&Network::new(graph, input, logits).unwrap());
}

/// What each operand gets: all for the signal, nothing for its gate, half where neither is one, and shares of a
/// difference.
#[test]
fn relevance_of_products_and_differences() {
    let mut random = Random::new();
    for method in [Method::default(), Method::Relevance(Preset::Lrp)] {
        let network = network();
        let explanation = method.explain(&network, 1).unwrap();
        let parameters = random.parameters(&explanation.graph);
        let picture: Vec<f64> = (0..36).map(|_| random.uniform(-1.0, 1.0)).collect();
        let wanted: Vec<NodeId> = explanation.graph.ids().collect();
        let reference = Reference::new(&explanation.graph, &parameters).unwrap();
        let values: HashMap<NodeId, Vec<f64>> = reference.run(&picture, &[1.0], &wanted).unwrap();
        let node = |name: &str| network.graph.ids().find(|&id| network.graph.node(id).name == name).unwrap();
        let traced = |name: &str, quantity: Quantity| {
            let mut trace = explanation.maps[0].trace.iter();
            trace
                .find(|trace| trace.layer == node(name) && trace.quantity == quantity)
                .map(|trace| &values[&trace.node])
        };
        let of = |name: &str, index: u32| traced(name, Quantity::Relevance(index));
        let tolerance = Tolerance { absolute: 1e-12, relative: 1e-9 };

        let c = of("last", 0).unwrap();
        let (a, b, y) = (&values[&node("gated")], &values[&node("other act")], &values[&node("difference")]);
        let share = |index: usize| if c[index] == 0.0 { 0.0 } else { c[index] / (y[index] + 1e-9) };
        let expected = |of: &dyn Fn(usize) -> f64| (0..a.len()).map(of).collect::<Vec<f64>>();
        assert_close("a", of("difference", 0).unwrap(), &expected(&|index| a[index] * share(index)), tolerance);
        assert_close("b", of("difference", 1).unwrap(), &expected(&|index| -b[index] * share(index)), tolerance);

        assert_eq!(of("gated", 0), None, "the wide gate");
        assert_eq!(of("gated", 1), of("difference", 0));
        let half: Vec<f64> = of("gated", 1).unwrap().iter().map(|c| c / 2.0).collect();
        assert_eq!((of("plain", 0), of("plain", 1)), (Some(&half), Some(&half)));
        assert_eq!((of("square", 0), of("square", 1)), (Some(&half), None));

        let (mean, y) = (&values[&node("squeeze")], &values[&node("less mean")]);
        let share = |index: usize| if half[index] == 0.0 { 0.0 } else { half[index] / (y[index] + 1e-9) };
        let pixels = y.len() / 3;
        let of_mean: Vec<f64> = (0..3)
            .map(|channel| -(0..pixels).map(|pixel| mean[channel] * share(channel * pixels + pixel)).sum::<f64>())
            .collect();
        assert_close("one value per channel", of("less mean", 1).unwrap(), &of_mean, tolerance);

        assert_eq!((of("masked", 0), of("mask", 0)), (None, None), "the mask");
        assert!(of("calm", 0).is_some() && of("masked", 1) == of("calm", 0), "all for the signal");
        assert_eq!(of("excited", 1), None, "the excitation");
        assert_eq!(of("excite", 0), None, "what lies before the excitation");
        let needs_gradient = method == Method::default();
        assert_eq!(
            traced("excite", Quantity::Gradient(0)).is_some(),
            needs_gradient,
            "the gate's branch has a gradient"
        );
    }
}
