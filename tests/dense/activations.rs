//! Every activation that does not clamp from 0 on: its values from its definition, its gradient by differences, and its
//! relevance.

use crate::common::compare::{Tolerance, assert_close};
use crate::common::random::{Random, Values};
use agf::graph::{Backward, Constant, Convolution, Forward, Function, Graph, Network, NodeId, Shape, Window};
use agf::methods::relevance::Preset;
use agf::methods::{Method, Quantity};
use agf::reference::Reference;

const fn constant(value: f32) -> Constant {
    Constant::new(value)
}

const FUNCTIONS: [Function; 20] = [
    Function::LeakyRelu { slope: constant(0.25) },
    Function::Elu { alpha: constant(1.5) },
    Function::SELU,
    Function::Selu { alpha: constant(2.0), gamma: constant(3.0) },
    Function::Celu { alpha: constant(2.0) },
    Function::Silu,
    Function::HardSwish,
    Function::Sigmoid,
    Function::HardSigmoid { slope: constant(0.125), offset: constant(0.5) },
    Function::Tanh,
    Function::Erf,
    Function::Gelu,
    Function::GeluTanh,
    Function::Mish,
    Function::Softplus,
    Function::Clip { low: constant(-1.0), high: constant(1.5) },
    Function::Clip { low: constant(0.5), high: constant(2.0) },
    Function::Clip { low: constant(-3.0), high: constant(-0.5) },
    Function::Clip { low: constant(0.0), high: constant(7.0) },
    Function::Clip { low: constant(-1.0), high: constant(0.0) },
];

/// `erf` as its integral, by Simpson's rule.
fn erf(z: f64) -> f64 {
    const STEPS: usize = 2000;
    let step = z / STEPS as f64;
    let of = |index: usize| (-(index as f64 * step).powi(2)).exp();
    let weight = |index: usize| match index {
        0 | STEPS => 1.0,
        _ if index % 2 == 1 => 4.0,
        _ => 2.0,
    };
    (0..=STEPS).map(|index| weight(index) * of(index)).sum::<f64>() * step / 3.0 * 2.0 / std::f64::consts::PI.sqrt()
}

fn defined(function: Function, x: f64) -> f64 {
    let s = 1.0 / (1.0 + (-x).exp());
    let tanh = |x: f64| (x.exp() - (-x).exp()) / (x.exp() + (-x).exp());
    let elu = |alpha: f64| if x > 0.0 { x } else { alpha * (x.exp() - 1.0) };
    match function {
        Function::LeakyRelu { .. } => x.max(0.0) + 0.25 * x.min(0.0),
        Function::Elu { .. } => elu(1.5),
        Function::Selu { alpha, gamma } => f64::from(gamma.value()) * elu(alpha.value().into()),
        Function::Celu { .. } => x.max(0.0) + (2.0 * ((x / 2.0).exp() - 1.0)).min(0.0),
        Function::Silu => x * s,
        Function::HardSwish => x * (x + 3.0).clamp(0.0, 6.0) / 6.0,
        Function::Sigmoid => s,
        Function::HardSigmoid { .. } => (x / 8.0 + 0.5).clamp(0.0, 1.0),
        Function::Tanh => tanh(x),
        Function::Erf => erf(x),
        Function::Gelu => x * (1.0 + erf(x / 2.0_f64.sqrt())) / 2.0,
        Function::GeluTanh => x * (1.0 + tanh((2.0 / std::f64::consts::PI).sqrt() * (x + 0.044715 * x * x * x))) / 2.0,
        Function::Mish => x * tanh((1.0 + x.exp()).ln()),
        Function::Softplus => (1.0 + x.exp()).ln(),
        Function::Clip { low, high } => x.max(low.value().into()).min(high.value().into()),
    }
}

/// Values away from the corners of all functions, and zero.
fn positions() -> Vec<f64> {
    (0..81).map(|index| f64::from(index - 40) * 0.1317).collect()
}

