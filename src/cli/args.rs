//! What can be written behind `agf-run`, as types. The help texts are the documentation of the flags.

use std::num::NonZeroU32;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use super::eval::args::EvalArguments;
use super::methods::{MemorySize, MethodArguments, MethodChoice};
use super::rules::{AddArguments, RuleArguments};
use super::values::{self, Ablation, Backend, ClassSpec, Dimensions, ListItem, Save, Size, WeightsSource};
use crate::gpu::AdapterChoice;
use crate::image::{Colormap, Range};
use crate::models::{Architecture, Precision};

const EXAMPLES: &str = "\
Examples:
  agf-run explain panda_macaw.jpg --class \"giant panda\" --class macaw --save overlay,panel
  agf-run explain photos/ --class top:3 --save npy --out maps
  agf-run explain photo.jpg --model vgg19 --weights model.safetensors --size native
  agf-run predict photos/ --top 3
  agf-run plan --model resnet50 --size 448x448
  agf-run bench --model vgg19 --json
  agf-run tune
  agf-run devices

Data goes to standard output, everything else to standard error.
Exit codes: 0 all done, 1 a check failed (verify), 2 an error; where one of several inputs fails, the others are still done.

Help and errors are coloured on a terminal, unless the environment variable NO_COLOR is set.";

const EXPLAIN_NOTES: &str = "\
Standard output has one line per map, with tabs between its columns: input, class number, class name, probability, the method \
where --method names another than agf alone, and the files written.

File names begin with that of the input, without its ending; a picture found in a folder keeps its path below that folder, so \
photos/a/x.jpg becomes DIR/a/x.388.overlay.png when the INPUT is photos/. With another method than agf, or several, it is named \
behind the class: x.388.grad-cam.overlay.png. The panel of several methods, x.panel.png, has a row per class and a column per method. Where two inputs would get the same name, the later \
one becomes x-2, x-3 and so on. A .npy file may hold several inputs, so theirs carry an index: NAME.INDEX.CLASS.npy.

DIR/report.json tells for each input its file names, sizes, top-5 classes, each map's numbers and the time it took, and for \
each failed input why. Files are written at once or not at all, so an interrupted run leaves no half ones. Ctrl-C ends the run \
after the batch at hand, with a report of what is done; pressed again it ends the run at once.

Examples:
  agf-run explain panda_macaw.jpg                                  what speaks for the best class
  agf-run explain panda_macaw.jpg --class top:2 --save panel       the two best, side by side
  agf-run explain panda_macaw.jpg --class 388 --class macaw --save npy
  agf-run explain photos/ --range 0.5 --save heatmap --out heat    comparable colours
  agf-run explain panda_macaw.jpg --class 388 --class macaw --method all   a panel of all methods
  agf-run explain photo.jpg --method smoothgrad --samples 100 --seed 7 --max-memory 500M
  agf-run explain inputs.npy --ablate no_m,no_a --json";

const RULES_NOTES: &str = "\
The first [[rule]] that fits a node is its rule; a node without one is an error. A rule fits by its op (convolution, linear, \
batch-norm, activation, max-pool, average-pool, add, fan-out), a convolution's role (first, full, flat) and kernel, a pattern of \
the node's name (* and ?), and the depth = [FIRST, LAST] in layers with weights, from 1 at the picture or -1 at the logits. \
Without an op it fits every kind of node that it is defined for.

  apply = ...                                    what it does, and where
  box                                            convolution: within the range of its input's values
  alpha-beta (alpha), z-plus, epsilon (epsilon), gamma (gamma), flat, w-square, absolute, rap, full
                                                 convolution, linear
  fold                                           batch-norm: as a part of the convolution before it
  ratio                                          activation, max-pool, average-pool, add, fan-out: x J^T (c / f(x))
  magnitude                                      add: as |a| : |b|
  pass                                           batch-norm, activation; fan-out: the sum

start is logit, logit-contrast, softmax-contrast or probability; normalize = true divides the map by its largest relevance.

Examples:
  agf-run rules --method lrp > my.toml
  agf-run explain photo.jpg --rules my.toml";

const BENCH_NOTES: &str = "\
All figures are medians of many runs, with their spread. Kernels and probes are timed by the GPU's own timestamps where it has \
them, otherwise by the wall clock around each step; whole networks by the wall clock, from picture to result in main memory. The \
FMA probe multiplies and adds in registers and the copy probe copies from memory to memory, in the same rounds as the kernels: \
they are the best that this machine gives at that time. Operations and bytes of a kernel are those of the plan: a kernel that \
gets by with fewer operations than a direct convolution shows effective GFLOP/s.

