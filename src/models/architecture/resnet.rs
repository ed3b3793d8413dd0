//! ResNet-18, 34, 50, 101 and 152 (He et al., 2016), wide ones (Zagoruyko, Komodakis, 2016) and grouped ones (ResNeXt,
//! Xie et al., 2017), in torchvision's layout: the stride of a bottleneck is in its 3x3 convolution.

use super::Family;
use super::builder::{Builder, Conv};
use crate::graph::parameter::Parameter;
use crate::graph::{Forward, GraphError, Network, NodeId, Shape, Window};
use crate::models::fit::Naming;

/// How a stage's blocks are made.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Block {
    /// Two 3x3 convolutions.
    Basic,
    /// 1x1, 3x3, 1x1 with four times the width at the end.
    Bottleneck,
}

/// A run of blocks of one width; the first block has the stride.
struct Stage {
    block: Block,
    blocks: u32,
    width: u32,
    stride: u32,
}

/// A ResNet: the stem's width, its stages, and how wide the 3x3 convolutions of bottlenecks are.
pub(super) struct ResNet {
    stem: u32,
    stages: Vec<Stage>,
    middle: Middle,
}

/// The 3x3 convolution of a bottleneck: its groups, and the channels of a group per 64 of the stage's width.
#[derive(Clone, Copy)]
struct Middle {
    groups: u32,
    group_width: u32,
}

impl Middle {
    /// As wide as the stage, in one group.
    const PLAIN: Middle = Middle { groups: 1, group_width: 64 };
}

impl ResNet {
    /// Of basic blocks, so many in each stage.
    pub fn basic(blocks: [u32; 4]) -> Self {
        Self::standard(Block::Basic, blocks)
    }

    /// Of bottlenecks, so many in each stage.
    pub fn bottlenecks(blocks: [u32; 4]) -> Self {
        Self::standard(Block::Bottleneck, blocks)
    }

    /// The 3x3 convolutions with `groups` groups of `group_width` channels in the first stage, more in the later ones.
    pub fn grouped(self, groups: u32, group_width: u32) -> Self {
        Self { middle: Middle { groups, group_width }, ..self }
    }

    /// Two bottlenecks and two basic blocks, for tests.
    pub fn tiny() -> Self {
        let stages = vec![
            Stage { block: Block::Bottleneck, blocks: 2, width: 4, stride: 1 },
            Stage { block: Block::Basic, blocks: 2, width: 24, stride: 2 },
        ];
        Self { stem: 8, stages, middle: Middle::PLAIN }
    }

    fn standard(block: Block, blocks: [u32; 4]) -> Self {
        let stage = |index: usize| Stage {
            block,
            blocks: blocks[index],
            width: 64 << index,
            stride: if index == 0 { 1 } else { 2 },
        };
        Self { stem: 64, stages: (0..4).map(stage).collect(), middle: Middle::PLAIN }
    }

    fn block(
        &self,
        builder: &mut Builder,
        name: &str,
        stage: &Stage,
        stride: u32,
        x: NodeId,
    ) -> Result<NodeId, GraphError> {
        let (branch, output, relu) = match stage.block {
            Block::Basic => (basic(builder, name, stage.width, stride, x)?, stage.width, "relu2"),
            Block::Bottleneck => (self.bottleneck(builder, name, stage.width, stride, x)?, 4 * stage.width, "relu3"),
        };
        let mut shortcut = x;
        if stride != 1 || builder.graph.shape(x).channels != output {
            let convolution = Conv::new(output, Window::square(1, stride, 0));
            shortcut = builder.convolve(&format!("{name}.downsample.0"), convolution, x)?;
            shortcut = builder.graph.batch_norm(&format!("{name}.downsample.1"), 1e-5, shortcut)?;
        }
        let sum = builder.graph.add(&format!("{name}.add"), Forward::Add, &[branch, shortcut])?;
        builder.relu(&format!("{name}.{relu}"), sum)
    }

    fn bottleneck(
        &self,
        builder: &mut Builder,
        name: &str,
        width: u32,
        stride: u32,
        x: NodeId,
    ) -> Result<NodeId, GraphError> {
        let Middle { groups, group_width } = self.middle;
        let middle = width * group_width / 64 * groups;
        let x = unit(builder, name, 1, Conv::new(middle, Window::square(1, 1, 0)), x)?;
        let x = builder.relu(&format!("{name}.relu1"), x)?;
        let x = unit(builder, name, 2, Conv::new(middle, Window::square(3, stride, 1)).grouped(groups), x)?;
        let x = builder.relu(&format!("{name}.relu2"), x)?;
        unit(builder, name, 3, Conv::new(4 * width, Window::square(1, 1, 0)), x)
    }
}

fn basic(builder: &mut Builder, name: &str, width: u32, stride: u32, x: NodeId) -> Result<NodeId, GraphError> {
    let x = unit(builder, name, 1, Conv::new(width, Window::square(3, stride, 1)), x)?;
    let x = builder.relu(&format!("{name}.relu1"), x)?;
    unit(builder, name, 2, Conv::new(width, Window::square(3, 1, 1)), x)
}

/// Convolution `NAME.convN` and its batch normalisation `NAME.bnN`.
fn unit(builder: &mut Builder, name: &str, index: u32, conv: Conv, x: NodeId) -> Result<NodeId, GraphError> {
    let x = builder.convolve(&format!("{name}.conv{index}"), conv, x)?;
    builder.graph.batch_norm(&format!("{name}.bn{index}"), 1e-5, x)
}

impl Family for ResNet {
    fn build(&self, input: Shape, classes: u32) -> Result<Network, GraphError> {
        let (mut builder, picture) = Builder::new(input)?;
        let mut x = builder.convolve("conv1", Conv::new(self.stem, Window::square(7, 2, 3)), picture)?;
        x = builder.graph.batch_norm("bn1", 1e-5, x)?;
        x = builder.relu("relu", x)?;
        x = builder.max_pool("maxpool", Window::square(3, 2, 1), x)?;
        for (index, stage) in self.stages.iter().enumerate() {
            for block in 0..stage.blocks {
                let stride = if block == 0 { stage.stride } else { 1 };
                let name = format!("layer{}.{block}", index + 1);
                x = self.block(&mut builder, &name, stage, stride, x)?;
            }
        }
        let pooled = builder.average("avgpool", 1, x)?;
        let logits = builder.graph.linear("fc", classes, pooled)?;
        builder.finish(logits)
    }

    /// The names in a row of a network's parts, as taking its last layer off leaves them: stem and stages have numbers.
    fn namings(&self, parameters: &[Parameter]) -> Vec<Naming> {
        vec![Naming::new("a sequence of modules", parameters, |layer| {
            let (part, rest) = layer.split_once('.').map_or((layer, None), |(part, rest)| (part, Some(rest)));
            let place = match part {
                "conv1" => 0,
                "bn1" => 1,
                "fc" => 9,
                _ => part.strip_prefix("layer")?.parse::<u32>().ok()? + 3,
            };
            Some(rest.map_or_else(|| place.to_string(), |rest| format!("{place}.{rest}")))
        })]
    }
}
