//! A plan on a device: buffers, bind groups and pipelines, ready to be recorded into any encoder.

use super::bindings::uniform_region;
use super::{Gpu, GpuError, Region, WeightStore};
use crate::graph::{Graph, NodeId, Shape};
use crate::plan::{Plan, Step, ValueId};
use std::collections::HashMap;
use std::num::NonZeroU64;
use std::ops::Range;

struct Dispatch {
    pipeline: wgpu::ComputePipeline,
    bind_group: wgpu::BindGroup,
    workgroups: [u32; 3],
}

/// How a value lies in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// `[samples][height * width]` of f32.
    Map,
    /// `[samples][channels / 4][height * width]` of vec4, channels beyond the last filled with zeros.
    Quads,
}

/// A node's value in GPU memory, for hosts that read or write it there.
#[derive(Clone, Copy, Debug)]
pub struct Stored<'a> {
    /// The buffer, which other values share.
    pub buffer: &'a wgpu::Buffer,
    /// Byte of the buffer at which the value begins, a multiple of 256.
    pub offset: u64,
    /// Bytes of all samples.
    pub bytes: u64,
    /// Samples.
    pub samples: u32,
    /// Shape of one sample.
    pub shape: Shape,
    /// How it lies there.
    pub layout: Layout,
}

impl<'a> Stored<'a> {
    /// A map of `height` x `width` at the beginning of a host's own buffer.
    pub fn map(buffer: &'a wgpu::Buffer, height: u32, width: u32) -> Self {
        let (shape, bytes) = (Shape::new(1, height, width), 4 * u64::from(height) * u64::from(width));
        Self { buffer, offset: 0, bytes, samples: 1, shape, layout: Layout::Map }
    }

    /// For a bind group.
    pub fn binding(&self) -> wgpu::BufferBinding<'a> {
        wgpu::BufferBinding { buffer: self.buffer, offset: self.offset, size: NonZeroU64::new(self.bytes) }
    }

    pub(crate) fn region(&self) -> Region<'a> {
        (self.buffer, self.offset, self.bytes)
    }
}

/// Consecutive dispatches of a program, to be recorded by themselves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    pub(super) steps: Range<usize>,
    /// What they cost, in floating-point operations.
    pub work: u64,
    /// Whether some of them do nothing where a value says so. Such a part may cost less, and what it takes says little
    /// of how fast the device is.
    pub is_gated: bool,
}

/// A plan with everything that it needs on the GPU.
pub struct Program {
    gpu: Gpu,
    plan: Plan,
    buffers: Vec<wgpu::Buffer>,
    dispatches: Vec<Dispatch>,
}

impl Program {
    /// Makes buffers, pipelines and bind groups. What [`Plan::packings`] lists must have been uploaded to `weights`.
    ///
    /// # Errors
    /// [`GpuError::OutOfMemory`] or [`GpuError::Driver`].
    pub async fn new(gpu: &Gpu, plan: Plan, weights: &WeightStore) -> Result<Self, GpuError> {
        let kernels = plan.kernels();
        let pipelines = gpu.pipelines(&kernels).await?;
        let pipeline_of: HashMap<_, _> = kernels.into_iter().zip(pipelines).collect();
        let bytes = plan.value_bytes();
        let (buffers, dispatches) = gpu
            .checked("making buffers for the plan", bytes, || {
                let buffers: Vec<wgpu::Buffer> =
                    plan.buffers.iter().map(|&size| gpu.storage_buffer("values", size)).collect();
                let uniforms = gpu.uniform_buffer(plan.steps.iter().map(|step| &step.uniforms));
                let maker = Maker { gpu, plan: &plan, buffers: &buffers, uniforms: &uniforms, weights };
                let dispatches: Vec<Dispatch> = (0..)
                    .zip(&plan.steps)
                    .filter_map(|(index, step)| {
                        let pipeline = pipeline_of.get(&step.kernel)?.clone();
                        let bind_group = maker.bind_group(index, step);
                        Some(Dispatch { pipeline, bind_group, workgroups: step.workgroups })
                    })
                    .collect();
                (buffers, dispatches)
            })
            .await?;
        Ok(Self { gpu: gpu.clone(), plan, buffers, dispatches })
    }

    /// The plan.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// The device.
    pub fn gpu(&self) -> &Gpu {
        &self.gpu
    }

    /// Records all steps. Nothing is submitted: the values are there when the host has submitted the encoder.
    pub fn record(&self, encoder: &mut wgpu::CommandEncoder) {
        self.record_steps(encoder, 0..self.dispatches.len(), None);
    }

    /// All steps as parts of at most `work` each, in order; a step that costs more is a part of its own.
    pub fn parts(&self, work: u64) -> Vec<Part> {
        let part = |range: Range<usize>| {
            let steps = &self.plan.steps[range.clone()];
            let (work, is_gated) = (steps.iter().map(Step::cost).sum(), steps.iter().any(Step::is_gated));
            Part { steps: range, work, is_gated }
        };
        cut(&self.plan.steps, work).into_iter().map(part).collect()
    }

