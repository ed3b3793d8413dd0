//! Adapters, graphics interfaces and tiles.

use std::convert::Infallible;

use clap::ValueEnum;

use agf::gpu::{AdapterChoice, BackendChoice};
use agf::tuning::WinogradTile;

/// A graphics interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Backend {
    /// Linux, Windows, Android
    Vulkan,
    /// macOS, iOS
    Metal,
    /// Windows
    Dx12,
}

impl From<Backend> for BackendChoice {
    fn from(backend: Backend) -> Self {
        match backend {
            Backend::Vulkan => Self::Vulkan,
            Backend::Metal => Self::Metal,
            Backend::Dx12 => Self::Dx12,
        }
    }
}

/// The largest tile of Winograd's algorithm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Winograd {
    /// Direct sums throughout
    #[value(name = "0")]
    Never,
    /// F(2x2, 3x3), where it is accurate enough and expected to be faster
    #[value(name = "2")]
    Two,
    /// Also F(4x4, 3x3)
    #[value(name = "4")]
    Four,
}

impl Winograd {
    /// The value as it is given.
    pub fn name(self) -> &'static str {
        match self {
            Self::Never => "0",
            Self::Two => "2",
            Self::Four => "4",
        }
    }
}

impl From<Winograd> for Option<WinogradTile> {
    fn from(largest: Winograd) -> Self {
        match largest {
            Winograd::Never => None,
            Winograd::Two => Some(WinogradTile::Two),
            Winograd::Four => Some(WinogradTile::Four),
        }
    }
}

/// Reads an adapter's number in the list of `agf-run devices`, or a part of its name.
pub fn adapter_choice(text: &str) -> Result<AdapterChoice, Infallible> {
    Ok(text.parse().map_or_else(|_| AdapterChoice::Name(text.into()), AdapterChoice::Index))
}
