//! Weights transformed for Winograd's F(2x2, 3x3) and F(4x4, 3x3) (Lavin and Gray, CVPR 2016, sections 4.1 and 4.3).

use super::dense::{matrix, padded_rows};
use super::{derived, take};
use crate::graph::{ConvolutionId, Graph, Part};
use crate::models::weights::Weights;
use crate::plan::layout::place;
use crate::plan::variant::WinogradTile;
use crate::platform::{for_each_chunk, map_parallel};

/// `G g G^T` of every 3x3 kernel g, by tiles of 8 rows.
pub(super) fn pack(
    graph: &Graph,
    weights: &Weights,
    tile: WinogradTile,
    layer: ConvolutionId,
    transposed: bool,
    part: Part,
    target: &mut [f32],
) {
    let weight = derived::convolution(graph, weights, layer);
    let inputs = graph.convolution(layer).input_channels as usize;
    let (rows, columns, taps) = matrix(graph, layer, transposed);
    let (rows, columns, taps) = (rows as usize, columns as usize, taps as usize);
    let of_rows = 8 * columns.div_ceil(4) * 4;
    let slice = padded_rows(rows as u32) as usize / 8 * of_rows;
    let transformed = |row: usize, column: usize| {
        let (output, input) = if transposed { (column, row) } else { (row, column) };
        let kernel = &weight[(output * inputs + input) * taps..][..taps];
        let turned = |tap: usize| if transposed { kernel[taps - 1 - tap] } else { kernel[tap] };
        transform(tile, std::array::from_fn(|tap| f64::from(take(part, turned(tap)))))
    };
    // Of 8 rows all kernels one after the other, each of so many entries.
    let starts: Vec<usize> = (0..rows).step_by(8).collect();
    let kernels: Vec<Vec<f32>> = map_parallel(&starts, |&start| {
        let of_tile = (start..(start + 8).min(rows)).flat_map(|row| (0..columns).map(move |column| (row, column)));
        of_tile.flat_map(|(row, column)| transformed(row, column)).map(|entry| entry as f32).collect()
    });
    let slices = tile.slices() as usize;
    for_each_chunk(target, slice, |slice, target| {
        for (target, kernels) in target.chunks_mut(of_rows).zip(&kernels) {
            for (index, kernel) in kernels.chunks(slices).enumerate() {
                let (row, column) = (index / columns, index % columns);
                target[place(column, 8, row)] = kernel[slice];
            }
        }
    });
}

/// `G g G^T`, row by row.
fn transform(tile: WinogradTile, g: [f64; 9]) -> impl Iterator<Item = f64> {
    let matrix: &[[f64; 3]] = match tile {
        WinogradTile::Two => &TWO,
        WinogradTile::Four => &FOUR,
    };
    let product = |[a, b, c]: [f64; 3], [d, e, f]: [f64; 3]| a * d + b * e + c * f;
    matrix.iter().flat_map(move |&row| {
        let of_column = |column: usize| product(row, [g[column], g[column + 3], g[column + 6]]);
        let columns = [0, 1, 2].map(of_column);
        matrix.iter().map(move |&row| product(row, columns))
    })
}

/// G of F(2x2, 3x3).
const TWO: [[f64; 3]; 4] = [[1.0, 0.0, 0.0], [0.5, 0.5, 0.5], [0.5, -0.5, 0.5], [0.0, 0.0, 1.0]];

/// G of F(4x4, 3x3).
const FOUR: [[f64; 3]; 6] = [
    [1.0 / 4.0, 0.0, 0.0],
    [-1.0 / 6.0, -1.0 / 6.0, -1.0 / 6.0],
    [-1.0 / 6.0, 1.0 / 6.0, -1.0 / 6.0],
    [1.0 / 24.0, 1.0 / 12.0, 1.0 / 6.0],
    [1.0 / 24.0, -1.0 / 12.0, 1.0 / 6.0],
    [0.0, 0.0, 1.0],
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{philox, seed::seed};

    type Matrix = Vec<Vec<f64>>;

    /// Values from -1 to 1.
    fn random_values(count: u32) -> Vec<f64> {
        let key = seed();
        let word = |index| philox([index, 0, 0, 0], [key as u32, (key >> 32) as u32])[0];
        (0..count).map(|index| f64::from(word(index)) / f64::from(1_u32 << 31) - 1.0).collect()
    }

    fn product(a: &Matrix, b: &Matrix) -> Matrix {
        let entry = |row: &[f64], column: usize| row.iter().zip(b).map(|(value, row)| value * row[column]).sum();
        a.iter().map(|row| (0..b[0].len()).map(|column| entry(row, column)).collect()).collect()
    }

    fn transpose(a: &Matrix) -> Matrix {
        (0..a[0].len()).map(|column| a.iter().map(|row| row[column]).collect()).collect()
    }

    fn matrix(rows: &[&[i32]]) -> Matrix {
        rows.iter().map(|row| row.iter().map(|&value| value.into()).collect()).collect()
    }

    /// `A^T` and `B^T` as the paper has them.
    fn transforms(tile: WinogradTile) -> (Matrix, Matrix) {
        let (a, b): (&[&[i32]], &[&[i32]]) = match tile {
            WinogradTile::Two => {
                (&[&[1, 1, 1, 0], &[0, 1, -1, -1]], &[&[1, 0, -1, 0], &[0, 1, 1, 0], &[0, -1, 1, 0], &[0, 1, 0, -1]])
            }
            WinogradTile::Four => (
                &[&[1, 1, 1, 1, 1, 0], &[0, 1, -1, 2, -2, 0], &[0, 1, 1, 4, 4, 0], &[0, 1, -1, 8, -8, 1]],
                &[
                    &[4, 0, -5, 0, 1, 0],
                    &[0, -4, -4, 1, 1, 0],
                    &[0, 4, -4, -1, 1, 0],
                    &[0, -2, -1, 2, 1, 0],
                    &[0, 2, -1, -2, 1, 0],
                    &[0, 4, 0, -5, 0, 1],
                ],
            ),
        };
        (matrix(a), matrix(b))
    }

    /// `A^T [(G g G^T) * (B^T d B)] A` is the convolution of a patch d with a kernel g.
    #[test]
    fn a_patch_is_convolved() {
        for tile in [WinogradTile::Two, WinogradTile::Four] {
            let (side, patch) = (tile.side() as usize, tile.side() as usize + 2);
            let values = random_values(9 + tile.slices());
            let g: [f64; 9] = std::array::from_fn(|tap| values[tap]);
            let d: Matrix = values[9..].chunks(patch).map(<[f64]>::to_vec).collect();
            let (a, b) = transforms(tile);
            let weights: Vec<f64> = transform(tile, g).collect();
            assert_eq!(weights.len(), tile.slices() as usize);
            let mut entries = product(&product(&b, &d), &transpose(&b));
            entries.iter_mut().flatten().zip(&weights).for_each(|(entry, weight)| *entry *= weight);
            let result = product(&product(&a, &entries), &transpose(&a));
            for (y, x) in (0..side).flat_map(|y| (0..side).map(move |x| (y, x))) {
                let direct: f64 = (0..9).map(|tap| g[tap] * d[y + tap / 3][x + tap % 3]).sum();
                let error = (result[y][x] - direct).abs();
                assert!(error <= 1e-13, "{tile}, {y} {x}: {} instead of {direct}", result[y][x]);
            }
        }
    }
}
