//! Rows of inverted residual blocks: what MobileNetV2 and EfficientNet-Lite have in common.

use super::builder::{Builder, Conv};
use crate::graph::parameter::Parameter;
use crate::graph::{Activation, Forward, GraphError, Network, NodeId, Padding, Shape, Window};
use crate::models::fit::Naming;
use std::collections::HashMap;

/// Channels before the last linear layer.
const HEAD: u32 = 1280;

/// A run of blocks; the first has the stride.
#[derive(Clone, Copy)]
pub(super) struct Stage {
    pub blocks: u32,
    pub kernel: u32,
    pub stride: u32,
    pub expansion: u32,
    pub width: u32,
}

/// A row of inverted residual blocks between a convolution of the picture and a linear layer.
pub(super) struct InvertedResiduals {
    pub stages: Vec<Stage>,
    pub padding: SidePadding,
    pub epsilon: f64,
    pub names: fn(Place) -> [String; 2],
    /// Name of the last linear layer.
    pub classifier: &'static str,
}

/// How windows are padded.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum SidePadding {
    /// As TensorFlow does it.
    Same,
    /// By half the kernel on all sides.
    Even,
}

/// Where a convolution stands. Each has a batch normalisation behind it.
#[derive(Clone, Copy)]
pub(super) enum Place {
    Stem,
    Block(Block, Part),
    Head,
}

/// A block, by its number in the network and by its stage's number and its own in there.
#[derive(Clone, Copy)]
pub(super) struct Block {
    pub index: u32,
    pub stage: u32,
    pub of_stage: u32,
    /// Whether it begins with a convolution that expands.
    pub expands: bool,
}

/// A convolution of a block.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    Expand,
    Depthwise,
    Project,
}

impl InvertedResiduals {
    const STEM: u32 = 32;

    pub fn build(&self, input: Shape, classes: u32) -> Result<Network, GraphError> {
        let (mut builder, picture) = Builder::new(input)?;
        let mut x = self.unit(&mut builder, Place::Stem, Conv::new(Self::STEM, self.window(input, 3, 2)), picture)?;
        x = relu6(&mut builder, &(self.names)(Place::Stem)[1], x)?;
        for (block, stage, stride) in self.blocks() {
            x = self.block(&mut builder, block, stage, stride, x)?;
        }
        x = self.unit(&mut builder, Place::Head, Conv::new(HEAD, POINT), x)?;
        x = relu6(&mut builder, &(self.names)(Place::Head)[1], x)?;
        let pooled = builder.average("avgpool", 1, x)?;
        let logits = builder.graph.linear(self.classifier, classes, pooled)?;
        builder.finish(logits)
    }

    /// Each block with its stage and stride.
    fn blocks(&self) -> Vec<(Block, Stage, u32)> {
        let mut blocks = Vec::new();
        for (number, &stage) in (0..).zip(&self.stages) {
            for of_stage in 0..stage.blocks {
                let index = blocks.len() as u32;
                let block = Block { index, stage: number, of_stage, expands: stage.expansion != 1 };
                blocks.push((block, stage, if of_stage == 0 { stage.stride } else { 1 }));
            }
        }
        blocks
    }

    fn block(
        &self,
        builder: &mut Builder,
        block: Block,
        stage: Stage,
        stride: u32,
        input: NodeId,
    ) -> Result<NodeId, GraphError> {
        let channels = builder.graph.shape(input).channels;
        let place = |part| Place::Block(block, part);
        let expanded = channels * stage.expansion;
        let mut x = input;
        if block.expands {
            x = self.unit(builder, place(Part::Expand), Conv::new(expanded, POINT), x)?;
            x = relu6(builder, &(self.names)(place(Part::Expand))[1], x)?;
        }
        let window = self.window(builder.graph.shape(x), stage.kernel, stride);
        x = self.unit(builder, place(Part::Depthwise), Conv::new(expanded, window).grouped(expanded), x)?;
        x = relu6(builder, &(self.names)(place(Part::Depthwise))[1], x)?;
        x = self.unit(builder, place(Part::Project), Conv::new(stage.width, POINT), x)?;
        if stride == 1 && channels == stage.width {
            x = builder.graph.add(&format!("block{}.add", block.index), Forward::Add, &[x, input])?;
        }
        Ok(x)
    }

    /// A convolution and its batch normalisation.
    fn unit(&self, builder: &mut Builder, place: Place, conv: Conv, x: NodeId) -> Result<NodeId, GraphError> {
        let [convolution, norm] = (self.names)(place);
        let x = builder.convolve(&convolution, conv, x)?;
        builder.graph.batch_norm(&norm, self.epsilon, x)
    }

    fn window(&self, input: Shape, kernel: u32, stride: u32) -> Window {
        match self.padding {
            SidePadding::Same => Window::new([kernel, kernel], stride, Padding::same(input, kernel, stride)),
            SidePadding::Even => Window::square(kernel, stride, kernel / 2),
        }
    }

    /// timm's names of the layers of `parameters`.
    pub fn timm(&self, parameters: &[Parameter]) -> Naming {
        let mut parts = vec![Place::Stem, Place::Head];
        for (block, ..) in self.blocks() {
            parts.extend([Part::Expand, Part::Depthwise, Part::Project].map(|part| Place::Block(block, part)));
        }
        let pairs = parts.into_iter().flat_map(|place| (self.names)(place).into_iter().zip(timm(place)));
        let renamed: HashMap<String, String> = pairs.chain([(self.classifier.into(), "classifier".into())]).collect();
        Naming::new("timm", parameters, |layer| renamed.get(layer).cloned())
    }
}

const POINT: Window = Window::square(1, 1, 0);

fn relu6(builder: &mut Builder, behind: &str, x: NodeId) -> Result<NodeId, GraphError> {
    builder.graph.add(&format!("{behind}.relu6"), Forward::Clamp(Activation::RELU6), &[x])
}

/// timm's names, which count blocks within their stage and number what a block has of a kind.
fn timm(place: Place) -> [String; 2] {
    match place {
        Place::Stem => ["conv_stem".into(), "bn1".into()],
        Place::Head => ["conv_head".into(), "bn2".into()],
        Place::Block(block, part) => {
            let [convolution, norm] = match (part, block.expands) {
                (Part::Expand, _) => ["conv_pw", "bn1"],
                (Part::Depthwise, true) => ["conv_dw", "bn2"],
                (Part::Depthwise, false) => ["conv_dw", "bn1"],
                (Part::Project, true) => ["conv_pwl", "bn3"],
                (Part::Project, false) => ["conv_pw", "bn2"],
            };
            let prefix = format!("blocks.{}.{}", block.stage, block.of_stage);
            [format!("{prefix}.{convolution}"), format!("{prefix}.{norm}")]
        }
    }
}
