//! Scores on disk: a line of JSON per picture behind a first line with the settings. A line is written when its picture is done; what a
//! killed run left half is dropped, so a run that goes on where another ended gives the same file as one that was left alone.

use super::Scores;
use crate::image::{ImageError, write_atomically};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// Name of the file in its folder.
pub const FILE: &str = "records.jsonl";

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
    /// Why it could not be evaluated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// Scores by method.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub results: BTreeMap<String, Scores>,
}

/// Why records cannot be read, written or merged.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// The file or its folder.
    #[error("cannot use the records in {}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Other settings.
    #[error("{} was made with other settings: {}; choose another folder, or remove it", path.display(), differences.join("; "))]
    Settings {
        /// The file.
        path: PathBuf,
        /// What differs.
        differences: Vec<String>,
    },
    /// A line that is no record, or not the next one.
    #[error("{}, line {line}: {problem}; remove the file to begin anew", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// From 1.
        line: u64,
        /// What is wrong.
        problem: String,
    },
    /// Shards that do not make a whole.
    #[error("cannot merge: {0}")]
    Merge(String),
    /// The merged file.
    #[error(transparent)]
    Write(#[from] ImageError),
}

/// Records that are being written.
pub struct RecordFile {
    path: PathBuf,
    file: File,
    done: u64,
}

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
        let mut done = 0;
        match lines.next_line()? {
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
                while lines.next_record(shard.position(done))?.is_some() {
                    done += 1;
                }
                file.set_len(lines.end).map_err(failed)?;
                file.seek(SeekFrom::Start(lines.end)).map_err(failed)?;
            }
        }
        Ok(Self { path, file, done })
    }

    /// Pictures that are done.
    pub fn done(&self) -> u64 {
        self.done
    }

    /// Appends records of the next pictures.
    ///
    /// # Errors
    /// [`RecordError::File`]
    pub fn append(&mut self, records: &[Record]) -> Result<(), RecordError> {
        let lines: Vec<u8> = records.iter().flat_map(line_of).collect();
        let written = self.file.write_all(&lines).and_then(|()| self.file.sync_data());
        written.map_err(|source| RecordError::File { path: self.path.clone(), source })?;
        self.done += records.len() as u64;
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
    let show = |value: Option<&Value>| value.map_or("nothing".into(), Value::to_string);
    let differing = names.into_iter().filter(|name| there.get(*name) != now.get(*name));
    differing.map(|name| format!("{name} is {} there and {} now", show(there.get(name)), show(now.get(name)))).collect()
}

/// Whole lines of a file, one after the other.
struct Lines {
    path: PathBuf,
    reader: BufReader<File>,
    /// Lines read.
    count: u64,
    /// Where the last whole line ends.
    end: u64,
}

impl Lines {
    fn new(path: &Path, file: File) -> Self {
        Self { path: path.into(), reader: BufReader::new(file), count: 0, end: 0 }
    }

    fn next_line(&mut self) -> Result<Option<Vec<u8>>, RecordError> {
        let mut line = Vec::new();
        let read = self.reader.read_until(b'\n', &mut line);
        read.map_err(|source| RecordError::File { path: self.path.clone(), source })?;
        if line.last() != Some(&b'\n') {
            return Ok(None);
        }
        self.count += 1;
        self.end += line.len() as u64;
        Ok(Some(line))
    }

    fn parse<'a, T: Deserialize<'a>>(&self, line: &'a [u8]) -> Result<T, RecordError> {
        serde_json::from_slice(line).map_err(|error| self.damaged(format!("not a line of records ({error})")))
    }

    fn damaged(&self, problem: String) -> RecordError {
        RecordError::Damaged { path: self.path.clone(), line: self.count, problem }
    }

    /// The next record and its line, which must be of the picture at `position`.
    fn next_record(&mut self, position: u64) -> Result<Option<(Record, Vec<u8>)>, RecordError> {
        let Some(line) = self.next_line()? else { return Ok(None) };
        let record: Record = self.parse(&line)?;
        if record.index != position {
            return Err(self.damaged(format!(
                "picture {} where {position} comes next; two runs may have written here",
                record.index
            )));
        }
        Ok(Some((record, line)))
    }
}

/// Finished or unfinished records of a folder, read one by one.
pub struct RecordReader {
    lines: Lines,
    settings: Settings,
    shard: Shard,
    next: u64,
}

