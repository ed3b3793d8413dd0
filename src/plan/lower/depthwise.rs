//! Depthwise convolutions: each channel by itself.

use super::convolution::{Epilogue, Pass, part_code, pass_flops};
use super::{Lowering, Work};
use crate::graph::Convolution;
use crate::plan::kernel::{Kernel, Shader};
use crate::plan::packing::Packing;
use crate::plan::profile::{Block, DenseKernels, Profile};
use crate::plan::uniforms::Uniforms;

impl Lowering<'_, '_> {
    pub(super) fn depthwise(&mut self, pass: &Pass, epilogue: &Epilogue) {
        let convolution = self.graph.convolution(pass.layer).clone();
        let uniforms = Uniforms::new()
            .with("source_height", pass.source_shape.height)
            .with("source_width", pass.source_shape.width)
            .with("height", pass.shape.height)
            .with("width", pass.shape.width)
            .with("quads", pass.shape.quads())
            .with("kernel_rows", convolution.window.kernel[0])
            .with("kernel_columns", convolution.window.kernel[1])
            .with("stride", convolution.window.stride[0])
            .with("padding_top", convolution.window.padding.top)
            .with("padding_left", convolution.window.padding.left)
            .with("transposed", pass.transposed);
        let uniforms = self.with_epilogue(uniforms.with("gate", pass.gate_count()), epilogue);
        let uniforms =
            uniforms.with("weight_part", part_code(pass.weight)).with("source_part", part_code(pass.source_part));
        let step = if pass.transposed { convolution.window.stride[0] } else { 1 };
        let phase = [pass.shape.height, pass.shape.width].map(|size| size.div_ceil(step));
        let planes = [pass.shape.quads(), pass.samples * step * step];
        let block = self.depthwise_block(phase, planes);
        let kernel = Kernel::new(self.depthwise_shader(&convolution));
        let kernel = kernel.with("PIXELS", block.columns).with("ROWS", block.rows);
        let (kernel, run) = self.in_runs(kernel, self.profile.strategy.run);
        let workgroups = [block.count(phase[0], phase[1]).div_ceil(run), planes[0], planes[1]];
        let flops = pass_flops(&convolution, pass) * u64::from(pass.samples);
        let values = self.operands(pass, epilogue).to_vec();
        let weights = vec![Packing::Depthwise { layer: pass.layer }, epilogue.affine];
        self.push(Work { kernel, uniforms, workgroups, flops }, weights, values);
    }

    /// What a lane computes of `planes` maps of the size of a phase.
    fn depthwise_block(&self, [height, width]: [u32; 2], planes: [u32; 2]) -> Block {
        let strategy = &self.profile.strategy;
        let lanes = [strategy.depthwise_block.count(height, width), planes[0], planes[1]].map(u64::from);
        let is_enough = lanes.iter().product::<u64>() >= u64::from(strategy.depthwise_lanes);
        if is_enough { strategy.depthwise_block } else { Block::PIXEL }
    }

    /// Weights are handed round by 8 lanes where the strategy does so in dense convolutions and lanes suffice.
    fn depthwise_shader(&self, convolution: &Convolution) -> Shader {
        let Profile { facts, strategy, .. } = self.profile;
        let [rows, columns] = convolution.window.kernel;
        let is_small = rows <= 5 && columns <= 6 && strategy.lanes == 8;
        match is_small && facts.can_broadcast() && strategy.dense == DenseKernels::Broadcast {
            true => Shader::ConvolutionDepthwiseBroadcast,
            false => self.form(Shader::ConvolutionDepthwise, Shader::ConvolutionDepthwiseU64),
        }
    }
}
