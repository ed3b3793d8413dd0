//! Winograd's algorithm F(2x2, 3x3) for convolutions of 3x3 taps and stride 1, forward and transposed (Lavin and Gray, CVPR 2016).
//!
//! Patches of the source are transformed, multiplied with transformed weights as 16 products of matrices, and transformed back: 2.25
//! times fewer multiplications. Patches go through in runs, so that transformed values take little memory.

use super::convolution::{Epilogue, Pass};
use super::direct::Dense;
use super::{LANES, Lowering, Work};
use crate::graph::{Part, Shape, Window};
use crate::plan::ValueId;
use crate::plan::kernel::{Kernel, Shader};
use crate::plan::packing::{Packing, WINOGRAD_SLICES};
use crate::plan::uniforms::Uniforms;
use crate::plan::variant::Variant;

/// Bytes that the transformed source, or result, of one run may take.
const RUN_BYTES: u64 = 16 << 20;

/// The patches of one run, and where their transformed values are.
struct Run {
    first_tile: u32,
    tiles: u32,
    columns: [u32; 2],
    source: ValueId,
    result: ValueId,
}

impl Lowering<'_> {
    /// Whether it computes this pass accurately enough. Its rounding errors follow a patch's largest value, while a direct
    /// sum of terms of one sign is accurate for each value: sums that relevance is divided by stay direct, and so do all forward passes
    /// over parts of weights. In an explanation the whole forward pass stays direct: max-pooling, ReLU and divisions by residual sums
    /// turn differences in the seventh digit into ones in the third.
    pub(super) fn winograd_allowed(&self, pass: &Pass, epilogue: &Epilogue) -> bool {
        let window = self.graph.convolution(pass.layer).window;
        let applies = window.kernel == [3, 3] && window.stride == 1 && pass.source_part == Part::Full;
        let is_forward_divisor = !pass.transposed && (pass.weight != Part::Full || self.is_explained);
        let is_divisor = epilogue.divides() || is_forward_divisor;
        self.profile.winograd && applies && !is_divisor
    }

    pub(super) fn winograd(&mut self, pass: &Pass, epilogue: &Epilogue, variant: Variant) {
        let (rows, columns) = (pass.shape.height.div_ceil(2), pass.shape.width.div_ceil(2));
        let tiles = rows * columns * self.batch;
        let quads = pass.source_shape.quads().max(pass.shape.quads());
        let per_tile = u64::from(quads * WINOGRAD_SLICES) * 16;
        let most = (RUN_BYTES / per_tile).max(1) as u32;
        let most = (most / LANES * LANES).max(LANES).min(self.profile.max_workgroups * LANES).min(tiles);
        let bytes = |quads: u32| u64::from(quads * WINOGRAD_SLICES) * u64::from(most) * 16;
        let source = self.scratch_bytes("transformed source", bytes(pass.source_shape.quads()));
        let result = self.scratch_bytes("transformed result", bytes(pass.shape.quads()));
        for first_tile in (0..tiles).step_by(most as usize) {
            let tiles = most.min(tiles - first_tile);
            let run = Run { first_tile, tiles, columns: [rows, columns], source, result };
            self.winograd_input(pass, &run);
            self.winograd_product(pass, &run, variant);
            self.winograd_output(pass, epilogue, &run);
        }
    }

    fn winograd_input(&mut self, pass: &Pass, run: &Run) {
        let padding = self.graph.convolution(pass.layer).window.padding;
        let around = |padding: u32| if pass.transposed { 2 - padding.min(2) } else { padding };
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
            .with("tiles", run.tiles)
            .with("gate", self.gate(pass));
        let flops = 32 * u64::from(run.tiles) * u64::from(quads) * 4;
        let workgroups = [run.tiles.div_ceil(LANES), quads, 1];
        let values = vec![pass.source, pass.gate.unwrap_or(self.unused), run.source];
        let kernel = Kernel::new(Shader::WinogradInput);
        self.push(Work { kernel, uniforms, workgroups, flops }, Vec::new(), values);
    }

    fn winograd_product(&mut self, pass: &Pass, run: &Run, variant: Variant) {
        let flat = |channels: u32| Shape::new(channels, 1, run.tiles);
        let (source_shape, shape) = (flat(pass.source_shape.channels), flat(pass.shape.channels));
        let macs = u64::from(run.tiles * WINOGRAD_SLICES) * u64::from(source_shape.channels * shape.channels);
        self.dense(&Dense {
            variant,
            window: Window::square(1, 1, 0),
            transposed: false,
            absolute_weight: false,
            source_part: Part::Full,
            source_shape,
            shape,
            samples: 1,
            slices: WINOGRAD_SLICES,
            decides: pass.decides(),
            weights: Packing::Winograd { layer: pass.layer, transposed: pass.transposed, part: pass.weight },
            values: [run.source, pass.gate.unwrap_or(self.unused), run.result],
            gate: self.gate(pass),
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
            .with("tiles", run.tiles)
            .with("gate", self.gate(pass))
            .with("epilogue", epilogue.code)
            .with("low", epilogue.low)
            .with("high", epilogue.high);
        let flops = 24 * u64::from(run.tiles) * u64::from(quads) * 4;
        let workgroups = [run.tiles.div_ceil(LANES), quads, 1];
        let [_, operand, destination] = self.operands(pass, epilogue);
        let kernel = Kernel::new(Shader::WinogradOutput);
        let values = vec![run.result, operand, destination];
        self.push(Work { kernel, uniforms, workgroups, flops }, vec![epilogue.affine], values);
    }
}
