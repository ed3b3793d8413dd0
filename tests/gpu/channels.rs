//! Concatenation, slices, pads and shuffles of channel counts that are no multiples of 4, and products of values,
//! against the f64 reference.

use crate::{gpu, limited_gpu, random_batch};
use agf::gpu::Gpu;
use agf::graph::{Activation, Convolution, Forward, Function, Graph, GraphError, Network, Region, Shape, Span, Window};
use agf::image::InputSpec;
use agf::methods::Method;
use agf::methods::relevance::Preset;
use agf::models::weights::Weights;
use agf::models::{Architecture, Model, Recipe};
use agf::verify::verify;

/// Quads that two and three inputs share, a slice from inside a quad to inside another, one that ends before its first,
/// every second row backwards, channels from groups in turn, and a pad of channels and pixels.
fn network(height: u32, width: u32) -> Result<Network, GraphError> {
    let mut graph = Graph::new();
    let input = graph.input(Shape::new(3, height, width))?;
    let convolve = |graph: &mut Graph, name: &str, x, output_channels| {
        let (name, window, input_channels) = (name.to_string(), Window::square(3, 1, 1), graph.shape(x).channels);
        let layer = Convolution { name, input_channels, output_channels, window, groups: 1, bias: true };
        let x = graph.convolve(layer, x)?;
        graph.add("relu", Forward::Clamp(Activation::Relu), &[x])
    };
    let x = convolve(&mut graph, "first", input, 11)?;
    let a = graph.add("slice a", Forward::Slice(Region::of_channels(3, 7, graph.shape(x))), &[x])?;
    let b = graph.add("slice b", Forward::Slice(Region::of_channels(1, 1, graph.shape(x))), &[x])?;
    let c = convolve(&mut graph, "branch", a, 5)?;
    let x = graph.add("concat", Forward::Concat, &[b, c, b, a, x])?;
    let x = graph.add("shuffle", Forward::Shuffle { groups: 5 }, &[x])?;
    let rows = Span { first: height - 1, count: height.div_ceil(2), step: -2 };
    let rows = Region { rows, ..Region::whole(graph.shape(x)) };
    let x = graph.add("rows", Forward::Slice(rows), &[x])?;
    let small = graph.shape(x);
    let columns = Span::from(1, small.width);
    let region = Region { columns, ..Region::of_channels(3, small.channels, small) };
    let shape = Shape::new(small.channels + 5, small.height + 1, small.width + 2);
    let x = graph.add("pad", Forward::Pad { region, shape }, &[x])?;
    let x = convolve(&mut graph, "second", x, 6)?;
    let x = graph.add("mean", Forward::AveragePool { height: 1, width: 1 }, &[x])?;
    let logits = graph.linear("last", 4, x)?;
    Network::new(graph, input, logits)
}

/// Squeeze-and-excitation, a gate of the same shape, and a difference.
fn gated(height: u32, width: u32) -> Result<Network, GraphError> {
    let mut graph = Graph::new();
    let input = graph.input(Shape::new(3, height, width))?;
    let convolve = |graph: &mut Graph, name: &str, x, kernel, activation| {
        let (name, input_channels) = (name.to_string(), graph.shape(x).channels);
        let window = Window::square(kernel, 1, kernel / 2);
        let layer = Convolution { name, input_channels, output_channels: 7, window, groups: 1, bias: true };
        let x = graph.convolve(layer, x)?;
        graph.add("activation", Forward::Activate(activation), &[x])
    };
    let x = convolve(&mut graph, "first", input, 3, Function::Silu)?;
    let mean = graph.add("squeeze", Forward::AveragePool { height: 1, width: 1 }, &[x])?;
    let gate = convolve(&mut graph, "excite", mean, 1, Function::Sigmoid)?;
    let x = graph.add("excited", Forward::Multiply, &[x, gate])?;
    let less = graph.add("less mean", Forward::Subtract, &[x, mean])?;
    let wide = convolve(&mut graph, "wide", less, 3, Function::Sigmoid)?;
    let x = graph.add("gated", Forward::Multiply, &[wide, less])?;
    let x = graph.add("mean", Forward::AveragePool { height: 1, width: 1 }, &[x])?;
    let logits = graph.linear("last", 4, x)?;
    Network::new(graph, input, logits)
}

/// Steps that read one value twice: a square, a double, and channels beside themselves.
fn doubled(height: u32, width: u32) -> Result<Network, GraphError> {
    let mut graph = Graph::new();
    let input = graph.input(Shape::new(3, height, width))?;
    let (name, window) = ("first".to_string(), Window::square(3, 1, 1));
    let layer = Convolution { name, input_channels: 3, output_channels: 6, window, groups: 1, bias: true };
    let x = graph.convolve(layer, input)?;
    let x = graph.add("squared", Forward::Multiply, &[x, x])?;
    let x = graph.add("twice", Forward::Add, &[x, x])?;
    let x = graph.add("beside", Forward::Concat, &[x, x])?;
    let x = graph.add("mean", Forward::AveragePool { height: 1, width: 1 }, &[x])?;
    let logits = graph.linear("last", 4, x)?;
    Network::new(graph, input, logits)
}

fn check(gpu: &Gpu, count: u32) {
    let input = InputSpec { height: 12, width: 9, ..Architecture::TinyVgg.recipe(10).unwrap().input_spec() };
    let recipe = Recipe::new("channels", input, network).unwrap();
    let weights = Weights::synthetic(recipe.parameters());
    let model = Model::new(recipe, weights, "synthetic".into());
    for method in [Method::default(), Method::Gradient, Method::Relevance(Preset::LrpAb)] {
        let batch = random_batch(count, 12, 9);
        let verification = pollster::block_on(verify(gpu, &model, &method, &batch)).unwrap();
        let failure = verification.first_failure.map(|index| &verification.checked[index]);
        assert!(verification.passed(), "{method}: {failure:#?}, {} stray words", verification.stray_words);
        let is_checked = |name: &str| verification.checked.iter().any(|check| check.op == name);
        assert!(["concat", "slice", "pad", "shuffle"].into_iter().all(is_checked), "{method}");
    }
}

#[test]
fn moved_channels_pass() {
    check(gpu(), 2);
    check(limited_gpu(), 3);
}

#[test]
fn products_of_values_pass() {
    check_every_value("gated", gated);
}

#[test]
fn values_read_twice_by_a_step_pass() {
    check_every_value("doubled", doubled);
}

fn check_every_value(name: &str, network: fn(u32, u32) -> Result<Network, GraphError>) {
    let input = InputSpec { height: 12, width: 9, ..Architecture::TinyVgg.recipe(10).unwrap().input_spec() };
    let recipe = Recipe::new(name, input, network).unwrap();
    let weights = Weights::synthetic(recipe.parameters());
    let model = Model::new(recipe, weights, "synthetic".into());
    for (gpu, count) in [(gpu(), 2), (limited_gpu(), 3)] {
        for method in [Method::default(), Method::Gradient, Method::Relevance(Preset::LrpAb)] {
            let batch = random_batch(count, 12, 9);
            let verification = pollster::block_on(verify(gpu, &model, &method, &batch)).unwrap();
            let failure = verification.first_failure.map(|index| &verification.checked[index]);
            assert!(verification.passed(), "{method}: {failure:#?}, {} stray words", verification.stray_words);
        }
    }
}
