//! What becomes of explained pictures: their files, lines of data, and places in the report.

use std::collections::HashSet;
use std::io;
use std::path::PathBuf;
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

use rayon::prelude::*;

use super::answers::{Answer, MethodMap};
use super::decode::Picture;
use super::former::Former;
use super::hints::Hinted;
use super::output::{Captioned, OutputError, Writer};
use super::report::{Failure, InputReport, MapReport, Milliseconds, Report, SizeReport};
use super::terminal::{Terminal, count_of, escaped};
use super::{CliError, Outcome, interrupt, ranking};
use agf::Cost;
use agf::error::Error;
use agf::models::Labels;

/// How often the report is written while there is still something to do, so that a killed run can go on.
const REPORT_EVERY: Duration = Duration::from_secs(10);

/// What there is to record.
pub(super) enum Step {
    /// Pictures of one run, with their maps or why there are none.
    Explained {
        /// The pictures.
        pictures: Vec<Picture>,
        /// One answer per picture, and what they cost together.
        result: Result<(Vec<Answer>, Cost), Error>,
    },
    /// A file that could not be read.
    Unread(Failure),
}

/// Writes, prints and reports.
pub(super) struct Recorder<'a> {
    labels: &'a Labels,
    writer: Writer<'a>,
    report: Report,
    terminal: Terminal,
    prints_lines: bool,
    /// Pictures to come.
    left: usize,
    /// Earlier runs in the output folder.
    former: Former,
    /// When the report was written last.
    reported: Option<Instant>,
    /// Why standard output could not be written, the first time.
    stdout_error: Option<io::Error>,
}

impl<'a> Recorder<'a> {
    /// With nothing recorded yet, and `count` pictures to come.
    pub(super) fn new(
        labels: &'a Labels,
        writer: Writer<'a>,
        report: Report,
        terminal: Terminal,
        prints_lines: bool,
        count: usize,
        former: Former,
    ) -> Self {
        let (reported, stdout_error) = (None, None);
        Self { labels, writer, report, terminal, prints_lines, left: count, former, reported, stdout_error }
    }

    /// Records all steps as they come.
    pub(super) fn record_all(&mut self, steps: Receiver<Step>) {
        for step in steps {
            match step {
                Step::Explained { pictures, result } => self.record_run(&pictures, result),
                Step::Unread(failure) => self.fail_next(failure),
            }
            if self.reported.is_none_or(|time| time.elapsed() > REPORT_EVERY) {
                // What stands in its way is told at the end.
                let _ = self.write_report();
                self.reported = Some(Instant::now());
            }
        }
    }

    fn write_report(&mut self) -> Result<PathBuf, OutputError> {
        self.report.undone = self.left;
        let names = self.report.inputs.names();
        self.report.earlier = self.former.owners_beside(|owner| names.contains(owner.name()));
        self.writer.write_report(&self.report)
    }

    /// Writes the files of a run's pictures, then tells of them.
    fn record_run(&mut self, pictures: &[Picture], result: Result<(Vec<Answer>, Cost), Error>) {
        let (answers, cost) = match result {
            Ok(answer) => answer,
            Err(error) => {
                return pictures.iter().for_each(|picture| self.fail_next(picture.failure(error.told())));
            }
        };
        let (writer, labels) = (&self.writer, self.labels);
        let work: Vec<(&Picture, Answer)> = pictures.iter().zip(answers).collect();
        let write = |(picture, answer)| Done::write(writer, labels, picture, answer);
        let done: Vec<Result<Done, Failure>> = work.into_par_iter().map(write).collect();
        for (picture, done) in pictures.iter().zip(done) {
            match done {
                Ok(done) => self.record(picture, &done, &cost, pictures.len()),
                Err(failure) => self.fail_next(failure),
            }
        }
    }

