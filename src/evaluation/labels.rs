//! Lists of labels: one photo a line, or one class a line in the order of the photos.

use super::dataset::Item;
use crate::models::{LabelError, Labels, synset_class};
use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};

/// The class that a text means: a synset, a number or a name.
pub(super) fn class_of(text: &str, labels: &Labels) -> Result<u32, LabelError> {
    match synset_class(text) {
        Some(class) => labels.check(class),
        None => labels.find(text),
    }
}

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
    /// A line without a class.
    #[error("{}, line {line}: no class stands behind the photo; write NAME,CLASS", path.display())]
    NoClass {
        /// The list.
        path: PathBuf,
        /// From 1.
        line: usize,
    },
    /// A text that is no class.
    #[error("{}, line {line}: {source}", path.display())]
    Class {
        /// The list.
        path: PathBuf,
        /// From 1.
        line: usize,
        /// Why.
        source: LabelError,
    },
    /// One class a line, but not as many as photos.
    #[error("{} has {classes} classes without names of photos, but there are {photos} photos; write NAME,CLASS", path.display())]
    Count {
        /// The list.
        path: PathBuf,
        /// Lines.
        classes: usize,
        /// Photos.
        photos: usize,
    },
}

/// A list that was read.
pub(super) struct LabelList {
    path: PathBuf,
    /// Names of photos, empty where a line has a class alone, with their classes.
    lines: Vec<(String, Vec<u32>)>,
}

impl LabelList {
    /// Reads a list. Columns are separated by commas or tabs, otherwise the first blank ends the name. Empty lines, lines that begin with
    /// `#` and the header `ImageId,...` are left out.
    pub(super) fn read(path: &Path, labels: &Labels) -> Result<Self, ListError> {
        let text = std::fs::read_to_string(path).map_err(|source| ListError::Read { path: path.into(), source })?;
        let mut lines = Vec::new();
        for (line, text) in (1..).zip(text.lines()) {
            let text = text.trim();
            if text.is_empty() || text.starts_with('#') || text.starts_with("ImageId,") {
                continue;
            }
            let (name, classes) = columns(text);
            if classes.is_empty() {
                return Err(ListError::NoClass { path: path.into(), line });
            }
            let class = |text: &&str| class_of(text, labels);
            let classes = classes.iter().map(class).collect::<Result<Vec<u32>, _>>();
            let classes = classes.map_err(|source| ListError::Class { path: path.into(), line, source })?;
            lines.push((name.to_owned(), classes));
        }
        Ok(Self { path: path.into(), lines })
    }

    /// Gives the items their classes. A photo of the list that is not among them is added, so that its absence is reported.
    pub(super) fn assign(self, folder: &Path, items: &mut Vec<Item>) -> Result<(), ListError> {
        if self.lines.iter().all(|(name, _)| name.is_empty()) {
            let (classes, photos) = (self.lines.len(), items.len());
            if classes != photos {
                return Err(ListError::Count { path: self.path, classes, photos });
            }
            items.iter_mut().zip(self.lines).for_each(|(item, (_, classes))| item.classes = classes);
            return Ok(());
        }
        let mut position: HashMap<String, usize> = HashMap::new();
        for (index, item) in items.iter().enumerate() {
            let file = Path::new(&item.name);
            let stem = file.file_stem().map(|stem| stem.to_string_lossy().into_owned());
            let last = file.file_name().map(|name| name.to_string_lossy().into_owned());
            for name in [Some(item.name.clone()), last, stem].into_iter().flatten() {
                position.entry(name).or_insert(index);
            }
        }
        for (name, classes) in self.lines {
            match position.get(&name) {
                Some(&index) => items[index].classes = classes,
                None => items.push(Item { photo: folder.join(&name), name, classes, mask: None }),
            }
        }
        items.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(())
    }
}

/// Name and classes of a line; the name is empty where there is one column.
fn columns(text: &str) -> (&str, Vec<&str>) {
    let separated: Vec<&str> = text.split([',', '\t']).map(str::trim).collect();
    match separated[..] {
        // As in Kaggle's list: a synset and boxes behind it, perhaps several times.
        [name, found] if found.split(' ').next().is_some_and(|word| synset_class(word).is_some()) => {
            (name, found.split(' ').take(1).collect())
        }
        [name, ..] if separated.len() > 1 => {
            (name, separated[1..].iter().copied().filter(|text| !text.is_empty()).collect())
        }
        _ => match text.split_once(char::is_whitespace) {
            Some((name, class)) => (name, vec![class.trim()]),
            None => ("", vec![text]),
        },
    }
}
