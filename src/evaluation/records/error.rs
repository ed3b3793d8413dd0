//! What can be wrong with records.

use crate::image::ImageError;
use std::io;
use std::path::PathBuf;

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
    #[error(
        "{} was made with other settings: {}; choose another folder, or remove it",
        path.display(), differences.join("; ")
    )]
    Settings {
        /// The file.
        path: PathBuf,
        /// What differs.
        differences: Vec<String>,
    },
    /// Something else under the name of the records.
    #[error("{} is not the records of an evaluation; choose another folder, or remove it", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
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
