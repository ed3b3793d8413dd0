//! The reference's pooling: maximum, adaptive average and averages of windows, with their transposes.

use crate::graph::{Averaging, Padding, Shape, Window};
use std::ops::Range;

/// The largest value of one window and where it is.
struct Winner {
    value: f64,
    /// Row-major position inside the window.
    position: usize,
}

pub(super) fn max_pool(window: &Window, x: &[f64], input: Shape, output: Shape) -> Vec<f64> {
    winners(window, x, input, output).into_iter().map(|winner| winner.value).collect()
}

pub(super) fn max_pool_index(window: &Window, x: &[f64], input: Shape, output: Shape) -> Vec<f64> {
    winners(window, x, input, output).into_iter().map(|winner| winner.position as f64).collect()
}

/// Adds each value of `v`, of shape `output`, to the pixel that `index` names inside its window; `input` is the
/// result's shape.
pub(super) fn max_pool_transpose(window: &Window, v: &[f64], index: &[f64], input: Shape, output: Shape) -> Vec<f64> {
    let mut routed = vec![0.0; input.elements() as usize];
    for (place, corner) in corners(window, output).enumerate() {
        let position = index[place] as usize;
        if let Some(pixel) = pixel(window, input, corner, position) {
            routed[pixel] += v[place];
        }
    }
    routed
}

/// The first maximum of every window, in the order of the output's elements.
fn winners(window: &Window, x: &[f64], input: Shape, output: Shape) -> Vec<Winner> {
    let winner = |corner| {
        let mut best = Winner { value: f64::NEG_INFINITY, position: 0 };
        let mut found = false;
        for position in 0..window.taps() as usize {
            let Some(pixel) = pixel(window, input, corner, position) else { continue };
            if !found || x[pixel] > best.value {
                best = Winner { value: x[pixel], position };
                found = true;
            }
        }
        best
    };
    corners(window, output).map(winner).collect()
}

/// Channel, and row and column of the window's corner counted in the padded input, for every element of the output.
fn corners(window: &Window, output: Shape) -> impl Iterator<Item = [usize; 3]> {
    let [pixels, width] = [output.pixels(), output.width].map(|n| n as usize);
    let [rows, columns] = window.stride.map(|n| n as usize);
    (0..output.elements() as usize).map(move |element| {
        let (channel, pixel) = (element / pixels, element % pixels);
        [channel, pixel / width * rows, pixel % width * columns]
    })
}

/// Index in the input of one position of the window at `corner`; `None` in the padding.
fn pixel(window: &Window, input: Shape, corner: [usize; 3], position: usize) -> Option<usize> {
    let [height, width] = [input.height as usize, input.width as usize];
    let columns = window.kernel[1] as usize;
    let [down, across] = window.dilation.map(|n| n as usize);
    let [channel, top, left] = corner;
    let row = (top + position / columns * down).checked_sub(window.padding.top as usize)?;
    let column = (left + position % columns * across).checked_sub(window.padding.left as usize)?;
    (row < height && column < width).then_some((channel * height + row) * width + column)
}

/// Adaptive average pooling from shape `input` to shape `output`.
pub(super) fn average_pool(x: &[f64], input: Shape, output: Shape) -> Vec<f64> {
    let mut y = vec![0.0; output.elements() as usize];
    for_each_pair(input, output, |from, to, count| y[to] += x[from] / count);
    y
}

/// The transpose of [`average_pool`] from `input` to `output`: `v` has shape `output`.
pub(super) fn average_pool_transpose(v: &[f64], input: Shape, output: Shape) -> Vec<f64> {
    let mut x = vec![0.0; input.elements() as usize];
    for_each_pair(input, output, |from, to, count| x[from] += v[to] / count);
    x
}

/// Calls `visit` with every input element, an output element that averages it, and the number of elements averaged
/// there.
fn for_each_pair(input: Shape, output: Shape, mut visit: impl FnMut(usize, usize, f64)) {
    for channel in 0..output.channels {
        for row in 0..output.height {
            let rows = averaged(row, input.height, output.height);
            for column in 0..output.width {
                let columns = averaged(column, input.width, output.width);
                let count = (rows.len() * columns.len()) as f64;
                let to = (channel * output.height + row) * output.width + column;
                for input_row in rows.clone() {
                    for input_column in columns.clone() {
                        let from = (channel * input.height + input_row) * input.width + input_column;
                        visit(from as usize, to as usize, count);
                    }
                }
            }
        }
    }
}

/// What output position `index` averages along one axis: from `floor(index size / parts)` to `ceil((index + 1) size /
/// parts)`.
fn averaged(index: u32, size: u32, parts: u32) -> Range<u32> {
    index * size / parts..((index + 1) * size).div_ceil(parts)
}

/// Mean over each window.
pub(super) fn average_windows(averaging: &Averaging, x: &[f64], input: Shape, output: Shape) -> Vec<f64> {
    let mut y = vec![0.0; output.elements() as usize];
    for_each_share(averaging, input, output, |from, to, share| y[to] += x[from] * share);
    y
}

/// The transpose of [`average_windows`] from `input` to `output`: `v` has shape `output`.
pub(super) fn average_windows_transpose(averaging: &Averaging, v: &[f64], input: Shape, output: Shape) -> Vec<f64> {
    let mut x = vec![0.0; input.elements() as usize];
    for_each_share(averaging, input, output, |from, to, share| x[from] += v[to] * share);
    x
}

/// Calls `visit` with every input element, an output element that averages it, and its share.
fn for_each_share(averaging: &Averaging, input: Shape, output: Shape, mut visit: impl FnMut(usize, usize, f64)) {
    let Averaging { window, counted } = averaging;
    let Padding { top, left, bottom, right } = *counted;
    // The counted positions are pixels of a larger picture.
    let around = input.resized(input.height + top + bottom, input.width + left + right);
    let all = window.padding;
    let padding = Padding { top: all.top - top, left: all.left - left, ..Padding::default() };
    let larger = Window { padding, ..*window };
    for (to, corner) in corners(window, output).enumerate() {
        let positions = 0..window.taps() as usize;
        let count = positions.clone().filter(|&position| pixel(&larger, around, corner, position).is_some()).count();
        for from in positions.filter_map(|position| pixel(window, input, corner, position)) {
            visit(from, to, 1.0 / count as f64);
        }
    }
}
