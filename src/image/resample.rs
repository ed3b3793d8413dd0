//! Resampling of float maps: bilinear, and antialiased where the map shrinks.
//!
//! Used to bring maps from the network input's grid to the grid of a photo or a panel tile. Unlike
//! the photo's own resize it takes edges at fractions of a pixel, even outside of the map, and
//! lets NaN show in the result instead of losing it.

use super::map::Map;
use crate::platform::for_each_chunk;

/// The weights of the input samples behind one output sample; they sum to 1.
pub(super) struct Taps {
    first: usize,
    weights: Vec<f32>,
}

/// The taps of `count` output samples along one axis of `input` samples.
///
/// Output sample i covers `step` input samples from input position `origin + i * step` on.
/// Positions outside of the input read its nearest sample.
pub(super) fn taps(input: u32, count: u32, origin: f64, step: f64) -> Vec<Taps> {
    let last = f64::from(input) - 0.5;
    let radius = step.max(1.0);
    (0..count)
        .map(|index| {
            let center = (origin + (f64::from(index) + 0.5) * step).clamp(0.5, last);
            triangle(input, center, radius)
        })
        .collect()
}

fn triangle(input: u32, center: f64, radius: f64) -> Taps {
    let start = (center - radius).floor().max(0.0) as u32;
    let end = ((center + radius).ceil() as u32).min(input);
    let weight = |sample: u32| 1.0 - (f64::from(sample) + 0.5 - center).abs() / radius;
    let inside = (start..end).filter(|sample| weight(*sample) > 0.0);
    let total: f64 = inside.clone().map(weight).sum();
    Taps {
        first: inside.clone().next().unwrap_or(start) as usize,
        weights: inside.map(|sample| (weight(sample) / total) as f32).collect(),
    }
}

/// The map at `rows.len()` x `columns.len()` samples, row-major.
pub(super) fn resample(map: &Map, rows: &[Taps], columns: &[Taps]) -> Vec<f32> {
    let (input, width) = (map.width() as usize, columns.len());
    let mut wide = vec![0.0_f32; map.height() as usize * width];
    for_each_chunk(&mut wide, width, |row, output| {
        let line = &map.values()[row * input..][..input];
        for (value, taps) in output.iter_mut().zip(columns) {
            let samples = line.iter().skip(taps.first);
            *value = samples.zip(&taps.weights).map(|(v, w)| v * w).sum();
        }
    });

    let mut result = vec![0.0_f32; rows.len() * width];
    for_each_chunk(&mut result, width, |row, output| {
        let taps = &rows[row];
        let lines = wide.chunks(width).skip(taps.first);
        for (line, weight) in lines.zip(&taps.weights) {
            for (sum, value) in output.iter_mut().zip(line) {
                *sum += value * weight;
            }
        }
    });
    result
}
