//! `agf-run explain`: photos in, maps of classes out.
//!
//! Three threads share the work: one decodes ahead, this one keeps the GPU busy, and one writes the files.

use std::panic::resume_unwind;
use std::sync::mpsc::sync_channel;
use std::thread;
use std::time::Instant;

use super::answers::Questions;
use super::args::ExplainArguments;
use super::decode::Decoder;
use super::former::Former;
use super::lasting::Device;
use super::lock::FolderLock;
use super::output::Writer;
use super::pipeline::{Batches, Delivery};
use super::record::{Recorder, Step};
use super::report::{ColorReport, Entries, MethodReport, Milliseconds, Report, SCHEMA};
use super::terminal::{Terminal, count_of};
use super::without::comparison::{Comparison, Joined};
use super::{CliError, Outcome, inputs, interrupt, request, setup};
use agf::gpu::Gpu;
use agf::methods::Method;
use agf::models::Model;
use agf::{Error, Explainer};
use serde_json::{Map, Value};

/// Runs the command.
pub fn run(arguments: &ExplainArguments) -> Result<Outcome, CliError> {
    let started = Instant::now();
    arguments.comparison.check()?;
    let model = arguments.network.apply(arguments.model.open()?)?;
    // The classes of likeness are the references, which the device has to see first.
    let early = arguments.comparison.like.is_empty().then(|| setup::targets(&arguments.classes, &model)).transpose()?;
    let methods = arguments.method.resolve(arguments.audit)?;
    let lock = FolderLock::take(&arguments.out)?;
    let former = Former::read(&arguments.out)?;
    let mut found = inputs::find(&arguments.input.inputs, Some(&arguments.out), &former).usable()?;
    let mut device = Device::open(&arguments.device)?;
    let decoder = Decoder { spec: model.input_spec(), framing: arguments.input.framing() };
    let mut comparison = Comparison::open(&arguments.comparison, &arguments.input, model, &mut device, decoder)?;
    let targets = early.map_or_else(|| setup::targets(&arguments.classes, &comparison.model), Ok)?;
    let request = request::of(arguments, &arguments.save(methods.len()), &methods, &comparison);
    let kept = if arguments.resume { former.take_done(&mut found.sources, &request)? } else { Vec::new() };
    found.failures.append(&mut comparison.failures);
    let Comparison { model, references, neighbours, .. } = comparison;
    let writer = Writer::new(arguments, &methods, &found.sources, references)?;
    let _lock = lock.retake(&arguments.out)?;
    let gpu = device.gpu().clone();
    let mut explainer = Explainer::new(&gpu, &model, Method::default());
    explainer.limit_memory(arguments.max_memory.map(|size| size.0));
    explainer.set_audit(true);
    let audit = arguments.audit.then(|| arguments.method.seed());
    let explainer = device.lasting(explainer);
    let mut questions = Questions { explainer, methods, targets, audit, neighbours };

    let count = found.picture_count();
    let terminal = Terminal::with_progress(count, questions.runs_per_picture());
    let mut advance = terminal.progress_of_runs();
    questions.explainer.worker().on_progress(move |progress| {
        advance(progress);
        interrupt::flow()
    });
    interrupt::listen(terminal.clone(), writer.folders().to_vec());
    terminal.say(setup::introduction(&model, &gpu));
    let done = (!kept.is_empty()).then(|| format!("{} done already", count_of(kept.len(), "input")));
    done.into_iter().chain(found.note()).for_each(|note| terminal.say(note));
    let mut inputs = Entries::beside(&arguments.out);
    for entry in kept {
        let name = entry.get("name").and_then(Value::as_str).unwrap_or_default().to_owned();
        let unfit = |source| CliError::OutputFolder { folder: arguments.out.clone(), source };
        inputs.push(&name, &entry).map_err(unfit)?;
    }
    let report = Report { request, inputs, ..empty_report(arguments, &questions.methods, &model, &gpu) };
    let mut recorder = Recorder::new(model.labels(), writer, report, terminal, !arguments.json, count, former);
    for failure in found.failures {
        recorder.fail(failure);
    }
    let batches = Batches::start(found.sources, decoder, arguments.input.batch.get() as usize)?;
    explain_and_record(batches, questions, &mut recorder);
    recorder.finish(started, device.losses())
}

/// Explains one batch while another thread records the one before, to the last batch or until the user interrupts.
fn explain_and_record(batches: Batches, mut questions: Questions, recorder: &mut Recorder) {
    thread::scope(|scope| {
        let (sender, receiver) = sync_channel(0);
        let recording = scope.spawn(move || recorder.record_all(receiver));
        for delivery in batches.take_while(|_| !interrupt::is_requested()) {
            let Some(steps) = explain(&mut questions, delivery) else { break };
            if steps.into_iter().any(|step| sender.send(step).is_err()) {
                break;
            }
        }
        drop(sender);
        recording.join().unwrap_or_else(|panic| resume_unwind(panic));
    });
}

/// Nothing where the user interrupts before the batch is done, or no device is left.
fn explain(questions: &mut Questions, delivery: Delivery) -> Option<Vec<Step>> {
    let mut pictures = match delivery {
        Delivery::Failed(failure) => return Some(vec![Step::Unread(failure)]),
        Delivery::Batch(pictures) => pictures,
    };
    let mut steps = Vec::new();
    let result = match questions.batch(&mut pictures) {
        Ok(Joined { batch, failures }) => {
            steps.extend(failures.into_iter().map(Step::Unread));
            if batch.count == 0 {
                return Some(steps);
            }
            questions.ask(&batch)
        }
        Err(error) => Err(error),
    };
    if matches!(result, Err(Error::Stopped)) || questions.explainer.is_given_up() {
        return None;
    }
    steps.push(Step::Explained { pictures, result });
    Some(steps)
}

fn empty_report(arguments: &ExplainArguments, methods: &[Method], model: &Model, gpu: &Gpu) -> Report {
    let report_of = |method: &Method| MethodReport {
        name: method.name(),
        options: super::methods::options(method, &arguments.method.ablate),
        layers: Vec::new(),
    };
    Report {
        schema: SCHEMA,
        version: env!("CARGO_PKG_VERSION"),
        model: model.into(),
        methods: methods.iter().map(report_of).collect(),
        adapter: gpu.summary().into(),
        colors: ColorReport { colormap: arguments.colormap.name(), range: arguments.range.to_string() },
        milliseconds: Milliseconds::default(),
        peak_gpu_bytes: 0,
        request: Map::new(),
        inputs: Entries::default(),
        failed: Vec::new(),
        undone: 0,
        lost_devices: 0,
        earlier: Vec::new(),
        done: [0; 2],
    }
}
