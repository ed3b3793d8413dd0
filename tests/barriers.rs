//! What Microsoft's compiler for shader model 5.1 (FXC) asks of kernels with barriers, beyond WGSL's own rules.
//! `tools/windows.sh` runs it.

use agf::plan::kernel::Shader;
use naga::front::wgsl::parse_str;
use naga::{Block, Handle, Module, ScalarKind, Statement, Type, TypeInner};

/// Whether a block, or one inside it, has such a statement at such a depth.
fn has(block: &Block, depth: u32, wanted: fn(&Statement, u32) -> bool) -> bool {
    let inside = |statement: &Statement| match statement {
        Statement::Block(inner) => has(inner, depth + 1, wanted),
        Statement::If { accept, reject, .. } => has(accept, depth + 1, wanted) || has(reject, depth + 1, wanted),
        Statement::Switch { cases, .. } => cases.iter().any(|case| has(&case.body, depth + 1, wanted)),
        Statement::Loop { body, continuing, .. } => has(body, depth + 1, wanted) || has(continuing, depth + 1, wanted),
        _ => false,
    };
    block.iter().any(|statement| wanted(statement, depth) || inside(statement))
}

fn is_barrier(statement: &Statement, _: u32) -> bool {
    matches!(statement, Statement::ControlBarrier(_) | Statement::WorkGroupUniformLoad { .. })
}

fn is_early_return(statement: &Statement, depth: u32) -> bool {
    depth > 0 && matches!(statement, Statement::Return { .. })
}

/// Whether a value is of floats alone, by which no kernel decides how long a loop runs.
fn is_of_floats(module: &Module, of: Handle<Type>) -> bool {
    match &module.types[of].inner {
        TypeInner::Scalar(scalar) | TypeInner::Vector { scalar, .. } | TypeInner::Matrix { scalar, .. } => {
            scalar.kind == ScalarKind::Float
        }
        TypeInner::Array { base, .. } => is_of_floats(module, *base),
        TypeInner::Struct { members, .. } => members.iter().all(|member| is_of_floats(module, member.ty)),
        _ => false,
    }
}

/// FXC takes what a function with several returns gives for uninitialized, and allows no barrier in a loop that depends
/// on it.
#[test]
fn what_decides_about_barriers_is_returned_once() {
    let mut seen = Vec::new();
    for shader in Shader::ALL {
        let module = parse_str(&shader.source()).unwrap_or_else(|error| panic!("{}: {error}", shader.name()));
        let functions = || module.functions.iter().map(|(_, function)| function);
        let bodies = functions().chain(module.entry_points.iter().map(|entry| &entry.function));
        if !bodies.into_iter().any(|function| has(&function.body, 0, is_barrier)) {
            continue;
        }
        for function in functions() {
            let Some(result) = &function.result else { continue };
            let is_early = !is_of_floats(&module, result.ty) && has(&function.body, 0, is_early_return);
            assert!(!is_early, "{}: {:?} returns in several places", shader.name(), function.name);
        }
        seen.push(shader.name());
    }
    assert!(seen.contains(&"convolution_tiled") && seen.contains(&"reduce"), "barriers in {seen:?} alone");
}
