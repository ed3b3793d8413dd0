//! Integrated gradients (Sundararajan, Taly, Yan, ICML 2017, arXiv 1703.01365) along the straight path from a baseline,
//! by the midpoint rule.

use super::variations::{self, Variation};
use crate::graph::{Forward, Graph, GraphError, NodeId, VariationField};

/// The options of integrated gradients.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct IntegratedGradients {
    /// Number of steps.
    pub steps: u32,
    /// The value that the whole baseline has, normalised as the input is: 0 is the mean colour of the training
    /// pictures.
    pub baseline: f32,
}

impl IntegratedGradients {
    /// 50 steps from the mean colour.
    pub const DEFAULT: IntegratedGradients = IntegratedGradients { steps: 50, baseline: 0.0 };

    /// What variation `index` is told: the middle of its part of the way.
    pub(super) fn variation(&self, index: u32) -> Variation {
        let along = (f64::from(index) + 0.5) / f64::from(self.steps);
        let offset = (1.0 - along) * f64::from(self.baseline);
        Variation { index, scale: along as f32, offset: offset as f32 }
    }

    /// `scale * x + offset`.
    pub(super) fn change(&self, graph: &mut Graph, x: NodeId) -> Result<NodeId, GraphError> {
        let scale = variations::request(graph, VariationField::Scale)?;
        let offset = variations::request(graph, VariationField::Offset)?;
        let scaled = graph.add("scaled input", Forward::Multiply, &[x, scale])?;
        graph.add("input on the path", Forward::Add, &[scaled, offset])
    }

    /// The map of one picture, per pixel: the sum over channels of `(x - baseline) * mean gradient`.
    pub(super) fn map(&self, gradient_sum: &[f64], picture: &[f32], pixels: usize) -> Vec<f64> {
        let baseline = f64::from(self.baseline);
        let value = |at: usize| (f64::from(picture[at]) - baseline) * gradient_sum[at] / f64::from(self.steps);
        (0..pixels).map(|pixel| (pixel..gradient_sum.len()).step_by(pixels.max(1)).map(value).sum()).collect()
    }
}
