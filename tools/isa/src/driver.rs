//! RADV without a card: `RADV_FORCE_FAMILY` makes it take itself for one, and it compiles as it would there.
//!
//! The variables that do this are read once, when the driver is loaded, so every family needs a process of its own
//! ([`environment`] says which variables it must be started with).

use crate::error::Error;
use crate::spirv::{Binding, Compiled};
use ash::vk;
use std::collections::BTreeMap;
use std::ffi::CStr;
use std::path::{Path, PathBuf};

/// Names the manifest of RADV.
pub const MANIFEST_VARIABLE: &str = "AGF_RADV";
const FAMILY_VARIABLE: &str = "RADV_FORCE_FAMILY";

/// What the driver says of a compiled kernel.
#[derive(Clone, Debug)]
pub struct Output {
    /// Statistics by the driver's names.
    pub statistics: BTreeMap<String, f64>,
    /// Assembly, where the driver gives it.
    pub assembly: Option<String>,
}

/// The manifest of RADV on this machine.
///
/// # Errors
/// [`Error::NoManifest`] where there is none.
pub fn manifest() -> Result<PathBuf, Error> {
    if let Some(path) = std::env::var_os(MANIFEST_VARIABLE).map(PathBuf::from) {
        let looked = vec![format!("{} ({MANIFEST_VARIABLE})", path.display())];
        return if path.is_file() { Ok(path) } else { Err(Error::NoManifest { looked }) };
    }
    let folders = ["/usr/share/vulkan/icd.d", "/usr/local/share/vulkan/icd.d", "/etc/vulkan/icd.d"];
    let name_of = |path: &Path| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let mut found: Vec<PathBuf> = folders
        .iter()
        .filter_map(|folder| std::fs::read_dir(folder).ok())
        .flat_map(|entries| entries.filter_map(Result::ok).map(|entry| entry.path()))
        .filter(|path| name_of(path).starts_with("radeon_icd") && name_of(path).ends_with(".json"))
        // A 32-bit driver may stand beside the other.
        .filter(|path| !name_of(path).contains("i686") && !name_of(path).contains("i386"))
        .collect();
    found.sort();
    found.into_iter().next().ok_or_else(|| Error::NoManifest { looked: folders.map(String::from).to_vec() })
}

/// Variables that a process must be started with to compile for `family`.
///
/// # Errors
/// [`Error::NoManifest`].
pub fn environment(family: &str) -> Result<Vec<(&'static str, String)>, Error> {
    let manifest = manifest()?.display().to_string();
    Ok(vec![
        (FAMILY_VARIABLE, family.to_string()),
        ("VK_DRIVER_FILES", manifest.clone()),
        ("VK_ICD_FILENAMES", manifest),
        ("RADV_DEBUG", "nocache".into()),
    ])
}

/// An open driver.
pub struct Driver {
    // Dropped last: the functions below live in it.
    instance: ash::Instance,
    device: ash::Device,
    properties: ash::khr::pipeline_executable_properties::Device,
    name: String,
    _entry: ash::Entry,
}

impl Driver {
    /// Opens RADV as the family that the environment names.
    ///
    /// # Errors
    /// [`Error::Driver`] where loader or driver are missing, or the driver does not know the family.
    pub fn open_family(family: &str) -> Result<Self, Error> {
        if std::env::var(FAMILY_VARIABLE).as_deref() != Ok(family) {
            let reason = format!("{FAMILY_VARIABLE} is not set to it in this process");
            return Err(Error::Driver { family: family.into(), reason });
        }
        Self::open(family)
    }

