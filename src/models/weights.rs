//! The learned values of a model.
//!
//! Middle step of the flow "weights file + model recipe -> Graph": the recipe
//! gives the list of parameters, [`Weights`] holds exactly one tensor for each
//! of them, and the graph is built from both. Weights come from a safetensors
//! file ([`Weights::open`]), from such a file in memory ([`Weights::parse`]),
//! from tensors ([`Weights::from_tensors`]) or from a formula
//! ([`Weights::synthetic`]).
//!
//! Files use torchvision's names, or timm's for VGG and ResNet; the scheme is
//! found from the names themselves.

mod check;
mod error;
mod file;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::fmt;
use std::path::Path;
use std::sync::Arc;

use half::f16;
use half::slice::HalfFloatSliceExt;
use half::vec::HalfFloatVecExt;
use rayon::prelude::*;

pub use error::{FileKind, NonFiniteTensor, ShapeMismatch, UnsupportedTensor, WeightsError};

use self::file::Header;
use super::names::Naming;
use super::synthetic::{self, fnv1a};
use crate::graph::parameter::Parameter;

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
        let needed = shape.iter().try_fold(1_usize, |product, &size| product.checked_mul(size));
        if needed != Some(data.len()) {
            return Err(WeightsError::TensorLength { shape: shape.to_vec(), found: data.len() });
        }
        Ok(Self { shape: shape.to_vec(), data: Arc::new(data) })
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
    /// Loads the safetensors file at `path` for a model with `parameters`.
    ///
    /// F16 and BF16 values become f32. Needs memory for the file and for the
    /// converted values at the same time.
    ///
    /// # Errors
    ///
    /// Every [`WeightsError`] except [`WeightsError::TensorLength`].
    pub fn open(path: impl AsRef<Path>, parameters: &[Parameter]) -> Result<Self, WeightsError> {
        let path = path.as_ref();
        let file_name = path.display().to_string();
        let (file, header) = file::open(path)?;
        // The header alone tells whether the file fits, before its data is read.
        let names = match_header(&header, parameters, &file_name)?;
        let data = file::read_data(file, path, &header)?;
        Self::convert(&header, &names, &data, &file_name, parameters)
    }

    /// Loads a safetensors file that is already in memory.
    ///
    /// `source_name` stands for the path in errors.
    ///
    /// # Errors
    ///
    /// Those of [`Weights::open`] except [`WeightsError::NotFound`] and
    /// [`WeightsError::Read`].
    pub fn parse(bytes: &[u8], source_name: &str, parameters: &[Parameter]) -> Result<Self, WeightsError> {
        let header = file::parse_header(bytes, bytes.len() as u64, source_name)?;
        let names = match_header(&header, parameters, source_name)?;
        let data = bytes.get(header.data_start..).unwrap_or_default();
        Self::convert(&header, &names, data, source_name, parameters)
    }

    /// Takes the tensors with these names, one per parameter, from the data of a file.
    fn convert(
        header: &Header,
        names: &[String],
        data: &[u8],
        source_name: &str,
        parameters: &[Parameter],
    ) -> Result<Self, WeightsError> {
        let mut tensors = Vec::with_capacity(names.len());
        let mut unsupported = Vec::new();
        for (name, parameter) in names.iter().zip(parameters) {
            // Matching has found all names, and the header's check all ranges.
            let Some(info) = header.tensors.get(name) else {
                continue;
            };
            let (start, end) = info.data_offsets;
            let bytes = data.get(start..end).unwrap_or_default();
            match file::to_f32(bytes, info.dtype) {
                Some(values) => tensors.push(Tensor { shape: parameter.shape.clone(), data: Arc::new(values) }),
                None => {
                    unsupported.push(UnsupportedTensor { name: name.clone(), element_type: info.dtype.to_string() })
                }
            }
        }
        if !unsupported.is_empty() {
            return Err(WeightsError::ElementType { file: source_name.to_string(), tensors: unsupported });
        }
        check::require_finite(names, &tensors, source_name)?;
        Ok(Self::collect(parameters, tensors))
    }

    /// Takes the weights from `tensors`, by the same names as in a file.
    ///
    /// # Errors
    ///
    /// [`WeightsError::Mismatch`] and [`WeightsError::NonFinite`].
    pub fn from_tensors(mut tensors: HashMap<String, Tensor>, parameters: &[Parameter]) -> Result<Self, WeightsError> {
        let source_name = "(tensors in memory)";
        let shapes = tensors.iter().map(|(name, tensor)| (name.as_str(), tensor.shape())).collect();
        let names = check::match_names(&shapes, parameters, source_name)?;
        let tensors: Vec<Tensor> = names
            .iter()
            .zip(parameters)
            .filter_map(|(name, parameter)| {
                let shape = parameter.shape.clone();
                let data = tensors.remove(name)?.data;
                Some(Tensor { shape, data })
            })
            .collect();
        check::require_finite(&names, &tensors, source_name)?;
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

    /// Rounds the tensors with these names to their nearest f16, ties to even.
    ///
    /// # Errors
    ///
    /// [`WeightsError::BeyondF16`], before anything is rounded.
    pub(crate) fn round_to_f16(&mut self, names: &[String], source_name: &str) -> Result<(), WeightsError> {
        for (name, tensor) in names.iter().filter_map(|name| Some((name, self.get(name)?))) {
            let larger = |a: f32, b: f32| if b.abs() > a.abs() { b } else { a };
            let value = tensor.data.par_iter().copied().reduce(|| 0.0, larger);
            if value.abs() > f16::MAX.to_f32() {
                return Err(WeightsError::BeyondF16 { file: source_name.into(), tensor: name.clone(), value });
            }
        }
        let tensors = Arc::make_mut(&mut self.tensors);
        for name in names {
            let Some(tensor) = tensors.get_mut(name) else { continue };
            let chunks = Arc::make_mut(&mut tensor.data).par_chunks_mut(4096);
            chunks.for_each(|values| Vec::<f16>::from_f32_slice(values).convert_to_f32_slice(values));
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
        let hashes: Vec<u64> = tensors.par_iter().map(of_tensor).collect();
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

/// Number of classes of the model in the safetensors file at `path`.
///
/// `classifier_weight` is torchvision's name of the last linear layer's weight,
/// such as `classifier.6.weight`; timm's name for it is found too. Reads the
/// header only. Gives `None` if the file has no such (classes, features)
/// matrix or is no safetensors file; [`Weights::open`] then says why.
pub fn class_count(path: impl AsRef<Path>, classifier_weight: &str) -> Option<usize> {
    let (_, header) = file::open(path.as_ref()).ok()?;
    class_count_in_header(&header, classifier_weight)
}

/// [`class_count`] of a safetensors file that is already in memory.
pub fn class_count_in_bytes(bytes: &[u8], classifier_weight: &str) -> Option<usize> {
    let header = file::parse_header(bytes, bytes.len() as u64, "").ok()?;
    class_count_in_header(&header, classifier_weight)
}

fn class_count_in_header(header: &Header, classifier_weight: &str) -> Option<usize> {
    let naming = Naming::detect(header.tensors.keys().map(String::as_str));
    let shape = &header.tensors.get(&naming.file_name(classifier_weight))?.shape;
    match shape.as_slice() {
        &[classes, features] if classes > 0 && features > 0 => Some(classes),
        _ => None,
    }
}

/// The name in the file for each of `parameters`, if its tensors are exactly
/// those.
fn match_header(header: &Header, parameters: &[Parameter], file: &str) -> Result<Vec<String>, WeightsError> {
    let shapes = header.tensors.iter().map(|(name, info)| (name.as_str(), info.shape.as_slice())).collect();
    check::match_names(&shapes, parameters, file)
}
