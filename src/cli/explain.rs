//! `agf-run explain`: photos in, maps of classes out.
//!
//! Three threads share the work: one decodes ahead, this one keeps the GPU busy, and one writes the files.

use std::panic::resume_unwind;
use std::sync::mpsc::sync_channel;
use std::thread;
use std::time::Instant;

use super::args::ExplainArguments;
use super::decode::Decoder;
use super::output::Writer;
use super::pipeline::{self, Batches, Delivery};
use super::record::{Recorder, Step};
use super::report::{ColorReport, MethodReport, Milliseconds, Report, SCHEMA};
use super::terminal::Terminal;
use super::{CliError, Outcome, inputs, interrupt, setup, values};
use crate::explainer::{Explainer, Target};
use crate::gpu::Gpu;
use crate::models::Model;

/// Runs the command.
pub fn run(arguments: &ExplainArguments) -> Result<Outcome, CliError> {
    let started = Instant::now();
    let model = arguments.model.open()?;
    let targets = setup::targets(&arguments.classes, &model)?;
    let found = inputs::find(&arguments.input.inputs, Some(&arguments.out)).usable()?;
    let gpu = arguments.device.open()?;
    let writer = Writer::new(arguments, &found.sources)?;
    let explainer = Explainer::new(&gpu, &model, values::ablations(&arguments.ablate));

    let count = found.picture_count();
    let terminal = Terminal::with_progress(count);
    interrupt::listen(terminal.clone(), writer.folders().to_vec());
    terminal.say(setup::introduction(&model, &gpu));
    let report = empty_report(arguments, &model, &gpu);
    let mut recorder = Recorder::new(&model.labels, writer, report, terminal, !arguments.json, count);
    for failure in found.failures {
        recorder.fail(failure);
    }
    let decoder = Decoder { spec: model.input_spec(), framing: arguments.input.framing() };
    let batches = Batches::start(found.sources, decoder, arguments.input.batch.get() as usize)?;
    explain_and_record(batches, explainer, &targets, &mut recorder);
    recorder.finish(started)
}

/// Explains one batch while another thread records the one before, to the last batch or until the user interrupts.
fn explain_and_record(batches: Batches, mut explainer: Explainer, targets: &[Target], recorder: &mut Recorder) {
    thread::scope(|scope| {
        let (sender, receiver) = sync_channel(0);
        let recording = scope.spawn(move || recorder.record_all(receiver));
        for delivery in batches.take_while(|_| !interrupt::is_requested()) {
            if sender.send(explain(&mut explainer, targets, delivery)).is_err() {
                break;
            }
        }
        drop(sender);
        recording.join().unwrap_or_else(|panic| resume_unwind(panic));
    });
}

fn explain(explainer: &mut Explainer, targets: &[Target], delivery: Delivery) -> Step {
    match delivery {
        Delivery::Failed(failure) => Step::Unread(failure),
        Delivery::Batch(mut pictures) => {
            let batch = pipeline::batch_of(&mut pictures);
            let targets = vec![targets.to_vec(); pictures.len()];
            let result = pollster::block_on(explainer.explain(&batch, &targets));
            Step::Explained { pictures, result }
        }
    }
}

fn empty_report(arguments: &ExplainArguments, model: &Model, gpu: &Gpu) -> Report {
    let ablations = arguments.ablate.iter().map(|ablation| ablation.name()).collect();
    Report {
        schema: SCHEMA,
        version: env!("CARGO_PKG_VERSION"),
        model: model.into(),
        method: MethodReport { name: "agf", ablations },
        adapter: gpu.summary().into(),
        colors: ColorReport { colormap: arguments.colormap.name(), range: arguments.range.to_string() },
        layers: Vec::new(),
        milliseconds: Milliseconds::default(),
        peak_gpu_bytes: 0,
        inputs: Vec::new(),
        failed: Vec::new(),
    }
}