The start is that of `agf-run explain` for one class as a process of its own, first with empty shader caches, then again; the \
output says where a driver's cache cannot be emptied. Other programs that run at the same time make all figures worse.

Examples:
  agf-run bench                                     the built-in network
  agf-run bench --model resnet50 --json > r.json    made-up weights, for a script
  agf-run bench --batch 8 --no-start --seconds 10   a batch against single runs, with more repeats";

const TUNE_NOTES: &str = "\
Times every way to compute a dense convolution that the adapter and the wanted accuracy allow, in turn with the default one, and \
keeps the fastest where it is faster by more than the spread. Shapes of layers do not depend on weights, so a model's are made up \
where they are not built in. Other programs that run at the same time make the choices worse.

The choices are kept in the user's cache folder, beside those of earlier runs for other models and sizes. They belong to the \
adapter, its driver and this version of agf; every command uses them from then on unless it is told --no-tuning. They may change \
the last digits of a map. To forget them, remove the file that this command names.

Examples:
  agf-run tune                                      the built-in network
  agf-run tune --model resnet50 --model vgg19       several, with made-up weights
  agf-run tune --model resnet50 --size 448x448";

/// Shows which pixels of a photo speak for a class, and which against it.
///
/// Explains image classifiers with Attribution Guided Factorization (Gur, Ali and Wolf, AAAI 2021), on any GPU with a Vulkan,
/// Metal or Direct3D 12 driver.
#[derive(Debug, Parser)]
#[command(name = "agf-run", version, after_help = EXAMPLES, max_term_width = 110)]
pub struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Write maps of what speaks for and against classes of photos
    #[command(after_help = EXPLAIN_NOTES)]
    Explain(ExplainArguments),
    /// Print the most probable classes of photos
    Predict(PredictArguments),
    /// List the adapters, and which one would be taken and why
    Devices(DevicesArguments),
    /// Print the steps that a model runs, with their cost
    Plan(PlanArguments),
    /// Print the rules of a relevance method, as --rules takes them
    #[command(after_help = RULES_NOTES)]
    Rules(RulesArguments),
    /// Compare the GPU with a reference in 64 bit on the CPU, node by node
    Verify(VerifyArguments),
    /// Measure how fast kernels, networks and the program's start are on this machine
    #[command(after_help = BENCH_NOTES)]
    Bench(BenchArguments),
    /// Find out which convolution kernels are the fastest on this adapter, for later runs
    #[command(after_help = TUNE_NOTES)]
    Tune(TuneArguments),
    /// Evaluate methods on photos: perturbation, segmentation, pointing games, insertion, deletion, randomisation
    Eval(Box<EvalArguments>),
}

/// `agf-run explain`.
#[derive(Debug, Args)]
pub struct ExplainArguments {
    #[command(flatten)]
    #[allow(missing_docs)]
    pub input: InputArguments,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub model: ModelArguments,
    /// Class to explain: top, top:K, a class number, or a class name; may be given several times
    ///
    /// A name is compared in any case with the usual names, then with further ones, then with parts of names. Where several
    /// classes fit, they are listed. All classes of a photo share one forward pass; there may be 64 of them.
    #[arg(long = "class", value_name = "SPEC", default_value = "top", allow_negative_numbers = true)]
    pub classes: Vec<ClassSpec>,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub method: MethodArguments,
    /// Run every map again with the input changed by a millionth, and report how much the map changes
    #[arg(long)]
    pub audit: bool,
    /// Folder for all files; made if need be, and left out where an INPUT is searched
    ///
    /// Where it is an INPUT itself or lies around one, pictures in it that are called as outputs (NAME.CLASS.overlay.png,
    /// NAME.CLASS.heatmap.png, NAME.panel.png) are left out. Inputs are never overwritten.
    #[arg(long, value_name = "DIR", default_value = "out")]
    pub out: PathBuf,
    /// Kinds of files to write, separated by commas [default: overlay, or panel with several methods]
    #[arg(long, value_name = "LIST", value_delimiter = ',', value_parser = ListItem::<Save>::default())]
    pub save: Vec<Save>,
    /// Colours of pictures; zero always gets the middle one
    #[arg(long, value_name = "NAME", default_value = "seismic")]
    pub colormap: Colormap,
    /// Value that gets the end colours: a number, so that pictures compare, or auto, which fits each map
    #[arg(long, value_name = "auto|NUMBER", default_value = "auto", allow_negative_numbers = true)]
    pub range: Range,
    /// Print the report on standard output instead of one line per map
    #[arg(long)]
    pub json: bool,
    /// Most GPU memory for values and weights, such as 500M or 2GiB; batches are cut to fit [default: what the adapter allows]
    #[arg(long, value_name = "SIZE")]
    pub max_memory: Option<MemorySize>,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub device: DeviceArguments,
}

