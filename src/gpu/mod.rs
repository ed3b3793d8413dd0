//! The only place that knows wgpu: adapters and devices, pipelines, weights in GPU memory, and recorded plans.
//!
//! Behind `plan` in the flow: a [`Plan`](crate::plan::Plan) becomes a [`Program`], a program runs in the own or in a
//! host's encoder. Everything that waits is `async`; nothing here blocks the calling thread.

mod adapter;
mod bindings;
mod calls;
mod canary;
mod error;
mod pipeline_cache;
mod pipelines;
mod program;
mod timing;
mod transfer;
mod weights;

pub use adapter::{AdapterChoice, AdapterSummary, BackendChoice, Selection, choose};
pub use bindings::Region;
pub use canary::canary_call;
pub use error::GpuError;
#[doc(hidden)]
pub use pipeline_cache::{unwrap as unwrap_pipelines, wrap as wrap_pipelines};
pub use program::{Layout, Part, Program, Stored};
pub use timing::{Clock, Times};
pub use weights::WeightStore;

use crate::plan::variant::{Tuning, WinogradTile};
use crate::plan::{Profile, Strategy};
use crate::platform;
use pipelines::Pipelines;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};
use timing::StampSet;

/// Storage buffers that one kernel binds at most.
const STORAGE_BUFFERS: u32 = 7;

/// A device with what the engine keeps on it. Clones share everything.
#[derive(Clone)]
pub struct Gpu {
    device: wgpu::Device,
    queue: wgpu::Queue,
    summary: AdapterSummary,
    profile: Profile,
    pipelines: Arc<Pipelines>,
    /// Whether others use the device too, and may draw frames with it.
    is_hosts: bool,
    /// Whether it has given a known answer.
    is_trusted: Arc<AtomicBool>,
    /// For timestamps, when somebody measures.
    spare_stamps: Arc<Mutex<Vec<StampSet>>>,
}

/// All adapters of the selected backend.
pub async fn adapters(selection: &Selection) -> Vec<AdapterSummary> {
    let found = enumerate(selection).await;
    found.iter().enumerate().map(|(index, adapter)| summarize(index, adapter)).collect()
}

/// All limits and features that each of the adapters offers, as text: for reports of adapters that nobody has seen yet.
pub async fn offers(selection: &Selection) -> Vec<String> {
    let describe = |adapter: &wgpu::Adapter| {
        let features: Vec<&str> = adapter.features().iter_names().map(|(name, _)| name).collect();
        format!("{:#?}\nFeatures: {}", adapter.limits(), features.join(" "))
    };
    enumerate(selection).await.iter().map(describe).collect()
}

/// Features and limits that the engine makes use of on an adapter: what a host should request for a device that it
/// hands to [`Gpu::adopt`], besides its own. WebGPU's defaults are enough to run.
pub fn requirements(adapter: &wgpu::Adapter) -> (wgpu::Features, wgpu::Limits) {
    let measured_and_kept = wgpu::Features::PIPELINE_CACHE | wgpu::Features::TIMESTAMP_QUERY;
    let used_by_kernels = wgpu::Features::SUBGROUP | wgpu::Features::SHADER_INT64;
    let features = adapter.features() & (used_by_kernels | measured_and_kept);
    let offered = adapter.limits();
    let limits = wgpu::Limits {
        max_buffer_size: offered.max_buffer_size,
        max_storage_buffer_binding_size: offered.max_storage_buffer_binding_size,
        ..wgpu::Limits::default().using_alignment(offered)
    };
    (features, limits)
}

impl Gpu {
    /// Opens a device of its own on the selected adapter.
    ///
    /// # Errors
    /// [`GpuError`] where there is no such adapter or it gives no device.
    pub async fn open(selection: &Selection) -> Result<Self, GpuError> {
        let found = enumerate(selection).await;
        let summaries: Vec<AdapterSummary> =
            found.iter().enumerate().map(|(index, adapter)| summarize(index, adapter)).collect();
        let (position, _) = choose(&summaries, selection)?;
        let adapter = &found[position];
        let (required_features, required_limits) = match selection.webgpu_limits {
            true => (wgpu::Features::empty(), wgpu::Limits::default().using_alignment(adapter.limits())),
            false => requirements(adapter),
        };
        let descriptor = wgpu::DeviceDescriptor {
            label: Some("agf"),
            required_features,
            required_limits,
            memory_hints: wgpu::MemoryHints::Performance,
            ..Default::default()
        };
        let (device, queue) = adapter.request_device(&descriptor).await.map_err(|error| GpuError::NoDevice {
            adapter: summaries[position].name.clone(),
            reason: error.to_string(),
        })?;
        let mut gpu = Self::adopt(device, queue)?;
        gpu.summary.index = position;
        gpu.is_hosts = false;
        Ok(gpu)
    }

