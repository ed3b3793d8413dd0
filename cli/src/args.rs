//! What can be written behind `agf-run`, as types. The help texts are the documentation of the flags.

mod measuring;
mod notes;
mod shared;

use std::num::NonZeroU32;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use super::eval::args::EvalArguments;
use super::methods::{self, MethodArguments, OneMethodArguments};
use super::network::NetworkArguments;
use super::rules::AddArguments;
use super::values::{self, ClassSpec, Dimensions, ListItem, MemorySize, NetworkSource, Save};
use super::without::args::{ComparisonArguments, EmbedArguments, NeighboursArguments};
use agf::graph::RoleChoice;
use agf::image::{Colormap, Range};
use agf::methods::Method;
use notes::{BENCH_NOTES, EXAMPLES, EXPLAIN_NOTES, RULES_NOTES, TUNE_NOTES};

pub use measuring::{BenchArguments, Measure, TuneArguments};
pub use shared::{DeviceArguments, InputArguments, ModelArguments, OnnxArguments};

/// Shows which pixels of a photo speak for a class, and which against it.
///
/// Explains image classifiers with Attribution Guided Factorization (Gur, Ali and Wolf, AAAI 2021), on any GPU with a
/// Vulkan, Metal or Direct3D 12 driver.
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
    Explain(Box<ExplainArguments>),
    /// Print the most probable classes of photos
    Predict(PredictArguments),
    /// List the pictures of a folder that the network takes for the most like a photo, with a contact sheet
    Neighbours(NeighboursArguments),
    /// Write the penultimate vectors of photos as an array
    Embed(EmbedArguments),
    /// List the adapters, and which one would be taken and why
    Devices(DevicesArguments),
    /// Print what a network is: inputs, outputs, operations, roles of convolutions
    Model(NetworkModelArguments),
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
    /// Class to explain: top, top:K, a class number, or a class name; may be given several times
    ///
    /// A name is compared in any case with the usual names, then with further ones, then with parts of names;
    /// ImageNet's classes may also be called by their WordNet numbers, such as n02510455. Where several
    /// classes fit, they are listed. All classes of a photo share one forward pass; there may be 64 of them.
    #[arg(long = "class", value_name = "SPEC", default_value = "top", allow_negative_numbers = true)]
    pub classes: Vec<ClassSpec>,
    /// Run every map again with the input changed by a millionth, and report how much the map changes
    #[arg(long)]
    pub audit: bool,
    /// Folder for all files; made if need be, and left out where an INPUT is searched
    ///
    /// Neither inputs nor maps of other inputs are ever overwritten: the outputs of a second x.jpg are called x-2.
    /// Pictures that agf-run wrote are left out of every folder that is searched.
    #[arg(long, value_name = "DIR", default_value = "out")]
    pub out: PathBuf,
    /// Go on where an earlier run with equal settings ended: leave out inputs whose maps are in the folder already
    ///
    /// An input is done if the report in the folder names it, the file has not changed since and all its files are
    /// there.
    #[arg(long)]
    pub resume: bool,
    /// Kinds of files to write, separated by commas [default: overlay, or panel with several methods]
    #[arg(long, value_name = "LIST", value_delimiter = ',', value_parser = ListItem::<Save>::default())]
    pub save: Vec<Save>,
    /// Colours of pictures; zero always gets the middle one
    #[arg(long, value_name = "NAME", default_value = "seismic", value_parser = values::colormap())]
    pub colormap: Colormap,
    /// Value that gets the end colours: a number, so that pictures compare, or auto, which fits each map
    #[arg(long, value_name = "auto|NUMBER", default_value = "auto", allow_negative_numbers = true)]
    pub range: Range,
    /// Print the report on standard output instead of one line per map
    #[arg(long)]
    pub json: bool,
    /// Most GPU memory for values and weights, such as 500M or 2GiB; batches are cut to fit [default: what the adapter
    /// allows]
    #[arg(long, value_name = "SIZE")]
    pub max_memory: Option<MemorySize>,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub comparison: ComparisonArguments,
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

impl ExplainArguments {
    /// Kinds of files to write for so many methods.
    pub(super) fn save(&self, methods: usize) -> Vec<Save> {
        match (&self.save[..], methods) {
            ([], 0 | 1) => vec![Save::Overlay],
            ([], _) => vec![Save::Panel],
            (chosen, _) => chosen.to_vec(),
        }
    }
}

/// `agf-run predict`.
#[derive(Debug, Args)]
pub struct PredictArguments {
    #[command(flatten)]
    #[allow(missing_docs)]
    pub input: InputArguments,
    /// Number of classes per input [default: 5, or all where there are fewer]
    #[arg(long, value_name = "K", value_parser = values::count)]
    pub top: Option<NonZeroU32>,
    /// Print one JSON document instead of lines of input, class number, class name and probability
    #[arg(long)]
    pub json: bool,
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
    pub device: DeviceArguments,
}

