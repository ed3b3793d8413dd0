//! Weights of convolutions of any geometry, by rows that hold what a channel's group has on the other side.

use super::derived;
use crate::graph::{Convolution, ConvolutionId, Graph};
use crate::models::weights::Weights;
use crate::plan::layout::QUAD;

/// Channels of a group, of rows and of columns.
pub(super) fn of_group(convolution: &Convolution, transposed: bool) -> (u32, u32) {
    let (outputs, inputs) =
        (convolution.output_channels / convolution.groups, convolution.input_channels / convolution.groups);
    if transposed { (inputs, outputs) } else { (outputs, inputs) }
}

/// Quads that the columns of a row lie in, at most: a group may begin inside a quad.
pub fn row_quads(convolution: &Convolution, transposed: bool) -> u32 {
    let (_, columns) = of_group(convolution, transposed);
    let begins_in_quads = convolution.groups > 1 && !columns.is_multiple_of(QUAD);
    (columns + if begins_in_quads { QUAD - 1 } else { 0 }).div_ceil(QUAD)
}

/// Number of values.
pub(super) fn elements(convolution: &Convolution, transposed: bool) -> u32 {
    let rows = if transposed { convolution.input_channels } else { convolution.output_channels };
    rows.next_multiple_of(QUAD) * convolution.window.taps() * row_quads(convolution, transposed) * QUAD
}

/// `[rows][taps][row quads]`.
pub(super) fn pack(graph: &Graph, weights: &Weights, layer: ConvolutionId, transposed: bool, target: &mut [f32]) {
    let convolution = graph.convolution(layer);
    let (group_rows, group_columns) = of_group(convolution, transposed);
    let (group_rows, group_columns) = (group_rows as usize, group_columns as usize);
    let taps = convolution.window.taps() as usize;
    let (quad, row_quads) = (QUAD as usize, row_quads(convolution, transposed) as usize);
    for_each(graph, weights, layer, transposed, |row, column, tap, value| {
        let skipped = row / group_rows * group_columns % quad;
        target[(row * taps + tap) * row_quads * quad + skipped + column] = value;
    });
}

/// Every weight by its row, its column in the row's group, and its tap.
pub(super) fn for_each(
    graph: &Graph,
    weights: &Weights,
    layer: ConvolutionId,
    transposed: bool,
    mut take: impl FnMut(usize, usize, usize, f32),
) {
    let convolution = graph.convolution(layer);
    let weight = derived::convolution(graph, weights, layer);
    let taps = convolution.window.taps() as usize;
    let inputs = (convolution.input_channels / convolution.groups) as usize;
    let (group_rows, group_columns) = of_group(convolution, transposed);
    let (group_rows, group_columns) = (group_rows as usize, group_columns as usize);
    for row in 0..group_rows * convolution.groups as usize {
        for column in 0..group_columns {
            let (output, input) = match transposed {
                true => (row / group_rows * group_columns + column, row % group_rows),
                false => (row, column),
            };
            for (tap, value) in weight[(output * inputs + input) * taps..][..taps].iter().enumerate() {
                take(row, column, tap, *value);
            }
        }
    }
}
