//! Dispatches outside of plans: buffers of their own, and running [`Call`]s over these and a program's.

use super::bindings::{share_bytes, uniform_region};
use super::{Gpu, GpuError, Region};
use crate::plan::Call;
use crate::plan::kernel::Kernel;
use std::collections::{BTreeMap, BTreeSet};

impl Gpu {
    /// A buffer that kernels read and write.
    ///
    /// # Errors
    /// [`GpuError::OutOfMemory`] or [`GpuError::Driver`].
    pub(crate) async fn storage(&self, label: &str, size: u64) -> Result<wgpu::Buffer, GpuError> {
        self.checked(&format!("making the buffer '{label}'"), size, || self.storage_buffer(label, size)).await
    }

    /// Writes to the beginning of a buffer through the queue.
    ///
    /// # Errors
    /// [`GpuError::Driver`].
    pub(crate) async fn write<T: bytemuck::NoUninit>(
        &self,
        buffer: &wgpu::Buffer,
        offset: u64,
        data: &[T],
    ) -> Result<(), GpuError> {
        let bytes: &[u8] = bytemuck::cast_slice(data);
        let write = || self.queue.write_buffer(buffer, offset, bytes);
        self.checked("uploading to the GPU", bytes.len() as u64, write).await
    }

    /// Submits calls, in order, over `buffers`.
    ///
    /// # Errors
    /// [`GpuError::Driver`].
    pub(crate) async fn run(&self, during: &str, calls: &[Call], buffers: &[Region<'_>]) -> Result<(), GpuError> {
        let kernels: BTreeSet<&Kernel> = calls.iter().map(|call| &call.kernel).collect();
        let kernels: Vec<&Kernel> = kernels.into_iter().collect();
        let compiled = self.pipelines(&kernels).await?;
        let pipelines: BTreeMap<&Kernel, wgpu::ComputePipeline> = kernels.into_iter().zip(compiled).collect();
        let submit = || {
            let uniforms = self.uniform_buffer(calls.iter().map(|call| &call.uniforms));
            let group = |(index, call): (u64, &Call)| {
                let values: Vec<_> = call.buffers.iter().filter_map(|&buffer| buffers.get(buffer).copied()).collect();
                debug_assert!(!share_bytes(&values), "{} binds bytes twice", call.kernel);
                let uniforms = uniform_region(&uniforms, index, &call.uniforms);
                self.bind_group(call.kernel.shader.name(), call.kernel.shader, uniforms, values.into_iter())
            };
            let groups: Vec<_> = (0..).zip(calls).map(group).collect();
            let mut encoder = self.device.create_command_encoder(&Default::default());
            let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor::default());
            for (call, group) in calls.iter().zip(&groups) {
                let Some(pipeline) = pipelines.get(&call.kernel) else { continue };
                let [x, y, z] = call.workgroups;
                pass.set_pipeline(pipeline);
                pass.set_bind_group(0, group, &[]);
                pass.dispatch_workgroups(x, y, z);
            }
            drop(pass);
            self.queue.submit([encoder.finish()]);
        };
        self.checked(during, 0, submit).await
    }
}