/// `agf-run devices`.
#[derive(Debug, Args)]
pub struct DevicesArguments {
    /// Also list every limit and feature of the adapters
    #[arg(long)]
    pub limits: bool,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub device: DeviceArguments,
}

/// `agf-run plan`.
#[derive(Debug, Args)]
pub struct PlanArguments {
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
    /// Most GPU memory for values and weights, such as 500M or 2GiB; batches are cut to fit [default: what the adapter
    /// allows]
    #[arg(long, value_name = "SIZE")]
    pub max_memory: Option<MemorySize>,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub method: OneMethodArguments,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub model: ModelArguments,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub device: DeviceArguments,
}

/// `agf-run model`.
#[derive(Debug, Args)]
pub struct NetworkModelArguments {
    /// Network: a name, or an ONNX file
    #[arg(value_name = "NAME|FILE.onnx")]
    pub model: NetworkSource,
    /// Size of the network's input [default: the model's own]
    #[arg(long, value_name = "HxW")]
    pub size: Option<Dimensions>,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub onnx: OnnxArguments,
    /// Role of the convolutions whose names fit, as for explain
    #[arg(long = "role", value_name = "NAME=ROLE")]
    pub roles: Vec<RoleChoice>,
    /// Print one JSON document
    #[arg(long)]
    pub json: bool,
}

/// `agf-run rules`.
#[derive(Debug, Args)]
pub struct RulesArguments {
    /// Relevance method
    #[arg(long, value_name = "NAME", default_value = "agf", value_parser = methods::relevance_parser())]
    pub method: Method,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub add: AddArguments,
}

/// `agf-run verify`.
#[derive(Debug, Args)]
pub struct VerifyArguments {
    /// Size of the network's input; the reference is slow
    #[arg(long, value_name = "HxW", default_value = "64x64")]
    pub size: Dimensions,
    /// Inputs per run, at most 64
    #[arg(long, value_name = "N", default_value = "1", value_parser = clap::value_parser!(u32).range(1..=64))]
    pub batch: u32,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub method: OneMethodArguments,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub model: ModelArguments,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub device: DeviceArguments,
}

#[cfg(test)]
mod tests {
    use super::super::values::Ablation;
    use super::*;
    use agf::models::Architecture;
    use clap::CommandFactory;

    #[test]
    fn the_definition_is_sound() {
        Arguments::command().debug_assert();
    }

    /// A heading holds for all arguments behind it, wherever they are defined.
    #[test]
    fn every_option_stands_under_its_heading() {
        fn ids<T: Args>() -> Vec<String> {
            let command = T::augment_args(clap::Command::new("x"));
            command.get_arguments().map(|argument| argument.get_id().to_string()).collect()
        }
        fn check(command: &clap::Command, groups: &[(&str, Vec<String>)]) {
            for argument in command.get_arguments() {
                let (id, heading) = (argument.get_id().as_str(), argument.get_help_heading());
                let found = groups.iter().filter(|(_, ids)| ids.iter().any(|known| known == id)).map(|(name, _)| *name);
                // Some commands have options of these names of their own.
                assert!(heading.is_none() || found.clone().any(|name| Some(name) == heading), "{id}: {heading:?}");
            }
            command.get_subcommands().for_each(|command| check(command, groups));
        }
        let groups = [
            ("Device", ids::<DeviceArguments>()),
            ("Network", ids::<ModelArguments>()),
            ("Own networks", ids::<NetworkArguments>()),
            ("Method", [ids::<MethodArguments>(), ids::<OneMethodArguments>()].concat()),
            ("Without a class", ids::<ComparisonArguments>()),
        ];
        check(&Arguments::command(), &groups);
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
        assert_eq!(explain.model.model, NetworkSource::Known(Architecture::EfficientNetLite0));
        for line in [
            "agf-run explain",
            "agf-run explain a --ablate no-fx",
            "agf-run explain a --batch 0",
            "agf-run explain a --range -1",
            "agf-run explain a --size 0x5",
            "agf-run explain a --against b.jpg --like c.jpg",
            "agf-run explain a --temperature 5",
            "agf-run explain a --like b --temperature 0",
            "agf-run neighbours a",
            "agf-run plan --size native",
            "agf-run plan --model vgg20",
            "agf-run plan --forward --classes 2",
            "agf-run plan --method all",
            "agf-run verify --rules x --method lrp",
        ] {
            assert!(parse(line).is_err(), "{line}");
        }
    }
}
