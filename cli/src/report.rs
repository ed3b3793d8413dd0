//! `report.json`: what was done, with which numbers, and what failed.

use std::path::{Path, PathBuf};

use serde::Serialize;
use serde_json::{Map, Value};

use super::answers::MethodMap;
use super::former::{FileStamp, Owner};
use super::network::PreprocessingReport;
use super::ranking::Ranked;
use super::without::comparison::NeighbourReport;
use agf::gpu::AdapterSummary;
use agf::models::Model;
use agf::{Cost, LayerSum};

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
    pub(super) inputs: Vec<Entry>,
    pub(super) failed: Vec<Failure>,
    /// Number of inputs that were left undone, as in an interrupted run.
    pub(super) undone: usize,
    /// Inputs of earlier runs whose maps are still in the folder.
    pub(super) earlier: Vec<Owner>,
}

/// An input in the report.
#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum Entry {
    /// Of this run.
    Done(Box<InputReport>),
    /// Of an earlier run with equal settings, as that one reported it.
    Kept(Map<String, Value>),
}

impl Report {
    /// Adds an input that is done.
    pub(super) fn add(&mut self, input: InputReport, cost: &Cost) {
        self.milliseconds.add(&input.milliseconds);
        self.peak_gpu_bytes = self.peak_gpu_bytes.max(cost.gpu_bytes);
        self.inputs.push(Entry::Done(Box::new(input)));
    }

    /// Number of maps of this run.
    pub(super) fn map_count(&self) -> usize {
        self.done().map(|input| input.maps.len()).sum()
    }

    /// Names of all inputs.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.inputs.iter().filter_map(|entry| match entry {
            Entry::Done(input) => Some(&*input.name),
            Entry::Kept(input) => input.get("name")?.as_str(),
        })
    }

    /// The inputs of this run.
    pub(super) fn done(&self) -> impl Iterator<Item = &InputReport> {
        self.inputs.iter().filter_map(|entry| match entry {
            Entry::Done(input) => Some(&**input),
            Entry::Kept(_) => None,
        })
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

/// One class's map of an input by one method.
#[derive(Serialize)]
pub(super) struct MapReport {
    pub(super) method: &'static str,
    pub(super) class: u32,
    pub(super) name: String,
    pub(super) probability: f32,
    /// Least of the finite values; none if there are none.
    min: Option<f32>,
    /// Largest of the finite values; none if there are none.
    max: Option<f32>,
    /// Of the finite values.
    sum: f64,
    pub(super) nan_count: usize,
    pub(super) infinite_count: usize,
    /// Largest relevance of any input value; where it is not positive the map is undivided.
    peak: Option<f32>,
    /// By how much what the method promises to add up to the class's logit misses it; none where it promises nothing.
    completeness_gap: Option<f64>,
    /// Sum of the relevance that arrives at each of the method's `layers`.
    conservation: Vec<f32>,
    /// How far each of these sums is from the first, relative to the first; none where the first is 0.
    conservation_deviation: Vec<Option<f64>>,
    /// Share of the relevance arriving at masks that is dropped there; none for a method without masks.
    mask_loss: Option<f64>,
    /// Relative change of the map when the input changes by a millionth; none unless asked for.
    sensitivity: Option<f64>,
    /// Relative to the output folder; the panel is shared by all maps of the input.
    pub(super) files: Vec<String>,
}

impl MapReport {
    /// Whether all values are 0.
    pub(super) fn is_zero(&self) -> bool {
        self.nan_count + self.infinite_count == 0 && self.min == Some(0.0) && self.max == Some(0.0)
    }

    /// Counts and sums a map.
    pub(super) fn new(made: &MethodMap, name: &str, probability: f32, folder: &Path, files: &[PathBuf]) -> Self {
        let map = &made.map;
        let numbers = || map.values.iter().copied().filter(|value| value.is_finite());
        let relative = |path: &PathBuf| path.strip_prefix(folder).unwrap_or(path).display().to_string();
        Self {
            method: made.method,
            class: map.class,
            name: name.into(),
            probability,
            min: numbers().reduce(f32::min),
            max: numbers().reduce(f32::max),
            sum: numbers().map(f64::from).sum(),
            nan_count: map.nan_count(),
            infinite_count: map.infinite_count(),
            peak: map.peak,
            completeness_gap: map.completeness_gap,
            conservation: map.conservation.iter().map(|layer| layer.sum).collect(),
            conservation_deviation: deviations(&map.conservation),
            mask_loss: map.mask_loss,
            sensitivity: made.sensitivity,
            files: files.iter().map(relative).collect(),
        }
    }
}

/// The relative distance of each sum from the first.
fn deviations(sums: &[LayerSum]) -> Vec<Option<f64>> {
    let first = sums.first().map_or(0.0, |layer| f64::from(layer.sum));
    let deviation = |layer: &LayerSum| (f64::from(layer.sum) - first) / first.abs();
    sums.iter().map(|layer| Some(deviation(layer)).filter(|deviation| deviation.is_finite())).collect()
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

#[cfg(test)]
mod tests {
    use super::*;
    use agf::Map;

    #[test]
    fn numbers_of_a_map() {
        let map = Map {
            class: 3,
            height: 1,
            width: 6,
            values: vec![0.5, f32::NAN, -2.0, 1.0, f32::INFINITY, f32::NEG_INFINITY],
            peak: Some(0.25),
            completeness_gap: None,
            mask_loss: Some(0.125),
            conservation: [2.0, 1.0, 3.0].map(|sum| LayerSum { layer: "l".into(), sum }).into(),
        };
        let made = MethodMap { method: "agf", map: map.clone(), sensitivity: Some(0.5) };
        let files = [PathBuf::from("out/a/x.3.npy")];
        let report = serde_json::to_value(MapReport::new(&made, "c", 0.5, Path::new("out"), &files)).unwrap();
        assert_eq!((report["min"].as_f64(), report["max"].as_f64()), (Some(-2.0), Some(1.0)));
        assert_eq!((report["sum"].as_f64(), report["nan_count"].as_u64()), (Some(-0.5), Some(1)));
        assert_eq!(report["infinite_count"], 2);
        assert_eq!(Path::new(report["files"][0].as_str().unwrap()), Path::new("a/x.3.npy"));

        assert_eq!(report["conservation_deviation"], serde_json::json!([0.0, -0.5, 0.5]));
        assert_eq!((report["mask_loss"].as_f64(), report["sensitivity"].as_f64()), (Some(0.125), Some(0.5)));

        let nothing = Map { values: vec![f32::NAN; 4], conservation: Vec::new(), ..map };
        let nothing = MethodMap { method: "agf", map: nothing, sensitivity: None };
        let report = serde_json::to_value(MapReport::new(&nothing, "c", 0.5, Path::new(""), &[])).unwrap();
        assert!(report["min"].is_null());
        assert_eq!(report["nan_count"], 4);
    }
}
