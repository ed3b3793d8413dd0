//! Networks, and weights for them.

use std::convert::Infallible;
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};

use agf::models::{Architecture, Precision, UnknownArchitecture};

/// Where weights come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WeightsSource {
    /// A formula.
    Synthetic,
    /// A safetensors file or a PyTorch checkpoint.
    File(PathBuf),
    /// torchvision's own, from the folder that PyTorch downloads to.
    Torchvision,
    /// A repository of the Hugging Face hub, from its cache.
    Hub(String),
}

impl FromStr for WeightsSource {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(match (text, text.strip_prefix("hf:")) {
            ("synthetic", _) => Self::Synthetic,
            ("torchvision", _) => Self::Torchvision,
            (_, Some(repository)) => Self::Hub(repository.into()),
            (_, None) => Self::File(text.into()),
        })
    }
}

/// Where a network comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NetworkSource {
    /// One that has a recipe here.
    Known(Architecture),
    /// An ONNX file.
    Onnx(PathBuf),
}

impl FromStr for NetworkSource {
    type Err = UnknownArchitecture;

    /// A path that ends in `.onnx`, or a name.
    fn from_str(text: &str) -> Result<Self, UnknownArchitecture> {
        match Path::new(text).extension().is_some_and(|ending| ending.eq_ignore_ascii_case("onnx")) {
            true => Ok(Self::Onnx(text.into())),
            false => text.parse().map(Self::Known),
        }
    }
}

impl fmt::Display for NetworkSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Known(architecture) => architecture.fmt(f),
            Self::Onnx(path) => path.display().fmt(f),
        }
    }
}

/// Reads the name of a precision.
pub fn precision() -> impl TypedValueParser<Value = Precision> {
    let possible = Precision::ALL.map(|precision| {
        PossibleValue::new(precision.name()).help(match precision {
            Precision::F32 => "As they are",
            Precision::F16Weights => "Rounded to f16, in half the memory; Winograd's transforms of them stay f32",
        })
    });
    PossibleValuesParser::new(possible).try_map(|name| name.parse::<Precision>())
}
