//! Values that no network can have.

use super::Tensor;
use super::error::{ImpossibleTensor, Problem, WeightsError};
use crate::graph::parameter::{Parameter, ParameterKind};
use crate::platform::{CHUNK, map_parallel};

/// Fails if any value is NaN or infinite, or any variance negative, naming every tensor that has one by its name in the
/// file.
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
        | ParameterKind::BatchNormMean
        | ParameterKind::Slope => None,
    })
}

/// Index of the first value that is wrong, and how many there are.
fn find(values: &[f32], is_wrong: impl Fn(f32) -> bool + Sync) -> Option<(usize, usize)> {
    let blocks: Vec<(usize, &[f32])> = (0..).step_by(CHUNK).zip(values.chunks(CHUNK)).collect();
    let found = map_parallel(&blocks, |&(start, block)| {
        // Counting first is a branch-free pass over the usual, clean block.
        let count = block.iter().filter(|value| is_wrong(**value)).count();
        if count == 0 {
            return None;
        }
        let within = block.iter().position(|value| is_wrong(*value))?;
        Some((start + within, count))
    });
    found.into_iter().flatten().reduce(|first, next| (first.0, first.1 + next.1))
}
