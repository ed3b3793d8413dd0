//! Convolutions in groups: of one channel each (depthwise), or of whole quads of channels.

use super::convolution::{Epilogue, Pass, part_code, pass_flops};
use super::{Lowering, Work};
use crate::graph::Convolution;
use crate::plan::kernel::{Kernel, Shader};
use crate::plan::layout::QUAD;
use crate::plan::packing::Packing;
use crate::plan::profile::{Block, DenseKernels, Profile};
use crate::plan::uniforms::Uniforms;

/// Whether groups are of whole quads of channels, of the input and of the output.
pub(super) fn has_whole_quads(convolution: &Convolution) -> bool {
    let is_whole = |channels: u32| (channels / convolution.groups).is_multiple_of(QUAD);
    is_whole(convolution.input_channels) && is_whole(convolution.output_channels)
}

impl Lowering<'_, '_> {
    /// Each channel by itself.
    pub(super) fn depthwise(&mut self, pass: &Pass, epilogue: &Epilogue) {
        let convolution = self.graph.convolution(pass.layer);
        let block = self.profile.strategy.lane_block;
        let shader = match self.is_handed_round(convolution) && convolution.window.kernel[0] <= 5 {
            true => Shader::ConvolutionDepthwiseBroadcast,
            false => self.form(Shader::ConvolutionDepthwise, Shader::ConvolutionDepthwiseU64),
        };
        let uniforms = self.phase_uniforms(pass, epilogue);
        let packing = Packing::Depthwise { layer: pass.layer };
        self.in_phases(pass, epilogue, (shader, block, self.profile.strategy.run), uniforms, packing);
    }

    /// Groups of whole quads.
    pub(super) fn grouped(&mut self, pass: &Pass, epilogue: &Epilogue) {
        let convolution = self.graph.convolution(pass.layer);
        let strategy = &self.profile.strategy;
        let block = Block { rows: 1, ..strategy.lane_block };
        let shader = match self.is_handed_round(convolution) {
            true => Shader::ConvolutionGroupedBroadcast,
            false => self.form(Shader::ConvolutionGrouped, Shader::ConvolutionGroupedU64),
        };
        let uniforms = self
            .phase_uniforms(pass, epilogue)
            .with("source_quads", pass.source_shape.quads())
            .with("group_quads", pass.shape.quads() / convolution.groups)
            .with("group_source_quads", pass.source_shape.quads() / convolution.groups);
        let packing = Packing::Grouped { layer: pass.layer, transposed: pass.transposed };
        self.in_phases(pass, epilogue, (shader, block, strategy.pixel_run), uniforms, packing);
    }

    /// Whether 8 lanes keep a row of taps and hand them round, as the strategy has it in dense convolutions.
    fn is_handed_round(&self, convolution: &Convolution) -> bool {
        let Profile { facts, strategy, .. } = self.profile;
        let suits = strategy.dense == DenseKernels::Broadcast && strategy.lanes == 8 && facts.can_broadcast();
        suits && convolution.window.kernel[1] <= 6
    }

    /// What kernels that go through the phases of a transpose are told.
    fn phase_uniforms(&self, pass: &Pass, epilogue: &Epilogue) -> Uniforms {
        let window = self.graph.convolution(pass.layer).window;
        let uniforms = Uniforms::new()
            .with("source_height", pass.source_shape.height)
            .with("source_width", pass.source_shape.width)
            .with("height", pass.shape.height)
            .with("width", pass.shape.width)
            .with("quads", pass.shape.quads())
            .with("kernel_rows", window.kernel[0])
            .with("kernel_columns", window.kernel[1])
            .with("stride", window.stride[0])
            .with("padding_top", window.padding.top)
            .with("padding_left", window.padding.left)
            .with("transposed", pass.transposed);
        let uniforms = self.with_epilogue(uniforms.with("gate", pass.gate_count()), epilogue);
        uniforms.with("weight_part", part_code(pass.weight)).with("source_part", part_code(pass.source_part))
    }

    /// A step whose workgroups go through a run of blocks of a phase.
    fn in_phases(
        &mut self,
        pass: &Pass,
        epilogue: &Epilogue,
        (shader, block, run): (Shader, Block, u32),
        uniforms: Uniforms,
        packing: Packing,
    ) {
        let convolution = self.graph.convolution(pass.layer);
        let step = if pass.transposed { convolution.window.stride[0] } else { 1 };
        let phase = [pass.shape.height, pass.shape.width].map(|size| size.div_ceil(step));
        let planes = [pass.shape.quads(), pass.samples * step * step];
        let block = self.profile.strategy.block_of(block, phase, planes);
        let kernel = Kernel::new(shader).with("PIXELS", block.columns);
        let kernel = if block.rows == 1 { kernel } else { kernel.with("ROWS", block.rows) };
        let (kernel, run) = self.in_runs(kernel, run);
        let workgroups = [block.count(phase).div_ceil(run), planes[0], planes[1]];
        let flops = pass_flops(convolution, pass) * u64::from(pass.samples);
        let values = self.operands(pass, epilogue).to_vec();
        self.push(Work { kernel, uniforms, workgroups, flops }, vec![packing, epilogue.affine], values);
    }
}
