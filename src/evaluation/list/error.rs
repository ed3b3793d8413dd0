//! What can be wrong with a list of labels.

use crate::models::LabelError;
use std::io;
use std::path::PathBuf;

/// Why a list of labels cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ListError {
    /// It cannot be read.
    #[error("cannot read the list of labels {}: {source}", path.display())]
    Read {
        /// The list.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It is no text in UTF-8.
    #[error("{}, line {line}: not UTF-8; save the list of labels in that encoding", path.display())]
    Encoding {
        /// The list.
        path: PathBuf,
        /// From 1.
        line: u64,
    },
    /// A quotation mark that nothing closes, or the like.
    #[error("{}, line {line}: {problem}", path.display())]
    Form {
        /// The list.
        path: PathBuf,
        /// From 1.
        line: u64,
        /// What is wrong.
        problem: String,
    },
    /// A line without a class, or with a gap between classes.
    #[error("{}, line {line}: no class stands behind the photo; write NAME,CLASS", path.display())]
    NoClass {
        /// The list.
        path: PathBuf,
        /// From 1.
        line: u64,
    },
    /// A text that is no class.
    #[error("{}, line {line}: {source}", path.display())]
    Class {
        /// The list.
        path: PathBuf,
        /// From 1.
        line: u64,
        /// Why.
        source: LabelError,
    },
    /// One class a line, but not as many as photos.
    #[error(
        "{} has {classes} classes without names of photos, but there are {photos} photos; write NAME,CLASS",
        path.display()
    )]
    Count {
        /// The list.
        path: PathBuf,
        /// Lines.
        classes: usize,
        /// Photos.
        photos: usize,
    },
    /// A name that several photos have.
    #[error(
        "{}, line {line}: '{name}' may be any of {}; write the path below the folder of photos",
        path.display(), shortened(photos)
    )]
    SeveralPhotos {
        /// The list.
        path: PathBuf,
        /// From 1.
        line: u64,
        /// What stands there.
        name: String,
        /// Photos of that name.
        photos: Vec<String>,
    },
    /// Lines that give one photo different classes.
    #[error("{}: lines {} and {} give {photo} different classes; keep one of them", path.display(), lines[0], lines[1])]
    Twice {
        /// The list.
        path: PathBuf,
        /// The photo.
        photo: String,
        /// From 1.
        lines: [u64; 2],
    },
}

/// At most ten of them.
fn shortened(names: &[String]) -> String {
    let more = names.len().saturating_sub(10);
    let shown = names.iter().take(10).map(String::as_str).collect::<Vec<_>>().join(", ");
    if more == 0 { shown } else { format!("{shown} and {more} more") }
}
