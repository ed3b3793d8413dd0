//! Reading records line by line.

use super::{FILE, Record, RecordError, Settings, Shard};
use serde::Deserialize;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

/// Whole lines of a file, one after the other.
pub(super) struct Lines {
    pub path: PathBuf,
    reader: BufReader<File>,
    /// Lines read.
    count: u64,
    /// Where the last whole line ends.
    pub end: u64,
    /// What stands behind the last whole line, once that was read.
    pub rest: Vec<u8>,
}

impl Lines {
    pub fn new(path: &Path, file: File) -> Self {
        Self { path: path.into(), reader: BufReader::new(file), count: 0, end: 0, rest: Vec::new() }
    }

    pub fn next_line(&mut self) -> Result<Option<Vec<u8>>, RecordError> {
        let mut line = Vec::new();
        let read = self.reader.read_until(b'\n', &mut line);
        read.map_err(|source| RecordError::File { path: self.path.clone(), source })?;
        if line.last() != Some(&b'\n') {
            self.rest = line;
            return Ok(None);
        }
        self.count += 1;
        self.end += line.len() as u64;
        Ok(Some(line))
    }

    pub fn parse<'a, T: Deserialize<'a>>(&self, line: &'a [u8]) -> Result<T, RecordError> {
        serde_json::from_slice(line).map_err(|error| self.damaged(format!("not a line of records ({error})")))
    }

    fn damaged(&self, problem: String) -> RecordError {
        RecordError::Damaged { path: self.path.clone(), line: self.count, problem }
    }

    /// The next record and its line, which must be of the picture at `position`.
    pub fn next_record(&mut self, position: u64) -> Result<Option<(Record, Vec<u8>)>, RecordError> {
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
    pub(super) lines: Lines,
    pub(super) settings: Settings,
    pub(super) shard: Shard,
    /// Records read.
    pub(super) next: u64,
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

    pub(super) fn next_line(&mut self) -> Result<Option<(Record, Vec<u8>)>, RecordError> {
        let record = self.lines.next_record(self.shard.position(self.next))?;
        self.next += u64::from(record.is_some());
        Ok(record)
    }
}
