//! WGSL to HLSL with the options that wgpu's Direct3D 12 backend uses.

use crate::error::Error;
use crate::kernels::Kernel;
use naga::back::hlsl;
use naga::{AddressSpace, Module, ResourceBinding, StorageAccess};

/// Translates a kernel; its entry point is `main`. With `checked`, naga adds the run-time checks that wgpu asks for by
/// default; the engine asks for no bound of loops.
///
/// # Errors
/// [`Error::Shader`] where the text or its constants are not valid.
pub fn translate(kernel: &Kernel, checked: bool, shader_model: hlsl::ShaderModel) -> Result<String, Error> {
    let (module, info) = kernel.module()?;
    let options = hlsl::Options {
        shader_model,
        binding_map: registers(&module),
        fake_missing_bindings: false,
        zero_initialize_workgroup_memory: false,
        restrict_indexing: checked,
        force_loop_bounding: false,
        ..Default::default()
    };
    let mut text = String::new();
    let pipeline = hlsl::PipelineOptions::default();
    let written = hlsl::Writer::new(&mut text, &options, &pipeline).write(&module, &info, None);
    written.map_err(|reason| kernel.error(reason.to_string()))?;
    Ok(text)
}

/// Constant buffers, buffers that are only read, and those that are written count registers for themselves.
fn registers(module: &Module) -> hlsl::BindingMap {
    let mut bindings: Vec<(ResourceBinding, AddressSpace)> =
        module.global_variables.iter().filter_map(|(_, found)| Some((found.binding?, found.space))).collect();
    bindings.sort_by_key(|(binding, _)| *binding);
    let [mut constant, mut read, mut written] = [0; 3];
    let target = |(binding, space): (ResourceBinding, AddressSpace)| {
        let next = match space {
            AddressSpace::Storage { access } if access.contains(StorageAccess::STORE) => &mut written,
            AddressSpace::Storage { .. } => &mut read,
            _ => &mut constant,
        };
        *next += 1;
        (binding, hlsl::BindTarget { register: *next - 1, restrict_indexing: true, ..Default::default() })
    };
    bindings.into_iter().map(target).collect()
}
