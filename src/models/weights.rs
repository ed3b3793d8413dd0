//! The learned values of a model.
//!
//! Middle step of the flow "weights file + model recipe -> Graph": the recipe
//! gives the list of parameters, [`Weights`] holds exactly one tensor for each
//! of them, and the graph is built from both. Weights come from a safetensors
//! file or a PyTorch checkpoint ([`Model::open`](super::Model::open)), from tensors
//! ([`Weights::from_tensors`]) or from a formula ([`Weights::synthetic`]).

mod check;
mod checkpoint;
mod error;
mod file;
mod file_kind;
mod header;
mod source;
mod stored;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use half::f16;
use half::slice::HalfFloatSliceExt;
use half::vec::HalfFloatVecExt;

pub use checkpoint::CheckpointError;
pub use error::{ImpossibleTensor, Problem, ShapeMismatch, UnsupportedTensor, WeightsError};
pub(crate) use file::TensorFile;
pub use file_kind::FileKind;

use super::fit::{self, Fit, Wanted};
use super::synthetic::{self, fnv1a};
use crate::graph::parameter::Parameter;
use crate::platform::{CHUNK, for_each_chunk, map_parallel};

/// A row-major f32 tensor. Clones share the data.
#[derive(Clone, PartialEq)]
pub struct Tensor {
    shape: Vec<usize>,
    data: Arc<Vec<f32>>,
}

impl Tensor {
    /// A tensor of `shape` (outermost dimension first) holding `data`.
    ///
    /// # Errors
    ///
    /// [`WeightsError::TensorLength`] if `data` does not have as many values as
    /// the product of the dimensions.
    pub fn new(shape: &[usize], data: Vec<f32>) -> Result<Self, WeightsError> {
        Self::shared(shape, Arc::new(data))
    }

    /// A tensor of `shape` over values that others hold too.
    ///
    /// # Errors
    ///
    /// As [`Tensor::new`].
    pub(crate) fn shared(shape: &[usize], data: Arc<Vec<f32>>) -> Result<Self, WeightsError> {
        let needed = shape.iter().try_fold(1_usize, |product, &size| product.checked_mul(size));
        if needed != Some(data.len()) {
            return Err(WeightsError::TensorLength { shape: shape.to_vec(), found: data.len() });
        }
        Ok(Self { shape: shape.to_vec(), data })
    }

    /// Size of each dimension, outermost first.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// The values, row-major.
    pub fn data(&self) -> &[f32] {
        &self.data
    }
}

impl fmt::Debug for Tensor {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Tensor({:?})", self.shape)
    }
}

/// One tensor for each parameter of a model. Clones share the data.
#[derive(Debug, Clone)]
pub struct Weights {
    tensors: Arc<HashMap<String, Tensor>>,
}

impl Weights {
    /// Reads the tensors of a file that were found to be a network's.
    pub(crate) fn read(file: &TensorFile, fit: &Fit) -> Result<Self, WeightsError> {
        let name = file.name().to_owned();
        let values = file.read(&fit.names)?;
        let tensors = fit.parameters.iter().zip(values);
        let tensors = tensors.map(|(parameter, data)| Tensor { shape: parameter.shape.clone(), data: Arc::new(data) });
        let tensors: Vec<Tensor> = tensors.collect();
        check::require_possible(&fit.names, &fit.parameters, &tensors, &name)?;
        Ok(Self::collect(&fit.parameters, tensors))
    }

    /// Takes the weights from `tensors`, by the names and shapes of `parameters`.
    ///
    /// # Errors
    ///
    /// [`WeightsError::Mismatch`] and [`WeightsError::Impossible`].
    pub fn from_tensors(mut tensors: HashMap<String, Tensor>, parameters: &[Parameter]) -> Result<Self, WeightsError> {
        let source_name = "(tensors in memory)";
        let shapes = tensors.iter().map(|(name, tensor)| (name.as_str(), tensor.shape())).collect();
        let Fit { names, .. } = fit::find(&shapes, &Wanted { parameters, head: None, namings: &[] }, source_name)?;
        let tensors: Vec<Tensor> = names
            .iter()
            .zip(parameters)
            .filter_map(|(name, parameter)| {
                let shape = parameter.shape.clone();
                let data = tensors.remove(name)?.data;
                Some(Tensor { shape, data })
            })
            .collect();
        check::require_possible(&names, parameters, &tensors, source_name)?;
        Ok(Self::collect(parameters, tensors))
    }

