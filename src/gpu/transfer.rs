//! Values in and out of a program: packing to channel quads, waiting, and reading back.

use super::{Gpu, GpuError, Program, Region};
use crate::graph::{Graph, NodeId};
use crate::plan::layout;
use futures_channel::oneshot;

impl Program {
    /// Writes a node's value for all samples: `batch` x channels x height x width values, row-major.
    ///
    /// # Errors
    /// [`GpuError::Driver`].
    pub async fn write(&self, graph: &Graph, node: NodeId, values: &[f32]) -> Result<(), GpuError> {
        let Some((buffer, offset, size)) = self.value(node) else { return Ok(()) };
        let packed = layout::pack(values, graph.shape(node), self.plan().batch);
        let write = || self.gpu().queue.write_buffer(buffer, offset, bytemuck::cast_slice(&packed));
        self.gpu().checked("uploading pictures", size, write).await
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
    /// [`GpuError::Lost`] or [`GpuError::OutOfMemory`].
    pub async fn read(&self, graph: &Graph, nodes: &[NodeId]) -> Result<Vec<Vec<f32>>, GpuError> {
        let regions: Vec<_> = nodes.iter().filter_map(|&node| self.value(node)).collect();
        let words = self.gpu().read_regions(&regions).await?;
        let unpack = |(&node, words): (&NodeId, Vec<u32>)| {
            let values = bytemuck::cast_vec(words);
            match graph.node(node).op.is_map() {
                true => values,
                false => layout::unpack(&values, graph.shape(node)),
            }
        };
        Ok(nodes.iter().zip(words).map(unpack).collect())
    }

    /// Reads whole buffers as words.
    pub(crate) async fn read_buffers(&self) -> Result<Vec<Vec<u32>>, GpuError> {
        let regions: Vec<_> = self.buffers().iter().map(|buffer| (buffer, 0, buffer.size())).collect();
        self.gpu().read_regions(&regions).await
    }
}

impl Gpu {
    /// Waits until everything submitted so far is done.
    ///
    /// # Errors
    /// [`GpuError::Lost`].
    pub(crate) async fn finished(&self) -> Result<(), GpuError> {
        let (sender, receiver) = oneshot::channel();
        self.queue.on_submitted_work_done(move || {
            let _ = sender.send(());
        });
        self.drive();
        receiver.await.map_err(|_| GpuError::Lost { during: "waiting for the GPU".into() })
    }

    /// Reads parts of buffers as words.
    ///
    /// # Errors
    /// [`GpuError::Lost`] or [`GpuError::OutOfMemory`].
    pub(crate) async fn read_regions(&self, regions: &[Region<'_>]) -> Result<Vec<Vec<u32>>, GpuError> {
        let total: u64 = regions.iter().map(|(_, _, size)| size).sum();
        let limit = self.device.limits().max_buffer_size;
        if total > limit && regions.len() > 1 {
            let (first, second) = regions.split_at(regions.len() / 2);
            let mut words = Box::pin(self.read_regions(first)).await?;
            words.extend(Box::pin(self.read_regions(second)).await?);
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
        buffer.map_async(wgpu::MapMode::Read, .., move |result| {
            let _ = sender.send(result);
        });
        self.drive();
        receiver.await.map_err(|_| lost())?.map_err(|_| lost())?;
        buffer.get_mapped_range(..).map_err(|_| lost())
    }

    /// Polls the device in a thread of its own, so that the caller's thread may do other things while it awaits.
    fn drive(&self) {
        let device = self.device.clone();
        std::thread::spawn(move || {
            let _ = device.poll(wgpu::PollType::wait_indefinitely());
        });
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
