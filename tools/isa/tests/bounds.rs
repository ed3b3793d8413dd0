//! What holds of every kernel that the planner chooses on graphics cards; and what is said where the driver is missing.

use std::process::{Command, Output};

fn run(arguments: &[&str], variables: &[(&str, &str)]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_agf-isa"));
    command.args(arguments).envs(variables.iter().copied()).output().expect("the program starts")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn no_kernel_spills_and_the_hot_loops_multiply_and_add() {
    let output = run(&["--family", "navi21,navi31"], &[]);
    let (table, errors) = (text(&output.stdout), text(&output.stderr));
    assert_eq!(output.status.code(), Some(0), "{table}{errors}");
    for family in ["navi21", "navi31"] {
        let rows = table.lines().filter(|line| line.starts_with(family)).count();
        assert!(rows > 30, "{family}: {rows} kernels\n{table}");
        for shader in ["convolution_uniform", "convolution_tiled"] {
            let held = format!("{family}   {shader}");
            assert!(table.contains(&held), "no row '{held}':\n{table}");
            let of_half = |row: &&str| row.starts_with(&held) && row.contains("half_weights=1");
            assert!(table.lines().filter(of_half).count() > 0, "{family}: no {shader} for f16 weights\n{table}");
        }
    }
}

#[test]
fn a_kernel_that_spills_is_reported() {
    let folder = std::env::temp_dir().join(format!("agf-isa-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let file = folder.join("greedy.wgsl");
    // 300 values that all live until the end: more than a lane has registers.
    let lines = |line: fn(usize) -> String| (0..300).map(line).collect::<Vec<_>>().join("\n");
    let shader = format!(
        "@group(0) @binding(0) var<storage, read_write> v: array<f32>;\n\
         @compute @workgroup_size(64) \
         fn main(@builtin(global_invocation_id) id: vec3u) {{\n{}\nstorageBarrier();\n{}\n}}",
        lines(|at| format!("let x{at} = v[id.x * 301u + {at}u];")),
        lines(|at| format!("v[id.x * 301u + {}u] = x{at};", 299 - at)),
    );
    std::fs::write(&file, shader).expect("a file");
    let output = run(&["--family", "navi21", "--shader", &file.display().to_string()], &[]);
    std::fs::remove_dir_all(&folder).expect("the folder is there");
    let errors = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{}{errors}", text(&output.stdout));
    assert!(errors.contains("bound: navi21 greedy"), "{errors}");
}

#[test]
fn a_missing_driver_is_an_error_that_says_what_to_install() {
    let output = run(&[], &[("AGF_RADV", "/nonexistent/radeon_icd.json")]);
    let errors = text(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{errors}");
    assert!(errors.contains("mesa-vulkan-drivers") && errors.contains("/nonexistent"), "{errors}");
    assert!(output.stdout.is_empty());
}

#[test]
fn unknown_families_and_broken_shaders_are_errors() {
    let output = run(&["--family", "navi99"], &[]);
    let errors = text(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{errors}");
    assert!(errors.contains("navi99"), "{errors}");

    let output = run(&["--family", "navi21", "--shader", concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml")], &[]);
    let errors = text(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{errors}");
    assert!(errors.contains("error: navi21: Cargo"), "{errors}");
}
