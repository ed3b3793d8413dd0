//! A tiny network that holds every operation and every role.

use crate::common::random::Random;
use agf::graph::{Activation, Convolution, Forward, Graph, Network, NodeId, Padding, Shape, Window};

pub const CLASSES: u32 = 5;
pub const INPUT: Shape = Shape::new(3, 9, 8);

struct Builder {
    graph: Graph,
}

impl Builder {
    fn convolve(&mut self, name: &str, x: NodeId, output_channels: u32, window: Window) -> NodeId {
        let input_channels = self.graph.shape(x).channels;
        let (name, bias) = (name.to_string(), name == "second");
        let groups = if name == "depthwise" { input_channels } else { 1 };
        let layer = Convolution { name, input_channels, output_channels, window, groups, bias };
        self.graph.convolve(layer, x).unwrap()
    }

    fn normalize(&mut self, name: &str, x: NodeId) -> NodeId {
        self.graph.batch_norm(name, 1e-3, x).unwrap()
    }

    fn add(&mut self, name: &str, op: Forward, inputs: &[NodeId]) -> NodeId {
        self.graph.add(name, op, inputs).unwrap()
    }
}

/// First convolution, overlapping max-pool, a bottleneck with a depthwise convolution and a shortcut, a strided
/// convolution of their signed sum, an average pool to `pooled`, and two linear layers. `pooled` of [1, 1] leaves out
/// the hidden linear layer.
pub fn network(pooled: [u32; 2]) -> Network {
    let mut builder = Builder { graph: Graph::new() };
    let input = builder.graph.input(INPUT).unwrap();
    let uneven = Window::new([3, 2], 1, Padding { top: 0, left: 1, bottom: 2, right: 0 });
    let mut x = builder.convolve("first", input, 4, uneven);
    x = builder.normalize("first_norm", x);
    x = builder.add("first_relu6", Forward::Clamp(Activation::RELU6), &[x]);
    let shortcut = builder.add("max_pool", Forward::MaxPool(Window::square(3, 2, 1)), &[x]);
    x = builder.convolve("expand", shortcut, 6, Window::square(1, 1, 0));
    x = builder.normalize("expand_norm", x);
    x = builder.add("expand_relu", Forward::Clamp(Activation::Relu), &[x]);
    let uneven = Window::new([2, 3], 1, Padding { top: 0, left: 1, bottom: 1, right: 1 });
    x = builder.convolve("depthwise", x, 6, uneven);
    x = builder.normalize("depthwise_norm", x);
    x = builder.add("depthwise_relu6", Forward::Clamp(Activation::RELU6), &[x]);
    x = builder.convolve("project", x, 4, Window::square(1, 1, 0));
    x = builder.normalize("project_norm", x);
    x = builder.add("sum", Forward::Add, &[x, shortcut]);
    x = builder.convolve("second", x, 5, Window::square(3, 2, 1));
    x = builder.add("second_relu", Forward::Clamp(Activation::Relu), &[x]);
    x = builder.add("average_pool", Forward::AveragePool { height: pooled[0], width: pooled[1] }, &[x]);
    if pooled != [1, 1] {
        x = builder.graph.linear("hidden", 7, x).unwrap();
        x = builder.add("hidden_relu", Forward::Clamp(Activation::Relu), &[x]);
    }
    let logits = builder.graph.linear("last", CLASSES, x).unwrap();
    Network::new(builder.graph, input, logits).unwrap()
}

/// A picture for it.
pub fn picture(random: &mut Random) -> Vec<f64> {
    (0..INPUT.elements()).map(|_| random.uniform(-2.0, 2.5)).collect()
}
