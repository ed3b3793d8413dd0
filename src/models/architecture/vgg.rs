//! VGG-11, 13, 16 and 19, with and without batch normalisation (Simonyan, Zisserman, 2015), in torchvision's layout.

use super::Family;
use super::builder::{Builder, Conv};
use crate::graph::parameter::Parameter;
use crate::graph::{GraphError, Network, NodeId, Shape, Window};
use crate::models::fit::Naming;

/// A VGG: per stage the width of each convolution, every stage ending in a 2x2 max-pool.
pub(super) struct Vgg {
    stages: &'static [&'static [u32]],
    batch_norm: bool,
    /// Rows and columns of the adaptive average pool before the classifier.
    pooled: u32,
    /// Widths of the hidden linear layers.
    hidden: &'static [u32],
}

impl Vgg {
    /// Three convolutions and two linear layers, for tests.
    pub const TINY: Self = Self { stages: &[&[8], &[16, 16]], batch_norm: false, pooled: 3, hidden: &[32] };
    pub const VGG11: Self = Self::standard(&[&[64], &[128], &[256; 2], &[512; 2], &[512; 2]]);
    pub const VGG13: Self = Self::standard(&[&[64; 2], &[128; 2], &[256; 2], &[512; 2], &[512; 2]]);
    pub const VGG16: Self = Self::standard(&[&[64; 2], &[128; 2], &[256; 3], &[512; 3], &[512; 3]]);
    pub const VGG19: Self = Self::standard(&[&[64; 2], &[128; 2], &[256; 4], &[512; 4], &[512; 4]]);

    const fn standard(stages: &'static [&'static [u32]]) -> Self {
        Self { stages, batch_norm: false, pooled: 7, hidden: &[4096, 4096] }
    }

    pub const fn with_batch_norm(self) -> Self {
        Self { batch_norm: true, ..self }
    }

    fn features(&self, builder: &mut Builder, picture: NodeId) -> Result<NodeId, GraphError> {
        let mut x = picture;
        let mut index = 0;
        let mut next_name = || {
            index += 1;
            format!("features.{}", index - 1)
        };
        for stage in self.stages {
            for &width in *stage {
                let convolution = Conv::new(width, Window::square(3, 1, 1)).with_bias();
                x = builder.convolve(&next_name(), convolution, x)?;
                if self.batch_norm {
                    x = builder.graph.batch_norm(&next_name(), 1e-5, x)?;
                }
                x = builder.relu(&next_name(), x)?;
            }
            x = builder.max_pool(&next_name(), Window::square(2, 2, 0), x)?;
        }
        Ok(x)
    }
}

impl Family for Vgg {
    fn build(&self, input: Shape, classes: u32) -> Result<Network, GraphError> {
        let (mut builder, picture) = Builder::new(input)?;
        let features = self.features(&mut builder, picture)?;
        let mut x = builder.average("avgpool", self.pooled, features)?;
        for (index, &width) in self.hidden.iter().enumerate() {
            x = builder.graph.linear(&format!("classifier.{}", 3 * index), width, x)?;
            x = builder.relu(&format!("classifier.{}", 3 * index + 1), x)?;
        }
        let logits = builder.graph.linear(&format!("classifier.{}", 3 * self.hidden.len()), classes, x)?;
        builder.finish(logits)
    }

    /// timm's names. It keeps the first two linear layers as convolutions, whose weights are the same values in the
    /// same order.
    fn namings(&self, parameters: &[Parameter]) -> Vec<Naming> {
        vec![Naming::new("timm", parameters, |layer| {
            let renamed = match layer {
                "classifier.0" => "pre_logits.fc1",
                "classifier.3" => "pre_logits.fc2",
                "classifier.6" => "head.fc",
                _ => return None,
            };
            Some(renamed.into())
        })]
    }
}