#[test]
fn values_are_as_defined_and_gradients_their_differences() {
    const STEP: f64 = 1e-5;
    let x = positions();
    let shape = Shape::new(3, 9, 3);
    let mut graph = Graph::new();
    let input = graph.input(shape).unwrap();
    let nodes = FUNCTIONS.map(|function| {
        let value = graph.add("f", Forward::Activate(function), &[input]).unwrap();
        (function, value, graph.add("gradient", Backward::ActivateGradient(function), &[input, input]).unwrap())
    });
    let nothing = Values::none();
    let reference = Reference::new(&graph, &nothing).unwrap();
    let g: Vec<f64> = x.iter().map(|x| 1.0 + x * x).collect();
    for (function, value, gradient) in nodes {
        let what = format!("{function:?}");
        let expected: Vec<f64> = x.iter().map(|&x| defined(function, x)).collect();
        let tolerance = Tolerance { absolute: 1e-12, relative: 1e-11 };
        assert_close(&what, &reference.evaluate(value, &[&x]), &expected, tolerance);
        let slope = |x: f64| (defined(function, x + STEP) - defined(function, x - STEP)) / (2.0 * STEP);
        let found = reference.evaluate(gradient, &[&g, &x]);
        let away = |index: &usize| x[*index] != 0.0;
        let [found, expected]: [Vec<f64>; 2] = [
            (0..x.len()).filter(away).map(|index| found[index]).collect(),
            (0..x.len()).filter(away).map(|index| g[index] * slope(x[index])).collect(),
        ];
        assert_close(&format!("gradient of {what}"), &found, &expected, Tolerance { absolute: 1e-7, relative: 1e-7 });
    }
}

/// What a function says of itself holds of its values, and nothing else does.
#[test]
fn zeros_bounds_and_signs_are_those_of_the_values() {
    let x: Vec<f64> = (-4000..=4000).map(|step| f64::from(step) / 40.0).collect();
    let mut graph = Graph::new();
    let input = graph.input(Shape::new(1, 1, x.len() as u32)).unwrap();
    let nodes = FUNCTIONS.map(|function| (function, graph.add("f", Forward::Activate(function), &[input]).unwrap()));
    let nothing = Values::none();
    let reference = Reference::new(&graph, &nothing).unwrap();
    for (function, node) in nodes {
        let values = reference.evaluate(node, &[&x]);
        let (low, high) = values.iter().fold((0f64, 0f64), |(low, high), &v| (low.min(v), high.max(v)));
        assert_eq!(function.keeps_zero(), values[4000] == 0.0, "{function:?}");
        assert_eq!(function.is_bounded(), high - low < 20.0, "{function:?}: {low} to {high}");
        assert_eq!(function.is_non_negative(), low >= 0.0, "{function:?}: {low} to {high}");
    }
}

fn network(function: Function) -> (Network, NodeId) {
    let mut graph = Graph::new();
    let input = graph.input(Shape::new(3, 5, 4)).unwrap();
    let (name, window) = ("first".to_string(), Window::square(3, 1, 1));
    let layer = Convolution { name, input_channels: 3, output_channels: 5, window, groups: 1, bias: true };
    let x = graph.convolve(layer, input).unwrap();
    // Zeros among its inputs.
    let x = graph.add("relu", Forward::Clamp(agf::graph::Activation::Relu), &[x]).unwrap();
    let activation = graph.add("activation", Forward::Activate(function), &[x]).unwrap();
    let logits = graph.linear("last", 4, activation).unwrap();
    (Network::new(graph, input, logits).unwrap(), activation)
}

/// Relevance goes through whole, in AGF but for inputs of exactly 0 that stand for nothing.
#[test]
fn relevance_goes_through() {
    let mut random = Random::new();
    for function in FUNCTIONS {
        for method in [Method::default(), Method::Relevance(Preset::Lrp)] {
            let (network, activation) = network(function);
            let explanation = method.explain(&network, 1).unwrap();
            let parameters = random.parameters(&explanation.graph);
            let picture: Vec<f64> = (0..60).map(|_| random.uniform(-2.0, 2.5)).collect();
            let wanted: Vec<NodeId> = explanation.graph.ids().collect();
            let reference = Reference::new(&explanation.graph, &parameters).unwrap();
            let values = reference.run(&picture, &[1.0], &wanted).unwrap();
            let traced = |layer: NodeId| {
                let trace = &explanation.maps[0].trace;
                let is_it =
                    |trace: &&agf::methods::Trace| trace.layer == layer && trace.quantity == Quantity::Relevance(0);
                &values[&trace.iter().find(is_it).unwrap().node]
            };
            let (c, x) = (traced(network.logits), &values[&network.graph.node(activation).inputs[0]]);
            let masks = method == Method::default() && function.keeps_zero();
            let passes = |(&c, &x): (&f64, &f64)| if masks && x == 0.0 { 0.0 } else { c };
            let expected: Vec<f64> = c.iter().zip(x).map(passes).collect();
            assert_eq!(*traced(activation), expected, "{function:?}, {method}");
        }
    }
}
