//! What can be written behind `agf-run eval`.

use std::num::NonZeroU32;
use std::path::PathBuf;
use std::str::FromStr;

use clap::{Args, Subcommand, ValueEnum};

use crate::args::{DeviceArguments, ModelArguments};
use crate::methods::MethodArguments;
use crate::network::NetworkArguments;
use crate::values::{Dimensions, MemorySize, count};
use agf::evaluation::Likeness;
use agf::evaluation::records::Shard;

const NOTES: &str = "\
The data are found by their layout: a folder per class, called by its synset, number or name (ImageNet's validation \
set); photos with a list of labels (labels.csv, labels.tsv or labels.txt beside them, or --labels); photos with masks \
(x_mask.png beside x.jpg, or images/x.jpg and masks/x.png). Without folders or a list, a file's name may be a class \
(polar_bear.jpg). Where some photos have a class, those without are left out and named. docs/evaluating.md has all \
forms of lists and masks.

Standard output has a table, DIR has results.json, results.csv, curves as PNG and SVG, and records.jsonl with the \
scores of every picture. A run that was stopped or killed goes on where it was when the same command is given again, \
unless a picture was replaced. Pictures that cannot be used are listed at the end, and the exit code is 2.

To spread pictures over many runs give each --shard i/n and an --out of its own, then merge these:
  agf-run eval perturbation --data imagenet/val --shard 3/100 --out shards/3
  agf-run eval merge shards/* --out total";

/// `agf-run eval`.
#[derive(Debug, Args)]
#[command(after_help = NOTES)]
pub struct EvalArguments {
    /// Which evaluation
    #[command(subcommand)]
    pub command: EvalCommand,
}

/// The evaluations, and merging their shards.
#[derive(Debug, Subcommand)]
pub enum EvalCommand {
    /// Accuracy while pixels turn black, the lowest-ranked first (negative) or the highest-ranked first (positive)
    #[command(after_help = NOTES)]
    Perturbation(RunArguments),
    /// Maps against masks: pixel accuracy, mean IoU, mean average precision
    #[command(after_help = NOTES)]
    Segmentation(RunArguments),
    /// Mosaics of photos of different classes: how much of a class's positive map lies in its cell
    #[command(after_help = NOTES)]
    GridPointing(GridArguments),
    /// Whether the map's maximum lies in the class's mask, or at most 15 pixels beside it
    #[command(after_help = NOTES)]
    Pointing(PointingArguments),
    /// Probability of the class while pixels appear on the blurred photo, the most relevant first
    #[command(after_help = NOTES)]
    Insertion(StepArguments),
    /// Probability of the class while pixels vanish behind the mean colour, the most relevant first
    #[command(after_help = NOTES)]
    Deletion(StepArguments),
    /// Rank correlation with the map of the network with random layers, from the last to the first
    #[command(after_help = NOTES)]
    Randomisation(StageArguments),
    /// Merge the shards of an evaluation into one result
    Merge(MergeArguments),
}

/// What all evaluations take.
#[derive(Debug, Args)]
#[command(mut_arg("methods", |argument| argument.long("methods").alias("method").value_name("LIST").value_delimiter(',')
    .help("Explanation methods, separated by commas, or all")))]
#[command(mut_arg("class_names", |argument| argument.long("class-names")))]
pub struct RunArguments {
    /// Folder of photos
    #[arg(long, value_name = "DIR")]
    pub data: PathBuf,
    /// List of labels: lines of NAME,CLASS, or a class a line in the order of the photos
    #[arg(long, value_name = "FILE")]
    pub labels: Option<PathBuf>,
    /// Size of the network's input; with grid-pointing of a mosaic's cell [default: the model's own]
    #[arg(long, value_name = "HxW")]
    pub size: Option<Dimensions>,
    /// Use the first N pictures only
    #[arg(long, value_name = "N", value_parser = count)]
    pub limit: Option<NonZeroU32>,
    /// Pictures per run
    #[arg(long, value_name = "N", default_value = "8", value_parser = count)]
    pub batch: NonZeroU32,
    /// Most GPU memory for values and weights of a session, such as 500M or 2GiB [default: what the adapter allows]
    #[arg(long, value_name = "SIZE")]
    pub max_memory: Option<MemorySize>,
    /// Do only every n-th picture, beginning with the i-th, as one of n runs
    #[arg(long, value_name = "i/n", default_value = "1/1", value_parser = shard, hide_default_value = true)]
    pub shard: Shard,
    /// Folder for results; made if need be [default: eval-NAME]
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Print results.json on standard output instead of the table
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub method: MethodArguments,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub model: ModelArguments,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub network: NetworkArguments,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub device: DeviceArguments,
}

/// `agf-run eval grid-pointing`.
#[derive(Debug, Args)]
pub struct GridArguments {
    /// Cells of a mosaic: along one side, or rows and columns as in 1x2
    #[arg(long, value_name = "N|RxC", default_value = "2")]
    pub cells: Cells,
    /// Number of mosaics [default: the number of photos with a class]
    #[arg(long, value_name = "N", value_parser = count)]
    pub mosaics: Option<NonZeroU32>,
    /// Use no class: ask how like a photo of each cell the mosaic is, the cell's own one or another one of its class
    #[arg(long, value_name = "WHICH")]
    pub like: Option<LikeWhich>,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub run: RunArguments,
}

/// `agf-run eval pointing`.
#[derive(Debug, Args)]
pub struct PointingArguments {
    /// Use no class: ask how like another photo of each class, which shows it alone, the photo is
    #[arg(long)]
    pub like: bool,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub run: RunArguments,
}

/// Which photos mosaics are compared with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LikeWhich {
    /// The cells' own
    Own,
    /// Another one of each cell's class
    Other,
}

impl From<LikeWhich> for Likeness {
    fn from(which: LikeWhich) -> Self {
        match which {
            LikeWhich::Own => Self::Own,
            LikeWhich::Other => Self::Other,
        }
    }
}

/// Rows and columns of a mosaic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cells(pub [u32; 2]);

impl FromStr for Cells {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let number = |text: &str| text.parse().ok().filter(|number| (1..=8).contains(number));
        let cells = match text.split_once('x') {
            Some((rows, columns)) => number(rows).zip(number(columns)),
            None => number(text).map(|side| (side, side)),
        };
        let cells = cells.filter(|(rows, columns)| rows * columns > 1);
        cells
            .map(|(rows, columns)| Self([rows, columns]))
            .ok_or("give 2 to 8, or rows and columns of at most 8, as in 1x2")
    }
}

/// `agf-run eval insertion` and `deletion`.
#[derive(Debug, Args)]
pub struct StepArguments {
    /// Steps from no pixel to all
    #[arg(
        long = "pixel-steps",
        value_name = "N",
        default_value = "20",
        value_parser = clap::value_parser!(u32).range(2..=1000)
    )]
    pub pixel_steps: u32,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub run: RunArguments,
}

/// `agf-run eval randomisation`.
#[derive(Debug, Args)]
pub struct StageArguments {
    /// Stages from no random layer to all
    #[arg(long, value_name = "N", default_value = "8", value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub stages: u32,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub run: RunArguments,
}

/// `agf-run eval merge`.
#[derive(Debug, Args)]
pub struct MergeArguments {
    /// Output folders of all shards
    #[arg(value_name = "DIR", required = true)]
    pub folders: Vec<PathBuf>,
    /// Folder for the results of all together
    #[arg(long, value_name = "DIR", default_value = "merged")]
    pub out: PathBuf,
    /// Print results.json on standard output instead of the table
    #[arg(long)]
    pub json: bool,
}

fn shard(text: &str) -> Result<Shard, String> {
    let parse = |text: &str| text.trim().parse::<u64>().ok();
    let pair = text.split_once('/').and_then(|(index, count)| parse(index).zip(parse(count)));
    let shard = pair.map(|(index, count)| Shard { index, count });
    let usable = shard.filter(|shard| (1..=shard.count).contains(&shard.index));
    usable.ok_or_else(|| "give i/n with i from 1 to n, as in 3/100".to_owned())
}
