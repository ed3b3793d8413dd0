//! Dense convolutions as sums over taps and input channels, and the products of matrices that other algorithms are made
//! of.

use super::convolution::{Epilogue, Pass, part_code, pass_flops};
use super::{LANES, Lowering, Work};
use crate::graph::{Part, Shape, Window};
use crate::plan::ValueId;
use crate::plan::kernel::Kernel;
use crate::plan::packing::{Element, Packing};
use crate::plan::uniforms::Uniforms;
use crate::plan::variant::{DenseKernel, Variant};

/// Bytes of weights that stay in the second-level cache of a processor's core.
const CACHED_BYTES: u64 = 1 << 20;

/// What the dense kernels compute: a convolution, or several independent ones (`slices`), each with its own source and
/// destination.
pub(super) struct Dense<'a> {
    pub variant: Variant,
    pub window: Window,
    pub transposed: bool,
    /// A bit for each slice: whether its weights are taken by their absolute values.
    pub absolute_weights: u32,
    pub source_part: Part,
    pub source_shape: Shape,
    pub shape: Shape,
    pub samples: u32,
    /// Samples of the source before those, and in all.
    pub first_sample: u32,
    pub source_samples: u32,
    pub slices: u32,
    /// vec4 elements of the weights from one slice to the next; 0 where all have the same.
    pub weight_slice: u32,
    /// Whether max-pooling and ReLU decide on the result: near-ties must then fall as in exact arithmetic.
    pub decides: bool,
    pub weights: Packing,
    /// Values bound: source, operand or gate, destination.
    pub values: [ValueId; 3],
    pub gate: u32,
    pub epilogue: &'a Epilogue,
    pub flops: u64,
}

impl Lowering<'_, '_> {
    pub(super) fn direct(&mut self, pass: &Pass, epilogue: &Epilogue, variant: Variant) {
        let convolution = self.graph.convolution(pass.layer);
        let parts = [Some(pass.weight), pass.second].into_iter().flatten();
        let absolute_weights =
            parts.clone().zip(0..).map(|(part, slice)| u32::from(part == Part::Absolute) << slice).sum();
        let slices = parts.count() as u32;
        let dense = Dense {
            variant,
            window: convolution.window,
            transposed: pass.transposed,
            absolute_weights,
            source_part: pass.source_part,
            source_shape: pass.source_shape,
            shape: pass.shape,
            samples: pass.samples,
            first_sample: 0,
            source_samples: pass.samples,
            slices,
            weight_slice: 0,
            decides: self.decides(pass),
            weights: self.dense_weights(pass),
            values: self.operands(pass, epilogue),
            gate: pass.gate_count(),
            epilogue,
            flops: pass_flops(convolution, pass) * u64::from(pass.samples * slices),
        };
        self.dense(&dense);
    }

    pub(super) fn dense_weights(&self, pass: &Pass) -> Packing {
        let element = Element::of(self.profile.choices.precision, pass.layer.source);
        Packing::Dense { layer: pass.layer, transposed: pass.transposed, part: packed(pass.weight), element }
    }

    /// One step, or several where one would keep a slow device busy for too long.
    pub(super) fn dense(&mut self, dense: &Dense) {
        match dense.variant.kernel.splits() {
            1 => self.whole(dense),
            splits => self.split(dense, splits),
        }
    }

    pub(super) fn whole(&mut self, dense: &Dense) {
        let kernel = dense_kernel(dense);
        let step = if dense.transposed { dense.window.stride[0] } else { 1 };
        let largest_grid = dense.shape.height.div_ceil(step) * dense.shape.width.div_ceil(step);
        let tiles = (largest_grid * dense.samples).div_ceil(dense.variant.kernel.pixels());
        let rows = dense.shape.channels.div_ceil(8 * dense.variant.row_tiles);
        let is_product = dense.variant.kernel == DenseKernel::Product;
        let slices = if is_product { dense.slices } else { dense.slices * step * step };
        // A transposed product has nothing for the pixels that a stride skips; where a gate opens, they are zeros
        // already.
        if is_product && step > 1 && dense.gate == 0 {
            self.zeros(dense.values[2], dense.shape, dense.samples);
        }
        let weight_slices = if dense.weight_slice == 0 { 1 } else { dense.slices };
        let blocks = row_blocks(rows, dense.weights.bytes(self.graph) / u64::from(weight_slices));
        for (first_tile, count) in self.parts(tiles, dense.flops) {
            let uniforms = match dense.variant.kernel {
                DenseKernel::Product => self.product_uniforms(dense, first_tile, blocks),
                DenseKernel::Uniform | DenseKernel::UniformSmall | DenseKernel::Broadcast | DenseKernel::Tiled(_) => {
                    self.dense_uniforms(dense, first_tile, blocks)
                }
            };
            let workgroups = match dense.variant.kernel {
                DenseKernel::Broadcast | DenseKernel::Product => [rows.div_ceil(blocks), count, slices * blocks],
                DenseKernel::Uniform | DenseKernel::UniformSmall => [count, rows, slices],
                DenseKernel::Tiled(tiling) => [count, rows, slices * tiling.splits],
            };
            let flops = dense.flops * u64::from(count) / u64::from(tiles);
            let weights = vec![dense.weights, dense.epilogue.affine];
            let work = Work { kernel: kernel.clone(), uniforms, workgroups, flops };
            self.push(work, weights, dense.values.to_vec());
        }
    }

