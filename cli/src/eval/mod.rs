//! `agf-run eval`: photos in, tables and curves of how methods compare out.
//!
//! A thread reads pictures ahead, the library's [`Evaluator`] scores them batch by batch, and each batch's records are
//! on disk before the next begins. The results are made from the records alone, so they do not depend on how often a
//! run was interrupted.

pub mod args;

mod pictures;
mod results;

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

use rayon::prelude::*;
use serde_json::json;

use self::args::{EvalArguments, EvalCommand, MergeArguments, RunArguments};
use self::pictures::{Pictures, Work};
use super::error::shown;
use super::lasting::Device;
use super::lock::FolderLock;
use super::network::PreprocessingReport;
use super::terminal::{Terminal, count_of};
use super::{CliError, Outcome, interrupt, methods, setup};
use agf::Error;
use agf::evaluation::records::{self, Record, RecordFile, RecordReader, Settings};
use agf::evaluation::{Dataset, Evaluation, Evaluator, Item, LeftOut, Likeness, Options, Reader, mosaics, others};
use agf::methods::Method;
use agf::models::Model;

/// Raised when a field of records or results changes its meaning or goes away.
const SCHEMA: u32 = 2;

/// Runs the command.
pub fn run(arguments: &EvalArguments) -> Result<Outcome, CliError> {
    let options = Options::default();
    let (evaluation, arguments, options, count) = match &arguments.command {
        EvalCommand::Merge(arguments) => return merge(arguments),
        EvalCommand::Perturbation(run) => (Evaluation::Perturbation, run, options, None),
        EvalCommand::Segmentation(run) => (Evaluation::Segmentation, run, options, None),
        EvalCommand::Pointing(pointing) => {
            let like = pointing.like.then_some(Likeness::Other);
            (Evaluation::Pointing, &pointing.run, Options { like, ..options }, None)
        }
        EvalCommand::GridPointing(grid) => {
            let like = grid.like.map(Into::into);
            (Evaluation::GridPointing, &grid.run, Options { cells: grid.cells.0, like, ..options }, grid.mosaics)
        }
        EvalCommand::Insertion(steps) => {
            (Evaluation::Insertion, &steps.run, Options { steps: steps.pixel_steps, ..options }, None)
        }
        EvalCommand::Deletion(steps) => {
            (Evaluation::Deletion, &steps.run, Options { steps: steps.pixel_steps, ..options }, None)
        }
        EvalCommand::Randomisation(stages) => {
            (Evaluation::Randomisation, &stages.run, Options { stages: stages.stages, ..options }, None)
        }
    };
    let options = Options { seed: arguments.method.seed(), ..options };
    Run::prepare(evaluation, arguments, options, count.map(|count| count.get()))?.execute()
}

fn merge(arguments: &MergeArguments) -> Result<Outcome, CliError> {
    let Some(first) = arguments.folders.first() else { return Err(CliError::NothingToMerge) };
    let evaluation = results::evaluation_of(RecordReader::open(first)?.settings(), first)?;
    let lock = FolderLock::take(&arguments.out)?;
    results::spare_others(&arguments.out, evaluation)?;
    records::merge(&arguments.folders, &arguments.out)?;
    let _lock = lock.retake(&arguments.out)?;
    results::write(&arguments.out, arguments.json, &mut Terminal::plain())
}

/// Everything that is settled before the device is opened.
struct Run<'a> {
    arguments: &'a RunArguments,
    evaluation: Evaluation,
    options: Options,
    model: Model,
    methods: Vec<Method>,
    reader: Reader,
    work: Work,
    settings: Settings,
    out: PathBuf,
    left_out: Vec<LeftOut>,
}

impl<'a> Run<'a> {
    fn prepare(
        evaluation: Evaluation,
        arguments: &'a RunArguments,
        options: Options,
        count: Option<u32>,
    ) -> Result<Self, CliError> {
        let model = arguments.network.apply(arguments.model.open()?)?;
        let methods = arguments.method.resolve(evaluation_uses_seed(evaluation))?;
        let mut dataset = Dataset::open(&arguments.data, arguments.labels.as_deref(), model.labels())?;
        leave_out_unusable(&mut dataset, evaluation, options.like, &arguments.data)?;
        let left_out = dataset.left_out.clone();
        let limit = arguments.limit.map_or(usize::MAX, |limit| limit.get() as usize);
        // Of photos that are compared with others, all are needed.
        if options.like.is_none() {
            dataset.items.truncate(limit);
        }
        let spec = model.input_spec();
        let (height, width) = arguments.size.map_or((spec.height, spec.width), |size| (size.height, size.width));
        let reader = Reader { spec, height, width, with_masks: evaluation.needs_masks() };
        let work = work(evaluation, dataset, options, count, &arguments.data)?;
        let work = if options.like.is_some() { work.limited(limit) } else { work };
        let mut settings = settings(evaluation, arguments, &model, &methods, options, &reader, &work);
        let names = left_out.iter().map(|left_out| (left_out.reason.to_owned(), json!(left_out.names)));
        settings.insert("left_out".into(), serde_json::Value::Object(names.collect()));
        let out = arguments.out.clone().unwrap_or_else(|| format!("eval-{evaluation}").into());
        Ok(Self { arguments, evaluation, options, model, methods, reader, work, settings, out, left_out })
    }