/// `agf-run predict`.
#[derive(Debug, Args)]
pub struct PredictArguments {
    #[command(flatten)]
    #[allow(missing_docs)]
    pub input: InputArguments,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub model: ModelArguments,
    /// Number of classes per input
    #[arg(long, value_name = "K", default_value = "5", value_parser = values::count)]
    pub top: NonZeroU32,
    /// Print one JSON document instead of lines of input, class number, class name and probability
    #[arg(long)]
    pub json: bool,
    /// Most GPU memory for values and weights, such as 500M or 2GiB; batches are cut to fit [default: what the adapter allows]
    #[arg(long, value_name = "SIZE")]
    pub max_memory: Option<MemorySize>,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub device: DeviceArguments,
}

/// `agf-run devices`.
#[derive(Debug, Args)]
pub struct DevicesArguments {
    #[command(flatten)]
    #[allow(missing_docs)]
    pub device: DeviceArguments,
}

/// `agf-run plan`.
#[derive(Debug, Args)]
pub struct PlanArguments {
    #[command(flatten)]
    #[allow(missing_docs)]
    pub model: ModelArguments,
    /// Size of the network's input [default: the model's own]
    #[arg(long, value_name = "HxW")]
    pub size: Option<Dimensions>,
    /// Inputs per run
    #[arg(long, value_name = "N", default_value = "1", value_parser = values::count)]
    pub batch: NonZeroU32,
    /// Classes to explain per input, at most 64
    #[arg(long, value_name = "K", default_value = "1", conflicts_with = "forward", value_parser = values::count)]
    pub classes: NonZeroU32,
    /// Plan the forward pass alone, without an explanation
    #[arg(long)]
    pub forward: bool,
    /// Explanation method; one pass of it where it has several
    #[arg(long, value_name = "NAME", default_value = "agf", conflicts_with = "rules", value_parser = MethodChoice::parser(false))]
    pub method: MethodChoice,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub rules: RuleArguments,
    /// Parts of the method to change, separated by commas
    #[arg(long, value_name = "LIST", value_delimiter = ',', value_parser = ListItem::<Ablation>::default())]
    pub ablate: Vec<Ablation>,
    /// Most GPU memory for values and weights, such as 500M or 2GiB; batches are cut to fit [default: what the adapter allows]
    #[arg(long, value_name = "SIZE")]
    pub max_memory: Option<MemorySize>,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub device: DeviceArguments,
}

/// `agf-run rules`.
#[derive(Debug, Args)]
pub struct RulesArguments {
    /// Relevance method
    #[arg(long, value_name = "NAME", default_value = "agf", value_parser = MethodChoice::parser(false))]
    pub method: MethodChoice,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub add: AddArguments,
}

/// `agf-run verify`.
#[derive(Debug, Args)]
pub struct VerifyArguments {
    #[command(flatten)]
    #[allow(missing_docs)]
    pub model: ModelArguments,
    /// Size of the network's input; the reference is slow
    #[arg(long, value_name = "HxW", default_value = "64x64")]
    pub size: Dimensions,
    /// Inputs per run, at most 64
    #[arg(long, value_name = "N", default_value = "1", value_parser = clap::value_parser!(u32).range(1..=64))]
    pub batch: u32,
    /// Explanation method; one pass of it where it has several
    #[arg(long, value_name = "NAME", default_value = "agf", conflicts_with = "rules", value_parser = MethodChoice::parser(false))]
    pub method: MethodChoice,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub rules: RuleArguments,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub device: DeviceArguments,
}

