//! The command line of what measures: `agf-run bench` and `agf-run tune`.

use std::num::NonZeroU32;

use clap::{Args, ValueEnum};

use super::{DeviceArguments, ModelArguments};
use crate::values::NetworkSource;
use crate::values::{self, Dimensions};

/// What `agf-run bench` measures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Measure {
    /// A network: whole, kernel by kernel, and the program's start
    Network,
    /// Every variant of the dense kernels, on a fixed list of layers of several networks
    Variants,
    /// What a dispatch costs beside its arithmetic
    Dispatches,
}

/// `agf-run bench`.
#[derive(Debug, Args)]
pub struct BenchArguments {
    /// What to measure
    #[arg(long, value_name = "WHAT", default_value = "network")]
    pub measure: Measure,
    /// Size of the network's input [default: the model's own]; of variants, of the networks that have the layers
    /// [default: 224x224]
    #[arg(long, value_name = "HxW")]
    pub size: Option<Dimensions>,
    /// Seconds for each kind of measurement; each is taken 5 to 101 times
    #[arg(long, value_name = "SECONDS", default_value = "5", value_parser = values::seconds)]
    pub seconds: f64,
    /// Take each measurement exactly so often
    #[arg(long, value_name = "N", value_parser = values::count)]
    pub repeats: Option<NonZeroU32>,
    /// Also measure N pictures at once against N single runs
    #[arg(long, value_name = "N", value_parser = values::count)]
    pub batch: Option<NonZeroU32>,
    /// Leave out the program's start and its memory
    #[arg(long)]
    pub no_start: bool,
    /// Print one JSON document instead of tables
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub model: ModelArguments,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub device: DeviceArguments,
}

/// `agf-run tune`.
#[derive(Debug, Args)]
pub struct TuneArguments {
    /// Network; may be given several times
    #[arg(long = "model", value_name = "NAME", default_value = "efficientnet_lite0")]
    pub models: Vec<NetworkSource>,
    /// Size of the networks' input [default: each model's own]
    #[arg(long, value_name = "HxW")]
    pub size: Option<Dimensions>,
    /// Seconds for each candidate of each shape; each is measured 5 to 51 times
    #[arg(long, value_name = "SECONDS", default_value = "0.1", value_parser = values::seconds)]
    pub seconds: f64,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub device: DeviceArguments,
}
