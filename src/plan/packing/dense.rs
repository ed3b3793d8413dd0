//! Weights of dense convolutions, by tiles of 8 rows.

use super::{derived, take};
use crate::graph::{ConvolutionId, Graph, Part};
use crate::models::weights::Weights;
use crate::plan::layout::place;
use crate::platform::for_each_chunk;

/// Rows, columns and taps of a dense convolution's matrix.
pub(super) fn matrix(graph: &Graph, layer: ConvolutionId, transposed: bool) -> (u32, u32, u32) {
    let convolution = graph.convolution(layer);
    let (outputs, inputs) = (convolution.output_channels, convolution.input_channels);
    let taps = convolution.window.taps();
    if transposed { (inputs, outputs, taps) } else { (outputs, inputs, taps) }
}

/// Rows that exist in memory: no kernel's tile (8 or 16 rows) reaches past the end.
pub(super) fn padded_rows(rows: u32) -> u32 {
    rows.next_multiple_of(16)
}

/// `[rows / 8][taps][columns / 4][8 rows]`.
pub(super) fn pack(
    graph: &Graph,
    weights: &Weights,
    layer: ConvolutionId,
    transposed: bool,
    part: Part,
    target: &mut [f32],
) {
    let convolution = graph.convolution(layer);
    let weight = derived::convolution(graph, weights, layer);
    let inputs = convolution.input_channels as usize;
    let (rows, columns, taps) = matrix(graph, layer, transposed);
    let (rows, columns, taps) = (rows as usize, columns as usize, taps as usize);
    let quads = columns.div_ceil(4);
    for_each_chunk(target, 8 * taps * quads * 4, |tile, target| {
        for row in tile * 8..rows.min(tile * 8 + 8) {
            for column in 0..columns {
                let (output, input) = if transposed { (column, row) } else { (row, column) };
                let source = &weight[(output * inputs + input) * taps..][..taps];
                for (tap, value) in source.iter().enumerate() {
                    target[tap * quads * 8 * 4 + place(column, 8, row % 8)] = take(part, *value);
                }
            }
        }
    });
}