    fn execute(self) -> Result<Outcome, CliError> {
        let made = fs::create_dir_all(&self.out);
        made.map_err(|source| CliError::OutputFolder { folder: self.out.clone(), source })?;
        let _lock = FolderLock::take(&self.out)?;
        results::spare_others(&self.out, self.evaluation)?;
        let shard = self.arguments.shard;
        let mut file = RecordFile::open(&self.out, &self.settings, shard)?;
        let total = shard.len(self.work.len() as u64);
        let left = total.saturating_sub(file.done());
        let mut terminal = Terminal::with_progress(left as usize, 1);
        for LeftOut { reason, names } in &self.left_out {
            let count = count_of(names.len(), "picture");
            terminal.say(format_args!("{count} left out ({reason}): {}", shown(names)));
        }
        if file.done() > 0 {
            terminal.say(format_args!("{} of {} done already", file.done(), count_of(total as usize, "picture")));
            self.check_content(&file)?;
        }
        if left > 0 {
            self.evaluate(&mut file, &terminal)?;
        }
        terminal.finish();
        let undone = total.saturating_sub(file.done());
        if undone > 0 {
            terminal.error(format_args!(
                "interrupted; {undone} of {} not done; run again to go on",
                count_of(total as usize, "picture")
            ));
            return Ok(Outcome::Failed);
        }
        results::write(&self.out, self.arguments.json, &mut terminal)
    }

    /// Fails where a file of a picture that is done was replaced.
    fn check_content(&self, file: &RecordFile) -> Result<(), CliError> {
        let position = |number: usize| self.arguments.shard.position(number as u64) as usize;
        let is_other = |(number, content): (usize, &String)| {
            (self.work.content(position(number), &self.reader) != *content).then(|| self.work.name(position(number)))
        };
        let replaced: Vec<String> = file.contents().par_iter().enumerate().filter_map(is_other).collect();
        if replaced.is_empty() { Ok(()) } else { Err(CliError::Replaced { folder: self.out.clone(), replaced }) }
    }

    /// Evaluates what is left, to the end or until the user interrupts.
    fn evaluate(&self, file: &mut RecordFile, terminal: &Terminal) -> Result<(), CliError> {
        let mut device = Device::open(&self.arguments.device)?;
        terminal.say(setup::introduction(&self.model, device.gpu()));
        interrupt::listen(terminal.clone(), vec![self.out.clone()]);
        let batch = self.arguments.batch.get();
        let size = [self.reader.height, self.reader.width];
        let evaluator = Evaluator::new(device.gpu(), &self.model, self.evaluation, self.options, size, batch);
        let mut evaluator = pollster::block_on(evaluator)?;
        evaluator.limit_memory(self.arguments.max_memory.map(|size| size.0));
        evaluator.on_run(interrupt::flow);
        let batch = evaluator.batch();
        let mut evaluator = device.lasting(evaluator);
        let positions = (file.done()..).map(|number| self.arguments.shard.position(number));
        let positions = positions.take_while(|&position| position < self.work.len() as u64).map(|p| p as usize);
        let pictures = Pictures::start(self.work.clone(), self.reader, positions.collect(), batch)?;
        for pictures in pictures.take_while(|_| !interrupt::is_requested()) {
            let samples: Vec<_> = pictures.iter().filter_map(|picture| picture.sample.clone().ok()).collect();
            let scores = match samples.is_empty() {
                true => Vec::new(),
                false => match evaluator.run(async |evaluator| evaluator.evaluate(&samples, &self.methods).await) {
                    Err(Error::Stopped) => break,
                    scores => scores?,
                },
            };
            let mut scores = scores.into_iter();
            let record = |picture: pictures::Picture| Record {
                index: picture.position as u64,
                item: picture.name,
                content: picture.content,
                results: if picture.sample.is_ok() { scores.next().unwrap_or_default() } else { Default::default() },
                error: picture.sample.err(),
            };
            let records: Vec<Record> = pictures.into_iter().map(record).collect();
            file.append(&records)?;
            terminal.advance(records.len());
        }
        Ok(())
    }
}

fn evaluation_uses_seed(evaluation: Evaluation) -> bool {
    matches!(evaluation, Evaluation::GridPointing | Evaluation::Randomisation)
}

