//! Products of matrices by tiles in workgroup memory whose sums are shared by several workgroups.

use super::convolution::Epilogue;
use super::direct::Dense;
use super::{LANES, Lowering, UNUSED, Work};
use crate::plan::kernel::{Kernel, Shader};
use crate::plan::uniforms::Uniforms;

/// Bytes that the sums of one run of samples may take.
const RUN_BYTES: u64 = 16 << 20;

impl Lowering<'_, '_> {
    /// Sums over parts of taps and input channels, one behind the other, and a step that adds them in this order and
    /// finishes them.
    pub(super) fn split(&mut self, dense: &Dense, splits: u32) {
        let of_sample = u64::from(splits * dense.slices) * dense.shape.bytes();
        let bytes = RUN_BYTES.min(self.profile.facts.max_binding_bytes);
        let most = ((bytes / of_sample) as u32).clamp(1, dense.samples);
        let sums = self.scratch_bytes("sums of splits", of_sample * u64::from(most));
        let [source, operand, _] = dense.values;
        let gate = if dense.gate > 0 { operand } else { UNUSED };
        for first_sample in (0..dense.samples).step_by(most as usize) {
            let samples = most.min(dense.samples - first_sample);
            let flops = dense.flops * u64::from(samples) / u64::from(dense.samples);
            let values = [source, gate, sums];
            let run = Dense { first_sample, samples, flops, values, epilogue: &Epilogue::NONE, ..*dense };
            self.whole(&run);
            self.split_sum(dense, &run, splits);
        }
    }

    fn split_sum(&mut self, dense: &Dense, run: &Dense, splits: u32) {
        let of_sample = dense.shape.vectors();
        let of_slice = run.samples * of_sample;
        let elements = dense.slices * of_slice;
        let workgroups = elements.div_ceil(LANES);
        let columns = workgroups.min(self.profile.facts.max_workgroups);
        let uniforms = Uniforms::new()
            .with("splits", splits)
            .with("elements", elements)
            .with("slice_elements", of_slice)
            .with("first_element", run.first_sample * of_sample)
            .with("slice", dense.samples * of_sample)
            .with("plane", dense.shape.pixels())
            .with("quads", dense.shape.quads())
            .with("columns", columns);
        let uniforms = self.with_epilogue(uniforms.with("gate", dense.gate), dense.epilogue);
        let work = Work {
            kernel: Kernel::new(Shader::SplitSum),
            uniforms,
            workgroups: [columns, workgroups.div_ceil(columns), 1],
            flops: u64::from(splits) * u64::from(elements) * 4,
        };
        let [_, operand, destination] = dense.values;
        self.push(work, vec![dense.epilogue.affine], vec![run.values[2], operand, destination]);
    }
}
