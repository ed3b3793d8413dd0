//! `report.json`: what was done, with which numbers, and what failed.

mod entries;
mod maps;

use std::io::{self, Write};

use serde::Serialize;
use serde_json::{Map, Value};

use super::former::{FileStamp, Owner};
use super::network::PreprocessingReport;
use super::ranking::Ranked;
use super::without::comparison::NeighbourReport;
use agf::Cost;
use agf::gpu::AdapterSummary;
use agf::models::Model;
pub(super) use entries::Entries;
pub(super) use maps::MapReport;

/// Raised when a field of `report.json` changes its meaning or goes away.
pub(super) const SCHEMA: u32 = 2;
/// The same for what `predict --json` prints.
pub(super) const PREDICTIONS_SCHEMA: u32 = 1;

/// An input that could not be used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Failure {
    /// The file as it was given or found.
    pub(super) input: String,
    /// Why; names the file.
    pub(super) error: String,
}

/// The network and its weights.
#[derive(Serialize)]
pub(super) struct ModelReport {
    name: String,
    classes: u32,
    weights: String,
    /// How the file of weights was read, where its names are not the network's own.
    notes: Vec<String>,
    precision: &'static str,
    /// Where the names of classes come from: imagenet, numbers, or a file.
    labels: String,
    preprocessing: PreprocessingReport,
}

impl From<&Model> for ModelReport {
    fn from(model: &Model) -> Self {
        let (name, precision) = (model.name().into(), model.precision.name());
        let (weights, notes) = (model.source.clone(), model.notes.clone());
        let (labels, preprocessing) = (model.labels().source().to_string(), model.input_spec().into());
        Self { name, classes: model.classes(), weights, notes, precision, labels, preprocessing }
    }
}

/// The adapter that did the work.
#[derive(Serialize)]
pub(super) struct AdapterReport {
    name: String,
    kind: &'static str,
    backend: &'static str,
    driver: String,
    driver_info: String,
}

impl From<&AdapterSummary> for AdapterReport {
    fn from(summary: &AdapterSummary) -> Self {
        Self {
            name: summary.name.clone(),
            kind: summary.kind,
            backend: summary.backend,
            driver: summary.driver.clone(),
            driver_info: summary.driver_info.clone(),
        }
    }
}

/// An explanation method.
#[derive(Serialize)]
pub(super) struct MethodReport {
    pub(super) name: &'static str,
    /// By the names of their flags.
    pub(super) options: Map<String, Value>,
    /// The layers that the numbers of `conservation` belong to, from the logits to the picture.
    pub(super) layers: Vec<String>,
}

/// How pictures were coloured.
#[derive(Serialize)]
pub(super) struct ColorReport {
    pub(super) colormap: &'static str,
    /// `auto` or a number.
    pub(super) range: String,
}

/// All of `report.json`.
#[derive(Serialize)]
pub(super) struct Report {
    pub(super) schema: u32,
    pub(super) version: &'static str,
    pub(super) model: ModelReport,
    pub(super) methods: Vec<MethodReport>,
    pub(super) adapter: AdapterReport,
    pub(super) colors: ColorReport,
    /// Sums over all inputs.
    pub(super) milliseconds: Milliseconds,
    /// Largest amount of GPU memory in use, weights included.
    pub(super) peak_gpu_bytes: u64,
    /// Everything that the maps depend on but the input, by the names of settings.
    pub(super) request: Map<String, Value>,
    /// Those of earlier runs with equal settings first, as those reported them.
    #[serde(serialize_with = "Entries::as_place")]
    pub(super) inputs: Entries,
    pub(super) failed: Vec<Failure>,
    /// Number of inputs that were left undone, as in an interrupted run.
    pub(super) undone: usize,
    /// How often the GPU was lost and another device went on.
    pub(super) lost_devices: u32,
    /// Inputs of earlier runs whose maps are still in the folder.
    pub(super) earlier: Vec<Owner>,
    /// Inputs of this run, and maps of theirs.
    #[serde(skip)]
    pub(super) done: [usize; 2],
}

