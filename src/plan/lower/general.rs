//! Convolutions of any geometry: what the dense and the depthwise kernels are not made for.

use super::convolution::{Epilogue, Pass, part_code, pass_flops};
use super::{Lowering, Work};
use crate::plan::kernel::{Kernel, Shader};
use crate::plan::packing::{Packing, row_quads};
use crate::plan::uniforms::Uniforms;

impl Lowering<'_, '_> {
    pub(super) fn general(&mut self, pass: &Pass, epilogue: &Epilogue) {
        let convolution = self.graph.convolution(pass.layer);
        let window = convolution.window;
        let of_group = |channels: u32| channels / convolution.groups;
        let uniforms = Uniforms::new()
            .with("source_height", pass.source_shape.height)
            .with("source_width", pass.source_shape.width)
            .with("source_quads", pass.source_shape.quads())
            .with("height", pass.shape.height)
            .with("width", pass.shape.width)
            .with("quads", pass.shape.quads())
            .with_window(window)
            .with("group_rows", of_group(pass.shape.channels))
            .with("group_columns", of_group(pass.source_shape.channels))
            .with("row_quads", row_quads(convolution, pass.transposed))
            .with("transposed", pass.transposed);
        let flops = pass_flops(convolution, pass) * u64::from(pass.samples);
        let uniforms = self.with_epilogue(uniforms.with("gate", pass.gate_count()), epilogue);
        let uniforms =
            uniforms.with("weight_part", part_code(pass.weight)).with("source_part", part_code(pass.source_part));
        let (kernel, run) = self.in_runs(Kernel::new(Shader::ConvolutionGeneral), self.profile.strategy.pixel_run);
        let workgroups = [pass.shape.pixels().div_ceil(run), pass.shape.quads(), pass.samples];
        let weights = vec![Packing::General { layer: pass.layer, transposed: pass.transposed }, epilogue.affine];
        let values = self.operands(pass, epilogue).to_vec();
        self.push(Work { kernel, uniforms, workgroups, flops }, weights, values);
    }
}