/// `agf-run bench`.
#[derive(Debug, Args)]
pub struct BenchArguments {
    #[command(flatten)]
    #[allow(missing_docs)]
    pub model: ModelArguments,
    /// Size of the network's input [default: the model's own]
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
    pub device: DeviceArguments,
}

/// `agf-run tune`.
#[derive(Debug, Args)]
pub struct TuneArguments {
    /// Network; may be given several times
    #[arg(long = "model", value_name = "NAME", default_value = "efficientnet_lite0")]
    pub models: Vec<Architecture>,
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

/// What goes in.
#[derive(Debug, Args)]
pub struct InputArguments {
    /// Photos, folders of photos, or .npy files
    ///
    /// Folders are searched with all that lies below, in sorted order, for names that end in jpg, jpeg, png, webp, bmp, tif,
    /// tiff or gif; hidden files and links to folders are left out. A .npy file holds network inputs, already normalised:
    /// float32 of shape (N, 3, H, W).
    #[arg(value_name = "INPUT", required = true)]
    pub inputs: Vec<PathBuf>,
    /// Size of the network's input, or native for each photo's own [default: the model's own]
    ///
    /// Photos are scaled and cropped to it as they were when the model was evaluated. With native nothing is scaled or cropped.
    /// Inputs from a .npy file always keep theirs.
    #[arg(long, value_name = "HxW|native")]
    pub size: Option<Size>,
    /// Inputs per run; only neighbours of one size share a run
    #[arg(long, value_name = "N", default_value = "8", value_parser = values::count)]
    pub batch: NonZeroU32,
}

/// Which network.
#[derive(Debug, Args)]
pub struct ModelArguments {
    /// Network; only efficientnet_lite0 has built-in weights
    #[arg(long, value_name = "NAME", default_value = "efficientnet_lite0")]
    pub model: Architecture,
    /// Weights: a safetensors file with the names of torchvision or timm, or synthetic for made-up ones; plan, verify and bench
    /// make them up for a model that has none
    #[arg(long, value_name = "FILE|synthetic")]
    pub weights: Option<WeightsSource>,
    /// How the weights of linear layers and dense convolutions are kept in GPU memory; arithmetic is always f32
    #[arg(long, value_name = "NAME", default_value = Precision::F32.name())]
    pub precision: Precision,
}

/// Which device.
#[derive(Debug, Args)]
#[command(next_help_heading = "Device")]
pub struct DeviceArguments {
    /// Adapter to use: its number in the list of `agf-run devices`, or a part of its name [default: the fastest kind]
    #[arg(long, value_name = "INDEX|NAME", value_parser = values::adapter_choice)]
    pub adapter: Option<AdapterChoice>,
    /// Graphics interface to use [default: any]
    #[arg(long, value_name = "NAME")]
    pub backend: Option<Backend>,
    /// Use no more than every WebGPU device has: the default limits, and no optional features
    #[arg(long)]
    pub webgpu_limits: bool,
    /// Take the default convolution kernels, whatever agf-run tune found
    #[arg(long)]
    pub no_tuning: bool,
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_definition_is_sound() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn defaults_and_lists() {
        let parse = |line: &str| Arguments::try_parse_from(line.split(' ')).map(|arguments| arguments.command);
        let Ok(Command::Explain(explain)) = parse("agf-run explain a.jpg b --ablate no_fx,no_m --save npy,panel")
        else {
            panic!("the line is sound");
        };
        assert_eq!(explain.input.inputs.len(), 2);
        assert_eq!(explain.input.batch.get(), 8);
        assert_eq!(explain.method.ablate, [Ablation::NoFx, Ablation::NoM]);
        assert_eq!(explain.save, [Save::Npy, Save::Panel]);
        assert_eq!(explain.classes.len(), 1);
        let Command::Explain(explain) = Arguments::parse_from(["x", "explain", "a", "--save", " overlay, npy"]).command
        else {
            panic!("spaces do no harm");
        };
        assert_eq!(explain.save, [Save::Overlay, Save::Npy]);
        assert_eq!(explain.model.model, Architecture::EfficientNetLite0);
        for line in [
            "agf-run explain",
            "agf-run explain a --ablate no-fx",
            "agf-run explain a --batch 0",
            "agf-run explain a --range -1",
            "agf-run explain a --size 0x5",
            "agf-run plan --size native",
            "agf-run plan --model vgg20",
            "agf-run plan --forward --classes 2",
        ] {
            assert!(parse(line).is_err(), "{line}");
        }
    }
}
