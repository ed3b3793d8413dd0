//! Winograd's algorithms F(2x2, 3x3) and F(4x4, 3x3) for convolutions of 3x3 taps and stride 1, forward and transposed
//! (Lavin and Gray, CVPR 2016).
//!
//! Patches of the source are transformed, multiplied with transformed weights as 16 or 36 products of matrices, and
//! transformed back: 2.25 or 4 times fewer multiplications. Patches go through in runs, so that transformed values take
//! little memory.

use super::convolution::{Epilogue, Pass};
use super::direct::Dense;
use super::{LANES, Lowering, UNUSED, Work};
use crate::graph::{Part, Shape, Window};
use crate::plan::ValueId;
use crate::plan::kernel::{Kernel, Shader};
use crate::plan::packing::Packing;
use crate::plan::uniforms::Uniforms;
use crate::plan::variant::{DenseKernel, Variant, WinogradTile};

/// Runs are multiples of this many patches, which fill the workgroups of the transforms and of
/// [`DenseKernel::Product`].
const TILES_TOGETHER: u32 = DenseKernel::Product.pixels() / 8 * LANES;

/// The patches of one run, and where their transformed values are.
struct Run {
    tile: WinogradTile,
    first_tile: u32,
    tiles: u32,
    columns: [u32; 2],
    source: ValueId,
    result: ValueId,
}

impl Lowering<'_, '_> {
    /// The largest tile with which it computes this pass accurately enough, if any. Its rounding errors follow a
    /// patch's largest value, while a direct sum of terms of one sign is accurate for each value: sums that
    /// relevance is divided by stay direct, and so do all forward passes over parts of weights. In an explanation
    /// the whole forward pass stays direct: max-pooling, ReLU and divisions by residual sums turn differences in
    /// the seventh digit into ones in the third. A pass behind a gate hardly ever has anything to do, and is one
    /// dispatch instead of several.
    pub(super) fn winograd_allowed(&self, pass: &Pass, epilogue: &Epilogue) -> Option<WinogradTile> {
        let window = self.graph.convolution(pass.layer).window;
        let fits =
            window.kernel == [3, 3] && window.stride == [1, 1] && window.padding.top.max(window.padding.left) <= 2;
        let applies = fits && pass.source_part == Part::Full;
        let is_forward_divisor = !pass.transposed && (pass.weight != Part::Full || self.draft.is_explained);
        let is_divisor = epilogue.divides() || is_forward_divisor;
        let is_always = pass.gate.is_none();
        self.profile.choices.winograd.filter(|_| applies && is_always && !is_divisor)
    }

    pub(super) fn winograd(&mut self, pass: &Pass, epilogue: &Epilogue, variant: Variant, tile: WinogradTile) {
        let (rows, columns) = (pass.shape.height.div_ceil(tile.side()), pass.shape.width.div_ceil(tile.side()));
        let tiles = rows * columns * pass.samples;
        let quads = pass.source_shape.quads().max(pass.shape.quads());
        let per_tile = u64::from(quads * tile.slices()) * 16;
        let most = ((self.profile.strategy.winograd_run_bytes / per_tile) as u32)
            .min(self.profile.facts.max_workgroups * LANES / 2);
        let most = (most / TILES_TOGETHER * TILES_TOGETHER).max(LANES).min(tiles);
        let bytes = |quads: u32| u64::from(quads * tile.slices()) * u64::from(most) * 16;
        let source = self.scratch_bytes("transformed source", bytes(pass.source_shape.quads()));
        let result = self.scratch_bytes("transformed result", bytes(pass.shape.quads()));
        for first_tile in (0..tiles).step_by(most as usize) {
            let tiles = most.min(tiles - first_tile);
            let run = Run { tile, first_tile, tiles, columns: [rows, columns], source, result };
            self.winograd_input(pass, &run);
            self.winograd_product(pass, &run, variant);
            self.winograd_output(pass, epilogue, &run);
        }
    }

