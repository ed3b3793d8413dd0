//! Packed weights in GPU memory, shared by all programs of one model.

use super::{Gpu, GpuError};
use crate::graph::Graph;
use crate::models::weights::Weights;
use crate::plan::packing::Packing;
use std::collections::HashMap;

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
        for packing in packings {
            if self.buffers.contains_key(packing) {
                continue;
            }
            let words = packing.packed(graph, weights);
            let bytes: &[u8] = bytemuck::cast_slice(&words);
            let size = bytes.len() as u64;
            let during = "uploading weights";
            let Some(buffer) = gpu.checked(during, size, || create_filled(gpu, bytes)).await? else {
                return Err(gpu.missing_memory(during, size).await);
            };
            self.bytes += size;
            self.buffers.insert(*packing, buffer);
        }
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

/// `None` where there is no memory for it.
fn create_filled(gpu: &Gpu, bytes: &[u8]) -> Option<wgpu::Buffer> {
    let buffer = gpu.device().create_buffer(&wgpu::BufferDescriptor {
        label: Some("weights"),
        size: bytes.len() as u64,
        usage: wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_DST,
        mapped_at_creation: true,
    });
    let mut view = buffer.get_mapped_range_mut(..).ok()?;
    view.copy_from_slice(bytes);
    drop(view);
    buffer.unmap();
    Some(buffer)
}
