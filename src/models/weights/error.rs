//! What can go wrong between a weights file and a model recipe.

use std::fmt::{self, Display};
use std::io;

use super::checkpoint::CheckpointError;
use super::file_kind::FileKind;
use crate::graph::GraphError;
use crate::models::fit::Closest;

/// Entries of each list that a message shows; the error value holds them all.
const SHOWN_ENTRIES: usize = 12;

/// Why weights could not be loaded. `file` is the path, or the name the caller
/// gave to weights in memory.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WeightsError {
    /// The network that the weights are for cannot be built.
    #[error(transparent)]
    Network(#[from] GraphError),
    /// There is no file at this path.
    #[error("weights file {file} does not exist; check the path")]
    NotFound {
        /// The weights file.
        file: String,
    },
    /// The operating system could not read the file.
    #[error("weights file {file} cannot be read ({source}); check that it is a file with read permission")]
    Read {
        /// The weights file.
        file: String,
        /// The system's error.
        source: io::Error,
    },
    /// The file has 0 bytes.
    #[error("weights file {file} is empty (0 bytes); download or export it again")]
    Empty {
        /// The weights file.
        file: String,
    },
    /// The file is the placeholder that git-LFS leaves for a large file.
    #[error("weights file {file} is a git-LFS pointer, not the weights; run `git lfs pull`")]
    LfsPointer {
        /// The weights file.
        file: String,
    },
    /// The file is a PyTorch checkpoint that cannot be read.
    #[error("weights file {file} is a PyTorch checkpoint that cannot be read: {reason}")]
    Checkpoint {
        /// The weights file.
        file: String,
        /// Why.
        reason: CheckpointError,
    },
    /// The file is neither a safetensors file nor a PyTorch checkpoint.
    #[error("weights file {file} is neither a safetensors file nor a PyTorch checkpoint: {kind}")]
    OtherKind {
        /// The weights file.
        file: String,
        /// What it appears to be.
        kind: FileKind,
    },
    /// The file ends before the data that its header announces.
    #[error("weights file {file} is truncated: it needs {needed} bytes and has {found}; download or copy it again")]
    Truncated {
        /// The weights file.
        file: String,
        /// Bytes needed by what could be read of the header.
        needed: u64,
        /// Bytes present.
        found: u64,
    },
    /// The file goes on after the data that its header announces.
    #[error("weights file {file} has {found} bytes where its header describes {needed}; download or export it again")]
    TrailingBytes {
        /// The weights file.
        file: String,
        /// Bytes described by the header, including the header itself.
        needed: u64,
        /// Bytes present.
        found: u64,
    },
    /// The header length in the first 8 bytes is beyond what the format allows.
    #[error(
        "weights file {file} states a header of {length} bytes, more than the {limit} that safetensors allows; \
         it is damaged, download or export it again"
    )]
    HeaderLength {
        /// The weights file.
        file: String,
        /// Header length in bytes that the file states.
        length: u64,
        /// Largest header length in bytes that the format allows.
        limit: u64,
    },
    /// The header is not valid JSON or contradicts itself.
    #[error("weights file {file} has a damaged safetensors header ({reason}); download or export it again")]
    CorruptHeader {
        /// The weights file.
        file: String,
        /// What is wrong with the header.
        reason: String,
    },
    /// The tensors are not those of the model. Names are as in the file, or as
    /// they would be there by its naming scheme.
    #[error(
        "weights file {file} does not fit the model: {}; {}",
        describe_mismatch(.missing, .unexpected, .misshapen),
        describe_closest(.closest.as_deref())
    )]
    Mismatch {
        /// The weights file.
        file: String,
        /// Tensors the model needs and the file lacks, in model order.
        missing: Vec<String>,
        /// Tensors in the file that the model does not have, sorted by name.
        unexpected: Vec<String>,
        /// Tensors of another shape than the model's, in model order.
        misshapen: Vec<ShapeMismatch>,
        /// The known network that the file fits best, if one was looked for and fits at all.
        closest: Option<Box<Closest>>,
    },
    /// All of the network is there but its last layer.
    #[error(
        "weights file {file} has all of the model but its last layer, which would be {layer}.weight of shape \
         (classes, {inputs}) and {layer}.bias of shape (classes), and no other layer has such shapes; bring a \
         network that was trained to classify"
    )]
    NoHead {
        /// The weights file.
        file: String,
        /// What the layer would be called in the file.
        layer: String,
        /// Its number of inputs.
        inputs: usize,
    },
    /// Several sets of tensors could be the same part of the model.
    #[error(
        "weights file {file} can be read in several ways, as {what} could be any of: {}; \
         leave out the tensors of the others",
        list(candidates)
    )]
    Ambiguous {
        /// The weights file.
        file: String,
        /// What there are several of.
        what: &'static str,
        /// The tensors, by their names or what these begin with.
        candidates: Vec<String>,
    },
    /// Tensors shall be left out that are not there.
    #[error(
        "weights file {file} has no tensor called '{pattern}' to leave out; its names begin with {}",
        list(modules)
    )]
    NothingSkipped {
        /// The weights file.
        file: String,
        /// The pattern that no name matches.
        pattern: String,
        /// What names begin with, up to the first point.
        modules: Vec<String>,
    },
    /// Tensors have an element type other than F64, F32, F16 and BF16.
    #[error(
        "weights file {file} has tensors that are not F64, F32, F16 or BF16: {}; export the model with `model.float()`",
        list(.tensors)
    )]
    ElementType {
        /// The weights file.
        file: String,
        /// The tensors, in model order.
        tensors: Vec<UnsupportedTensor>,
    },
    /// Tensors hold values that no network can have.
    #[error("weights file {file} has impossible values: {}; train or export the model again", list(.tensors))]
    Impossible {
        /// The weights file.
        file: String,
        /// The tensors, in model order.
        tensors: Vec<ImpossibleTensor>,
    },
    /// A value cannot be rounded to f16.
    #[error(
        "weights file {file}: {tensor} has the value {value}, beyond f16's largest, 65504; keep the weights in f32"
    )]
    BeyondF16 {
        /// The weights file.
        file: String,
        /// Name of the parameter.
        tensor: String,
        /// The value of largest magnitude.
        value: f32,
    },
    /// The data of a tensor in memory does not fill its shape.
    #[error("a tensor of shape {shape:?} cannot hold {found} values; pass as many as the product of its dimensions")]
    TensorLength {
        /// The shape given.
        shape: Vec<usize>,
        /// Number of values given.
        found: usize,
    },
}