    /// Lives on a host's device: programs share its buffers' address space and can be recorded into its encoders.
    ///
    /// # Errors
    /// [`GpuError::Limit`] where the device has less than WebGPU's default limits.
    pub fn adopt(device: wgpu::Device, queue: wgpu::Queue) -> Result<Self, GpuError> {
        let (limits, features) = (device.limits(), device.features());
        let demand = |name, found: u64, needed: u64| match found >= needed {
            true => Ok(()),
            false => Err(GpuError::Limit { name, found, needed }),
        };
        let buffers = limits.max_storage_buffers_per_shader_stage;
        demand("max_storage_buffers_per_shader_stage", buffers.into(), STORAGE_BUFFERS.into())?;
        demand("max_compute_invocations_per_workgroup", limits.max_compute_invocations_per_workgroup.into(), 64)?;
        demand("max_storage_buffer_binding_size", limits.max_storage_buffer_binding_size, 1 << 20)?;
        let summary = AdapterSummary::new(0, &device.adapter_info(), &limits, features);
        let profile = summary.profile(limits.max_compute_workgroups_per_dimension);
        let (pipelines, is_trusted, spare_stamps) = (Arc::default(), Arc::default(), Arc::default());
        Ok(Self { device, queue, summary, profile, pipelines, is_hosts: true, is_trusted, spare_stamps })
    }

    /// Keeps compiled pipelines in files of a directory, from now on and for later runs, where the graphics interface
    /// can. Call it before the first session. Returns what was wrong with a file that had to be ignored.
    pub fn keep_pipelines(&self, directory: &std::path::Path) -> Option<String> {
        self.pipelines.keep(&self.device, &self.summary, directory)
    }

    /// The same device, for which dense convolutions are planned as `tuning` says. Choices that do not fit the device
    /// have no effect; [`crate::tuning`] measures, loads and saves them.
    pub fn with_tuning(&self, tuning: Tuning) -> Self {
        Self { profile: self.profile.with_tuning(tuning), ..self.clone() }
    }

    /// A handle whose plans are those for another kind of device: graphics cards' on a software driver, say.
    #[must_use]
    pub fn with_strategy(&self, strategy: Strategy) -> Self {
        Self { profile: self.profile.with_strategy(strategy), ..self.clone() }
    }

    /// The same device, on which Winograd's algorithm computes convolutions of 3x3 taps by tiles of at most this size,
    /// where it is accurate enough and expected to be faster; `None`: nowhere. A device starts with
    /// [`WinogradTile::Two`]. [`WinogradTile::Four`] saves more multiplications at the price of rounding errors
    /// several times as large.
    pub fn with_winograd(&self, largest: Option<WinogradTile>) -> Self {
        Self { profile: self.profile.with_winograd(largest), ..self.clone() }
    }

    /// The same device, whose plans cut dense convolutions into dispatches of at most `flops` floating-point operations
    /// each, as far as tiles allow: for hosts that draw frames between them, in [parts](crate::Session::parts). A
    /// device starts with as many as keep its kind busy for a tenth of a second. Maps keep their bits.
    #[must_use]
    pub fn with_step_limit(&self, flops: u64) -> Self {
        let strategy = Strategy { max_step_flops: flops.max(1), ..self.profile.strategy };
        self.with_strategy(strategy)
    }

    /// The adapter, with the limits and features of the opened device.
    pub fn summary(&self) -> &AdapterSummary {
        &self.summary
    }

    /// The device as the planner sees it.
    pub fn profile(&self) -> &Profile {
        &self.profile
    }

    /// The wgpu device.
    pub fn device(&self) -> &wgpu::Device {
        &self.device
    }

    /// The wgpu queue.
    pub fn queue(&self) -> &wgpu::Queue {
        &self.queue
    }

    /// Runs `work`, whose wgpu errors become a [`GpuError`] of what was being done.
    pub(crate) async fn checked<T>(&self, during: &str, bytes: u64, work: impl FnOnce() -> T) -> Result<T, GpuError> {
        let validation = self.device.push_error_scope(wgpu::ErrorFilter::Validation);
        let internal = self.device.push_error_scope(wgpu::ErrorFilter::Internal);
        let memory = self.device.push_error_scope(wgpu::ErrorFilter::OutOfMemory);
        let result = work();
        let (memory, internal, validation) = (memory.pop(), internal.pop(), validation.pop());
        if memory.await.is_some() {
            return Err(GpuError::OutOfMemory { during: during.into(), bytes });
        }
        match internal.await.or(validation.await) {
            Some(_) if self.is_lost().await => Err(GpuError::Lost { during: during.into() }),
            Some(error) => Err(GpuError::Driver { during: during.into(), reason: error.to_string() }),
            None => Ok(result),
        }
    }

    /// Whether the device is gone. It makes no buffers any more then, without a word, and only their use is an error.
    async fn is_lost(&self) -> bool {
        let scope = self.device.push_error_scope(wgpu::ErrorFilter::Validation);
        let buffer = self.device.create_buffer(&wgpu::BufferDescriptor {
            label: Some("probe"),
            size: wgpu::COPY_BUFFER_ALIGNMENT,
            usage: wgpu::BufferUsages::COPY_DST,
            mapped_at_creation: false,
        });
        self.queue.write_buffer(&buffer, 0, &[0; wgpu::COPY_BUFFER_ALIGNMENT as usize]);
        scope.pop().await.is_some()
    }
}

async fn enumerate(selection: &Selection) -> Vec<wgpu::Adapter> {
    let backends = match selection.backend {
        None => wgpu::Backends::VULKAN | wgpu::Backends::METAL | wgpu::Backends::DX12,
        Some(BackendChoice::Vulkan) => wgpu::Backends::VULKAN,
        Some(BackendChoice::Metal) => wgpu::Backends::METAL,
        Some(BackendChoice::Dx12) => wgpu::Backends::DX12,
    };
    platform::adapters(backends).await
}

fn summarize(index: usize, adapter: &wgpu::Adapter) -> AdapterSummary {
    AdapterSummary::new(index, &adapter.get_info(), &adapter.limits(), adapter.features())
}