    /// Deterministic weights that need no file, for tests and benchmarks.
    ///
    /// The values depend only on names, shapes and kinds; the formula is in
    /// `src/models/synthetic.rs`.
    pub fn synthetic(parameters: &[Parameter]) -> Self {
        let tensors = parameters
            .iter()
            .map(|parameter| Tensor { shape: parameter.shape.clone(), data: Arc::new(synthetic::values(parameter)) });
        Self::collect(parameters, tensors)
    }

    /// The tensor of the parameter called `name` in the model's list, in the
    /// shape given there; `None` if the model has no such parameter.
    pub fn get(&self, name: &str) -> Option<&Tensor> {
        self.tensors.get(name)
    }

    /// The same tensors with one more, or another one of this name.
    pub(crate) fn with(&self, name: &str, tensor: Tensor) -> Self {
        let mut tensors = self.tensors.clone();
        Arc::make_mut(&mut tensors).insert(name.into(), tensor);
        Self { tensors }
    }

    /// Rounds the tensors with these names to their nearest f16, ties to even.
    ///
    /// # Errors
    ///
    /// [`WeightsError::BeyondF16`], before anything is rounded.
    pub(crate) fn round_to_f16(&mut self, names: &[String], source_name: &str) -> Result<(), WeightsError> {
        for (name, tensor) in names.iter().filter_map(|name| Some((name, self.get(name)?))) {
            let larger = |a: f32, b: f32| if b.abs() > a.abs() { b } else { a };
            let blocks: Vec<&[f32]> = tensor.data.chunks(CHUNK).collect();
            let largest = map_parallel(&blocks, |block| block.iter().copied().fold(0.0, larger));
            let value = largest.into_iter().fold(0.0, larger);
            if value.abs() > f16::MAX.to_f32() {
                return Err(WeightsError::BeyondF16 { file: source_name.into(), tensor: name.clone(), value });
            }
        }
        let tensors = Arc::make_mut(&mut self.tensors);
        for name in names {
            let Some(tensor) = tensors.get_mut(name) else { continue };
            let values: &mut Vec<f32> = Arc::make_mut(&mut tensor.data);
            for_each_chunk(values, CHUNK, |_, values| {
                Vec::<f16>::from_f32_slice(values).convert_to_f32_slice(values);
            });
        }
        Ok(())
    }

    /// A number that differs where names, shapes or values do.
    pub fn fingerprint(&self) -> u64 {
        let mut tensors: Vec<_> = self.tensors.iter().collect();
        tensors.sort_by_key(|(name, _)| *name);
        let of_tensor = |(name, tensor): &(&String, &Tensor)| {
            let start = fnv1a(format!("{name} {:?}", tensor.shape).as_bytes());
            let next = |hash: u64, value: &f32| (hash ^ u64::from(value.to_bits())).wrapping_mul(0x0000_0100_0000_01B3);
            tensor.data.iter().fold(start, next)
        };
        let hashes = map_parallel(&tensors, of_tensor);
        fnv1a(bytemuck::cast_slice(&hashes))
    }

    /// Number of tensors.
    pub fn len(&self) -> usize {
        self.tensors.len()
    }

    /// True if there are no tensors.
    pub fn is_empty(&self) -> bool {
        self.tensors.is_empty()
    }

    fn collect(parameters: &[Parameter], tensors: impl IntoIterator<Item = Tensor>) -> Self {
        let names = parameters.iter().map(|parameter| parameter.name.clone());
        Self { tensors: Arc::new(names.zip(tensors).collect()) }
    }
}
