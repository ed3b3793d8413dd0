//! Dispatches outside of plans: buffers of their own, and running [`Call`]s over these and a program's.

use super::{Gpu, GpuError};
use crate::plan::Call;
use crate::plan::kernel::Kernel;
use crate::plan::memory::ALIGNMENT;
use std::collections::{BTreeMap, BTreeSet};

/// A part of a buffer: the buffer, byte offset and size.
pub type Region<'a> = (&'a wgpu::Buffer, u64, u64);

impl Gpu {
    /// A buffer that kernels read and write.
    ///
    /// # Errors
    /// [`GpuError::OutOfMemory`] or [`GpuError::Driver`].
    pub(crate) async fn storage(&self, label: &str, size: u64) -> Result<wgpu::Buffer, GpuError> {
        let usage = wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_SRC | wgpu::BufferUsages::COPY_DST;
        let descriptor = wgpu::BufferDescriptor { label: Some(label), size, usage, mapped_at_creation: false };
        self.checked(&format!("making the buffer '{label}'"), size, || self.device.create_buffer(&descriptor)).await
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
            let uniforms = self.call_uniforms(calls);
            let groups: Vec<_> = (0..).zip(calls).map(|(at, call)| self.group(at, call, &uniforms, buffers)).collect();
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

    fn call_uniforms(&self, calls: &[Call]) -> wgpu::Buffer {
        let mut bytes: Vec<u8> = Vec::new();
        for call in calls {
            bytes.extend(call.uniforms.bytes());
            bytes.resize(bytes.len().next_multiple_of(ALIGNMENT as usize), 0);
        }
        let buffer = self.device.create_buffer(&wgpu::BufferDescriptor {
            label: Some("uniforms"),
            size: bytes.len().max(ALIGNMENT as usize) as u64,
            usage: wgpu::BufferUsages::UNIFORM | wgpu::BufferUsages::COPY_DST,
            mapped_at_creation: false,
        });
        self.queue.write_buffer(&buffer, 0, &bytes);
        buffer
    }

    fn group(&self, at: u64, call: &Call, uniforms: &wgpu::Buffer, buffers: &[Region<'_>]) -> wgpu::BindGroup {
        let binding = |buffer, offset, size| {
            let size = std::num::NonZeroU64::new(size);
            wgpu::BindingResource::Buffer(wgpu::BufferBinding { buffer, offset, size })
        };
        let mut resources = vec![binding(uniforms, at * ALIGNMENT, call.uniforms.bytes().len() as u64)];
        let values = call.buffers.iter().filter_map(|&buffer| buffers.get(buffer));
        resources.extend(values.map(|&(buffer, offset, size)| binding(buffer, offset, size)));
        let entries: Vec<wgpu::BindGroupEntry> =
            (0..).zip(resources).map(|(binding, resource)| wgpu::BindGroupEntry { binding, resource }).collect();
        self.device.create_bind_group(&wgpu::BindGroupDescriptor {
            label: Some(call.kernel.shader.name()),
            layout: &self.layout(call.kernel.shader),
            entries: &entries,
        })
    }
}
