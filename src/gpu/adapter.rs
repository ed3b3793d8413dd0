//! Adapters: what there is, which one is taken and why, and what the planner must know of it.

use super::GpuError;
use crate::plan::{Choices, DenseKernels, Facts, Profile, Strategy};

/// What matters of an adapter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AdapterSummary {
    /// Position in the list of adapters.
    pub index: usize,
    /// The driver's name for it.
    pub name: String,
    /// The maker's PCI number; 0 where it is not known.
    pub vendor: u32,
    /// The maker's number for it; 0 where it is not known.
    pub device: u32,
    /// "discrete GPU", "integrated GPU", "virtual GPU", "software (CPU)" or "other".
    pub kind: &'static str,
    /// "vulkan", "metal", "dx12" or another backend's name.
    pub backend: &'static str,
    /// Driver.
    pub driver: String,
    /// Driver version.
    pub driver_info: String,
    /// Largest storage binding in bytes.
    pub max_binding_bytes: u64,
    /// Largest buffer in bytes.
    pub max_buffer_bytes: u64,
    /// Smallest and largest number of lanes of a subgroup, where subgroup operations exist.
    pub subgroup: Option<(u32, u32)>,
    /// Arithmetic in f16.
    pub shader_f16: bool,
    /// Integers of 64 bits.
    pub shader_int64: bool,
    /// Timestamp queries.
    pub timestamps: bool,
    /// Whether compiled pipelines can be kept.
    pub pipeline_cache: bool,
}

impl AdapterSummary {
    pub(super) fn new(
        index: usize,
        info: &wgpu::AdapterInfo,
        limits: &wgpu::Limits,
        features: wgpu::Features,
    ) -> AdapterSummary {
        let subgroup = features.contains(wgpu::Features::SUBGROUP);
        AdapterSummary {
            index,
            name: info.name.clone(),
            vendor: info.vendor,
            device: info.device,
            kind: kind(info.device_type),
            backend: info.backend.to_str(),
            driver: info.driver.clone(),
            driver_info: info.driver_info.clone(),
            max_binding_bytes: limits.max_storage_buffer_binding_size,
            max_buffer_bytes: limits.max_buffer_size,
            subgroup: subgroup.then_some((info.subgroup_min_size, info.subgroup_max_size)),
            shader_f16: features.contains(wgpu::Features::SHADER_F16),
            shader_int64: features.contains(wgpu::Features::SHADER_INT64),
            timestamps: features.contains(wgpu::Features::TIMESTAMP_QUERY),
            pipeline_cache: features.contains(wgpu::Features::PIPELINE_CACHE),
        }
    }

    /// Whether this is a software driver.
    pub fn is_software(&self) -> bool {
        self.kind == SOFTWARE
    }

    /// Whether it is of a vendor whose lanes have few registers. Metal names no vendor.
    fn has_few_registers(&self) -> bool {
        let is_apple = self.vendor == 0 && self.name.contains("Apple");
        is_apple || [APPLE, QUALCOMM, ARM, IMAGINATION].contains(&self.vendor)
    }

    /// What the planner must know.
    pub(super) fn profile(&self, max_workgroups: u32) -> Profile {
        let facts = Facts {
            max_binding_bytes: self.max_binding_bytes,
            max_buffer_bytes: self.max_buffer_bytes,
            max_workgroups,
            min_subgroup: self.subgroup.map(|(smallest, _)| smallest),
            int64: self.shader_int64,
        };
        let strategy = match (self.is_software(), facts.can_broadcast(), facts.min_subgroup) {
            (true, true, Some(8)) => Strategy::SOFTWARE,
            (true, true, _) => Strategy::WIDE_SOFTWARE,
            (true, false, _) => Strategy {
                dense: DenseKernels::Uniform,
                max_step_flops: Strategy::SOFTWARE.max_step_flops,
                ..Strategy::GRAPHICS_CARD
            },
            (false, _, _) if self.has_few_registers() => Strategy::SMALL_GRAPHICS_CARD,
            (false, _, _) => Strategy::GRAPHICS_CARD,
        };
        Profile { facts, strategy, choices: Choices::DEFAULT }
    }
}

