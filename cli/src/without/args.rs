//! What can be written behind `agf-run` about pictures that photos are compared with.

use std::convert::Infallible;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::str::FromStr;

use clap::Args;

use crate::args::{DeviceArguments, InputArguments, ModelArguments};
use crate::network::NetworkArguments;
use crate::values::{self, MemorySize};

/// What the logits of `agf-run explain` are, where it is not the network's classes.
#[derive(Debug, Args)]
#[command(next_help_heading = "Without a class")]
pub struct ComparisonArguments {
    /// Explain what sets each photo apart from this picture, or from the nearest one of --neighbours
    ///
    /// The logits are the photo's less the neighbour's, and --class top is the class in which the photo exceeds its
    /// neighbour the most.
    #[arg(long, value_name = "PICTURE|nearest", conflicts_with = "like")]
    pub against: Option<NeighbourChoice>,
    /// Folder of the pictures that --against nearest chooses from, by the angle between penultimate vectors; a photo
    /// is never its own neighbour
    #[arg(long, value_name = "DIR")]
    pub neighbours: Option<PathBuf>,
    /// Explain which pixels make each photo like this picture, or like those of a folder together; may be given
    /// several times
    ///
    /// References take the place of the classes: they are called like their files or folders, and several compete. A
    /// logit is the cosine of the angle between penultimate vectors times --temperature.
    #[arg(long, value_name = "PICTURE|DIR")]
    pub like: Vec<PathBuf>,
    /// What similarities are multiplied by to be logits: the higher, the more --like decides between references
    /// [default: 10]
    #[arg(long, value_name = "NUMBER", requires = "like", value_parser = temperature)]
    pub temperature: Option<f32>,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub vectors: VectorArguments,
}

/// Where penultimate vectors come from, and where they are kept.
#[derive(Debug, Args)]
#[command(next_help_heading = "Without a class")]
pub struct VectorArguments {
    /// Node of the network whose value is the penultimate vector, as agf-run plan calls it [default: what the last
    /// linear layer reads, or the output]
    #[arg(long, value_name = "NODE")]
    pub features: Option<String>,
    /// Folder for the vectors of folders, which are computed once per content, network and preprocessing [default:
    /// beside each folder]
    #[arg(long, value_name = "DIR")]
    pub cache: Option<PathBuf>,
}

/// What photos are set apart from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NeighbourChoice {
    /// The nearest one of a folder.
    Nearest,
    /// A picture.
    Picture(PathBuf),
}

impl FromStr for NeighbourChoice {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(if text == "nearest" { Self::Nearest } else { Self::Picture(text.into()) })
    }
}

fn temperature(text: &str) -> Result<f32, String> {
    let number = text.parse().ok().filter(|number: &f32| number.is_finite() && *number > 0.0);
    number.ok_or_else(|| "give a number above 0".into())
}

/// `agf-run neighbours`.
#[derive(Debug, Args)]
pub struct NeighboursArguments {
    #[command(flatten)]
    #[allow(missing_docs)]
    pub input: InputArguments,
    /// Folder to search, with all that lies below; the photo itself is left out by its content
    #[arg(long = "in", value_name = "DIR")]
    pub gallery: PathBuf,
    /// Number of neighbours per photo
    #[arg(long, value_name = "N", default_value = "5", value_parser = values::count)]
    pub top: NonZeroU32,
    /// Folder for the contact sheets, one per photo
    #[arg(long, value_name = "DIR", default_value = "out")]
    pub out: PathBuf,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub common: CommonArguments,
}

/// `agf-run embed`.
#[derive(Debug, Args)]
pub struct EmbedArguments {
    #[command(flatten)]
    #[allow(missing_docs)]
    pub input: InputArguments,
    /// Array to write: float32 of shape (N, C); the names of its rows go into a list beside it, vectors.txt for
    /// vectors.npy
    #[arg(long, value_name = "FILE.npy", default_value = "vectors.npy")]
    pub out: PathBuf,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub common: CommonArguments,
}

/// What the commands about vectors share.
#[derive(Debug, Args)]
pub struct CommonArguments {
    /// Most GPU memory for values and weights, such as 500M or 2GiB; batches are cut to fit [default: what the adapter
    /// allows]
    #[arg(long, value_name = "SIZE")]
    pub max_memory: Option<MemorySize>,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub model: ModelArguments,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub network: NetworkArguments,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub vectors: VectorArguments,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub device: DeviceArguments,
}
