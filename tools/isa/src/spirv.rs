//! WGSL to SPIR-V with the options that wgpu's Vulkan backend uses for RADV.

use crate::error::Error;
use crate::kernels::Kernel;
use naga::back::spv;
use naga::proc::{BoundsCheckPolicies, BoundsCheckPolicy};
use naga::{AddressSpace, Module, ShaderStage};

/// What a binding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Binding {
    /// Uniform buffer.
    Uniform,
    /// Storage buffer.
    Storage,
}

/// A compute shader as the driver takes it; its entry point is `main`.
pub struct Compiled {
    /// SPIR-V.
    pub words: Vec<u32>,
    /// Binding numbers of group 0.
    pub bindings: Vec<(u32, Binding)>,
}

/// Translates a kernel. With `checked`, naga adds the run-time checks that wgpu asks for by default.
///
/// # Errors
/// [`Error::Shader`] where the text or its constants are not valid.
pub fn translate(kernel: &Kernel, checked: bool) -> Result<Compiled, Error> {
    let (module, info) = kernel.module()?;
    let pipeline = spv::PipelineOptions { shader_stage: ShaderStage::Compute, entry_point: "main".into() };
    let words = spv::write_vec(&module, &info, &options(checked), Some(&pipeline))
        .map_err(|reason| kernel.error(reason.to_string()))?;
    Ok(Compiled { words, bindings: bindings(&module) })
}

/// RADV has Vulkan 1.3 and checks buffer accesses itself (robustBufferAccess2), so wgpu leaves that check out; the
/// engine asks for no bound of loops.
fn options(checked: bool) -> spv::Options<'static> {
    let index = if checked { BoundsCheckPolicy::Restrict } else { BoundsCheckPolicy::Unchecked };
    let unchecked = BoundsCheckPolicy::Unchecked;
    spv::Options {
        lang_version: (1, 6),
        flags: spv::WriterFlags::empty(),
        bounds_check_policies: BoundsCheckPolicies {
            index,
            buffer: unchecked,
            image_load: unchecked,
            binding_array: unchecked,
        },
        zero_initialize_workgroup_memory: spv::ZeroInitializeWorkgroupMemoryMode::None,
        force_loop_bounding: false,
        emit_int_div_checks: checked,
        ..Default::default()
    }
}

fn bindings(module: &Module) -> Vec<(u32, Binding)> {
    let mut bindings: Vec<(u32, Binding)> = module
        .global_variables
        .iter()
        .filter_map(|(_, variable)| {
            let kind = if variable.space == AddressSpace::Uniform { Binding::Uniform } else { Binding::Storage };
            Some((variable.binding?.binding, kind))
        })
        .collect();
    bindings.sort_by_key(|(binding, _)| *binding);
    bindings
}