    /// First tile and number of tiles of each step.
    pub(super) fn parts(&self, tiles: u32, cost: u64) -> Vec<(u32, u32)> {
        let parts = cost.div_ceil(self.profile.strategy.max_step_flops).max(1) as u32;
        let per_part = tiles.div_ceil(parts).min(self.profile.facts.max_workgroups).max(1);
        (0..tiles).step_by(per_part as usize).map(|first| (first, per_part.min(tiles - first))).collect()
    }

    fn dense_uniforms(&self, dense: &Dense, first_tile: u32, row_blocks: u32) -> Uniforms {
        let uniforms = Uniforms::new()
            .with("source_height", dense.source_shape.height)
            .with("source_width", dense.source_shape.width)
            .with("source_quads", dense.source_shape.quads())
            .with("height", dense.shape.height)
            .with("width", dense.shape.width)
            .with("quads", dense.shape.quads())
            .with("kernel_rows", dense.window.kernel[0])
            .with("kernel_columns", dense.window.kernel[1])
            .with("stride", dense.window.stride[0])
            .with("padding_top", dense.window.padding.top)
            .with("padding_left", dense.window.padding.left)
            .with("transposed", dense.transposed)
            .with("samples", dense.samples)
            .with("slices", dense.slices)
            .with("weight_slice", dense.weight_slice)
            .with("first_tile", first_tile);
        let uniforms = self.with_epilogue(uniforms.with("gate", dense.gate), dense.epilogue);
        match dense.variant.kernel {
            DenseKernel::Broadcast => {
                let source_part = part_code(dense.source_part);
                uniforms
                    .with("absolute_weight", dense.absolute_weights)
                    .with("source_part", source_part)
                    .with("row_blocks", row_blocks)
            }
            DenseKernel::Tiled(tiling) => uniforms
                .with("absolute_weights", dense.absolute_weights)
                .with("source_part", part_code(dense.source_part))
                .with("splits", tiling.splits)
                .with("first_sample", dense.first_sample)
                .with("source_samples", dense.source_samples),
            DenseKernel::Uniform | DenseKernel::UniformSmall | DenseKernel::Product => uniforms,
        }
    }

    fn product_uniforms(&self, dense: &Dense, first_tile: u32, row_blocks: u32) -> Uniforms {
        let (source, shape) = (dense.source_shape, dense.shape);
        let stride = dense.window.stride[0];
        let (grid, source_step, step) = if dense.transposed { (source, 1, stride) } else { (shape, stride, 1) };
        let uniforms = Uniforms::new()
            .with("pixels", grid.pixels())
            .with("columns", if stride == 1 { grid.pixels() } else { grid.width })
            .with("source_plane", source.pixels())
            .with("source_row", source.width * source_step)
            .with("source_column", source_step)
            .with("plane", shape.pixels())
            .with("row", shape.width * step)
            .with("column", step)
            .with("source_quads", dense.source_shape.quads())
            .with("quads", dense.shape.quads())
            .with("samples", dense.samples)
            .with("weight_slice", dense.weight_slice)
            .with("first_tile", first_tile)
            .with("gate", dense.gate);
        self.with_epilogue(uniforms, dense.epilogue)
            .with("absolute_weight", dense.absolute_weights)
            .with("absolute_source", dense.source_part == Part::Absolute)
            .with("row_blocks", row_blocks)
    }
}

/// Number of blocks that the weights of `rows` groups of rows are cut into, so that all pixels go by a block while it
/// is in the cache.
pub(super) fn row_blocks(rows: u32, weight_bytes: u64) -> u32 {
    let rows_per_block = CACHED_BYTES * u64::from(rows) / weight_bytes.max(1);
    rows.div_ceil((rows_per_block as u32).clamp(1, rows))
}

fn dense_kernel(dense: &Dense) -> Kernel {
    let Variant { kernel, row_tiles, .. } = dense.variant;
    let of_rows = || Kernel::new(kernel.shader()).with("ROW_TILES", row_tiles);
    let with_parts = match kernel {
        DenseKernel::Broadcast | DenseKernel::Product => of_rows(),
        DenseKernel::Tiled(tiling) => tiling.kernel(dense.decides),
        DenseKernel::Uniform | DenseKernel::UniformSmall => of_rows()
            .with("PIXELS", kernel.pixels() / LANES)
            .with("ABSOLUTE_WEIGHT", dense.absolute_weights)
            .with("SOURCE_PART", part_code(dense.source_part))
            .with("TWO_LEVELS", dense.decides.into()),
    };
    with_parts.with_weights(dense.weights.element())
}

/// The packing in which the kernels find a part of the weights.
fn packed(part: Part) -> Part {
    if part == Part::Absolute { Part::Full } else { part }
}
