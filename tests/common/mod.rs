//! What several test programs share. Each of them uses a part of it only.
#![allow(dead_code)]

pub mod compare;
pub mod conditioning;
pub mod goldens;
pub mod networks;
pub mod planned;
pub mod random;
pub mod rules;
pub mod seed;

use agf::gpu::Gpu;
use agf::wgpu;

/// A part of a buffer, as a host copies it from GPU memory.
pub fn read_back(gpu: &Gpu, buffer: &wgpu::Buffer, offset: u64, size: u64) -> Vec<f32> {
    let usage = wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST;
    let staging =
        gpu.device().create_buffer(&wgpu::BufferDescriptor { label: None, size, usage, mapped_at_creation: false });
    let mut encoder = gpu.device().create_command_encoder(&Default::default());
    encoder.copy_buffer_to_buffer(buffer, offset, &staging, 0, size);
    gpu.queue().submit([encoder.finish()]);
    staging.map_async(wgpu::MapMode::Read, .., |result| result.unwrap());
    gpu.device().poll(wgpu::PollType::wait_indefinitely()).unwrap();
    let bytes = staging.get_mapped_range(..).unwrap().to_vec();
    bytes.chunks_exact(4).map(|word| f32::from_ne_bytes(word.try_into().unwrap())).collect()
}
