//! ResNet-18, 34, 50, 101 and 152 (He et al., 2016), in torchvision's layout: the stride of a bottleneck is in its 3x3 convolution.

use super::fit::Naming;
use crate::graph::parameter::Parameter;
use crate::graph::{Activation, Convolution, Forward, Graph, GraphError, Network, NodeId, Shape, Window};

/// How a stage's blocks are made.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Block {
    /// Two 3x3 convolutions.
    Basic,
    /// 1x1, 3x3, 1x1 with four times the width at the end.
    Bottleneck,
}

/// A run of blocks of one width; the first block has the stride.
pub(super) struct Stage {
    pub block: Block,
    pub blocks: u32,
    pub width: u32,
    pub stride: u32,
}

/// A ResNet: the stem's width and its stages.
pub(super) struct ResNet {
    pub stem: u32,
    pub stages: Vec<Stage>,
}

impl ResNet {
    pub fn standard(block: Block, blocks: [u32; 4]) -> Self {
        let stage = |index: usize| Stage {
            block,
            blocks: blocks[index],
            width: 64 << index,
            stride: if index == 0 { 1 } else { 2 },
        };
        Self { stem: 64, stages: (0..4).map(stage).collect() }
    }

    pub fn build(&self, input: Shape, classes: u32) -> Result<Network, GraphError> {
        let mut builder = Builder { graph: Graph::new() };
        let picture = builder.graph.input(input)?;
        let mut x = builder.convolve("conv1", picture, self.stem, Window::square(7, 2, 3))?;
        x = builder.graph.batch_norm("bn1", 1e-5, x)?;
        x = builder.relu("relu", x)?;
        x = builder.graph.add("maxpool", Forward::MaxPool(Window::square(3, 2, 1)), &[x])?;
        for (index, stage) in self.stages.iter().enumerate() {
            for block in 0..stage.blocks {
                let stride = if block == 0 { stage.stride } else { 1 };
                let name = format!("layer{}.{block}", index + 1);
                x = builder.block(&name, stage.block, stage.width, stride, x)?;
            }
        }
        let mut graph = builder.graph;
        let pooled = graph.add("avgpool", Forward::AveragePool { height: 1, width: 1 }, &[x])?;
        let logits = graph.linear("fc", classes, pooled)?;
        Network::new(graph, picture, logits)
    }
}

/// The names in a row of a network's parts, as taking its last layer off leaves them: stem and stages have numbers.
pub(super) fn sequential(parameters: &[Parameter]) -> Naming {
    Naming::new("a sequence of modules", parameters, |layer| {
        let (part, rest) = layer.split_once('.').map_or((layer, None), |(part, rest)| (part, Some(rest)));
        let place = match part {
            "conv1" => 0,
            "bn1" => 1,
            "fc" => 9,
            _ => part.strip_prefix("layer")?.parse::<u32>().ok()? + 3,
        };
        Some(rest.map_or_else(|| place.to_string(), |rest| format!("{place}.{rest}")))
    })
}

struct Builder {
    graph: Graph,
}

impl Builder {
    fn block(&mut self, name: &str, block: Block, width: u32, stride: u32, x: NodeId) -> Result<NodeId, GraphError> {
        let (branch, output, relu) = match block {
            Block::Basic => (self.basic(name, width, stride, x)?, width, "relu2"),
            Block::Bottleneck => (self.bottleneck(name, width, stride, x)?, 4 * width, "relu3"),
        };
        let mut shortcut = x;
        if stride != 1 || self.graph.shape(x).channels != output {
            let window = Window::square(1, stride, 0);
            shortcut = self.convolve(&format!("{name}.downsample.0"), x, output, window)?;
            shortcut = self.graph.batch_norm(&format!("{name}.downsample.1"), 1e-5, shortcut)?;
        }
        let sum = self.graph.add(&format!("{name}.add"), Forward::Add, &[branch, shortcut])?;
        self.relu(&format!("{name}.{relu}"), sum)
    }

    fn basic(&mut self, name: &str, width: u32, stride: u32, x: NodeId) -> Result<NodeId, GraphError> {
        let x = self.unit(name, 1, x, width, Window::square(3, stride, 1))?;
        let x = self.relu(&format!("{name}.relu1"), x)?;
        self.unit(name, 2, x, width, Window::square(3, 1, 1))
    }

    fn bottleneck(&mut self, name: &str, width: u32, stride: u32, x: NodeId) -> Result<NodeId, GraphError> {
        let x = self.unit(name, 1, x, width, Window::square(1, 1, 0))?;
        let x = self.relu(&format!("{name}.relu1"), x)?;
        let x = self.unit(name, 2, x, width, Window::square(3, stride, 1))?;
        let x = self.relu(&format!("{name}.relu2"), x)?;
        self.unit(name, 3, x, 4 * width, Window::square(1, 1, 0))
    }

    /// Convolution `NAME.convN` and its batch normalisation `NAME.bnN`.
    fn unit(&mut self, name: &str, index: u32, x: NodeId, width: u32, window: Window) -> Result<NodeId, GraphError> {
        let x = self.convolve(&format!("{name}.conv{index}"), x, width, window)?;
        self.graph.batch_norm(&format!("{name}.bn{index}"), 1e-5, x)
    }

    fn convolve(&mut self, name: &str, x: NodeId, width: u32, window: Window) -> Result<NodeId, GraphError> {
        let convolution = Convolution {
            name: name.into(),
            input_channels: self.graph.shape(x).channels,
            output_channels: width,
            window,
            groups: 1,
            bias: false,
        };
        self.graph.convolve(convolution, x)
    }

    fn relu(&mut self, name: &str, x: NodeId) -> Result<NodeId, GraphError> {
        self.graph.add(name, Forward::Clamp(Activation::Relu), &[x])
    }
}