/// Vendors' numbers, those of PCI or of Vulkan.
const APPLE: u32 = 0x106b;
const QUALCOMM: u32 = 0x5143;
const ARM: u32 = 0x13b5;
const IMAGINATION: u32 = 0x1010;

const SOFTWARE: &str = "software (CPU)";

fn kind(device_type: wgpu::DeviceType) -> &'static str {
    match device_type {
        wgpu::DeviceType::DiscreteGpu => "discrete GPU",
        wgpu::DeviceType::IntegratedGpu => "integrated GPU",
        wgpu::DeviceType::VirtualGpu => "virtual GPU",
        wgpu::DeviceType::Cpu => SOFTWARE,
        wgpu::DeviceType::Other => "other",
    }
}

/// A graphics interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BackendChoice {
    /// Vulkan.
    Vulkan,
    /// Metal.
    Metal,
    /// Direct3D 12.
    Dx12,
}

impl BackendChoice {
    /// Lower-case name.
    pub const fn name(self) -> &'static str {
        match self {
            BackendChoice::Vulkan => "vulkan",
            BackendChoice::Metal => "metal",
            BackendChoice::Dx12 => "dx12",
        }
    }
}

/// One adapter among several.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum AdapterChoice {
    /// By its index in the list.
    Index(usize),
    /// By a part of its name, letters' case ignored.
    Name(String),
}

/// Which adapter to take and how to limit it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Selection {
    /// This adapter; otherwise the fastest kind.
    pub adapter: Option<AdapterChoice>,
    /// This graphics interface; otherwise any.
    pub backend: Option<BackendChoice>,
    /// WebGPU's default limits and no optional feature, whatever the adapter offers.
    pub webgpu_limits: bool,
}

/// Chooses among `adapters`: the one asked for, otherwise the first of the fastest kind (discrete, integrated, virtual,
/// other, software). Returns its position and why.
///
/// # Errors
/// [`GpuError::NoAdapter`], [`GpuError::UnknownAdapter`], [`GpuError::AmbiguousAdapter`].
pub fn choose(adapters: &[AdapterSummary], selection: &Selection) -> Result<(usize, String), GpuError> {
    if adapters.is_empty() {
        return Err(GpuError::NoAdapter { backend: selection.backend.map(BackendChoice::name) });
    }
    let describe = |adapter: &AdapterSummary| format!("{} '{}' ({})", adapter.index, adapter.name, adapter.backend);
    let Some(wanted) = &selection.adapter else {
        let fastest = adapters.iter().enumerate().min_by_key(|(_, adapter)| order(adapter));
        let position = fastest.map_or(0, |(position, _)| position);
        return Ok((position, format!("first adapter of the fastest kind: {}", adapters[position].kind)));
    };
    let (text, fits): (String, Vec<usize>) = match wanted {
        AdapterChoice::Index(index) => {
            (index.to_string(), (0..adapters.len()).filter(|&at| adapters[at].index == *index).collect())
        }
        AdapterChoice::Name(name) => {
            let fits = |at: &usize| adapters[*at].name.to_lowercase().contains(&name.to_lowercase());
            (name.clone(), (0..adapters.len()).filter(fits).collect())
        }
    };
    match fits[..] {
        [position] => Ok((position, format!("asked for as '{text}'"))),
        [] => Err(GpuError::UnknownAdapter { wanted: text, found: adapters.iter().map(describe).collect() }),
        _ => {
            let found = fits.iter().map(|&at| describe(&adapters[at])).collect();
            Err(GpuError::AmbiguousAdapter { wanted: text, found })
        }
    }
}

fn order(adapter: &AdapterSummary) -> u32 {
    match adapter.kind {
        "discrete GPU" => 0,
        "integrated GPU" => 1,
        "virtual GPU" => 2,
        SOFTWARE => 4,
        _ => 3,
    }
}
