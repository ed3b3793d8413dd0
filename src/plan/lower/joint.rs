//! `W x` and `|W| |x|` as one product: what an explanation needs of a convolution's forward pass.

use super::convolution::{Epilogue, Pass, pass_flops};
use super::direct::row_blocks;
use super::{Lowering, Work};
use crate::plan::ValueId;
use crate::plan::kernel::{Kernel, Shader};
use crate::plan::packing::Packing;
use crate::plan::uniforms::Uniforms;
use crate::plan::variant::Variant;

impl Lowering<'_, '_> {
    /// The forward pass `pass`, and to `absolute` the same with absolute weights.
    pub(super) fn joint(&mut self, pass: &Pass, absolute: ValueId, epilogue: &Epilogue, variant: Variant) {
        let convolution = self.graph.convolution(pass.layer);
        let weights = self.dense_weights(pass);
        let rows = pass.shape.channels.div_ceil(8 * variant.row_tiles);
        let blocks = row_blocks(rows, weights.bytes(self.graph));
        let tiles = (pass.shape.pixels() * self.batch).div_ceil(variant.kernel.pixels());
        let flops = 2 * pass_flops(convolution, pass) * u64::from(self.batch);
        let kernel = Kernel::new(Shader::ConvolutionJoint).with("ROW_TILES", variant.row_tiles);
        let kernel = kernel.with_weights(weights.element());
        for (first_tile, count) in self.parts(tiles, flops) {
            let uniforms = self.joint_uniforms(pass, epilogue, first_tile, blocks);
            let workgroups = [rows.div_ceil(blocks), count, blocks];
            let flops = flops * u64::from(count) / u64::from(tiles);
            let work = Work { kernel: kernel.clone(), uniforms, workgroups, flops };
            let weights: Vec<Packing> = vec![weights, epilogue.affine];
            self.push_writing(work, weights, vec![pass.source, absolute, pass.destination], 2);
        }
    }

    fn joint_uniforms(&self, pass: &Pass, epilogue: &Epilogue, first_tile: u32, row_blocks: u32) -> Uniforms {
        let window = self.graph.convolution(pass.layer).window;
        Uniforms::new()
            .with("source_height", pass.source_shape.height)
            .with("source_width", pass.source_shape.width)
            .with("source_quads", pass.source_shape.quads())
            .with("height", pass.shape.height)
            .with("width", pass.shape.width)
            .with("quads", pass.shape.quads())
            .with("kernel_rows", window.kernel[0])
            .with("kernel_columns", window.kernel[1])
            .with("stride", window.stride[0])
            .with("padding_top", window.padding.top)
            .with("padding_left", window.padding.left)
            .with("samples", self.batch)
            .with("first_tile", first_tile)
            .with("epilogue", epilogue.code)
            .with("low", epilogue.low)
            .with("high", epilogue.high)
            .with("row_blocks", row_blocks)
    }
}
