//! The reference's products with weights: convolution, its transpose, and fully connected layers.

use crate::graph::{Convolution, Part, Shape, Window};
use crate::platform::{for_each_chunk, map_parallel};

/// A part of one value.
pub(super) fn part(part: Part, value: f64) -> f64 {
    match part {
        Part::Full => value,
        Part::Absolute => value.abs(),
        Part::Positive => value.max(0.0),
        Part::Negative => value.min(0.0),
    }
}

/// Pixels of a row that one kernel position connects: `output + k` with `input + k * stride` for k below `length`.
struct Run {
    output: usize,
    input: usize,
    length: usize,
}

/// The linear map of a convolution between two sizes, without its bias.
pub(super) struct ConvolutionMap {
    /// (output channels, input channels of a group, kernel positions), row-major.
    weight: Vec<f64>,
    groups: usize,
    /// Pixels of a row of the input between those of the output's neighbours.
    stride: usize,
    /// The runs of each kernel position.
    taps: Vec<Vec<Run>>,
    input: Shape,
    output: Shape,
}

impl ConvolutionMap {
    pub fn new(layer: &Convolution, weight: &[f64], which: Part, input: Shape, output: Shape) -> Self {
        Self {
            weight: weight.iter().map(|&value| part(which, value)).collect(),
            groups: layer.groups as usize,
            stride: layer.window.stride[1] as usize,
            taps: taps(&layer.window, input, output),
            input,
            output,
        }
    }

    /// `W x [+ b]`, in the output's shape.
    pub fn apply(&self, x: &[f64], bias: Option<&[f32]>) -> Vec<f64> {
        let pixels = self.input.pixels() as usize;
        let mut y = vec![0.0; self.output.elements() as usize];
        for_each_chunk(&mut y, self.output.pixels() as usize, |o, target| {
            for i in self.connected(o, self.output, self.input) {
                let source = &x[i * pixels..(i + 1) * pixels];
                for (&w, runs) in self.kernel(o, i).iter().zip(&self.taps) {
                    for run in runs {
                        add_scaled(&mut target[run.output..], 1, w, &source[run.input..], self.stride, run.length);
                    }
                }
            }
            let offset = bias.map_or(0.0, |bias| f64::from(bias[o]));
            target.iter_mut().for_each(|value| *value += offset);
        });
        y
    }

    /// `W^T v`, in the input's shape.
    pub fn apply_transposed(&self, v: &[f64]) -> Vec<f64> {
        let pixels = self.output.pixels() as usize;
        let mut x = vec![0.0; self.input.elements() as usize];
        for_each_chunk(&mut x, self.input.pixels() as usize, |i, target| {
            for o in self.connected(i, self.input, self.output) {
                let source = &v[o * pixels..(o + 1) * pixels];
                for (&w, runs) in self.kernel(o, i).iter().zip(&self.taps) {
                    for run in runs {
                        add_scaled(&mut target[run.input..], self.stride, w, &source[run.output..], 1, run.length);
                    }
                }
            }
        });
        x
    }

    /// Channels of the other side, of shape `other`, that a `channel` of shape `own` is connected with.
    fn connected(&self, channel: usize, own: Shape, other: Shape) -> std::ops::Range<usize> {
        let [own, other] = [own, other].map(|shape| shape.channels as usize / self.groups);
        let group = channel / own;
        group * other..(group + 1) * other
    }

    /// The kernel from input channel `i` to output channel `o`, row-major.
    fn kernel(&self, o: usize, i: usize) -> &[f64] {
        let size = self.taps.len();
        let inputs = self.input.channels as usize / self.groups;
        let index = o * inputs + i % inputs;
        &self.weight[index * size..(index + 1) * size]
    }
}

/// The runs of every kernel position, row-major; pixels of the padding are left out.
fn taps(window: &Window, input: Shape, output: Shape) -> Vec<Vec<Run>> {
    let mut taps = Vec::new();
    for kernel_row in 0..window.kernel[0] {
        for kernel_column in 0..window.kernel[1] {
            let [stride_rows, stride_columns] = window.stride;
            let offset_row = kernel_row * window.dilation[0];
            let offset_column = kernel_column * window.dilation[1];
            let columns = inside(offset_column, window.padding.left, stride_columns, input.width, output.width);
            let rows = inside(offset_row, window.padding.top, stride_rows, input.height, output.height);
            let run = |row: u32| {
                let input_row = row * stride_rows + offset_row - window.padding.top;
                let input_column = columns.start * stride_columns + offset_column - window.padding.left;
                Run {
                    output: (row * output.width + columns.start) as usize,
                    input: (input_row * input.width + input_column) as usize,
                    length: columns.len(),
                }
            };
            taps.push(if columns.is_empty() { Vec::new() } else { rows.map(run).collect() });
        }
    }
    taps
}

/// Output positions along one axis for which `position * stride + offset - padding` lies inside the input.
fn inside(offset: u32, padding: u32, stride: u32, input: u32, output: u32) -> std::ops::Range<u32> {
    let first = padding.saturating_sub(offset).div_ceil(stride);
    let end = (input + padding).saturating_sub(offset).div_ceil(stride).min(output);
    first..end.max(first)
}

/// Adds `w` times each `source_stride`-th value of `source` to each `target_stride`-th value of `target`.
fn add_scaled(target: &mut [f64], target_stride: usize, w: f64, source: &[f64], source_stride: usize, length: usize) {
    if target_stride == 1 && source_stride == 1 {
        target[..length].iter_mut().zip(&source[..length]).for_each(|(t, s)| *t += w * s);
    } else {
        let pairs = target.iter_mut().step_by(target_stride).zip(source.iter().step_by(source_stride));
        pairs.take(length).for_each(|(t, s)| *t += w * s);
    }
}

/// `part(W) part(x) [+ b]` with the row-major matrix `weight`; `which` makes the part.
pub(super) fn linear(
    weight: &[f32],
    which: impl Fn(f32) -> f64 + Sync,
    x: &[f64],
    of_x: Part,
    bias: Option<&[f32]>,
) -> Vec<f64> {
    let x: Vec<f64> = x.iter().map(|&value| part(of_x, value)).collect();
    let rows: Vec<(usize, &[f32])> = weight.chunks(x.len()).enumerate().collect();
    map_parallel(&rows, |&(index, row)| {
        let product: f64 = row.iter().zip(&x).map(|(&w, x)| which(w) * x).sum();
        product + bias.map_or(0.0, |bias| f64::from(bias[index]))
    })
}

/// `part(W)^T v` with the row-major matrix `weight`; `which` makes the part.
pub(super) fn linear_transpose(weight: &[f32], which: impl Fn(f32) -> f64 + Sync, v: &[f64]) -> Vec<f64> {
    const COLUMNS: usize = 256;
    let row_length = weight.len() / v.len();
    let mut x = vec![0.0; row_length];
    for_each_chunk(&mut x, COLUMNS, |chunk, target| {
        for (row, &v) in weight.chunks(row_length).zip(v) {
            let row = &row[chunk * COLUMNS..][..target.len()];
            target.iter_mut().zip(row).for_each(|(t, &w)| *t += which(w) * v);
        }
    });
    x
}
