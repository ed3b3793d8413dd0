//! The matrices of the linear operations, entry by entry from their definitions.

use super::matrix::Matrix;
use agf::graph::{Averaging, Convolution, Part, Shape, Window};

/// Channel, row and column of an element.
fn position(shape: Shape, element: usize) -> [i64; 3] {
    let [element, height, width] = [element as i64, i64::from(shape.height), i64::from(shape.width)];
    [element / (height * width), element / width % height, element % width]
}

/// Row and column inside the window of output `[_, row, column]` where the input `[_, row, column]` stands.
fn inside(window: &Window, output: [i64; 3], input: [i64; 3]) -> Option<[i64; 2]> {
    let along = |axis: usize, padding: u32, from: i64, to: i64| {
        let [stride, dilation] = [window.stride[axis], window.dilation[axis]].map(i64::from);
        let distance = from + i64::from(padding) - to * stride;
        let tap = distance / dilation;
        (distance >= 0 && distance % dilation == 0 && tap < i64::from(window.kernel[axis])).then_some(tap)
    };
    Some([along(0, window.padding.top, input[1], output[1])?, along(1, window.padding.left, input[2], output[2])?])
}

pub fn convolution(layer: &Convolution, weight: &[f64], input: Shape, output: Shape) -> Matrix {
    let [rows, columns] = layer.window.kernel.map(i64::from);
    let [inputs, outputs] = [layer.input_channels, layer.output_channels].map(|n| i64::from(n / layer.groups));
    Matrix::from_fn(output.elements() as usize, input.elements() as usize, |to, from| {
        let [to, from] = [position(output, to), position(input, from)];
        let Some([row, column]) = inside(&layer.window, to, from) else { return 0.0 };
        if to[0] / outputs != from[0] / inputs {
            return 0.0;
        }
        let channel = from[0] % inputs;
        weight[(((to[0] * inputs + channel) * rows + row) * columns + column) as usize]
    })
}

/// Adaptive average pooling.
pub fn average_pool(input: Shape, output: Shape) -> Matrix {
    let share = |index: i64, pixel: i64, size: u32, parts: u32| {
        let (size, parts) = (f64::from(size), f64::from(parts));
        let start = (index as f64 * size / parts).floor();
        let end = ((index + 1) as f64 * size / parts).ceil();
        if start <= pixel as f64 && (pixel as f64) < end { 1.0 / (end - start) } else { 0.0 }
    };
    Matrix::from_fn(output.elements() as usize, input.elements() as usize, |to, from| {
        let [to, from] = [position(output, to), position(input, from)];
        let channel = if to[0] == from[0] { 1.0 } else { 0.0 };
        channel * share(to[1], from[1], input.height, output.height) * share(to[2], from[2], input.width, output.width)
    })
}

/// Averages of windows: of each window's positions those count that lie in the picture or in the counted padding.
pub fn average_windows(averaging: &Averaging, input: Shape, output: Shape) -> Matrix {
    let Averaging { window, counted } = averaging;
    let counts = |axis: usize, to: i64, size: u32, before: u32, [counted_before, counted_behind]: [u32; 2]| {
        let place =
            |tap: u32| to * i64::from(window.stride[axis]) + i64::from(tap * window.dilation[axis]) - i64::from(before);
        let within = |place: i64| -i64::from(counted_before) <= place && place < i64::from(size + counted_behind);
        (0..window.kernel[axis]).filter(|&tap| within(place(tap))).count() as f64
    };
    Matrix::from_fn(output.elements() as usize, input.elements() as usize, |to, from| {
        let [to, from] = [position(output, to), position(input, from)];
        if to[0] != from[0] || inside(window, to, from).is_none() {
            return 0.0;
        }
        let rows = counts(0, to[1], input.height, window.padding.top, [counted.top, counted.bottom]);
        let columns = counts(1, to[2], input.width, window.padding.left, [counted.left, counted.right]);
        1.0 / (rows * columns)
    })
}

/// Max pooling at `x`: ones where the first maximum of each window is. Row-major order of the window is that of the
/// input.
pub fn max_pool(window: &Window, x: &[f64], input: Shape, output: Shape) -> Matrix {
    let members = |to: usize| {
        let to = position(output, to);
        (0..x.len()).filter(move |&from| {
            let from = position(input, from);
            to[0] == from[0] && inside(window, to, from).is_some()
        })
    };
    let winner = |to: usize| {
        let largest = members(to).map(|from| x[from]).fold(f64::NEG_INFINITY, f64::max);
        members(to).find(|&from| x[from] == largest)
    };
    let winners: Vec<Option<usize>> = (0..output.elements() as usize).map(winner).collect();
    Matrix::from_fn(winners.len(), x.len(), |to, from| if winners[to] == Some(from) { 1.0 } else { 0.0 })
}

/// Position of the ones of [`max_pool`] inside their windows.
pub fn max_pool_index(window: &Window, x: &[f64], input: Shape, output: Shape) -> Vec<f64> {
    let choice = max_pool(window, x, input, output);
    let index = |to: usize| {
        let from = (0..x.len()).find(|&from| choice.at(to, from) == 1.0).unwrap();
        let [row, column] = inside(window, position(output, to), position(input, from)).unwrap();
        (row * i64::from(window.kernel[1]) + column) as f64
    };
    (0..choice.rows).map(index).collect()
}

pub fn part(part: Part, value: f64) -> f64 {
    match part {
        Part::Full => value,
        Part::Absolute if value < 0.0 => -value,
        Part::Positive if value < 0.0 => 0.0,
        Part::Negative if value > 0.0 => 0.0,
        _ => value,
    }
}

pub const PARTS: [Part; 4] = [Part::Full, Part::Absolute, Part::Positive, Part::Negative];
