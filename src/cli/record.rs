//! What becomes of explained pictures: their files, lines of data, and places in the report.

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::mpsc::Receiver;
use std::time::Instant;

use rayon::prelude::*;

use super::decode::Picture;
use super::output::{self, Captioned, Writer};
use super::report::{Failure, InputReport, MapReport, Milliseconds, Report, SizeReport};
use super::terminal::{Terminal, count_of};
use super::{CliError, Outcome, pipeline, ranking};
use crate::error::Error;
use crate::explainer::{Cost, Explained};
use crate::models::Labels;

/// What there is to record.
pub(super) enum Step {
    /// Pictures of one run, with their maps or why there are none.
    Explained {
        /// The pictures.
        pictures: Vec<Picture>,
        /// One answer per picture, and what they cost together.
        result: Result<(Vec<Explained>, Cost), Error>,
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
}

impl<'a> Recorder<'a> {
    /// With nothing recorded yet.
    pub(super) fn new(
        labels: &'a Labels,
        writer: Writer<'a>,
        report: Report,
        terminal: Terminal,
        prints_lines: bool,
    ) -> Self {
        Self { labels, writer, report, terminal, prints_lines }
    }

    /// Records all steps as they come.
    pub(super) fn record_all(&mut self, steps: Receiver<Step>) -> Result<(), CliError> {
        for step in steps {
            match step {
                Step::Explained { pictures, result } => {
                    self.terminal.expect_more(pipeline::siblings_to_come(&pictures));
                    self.record_run(&pictures, result)?;
                }
                Step::Unread(failure) => self.fail_next(failure),
            }
        }
        Ok(())
    }

    /// Writes the files of a run's pictures, then tells of them.
    fn record_run(
        &mut self,
        pictures: &[Picture],
        result: Result<(Vec<Explained>, Cost), Error>,
    ) -> Result<(), CliError> {
        let (explained, cost) = match result {
            Ok(answer) => answer,
            Err(error) => {
                pictures.iter().for_each(|picture| self.fail_next(picture.failure(&error)));
                return Ok(());
            }
        };
        let (writer, labels) = (&self.writer, self.labels);
        let work: Vec<(&Picture, Explained)> = pictures.iter().zip(explained).collect();
        let write = |(picture, explained)| Done::write(writer, labels, picture, explained);
        let done: Vec<Result<Done, Failure>> = work.into_par_iter().map(write).collect();
        for (picture, done) in pictures.iter().zip(done) {
            match done {
                Ok(done) => self.record(picture, done, &cost, pictures.len())?,
                Err(failure) => self.fail_next(failure),
            }
        }
        Ok(())
    }

    /// Prints and reports what was done for a picture.
    fn record(&mut self, picture: &Picture, done: Done, cost: &Cost, pictures: usize) -> Result<(), CliError> {
        let folder = self.writer.folder();
        let mut maps = Vec::new();
        for ((map, files), name) in done.explained.maps.iter().zip(&done.files).zip(&done.names) {
            let probability = probability_of(&done.probabilities, map.class);
            if self.prints_lines {
                self.terminal.data(line(picture, map.class, name, probability, files))?;
            }
            maps.push(MapReport::new(map, name, probability, folder, files));
        }
        if let (true, Some(map)) = (self.report.layers.is_empty(), done.explained.maps.first()) {
            self.report.layers = map.conservation.iter().map(|layer| layer.layer.clone()).collect();
        }
        let photo = SizeReport { height: picture.photo.height(), width: picture.photo.width() };
        let input = InputReport {
            input: picture.input.clone(),
            index: picture.index,
            name: picture.name.display().to_string(),
            photo: picture.index.is_none().then_some(photo),
            network_input: picture.network_input(),
            top5: ranking::best(&done.probabilities, 5, self.labels),
            maps,
            milliseconds: Milliseconds::share(picture.decode_ms, cost, pictures),
        };
        self.report.add(input, cost);
        self.terminal.advance(1);
        Ok(())
    }

    /// Reports an input that never was part of the progress.
    pub(super) fn fail(&mut self, failure: Failure) {
        self.terminal.error(&failure.error);
        self.report.failed.push(failure);
    }

    /// Reports the next input as failed.
    fn fail_next(&mut self, failure: Failure) {
        self.terminal.advance(1);
        self.fail(failure);
    }

    /// Writes the report.
    pub(super) fn finish(mut self, started: Instant) -> Result<Outcome, CliError> {
        self.terminal.finish();
        let path = self.writer.write_report(&self.report)?;
        if !self.prints_lines {
            self.terminal.data(output::to_json(&self.report)?)?;
        }
        let failed = self.report.failed.len();
        let failures = if failed == 0 { String::new() } else { format!(", {failed} failed") };
        let (inputs, maps) = (count_of(self.report.inputs.len(), "input"), count_of(self.report.map_count(), "map"));
        let (seconds, path) = (started.elapsed().as_secs_f64(), path.display());
        self.terminal.say(format_args!("{inputs} done{failures}, {maps} in {seconds:.1} s; see {path}"));
        Ok(if failed == 0 { Outcome::Fine } else { Outcome::InputsFailed })
    }
}

/// A picture whose files are written.
struct Done {
    explained: Explained,
    probabilities: Vec<f32>,
    /// Name of each map's class.
    names: Vec<String>,
    /// Files of each map.
    files: Vec<Vec<PathBuf>>,
}

impl Done {
    /// Writes the files of a picture; a class that was asked for twice, as by `top` and its number, gets one map.
    fn write(writer: &Writer, labels: &Labels, picture: &Picture, mut explained: Explained) -> Result<Self, Failure> {
        let mut seen = HashSet::new();
        explained.maps.retain(|map| seen.insert(map.class));
        let probabilities = ranking::probabilities(&explained.logits);
        let names: Vec<String> = explained.maps.iter().map(|map| labels.name(map.class).to_owned()).collect();
        let captions = explained.maps.iter().zip(&names);
        let captioned: Vec<Captioned> = captions
            .map(|(map, name)| Captioned { map, name, probability: probability_of(&probabilities, map.class) })
            .collect();
        let files = writer.write(picture, &captioned).map_err(|error| picture.failure(error))?;
        Ok(Self { explained, probabilities, names, files })
    }
}

fn probability_of(probabilities: &[f32], class: u32) -> f32 {
    probabilities.get(class as usize).copied().unwrap_or(f32::NAN)
}

/// The line of data for a map.
fn line(picture: &Picture, class: u32, name: &str, probability: f32, files: &[PathBuf]) -> String {
    let mut line = format!("{}\t{class}\t{name}\t{probability:.6}", picture.label());
    for file in files {
        line.push('\t');
        line.push_str(&file.display().to_string());
    }
    line
}