impl WeightsError {
    /// Says which network a file that does not fit would fit best.
    pub(crate) fn with_closest(mut self, network: Option<Closest>) -> Self {
        if let Self::Mismatch { closest, .. } = &mut self {
            *closest = network.map(Box::new);
        }
        self
    }
}

/// A tensor whose shape is not the model's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShapeMismatch {
    /// Name in the file.
    pub name: String,
    /// Shape in the file.
    pub found: Vec<usize>,
    /// Shape the model needs.
    pub expected: Vec<usize>,
}

impl Display for ShapeMismatch {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, found, expected } = self;
        write!(formatter, "{name} is {found:?} instead of {expected:?}")
    }
}

/// A tensor whose element type cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnsupportedTensor {
    /// Name in the file.
    pub name: String,
    /// Element type as safetensors spells it, such as `I64`.
    pub element_type: String,
}

impl Display for UnsupportedTensor {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} is {}", self.name, self.element_type)
    }
}

/// Why values cannot be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Problem {
    /// NaN or infinite.
    NotFinite,
    /// A variance below 0.
    NegativeVariance,
}

impl Display for Problem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::NotFinite => "NaN or infinite",
            Self::NegativeVariance => "negative, though it is a variance,",
        })
    }
}

/// A tensor with values that no network can have.
#[derive(Debug, Clone, PartialEq)]
pub struct ImpossibleTensor {
    /// Name in the file.
    pub name: String,
    /// What is wrong with the values.
    pub problem: Problem,
    /// Row-major index of the first such value.
    pub first_index: usize,
    /// The first such value.
    pub value: f32,
    /// Number of such values.
    pub count: usize,
}

impl Display for ImpossibleTensor {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, problem, first_index, value, count } = self;
        let places = if *count == 1 { "1 place".into() } else { format!("{count} places, the first") };
        write!(formatter, "{name} is {problem} in {places} at {first_index} ({value})")
    }
}

/// The three lists of a mismatch, without the empty ones.
fn describe_mismatch(missing: &[String], unexpected: &[String], misshapen: &[ShapeMismatch]) -> String {
    let parts = [
        (missing.len(), "missing", list(missing)),
        (unexpected.len(), "unexpected", list(unexpected)),
        (misshapen.len(), "of the wrong shape", list(misshapen)),
    ];
    let parts: Vec<String> = parts
        .into_iter()
        .filter(|(count, ..)| *count > 0)
        .map(|(count, what, names)| format!("{count} {what} ({names})"))
        .collect();
    parts.join(", ")
}

/// Which network to choose instead.
fn describe_closest(closest: Option<&Closest>) -> String {
    match closest {
        Some(closest) => closest.to_string(),
        None => "choose the architecture that the file was made for".into(),
    }
}

/// The first entries, and how many more there are.
fn list(entries: &[impl Display]) -> String {
    let shown: Vec<String> = entries.iter().take(SHOWN_ENTRIES).map(ToString::to_string).collect();
    let shown = shown.join(", ");
    match entries.len().saturating_sub(SHOWN_ENTRIES) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}