    /// Opens the first card of the driver that the environment names. The card's name must contain `family`, in small
    /// or large letters.
    ///
    /// # Errors
    /// [`Error::Driver`] where loader or driver are missing, or the card is another one.
    pub fn open(family: &str) -> Result<Self, Error> {
        let error = |reason: String| Error::Driver { family: family.into(), reason };
        // SAFETY: the Vulkan loader is a sound library, and the calls below follow the specification.
        unsafe {
            let entry = ash::Entry::load().map_err(|reason| error(format!("no Vulkan loader: {reason}")))?;
            let application = vk::ApplicationInfo::default().api_version(vk::API_VERSION_1_3);
            let create = vk::InstanceCreateInfo::default().application_info(&application);
            let instance = entry.create_instance(&create, None).map_err(|result| error(result.to_string()))?;
            let physical = instance.enumerate_physical_devices().map_err(|result| error(result.to_string()))?;
            let physical = *physical.first().ok_or_else(|| error("no such family, or no driver".into()))?;
            let found = instance.get_physical_device_properties(physical);
            let name = found.device_name_as_c_str().unwrap_or_default().to_string_lossy().into_owned();
            if !name.to_lowercase().contains(&family.to_lowercase()) {
                return Err(error(format!("the driver gives '{name}' instead")));
            }
            let device = open_device(&instance, physical).map_err(|result| error(result.to_string()))?;
            let properties = ash::khr::pipeline_executable_properties::Device::new(&instance, &device);
            Ok(Self { instance, device, properties, name, _entry: entry })
        }
    }

    /// The driver's name for the card.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Compiles a kernel.
    ///
    /// # Errors
    /// [`Error::Vulkan`] where the driver refuses.
    pub fn compile(&self, compiled: &Compiled) -> Result<Output, Error> {
        let failed = |during: &str| {
            let during = during.to_string();
            move |result| Error::Vulkan { during, result }
        };
        // SAFETY: every handle is made by this device and destroyed once, after its last use.
        unsafe {
            let set_layout = self.set_layout(&compiled.bindings).map_err(failed("making a descriptor set layout"))?;
            let layouts = [set_layout];
            let create = vk::PipelineLayoutCreateInfo::default().set_layouts(&layouts);
            let layout =
                self.device.create_pipeline_layout(&create, None).map_err(failed("making a pipeline layout"))?;
            let create = vk::ShaderModuleCreateInfo::default().code(&compiled.words);
            let module = self.device.create_shader_module(&create, None).map_err(failed("making a shader module"))?;
            let pipeline = self.pipeline(layout, module).map_err(failed("compiling"))?;
            let output = self.output(pipeline);
            self.device.destroy_pipeline(pipeline, None);
            self.device.destroy_shader_module(module, None);
            self.device.destroy_pipeline_layout(layout, None);
            self.device.destroy_descriptor_set_layout(set_layout, None);
            output
        }
    }

    unsafe fn set_layout(&self, bindings: &[(u32, Binding)]) -> Result<vk::DescriptorSetLayout, vk::Result> {
        let bindings: Vec<_> = bindings
            .iter()
            .map(|&(binding, kind)| {
                let kind = match kind {
                    Binding::Uniform => vk::DescriptorType::UNIFORM_BUFFER,
                    Binding::Storage => vk::DescriptorType::STORAGE_BUFFER,
                };
                vk::DescriptorSetLayoutBinding::default()
                    .binding(binding)
                    .descriptor_type(kind)
                    .descriptor_count(1)
                    .stage_flags(vk::ShaderStageFlags::COMPUTE)
            })
            .collect();
        let create = vk::DescriptorSetLayoutCreateInfo::default().bindings(&bindings);
        unsafe { self.device.create_descriptor_set_layout(&create, None) }
    }

    /// The stage flag is wgpu's where a device has subgroup operations.
    unsafe fn pipeline(
        &self,
        layout: vk::PipelineLayout,
        module: vk::ShaderModule,
    ) -> Result<vk::Pipeline, vk::Result> {
        let stage = vk::PipelineShaderStageCreateInfo::default()
            .flags(vk::PipelineShaderStageCreateFlags::ALLOW_VARYING_SUBGROUP_SIZE)
            .stage(vk::ShaderStageFlags::COMPUTE)
            .module(module)
            .name(c"main");
        let capture = vk::PipelineCreateFlags::CAPTURE_STATISTICS_KHR
            | vk::PipelineCreateFlags::CAPTURE_INTERNAL_REPRESENTATIONS_KHR;
        let create = vk::ComputePipelineCreateInfo::default().flags(capture).stage(stage).layout(layout);
        let made = unsafe { self.device.create_compute_pipelines(vk::PipelineCache::null(), &[create], None) };
        made.map(|pipelines| pipelines[0]).map_err(|(_, result)| result)
    }

