//! Scores on disk: a line of JSON per picture behind a first line with the settings. A line is written when its picture
//! is done; what a killed run left half is dropped, so a run that goes on where another ended gives the same file as
//! one that was left alone.

mod error;
mod lines;
mod merge;

pub use error::RecordError;
pub use lines::RecordReader;
pub use merge::merge;

use self::lines::Lines;
use super::Scores;
use crate::platform::Stopwatch;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// Name of the file in its folder.
pub const FILE: &str = "records.jsonl";

/// Characters that a message shows of a setting.
const SHOWN: usize = 200;

/// What must be equal for records to belong together.
pub type Settings = Map<String, Value>;

/// Every `count`-th picture, from number `index` (from 1) on: what one of several runs does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shard {
    /// Which one, from 1.
    pub index: u64,
    /// How many there are.
    pub count: u64,
}

impl Shard {
    /// All pictures.
    pub const WHOLE: Shard = Shard { index: 1, count: 1 };

    /// Position among all pictures of its picture number `number`, from 0.
    pub fn position(&self, number: u64) -> u64 {
        number * self.count + self.index - 1
    }

    /// How many of `total` pictures are its own.
    pub fn len(&self, total: u64) -> u64 {
        (total + self.count - self.index) / self.count
    }

    /// The settings of a run that does this shard.
    pub fn settings(&self, settings: &Settings) -> Settings {
        let mut settings = settings.clone();
        if *self != Self::WHOLE {
            settings.insert("shard".into(), serde_json::json!([self.index, self.count]));
        }
        settings
    }
}

/// What is known of a picture.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// Position among all pictures.
    pub index: u64,
    /// What the picture is called.
    pub item: String,
    /// A hash of its files' content, in hexadecimal: tells whether they are replaced.
    pub content: String,
    /// Why it could not be evaluated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// Scores by method.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub results: BTreeMap<String, Scores>,
}

/// Records that are being written.
pub struct RecordFile {
    path: PathBuf,
    file: File,
    contents: Vec<String>,
    synchronised: Stopwatch,
}

/// Milliseconds that lines may wait for the disk, should the machine lose its power. A killed run loses none.
const SYNCHRONISE: f64 = 1000.0;

impl RecordFile {
    /// Opens the records in a folder, or begins them. What a killed run left half is cut off.
    ///
    /// # Errors
    /// [`RecordError`]; [`RecordError::Settings`] where the records there were made with other settings.
    pub fn open(folder: &Path, settings: &Settings, shard: Shard) -> Result<Self, RecordError> {
        let path = folder.join(FILE);
        let failed = |source| RecordError::File { path: path.clone(), source };
        let opened = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path);
        let mut file = opened.map_err(failed)?;
        let mut lines = Lines::new(&path, file.try_clone().map_err(failed)?);
        let wanted = shard.settings(settings);
        let mut contents = Vec::new();
        match lines.next_line()? {
            None if !line_of(&wanted).starts_with(&lines.rest) => return Err(RecordError::Foreign { path }),
            None => {
                file.set_len(0).map_err(failed)?;
                file.seek(SeekFrom::Start(0)).map_err(failed)?;
                file.write_all(&line_of(&wanted)).and_then(|()| file.sync_data()).map_err(failed)?;
            }
            Some(first) => {
                let found = lines.parse(&first)?;
                let differences = differences(&found, &wanted);
                if !differences.is_empty() {
                    return Err(RecordError::Settings { path, differences });
                }
                while let Some((record, _)) = lines.next_record(shard.position(contents.len() as u64))? {
                    contents.push(record.content);
                }
                file.set_len(lines.end).map_err(failed)?;
                file.seek(SeekFrom::Start(lines.end)).map_err(failed)?;
            }
        }
        Ok(Self { path, file, contents, synchronised: Stopwatch::start() })
    }

    /// Pictures that are done.
    pub fn done(&self) -> u64 {
        self.contents.len() as u64
    }

    /// The contents of pictures that are done, in order.
    pub fn contents(&self) -> &[String] {
        &self.contents
    }

    /// Appends records of the next pictures.
    ///
    /// # Errors
    /// [`RecordError::File`]
    pub fn append(&mut self, records: &[Record]) -> Result<(), RecordError> {
        let lines: Vec<u8> = records.iter().flat_map(line_of).collect();
        let mut written = self.file.write_all(&lines);
        if self.synchronised.milliseconds() > SYNCHRONISE {
            written = written.and_then(|()| self.file.sync_data());
            self.synchronised.lap();
        }
        written.map_err(|source| RecordError::File { path: self.path.clone(), source })?;
        self.contents.extend(records.iter().map(|record| record.content.clone()));
        Ok(())
    }
}

/// The line of a value.
fn line_of(value: &impl Serialize) -> Vec<u8> {
    // Maps with text for keys and finite numbers always have a form in JSON.
    let mut line = serde_json::to_vec(value).unwrap_or_default();
    line.push(b'\n');
    line
}

/// Where two settings differ, as `name: there X, now Y`.
fn differences(there: &Settings, now: &Settings) -> Vec<String> {
    let names: std::collections::BTreeSet<&String> = there.keys().chain(now.keys()).collect();
    let show = |value: Option<&Value>| {
        let text = value.map_or("nothing".into(), Value::to_string);
        if text.len() <= SHOWN { text } else { format!("{}...", text.chars().take(SHOWN).collect::<String>()) }
    };
    let differing = names.into_iter().filter(|name| there.get(*name) != now.get(*name));
    differing.map(|name| format!("{name} is {} there and {} now", show(there.get(name)), show(now.get(name)))).collect()
}

#[cfg(test)]
mod tests;