impl RecordReader {
    /// Reads the settings.
    ///
    /// # Errors
    /// [`RecordError`]
    pub fn open(folder: &Path) -> Result<Self, RecordError> {
        let path = folder.join(FILE);
        let file = File::open(&path).map_err(|source| RecordError::File { path: path.clone(), source })?;
        let mut lines = Lines::new(&path, file);
        let first = lines.next_line()?.ok_or_else(|| lines.damaged("there are no settings".into()))?;
        let mut settings: Settings = lines.parse(&first)?;
        let shard = match settings.remove("shard") {
            None => Shard::WHOLE,
            Some(value) => {
                let pair: Option<(u64, u64)> = serde_json::from_value(value).ok();
                let shard = pair.map(|(index, count)| Shard { index, count });
                let usable = shard.filter(|shard| (1..=shard.count).contains(&shard.index));
                usable.ok_or_else(|| lines.damaged("the shard is none".into()))?
            }
        };
        Ok(Self { lines, settings, shard, next: 0 })
    }

    /// Settings, without the shard.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The next record.
    ///
    /// # Errors
    /// [`RecordError`]
    pub fn next_record(&mut self) -> Result<Option<Record>, RecordError> {
        Ok(self.next_line()?.map(|(record, _)| record))
    }

    fn next_line(&mut self) -> Result<Option<(Record, Vec<u8>)>, RecordError> {
        let record = self.lines.next_record(self.shard.position(self.next))?;
        self.next += u64::from(record.is_some());
        Ok(record)
    }
}

/// Merges the records of all shards of one evaluation into those of a single run, in `out`.
///
/// # Errors
/// [`RecordError::Merge`] where a shard is missing, unfinished or given twice, [`RecordError::Settings`] where one was made otherwise.
pub fn merge(folders: &[PathBuf], out: &Path) -> Result<(), RecordError> {
    let mut shards: Vec<RecordReader> = Vec::new();
    for folder in folders {
        if folder.canonicalize().is_ok_and(|path| out.canonicalize().is_ok_and(|out| out == path)) {
            return Err(RecordError::Merge(format!(
                "{} is the output folder; choose another for the merged records",
                folder.display()
            )));
        }
        shards.push(RecordReader::open(folder)?);
    }
    let Some(first) = shards.first() else { return Err(RecordError::Merge("no folders are given".into())) };
    let (settings, count) = (first.settings.clone(), first.shard.count);
    for shard in &shards {
        let differences = differences(&shard.settings, &settings);
        if !differences.is_empty() {
            return Err(RecordError::Settings { path: shard.lines.path.clone(), differences });
        }
    }
    complete(&shards, count)?;
    shards.sort_by_key(|shard| shard.shard.index);
    let total = settings.get("pictures").and_then(Value::as_u64).unwrap_or_default();
    fs::create_dir_all(out).map_err(|source| RecordError::File { path: out.into(), source })?;
    let mut problem = None;
    let written = write_atomically(&out.join(FILE), |file| {
        file.write_all(&line_of(&settings))?;
        for index in 0..total {
            let shard = &mut shards[(index % count) as usize];
            match shard.next_line() {
                Ok(Some((_, line))) => file.write_all(&line)?,
                Ok(None) => {
                    let (path, done, of) = (shard.lines.path.display(), shard.next, shard.shard.len(total));
                    let text = format!("{path} has {done} of {of} pictures; let its run end first");
                    problem = Some(RecordError::Merge(text));
                }
                Err(error) => problem = Some(error),
            }
            if problem.is_some() {
                return Err(io::Error::other("unfinished"));
            }
        }
        Ok(())
    });
    match problem {
        Some(problem) => Err(problem),
        None => Ok(written?),
    }
}

/// Whether there is each of `count` shards once.
fn complete(shards: &[RecordReader], count: u64) -> Result<(), RecordError> {
    let mut seen = BTreeMap::new();
    for RecordReader { shard, lines, .. } in shards {
        let path = lines.path.display().to_string();
        if shard.count != count {
            let problem = format!("{path} is one of {} shards, others of {count}", shard.count);
            return Err(RecordError::Merge(problem));
        }
        if let Some(other) = seen.insert(shard.index, path.clone()) {
            let problem = format!("{other} and {path} are the same shard, {}/{count}", shard.index);
            return Err(RecordError::Merge(problem));
        }
    }
    let missing: Vec<String> = (1..=count)
        .filter(|index| !seen.contains_key(index))
        .take(10)
        .map(|index| format!("{index}/{count}"))
        .collect();
    if missing.is_empty() {
        Ok(())
    } else {
        Err(RecordError::Merge(format!("shards are missing: {}", missing.join(", "))))
    }
}
