//! Randomisation (Adebayo et al., NeurIPS 2018): layers are re-initialised from the last to the first, and each map is
//! compared with the original one by rank correlation. A method whose map does not change explains the photo, not the
//! network.

use super::Scores;
use super::bench::{Bench, Round};
use super::pixels::Place;
use crate::error::Error;
use crate::graph::parameter::{Parameter, ParameterKind};
use crate::models::Model;
use crate::models::weights::{Tensor, Weights, WeightsError};
use crate::random::philox;
use std::collections::HashMap;

/// Correlation with the original map, for each stage; the first, without a change, is 1.
pub(super) const SERIES: &str = "rank correlation";

pub(super) async fn evaluate(
    bench: &mut Bench,
    round: &Round<'_>,
    stages: u32,
    seed: u64,
) -> Result<Vec<Scores>, Error> {
    let jobs = round.jobs();
    bench.rank(round.samples, &jobs).await?;
    let original = bench.places(jobs.len()).await?;
    let mut correlations = vec![vec![1.0]; jobs.len()];
    for stage in 1..=stages {
        let model = randomised(&bench.model, stage, stages, seed)?;
        let ranked = async |bench: &mut Bench| bench.rank(round.samples, &jobs).await;
        bench.with_model(&model, ranked).await?;
        let places = bench.places(jobs.len()).await?;
        for ((correlations, original), places) in correlations.iter_mut().zip(&original).zip(&places) {
            correlations.push(rank_correlation(original, places));
        }
    }
    Ok(correlations.into_iter().map(|values| Scores::from([(SERIES.to_owned(), values)])).collect())
}

/// Spearman's correlation: Pearson's of the mean ranks; 0 where one map is constant.
fn rank_correlation(a: &[Place], b: &[Place]) -> f64 {
    let mean = (a.len() as f64 - 1.0) / 2.0;
    let rank = |place: &Place| f64::from(place.lower) + (f64::from(place.equal) - 1.0) / 2.0 - mean;
    let product = |a: &[Place], b: &[Place]| a.iter().zip(b).map(|(a, b)| rank(a) * rank(b)).sum::<f64>();
    let scale = (product(a, a) * product(b, b)).sqrt();
    if scale > 0.0 { product(a, b) / scale } else { 0.0 }
}

/// The model with the last `stage / stages` of its layers as before training.
fn randomised(model: &Model, stage: u32, stages: u32, seed: u64) -> Result<Model, WeightsError> {
    let parameters = model.recipe.parameters();
    let layers = layers(parameters);
    let count = layers.last().map_or(0, |last| last + 1);
    let kept = count - (count * stage as usize).div_ceil(stages.max(1) as usize);
    let mut tensors = HashMap::new();
    for (parameter, layer) in parameters.iter().zip(layers) {
        let tensor = match model.weights.get(&parameter.name) {
            Some(tensor) if layer < kept => tensor.clone(),
            _ => Tensor::new(&parameter.shape, initial(parameter, layer as u32, seed))?,
        };
        tensors.insert(parameter.name.clone(), tensor);
    }
    let weights = Weights::from_tensors(tensors, parameters)?;
    let source = format!("{}, {stage}/{stages} of its layers random", model.source);
    Model { weights, source, ..model.clone() }.with_precision(model.precision)
}

/// The layer of each parameter, from 0: a weight begins one, and what follows belongs to it.
fn layers(parameters: &[Parameter]) -> Vec<usize> {
    let mut weights: usize = 0;
    let mut layer = |parameter: &Parameter| {
        weights += usize::from(parameter.kind == ParameterKind::Weight);
        weights.saturating_sub(1)
    };
    parameters.iter().map(&mut layer).collect()
}