    /// Reports and prints what was done for a picture.
    fn record(&mut self, picture: &Picture, done: &Done, cost: &Cost, pictures: usize) {
        let folder = self.writer.folder();
        let mut maps = Vec::new();
        for ((made, files), name) in done.maps.iter().zip(&done.files).zip(&done.names) {
            let probability = probability_of(&done.probabilities, made.map.class);
            maps.push(MapReport::new(made, name, probability, folder, files));
        }
        for method in self.report.methods.iter_mut().filter(|method| method.layers.is_empty()) {
            if let Some(made) = done.maps.iter().find(|made| made.method == method.name) {
                method.layers = made.map.conservation.iter().map(|layer| layer.layer.clone()).collect();
            }
        }
        let photo = SizeReport { height: picture.photo.height(), width: picture.photo.width() };
        let input = InputReport {
            input: picture.input.clone(),
            index: picture.index,
            name: picture.name.display().to_string(),
            file: picture.file.clone(),
            photo: picture.index.is_none().then_some(photo),
            network_input: picture.network_input(),
            top5: ranking::best(&done.probabilities, 5, self.labels),
            neighbour: picture.beside.as_ref().map(|beside| beside.report.clone()),
            maps,
            milliseconds: Milliseconds::share(picture.decode_ms, cost, pictures),
        };
        self.warn_of_odd_values(picture, &input.maps);
        if let (true, Some(beside)) = (done.is_alike, &picture.beside) {
            let (label, neighbour) = (picture.label(), beside.report.input());
            self.terminal.note(format_args!("{label}: nothing sets it apart from {neighbour}: no logit differs"));
        }
        if let Err(error) = self.report.add(&input, cost) {
            return self.fail_next(picture.failure(error));
        }
        self.left = self.left.saturating_sub(1);
        self.print_lines(picture, done);
    }

    fn warn_of_odd_values(&self, picture: &Picture, maps: &[MapReport]) {
        if let Some(doubt) = picture.doubt() {
            self.terminal.warn(doubt);
        }
        for map in maps.iter().filter(|map| map.nan_count + map.infinite_count > 0) {
            let MapReport { method, class, name, nan_count, infinite_count, .. } = map;
            let label = picture.label();
            self.terminal.warn(format_args!(
                "{label}: the {method} map of class {class} ({name}) has {nan_count} NaN and \
                 {infinite_count} infinite values"
            ));
        }
        for map in maps.iter().filter(|map| map.is_zero()) {
            let MapReport { method, class, name, .. } = map;
            let label = escaped(&picture.label());
            self.terminal.say(format_args!(
                "note: {label}: the {method} map of class {class} ({name}) is zero everywhere: \
                 the method finds nothing for or against it"
            ));
        }
    }

    fn print_lines(&mut self, picture: &Picture, done: &Done) {
        if !self.prints_lines {
            return;
        }
        let names_method = self.writer.names_method();
        for ((made, files), name) in done.maps.iter().zip(&done.files).zip(&done.names) {
            let probability = probability_of(&done.probabilities, made.map.class);
            let method = names_method.then_some(made.method);
            self.print(&line(picture, made.map.class, name, probability, method, files));
        }
    }

    /// Prints data, unless that has failed before.
    fn print(&mut self, data: &str) {
        if self.stdout_error.is_none() {
            self.stdout_error = self.terminal.data(data).err();
        }
    }

    /// Reports an input that never was part of the progress.
    pub(super) fn fail(&mut self, failure: Failure) {
        self.terminal.error(&failure.error);
        self.report.failed.push(failure);
    }

    /// Reports the next input as failed.
    fn fail_next(&mut self, failure: Failure) {
        self.left = self.left.saturating_sub(1);
        self.terminal.advance(1);
        self.fail(failure);
    }

