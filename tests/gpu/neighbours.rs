//! Averages of windows, local response normalisation and ReLU with a slope per channel, against the f64 reference; and
//! faults planted in these and in what moves channels and pixels.

use crate::planted_faults::{is, plant_in_model, replace_constant};
use crate::{gpu, limited_gpu, random_batch};
use agf::graph::{
    Averaging, Constant, Convolution, Forward, Graph, GraphError, Network, Order, Padding, Region,
    ResponseNormalization, Shape, Span, Window,
};
use agf::image::InputSpec;
use agf::methods::Method;
use agf::methods::relevance::Preset;
use agf::models::weights::Weights;
use agf::models::{Architecture, Model, Recipe};
use agf::plan::Step;
use agf::plan::kernel::Shader;
use agf::verify::verify;

const fn normalization(size: u32, alpha: f32) -> ResponseNormalization {
    let [beta, bias] = [Constant::new(0.75), Constant::new(1.0)];
    ResponseNormalization { size, alpha: Constant::new(alpha), beta, bias }
}

/// Channels that are no multiple of 4, padding that counts and that does not, dilation, and a last window beyond what
/// counts.
fn network(height: u32, width: u32) -> Result<Network, GraphError> {
    let mut graph = Graph::new();
    let input = graph.input(Shape::new(3, height, width))?;
    let mut x = input;
    let behind = Padding { top: 1, left: 1, bottom: 2, right: 2 };
    let uneven = Padding { top: 0, left: 2, bottom: 1, right: 0 };
    let windows = [
        Averaging { window: Window { padding: behind, ..Window::square(3, 2, 1) }, counted: Padding::all(1) },
        Averaging {
            window: Window { kernel: [2, 3], stride: [1, 2], dilation: [2, 1], padding: uneven },
            counted: Padding::default(),
        },
    ];
    for ((name, channels), averaging) in [("first", 5), ("second", 6)].into_iter().zip(windows) {
        let (window, input_channels) = (Window::square(3, 1, 1), graph.shape(x).channels);
        let (label, output_channels) = (name.to_string(), channels);
        let layer = Convolution { name: label, input_channels, output_channels, window, groups: 1, bias: true };
        x = graph.convolve(layer, x)?;
        x = graph.parametric_relu(&format!("{name} slopes"), x)?;
        x = graph.add("normalized", Forward::NormalizeResponse(normalization(channels - 2, 0.5)), &[x])?;
        x = graph.add("level", Forward::NormalizeChannels { epsilon: Constant::new(1e-3) }, &[x])?;
        x = graph.add("averaged", Forward::AverageWindows(averaging), &[x])?;
    }
    x = graph.add("shuffled", Forward::Shuffle { groups: 3 }, &[x])?;
    let small = graph.shape(x);
    let shape = Shape::new(small.channels + 3, small.height + 2, small.width + 1);
    let rows = Span::from(1, small.height);
    let region = Region { rows, ..Region::of_channels(2, small.channels, small) };
    x = graph.add("padded", Forward::Pad { region, shape }, &[x])?;
    x = graph.add("sliced", Forward::Slice(Region::of_channels(1, 5, shape)), &[x])?;
    let order = Order::new([2, 0, 1]).unwrap();
    x = graph.add("turned", Forward::Transpose(order), &[x])?;
    let x = graph.add("mean", Forward::AveragePool { height: 1, width: 1 }, &[x])?;
    let logits = graph.linear("last", 4, x)?;
    Network::new(graph, input, logits)
}

fn model() -> Model {
    let input = InputSpec { height: 12, width: 9, ..Architecture::TinyVgg.recipe(10).unwrap().input_spec() };
    let recipe = Recipe::new("neighbours", input, network).unwrap();
    let weights = Weights::synthetic(recipe.parameters());
    Model::new(recipe, weights, "synthetic".into())
}

#[test]
fn neighbours_pass() {
    let model = model();
    for (gpu, count) in [(gpu(), 2), (limited_gpu(), 3)] {
        for method in [Method::default(), Method::Gradient, Method::Relevance(Preset::LrpAb)] {
            let batch = random_batch(count, 12, 9);
            let verification = pollster::block_on(verify(gpu, &model, &method, &batch)).unwrap();
            let failure = verification.first_failure.map(|index| &verification.checked[index]);
            assert!(verification.passed(), "{method}: {failure:#?}, {} stray words", verification.stray_words);
            let is_checked = |name: &str| verification.checked.iter().any(|check| check.op == name);
            let forward =
                ["parametric_relu", "normalize_response", "normalize_channels", "average_windows", "transpose"];
            assert!(forward.into_iter().all(is_checked), "{method}");
            let backward = [
                "parametric_relu_gradient",
                "normalize_response_gradient",
                "normalize_channels_gradient",
                "average_windows_transpose",
            ];
            assert!(method == Method::Relevance(Preset::LrpAb) || backward.into_iter().all(is_checked), "{method}");
        }
    }
}

#[test]
fn faults_planted_among_neighbours_are_found() {
    let model = model();
    let plant = |what: &str, edit: &dyn Fn(&mut Step) -> bool| {
        plant_in_model(gpu(), &Method::default(), what, &model, (12, 9), edit);
    };
    let set = |shader: Shader, name: &'static str, value: u32| {
        move |step: &mut Step| is(step, shader) && step.uniforms.set(name, value)
    };
    plant("padding that does not count", &set(Shader::AverageWindows, "counted_rows", 12));
    plant("padding of another side", &set(Shader::AverageWindows, "padding_left", 0));
    plant("averages forward instead of back", &|step| {
        replace_constant(step, Shader::AverageWindows, "TRANSPOSED", 1, 0)
    });
    plant("a channel less", &set(Shader::NormalizeResponse, "before", 0));
    plant("the value for its gradient", &|step| replace_constant(step, Shader::NormalizeResponse, "GRADIENT", 1, 0));
    plant("one channel more", &|step| is(step, Shader::NormalizeChannels) && step.uniforms.set("channels", 6u32));
    plant("the level for its gradient", &|step| replace_constant(step, Shader::NormalizeChannels, "GRADIENT", 1, 0));
    plant("the value for a slope's gradient", &|step| replace_constant(step, Shader::ParametricRelu, "GRADIENT", 1, 0));
    plant("channels in their old order", &|step| {
        let is_shuffle = step.uniforms.fields().contains(&("groups", 3u32.into()));
        is(step, Shader::Region) && is_shuffle && step.uniforms.set("groups", 1u32)
    });
    plant("axes of another order", &|step| {
        is(step, Shader::Transpose) && step.uniforms.set("second", 2u32) && step.uniforms.set("third", 0u32)
    });
    plant("rows of another place", &|step| {
        let is_pad = step.uniforms.fields().contains(&("row", 1u32.into()));
        is(step, Shader::Region) && is_pad && step.uniforms.set("row", 2u32)
    });
    plant("channels of another place", &|step| {
        let is_slice = step.uniforms.fields().contains(&("from_channel", 1u32.into()));
        is(step, Shader::Region) && is_slice && step.uniforms.set("from_channel", 2u32)
    });
}
