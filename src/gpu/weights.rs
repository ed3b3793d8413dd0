//! Packed weights in GPU memory, shared by all programs of one model.

use super::{Gpu, GpuError};
use crate::graph::Graph;
use crate::models::weights::Weights;
use crate::plan::packing::Packing;
use std::collections::HashMap;

/// Bytes that are copied between two waits: little for any GPU, so that frames of a host go between them, and so that
/// the driver's own copies take little memory.
const PIECE: usize = 8 << 20;
const DURING: &str = "uploading weights";

/// One buffer per packing, uploaded on first use.
#[derive(Default)]
pub struct WeightStore {
    buffers: HashMap<Packing, wgpu::Buffer>,
    bytes: u64,
}

impl WeightStore {
    /// Bytes of all buffers.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Uploads what of `packings` is not there yet.
    ///
    /// # Errors
    /// [`GpuError::OutOfMemory`], [`GpuError::Lost`] or [`GpuError::Driver`].
    pub async fn upload(
        &mut self,
        gpu: &Gpu,
        graph: &Graph,
        weights: &Weights,
        packings: &[Packing],
    ) -> Result<(), GpuError> {
        let (mut group, mut bytes) = (Vec::new(), 0);
        let missing: Vec<&Packing> = packings.iter().filter(|packing| !self.buffers.contains_key(packing)).collect();
        for packing in missing {
            let words = packing.packed(graph, weights);
            bytes += 4 * words.len();
            group.push((*packing, words));
            if bytes >= PIECE {
                self.upload_group(gpu, std::mem::take(&mut group)).await?;
                bytes = 0;
            }
        }
        self.upload_group(gpu, group).await
    }

    /// Uploads packings of which all but the last are less than a piece together.
    async fn upload_group(&mut self, gpu: &Gpu, group: Vec<(Packing, Vec<u32>)>) -> Result<(), GpuError> {
        let bytes: Vec<&[u8]> = group.iter().map(|(_, words)| bytemuck::cast_slice(words)).collect();
        let total = bytes.iter().map(|bytes| bytes.len() as u64).sum();
        let create = || bytes.iter().map(|bytes| create(gpu, bytes.len() as u64)).collect::<Vec<_>>();
        let buffers = gpu.checked(DURING, total, create).await?;
        let longest = bytes.iter().map(|bytes| bytes.len()).max().unwrap_or(0);
        for start in (0..longest).step_by(PIECE) {
            let write = || {
                for (buffer, bytes) in buffers.iter().zip(&bytes).filter(|(_, bytes)| start < bytes.len()) {
                    let piece = &bytes[start..bytes.len().min(start + PIECE)];
                    gpu.queue().write_buffer(buffer, start as u64, piece);
                }
                gpu.queue().submit([]);
            };
            gpu.checked(DURING, total, write).await?;
            gpu.finished().await?;
        }
        self.bytes += total;
        self.buffers.extend(group.iter().map(|(packing, _)| *packing).zip(buffers));
        Ok(())
    }

    /// Writes a linear layer's weights anew through the queue, without waiting, wherever they were uploaded.
    pub fn rewrite(&self, gpu: &Gpu, graph: &Graph, weights: &Weights, layer: &str) {
        for (packing, buffer) in &self.buffers {
            if packing.linear().is_some_and(|id| graph.linear_layer(id).name == layer) {
                let words = packing.packed(graph, weights);
                gpu.queue().write_buffer(buffer, 0, bytemuck::cast_slice(&words));
            }
        }
    }

    /// The buffer of a packing that was uploaded.
    pub fn get(&self, packing: &Packing) -> Option<&wgpu::Buffer> {
        self.buffers.get(packing)
    }
}

fn create(gpu: &Gpu, size: u64) -> wgpu::Buffer {
    gpu.device().create_buffer(&wgpu::BufferDescriptor {
        label: Some("weights"),
        size,
        usage: wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_DST,
        mapped_at_creation: false,
    })
}
