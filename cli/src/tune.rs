//! `agf-run tune`: finds the fastest variants of dense convolutions on this machine and keeps them for later runs.

use super::args::{ModelArguments, OnnxArguments, TuneArguments};
use super::terminal::{Terminal, count_of};
use super::{CliError, Outcome, setup};
use agf::gpu::Gpu;
use agf::models::{Model, Precision};
use agf::tuning::{Measured, Settings, Tuner, save};

/// Runs the command.
pub fn run(arguments: &TuneArguments) -> Result<Outcome, CliError> {
    let directory = setup::cache_folder().ok_or(CliError::NoCacheFolder)?;
    let gpu = arguments.device.open()?;
    let mut tuning = gpu.profile().choices.tuning.clone();
    for model in &arguments.models {
        let model = ModelArguments {
            model: model.clone(),
            weights: None,
            skip_tensors: Vec::new(),
            onnx: OnnxArguments::default(),
            roles: Vec::new(),
            precision: Precision::F32,
        }
        .open_or_make_up()?;
        let measured = measure(arguments, &gpu, &model)?;
        table(&model, &measured)?;
        tuning.extend(measured.iter().map(|measured| (measured.shape, measured.chosen)));
        let file = save(&gpu, &directory, &tuning)?;
        Terminal::plain().say(format_args!("choices for {} in {}", count_of(tuning.len(), "shape"), file.display()));
    }
    Ok(Outcome::Fine)
}

fn measure(arguments: &TuneArguments, gpu: &Gpu, model: &Model) -> Result<Vec<Measured>, CliError> {
    let mut settings = Settings::of(model);
    settings.repeats.seconds = arguments.seconds;
    if let Some(size) = arguments.size {
        (settings.height, settings.width) = (size.height, size.width);
    }
    let tuner = Tuner::new(gpu, model, settings)?;
    let terminal = Terminal::with_progress(tuner.comparisons(), 1);
    terminal.say(setup::introduction(model, gpu));
    terminal.say(format_args!("comparing kernels: {}", count_of(tuner.comparisons(), "comparison")));
    let measured = pollster::block_on(tuner.run(|| terminal.advance(1)));
    terminal.finish();
    Ok(measured?)
}

fn table(model: &Model, measured: &[Measured]) -> Result<(), CliError> {
    let mut terminal = Terminal::plain();
    let shapes: Vec<String> = measured.iter().map(|measured| measured.shape.to_string()).collect();
    let width = shapes.iter().map(String::len).max().unwrap_or(0).max(5);
    terminal.data(format_args!("{}", model.name()))?;
    terminal.data(format_args!("{:width$}  {:28} {:28} {:>8}", "shape", "default", "chosen", "speed-up"))?;
    for (shape, Measured { default, chosen, speed_up, .. }) in shapes.iter().zip(measured) {
        let (default, chosen) = (default.to_string(), chosen.to_string());
        terminal.data(format_args!("{shape:width$}  {default:28} {chosen:28} {speed_up:>8.2}"))?;
    }
    Ok(())
}
