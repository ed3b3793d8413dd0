//! Values that no network can have.

use rayon::prelude::*;

use super::Tensor;
use super::error::{ImpossibleTensor, Problem, WeightsError};
use crate::graph::parameter::{Parameter, ParameterKind};

/// Elements checked at a time.
const BLOCK: usize = 1 << 14;

/// Fails if any value is NaN or infinite, or any variance negative, naming every tensor that has one by its name in the file.
pub(super) fn require_possible(
    names: &[String],
    parameters: &[Parameter],
    tensors: &[Tensor],
    file: &str,
) -> Result<(), WeightsError> {
    let checked = names.iter().zip(parameters).zip(tensors);
    let tensors: Vec<ImpossibleTensor> = checked
        .filter_map(|((name, parameter), tensor)| {
            let (problem, first_index, count) = problem(parameter.kind, tensor.data())?;
            let value = tensor.data().get(first_index).copied().unwrap_or(f32::NAN);
            Some(ImpossibleTensor { name: name.clone(), problem, first_index, value, count })
        })
        .collect();
    if tensors.is_empty() {
        return Ok(());
    }
    Err(WeightsError::Impossible { file: file.to_string(), tensors })
}

/// What is wrong with the values of a parameter, the index of the first wrong one, and how many there are.
fn problem(kind: ParameterKind, values: &[f32]) -> Option<(Problem, usize, usize)> {
    let not_finite = find(values, |value| !value.is_finite()).map(|(first, count)| (Problem::NotFinite, first, count));
    not_finite.or_else(|| match kind {
        ParameterKind::BatchNormVariance => {
            find(values, |value| value < 0.0).map(|(first, count)| (Problem::NegativeVariance, first, count))
        }
        ParameterKind::Weight
        | ParameterKind::Bias
        | ParameterKind::BatchNormScale
        | ParameterKind::BatchNormShift
        | ParameterKind::BatchNormMean => None,
    })
}

/// Index of the first value that is wrong, and how many there are.
fn find(values: &[f32], is_wrong: impl Fn(f32) -> bool + Sync) -> Option<(usize, usize)> {
    values
        .par_chunks(BLOCK)
        .enumerate()
        .filter_map(|(block_index, block)| {
            // Counting first is a branch-free pass over the usual, clean block.
            let count = block.iter().filter(|value| is_wrong(**value)).count();
            if count == 0 {
                return None;
            }
            let within = block.iter().position(|value| is_wrong(*value))?;
            Some((block_index * BLOCK + within, count))
        })
        .reduce_with(|left, right| (left.0.min(right.0), left.1 + right.1))
}