    /// Writes the report, sums up, and says what else went wrong. Pictures to come are those that an interruption, or
    /// the loss of too many devices, left undone.
    pub(super) fn finish(mut self, started: Instant, lost_devices: u32) -> Result<Outcome, CliError> {
        self.terminal.finish();
        self.report.lost_devices = lost_devices;
        let written = self.write_report();
        let page = self.writer.write_page(&self.report);
        if !self.prints_lines {
            let mut document = Vec::new();
            self.report.write(&mut document).map_err(CliError::Stdout)?;
            self.print(&String::from_utf8_lossy(&document));
        }
        let failed = self.report.failed.len();
        let failures = if failed == 0 { String::new() } else { format!(", {failed} failed") };
        let [inputs, maps] = self.report.done;
        let (inputs, maps) = (count_of(inputs, "input"), count_of(maps, "map"));
        let report = page.as_ref().ok().and_then(Option::as_ref).or(written.as_ref().ok());
        let see = report.map_or(String::new(), |path| format!("; see {}", escaped(&path.display().to_string())));
        let seconds = started.elapsed().as_secs_f64();
        self.terminal.say(format_args!("{inputs} done{failures}, {maps} in {seconds:.1} s{see}"));

        let reason = if interrupt::is_requested() { "interrupted" } else { "the GPU was lost again and again" };
        let undone = (self.left > 0).then(|| format!("{reason}; {} not done", were(self.left)));
        let unprinted = self.stdout_error.map(|error| CliError::Stdout(error).to_string());
        let unwritten = [written.err(), page.err()].map(|error| error.map(|error| error.to_string()));
        let problems = unwritten.into_iter().chain([unprinted, undone]);
        let problems: Vec<String> = problems.flatten().collect();
        problems.iter().for_each(|problem| self.terminal.error(problem));
        Ok(if failed == 0 && problems.is_empty() { Outcome::Fine } else { Outcome::Failed })
    }
}

/// `1 input was`, `2 inputs were`.
fn were(count: usize) -> String {
    format!("{} {}", count_of(count, "input"), if count == 1 { "was" } else { "were" })
}

/// A picture whose files are written.
struct Done {
    maps: Vec<MethodMap>,
    probabilities: Vec<f32>,
    /// Name of each map's class.
    names: Vec<String>,
    /// Files of each map.
    files: Vec<Vec<PathBuf>>,
    /// Whether all logits are 0.
    is_alike: bool,
}

impl Done {
    /// Writes the files of a picture; a class that was asked for twice, as by `top` and its number, gets one map.
    fn write(writer: &Writer, labels: &Labels, picture: &Picture, answer: Answer) -> Result<Self, Failure> {
        let Answer { logits, mut maps } = answer;
        let mut seen = HashSet::new();
        maps.retain(|made| seen.insert((made.method, made.map.class)));
        let probabilities = ranking::probabilities(&logits);
        let names: Vec<String> = maps.iter().map(|made| labels.name(made.map.class).to_owned()).collect();
        let captions = maps.iter().zip(&names);
        let captioned: Vec<Captioned> = captions
            .map(|(made, name)| Captioned { made, name, probability: probability_of(&probabilities, made.map.class) })
            .collect();
        let files = writer.write(picture, &captioned).map_err(|error| picture.failure(error))?;
        let is_alike = logits.iter().all(|logit| *logit == 0.0);
        Ok(Self { maps, probabilities, names, files, is_alike })
    }
}

fn probability_of(probabilities: &[f32], class: u32) -> f32 {
    probabilities.get(class as usize).copied().unwrap_or(f32::NAN)
}

/// The line of data for a map.
fn line(
    picture: &Picture,
    class: u32,
    name: &str,
    probability: f32,
    method: Option<&str>,
    files: &[PathBuf],
) -> String {
    let mut line = format!("{}\t{class}\t{name}\t{probability:.6}", escaped(&picture.label()));
    if let Some(method) = method {
        line.push('\t');
        line.push_str(method);
    }
    for file in files {
        line.push('\t');
        line.push_str(&escaped(&file.display().to_string()));
    }
    line
}
