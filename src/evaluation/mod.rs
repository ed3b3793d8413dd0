//! Evaluations: how well the maps of explanation methods do what they promise, measured on photos.
//!
//! Beside the flow: photos with classes and masks ([`Dataset`]) become samples ([`Reader`]), an [`Evaluator`] gives
//! each of them scores for every method, [`Means`] gathers the scores of many, and [`Evaluation`] says what they mean
//! as a table and as curves. [`records`] keeps scores on disk, so that a run can be cut short, continued and spread.
//! What is done per pixel is done on the GPU ([`pixels`]). Nothing here prints.

mod bench;
mod curve;
mod dataset;
mod evaluator;
mod grid_pointing;
mod insertion_deletion;
mod labels;
mod likeness;
mod list;
mod mask;
mod perturbation;
pub mod pixels;
mod pointing;
mod randomisation;
pub mod records;
mod sample;
mod search;
mod segmentation;
mod summary;

pub use dataset::{Dataset, DatasetError, Item, LeftOut};
pub use evaluator::Evaluator;
pub use grid_pointing::mosaics;
pub use labels::ListError;
pub use likeness::{Likeness, others};
pub use mask::VOID;
pub use sample::{Reader, Sample, mosaic};
pub use summary::{Curve, Means, Row};

use std::collections::BTreeMap;
use std::fmt;

/// What one picture contributes for one method: series of numbers by name, to be averaged over pictures.
pub type Scores = BTreeMap<String, Vec<f64>>;

/// A way to evaluate maps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Evaluation {
    /// Accuracy while pixels turn black by rank.
    Perturbation,
    /// Maps against masks, pixel by pixel.
    Segmentation,
    /// Share of a class's positive map in its cell of a mosaic.
    GridPointing,
    /// The map's maximum lies in the class's mask.
    Pointing,
    /// Probability while pixels appear on the blurred photo.
    Insertion,
    /// Probability while pixels vanish.
    Deletion,
    /// Correlation with maps of the network with random layers.
    Randomisation,
}

impl Evaluation {
    /// All of them.
    pub const ALL: [Evaluation; 7] = [
        Self::Perturbation,
        Self::Segmentation,
        Self::GridPointing,
        Self::Pointing,
        Self::Insertion,
        Self::Deletion,
        Self::Randomisation,
    ];

    /// The name on the command line and in files.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Perturbation => "perturbation",
            Self::Segmentation => "segmentation",
            Self::GridPointing => "grid-pointing",
            Self::Pointing => "pointing",
            Self::Insertion => "insertion",
            Self::Deletion => "deletion",
            Self::Randomisation => "randomisation",
        }
    }

    /// The evaluation of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|evaluation| evaluation.name() == name)
    }

    /// Whether photos need masks.
    pub const fn needs_masks(self) -> bool {
        matches!(self, Self::Segmentation | Self::Pointing)
    }
}

impl fmt::Display for Evaluation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Choices that belong to single evaluations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// Insertion and deletion: steps from no pixel to all.
    pub steps: u32,
    /// Grid-pointing: rows and columns of cells of a mosaic.
    pub cells: [u32; 2],
    /// Randomisation: stages from no random layer to all.
    pub stages: u32,
    /// Grid-pointing and pointing: what samples are asked to be like; `None` for their classes.
    pub like: Option<Likeness>,
    /// Grid-pointing and randomisation: what random numbers depend on.
    pub seed: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self { steps: 20, cells: [2, 2], stages: 8, like: None, seed: 0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn evaluations_are_found_by_their_names() {
        for evaluation in Evaluation::ALL {
            assert_eq!(Evaluation::from_name(&evaluation.to_string()), Some(evaluation));
        }
        assert_eq!(Evaluation::from_name("grid-pointing"), Some(Evaluation::GridPointing));
        assert_eq!(Evaluation::from_name(""), None);
        let with_masks: Vec<Evaluation> = Evaluation::ALL.into_iter().filter(|one| one.needs_masks()).collect();
        assert_eq!(with_masks, [Evaluation::Segmentation, Evaluation::Pointing]);
    }
}
