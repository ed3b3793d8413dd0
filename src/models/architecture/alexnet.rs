//! AlexNet (Krizhevsky, 2014: "one weird trick"), in torchvision's layout.

use super::Family;
use super::builder::{Builder, Conv};
use crate::graph::{GraphError, Network, Shape, Window};

/// Channels and window of each convolution, and whether a max-pool is behind it.
const FEATURES: [(u32, Window, bool); 5] = [
    (64, Window::square(11, 4, 2), true),
    (192, Window::square(5, 1, 2), true),
    (384, Window::square(3, 1, 1), false),
    (256, Window::square(3, 1, 1), false),
    (256, Window::square(3, 1, 1), true),
];

/// Width of both hidden linear layers.
const HIDDEN: u32 = 4096;

pub(super) struct AlexNet;

impl Family for AlexNet {
    fn build(&self, input: Shape, classes: u32) -> Result<Network, GraphError> {
        let (mut builder, mut x) = Builder::new(input)?;
        let mut index = 0;
        let mut next_name = || {
            index += 1;
            format!("features.{}", index - 1)
        };
        for (channels, window, is_pooled) in FEATURES {
            x = builder.convolve(&next_name(), Conv::new(channels, window).with_bias(), x)?;
            x = builder.relu(&next_name(), x)?;
            if is_pooled {
                x = builder.max_pool(&next_name(), Window::square(3, 2, 0), x)?;
            }
        }
        x = builder.average("avgpool", 6, x)?;
        for (linear, relu) in [("classifier.1", "classifier.2"), ("classifier.4", "classifier.5")] {
            x = builder.graph.linear(linear, HIDDEN, x)?;
            x = builder.relu(relu, x)?;
        }
        let logits = builder.graph.linear("classifier.6", classes, x)?;
        builder.finish(logits)
    }
}