/// Values before training: weights uniform by fan-in (He et al., ICCV 2015), batch norms that change nothing.
fn initial(parameter: &Parameter, layer: u32, seed: u64) -> Vec<f32> {
    let count = parameter.element_count();
    match parameter.kind {
        ParameterKind::Weight => {
            let fan_in: usize = parameter.shape.iter().skip(1).product();
            let bound = (6.0 / fan_in.max(1) as f64).sqrt();
            let key = [seed as u32, (seed >> 32) as u32];
            let words = (0..count.div_ceil(4) as u32).flat_map(|index| philox([index, layer, 0, 2], key));
            let uniform = |word: u32| (bound * ((f64::from(word) + 0.5) / 2_147_483_648.0 - 1.0)) as f32;
            words.take(count).map(uniform).collect()
        }
        ParameterKind::BatchNormScale | ParameterKind::BatchNormVariance => vec![1.0; count],
        // PyTorch's beginning.
        ParameterKind::Slope => vec![0.25; count],
        ParameterKind::Bias | ParameterKind::BatchNormShift | ParameterKind::BatchNormMean => vec![0.0; count],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::Architecture;

    fn places(ranks: &[(u32, u32)]) -> Vec<Place> {
        ranks.iter().map(|&(lower, equal)| Place { from_lowest: 0, from_highest: 0, lower, equal }).collect()
    }

    #[test]
    fn correlations_of_small_maps() {
        let rising = places(&[(0, 1), (1, 1), (2, 1), (3, 1)]);
        let falling = places(&[(3, 1), (2, 1), (1, 1), (0, 1)]);
        let tied = places(&[(0, 2), (0, 2), (2, 1), (3, 1)]);
        let constant = places(&[(0, 4); 4]);
        assert!((rank_correlation(&rising, &rising) - 1.0).abs() < 1e-12);
        assert!((rank_correlation(&rising, &falling) + 1.0).abs() < 1e-12);
        // Mean ranks 0.5, 0.5, 2, 3 against 0, 1, 2, 3: 4.5 / sqrt(5 * 4.5).
        assert!((rank_correlation(&rising, &tied) - 4.5 / 22.5_f64.sqrt()).abs() < 1e-12);
        assert_eq!(rank_correlation(&rising, &constant), 0.0);
    }

    #[test]
    fn the_cascade_begins_at_the_last_layer_and_repeats() {
        let model = Model::synthetic(Architecture::TinyResNet).unwrap();
        let parameters = model.recipe.parameters();
        let changed = |stage| {
            let random = randomised(&model, stage, 4, 5).unwrap();
            let again = randomised(&model, stage, 4, 5).unwrap();
            let differs = |parameter: &&Parameter| {
                assert_eq!(random.weights.get(&parameter.name), again.weights.get(&parameter.name));
                random.weights.get(&parameter.name) != model.weights.get(&parameter.name)
            };
            parameters.iter().filter(differs).map(|parameter| parameter.name.clone()).collect::<Vec<_>>()
        };
        let first = changed(1);
        assert!(first.contains(&"fc.weight".to_string()) && !first.contains(&parameters[0].name), "{first:?}");
        let of_layers = layers(parameters);
        let count = of_layers[of_layers.len() - 1] + 1;
        for (stage, kept) in [(2, count / 2), (3, count / 4), (4, 0)] {
            let expected = of_layers.iter().filter(|&&layer| layer >= kept).count();
            assert_eq!(changed(stage).len(), expected, "stage {stage} of 4, {count} layers");
        }
        let other = randomised(&model, 4, 4, 6).unwrap();
        assert!(other.source.ends_with(", 4/4 of its layers random"), "{}", other.source);
        assert_ne!(other.weights.get("fc.weight"), randomised(&model, 4, 4, 5).unwrap().weights.get("fc.weight"));
    }

    #[test]
    fn weights_begin_within_their_bounds() {
        let parameter = |shape: &[usize], kind| Parameter { name: "x".into(), shape: shape.to_vec(), kind };
        let weights = parameter(&[16, 6, 5, 5], ParameterKind::Weight);
        let values = initial(&weights, 3, 1 << 32);
        let bound = (6.0f32 / 150.0).sqrt();
        let largest = values.iter().fold(0f32, |largest, value| largest.max(value.abs()));
        let mean = values.iter().sum::<f32>() / values.len() as f32;
        assert_eq!(values.len(), 16 * 150);
        assert!(largest < bound && largest > 0.99 * bound && mean.abs() < 0.05 * bound, "{largest}, {mean}");
        let half = values.iter().filter(|value| value.abs() < bound / 2.0).count();
        assert!(half.abs_diff(1200) < 120, "{half}");
        for (layer, seed) in [(2, 1 << 32), (3, 1), (3, 0)] {
            assert_ne!(initial(&weights, layer, seed), values);
        }
        for (kind, value) in [
            (ParameterKind::Bias, 0.0),
            (ParameterKind::BatchNormMean, 0.0),
            (ParameterKind::BatchNormShift, 0.0),
            (ParameterKind::BatchNormScale, 1.0),
            (ParameterKind::BatchNormVariance, 1.0),
            (ParameterKind::Slope, 0.25),
        ] {
            assert_eq!(initial(&parameter(&[7], kind), 0, 0), [value; 7]);
        }
    }
}
