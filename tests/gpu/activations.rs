//! Activations that do not clamp from 0 on, and gradients and relevance through them, against the f64 reference.

use crate::{gpu, limited_gpu, random_batch};
use agf::gpu::Gpu;
use agf::graph::{Constant, Convolution, Forward, Function, Graph, GraphError, Network, Shape, Window};
use agf::image::InputSpec;
use agf::methods::Method;
use agf::models::weights::Weights;
use agf::models::{Architecture, Model, Recipe};
use agf::verify::verify;

const FUNCTIONS: [Function; 17] = [
    Function::LeakyRelu { slope: Constant::new(0.1) },
    Function::Elu { alpha: Constant::new(1.0) },
    Function::SELU,
    Function::Selu { alpha: Constant::new(2.0), gamma: Constant::new(3.0) },
    Function::Celu { alpha: Constant::new(2.0) },
    Function::Silu,
    Function::HardSwish,
    Function::Sigmoid,
    Function::HardSigmoid { slope: Constant::new(0.2), offset: Constant::new(0.5) },
    Function::Tanh,
    Function::Erf,
    Function::Gelu,
    Function::GeluTanh,
    Function::Mish,
    Function::Softplus,
    Function::Clip { low: Constant::new(-0.5), high: Constant::new(0.5) },
    Function::Clip { low: Constant::new(0.25), high: Constant::new(1.0) },
];

/// Channels that are no multiple of 4, so that a function of 0 that is not 0 could leave something in those that do not
/// exist.
fn network(function: Function, height: u32, width: u32) -> Result<Network, GraphError> {
    let mut graph = Graph::new();
    let input = graph.input(Shape::new(3, height, width))?;
    let mut x = input;
    for (name, channels) in [("first", 5), ("second", 7)] {
        let (window, input_channels) = (Window::square(3, 1, 1), graph.shape(x).channels);
        let (name, output_channels) = (name.to_string(), channels);
        let layer = Convolution { name, input_channels, output_channels, window, groups: 1, bias: true };
        x = graph.convolve(layer, x)?;
        x = graph.add("activation", Forward::Activate(function), &[x])?;
    }
    let x = graph.add("mean", Forward::AveragePool { height: 1, width: 1 }, &[x])?;
    let logits = graph.linear("last", 4, x)?;
    Network::new(graph, input, logits)
}

fn check(gpu: &Gpu, method: &Method, count: u32) {
    for function in FUNCTIONS {
        let input = InputSpec { height: 12, width: 9, ..Architecture::TinyVgg.recipe(10).unwrap().input_spec() };
        let build = move |height, width| network(function, height, width);
        let recipe = Recipe::new("activations", input, build).unwrap();
        let weights = Weights::synthetic(recipe.parameters());
        let model = Model::new(recipe, weights, "synthetic".into());
        let batch = random_batch(count, 12, 9);
        let verification = pollster::block_on(verify(gpu, &model, method, &batch)).unwrap();
        let failure = verification.first_failure.map(|index| &verification.checked[index]);
        let words = verification.stray_words;
        assert!(verification.passed(), "{function:?} {method}: {failure:#?}, {words} stray words");
        let is_checked = |name: &str| verification.checked.iter().any(|check| check.op == name);
        assert!(is_checked("activate") && is_checked("activate_gradient"), "{function:?} {method}");
    }
}

#[test]
fn every_activation_passes() {
    check(gpu(), &Method::default(), 2);
    check(gpu(), &Method::Gradient, 1);
}

#[test]
fn every_activation_passes_with_webgpus_limits() {
    check(limited_gpu(), &Method::default(), 3);
}

/// Near zero, and where functions have nearly nothing left, results are right in relation to themselves.
#[test]
fn small_results_are_right() {
    let build = |function: Function, height: u32, width: u32| {
        let mut graph = Graph::new();
        let input = graph.input(Shape::new(3, height, width))?;
        let x = graph.add("activation", Forward::Activate(function), &[input])?;
        let x = graph.add("mean", Forward::AveragePool { height: 1, width: 1 }, &[x])?;
        let logits = graph.linear("last", 4, x)?;
        Network::new(graph, input, logits)
    };
    for function in FUNCTIONS {
        let input = InputSpec { height: 12, width: 9, ..Architecture::TinyVgg.recipe(10).unwrap().input_spec() };
        let recipe = Recipe::new("activation", input, move |height, width| build(function, height, width)).unwrap();
        let weights = Weights::synthetic(recipe.parameters());
        let model = Model::new(recipe, weights, "synthetic".into());
        for [scale, offset] in [[1e-3, 0.0], [0.1, 0.0], [0.25, -5.0], [0.25, 5.0]] {
            let mut batch = random_batch(1, 12, 9);
            batch.data.iter_mut().for_each(|value| *value = offset + scale * *value);
            let verification = pollster::block_on(verify(gpu(), &model, &Method::Gradient, &batch)).unwrap();
            let failure = verification.first_failure.map(|index| &verification.checked[index]);
            assert!(verification.passed(), "{function:?} around {offset}: {failure:#?}");
        }
    }
}
