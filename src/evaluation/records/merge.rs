//! Putting the records of several runs together.

use super::{FILE, RecordError, RecordReader, differences, line_of};
use crate::image::write_atomically;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Merges the records of all shards of one evaluation into those of a single run, in `out`.
///
/// # Errors
/// [`RecordError::Merge`] where a shard is missing, unfinished or given twice, [`RecordError::Settings`] where one was
/// made otherwise.
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
