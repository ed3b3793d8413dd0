//! Buffers, uniforms and bind groups of dispatches, of plans and others alike.

use super::Gpu;
use crate::plan::kernel::Shader;
use crate::plan::uniforms::Uniforms;
use std::num::NonZeroU64;

/// A part of a buffer: the buffer, byte offset and size.
pub type Region<'a> = (&'a wgpu::Buffer, u64, u64);

/// The uniforms of a dispatch begin at a multiple of this: WebGPU's default `min_uniform_buffer_offset_alignment`.
const UNIFORM_ALIGNMENT: u64 = 256;

impl Gpu {
    /// A buffer that kernels read and write.
    pub(super) fn storage_buffer(&self, label: &str, size: u64) -> wgpu::Buffer {
        let usage = wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_SRC | wgpu::BufferUsages::COPY_DST;
        let mapped_at_creation = false;
        self.device.create_buffer(&wgpu::BufferDescriptor { label: Some(label), size, usage, mapped_at_creation })
    }

    /// The uniforms of dispatches, in order.
    pub(super) fn uniform_buffer<'a>(&self, dispatches: impl Iterator<Item = &'a Uniforms>) -> wgpu::Buffer {
        let mut bytes: Vec<u8> = Vec::new();
        for uniforms in dispatches {
            bytes.extend(uniforms.bytes());
            bytes.resize(bytes.len().next_multiple_of(UNIFORM_ALIGNMENT as usize), 0);
        }
        let buffer = self.device.create_buffer(&wgpu::BufferDescriptor {
            label: Some("uniforms"),
            size: (bytes.len() as u64).max(UNIFORM_ALIGNMENT),
            usage: wgpu::BufferUsages::UNIFORM | wgpu::BufferUsages::COPY_DST,
            mapped_at_creation: false,
        });
        self.queue.write_buffer(&buffer, 0, &bytes);
        buffer
    }

    /// Binds what a shader declares: its uniforms first, then the others in order.
    pub(super) fn bind_group<'a>(
        &self,
        label: &str,
        shader: Shader,
        uniforms: Region<'a>,
        others: impl Iterator<Item = Region<'a>>,
    ) -> wgpu::BindGroup {
        let entry = |(binding, (buffer, offset, size)): (u32, Region<'a>)| {
            let resource = wgpu::BufferBinding { buffer, offset, size: NonZeroU64::new(size) };
            wgpu::BindGroupEntry { binding, resource: wgpu::BindingResource::Buffer(resource) }
        };
        let entries: Vec<wgpu::BindGroupEntry> =
            (0..).zip(std::iter::once(uniforms).chain(others)).map(entry).collect();
        let layout = &self.layout(shader);
        self.device.create_bind_group(&wgpu::BindGroupDescriptor { label: Some(label), layout, entries: &entries })
    }
}

/// Whether two of these share bytes, which WebGPU forbids where a dispatch may write them.
pub(super) fn share_bytes(regions: &[Region<'_>]) -> bool {
    let shared = |&(buffer, offset, size): &Region<'_>, &(other, from, bytes): &Region<'_>| {
        buffer == other && offset < from + bytes && from < offset + size
    };
    regions.iter().enumerate().any(|(index, region)| regions[..index].iter().any(|other| shared(region, other)))
}

/// Where the uniforms of the dispatch of this index lie in a buffer made by [`Gpu::uniform_buffer`].
pub(super) fn uniform_region<'a>(buffer: &'a wgpu::Buffer, index: u64, uniforms: &Uniforms) -> Region<'a> {
    (buffer, index * UNIFORM_ALIGNMENT, uniforms.bytes().len() as u64)
}
