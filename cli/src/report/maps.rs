//! What a report says of a map.

use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::answers::MethodMap;
use agf::LayerSum;

/// One class's map of an input by one method.
#[derive(Serialize)]
pub(crate) struct MapReport {
    pub(crate) method: &'static str,
    pub(crate) class: u32,
    pub(crate) name: String,
    pub(crate) probability: f32,
    /// Least of the finite values; none if there are none.
    min: Option<f32>,
    /// Largest of the finite values; none if there are none.
    max: Option<f32>,
    /// Of the finite values.
    sum: f64,
    pub(crate) nan_count: usize,
    pub(crate) infinite_count: usize,
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
    pub(crate) files: Vec<String>,
}

impl MapReport {
    /// Whether all values are 0.
    pub(crate) fn is_zero(&self) -> bool {
        self.nan_count + self.infinite_count == 0 && self.min == Some(0.0) && self.max == Some(0.0)
    }

    /// Counts and sums a map.
    pub(crate) fn new(made: &MethodMap, name: &str, probability: f32, folder: &Path, files: &[PathBuf]) -> Self {
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
