//! VGG-11, 13, 16 and 19, with and without batch normalisation (Simonyan, Zisserman, 2015), in torchvision's layout.

use super::fit::Naming;
use crate::graph::parameter::Parameter;
use crate::graph::{Activation, Convolution, Forward, Graph, GraphError, Network, NodeId, Shape, Window};

/// A VGG: per stage the width of each convolution, every stage ending in a 2x2 max-pool.
pub(super) struct Vgg {
    pub stages: &'static [&'static [u32]],
    pub batch_norm: bool,
    /// Rows and columns of the adaptive average pool before the classifier.
    pub pooled: u32,
    /// Widths of the hidden linear layers.
    pub hidden: &'static [u32],
}

pub(super) const VGG11: &[&[u32]] = &[&[64], &[128], &[256, 256], &[512, 512], &[512, 512]];
pub(super) const VGG13: &[&[u32]] = &[&[64, 64], &[128, 128], &[256, 256], &[512, 512], &[512, 512]];
pub(super) const VGG16: &[&[u32]] = &[&[64, 64], &[128, 128], &[256; 3], &[512; 3], &[512; 3]];
pub(super) const VGG19: &[&[u32]] = &[&[64, 64], &[128, 128], &[256; 4], &[512; 4], &[512; 4]];

impl Vgg {
    pub const fn standard(stages: &'static [&'static [u32]], batch_norm: bool) -> Self {
        Self { stages, batch_norm, pooled: 7, hidden: &[4096, 4096] }
    }

    pub fn build(&self, input: Shape, classes: u32) -> Result<Network, GraphError> {
        let mut graph = Graph::new();
        let picture = graph.input(input)?;
        let features = self.features(&mut graph, picture)?;
        let size = self.pooled;
        let mut x = graph.add("avgpool", Forward::AveragePool { height: size, width: size }, &[features])?;
        for (index, &width) in self.hidden.iter().enumerate() {
            x = graph.linear(&format!("classifier.{}", 3 * index), width, x)?;
            x = graph.add(&format!("classifier.{}", 3 * index + 1), Forward::Clamp(Activation::Relu), &[x])?;
        }
        let logits = graph.linear(&format!("classifier.{}", 3 * self.hidden.len()), classes, x)?;
        Network::new(graph, picture, logits)
    }

    fn features(&self, graph: &mut Graph, picture: NodeId) -> Result<NodeId, GraphError> {
        let mut x = picture;
        let mut index = 0;
        let mut next_name = || {
            index += 1;
            format!("features.{}", index - 1)
        };
        for stage in self.stages {
            for &width in *stage {
                x = graph.convolve(convolution(next_name(), graph.shape(x).channels, width), x)?;
                if self.batch_norm {
                    x = graph.batch_norm(&next_name(), 1e-5, x)?;
                }
                x = graph.add(&next_name(), Forward::Clamp(Activation::Relu), &[x])?;
            }
            x = graph.add(&next_name(), Forward::MaxPool(Window::square(2, 2, 0)), &[x])?;
        }
        Ok(x)
    }
}

/// timm's names. It keeps the first two linear layers as convolutions, whose weights are the same values in the same order.
pub(super) fn timm(parameters: &[Parameter]) -> Naming {
    Naming::new("timm", parameters, |layer| {
        let renamed = match layer {
            "classifier.0" => "pre_logits.fc1",
            "classifier.3" => "pre_logits.fc2",
            "classifier.6" => "head.fc",
            _ => return None,
        };
        Some(renamed.into())
    })
}

fn convolution(name: String, input_channels: u32, output_channels: u32) -> Convolution {
    let window = Window::square(3, 1, 1);
    Convolution { name, input_channels, output_channels, window, groups: 1, bias: true }
}
