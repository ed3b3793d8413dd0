//! A layer's weights in an operation: the parameter, or what a rule derives from it.

use super::parameter;
use crate::graph::{BatchNormId, ConvolutionId, Graph, WeightSource};
use crate::models::weights::Weights;
use std::borrow::Cow;

/// Weights of a convolution, (output, input / groups, rows, columns).
pub(super) fn convolution<'a>(graph: &Graph, weights: &'a Weights, layer: ConvolutionId) -> Cow<'a, [f32]> {
    let convolution = graph.convolution(layer);
    let weight = parameter(weights, &convolution.weight_name());
    let WeightSource::Folded(batch_norm) = layer.source else { return elementwise(weight, layer.source) };
    let per_output = weight.len() / convolution.output_channels as usize;
    let scales = scales(graph, weights, batch_norm);
    let folded =
        weight.iter().enumerate().map(|(index, &value)| (f64::from(value) * scales[index / per_output]) as f32);
    Cow::Owned(folded.collect())
}

fn elementwise(weight: &[f32], source: WeightSource) -> Cow<'_, [f32]> {
    match source {
        WeightSource::Parameter => Cow::Borrowed(weight),
        _ => weight.iter().map(|&value| of(source, value)).collect(),
    }
}

/// What an operation takes one weight for; a folded batch normalisation's factor is left to the caller.
pub(super) fn of(source: WeightSource, weight: f32) -> f32 {
    match source {
        WeightSource::Parameter | WeightSource::Folded(_) => weight,
        WeightSource::Squared => weight * weight,
        WeightSource::Ones => 1.0,
    }
}

/// `weight / sqrt(variance + epsilon)` per channel.
fn scales(graph: &Graph, weights: &Weights, batch_norm: BatchNormId) -> Vec<f64> {
    let layer = graph.batch_norm_layer(batch_norm);
    let of = |suffix: &str| parameter(weights, &format!("{}.{suffix}", layer.name));
    let scale = |(&weight, &variance): (&f32, &f32)| f64::from(weight) / (f64::from(variance) + layer.epsilon).sqrt();
    of("weight").iter().zip(of("running_var")).map(scale).collect()
}
