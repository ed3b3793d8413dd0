//! `agf-run bench`: how fast kernels, networks and the start of the program are on this machine.

mod start;
mod table;

use serde::Serialize;

use super::args::BenchArguments;
use super::terminal::Terminal;
use super::{CliError, Outcome, setup};
use agf::benchmark::{Measurement, Repeats, Settings, measure};
use agf::gpu::{AdapterSummary, Gpu};
use agf::models::Model;
use start::Start;

/// Fewest and most measurements of one thing, unless their number is given.
const REPEATS: (usize, usize) = (5, 101);

/// Everything that was measured, with what is needed to compare it with other runs.
#[derive(Serialize)]
struct Document {
    schema: u32,
    agf: &'static str,
    machine: Machine,
    adapter: Adapter,
    network: Network,
    settings: Settings,
    measurement: Measurement,
    start: Option<Start>,
}

#[derive(Serialize)]
struct Machine {
    system: &'static str,
    architecture: &'static str,
    threads: usize,
}

#[derive(Serialize)]
struct Adapter {
    name: String,
    kind: &'static str,
    backend: &'static str,
    driver: String,
    driver_info: String,
    subgroup_lanes: Option<(u32, u32)>,
    timestamps: bool,
    webgpu_limits: bool,
    winograd: &'static str,
}

#[derive(Serialize)]
struct Network {
    model: String,
    weights: String,
    precision: &'static str,
    classes: u32,
}

/// Runs the command.
pub fn run(arguments: &BenchArguments) -> Result<Outcome, CliError> {
    let model = arguments.model.open_or_make_up()?;
    let gpu = arguments.device.open()?;
    let mut terminal = Terminal::plain();
    terminal.say(setup::introduction(&model, &gpu));
    let settings = settings(arguments, &model);
    terminal.say("measuring probes, networks and kernels");
    let measurement = pollster::block_on(measure(&gpu, &model, &settings))?;
    let start = match arguments.no_start {
        true => None,
        false => {
            terminal.say("measuring the start of the program");
            Some(start::measure(arguments, &gpu, &settings)?)
        }
    };
    let document = document(arguments, &gpu, &model, settings, measurement, start);
    match arguments.json {
        true => terminal.data(serde_json::to_string_pretty(&document).map_err(std::io::Error::from)?)?,
        false => terminal.data(table::text(&document).trim_end())?,
    }
    Ok(Outcome::Fine)
}

fn settings(arguments: &BenchArguments, model: &Model) -> Settings {
    let spec = model.input_spec();
    let (height, width) = arguments.size.map_or((spec.height, spec.width), |size| (size.height, size.width));
    let (least, most) = arguments.repeats.map_or(REPEATS, |count| (count.get() as usize, count.get() as usize));
    let repeats = Repeats { least, most, seconds: arguments.seconds };
    Settings { height, width, repeats, batch: arguments.batch.map(std::num::NonZeroU32::get) }
}

fn document(
    arguments: &BenchArguments,
    gpu: &Gpu,
    model: &Model,
    settings: Settings,
    measurement: Measurement,
    start: Option<Start>,
) -> Document {
    let AdapterSummary { name, kind, backend, driver, driver_info, subgroup, timestamps, .. } = gpu.summary().clone();
    let webgpu_limits = arguments.device.webgpu_limits;
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    Document {
        schema: 1,
        agf: env!("CARGO_PKG_VERSION"),
        machine: Machine { system: std::env::consts::OS, architecture: std::env::consts::ARCH, threads },
        adapter: Adapter {
            name,
            kind,
            backend,
            driver,
            driver_info,
            subgroup_lanes: subgroup,
            timestamps,
            webgpu_limits,
            winograd: arguments.device.winograd.name(),
        },
        network: Network {
            model: model.name().into(),
            weights: model.source.clone(),
            precision: model.precision.name(),
            classes: model.classes(),
        },
        settings,
        measurement,
        start,
    }
}
