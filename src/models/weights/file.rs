//! A file of weights of any kind: recognising it, and reading tensors from it.

use std::collections::HashMap;
use std::io;
use std::path::Path;

use super::checkpoint;
use super::error::{UnsupportedTensor, WeightsError};
use super::header;
use super::source::Source;
use super::stored::{Element, StoredTensor};
use crate::models::fit::Shapes;

/// Bytes that are enough to recognise the kind of any file.
const START_BYTES: u64 = 512;

/// Tensors by name.
pub(super) type Tensors = HashMap<String, StoredTensor>;

/// A safetensors file or PyTorch checkpoint whose names and shapes are read and checked; its values are read when they
/// are asked for.
pub(crate) struct TensorFile<'a> {
    name: String,
    source: Source<'a>,
    tensors: Tensors,
    notes: Vec<String>,
}

impl<'a> TensorFile<'a> {
    /// Opens the file at `path`. What it is follows from its content.
    ///
    /// # Errors
    /// [`WeightsError`] where it cannot be read or is no whole file of weights.
    pub fn open(path: &Path) -> Result<Self, WeightsError> {
        let file = path.display().to_string();
        match Source::open(path) {
            Ok(source) => Self::new(source, file),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Err(WeightsError::NotFound { file }),
            Err(source) => Err(WeightsError::Read { file, source }),
        }
    }

    /// Takes a file that is in memory. `name` stands for its path in errors.
    ///
    /// # Errors
    /// [`WeightsError`] where it is no whole file of weights.
    pub fn parse(bytes: &'a [u8], name: &str) -> Result<Self, WeightsError> {
        Self::new(Source::Bytes(bytes), name.into())
    }

    fn new(source: Source<'a>, name: String) -> Result<Self, WeightsError> {
        let length = source.len();
        let start = source.read(0, length.min(START_BYTES) as usize);
        let start = start.map_err(|source| WeightsError::Read { file: name.clone(), source })?;
        if length == 0 {
            return Err(WeightsError::Empty { file: name });
        }
        if start.starts_with(b"version https://git-lfs") {
            return Err(WeightsError::LfsPointer { file: name });
        }
        let format = checkpoint::format(&start).filter(|_| !header::opens_header(&start));
        let (tensors, notes) = match format {
            Some(format) => checkpoint::tensors(&source, format)
                .map_err(|reason| WeightsError::Checkpoint { file: name.clone(), reason })?,
            None => (header::tensors(&source, &start, &name)?, Vec::new()),
        };
        Ok(Self { name, source, tensors, notes })
    }

    /// Its path, or what stands for it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What a user should know of how it was read, a sentence each.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// The shapes of its tensors.
    pub fn shapes(&self) -> Shapes<'_> {
        self.tensors.iter().map(|(name, tensor)| (name.as_str(), tensor.shape.as_slice())).collect()
    }

    /// How many of the tensors with these names have 64 bits, which reading rounds to 32.
    pub fn rounded(&self, names: &[String]) -> usize {
        let found = names.iter().filter_map(|name| self.tensors.get(name));
        found.filter(|tensor| tensor.element == Element::F64).count()
    }

    /// Reads the tensors with these names, as f32, each row-major. Needs memory for the values and the bytes of one
    /// tensor.
    ///
    /// # Errors
    /// [`WeightsError::Read`], and [`WeightsError::ElementType`] for element types other than F64, F32, F16 and BF16.
    pub fn read(&self, names: &[String]) -> Result<Vec<Vec<f32>>, WeightsError> {
        let mut values = Vec::with_capacity(names.len());
        let mut unsupported = Vec::new();
        // Whoever asks has the names from `shapes`.
        for (name, tensor) in names.iter().filter_map(|name| Some((name, self.tensors.get(name)?))) {
            let read = tensor.read(&self.source);
            match read.map_err(|source| WeightsError::Read { file: self.name.clone(), source })? {
                Some(read) => values.push(read),
                None => {
                    let element_type = tensor.element.to_string();
                    unsupported.push(UnsupportedTensor { name: name.clone(), element_type });
                }
            }
        }
        if unsupported.is_empty() {
            return Ok(values);
        }
        Err(WeightsError::ElementType { file: self.name.clone(), tensors: unsupported })
    }
}
