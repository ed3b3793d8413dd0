//! Weights of convolutions in groups of whole quads, by matrices that take a quad to a quad.

use super::general;
use crate::graph::{Convolution, ConvolutionId, Graph};
use crate::models::weights::Weights;
use crate::plan::layout::QUAD;

/// Number of values: those of the weight itself.
pub(super) fn elements(convolution: &Convolution) -> u32 {
    convolution.weight_shape().iter().product::<u32>()
}

/// `[row quads][column quads of a group][taps][4 columns][4 rows]`.
pub(super) fn pack(graph: &Graph, weights: &Weights, layer: ConvolutionId, transposed: bool, target: &mut [f32]) {
    let convolution = graph.convolution(layer);
    let (_, group_columns) = general::of_group(convolution, transposed);
    let (quad, taps) = (QUAD as usize, convolution.window.taps() as usize);
    let column_quads = group_columns as usize / quad;
    general::for_each(graph, weights, layer, transposed, |row, column, tap, value| {
        let matrix = (row / quad * column_quads + column / quad) * taps + tap;
        target[(matrix * quad + column % quad) * quad + row % quad] = value;
    });
}
