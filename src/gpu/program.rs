//! A plan on a device: buffers, bind groups and pipelines, ready to be recorded into any encoder.

use super::bindings::uniform_region;
use super::{Gpu, GpuError, WeightStore};
use crate::graph::NodeId;
use crate::plan::{Plan, Step, ValueId};
use std::collections::HashMap;
use std::ops::Range;

struct Dispatch {
    pipeline: wgpu::ComputePipeline,
    bind_group: wgpu::BindGroup,
    workgroups: [u32; 3],
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
            for steps in cut(&self.plan.steps, limit) {
                let mut encoder = self.gpu.device.create_command_encoder(&Default::default());
                self.record_steps(&mut encoder, steps, None);
                self.gpu.queue.submit([encoder.finish()]);
            }
        };
        self.gpu.checked("submitting the plan", 0, submit).await
    }

    /// Buffer, byte offset and size of a node's value, for hosts that read it on the GPU. Layout: `[samples][channels / 4][pixels]` of
    /// vec4; a map is `[samples][pixels]` of f32. `None` where the node is not stored.
    pub fn value(&self, node: NodeId) -> Option<(&wgpu::Buffer, u64, u64)> {
        let value = *self.plan.value_of.get(&node)?;
        let place = self.plan.places[value.0];
        Some((&self.buffers[place.buffer], place.offset, self.plan.values[value.0].bytes))
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

/// Runs of steps of at most `limit` operations each. A byte bound counts as eight operations: on slow adapters elementwise steps take
/// as long as products of many times their operations.
pub(super) fn cut(steps: &[Step], limit: u64) -> Vec<Range<usize>> {
    let mut runs = Vec::new();
    let (mut start, mut work) = (0, 0);
    for (index, step) in steps.iter().enumerate() {
        let cost = step.flops + 8 * step.bytes;
        if work > 0 && work + cost > limit {
            runs.push(start..index);
            (start, work) = (index, 0);
        }
        work += cost;
    }
    runs.push(start..steps.len());
    runs
}
