//! Compute pipelines by kernel, compiled in parallel and kept for the life of the device.

use super::pipeline_cache::PipelineCache;
use super::{AdapterSummary, Gpu, GpuError};
use crate::plan::kernel::{Access, Kernel, Shader};
use crate::platform;
use std::collections::HashMap;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

/// What has been compiled so far.
#[derive(Default)]
pub(super) struct Pipelines {
    layouts: Mutex<HashMap<Shader, wgpu::BindGroupLayout>>,
    compiled: Mutex<HashMap<Kernel, wgpu::ComputePipeline>>,
    on_disk: OnceLock<PipelineCache>,
}

impl Pipelines {
    /// See [`Gpu::keep_pipelines`].
    pub fn keep(&self, device: &wgpu::Device, summary: &AdapterSummary, directory: &Path) -> Option<String> {
        let (cache, note) = PipelineCache::open(device, summary, directory)?;
        let _ = self.on_disk.set(cache);
        note
    }
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Gpu {
    /// Layout of a shader's bind group.
    pub(super) fn layout(&self, shader: Shader) -> wgpu::BindGroupLayout {
        let mut layouts = lock(&self.pipelines.layouts);
        layouts.entry(shader).or_insert_with(|| create_layout(&self.device, shader)).clone()
    }

    /// The pipelines of all `kernels`, in order; those not yet there are compiled, several at a time.
    pub(super) async fn pipelines(&self, kernels: &[&Kernel]) -> Result<Vec<wgpu::ComputePipeline>, GpuError> {
        let missing: Vec<&Kernel> = {
            let compiled = lock(&self.pipelines.compiled);
            kernels.iter().copied().filter(|kernel| !compiled.contains_key(*kernel)).collect()
        };
        let is_new = !missing.is_empty();
        let attempts = platform::map_parallel(&missing, |kernel| self.compile(kernel));
        for (kernel, (pipeline, errors)) in missing.into_iter().zip(attempts) {
            for error in errors {
                if let Some(error) = error.await {
                    let during = format!("compiling kernel '{kernel}'");
                    return Err(GpuError::Driver { during, reason: error.to_string() });
                }
            }
            lock(&self.pipelines.compiled).insert(kernel.clone(), pipeline);
        }
        if let Some(cache) = self.pipelines.on_disk.get().filter(|_| is_new) {
            cache.save();
        }
        let compiled = lock(&self.pipelines.compiled);
        Ok(kernels.iter().filter_map(|kernel| compiled.get(*kernel).cloned()).collect())
    }

    /// A pipeline and what went wrong; error scopes belong to a thread, so each compilation has its own.
    fn compile(
        &self,
        kernel: &Kernel,
    ) -> (wgpu::ComputePipeline, [impl Future<Output = Option<wgpu::Error>> + use<>; 2]) {
        let validation = self.device.push_error_scope(wgpu::ErrorFilter::Validation);
        let internal = self.device.push_error_scope(wgpu::ErrorFilter::Internal);
        let pipeline = create_pipeline(&self.device, &self.layout(kernel.shader), kernel, self.pipelines.on_disk.get());
        let internal = internal.pop();
        (pipeline, [internal, validation.pop()])
    }
}

fn create_layout(device: &wgpu::Device, shader: Shader) -> wgpu::BindGroupLayout {
    let bindings = shader.bindings();
    let entries: Vec<wgpu::BindGroupLayoutEntry> = bindings
        .iter()
        .zip(0..)
        .map(|(access, binding)| wgpu::BindGroupLayoutEntry {
            binding,
            visibility: wgpu::ShaderStages::COMPUTE,
            ty: wgpu::BindingType::Buffer {
                ty: match access {
                    Access::Uniform => wgpu::BufferBindingType::Uniform,
                    Access::Weights => wgpu::BufferBindingType::Storage { read_only: true },
                    Access::Value => wgpu::BufferBindingType::Storage { read_only: false },
                },
                has_dynamic_offset: false,
                min_binding_size: None,
            },
            count: None,
        })
        .collect();
    device.create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor { label: Some(shader.name()), entries: &entries })
}

fn create_pipeline(
    device: &wgpu::Device,
    layout: &wgpu::BindGroupLayout,
    kernel: &Kernel,
    on_disk: Option<&PipelineCache>,
) -> wgpu::ComputePipeline {
    let name = kernel.to_string();
    let descriptor = wgpu::ShaderModuleDescriptor {
        label: Some(kernel.shader.name()),
        source: wgpu::ShaderSource::Wgsl(kernel.shader.source().into()),
    };
    let checks = wgpu::ShaderRuntimeChecks {
        bounds_checks: kernel.shader.is_checked(),
        force_loop_bounding: false,
        ..wgpu::ShaderRuntimeChecks::checked()
    };
    // Safety: every loop of our shaders counts up to a uniform, so none needs a bound of its own in each iteration;
    // indices of shaders without checks are within what the planner has made for them.
    let module = unsafe { device.create_shader_module_trusted(descriptor, checks) };
    let layout = device.create_pipeline_layout(&wgpu::PipelineLayoutDescriptor {
        label: Some(&name),
        bind_group_layouts: &[Some(layout)],
        immediate_size: 0,
    });
    let constants: Vec<(&str, f64)> = kernel.constants.iter().map(|&(name, value)| (name, value.into())).collect();
    device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
        label: Some(&name),
        layout: Some(&layout),
        module: &module,
        entry_point: Some("main"),
        compilation_options: wgpu::PipelineCompilationOptions {
            constants: &constants,
            zero_initialize_workgroup_memory: false,
        },
        cache: on_disk.map(PipelineCache::cache),
    })
}
