//! The strict comparison of the tensors found with those a model needs.

use std::collections::{HashMap, HashSet};

use rayon::prelude::*;

use super::Tensor;
use super::error::{NonFiniteTensor, ShapeMismatch, WeightsError};
use crate::graph::parameter::Parameter;
use crate::models::names::{self, Naming};

/// Elements checked at a time.
const BLOCK: usize = 1 << 14;

/// Finds the tensor of each parameter among the `found` shapes by name.
///
/// Returns the name in the file for each of `parameters`, in the same order,
/// or one error that lists everything missing, unexpected and misshapen.
pub(super) fn match_names(
    found: &HashMap<&str, &[usize]>,
    parameters: &[Parameter],
    file: &str,
) -> Result<Vec<String>, WeightsError> {
    let naming = Naming::detect(found.keys().copied());
    let file_names: Vec<String> = parameters.iter().map(|parameter| naming.file_name(&parameter.name)).collect();
    let mut missing = Vec::new();
    let mut misshapen = Vec::new();
    for (parameter, name) in parameters.iter().zip(&file_names) {
        match found.get(name.as_str()) {
            None => missing.push(name.clone()),
            Some(shape) if naming.accepts_shape(parameter, shape) => {}
            Some(shape) => misshapen.push(ShapeMismatch {
                name: name.clone(),
                found: shape.to_vec(),
                expected: parameter.shape.clone(),
            }),
        }
    }
    let unexpected = unexpected_names(found, &file_names);
    if missing.is_empty() && unexpected.is_empty() && misshapen.is_empty() {
        return Ok(file_names);
    }
    Err(WeightsError::Mismatch { file: file.to_string(), missing, unexpected, misshapen })
}

/// Names found that are neither wanted nor always ignored, sorted.
fn unexpected_names(found: &HashMap<&str, &[usize]>, wanted: &[String]) -> Vec<String> {
    let wanted: HashSet<&str> = wanted.iter().map(String::as_str).collect();
    let mut unexpected: Vec<String> = found
        .keys()
        .filter(|name| !wanted.contains(**name) && !names::is_ignored(name))
        .map(ToString::to_string)
        .collect();
    unexpected.sort();
    unexpected
}

/// Fails if any value is NaN or infinite, naming every tensor that has one.
pub(super) fn require_finite(names: &[String], tensors: &[Tensor], file: &str) -> Result<(), WeightsError> {
    let tensors: Vec<NonFiniteTensor> = names
        .iter()
        .zip(tensors)
        .filter_map(|(name, tensor)| {
            let (first_index, count) = non_finite(tensor.data())?;
            Some(NonFiniteTensor { name: name.clone(), first_index, count })
        })
        .collect();
    if tensors.is_empty() {
        return Ok(());
    }
    Err(WeightsError::NonFinite { file: file.to_string(), tensors })
}

/// Index of the first NaN or infinite value, and how many there are.
fn non_finite(values: &[f32]) -> Option<(usize, usize)> {
    values
        .par_chunks(BLOCK)
        .enumerate()
        .filter_map(|(block_index, block)| {
            // Counting first is a branch-free pass over the usual, clean block.
            let count = block.iter().filter(|value| !value.is_finite()).count();
            if count == 0 {
                return None;
            }
            let within = block.iter().position(|value| !value.is_finite())?;
            Some((block_index * BLOCK + within, count))
        })
        .reduce_with(|left, right| (left.0.min(right.0), left.1 + right.1))
}