    unsafe fn output(&self, pipeline: vk::Pipeline) -> Result<Output, Error> {
        let failed = |result| Error::Vulkan { during: "asking for statistics".into(), result };
        let executable = vk::PipelineExecutableInfoKHR::default().pipeline(pipeline).executable_index(0);
        let statistics = unsafe { self.properties.get_pipeline_executable_statistics(&executable) }.map_err(failed)?;
        let statistics = statistics.iter().map(|statistic| (text(&statistic.name), number(statistic))).collect();
        let assembly = unsafe { self.assembly(&executable) }.map_err(failed)?;
        Ok(Output { statistics, assembly })
    }

    /// Asked for twice: first sizes, then texts.
    unsafe fn assembly(&self, executable: &vk::PipelineExecutableInfoKHR<'_>) -> Result<Option<String>, vk::Result> {
        let get = self.properties.fp().get_pipeline_executable_internal_representations_khr;
        let device = self.properties.device();
        let mut count = 0;
        let mut representations;
        unsafe {
            get(device, executable, &mut count, std::ptr::null_mut()).result()?;
            representations = vec![vk::PipelineExecutableInternalRepresentationKHR::default(); count as usize];
            get(device, executable, &mut count, representations.as_mut_ptr()).result()?;
        }
        let mut texts: Vec<Vec<u8>> = Vec::new();
        for representation in &mut representations {
            texts.push(vec![0; representation.data_size]);
            let Some(text) = texts.last_mut() else { continue };
            representation.p_data = text.as_mut_ptr().cast();
        }
        unsafe { get(device, executable, &mut count, representations.as_mut_ptr()).result()? };
        let found = representations.iter().position(|representation| text(&representation.name) == "Assembly");
        Ok(found.map(|index| String::from_utf8_lossy(&texts[index]).trim_end_matches('\0').to_string()))
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        // SAFETY: nothing of the device is left.
        unsafe {
            self.device.destroy_device(None);
            self.instance.destroy_instance(None);
        }
    }
}

/// A device with the features that bear on code: robust access as wgpu asks for it, and the capture of results.
unsafe fn open_device(instance: &ash::Instance, physical: vk::PhysicalDevice) -> Result<ash::Device, vk::Result> {
    let queues = [vk::DeviceQueueCreateInfo::default().queue_family_index(0).queue_priorities(&[1.0])];
    let extensions = [ash::khr::pipeline_executable_properties::NAME.as_ptr(), ash::ext::robustness2::NAME.as_ptr()];
    let core = vk::PhysicalDeviceFeatures::default().robust_buffer_access(true);
    let mut capture =
        vk::PhysicalDevicePipelineExecutablePropertiesFeaturesKHR::default().pipeline_executable_info(true);
    let mut robustness =
        vk::PhysicalDeviceRobustness2FeaturesEXT::default().robust_buffer_access2(true).robust_image_access2(true);
    let mut subgroups = vk::PhysicalDeviceSubgroupSizeControlFeatures::default().subgroup_size_control(true);
    let create = vk::DeviceCreateInfo::default()
        .queue_create_infos(&queues)
        .enabled_extension_names(&extensions)
        .enabled_features(&core)
        .push_next(&mut capture)
        .push_next(&mut robustness)
        .push_next(&mut subgroups);
    unsafe { instance.create_device(physical, &create, None) }
}

fn text(name: &[std::ffi::c_char]) -> String {
    let bytes: Vec<u8> = name.iter().map(|&byte| byte as u8).collect();
    CStr::from_bytes_until_nul(&bytes).unwrap_or_default().to_string_lossy().into_owned()
}

fn number(statistic: &vk::PipelineExecutableStatisticKHR<'_>) -> f64 {
    use vk::PipelineExecutableStatisticFormatKHR as Format;
    // SAFETY: the format says which member is valid.
    unsafe {
        match statistic.format {
            Format::BOOL32 => f64::from(statistic.value.b32),
            Format::INT64 => statistic.value.i64 as f64,
            Format::FLOAT64 => statistic.value.f64,
            _ => statistic.value.u64 as f64,
        }
    }
}
