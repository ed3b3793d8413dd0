//! The program as its users meet it: what it prints, what it writes, and what it says to bad inputs.

#[path = "cli/bad_inputs.rs"]
mod bad_inputs;
#[path = "cli/bench.rs"]
mod bench;
#[cfg(target_os = "linux")]
#[path = "cli/broken_drivers.rs"]
mod broken_drivers;
#[path = "cli/evaluation_data.rs"]
mod evaluation_data;
#[path = "cli/evaluations.rs"]
mod evaluations;
#[path = "cli/files.rs"]
mod files;
#[path = "cli/hostile_files.rs"]
mod hostile_files;
#[path = "cli/hostile_pictures.rs"]
mod hostile_pictures;
#[cfg(unix)]
#[path = "cli/interrupts.rs"]
mod interrupts;
#[cfg(target_os = "linux")]
#[path = "cli/long_runs.rs"]
mod long_runs;
#[path = "cli/methods.rs"]
mod methods;
#[path = "cli/networks.rs"]
mod networks;
#[path = "cli/onnx.rs"]
mod onnx;
#[path = "cli/other_commands.rs"]
mod other_commands;
#[path = "cli/resume.rs"]
mod resume;
#[path = "cli/rules.rs"]
mod rules;
#[cfg(target_os = "linux")]
#[path = "../../tests/common/seed.rs"]
mod seed;
#[path = "cli/support.rs"]
mod support;
#[cfg(target_os = "linux")]
#[path = "cli/system_faults.rs"]
mod system_faults;
#[path = "cli/tuning.rs"]
mod tuning;
#[path = "cli/weights.rs"]
mod weights;
#[path = "cli/without_class.rs"]
mod without_class;