    fn winograd_input(&mut self, pass: &Pass, run: &Run) {
        let padding = self.graph.convolution(pass.layer).window.padding;
        let around = |padding: u32| if pass.transposed { 2 - padding } else { padding };
        let quads = pass.source_shape.quads();
        let uniforms = Uniforms::new()
            .with("source_height", pass.source_shape.height)
            .with("source_width", pass.source_shape.width)
            .with("quads", quads)
            .with("tile_rows", run.columns[0])
            .with("tile_columns", run.columns[1])
            .with("padding_top", around(padding.top))
            .with("padding_left", around(padding.left))
            .with("first_tile", run.first_tile)
            .with("tiles", run.tiles);
        let (shader, parts, transform) = match run.tile {
            WinogradTile::Two => (self.form(Shader::WinogradInput2x2, Shader::WinogradInput2x2U64), 1, 32),
            WinogradTile::Four => (self.form(Shader::WinogradInput4x4, Shader::WinogradInput4x4U64), 2, 228),
        };
        let flops = transform * u64::from(run.tiles) * u64::from(quads) * 4;
        let (kernel, patches) = self.in_runs(Kernel::new(shader), self.profile.strategy.run);
        let workgroups = [(parts * run.tiles).div_ceil(patches), quads, 1];
        let values = vec![pass.source, run.source];
        self.push(Work { kernel, uniforms, workgroups, flops }, Vec::new(), values);
    }

    fn winograd_product(&mut self, pass: &Pass, run: &Run, variant: Variant) {
        let flat = |channels: u32| Shape::new(channels, 1, run.tiles);
        let (source_shape, shape) = (flat(pass.source_shape.channels), flat(pass.shape.channels));
        let Pass { layer, transposed, weight: part, .. } = *pass;
        let slices = run.tile.slices();
        let weights = Packing::Winograd { tile: run.tile, layer, transposed, part };
        let macs = u64::from(run.tiles * slices) * u64::from(source_shape.channels * shape.channels);
        self.dense(&Dense {
            variant,
            window: Window::square(1, 1, 0),
            transposed: false,
            absolute_weights: 0,
            source_part: Part::Full,
            source_shape,
            shape,
            samples: 1,
            first_sample: 0,
            source_samples: 1,
            slices,
            weight_slice: (weights.elements(self.graph) / 4) as u32 / slices,
            decides: self.decides(pass),
            weights,
            values: [run.source, UNUSED, run.result],
            gate: 0,
            epilogue: &Epilogue::NONE,
            flops: 2 * macs,
        });
    }

    fn winograd_output(&mut self, pass: &Pass, epilogue: &Epilogue, run: &Run) {
        let quads = pass.shape.quads();
        let uniforms = Uniforms::new()
            .with("height", pass.shape.height)
            .with("width", pass.shape.width)
            .with("quads", quads)
            .with("tile_rows", run.columns[0])
            .with("tile_columns", run.columns[1])
            .with("first_tile", run.first_tile)
            .with("tiles", run.tiles);
        let uniforms = self.with_epilogue(uniforms, epilogue);
        let (shader, transform) = match run.tile {
            WinogradTile::Two => (self.form(Shader::WinogradOutput2x2, Shader::WinogradOutput2x2U64), 24),
            WinogradTile::Four => (self.form(Shader::WinogradOutput4x4, Shader::WinogradOutput4x4U64), 130),
        };
        let flops = transform * u64::from(run.tiles) * u64::from(quads) * 4;
        let (kernel, patches) = self.in_runs(Kernel::new(shader), self.profile.strategy.run);
        let workgroups = [run.tiles.div_ceil(patches), quads, 1];
        let [_, operand, destination] = self.operands(pass, epilogue);
        let values = vec![run.result, operand, destination];
        self.push(Work { kernel, uniforms, workgroups, flops }, vec![epilogue.affine], values);
    }
}
