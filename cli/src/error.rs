//! What ends a command early. A bad input among others does not: it is reported and the others go on.

use std::io;
use std::path::PathBuf;

use super::downloads::DownloadError;
use super::hints::Hinted;
use super::setup;
use super::terminal::count_of;
use super::without::WithoutClassError;
use agf::error::Error;
use agf::evaluation::DatasetError;
use agf::evaluation::records::RecordError;
use agf::gpu::GpuError;
use agf::image::ImageError;
use agf::methods::RulesError;
use agf::methods::relevance::Preset;
use agf::models::onnx::OnnxError;
use agf::models::weights::WeightsError;
use agf::models::{Architecture, LabelError, LabelFileError};
use agf::tuning::CacheError;

/// Why a command cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum CliError {
    /// The engine.
    #[error("{}", .0.told())]
    Engine(#[from] Error),
    /// The adapter, or what was asked of it.
    #[error("{}", .0.told())]
    Gpu(#[from] GpuError),
    /// The weights.
    #[error("{}", .0.told())]
    Weights(#[from] WeightsError),
    /// A file of class names.
    #[error(transparent)]
    LabelFile(#[from] LabelFileError),
    /// Class names that are not the model's.
    #[error(transparent)]
    Labels(LabelError),
    /// A standard deviation that cannot divide.
    #[error("--std must be above 0: pixels are divided by it")]
    Std,
    /// Values in bytes without their unit.
    #[error(
        "--mean and --std go beyond 1, but pixels are brought to 0..1 first; add --scale 0..255 if they are for bytes"
    )]
    NoScale,
    /// A class that was asked for.
    #[error("--class: {0}")]
    Class(#[from] LabelError),
    /// More classes asked for than there are.
    #[error("{flag}{wanted} asks for too many classes: {model} has {classes}")]
    TooManyClasses {
        /// The flag, as it stands in front of the number.
        flag: &'static str,
        /// How many were asked for.
        wanted: u32,
        /// The model's name.
        model: String,
        /// How many it has.
        classes: u32,
    },
    /// An option of a method that does not run.
    #[error("{flag} belongs to {method}, which is not among the methods; add --method {method} or leave {flag} out")]
    OptionWithoutMethod {
        /// The flag.
        flag: &'static str,
        /// The method's name.
        method: &'static str,
    },
    /// The file of rules cannot be read.
    #[error("cannot read the rules {}: {source}; check the path behind --rules", path.display())]
    RulesFile {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file of rules is faulty.
    #[error(transparent)]
    Rules(#[from] RulesError),
    /// Rules of methods that have none.
    #[error(
        "{what}: only relevance methods have rules; choose --method {} or --rules FILE",
        Preset::ALL.iter().map(|preset| preset.name()).collect::<Vec<_>>().join(", ")
    )]
    NoRules {
        /// What was asked for.
        what: String,
    },
    /// More classes asked for at once than a session is planned for.
    #[error("at most {most} classes of one photo, not {wanted}; run again for others")]
    ManyClasses {
        /// How many were asked for.
        wanted: usize,
        /// How many there may be.
        most: usize,
    },
    /// The size of a pattern for `verify`.
    #[error(
        "{} of this size do not fit into memory; choose a smaller --batch or --size",
        count_of(*.0 as usize, "picture")
    )]
    Pattern(u32),
    /// An ONNX file with other weights than its own.
    #[error("an ONNX file has its own weights; leave --weights out, or say synthetic for a file that has none")]
    WeightsOfOnnx,
    /// Weights that were not downloaded.
    #[error(transparent)]
    Download(#[from] DownloadError),
    /// A network from an ONNX file.
    #[error("{}", .0.told())]
    Onnx(#[from] OnnxError),
    /// A model without weights of its own.
    #[error("{0} has no built-in weights. {hint}", hint = setup::weights_hint(*.0))]
    NoWeights(Architecture),
    /// Every input failed before the start; each was reported, or this is the only one.
    #[error("{0}")]
    NoInputs(String),
    /// The output folder.
    #[error("cannot write to the output folder {}: {source}; choose another with --out", folder.display())]
    OutputFolder {
        /// The folder.
        folder: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// What is called as the report is something else.
    #[error(
        "{} is no report of this version of agf-run ({reason}), and would be replaced; \
         choose another folder with --out",
        path.display()
    )]
    ForeignReport {
        /// The file.
        path: PathBuf,
        /// Why it is none.
        reason: String,
    },
    /// What is there was made with other settings.
    #[error(
        "--resume: {} was made with other settings: {}; choose another folder with --out, or leave --resume out",
        path.display(), differences.join("; ")
    )]
    OtherRequest {
        /// The report.
        path: PathBuf,
        /// What differs.
        differences: Vec<String>,
    },
    /// The folder of an evaluation's photos.
    #[error("{}", .0.told())]
    Dataset(#[from] DatasetError),
    /// Records of an evaluation.
    #[error("{}", .0.told())]
    Records(#[from] RecordError),
    /// A file of an evaluation's results.
    #[error(transparent)]
    Results(#[from] ImageError),
    /// No photo has a mask.
    #[error("{} has no masks; masks are x_mask.png beside x.jpg, or masks/x.png for images/x.jpg", folder.display())]
    NoMasks {
        /// The folder of photos.
        folder: PathBuf,
    },
    /// No photo has another one of its class.
    #[error(
        "{} has no photo with another one of each of its classes, which --like other needs; \
         name the classes with --labels",
        folder.display()
    )]
    NoReferences {
        /// The folder of photos.
        folder: PathBuf,
    },
    /// Photos or masks that are no longer those that were evaluated.
    #[error(
        "{} of the pictures that are done in {} were replaced since: {}; \
         choose another folder with --out, or remove it",
        replaced.len(), folder.display(), shown(replaced)
    )]
    Replaced {
        /// The folder of results.
        folder: PathBuf,
        /// Their names.
        replaced: Vec<String>,
    },
    /// A file where a result is to be written.
    #[error(
        "{} is no result of an evaluation here and is not overwritten; choose another folder with --out",
        .0.display()
    )]
    ForeignResult(PathBuf),
    /// Another run holds the folder.
    #[error(
        "another run is writing into {} at the moment; wait for its end, or choose another folder with --out",
        folder.display()
    )]
    BusyFolder {
        /// The folder.
        folder: PathBuf,
    },
    /// Not enough classes for a mosaic.
    #[error(
        "{} has photos of fewer than {wanted} classes (by {classes_from}), \
         but a mosaic needs that many different ones; name the classes with --labels, or take fewer --cells",
        folder.display()
    )]
    FewClasses {
        /// The folder of photos.
        folder: PathBuf,
        /// Cells of a mosaic.
        wanted: u32,
        /// Where the classes come from.
        classes_from: &'static str,
    },
    /// Made-up weights have no tensors to choose from.
    #[error("--skip-tensors leaves out tensors of a file, and synthetic weights come from none; drop one of the two")]
    NothingToSkip,
    /// Nothing to merge.
    #[error("give the folders of the shards to merge")]
    NothingToMerge,
    /// Records of an evaluation that this version does not know.
    #[error("the records in {} are of an evaluation that this version does not know", folder.display())]
    UnknownEvaluation {
        /// Their folder.
        folder: PathBuf,
    },
    /// What photos are compared with.
    #[error(transparent)]
    WithoutClass(#[from] WithoutClassError),
    /// Standard output, for another reason than that nobody reads it.
    #[error("cannot write to standard output: {0}")]
    Stdout(#[from] io::Error),
    /// The thread that reads ahead could not be started.
    #[error("cannot start a thread to read the inputs: {0}")]
    Thread(io::Error),
    /// The file of tuned choices.
    #[error("{}", .0.told())]
    Tuning(#[from] CacheError),
    /// Nowhere to keep tuned choices.
    #[error("the user's cache folder, where tuned choices are kept, is not known; set HOME or XDG_CACHE_HOME")]
    NoCacheFolder,
    /// The benchmark's folder for inputs and caches.
    #[error("cannot write to a new folder in the system's folder for temporary files: {0}; set TMPDIR to another one")]
    BenchFolder(io::Error),
    /// The program that the benchmark starts.
    #[error("the program started to be measured did not end well: {0}; leave this measurement out with --no-start")]
    BenchStart(String),
}

/// Names that a message shows.
const SHOWN: usize = 10;

/// The first names of a list.
pub(super) fn shown(names: &[String]) -> String {
    let shown = names.iter().take(SHOWN).map(String::as_str).collect::<Vec<_>>().join(", ");
    if names.len() > SHOWN { shown + ", ..." } else { shown }
}
