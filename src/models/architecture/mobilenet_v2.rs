//! MobileNetV2 (Sandler et al., 2018), in torchvision's layout.

use super::Family;
use super::inverted_residual::{Block, InvertedResiduals, Part, Place, SidePadding, Stage};
use crate::graph::parameter::Parameter;
use crate::graph::{GraphError, Network, Shape};
use crate::models::fit::Naming;

/// Blocks, stride, expansion and width of each stage, whose kernels are 3x3.
const STAGES: [[u32; 4]; 7] =
    [[1, 1, 1, 16], [2, 2, 6, 24], [3, 2, 6, 32], [4, 2, 6, 64], [3, 1, 6, 96], [3, 2, 6, 160], [1, 1, 6, 320]];

pub(super) struct MobileNetV2;

impl MobileNetV2 {
    fn network() -> InvertedResiduals {
        let stage =
            |[blocks, stride, expansion, width]: [u32; 4]| Stage { blocks, kernel: 3, stride, expansion, width };
        InvertedResiduals {
            stages: STAGES.map(stage).into(),
            padding: SidePadding::Even,
            epsilon: 1e-5,
            names,
            classifier: "classifier.1",
        }
    }
}

impl Family for MobileNetV2 {
    fn build(&self, input: Shape, classes: u32) -> Result<Network, GraphError> {
        Self::network().build(input, classes)
    }

    fn namings(&self, parameters: &[Parameter]) -> Vec<Naming> {
        vec![Self::network().timm(parameters)]
    }
}

fn names(place: Place) -> [String; 2] {
    match place {
        Place::Stem => unit("features.0"),
        Place::Head => unit("features.18"),
        Place::Block(Block { index, expands, .. }, part) => {
            let prefix = format!("features.{}.conv", index + 1);
            let before = u32::from(expands);
            match part {
                Part::Expand => unit(&format!("{prefix}.0")),
                Part::Depthwise => unit(&format!("{prefix}.{before}")),
                Part::Project => [1, 2].map(|behind| format!("{prefix}.{}", before + behind)),
            }
        }
    }
}

fn unit(prefix: &str) -> [String; 2] {
    [0, 1].map(|part| format!("{prefix}.{part}"))
}
