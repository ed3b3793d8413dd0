//! Values in and out of a program: packing to channel quads, waiting, and reading back.

use super::{Gpu, GpuError, Layout, Program, Region, Stored};
use crate::graph::{Graph, NodeId};
use crate::plan::layout;
use crate::platform;
use futures_channel::oneshot;
use std::borrow::Cow;
use std::sync::{Arc, Weak};

impl Program {
    /// Writes a node's value for all samples through the queue: `batch` x channels x height x width values, row-major.
    /// Only what is given is checked here; what the driver makes of it, the device's error scopes and handler say,
    /// as of everything that a host does itself.
    ///
    /// # Errors
    /// [`GpuError::NotStored`], [`GpuError::Length`].
    pub fn write(&self, graph: &Graph, node: NodeId, values: &[f32]) -> Result<(), GpuError> {
        let Stored { buffer, offset, samples, shape, layout: form, .. } = self.stored(graph, node)?;
        let wanted = samples as usize * shape.elements() as usize;
        if values.len() != wanted {
            let value = graph.node(node).name.clone();
            return Err(GpuError::Length { value, found: values.len(), wanted });
        }
        let packed = match form {
            Layout::Map => Cow::Borrowed(values),
            Layout::Quads => Cow::Owned(layout::pack(values, shape, samples)),
        };
        self.gpu().queue.write_buffer(buffer, offset, bytemuck::cast_slice(&packed));
        Ok(())
    }

    /// Fills all buffers with a pattern, so that what no step writes can be told.
    pub(crate) async fn fill(&self, pattern: u32) -> Result<(), GpuError> {
        let fill = || {
            for buffer in self.buffers() {
                let words = vec![pattern; buffer.size() as usize / 4];
                self.gpu().queue.write_buffer(buffer, 0, bytemuck::cast_slice(&words));
            }
        };
        self.gpu().checked("filling memory", self.plan().value_bytes(), fill).await
    }

    /// Waits until everything submitted so far is done.
    ///
    /// # Errors
    /// [`GpuError::Lost`].
    pub async fn finished(&self) -> Result<(), GpuError> {
        self.gpu().finished().await
    }

    /// Reads the values of nodes for all samples: per node `batch` x channels x height x width values, row-major.
    ///
    /// # Errors
    /// [`GpuError::NotStored`], [`GpuError::Lost`] or [`GpuError::OutOfMemory`].
    pub async fn read(&self, graph: &Graph, nodes: &[NodeId]) -> Result<Vec<Vec<f32>>, GpuError> {
        let stored: Vec<Stored> = nodes.iter().map(|&node| self.stored(graph, node)).collect::<Result<_, _>>()?;
        let regions: Vec<Region> = stored.iter().map(Stored::region).collect();
        let words = self.gpu().read_regions(&regions).await?;
        let unpack = |(stored, words): (&Stored, Vec<u32>)| {
            let values = bytemuck::cast_vec(words);
            match stored.layout {
                Layout::Map => values,
                Layout::Quads => layout::unpack(&values, stored.shape),
            }
        };
        Ok(stored.iter().zip(words).map(unpack).collect())
    }

    /// Reads whole buffers as words.
    pub(crate) async fn read_buffers(&self) -> Result<Vec<Vec<u32>>, GpuError> {
        let regions: Vec<_> = self.buffers().iter().map(|buffer| (buffer, 0, buffer.size())).collect();
        self.gpu().read_regions(&regions).await
    }
}

/// What a callback holds until it was called, and how it is seen that it holds it no more.
fn held() -> (Arc<()>, Weak<()>) {
    let held = Arc::new(());
    let waits = Arc::downgrade(&held);
    (held, waits)
}

impl Gpu {
    /// Waits until everything submitted so far is done.
    ///
    /// # Errors
    /// [`GpuError::Lost`].
    pub(crate) async fn finished(&self) -> Result<(), GpuError> {
        let (sender, receiver) = oneshot::channel();
        let (held, waits) = held();
        self.queue.on_submitted_work_done(move || {
            let _ = (sender.send(()), held);
        });
        platform::drive(&self.device, waits, self.is_hosts);
        receiver.await.map_err(|_| GpuError::Lost { during: "waiting for the GPU".into() })
    }

    /// Reads parts of buffers as words.
    ///
    /// # Errors
    /// [`GpuError::Lost`] or [`GpuError::OutOfMemory`].
    pub(crate) async fn read_regions(&self, regions: &[Region<'_>]) -> Result<Vec<Vec<u32>>, GpuError> {
        self.read_in_batches(regions, self.device.limits().max_buffer_size).await
    }

    /// As [`Gpu::read_regions`], through staging buffers of at most `limit` bytes where no region is larger.
    async fn read_in_batches(&self, regions: &[Region<'_>], limit: u64) -> Result<Vec<Vec<u32>>, GpuError> {
        let total: u64 = regions.iter().map(|(_, _, size)| size).sum();
        if total > limit && regions.len() > 1 {
            let (first, second) = regions.split_at(regions.len() / 2);
            let mut words = Box::pin(self.read_in_batches(first, limit)).await?;
            words.extend(Box::pin(self.read_in_batches(second, limit)).await?);
            return Ok(words);
        }
        let staging = self.copy_to_staging(regions, total).await?;
        let view = self.mapped(&staging, "reading results back").await?;
        let mut rest: &[u32] = bytemuck::cast_slice(&view);
        let mut words = Vec::new();
        for (_, _, size) in regions {
            let (region, behind) = rest.split_at(*size as usize / 4);
            words.push(region.to_vec());
            rest = behind;
        }
        Ok(words)
    }

    /// The contents of a buffer that can be mapped, when the GPU is done with it.
    pub(super) async fn mapped(&self, buffer: &wgpu::Buffer, during: &str) -> Result<wgpu::BufferView, GpuError> {
        let lost = || GpuError::Lost { during: during.into() };
        let (sender, receiver) = oneshot::channel();
        let (held, waits) = held();
        let map = || {
            buffer.map_async(wgpu::MapMode::Read, .., move |result| {
                let _ = (sender.send(result), held);
            });
        };
        self.checked(during, buffer.size(), map).await?;
        platform::drive(&self.device, waits, self.is_hosts);
        receiver.await.map_err(|_| lost())?.map_err(|_| lost())?;
        buffer.get_mapped_range(..).map_err(|_| lost())
    }

    async fn copy_to_staging(&self, regions: &[Region<'_>], total: u64) -> Result<wgpu::Buffer, GpuError> {
        let copy = || {
            let staging = self.device.create_buffer(&wgpu::BufferDescriptor {
                label: Some("read back"),
                size: total.max(4),
                usage: wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST,
                mapped_at_creation: false,
            });
            let mut encoder = self.device.create_command_encoder(&Default::default());
            let mut at = 0;
            for (buffer, offset, size) in regions {
                encoder.copy_buffer_to_buffer(buffer, *offset, &staging, at, *size);
                at += size;
            }
            self.queue.submit([encoder.finish()]);
            staging
        };
        self.checked("reading results back", total, copy).await
    }
}
