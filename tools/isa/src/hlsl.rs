//! WGSL to HLSL with the options that wgpu's Direct3D 12 backend uses.

use crate::error::Error;
use crate::kernels::Kernel;
use naga::back::hlsl;
use naga::{AddressSpace, ImageClass, Module, ResourceBinding, StorageAccess, TypeInner};

/// Translates a kernel; its entry point is `main`. With `checked`, naga adds the run-time checks that wgpu asks for by
/// default; the engine asks for no bound of loops.
///
/// # Errors
/// [`Error::Shader`] where the text or its constants are not valid.
pub fn translate(kernel: &Kernel, checked: bool, shader_model: hlsl::ShaderModel) -> Result<String, Error> {
    let (module, info) = kernel.module()?;
    let (binding_map, special) = registers(&module);
    let options = hlsl::Options {
        shader_model,
        binding_map,
        special_constants_binding: Some(special),
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

/// What a register is for, each kind counting for itself.
#[derive(Clone, Copy)]
enum Kind {
    Constant,
    Read,
    Written,
}

/// The register of every binding; and that of the number of workgroups, which is the constant behind all others.
fn registers(module: &Module) -> (hlsl::BindingMap, hlsl::BindTarget) {
    let variables = module.global_variables.iter();
    let mut bindings: Vec<(ResourceBinding, Kind)> = variables
        .filter_map(|(_, found)| Some((found.binding?, kind(found.space, &module.types[found.ty].inner))))
        .collect();
    bindings.sort_by_key(|(binding, _)| *binding);
    let mut used = [0; 3];
    let mut next = |kind: Kind| {
        let register = &mut used[kind as usize];
        *register += 1;
        hlsl::BindTarget { register: *register - 1, restrict_indexing: true, ..Default::default() }
    };
    let map = bindings.into_iter().map(|(binding, kind)| (binding, next(kind))).collect();
    let special = hlsl::BindTarget { restrict_indexing: false, ..next(Kind::Constant) };
    (map, special)
}

fn kind(space: AddressSpace, inner: &TypeInner) -> Kind {
    match (space, inner) {
        (AddressSpace::Storage { access }, _) if access.contains(StorageAccess::STORE) => Kind::Written,
        (_, TypeInner::Image { class: ImageClass::Storage { .. }, .. }) => Kind::Written,
        (AddressSpace::Storage { .. }, _) | (_, TypeInner::Image { .. }) => Kind::Read,
        _ => Kind::Constant,
    }
}
