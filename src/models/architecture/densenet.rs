//! DenseNet-121, 161, 169 and 201 (Huang et al., 2017), in torchvision's layout.

use super::Family;
use super::builder::{Builder, Conv};
use crate::graph::parameter::Parameter;
use crate::graph::{Averaging, Forward, GraphError, Network, NodeId, Padding, Shape, Window};
use crate::models::fit::Naming;

const EPSILON: f64 = 1e-5;
const POINT: Window = Window::square(1, 1, 0);

/// A DenseNet: channels of the stem, channels that each layer adds, layers of each block.
pub(super) struct DenseNet {
    stem: u32,
    growth: u32,
    blocks: [u32; 4],
}

impl DenseNet {
    pub const DENSENET121: Self = Self { stem: 64, growth: 32, blocks: [6, 12, 24, 16] };
    pub const DENSENET161: Self = Self { stem: 96, growth: 48, blocks: [6, 12, 36, 24] };
    pub const DENSENET169: Self = Self { stem: 64, growth: 32, blocks: [6, 12, 32, 32] };
    pub const DENSENET201: Self = Self { stem: 64, growth: 32, blocks: [6, 12, 48, 32] };

    /// A block whose layers each read everything before them, which grows by one concatenation per layer.
    fn block(&self, builder: &mut Builder, name: &str, layers: u32, x: NodeId) -> Result<NodeId, GraphError> {
        let mut all = x;
        for layer in 1..=layers {
            let name = format!("{name}.denselayer{layer}");
            let x = normalized(builder, &name, "1", all)?;
            let x = builder.convolve(&format!("{name}.conv1"), Conv::new(4 * self.growth, POINT), x)?;
            let x = normalized(builder, &name, "2", x)?;
            let window = Window::square(3, 1, 1);
            let added = builder.convolve(&format!("{name}.conv2"), Conv::new(self.growth, window), x)?;
            all = builder.graph.add(&format!("{name}.concat"), Forward::Concat, &[all, added])?;
        }
        Ok(all)
    }
}

impl Family for DenseNet {
    fn build(&self, input: Shape, classes: u32) -> Result<Network, GraphError> {
        let (mut builder, picture) = Builder::new(input)?;
        let mut x = builder.convolve("features.conv0", Conv::new(self.stem, Window::square(7, 2, 3)), picture)?;
        x = normalized(&mut builder, "features", "0", x)?;
        x = builder.max_pool("features.pool0", Window::square(3, 2, 1), x)?;
        for (number, &layers) in (1..).zip(&self.blocks) {
            x = self.block(&mut builder, &format!("features.denseblock{number}"), layers, x)?;
            if number < self.blocks.len() {
                x = transition(&mut builder, &format!("features.transition{number}"), x)?;
            }
        }
        x = normalized(&mut builder, "features", "5", x)?;
        let pooled = builder.average("avgpool", 1, x)?;
        let logits = builder.graph.linear("classifier", classes, pooled)?;
        builder.finish(logits)
    }

    /// The names in the first files of weights, which have a point before a layer's number within its block's layer.
    fn namings(&self, parameters: &[Parameter]) -> Vec<Naming> {
        vec![Naming::new("an early torchvision", parameters, |layer| {
            let (outer, inner) = layer.rsplit_once('.').filter(|(outer, _)| outer.contains("denselayer"))?;
            let kind = inner.trim_end_matches(['1', '2']);
            Some(format!("{outer}.{kind}.{}", inner.strip_prefix(kind)?))
        })]
    }
}

/// Batch normalisation `NAME.normN` and ReLU.
fn normalized(builder: &mut Builder, name: &str, number: &str, x: NodeId) -> Result<NodeId, GraphError> {
    let x = builder.graph.batch_norm(&format!("{name}.norm{number}"), EPSILON, x)?;
    builder.relu(&format!("{name}.relu{number}"), x)
}

/// Half the channels, at half the size.
fn transition(builder: &mut Builder, name: &str, x: NodeId) -> Result<NodeId, GraphError> {
    let channels = builder.graph.shape(x).channels / 2;
    let x = normalized(builder, name, "", x)?;
    let x = builder.convolve(&format!("{name}.conv"), Conv::new(channels, POINT), x)?;
    let averaging = Averaging { window: Window::square(2, 2, 0), counted: Padding::default() };
    builder.graph.add(&format!("{name}.pool"), Forward::AverageWindows(averaging), &[x])
}