/// Leaves out what the evaluation cannot use.
fn leave_out_unusable(
    dataset: &mut Dataset,
    evaluation: Evaluation,
    like: Option<Likeness>,
    folder: &Path,
) -> Result<(), CliError> {
    if evaluation.needs_masks() {
        if dataset.items.iter().all(|item| item.mask.is_none()) {
            return Err(CliError::NoMasks { folder: folder.into() });
        }
        match like {
            None => dataset.keep("without a mask", |item| item.mask.is_some()),
            // Photos without a mask are references of the others.
            Some(_) => leave_out_lonely(dataset, folder)?,
        }
    }
    if evaluation == Evaluation::GridPointing {
        dataset.keep("without a single class", |item| item.classes.len() == 1);
        if like == Some(Likeness::Other) {
            leave_out_lonely(dataset, folder)?;
        }
    }
    Ok(())
}

/// Leaves out what has no other photo of each of its classes, but for photos without a mask where others have one.
fn leave_out_lonely(dataset: &mut Dataset, folder: &Path) -> Result<(), CliError> {
    let others = others(&dataset.items);
    let has_masks = dataset.items.iter().any(|item| item.mask.is_some());
    let is_asked = |item: &Item| item.mask.is_some() || !has_masks;
    let lonely = dataset.items.iter().zip(&others).filter(|(item, others)| is_asked(item) && others.is_none());
    let lonely: HashSet<String> = lonely.map(|(item, _)| item.name.clone()).collect();
    dataset.keep("without another photo of each of its classes", |item| !lonely.contains(&item.name));
    match dataset.items.iter().any(is_asked) {
        true => Ok(()),
        false => Err(CliError::NoReferences { folder: folder.into() }),
    }
}

/// What is evaluated: photos, or mosaics of them.
fn work(
    evaluation: Evaluation,
    dataset: Dataset,
    options: Options,
    count: Option<u32>,
    data: &Path,
) -> Result<Work, CliError> {
    let Dataset { items, classes_from, .. } = dataset;
    let others = options.like.map(|_| others(&items)).unwrap_or_default();
    if evaluation != Evaluation::GridPointing {
        return Ok(match options.like {
            None => Work::photos(items),
            Some(_) => Work::compared(items, others),
        });
    }
    let usable = items.len() as u32;
    let mosaics = mosaics(&items, options.cells, count.unwrap_or(usable), options.seed);
    if mosaics.is_empty() {
        let (folder, wanted) = (data.to_path_buf(), options.cells[0] * options.cells[1]);
        return Err(CliError::FewClasses { folder, wanted, classes_from });
    }
    let references = options.like.map(|like| match like {
        Likeness::Own => mosaics.clone(),
        Likeness::Other => {
            let other =
                |&cell: &usize| others[cell].as_ref().and_then(|others| others.first().copied()).unwrap_or(cell);
            mosaics.iter().map(|mosaic| mosaic.iter().map(other).collect()).collect()
        }
    });
    Ok(Work::mosaics(items, mosaics, options.cells, references))
}

/// What must be equal for records to belong to one result. The batch is not among it, as no score depends on it.
fn settings(
    evaluation: Evaluation,
    arguments: &RunArguments,
    model: &Model,
    methods: &[Method],
    options: Options,
    reader: &Reader,
    work: &Work,
) -> Settings {
    let method =
        |method: &Method| json!({"name": method.name(), "options": methods::options(method, &arguments.method.ablate)});
    let mut settings = Settings::new();
    let mut set = |name: &str, value: serde_json::Value| settings.insert(name.to_owned(), value);
    set("schema", json!(SCHEMA));
    set("version", json!(env!("CARGO_PKG_VERSION")));
    set("evaluation", json!(evaluation.name()));
    set("model", json!(model.name()));
    set("weights", json!(format!("{:016x}", model.weights.fingerprint())));
    set("methods", json!(methods.iter().map(method).collect::<Vec<_>>()));
    set("preprocessing", json!(PreprocessingReport::from(model.input_spec())));
    set("size", json!([reader.height, reader.width]));
    set("pictures", json!(work.len()));
    set("data", json!(format!("{:016x}", work.fingerprint())));
    let roles = &arguments.model.roles;
    if !roles.is_empty() {
        set("roles", json!(roles.iter().map(ToString::to_string).collect::<Vec<_>>()));
    }
    match evaluation {
        Evaluation::GridPointing => drop((set("cells", cells(options.cells)), set("seed", json!(options.seed)))),
        Evaluation::Insertion | Evaluation::Deletion => drop(set("steps", json!(options.steps))),
        Evaluation::Randomisation => drop((set("stages", json!(options.stages)), set("seed", json!(options.seed)))),
        _ => {}
    }
    if let Some(like) = options.like {
        set("like", json!(like.name()));
    }
    settings
}

/// Of a square its side.
fn cells([rows, columns]: [u32; 2]) -> serde_json::Value {
    if rows == columns { json!(rows) } else { json!([rows, columns]) }
}
