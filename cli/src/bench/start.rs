//! The start of the program: `agf-run explain` as a process of its own, with empty caches and again with full ones.

use std::fs;
use std::io;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde::Serialize;

use crate::CliError;
use crate::args::BenchArguments;
use agf::benchmark::{Settings, Summary};
use agf::gpu::{AdapterSummary, Gpu};

/// Starts with empty caches, each followed by one with full caches, unless their number is given.
const STARTS: u32 = 3;
/// How often a process's memory is looked at.
const GLANCE: Duration = Duration::from_millis(2);

/// Whole runs of `agf-run explain` for one class of one input, from the start of the process to its end.
#[derive(Clone, Debug, Serialize)]
pub struct Start {
    /// With nothing in the caches, seconds.
    pub cold_seconds: Summary,
    /// Once more, seconds.
    pub warm_seconds: Summary,
    /// Whether the driver's cache was really empty, and how that was done.
    pub caches: &'static str,
    /// Most memory that the warm process held at a time, bytes; where the system tells.
    pub peak_resident_bytes: Option<u64>,
}

/// Measures the start of a network of so many input channels.
pub fn measure(arguments: &BenchArguments, gpu: &Gpu, settings: &Settings, channels: u32) -> Result<Start, CliError> {
    let folder = tempfile::tempdir().map_err(CliError::BenchFolder)?;
    let input = folder.path().join("input.npy");
    write_input(&input, settings, channels).map_err(CliError::BenchFolder)?;
    let (mut cold, mut warm, mut peak) = (Vec::new(), Vec::new(), None);
    for round in 0..arguments.repeats.map_or(STARTS, std::num::NonZeroU32::get) {
        let caches = folder.path().join(format!("caches-{round}"));
        fs::create_dir(&caches).map_err(CliError::BenchFolder)?;
        cold.push(start(arguments, gpu, &input, &folder.path().join("cold"), &caches)?.0);
        let (seconds, bytes) = start(arguments, gpu, &input, &folder.path().join("warm"), &caches)?;
        warm.push(seconds);
        peak = peak.max(bytes);
    }
    Ok(Start {
        cold_seconds: Summary::of(cold),
        warm_seconds: Summary::of(warm),
        caches: caches(gpu.summary()),
        peak_resident_bytes: peak,
    })
}

/// What can be said of the driver's cache. Mesa's and NVIDIA's go where variables point them, others stay where they
/// are.
fn caches(adapter: &AdapterSummary) -> &'static str {
    let names = format!("{} {}", adapter.driver, adapter.driver_info).to_lowercase();
    let is = |name| names.contains(name);
    match adapter.backend {
        "vulkan" if is("mesa") || is("llvmpipe") || is("radv") => "emptied: Mesa was pointed to an empty folder",
        "vulkan" if is("nvidia") => "emptied: NVIDIA's driver was pointed to an empty folder",
        "vulkan" => {
            "not known to be empty: this driver's shader cache cannot be moved, only the program's own was emptied"
        }
        _ => "not empty: the system keeps this backend's shader cache, only the program's own was emptied",
    }
}

/// Runs the program once: seconds, and the most bytes of memory that it held.
fn start(
    arguments: &BenchArguments,
    gpu: &Gpu,
    input: &Path,
    out: &Path,
    caches: &Path,
) -> Result<(f64, Option<u64>), CliError> {
    let failed = |reason: String| CliError::BenchStart(reason);
    let program = std::env::current_exe().map_err(|error| failed(error.to_string()))?;
    let mut command = Command::new(program);
    command.arg("explain").arg(input).arg("--out").arg(out).args(["--save", "npy"]);
    command.arg("--model").arg(arguments.model.model.to_string());
    command.args(weights(arguments)?);
    command.args(arguments.model.roles.iter().flat_map(|role| ["--role".to_owned(), role.to_string()]));
    command.args(["--precision", arguments.model.precision.name()]);
    command.args(["--adapter", &gpu.summary().index.to_string()]);
    if let Some(backend) = arguments.device.selection().backend {
        command.args(["--backend", backend.name()]);
    }
    if arguments.device.webgpu_limits {
        command.arg("--webgpu-limits");
    }
    command.args(["--winograd", arguments.device.winograd.name()]);
    for variable in ["MESA_SHADER_CACHE_DIR", "XDG_CACHE_HOME", "__GL_SHADER_DISK_CACHE_PATH"] {
        command.env(variable, caches);
    }
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    let begin = Instant::now();
    let mut child = command.spawn().map_err(|error| failed(error.to_string()))?;
    let mut peak = None;
    let status = loop {
        peak = peak.max(resident_peak(child.id()));
        if let Some(status) = child.try_wait().map_err(|error| failed(error.to_string()))? {
            break status;
        }
        std::thread::sleep(GLANCE);
    };
    let seconds = begin.elapsed().as_secs_f64();
    if !status.success() {
        let errors = child.wait_with_output().map(|output| String::from_utf8_lossy(&output.stderr).into_owned());
        return Err(failed(errors.unwrap_or_default().trim().to_string()));
    }
    Ok((seconds, peak))
}

/// The flag for the weights; files of downloads are named, since the program that is started has another cache folder.
fn weights(arguments: &BenchArguments) -> Result<Vec<std::ffi::OsString>, CliError> {
    Ok(match arguments.model.file()? {
        Some(path) => vec!["--weights".into(), path.into()],
        None if arguments.model.weights.is_none() && arguments.model.has_built_in() => Vec::new(),
        None => vec!["--weights".into(), "synthetic".into()],
    })
}

/// Linux keeps the most that a process held as `VmHWM`.
fn resident_peak(process: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes << 10)
}

/// One normalised picture.
fn write_input(path: &Path, settings: &Settings, channels: u32) -> io::Result<()> {
    use npyz::WriterBuilder;
    let [channels, height, width] = [channels, settings.height, settings.width].map(u64::from);
    let file = io::BufWriter::new(fs::File::create(path)?);
    let shape = [1, channels, height, width];
    let mut writer = npyz::WriteOptions::new().default_dtype().shape(&shape).writer(file).begin_nd()?;
    writer.extend((0..channels * height * width).map(|at| (at as f32 / 29.0).sin()))?;
    writer.finish()
}
