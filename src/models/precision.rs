//! How exactly weights are kept in GPU memory.

use std::str::FromStr;

/// How exactly the weights of linear layers and dense convolutions are kept in GPU memory. Arithmetic is always f32.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Precision {
    /// As they are.
    #[default]
    F32,
    /// Rounded to f16, in half the memory.
    F16Weights,
}

impl Precision {
    /// Every precision.
    pub const ALL: [Precision; 2] = [Precision::F32, Precision::F16Weights];

    /// Lower-case name, as on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Precision::F32 => "f32",
            Precision::F16Weights => "f16-weights",
        }
    }
}

impl FromStr for Precision {
    type Err = UnknownPrecision;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let known = Self::ALL.into_iter().find(|precision| precision.name() == name);
        known.ok_or_else(|| UnknownPrecision { name: name.into() })
    }
}

/// A name that is no precision's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown precision '{name}'; known are {}", Precision::ALL.map(Precision::name).join(", "))]
pub struct UnknownPrecision {
    /// The name given.
    pub name: String,
}
