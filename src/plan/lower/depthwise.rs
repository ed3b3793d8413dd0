//! Depthwise convolutions: each channel by itself.

use super::convolution::{Epilogue, Pass, part_code, pass_flops};
use super::{Lowering, Work};
use crate::plan::kernel::{Kernel, Shader};
use crate::plan::packing::Packing;
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
        let pixels = self.profile.strategy.depthwise_pixels;
        let shader = self.form(Shader::ConvolutionDepthwise, Shader::ConvolutionDepthwiseU64);
        let kernel = Kernel::new(shader).with("PIXELS", pixels);
        let strips = pass.shape.height.div_ceil(step) * pass.shape.width.div_ceil(step).div_ceil(pixels);
        let (kernel, run) = self.in_runs(kernel, self.profile.strategy.run);
        let workgroups = [strips.div_ceil(run), pass.shape.quads(), pass.samples * step * step];
        let flops = pass_flops(&convolution, pass) * u64::from(pass.samples);
        let values = self.operands(pass, epilogue).to_vec();
        let weights = vec![Packing::Depthwise { layer: pass.layer }, epilogue.affine];
        self.push(Work { kernel, uniforms, workgroups, flops }, weights, values);
    }
}
