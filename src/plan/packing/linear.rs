//! Weights of linear layers, by rows.

use super::{derived, parameter};
use crate::graph::{Graph, LinearId};
use crate::models::weights::Weights;
use crate::plan::layout::{QUAD, place};
use crate::platform::for_each_chunk;

/// Values of a row, with those of channels that do not exist.
pub(super) fn row_elements(graph: &Graph, layer: LinearId) -> u32 {
    let input = graph.linear_layer(layer).input;
    input.vectors() * QUAD
}

/// `[rows / together][input quads * pixels][together]`.
pub(super) fn pack(
    graph: &Graph,
    weights: &Weights,
    layer: LinearId,
    first_row: usize,
    together: usize,
    target: &mut [f32],
) {
    let linear = graph.linear_layer(layer);
    let weight = parameter(weights, &linear.weight_name());
    let pixels = linear.input.pixels() as usize;
    let rows = weight.chunks(linear.input.elements() as usize).skip(first_row).collect::<Vec<_>>();
    for_each_chunk(target, together * row_elements(graph, layer) as usize, |tile, target| {
        for (row, values) in rows.iter().skip(tile * together).take(together).enumerate() {
            for (column, value) in values.iter().enumerate() {
                let (channel, pixel) = (column / pixels, column % pixels);
                let at = place(channel, pixels * together, pixel * together + row);
                target[at] = derived::of(layer.source, *value);
            }
        }
    });
}
