//! Which photos there are, of which classes, with which masks: the layouts that evaluations read.
//!
//! - A folder per class, called by its synset (`n02510455`), number or name, as in ImageNet's validation set.
//! - Photos in one folder with a list of labels: `labels.csv`, `labels.tsv` or `labels.txt` in it, or a file given
//!   apart.
//! - Photos and masks: `x.jpg` and `x_mask.png` beside it, or `images/x.jpg` and `masks/x.png`.
//!
//! Without folders or a list a class is taken from the file's name (`polar_bear.jpg`) where that is a class's name.

use super::labels::{LabelList, ListError, class_if_any, class_of};
use super::search::{Files, stem};
use crate::image::PICTURE_ENDINGS;
use crate::models::{LabelError, Labels};
use std::io;
use std::path::{Path, PathBuf};

/// A photo with what is known of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// Path below the data set's folder, with `/` between its parts.
    pub name: String,
    /// The photo.
    pub photo: PathBuf,
    /// Its classes; none where nobody says, several where a mask has a value for each.
    pub classes: Vec<u32>,
    /// Its mask: 0 is background; with several classes, value k belongs to the k-th.
    pub mask: Option<PathBuf>,
}

/// All photos, sorted by name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dataset {
    /// The photos.
    pub items: Vec<Item>,
    /// Where the classes come from.
    pub classes_from: &'static str,
    /// Pictures that are not among the items.
    pub left_out: Vec<LeftOut>,
}

/// Pictures of a data set that are not evaluated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeftOut {
    /// Why, as in "3 photos are ...".
    pub reason: &'static str,
    /// Their names, sorted.
    pub names: Vec<String>,
}

/// Why a folder is no data set.
#[derive(Debug, thiserror::Error)]
pub enum DatasetError {
    /// The folder or one in it cannot be read.
    #[error("cannot search the folder {}: {source}; check the path", folder.display())]
    Folder {
        /// The folder.
        folder: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// There is nothing in it.
    #[error("{} holds no photos (files that end in {})", .0.display(), PICTURE_ENDINGS.join(", "))]
    Empty(PathBuf),
    /// A folder that should be called like a class.
    #[error(
        "the folder {} should be called like a class (by synset, number or name): {source}; or give a list of labels",
        folder.display()
    )]
    Class {
        /// The folder.
        folder: PathBuf,
        /// Why its name is no class.
        source: LabelError,
    },
    /// Two lists of labels in the folder.
    #[error("there are two lists of labels, {} and {}; give one of them", .0[0].display(), .0[1].display())]
    TwoLists([PathBuf; 2]),
    /// A photo and two masks of it.
    #[error("{} has two masks, {} and {}; remove one of them", .0[0].display(), .0[1].display(), .0[2].display())]
    TwoMasks([PathBuf; 3]),
    /// A list of labels that cannot be used.
    #[error(transparent)]
    List(#[from] ListError),
}

impl Dataset {
    /// Searches a folder. `list` is a list of labels that lies elsewhere. Where some photos have a class, those without
    /// are left out.
    ///
    /// # Errors
    /// [`DatasetError`]
    pub fn open(folder: &Path, list: Option<&Path>, labels: &Labels) -> Result<Self, DatasetError> {
        let files = Files::search(folder)?;
        if files.photos.is_empty() {
            return Err(DatasetError::Empty(folder.into()));
        }
        let list = list.map_or_else(|| files.list(), |list| Ok(Some(list.into())))?;
        let item = |photo: &PathBuf| {
            let (name, mask) = (files.name(photo), files.mask(photo)?);
            Ok(Item { name, photo: photo.clone(), classes: Vec::new(), mask })
        };
        let mut items = files.photos.iter().map(item).collect::<Result<Vec<Item>, DatasetError>>()?;
        items.sort_by(|a, b| a.name.cmp(&b.name));
        let (classes_from, without_class) = match list {
            Some(list) => {
                LabelList::read(&list, labels)?.assign(folder, &mut items)?;
                ("a list of labels", "not in the list of labels")
            }
            None if items.iter().any(|item| class_folder(folder, item).is_some()) => {
                from_folders(folder, &mut items, labels)?;
                ("the names of folders", "in no folder of a class")
            }
            None => {
                from_names(&mut items, labels);
                ("the names of files", "not called like a class")
            }
        };
        let unread: Vec<String> = files.unread.iter().map(|file| files.name(file)).collect();
        let left_out = if unread.is_empty() { Vec::new() } else { vec![LeftOut { reason: UNREAD, names: unread }] };
        let mut dataset = Self { items, classes_from, left_out };
        if dataset.items.iter().any(|item| !item.classes.is_empty()) {
            dataset.keep(without_class, |item| !item.classes.is_empty());
        }
        Ok(dataset)
    }

    /// Leaves out all items but those that are kept.
    pub fn keep(&mut self, reason: &'static str, is_kept: impl Fn(&Item) -> bool) {
        let names: Vec<String> =
            self.items.iter().filter(|item| !is_kept(item)).map(|item| item.name.clone()).collect();
        if !names.is_empty() {
            self.items.retain(is_kept);
            self.left_out.push(LeftOut { reason, names });
        }
    }
}

/// Why pictures of other formats are left out.
const UNREAD: &str = "in a format that is not read";

/// The folder whose name is an item's class: the one that it lies in, unless that is the data set's own or `images`.
fn class_folder(root: &Path, item: &Item) -> Option<PathBuf> {
    let folder = item.photo.parent()?;
    (folder != root && folder != root.join("images")).then(|| folder.to_path_buf())
}

fn from_folders(root: &Path, items: &mut [Item], labels: &Labels) -> Result<(), DatasetError> {
    for item in items {
        let Some(folder) = class_folder(root, item) else { continue };
        let class = class_of(&folder.file_name().unwrap_or_default().to_string_lossy(), labels);
        item.classes = vec![class.map_err(|source| DatasetError::Class { folder, source })?];
    }
    Ok(())
}

/// `polar_bear.jpg` and `macaw-3.jpg` are of classes; names that are none leave the class unknown.
fn from_names(items: &mut [Item], labels: &Labels) {
    for item in items {
        let words = stem(&item.photo).replace(['_', '-'], " ");
        let name = words.trim_end_matches(|character: char| character.is_ascii_digit() || character == ' ');
        item.classes = class_if_any(name, labels).into_iter().collect();
    }
}

#[cfg(test)]
mod tests;