    /// Records one part. Parts belong to the program that made them and run in their order; whatever the host does
    /// between them, the values are those of [`Program::record`].
    pub fn record_part(&self, part: &Part, encoder: &mut wgpu::CommandEncoder) {
        let end = part.steps.end.min(self.dispatches.len());
        self.record_steps(encoder, part.steps.start.min(end)..end, None);
    }

    /// Records some steps as one pass, which writes timestamps where asked to.
    pub(super) fn record_steps(
        &self,
        encoder: &mut wgpu::CommandEncoder,
        steps: Range<usize>,
        timestamp_writes: Option<wgpu::ComputePassTimestampWrites<'_>>,
    ) {
        let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor { label: None, timestamp_writes });
        for dispatch in &self.dispatches[steps] {
            let [x, y, z] = dispatch.workgroups;
            pass.set_pipeline(&dispatch.pipeline);
            pass.set_bind_group(0, &dispatch.bind_group, &[]);
            pass.dispatch_workgroups(x, y, z);
        }
    }

    /// Submits all steps, cut so that no submission keeps a slow adapter busy for long.
    ///
    /// # Errors
    /// [`GpuError::Driver`].
    pub async fn submit(&self) -> Result<(), GpuError> {
        let limit = self.gpu.profile.strategy.max_step_flops;
        let submit = || {
            for part in self.parts(limit) {
                let mut encoder = self.gpu.device.create_command_encoder(&Default::default());
                self.record_part(&part, &mut encoder);
                self.gpu.queue.submit([encoder.finish()]);
            }
        };
        self.gpu.checked("submitting the plan", 0, submit).await
    }

    /// Where a node's value is.
    ///
    /// # Errors
    /// [`GpuError::NotStored`] where the plan does not keep it.
    pub fn stored(&self, graph: &Graph, node: NodeId) -> Result<Stored<'_>, GpuError> {
        let described = graph.node(node);
        let value = self.plan.value_of.get(&node);
        let &ValueId(value) = value.ok_or_else(|| GpuError::NotStored { value: described.name.clone() })?;
        let place = self.plan.places[value];
        Ok(Stored {
            buffer: &self.buffers[place.buffer],
            offset: place.offset,
            bytes: self.plan.values[value].bytes,
            samples: self.plan.batch,
            shape: described.shape,
            layout: if described.op.is_map() { Layout::Map } else { Layout::Quads },
        })
    }

    pub(crate) fn buffers(&self) -> &[wgpu::Buffer] {
        &self.buffers
    }
}

struct Maker<'a> {
    gpu: &'a Gpu,
    plan: &'a Plan,
    buffers: &'a [wgpu::Buffer],
    uniforms: &'a wgpu::Buffer,
    weights: &'a WeightStore,
}

impl Maker<'_> {
    fn bind_group(&self, index: u64, step: &Step) -> wgpu::BindGroup {
        let weights = step.weights.iter().filter_map(|packing| self.weights.get(packing));
        let weights = weights.map(|buffer| (buffer, 0, buffer.size()));
        let values = step.values.iter().map(|&ValueId(value)| {
            let place = self.plan.places[value];
            (&self.buffers[place.buffer], place.offset, self.plan.values[value].bytes)
        });
        let uniforms = uniform_region(self.uniforms, index, &step.uniforms);
        self.gpu.bind_group(&step.label, step.kernel.shader, uniforms, weights.chain(values))
    }
}

/// Runs of steps that cost at most `limit` each.
pub(super) fn cut(steps: &[Step], limit: u64) -> Vec<Range<usize>> {
    let mut runs = Vec::new();
    let (mut start, mut work) = (0, 0);
    for (index, step) in steps.iter().enumerate() {
        if work > 0 && work + step.cost() > limit {
            runs.push(start..index);
            (start, work) = (index, 0);
        }
        work += step.cost();
    }
    runs.push(start..steps.len());
    runs
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::kernel::{Kernel, Shader};
    use crate::plan::uniforms::Uniforms;

    fn step(flops: u64, bytes: u64) -> Step {
        Step {
            node: NodeId(0),
            label: String::new(),
            kernel: Kernel::new(Shader::Binary),
            uniforms: Uniforms::new(),
            weights: Vec::new(),
            values: Vec::new(),
            written: 0,
            workgroups: [1; 3],
            flops,
            bytes,
        }
    }

    fn whole(steps: usize) -> Vec<Range<usize>> {
        std::iter::once(0..steps).collect()
    }

    #[test]
    fn runs_cost_at_most_the_limit_and_every_step_is_in_one() {
        let steps: Vec<Step> = [5, 5, 1, 20, 3, 3, 3, 3].map(|flops| step(flops, 0)).into();
        assert_eq!(cut(&steps, 10), [0..2, 2..3, 3..4, 4..7, 7..8]);
        assert_eq!(cut(&steps, u64::MAX), whole(8));
        assert_eq!(cut(&steps, 0), (0..8).map(|index| index..index + 1).collect::<Vec<_>>());
        assert_eq!(cut(&[], 10), whole(0));
    }

    #[test]
    fn bytes_count_as_eight_operations() {
        assert_eq!(cut(&[step(1, 1), step(1, 0), step(0, 1)], 10), [0..2, 2..3]);
    }
}
