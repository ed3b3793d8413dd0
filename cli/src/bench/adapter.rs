//! What is measured of the adapter itself, whatever the network: variants of the dense kernels, and what a dispatch
//! costs.

use std::fmt::Write;

use serde::Serialize;

use super::{BenchArguments, CliError, Outcome, print, repeats};
use crate::terminal::Terminal;
use agf::benchmark::{
    DispatchCosts, LAYERS, PassVariants, Repeats, Summary, Variants, dispatch_costs, measure_variants,
};
use agf::gpu::{AdapterSummary, Gpu};

/// Most measurements of one variant.
const MOST: usize = 51;

/// The machine that was measured on.
#[derive(Serialize)]
pub(super) struct Machine {
    pub system: &'static str,
    pub architecture: &'static str,
    pub threads: usize,
}

impl Machine {
    pub(super) fn this() -> Self {
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        Self { system: std::env::consts::OS, architecture: std::env::consts::ARCH, threads }
    }
}

/// The adapter that was measured, and what it was asked for.
#[derive(Serialize)]
pub(super) struct Adapter {
    pub name: String,
    pub kind: &'static str,
    pub backend: &'static str,
    pub driver: String,
    pub driver_info: String,
    pub subgroup_lanes: Option<(u32, u32)>,
    pub timestamps: bool,
    pub webgpu_limits: bool,
    pub winograd: &'static str,
}

impl Adapter {
    pub(super) fn new(arguments: &BenchArguments, gpu: &Gpu) -> Self {
        let AdapterSummary { name, kind, backend, driver, driver_info, subgroup, timestamps, .. } =
            gpu.summary().clone();
        Self {
            name,
            kind,
            backend,
            driver,
            driver_info,
            subgroup_lanes: subgroup,
            timestamps,
            webgpu_limits: arguments.device.webgpu_limits,
            winograd: arguments.device.winograd.name(),
        }
    }

    /// One line.
    pub(super) fn line(&self) -> String {
        let Self { name, kind, backend, driver, driver_info, .. } = self;
        let limits = if self.webgpu_limits { ", WebGPU's default limits" } else { "" };
        format!("{name}, {kind}, {backend} ({driver} {driver_info}){limits}")
    }
}

/// What was measured, with what is needed to compare it with other runs.
#[derive(Serialize)]
struct Document<T> {
    schema: u32,
    agf: &'static str,
    machine: Machine,
    adapter: Adapter,
    measurement: T,
}

impl<T> Document<T> {
    fn new(arguments: &BenchArguments, gpu: &Gpu, measurement: T) -> Self {
        let (machine, adapter) = (Machine::this(), Adapter::new(arguments, gpu));
        Self { schema: 1, agf: env!("CARGO_PKG_VERSION"), machine, adapter, measurement }
    }
}

/// `--measure variants`.
pub(super) fn variants(arguments: &BenchArguments) -> Result<Outcome, CliError> {
    let gpu = arguments.device.open()?;
    let size = arguments.size.map_or([224, 224], |size| [size.height, size.width]);
    let repeats = Repeats { most: repeats(arguments).most.min(MOST), ..repeats(arguments) };
    let terminal = Terminal::with_progress(LAYERS.len(), 1);
    terminal.say(format_args!("every variant of {} layers on {}", LAYERS.len(), gpu.summary().name));
    let measured = pollster::block_on(measure_variants(&gpu, size, repeats, || terminal.advance(1)));
    terminal.finish();
    print(arguments, &Document::new(arguments, &gpu, measured?), variants_text)
}

/// `--measure dispatches`.
pub(super) fn dispatches(arguments: &BenchArguments) -> Result<Outcome, CliError> {
    let gpu = arguments.device.open()?;
    let costs = pollster::block_on(dispatch_costs(&gpu, repeats(arguments)))?;
    let all_counted = costs.all_counted;
    print(arguments, &Document::new(arguments, &gpu, costs), dispatches_text)?;
    if all_counted {
        return Ok(Outcome::Fine);
    }
    Terminal::plain().error("not every dispatch ran, one after the other: this driver computes wrong results");
    Ok(Outcome::CheckFailed)
}

/// Writing to a string cannot fail.
fn variants_text(document: &Document<Variants>) -> String {
    let measured = &document.measurement;
    let mut text = format!(
        "{}\nFMA probe {:.0} GFLOP/s; GFLOP/s of a direct sum, P: their share of the probe; \
         difference: relative, from the default\n",
        document.adapter.line(),
        measured.fma_probe.median
    );
    for PassVariants { layer, shape, variants, .. } in &measured.passes {
        let _ = writeln!(text, "\n{} {shape}", layer.network);
        for time in variants {
            let ms = time.milliseconds.median;
            let _ = writeln!(
                text,
                "  {:32} {:>4} steps {ms:>9.4} ms {:>9.1} GFLOP/s {:>6.3} P  difference {:.1e}",
                time.variant, time.steps, time.gflops, time.share_of_fma, time.difference
            );
        }
    }
    text
}

fn dispatches_text(document: &Document<DispatchCosts>) -> String {
    let costs = &document.measurement;
    let mut text = format!("{}\nmicroseconds, of {} dispatches in turn\n", document.adapter.line(), costs.dispatches);
    let lines: [(&str, &Summary); 6] = [
        ("independent dispatch", &costs.independent),
        ("dependent dispatch, behind a barrier", &costs.dependent),
        ("dependent dispatch of 1024 workgroups", &costs.dependent_wide),
        ("dependent dispatch in a pass of its own", &costs.dependent_passes),
        ("recording and submitting, on the CPU", &costs.recording),
        ("one dispatch there and back", &costs.round_trip),
    ];
    for (name, Summary { median, least, greatest, .. }) in lines {
        let _ = writeln!(text, "{name:40} {median:>9.2}   from {least:.2} to {greatest:.2}");
    }
    text
}