/// Where the list of inputs stands in a report's text.
const PLACE: [&str; 2] = ["\n  \"inputs\": [", "]"];

impl Report {
    /// Adds an input that is done.
    ///
    /// # Errors
    /// Where its entry is no JSON.
    pub(super) fn add(&mut self, input: &InputReport, cost: &Cost) -> io::Result<()> {
        self.inputs.push(&input.name, input)?;
        self.milliseconds.add(&input.milliseconds);
        self.peak_gpu_bytes = self.peak_gpu_bytes.max(cost.gpu_bytes);
        self.done = [self.done[0] + 1, self.done[1] + input.maps.len()];
        Ok(())
    }

    /// Writes all of it.
    ///
    /// # Errors
    /// The target's.
    pub(super) fn write(&self, to: &mut impl Write) -> io::Result<()> {
        let text = serde_json::to_string_pretty(self)?;
        let (head, tail) = text.split_once(&PLACE.concat()).ok_or_else(|| io::Error::other("no place for inputs"))?;
        to.write_all(head.as_bytes())?;
        to.write_all(PLACE[0].as_bytes())?;
        self.inputs.write(to)?;
        to.write_all(PLACE[1].as_bytes())?;
        to.write_all(tail.as_bytes())
    }
}

/// One input.
#[derive(Serialize)]
pub(super) struct InputReport {
    /// The file as it was given or found.
    pub(super) input: String,
    /// Position in the file, where it is an array of inputs.
    pub(super) index: Option<usize>,
    /// What its outputs' names begin with, relative to the output folder.
    pub(super) name: String,
    /// The file that was explained.
    pub(super) file: FileStamp,
    /// The photo's size; none for an input from an array.
    pub(super) photo: Option<SizeReport>,
    pub(super) network_input: SizeReport,
    pub(super) top5: Vec<Ranked>,
    /// The picture that it was set apart from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) neighbour: Option<NeighbourReport>,
    pub(super) maps: Vec<MapReport>,
    /// Decoding is this input's own; the rest is its share of the run that it was part of.
    pub(super) milliseconds: Milliseconds,
}

/// A size in pixels.
#[derive(Clone, Copy, Serialize)]
pub(super) struct SizeReport {
    pub(super) height: u32,
    pub(super) width: u32,
}

/// Where time went.
#[derive(Clone, Copy, Default, Serialize)]
pub(super) struct Milliseconds {
    pub(super) decode: f64,
    /// Plans, pipelines and weights that were not there yet.
    pub(super) prepare: f64,
    pub(super) upload: f64,
    pub(super) gpu: f64,
    pub(super) read_back: f64,
}

impl Milliseconds {
    /// One picture's share of a run of `count`.
    pub(super) fn share(decode: f64, cost: &Cost, count: usize) -> Self {
        let count = count.max(1) as f64;
        Self {
            decode,
            prepare: cost.prepare_ms / count,
            upload: cost.upload_ms / count,
            gpu: cost.gpu_ms / count,
            read_back: cost.read_back_ms / count,
        }
    }

    fn add(&mut self, other: &Self) {
        self.decode += other.decode;
        self.prepare += other.prepare;
        self.upload += other.upload;
        self.gpu += other.gpu;
        self.read_back += other.read_back;
    }
}

/// What `agf-run predict --json` prints.
#[derive(Serialize)]
pub(super) struct Predictions {
    pub(super) schema: u32,
    pub(super) version: &'static str,
    pub(super) model: ModelReport,
    pub(super) adapter: AdapterReport,
    pub(super) inputs: Vec<Prediction>,
    pub(super) failed: Vec<Failure>,
}

/// The answer for one input.
#[derive(Serialize)]
pub(super) struct Prediction {
    pub(super) input: String,
    pub(super) index: Option<usize>,
    pub(super) network_input: SizeReport,
    /// The best class first.
    pub(super) top: Vec<Ranked>,
}
