//! Weights transformed for Winograd's F(2x2, 3x3) (Lavin and Gray, CVPR 2016, section 4.1).

use super::dense::{matrix, padded_rows};
use super::{derived, take};
use crate::graph::{ConvolutionId, Graph, Part};
use crate::models::weights::Weights;
use rayon::prelude::*;

/// Entries of a transformed 3x3 kernel: so many independent products make a convolution by Winograd's F(2x2, 3x3).
pub const WINOGRAD_SLICES: u32 = 16;

/// `G g G^T` of every 3x3 kernel g, by tiles of 8 rows.
pub(super) fn pack(
    graph: &Graph,
    weights: &Weights,
    layer: ConvolutionId,
    transposed: bool,
    part: Part,
    target: &mut [f32],
) {
    let weight = derived::convolution(graph, weights, layer);
    let inputs = graph.convolution(layer).input_channels as usize;
    let (rows, columns, taps) = matrix(graph, layer, transposed);
    let (rows, columns, taps) = (rows as usize, columns as usize, taps as usize);
    let tile = 8 * columns.div_ceil(4) * 4;
    let slice = padded_rows(rows as u32) as usize / 8 * tile;
    let transformed = |row: usize, column: usize| {
        let (output, input) = if transposed { (column, row) } else { (row, column) };
        let kernel = &weight[(output * inputs + input) * taps..][..taps];
        let turned = |tap: usize| if transposed { kernel[taps - 1 - tap] } else { kernel[tap] };
        transform(std::array::from_fn(|tap| f64::from(take(part, turned(tap)))))
    };
    let tiles: Vec<Vec<[f32; 16]>> = (0..rows.div_ceil(8))
        .into_par_iter()
        .map(|first| {
            let of_tile = (first * 8..(first * 8 + 8).min(rows)).flat_map(|row| (0..columns).map(move |c| (row, c)));
            of_tile.map(|(row, column)| transformed(row, column)).collect()
        })
        .collect();
    target.par_chunks_mut(slice).enumerate().for_each(|(slice, target)| {
        for (target, kernels) in target.chunks_mut(tile).zip(&tiles) {
            for (index, kernel) in kernels.iter().enumerate() {
                let (row, column) = (index / columns, index % columns);
                target[(column / 4 * 8 + row) * 4 + column % 4] = kernel[slice];
            }
        }
    });
}

/// `G g G^T` with `G = [1 0 0; 1/2 1/2 1/2; 1/2 -1/2 1/2; 0 0 1]`, row by row.
fn transform(g: [f64; 9]) -> [f32; 16] {
    let along = |a: f64, b: f64, c: f64| [a, (a + b + c) / 2.0, (a - b + c) / 2.0, c];
    let columns: [[f64; 4]; 3] = std::array::from_fn(|column| along(g[column], g[column + 3], g[column + 6]));
    let row = |row: usize| along(columns[0][row], columns[1][row], columns[2][row]);
    std::array::from_fn(|index| row(index / 4)[index % 4] as f32)
}
