//! SqueezeNet 1.0 and 1.1 (Iandola et al., 2016), in torchvision's layout. The last layer is a convolution.

use super::Family;
use super::builder::{Builder, Conv};
use crate::graph::{Forward, GraphError, Network, NodeId, Shape, Window};

/// The part between the picture and the last layer.
#[derive(Clone, Copy)]
enum Part {
    /// A max-pool whose last window may reach over the edge.
    Pool,
    /// A fire module: channels that it squeezes to, and half of those that it expands to.
    Fire(u32, u32),
}

use Part::{Fire, Pool};

/// A SqueezeNet: its first convolution and what lies behind it.
pub(super) struct SqueezeNet {
    channels: u32,
    kernel: u32,
    parts: [Part; 11],
}

impl SqueezeNet {
    pub const V1_0: SqueezeNet = SqueezeNet {
        channels: 96,
        kernel: 7,
        parts: [
            Pool,
            Fire(16, 64),
            Fire(16, 64),
            Fire(32, 128),
            Pool,
            Fire(32, 128),
            Fire(48, 192),
            Fire(48, 192),
            Fire(64, 256),
            Pool,
            Fire(64, 256),
        ],
    };
    pub const V1_1: SqueezeNet = SqueezeNet {
        channels: 64,
        kernel: 3,
        parts: [
            Pool,
            Fire(16, 64),
            Fire(16, 64),
            Pool,
            Fire(32, 128),
            Fire(32, 128),
            Pool,
            Fire(48, 192),
            Fire(48, 192),
            Fire(64, 256),
            Fire(64, 256),
        ],
    };
}

impl Family for SqueezeNet {
    fn build(&self, input: Shape, classes: u32) -> Result<Network, GraphError> {
        let (mut builder, picture) = Builder::new(input)?;
        let stem = Conv::new(self.channels, Window::square(self.kernel, 2, 0)).with_bias();
        let mut x = builder.convolve("features.0", stem, picture)?;
        x = builder.relu("features.1", x)?;
        for (index, part) in self.parts.iter().enumerate() {
            let name = format!("features.{}", index + 2);
            x = match *part {
                Pool => {
                    let shape = builder.graph.shape(x);
                    builder.max_pool(&name, Window::square(3, 2, 0).ceiled(shape.height, shape.width), x)?
                }
                Fire(squeezed, expanded) => fire(&mut builder, &name, [squeezed, expanded], x)?,
            };
        }
        x = builder.convolve("classifier.1", Conv::new(classes, POINT).with_bias(), x)?;
        x = builder.relu("classifier.2", x)?;
        let logits = builder.average("classifier.3", 1, x)?;
        builder.finish(logits)
    }
}

const POINT: Window = Window::square(1, 1, 0);

/// A 1x1 convolution to few channels, then 1x1 and 3x3 ones of these beside each other.
fn fire(builder: &mut Builder, name: &str, [squeezed, expanded]: [u32; 2], x: NodeId) -> Result<NodeId, GraphError> {
    let mut unit = |part: &str, channels, window, x| {
        let x = builder.convolve(&format!("{name}.{part}"), Conv::new(channels, window).with_bias(), x)?;
        builder.relu(&format!("{name}.{part}_activation"), x)
    };
    let squeezed = unit("squeeze", squeezed, POINT, x)?;
    let points = unit("expand1x1", expanded, POINT, squeezed)?;
    let patches = unit("expand3x3", expanded, Window::square(3, 1, 1), squeezed)?;
    builder.graph.add(&format!("{name}.concat"), Forward::Concat, &[points, patches])
}
