//! EfficientNet-Lite0 (Tan, Le, 2019; the Lite variant has ReLU6 and no squeeze-and-excitation), with TensorFlow's "same" padding.

use super::fit::Naming;
use crate::graph::parameter::Parameter;
use crate::graph::{Activation, Convolution, Forward, Graph, GraphError, Network, NodeId, Padding, Shape, Window};

const EPSILON: f64 = 1e-3;
const STEM: u32 = 32;
const HEAD: u32 = 1280;

/// A run of inverted-residual blocks; the first has the stride.
struct Stage {
    blocks: u32,
    kernel: u32,
    stride: u32,
    expansion: u32,
    width: u32,
}

const STAGES: [Stage; 7] = [
    Stage { blocks: 1, kernel: 3, stride: 1, expansion: 1, width: 16 },
    Stage { blocks: 2, kernel: 3, stride: 2, expansion: 6, width: 24 },
    Stage { blocks: 2, kernel: 5, stride: 2, expansion: 6, width: 40 },
    Stage { blocks: 3, kernel: 3, stride: 2, expansion: 6, width: 80 },
    Stage { blocks: 3, kernel: 5, stride: 1, expansion: 6, width: 112 },
    Stage { blocks: 4, kernel: 5, stride: 2, expansion: 6, width: 192 },
    Stage { blocks: 1, kernel: 3, stride: 1, expansion: 6, width: 320 },
];

pub(super) fn build(input: Shape, classes: u32) -> Result<Network, GraphError> {
    let mut builder = Builder { graph: Graph::new() };
    let picture = builder.graph.input(input)?;
    let mut x = builder.convolve("_conv_stem", picture, STEM, 3, 2)?;
    x = builder.normalize("_bn0", x)?;
    x = builder.relu6("_relu0", x)?;
    let mut index = 0;
    for stage in &STAGES {
        for block in 0..stage.blocks {
            let stride = if block == 0 { stage.stride } else { 1 };
            x = builder.block(&format!("_blocks.{index}"), stage, stride, x)?;
            index += 1;
        }
    }
    x = builder.convolve("_conv_head", x, HEAD, 1, 1)?;
    x = builder.normalize("_bn1", x)?;
    x = builder.relu6("_relu1", x)?;
    let mut graph = builder.graph;
    let pooled = graph.add("_avg_pooling", Forward::AveragePool { height: 1, width: 1 }, &[x])?;
    let logits = graph.linear("_fc", classes, pooled)?;
    Network::new(graph, picture, logits)
}

/// timm's names, which count blocks within their stage and name a block's batch normalisations in their order.
pub(super) fn timm(parameters: &[Parameter]) -> Naming {
    let caution = "these are also the names of another network of timm's, efficientnet_lite0, which pads evenly; this one is its \
                   tf_efficientnet_lite0";
    Naming::new("timm", parameters, timm_layer).with_caution(caution)
}

fn timm_layer(layer: &str) -> Option<String> {
    let outer = match layer {
        "_conv_stem" => "conv_stem",
        "_bn0" => "bn1",
        "_conv_head" => "conv_head",
        "_bn1" => "bn2",
        "_fc" => "classifier",
        _ => return timm_block(layer.strip_prefix("_blocks.")?),
    };
    Some(outer.into())
}

/// timm's name of INDEX.LAYER.
fn timm_block(layer: &str) -> Option<String> {
    let (index, layer) = layer.split_once('.')?;
    let mut block: u32 = index.parse().ok()?;
    let mut stages = STAGES.iter().enumerate();
    let (stage, Stage { expansion, .. }) = stages.find(|(_, stage)| {
        let is_here = block < stage.blocks;
        block -= if is_here { 0 } else { stage.blocks };
        is_here
    })?;
    let layer = match (layer, *expansion == 1) {
        ("_depthwise_conv", _) => "conv_dw",
        ("_expand_conv", _) | ("_project_conv", true) => "conv_pw",
        ("_project_conv", false) => "conv_pwl",
        ("_bn0", _) | ("_bn1", true) => "bn1",
        ("_bn1", false) | ("_bn2", true) => "bn2",
        ("_bn2", false) => "bn3",
        _ => return None,
    };
    Some(format!("blocks.{stage}.{block}.{layer}"))
}

struct Builder {
    graph: Graph,
}

impl Builder {
    fn block(&mut self, name: &str, stage: &Stage, stride: u32, input: NodeId) -> Result<NodeId, GraphError> {
        let channels = self.graph.shape(input).channels;
        let mut x = input;
        if stage.expansion != 1 {
            let width = channels * stage.expansion;
            x = self.convolve(&format!("{name}._expand_conv"), x, width, 1, 1)?;
            x = self.normalize(&format!("{name}._bn0"), x)?;
            x = self.relu6(&format!("{name}._relu0"), x)?;
        }
        x = self.depthwise(&format!("{name}._depthwise_conv"), x, stage.kernel, stride)?;
        x = self.normalize(&format!("{name}._bn1"), x)?;
        x = self.relu6(&format!("{name}._relu1"), x)?;
        x = self.convolve(&format!("{name}._project_conv"), x, stage.width, 1, 1)?;
        x = self.normalize(&format!("{name}._bn2"), x)?;
        if stride == 1 && channels == stage.width {
            x = self.graph.add(&format!("{name}.add"), Forward::Add, &[x, input])?;
        }
        Ok(x)
    }

    fn convolve(
        &mut self,
        name: &str,
        x: NodeId,
        output_channels: u32,
        kernel: u32,
        stride: u32,
    ) -> Result<NodeId, GraphError> {
        let input = self.graph.shape(x);
        let window = same_window(input, kernel, stride);
        let (name, input_channels) = (name.to_string(), input.channels);
        let convolution = Convolution { name, input_channels, output_channels, window, groups: 1, bias: false };
        self.graph.convolve(convolution, x)
    }

    fn depthwise(&mut self, name: &str, x: NodeId, kernel: u32, stride: u32) -> Result<NodeId, GraphError> {
        let input = self.graph.shape(x);
        let convolution = Convolution {
            name: name.into(),
            input_channels: input.channels,
            output_channels: input.channels,
            window: same_window(input, kernel, stride),
            groups: input.channels,
            bias: false,
        };
        self.graph.convolve(convolution, x)
    }

    fn normalize(&mut self, name: &str, x: NodeId) -> Result<NodeId, GraphError> {
        self.graph.batch_norm(name, EPSILON, x)
    }

    fn relu6(&mut self, name: &str, x: NodeId) -> Result<NodeId, GraphError> {
        self.graph.add(name, Forward::Clamp(Activation::Relu6), &[x])
    }
}

fn same_window(input: Shape, kernel: u32, stride: u32) -> Window {
    Window::new([kernel, kernel], stride, Padding::same(input, kernel, stride))
}
