//! What the adapter can do at best: multiply-adds in registers, and copies from memory to memory.

use crate::gpu::{Gpu, GpuError};

/// A probe's name and WGSL text.
type Source = (&'static str, &'static str);
const PROBE_FMA: Source = ("probe_fma", include_str!("probe_fma.wgsl"));
const PROBE_COPY: Source = ("probe_copy", include_str!("probe_copy.wgsl"));
pub(super) const PROBE_DISPATCH: Source = ("probe_dispatch", include_str!("probe_dispatch.wgsl"));

/// The probes' names and WGSL texts, for tests that translate every shader.
pub const SOURCES: [Source; 3] = [PROBE_FMA, PROBE_COPY, PROBE_DISPATCH];

/// Bytes that the copy probe reads, and writes: more than CPUs' caches hold.
const COPY_BYTES: u64 = 64 << 20;
/// Bytes that a workgroup of the copy probe copies: 64 lanes, four vec4 each.
const COPY_BYTES_PER_GROUP: u64 = 64 * 4 * 16;
/// Workgroups of the FMA probe: 64 lanes each, enough to fill a graphics card.
const FMA_GROUPS: u32 = 4096;
/// Operations of the 64 lanes of a workgroup in one iteration: 32 steps of 10 chains, a multiply and an add each.
const FMA_OPERATIONS: u64 = 64 * 32 * 10 * 2;
/// A dispatch of the FMA probe is made at least this long.
const FMA_MILLISECONDS: f64 = 20.0;

struct Dispatch {
    pipeline: wgpu::ComputePipeline,
    bind_group: wgpu::BindGroup,
    groups: u32,
}

/// Both probes, ready to run.
pub struct Probes {
    gpu: Gpu,
    fma: Dispatch,
    uniforms: wgpu::Buffer,
    iterations: u32,
    copy: Dispatch,
    copy_bytes: u64,
}

impl Probes {
    /// Makes the probes and finds out how long the FMA probe has to run.
    ///
    /// # Errors
    /// [`GpuError`] where the GPU fails.
    pub async fn new(gpu: &Gpu) -> Result<Self, GpuError> {
        let copy_bytes =
            COPY_BYTES.min(gpu.profile().facts.max_binding_bytes) / COPY_BYTES_PER_GROUP * COPY_BYTES_PER_GROUP;
        let mut probes = gpu.checked("making the probes", 2 * copy_bytes, || make(gpu, copy_bytes)).await?;
        probes.copy().await?;
        // The first run may compile.
        probes.time_fma().await?;
        while probes.time_fma().await? < FMA_MILLISECONDS && probes.iterations < 1 << 20 {
            probes.iterations *= 2;
            probes.write_uniforms();
        }
        Ok(probes)
    }

    /// Multiply-adds: 1e9 floating-point operations per second.
    ///
    /// # Errors
    /// [`GpuError`] where the GPU fails.
    pub async fn fma(&self) -> Result<f64, GpuError> {
        let operations = u64::from(FMA_GROUPS) * FMA_OPERATIONS * u64::from(self.iterations);
        Ok(operations as f64 / 1e6 / self.time_fma().await?)
    }

    /// Copies: 1e9 bytes per second, those read and those written.
    ///
    /// # Errors
    /// [`GpuError`] where the GPU fails.
    pub async fn copy(&self) -> Result<f64, GpuError> {
        Ok(2.0 * self.copy_bytes as f64 / 1e6 / self.time(&self.copy).await?)
    }

    async fn time_fma(&self) -> Result<f64, GpuError> {
        self.time(&self.fma).await
    }

    async fn time(&self, dispatch: &Dispatch) -> Result<f64, GpuError> {
        let time = self.gpu.time_pass(|encoder, timestamp_writes| {
            let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor { label: None, timestamp_writes });
            pass.set_pipeline(&dispatch.pipeline);
            pass.set_bind_group(0, &dispatch.bind_group, &[]);
            pass.dispatch_workgroups(dispatch.groups, 1, 1);
        });
        time.await
    }

    /// Iterations, factor, term: the chains go to 1 and never to infinity or to denormal numbers.
    fn write_uniforms(&self) {
        let words = [self.iterations, 0.5f32.to_bits(), 0.5f32.to_bits(), 0];
        self.gpu.queue().write_buffer(&self.uniforms, 0, bytemuck::cast_slice(&words));
    }
}

fn make(gpu: &Gpu, copy_bytes: u64) -> Probes {
    let buffer = |size, usage| {
        let mapped_at_creation = false;
        gpu.device().create_buffer(&wgpu::BufferDescriptor { label: Some("probe"), size, usage, mapped_at_creation })
    };
    let storage = |size| buffer(size, wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_DST);
    let uniforms = buffer(16, wgpu::BufferUsages::UNIFORM | wgpu::BufferUsages::COPY_DST);
    let results = storage(u64::from(FMA_GROUPS) * 64 * 16);
    let (source, destination) = (storage(copy_bytes), storage(copy_bytes));
    let fma = dispatch(gpu, PROBE_FMA, [&uniforms, &results], FMA_GROUPS);
    let groups = (copy_bytes / COPY_BYTES_PER_GROUP) as u32;
    let copy = dispatch(gpu, PROBE_COPY, [&source, &destination], groups);
    let probes = Probes { gpu: gpu.clone(), fma, uniforms, iterations: 4, copy, copy_bytes };
    probes.write_uniforms();
    probes
}

/// The pipeline of a probe, whose layout follows from its text.
pub(super) fn compute_pipeline(gpu: &Gpu, (name, source): Source) -> wgpu::ComputePipeline {
    let module = gpu.device().create_shader_module(wgpu::ShaderModuleDescriptor {
        label: Some(name),
        source: wgpu::ShaderSource::Wgsl(source.into()),
    });
    gpu.device().create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
        label: Some(name),
        layout: None,
        module: &module,
        entry_point: Some("main"),
        compilation_options: Default::default(),
        cache: None,
    })
}

fn dispatch(gpu: &Gpu, source: Source, buffers: [&wgpu::Buffer; 2], groups: u32) -> Dispatch {
    let pipeline = compute_pipeline(gpu, source);
    let entries: Vec<wgpu::BindGroupEntry> = (0..)
        .zip(buffers)
        .map(|(binding, buffer)| wgpu::BindGroupEntry { binding, resource: buffer.as_entire_binding() })
        .collect();
    let layout = &pipeline.get_bind_group_layout(0);
    let bind_group =
        gpu.device().create_bind_group(&wgpu::BindGroupDescriptor { label: Some(source.0), layout, entries: &entries });
    Dispatch { pipeline, bind_group, groups }
}
