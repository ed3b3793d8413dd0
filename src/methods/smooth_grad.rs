//! SmoothGrad (Smilkov et al., 2017, arXiv 1706.03825): the mean gradient of copies of the picture with Gaussian noise.

use super::variations::{self, Variation};
use crate::graph::{Explain, Forward, Graph, GraphError, NodeId, VariationField};

/// SmoothGrad's options.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SmoothGrad {
    /// Number of noisy copies.
    pub samples: u32,
    /// Standard deviation of the noise, as a share of the range from the input's smallest to its largest value.
    pub noise: f32,
    /// What the noise depends on, besides the copy's number and the position in the picture.
    pub seed: u64,
}

impl SmoothGrad {
    /// 50 copies with noise of 0.15 of the range.
    pub const DEFAULT: SmoothGrad = SmoothGrad { samples: 50, noise: 0.15, seed: 0 };

    /// What variation `index` of a picture is told.
    pub(super) fn variation(&self, index: u32, picture: &[f32]) -> Variation {
        let low = picture.iter().copied().fold(f32::INFINITY, f32::min);
        let high = picture.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        Variation { index, scale: self.noise * (high - low), offset: 0.0 }
    }

    /// `x + scale * noise`.
    pub(super) fn change(&self, graph: &mut Graph, x: NodeId) -> Result<NodeId, GraphError> {
        let index = variations::request(graph, VariationField::Index)?;
        let scale = variations::request(graph, VariationField::Scale)?;
        let noise = graph.add("noise", Explain::Noise { seed: self.seed }, &[x, index])?;
        let scaled = graph.add("scaled noise", Forward::Multiply, &[noise, scale])?;
        graph.add("noisy input", Forward::Add, &[x, scaled])
    }

    /// The map of one picture, per pixel: the sum over channels of the mean gradient's magnitude.
    pub(super) fn map(&self, gradient_sum: &[f64], pixels: usize) -> Vec<f64> {
        let value = |at: usize| (gradient_sum[at] / f64::from(self.samples)).abs();
        (0..pixels).map(|pixel| (pixel..gradient_sum.len()).step_by(pixels.max(1)).map(value).sum()).collect()
    }
}
