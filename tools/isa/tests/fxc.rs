//! Every kernel through Microsoft's older compiler (FXC), for shader model 5.1, which wgpu takes on Windows.
//! `tools/windows.sh` brings it and names the program that calls it (`tools/windows/fxc.c`) in `AGF_FXC`.

use agf_isa::hlsl::translate;
use agf_isa::kernels::{CARDS, Kernel, beside_plans, from_file, planned};
use naga::back::hlsl::ShaderModel;
use std::path::Path;
use std::process::Command;

/// What became of a kernel.
#[derive(Debug)]
struct Compiled {
    /// Of the processor.
    milliseconds: u32,
    bytes: u32,
    registers: u32,
    arrays: u32,
}

/// What the compiler makes of each text, or says of it.
fn compile(texts: &[String]) -> Vec<Result<Compiled, String>> {
    let program = std::env::var_os("AGF_FXC").expect("AGF_FXC names the program; tools/windows.sh sets it");
    let folder = tempfile::tempdir().expect("a folder");
    let names: Vec<String> = (0..texts.len()).map(|at| format!("{at}.hlsl")).collect();
    for (name, text) in names.iter().zip(texts) {
        std::fs::write(folder.path().join(name), text).expect("a file");
    }
    let mut command = if cfg!(windows) { Command::new(&program) } else { Command::new("wine") };
    if !cfg!(windows) {
        command.arg(&program);
    }
    let output = command.args(names).current_dir(folder.path()).output().expect("the program starts");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}: {errors}", output.status);
    let lines: Vec<_> = String::from_utf8_lossy(&output.stdout).lines().map(parse).collect();
    assert_eq!(lines.len(), texts.len(), "{errors}");
    lines
}

fn parse(line: &str) -> Result<Compiled, String> {
    let figures = line.strip_prefix("ok ").ok_or(line)?;
    let figures: Vec<u32> = figures.split(' ').map_while(|word| word.parse().ok()).collect();
    let [milliseconds, bytes, registers, arrays] = figures[..] else { return Err(line.into()) };
    Ok(Compiled { milliseconds, bytes, registers, arrays })
}

fn text(kernel: &Kernel) -> String {
    translate(kernel, kernel.is_checked, ShaderModel::V5_1).expect("HLSL")
}

#[test]
#[ignore = "needs Microsoft's compiler (tools/windows.sh)"]
fn every_kernel_compiles_for_shader_model_5_1() {
    let kernels = [planned(CARDS).expect("plans"), beside_plans()].concat();
    assert!(kernels.len() > 60, "{} kernels", kernels.len());
    let compiled = compile(&kernels.iter().map(text).collect::<Vec<_>>());
    let mut failures = Vec::new();
    let mut found = Vec::new();
    for (kernel, compiled) in kernels.iter().zip(compiled) {
        match compiled {
            Ok(compiled) if compiled.bytes > 100 => found.push((kernel.name.as_str(), compiled)),
            other => failures.push(format!("{}: {other:?}", kernel.name)),
        }
    }
    assert!(failures.is_empty(), "{} of {}:\n{}", failures.len(), kernels.len(), failures.join("\n"));
    let seconds = f64::from(found.iter().map(|(_, compiled)| compiled.milliseconds).sum::<u32>()) / 1e3;
    println!("{} kernels compiled for cs_5_1, {seconds:.1} s of a processor", found.len());
    let with_arrays = found.iter().filter(|(_, compiled)| compiled.arrays > 0).count();
    println!("{with_arrays} of them index arrays in registers");
    found.sort_by_key(|(_, compiled)| compiled.milliseconds);
    for (name, compiled) in found.iter().rev().take(5) {
        println!("{:6} ms  {name}", compiled.milliseconds);
    }
    found.sort_by_key(|(_, compiled)| compiled.registers);
    for (name, compiled) in found.iter().rev().take(5) {
        println!("{:4} registers  {name}", compiled.registers);
    }
}

/// The compiler is there and looks: a method that does not exist is an error.
#[test]
#[ignore = "needs Microsoft's compiler (tools/windows.sh)"]
fn a_wrong_kernel_is_refused() {
    let file = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../shaders/heat_map.wgsl"));
    let right = text(&from_file(file, &[]).expect("a kernel"));
    let wrong = right.replacen(".Load", ".Lead", 1);
    assert_ne!(right, wrong);
    let [right, wrong] = &compile(&[right, wrong])[..] else { panic!("two answers") };
    assert!(right.is_ok(), "{right:?}");
    assert!(wrong.as_ref().is_err_and(|said| said.contains("Lead")), "{wrong:?}");
}
