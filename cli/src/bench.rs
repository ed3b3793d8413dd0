//! `agf-run bench`: how fast kernels, networks and the start of the program are on this machine.

mod adapter;
mod start;
mod table;

use serde::Serialize;

use super::args::{BenchArguments, Measure};
use super::terminal::Terminal;
use super::{CliError, Outcome, setup};
use adapter::{Adapter, Machine};
use agf::benchmark::{Measurement, Repeats, Settings, measure};
use agf::gpu::Gpu;
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
struct Network {
    model: String,
    weights: String,
    precision: &'static str,
    classes: u32,
}

/// Runs the command.
pub fn run(arguments: &BenchArguments) -> Result<Outcome, CliError> {
    match arguments.measure {
        Measure::Network => network(arguments),
        Measure::Variants => adapter::variants(arguments),
        Measure::Dispatches => adapter::dispatches(arguments),
    }
}

fn network(arguments: &BenchArguments) -> Result<Outcome, CliError> {
    let model = arguments.model.open_or_make_up()?;
    let gpu = arguments.device.open()?;
    let terminal = Terminal::plain();
    terminal.say(setup::introduction(&model, &gpu));
    let settings = settings(arguments, &model);
    terminal.say("measuring probes, networks and kernels");
    let measurement = pollster::block_on(measure(&gpu, &model, &settings))?;
    let start = match arguments.no_start {
        true => None,
        false => {
            terminal.say("measuring the start of the program");
            Some(start::measure(arguments, &gpu, &settings, model.input_spec().order.channels())?)
        }
    };
    let document = document(arguments, &gpu, &model, settings, measurement, start);
    print(arguments, &document, table::text)
}

/// Prints a document as it is asked for.
fn print<T: Serialize>(arguments: &BenchArguments, document: &T, text: fn(&T) -> String) -> Result<Outcome, CliError> {
    let mut terminal = Terminal::plain();
    match arguments.json {
        true => terminal.data(serde_json::to_string_pretty(document).map_err(std::io::Error::from)?)?,
        false => terminal.data(text(document).trim_end())?,
    }
    Ok(Outcome::Fine)
}

fn repeats(arguments: &BenchArguments) -> Repeats {
    let (least, most) = arguments.repeats.map_or(REPEATS, |count| (count.get() as usize, count.get() as usize));
    Repeats { least, most, seconds: arguments.seconds }
}

fn settings(arguments: &BenchArguments, model: &Model) -> Settings {
    let spec = model.input_spec();
    let (height, width) = arguments.size.map_or((spec.height, spec.width), |size| (size.height, size.width));
    let repeats = repeats(arguments);
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
    Document {
        schema: 1,
        agf: env!("CARGO_PKG_VERSION"),
        machine: Machine::this(),
        adapter: Adapter::new(arguments, gpu),
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
