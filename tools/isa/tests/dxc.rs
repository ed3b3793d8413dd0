//! Every kernel through Microsoft's compiler for Direct3D 12 (DXC). `tools/dxc.sh` brings it and names its library in
//! `AGF_DXC`.

use agf_isa::hlsl::translate;
use agf_isa::kernels::{CARDS, beside_plans, from_file, planned};
use hassle_rs::{Dxc, DxcCompiler, DxcLibrary};
use naga::back::hlsl::ShaderModel;
use std::path::Path;

struct Compiler {
    compiler: DxcCompiler,
    library: DxcLibrary,
    // Dropped last: the others live in it.
    _dxc: Dxc,
}

impl Compiler {
    fn open() -> Self {
        let path = std::env::var_os("AGF_DXC").expect("AGF_DXC names libdxcompiler; tools/dxc.sh sets it");
        let dxc = Dxc::new(Some(path.into())).expect("the library opens");
        let compiler = dxc.create_compiler().expect("a compiler");
        Self { compiler, library: dxc.create_library().expect("a library"), _dxc: dxc }
    }

    /// The number of bytes of DXIL, or what the compiler says.
    fn compile(&self, text: &str, profile: &str) -> Result<usize, String> {
        let source = self.library.create_blob_with_encoding_from_str(text).map_err(|error| error.to_string())?;
        // Those that wgpu gives.
        let arguments = ["-HV", "2018", "-no-warnings", "-Ges"];
        let said = |result: hassle_rs::DxcOperationResult| {
            let errors = result.get_error_buffer().ok();
            let text = errors.and_then(|errors| self.library.get_blob_as_string(&errors.into()).ok());
            text.unwrap_or_else(|| "it says nothing".into())
        };
        let result = self.compiler.compile(&source, "kernel", "main", profile, &arguments, None, &[]);
        let result = result.map_err(|(result, _)| said(result))?;
        result.get_result().map(|code| code.to_vec::<u8>().len()).map_err(|error| error.to_string())
    }
}

#[test]
#[ignore = "needs Microsoft's compiler (tools/dxc.sh)"]
fn every_kernel_compiles_for_direct3d_12() {
    let compiler = Compiler::open();
    let kernels = [planned(CARDS).expect("plans"), beside_plans()].concat();
    assert!(kernels.len() > 60, "{} kernels", kernels.len());
    let mut failures = Vec::new();
    for kernel in &kernels {
        for (profile, model) in [("cs_6_0", ShaderModel::V6_0), ("cs_6_6", ShaderModel::V6_6)] {
            let text = translate(kernel, kernel.is_checked, model).expect("HLSL");
            match compiler.compile(&text, profile) {
                Ok(bytes) if bytes > 100 => {}
                found => failures.push(format!("{} ({profile}): {found:?}", kernel.name)),
            }
        }
    }
    println!("{} kernels compiled for cs_6_0 and cs_6_6", kernels.len());
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

/// The compiler is there and looks: a method that does not exist is an error.
#[test]
#[ignore = "needs Microsoft's compiler (tools/dxc.sh)"]
fn a_wrong_kernel_is_refused() {
    let file = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../shaders/heat_map.wgsl"));
    let kernel = from_file(file, &[]).expect("a kernel");
    let text = translate(&kernel, true, ShaderModel::V6_0).expect("HLSL");
    let compiler = Compiler::open();
    assert!(compiler.compile(&text, "cs_6_0").is_ok());
    let wrong = text.replacen(".Load", ".Lead", 1);
    assert_ne!(text, wrong);
    assert!(compiler.compile(&wrong, "cs_6_0").unwrap_err().contains("Lead"));
}
