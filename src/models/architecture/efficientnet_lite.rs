//! EfficientNet-Lite0 to 4 (Tan, Le, 2019; the Lite variants have ReLU6 and no squeeze-and-excitation), with
//! TensorFlow's "same" padding.

use super::Family;
use super::inverted_residual::{Block, InvertedResiduals, Part, Place, SidePadding, Stage};
use crate::graph::parameter::Parameter;
use crate::graph::{GraphError, Network, Shape};
use crate::models::fit::Naming;
use crate::models::{Filter, InputSpec, Resize};

/// The stages of Lite0.
const STAGES: [Stage; 7] = [
    Stage { blocks: 1, kernel: 3, stride: 1, expansion: 1, width: 16 },
    Stage { blocks: 2, kernel: 3, stride: 2, expansion: 6, width: 24 },
    Stage { blocks: 2, kernel: 5, stride: 2, expansion: 6, width: 40 },
    Stage { blocks: 3, kernel: 3, stride: 2, expansion: 6, width: 80 },
    Stage { blocks: 3, kernel: 5, stride: 1, expansion: 6, width: 112 },
    Stage { blocks: 4, kernel: 5, stride: 2, expansion: 6, width: 192 },
    Stage { blocks: 1, kernel: 3, stride: 1, expansion: 6, width: 320 },
];

/// How much longer a photo's short side is than the input before the crop, in pixels.
const MARGIN: u32 = 32;

/// One of the row: how its widths and depths are scaled, in tenths, and the side of its pictures.
pub(super) struct EfficientNetLite {
    name: &'static str,
    width: u32,
    depth: u32,
    side: u32,
}

impl EfficientNetLite {
    pub const LITE0: Self = Self { name: "efficientnet_lite0", width: 10, depth: 10, side: 224 };
    pub const LITE1: Self = Self { name: "efficientnet_lite1", width: 10, depth: 11, side: 240 };
    pub const LITE2: Self = Self { name: "efficientnet_lite2", width: 11, depth: 12, side: 260 };
    pub const LITE3: Self = Self { name: "efficientnet_lite3", width: 12, depth: 14, side: 280 };
    pub const LITE4: Self = Self { name: "efficientnet_lite4", width: 14, depth: 18, side: 300 };

    fn network(&self) -> InvertedResiduals {
        let last = STAGES.len() - 1;
        let stage = |(index, stage): (usize, Stage)| Stage {
            // The first and the last stage are as deep as Lite0's.
            blocks: if index == 0 || index == last { stage.blocks } else { (stage.blocks * self.depth).div_ceil(10) },
            width: scaled(stage.width, self.width),
            ..stage
        };
        InvertedResiduals {
            stages: STAGES.into_iter().enumerate().map(stage).collect(),
            padding: SidePadding::Same,
            epsilon: 1e-3,
            names,
            classifier: "_fc",
        }
    }
}

/// `width` times `tenths` / 10 to the nearest multiple of 8, upwards where more than a tenth would be lost.
fn scaled(width: u32, tenths: u32) -> u32 {
    let nearest = ((width * tenths + 40) / 80 * 8).max(8);
    if 100 * nearest < 9 * width * tenths { nearest + 8 } else { nearest }
}

impl Family for EfficientNetLite {
    fn build(&self, input: Shape, classes: u32) -> Result<Network, GraphError> {
        self.network().build(input, classes)
    }

    fn namings(&self, parameters: &[Parameter]) -> Vec<Naming> {
        let caution = format!(
            "these are also the names of another network of timm's, {0}, which pads evenly; this one is its tf_{0}",
            self.name
        );
        vec![self.network().timm(parameters).with_caution(caution)]
    }

    fn input(&self) -> InputSpec {
        InputSpec {
            resize: Resize::Crop { short: self.side + MARGIN },
            filter: Filter::Bicubic,
            mean: [127.0; 3],
            std: [128.0; 3],
            ..InputSpec::torchvision(self.side, self.side)
        }
    }
}

fn names(place: Place) -> [String; 2] {
    match place {
        Place::Stem => ["_conv_stem".into(), "_bn0".into()],
        Place::Head => ["_conv_head".into(), "_bn1".into()],
        Place::Block(Block { index, .. }, part) => {
            let [convolution, norm] = match part {
                Part::Expand => ["_expand_conv", "_bn0"],
                Part::Depthwise => ["_depthwise_conv", "_bn1"],
                Part::Project => ["_project_conv", "_bn2"],
            };
            [convolution, norm].map(|layer| format!("_blocks.{index}.{layer}"))
        }
    }
}
