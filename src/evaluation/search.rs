//! The files of a data set's folder: photos, their masks, lists of labels.

use super::dataset::DatasetError;
use crate::image::{PICTURE_ENDINGS, UNREAD_ENDINGS, is_written_by_us};
use std::collections::{HashMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Lists of labels that are looked for.
const LISTS: [&str; 3] = ["labels.csv", "labels.tsv", "labels.txt"];
/// What a mask's name ends with, before its ending.
const MASK_SUFFIX: &str = "_mask";

/// All pictures below a folder.
#[derive(Default)]
pub(super) struct Files {
    root: PathBuf,
    /// Photos, sorted.
    pub photos: Vec<PathBuf>,
    /// Masks by their paths without endings.
    masks: HashMap<PathBuf, Vec<PathBuf>>,
    /// Pictures of formats that are not read, sorted.
    pub unread: Vec<PathBuf>,
}

impl Files {
    /// Searches a folder. Hidden entries and links to folders are left out, and so are pictures that this library
    /// wrote: earlier results.
    pub fn search(root: &Path) -> Result<Self, DatasetError> {
        let mut files = Self { root: root.into(), ..Self::default() };
        let mut readable = Vec::new();
        files.add_folder(root, &mut readable)?;
        let bare: HashSet<PathBuf> = readable.iter().map(|file| file.with_extension("")).collect();
        for file in readable {
            if files.is_mask(&file, &bare) {
                files.masks.entry(file.with_extension("")).or_default().push(file);
            } else {
                files.photos.push(file);
            }
        }
        files.photos.sort();
        files.unread.sort();
        Ok(files)
    }

    fn add_folder(&mut self, folder: &Path, readable: &mut Vec<PathBuf>) -> Result<(), DatasetError> {
        let failed = |source| DatasetError::Folder { folder: folder.into(), source };
        for entry in fs::read_dir(folder).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let path = entry.path();
            if entry.file_name().as_encoded_bytes().starts_with(b".") {
                continue;
            }
            if entry.file_type().map_err(failed)?.is_dir() {
                self.add_folder(&path, readable)?;
            } else if has_ending(&path, &PICTURE_ENDINGS) && !path.is_dir() && !is_written_by_us(&path) {
                readable.push(path);
            } else if has_ending(&path, &UNREAD_ENDINGS) && !path.is_dir() && !is_written_by_us(&path) {
                self.unread.push(path);
            }
        }
        Ok(())
    }

    /// Whether a file lies below `masks`, or is called `x_mask` beside a photo `x`.
    fn is_mask(&self, file: &Path, bare: &HashSet<PathBuf>) -> bool {
        let stem = stem(file);
        let photo = stem.strip_suffix(MASK_SUFFIX).map(|photo| file.with_file_name(photo));
        photo.is_some_and(|photo| bare.contains(&photo)) || self.below("masks", file).is_some()
    }

    /// The path below a folder of the data set's own.
    fn below<'a>(&self, folder: &str, file: &'a Path) -> Option<&'a Path> {
        file.strip_prefix(&self.root).ok()?.strip_prefix(folder).ok()
    }

    /// The mask of a photo.
    pub fn mask(&self, photo: &Path) -> Result<Option<PathBuf>, DatasetError> {
        let beside = photo.with_file_name(format!("{}{MASK_SUFFIX}", stem(photo)));
        let in_folder = self.below("images", photo).map(|path| self.root.join("masks").join(path).with_extension(""));
        let mut masks =
            [Some(beside), in_folder].into_iter().flatten().filter_map(|path| self.masks.get(&path)).flatten();
        match (masks.next(), masks.next()) {
            (Some(first), Some(second)) => Err(DatasetError::TwoMasks([photo.into(), first.clone(), second.clone()])),
            (mask, _) => Ok(mask.cloned()),
        }
    }

    /// The list of labels in the folder.
    pub fn list(&self) -> Result<Option<PathBuf>, DatasetError> {
        let mut lists = LISTS.iter().map(|name| self.root.join(name)).filter(|path| path.is_file());
        match (lists.next(), lists.next()) {
            (Some(first), Some(second)) => Err(DatasetError::TwoLists([first, second])),
            (list, _) => Ok(list),
        }
    }

    /// The path below the data set's folder, with `/` between its parts.
    pub fn name(&self, file: &Path) -> String {
        let parts = file.strip_prefix(&self.root).unwrap_or(file).components();
        parts.map(|part| part.as_os_str().to_string_lossy().into_owned()).collect::<Vec<_>>().join("/")
    }
}

fn has_ending(path: &Path, endings: &[&str]) -> bool {
    let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
    endings.iter().any(|known| known.eq_ignore_ascii_case(ending))
}

pub(super) fn stem(file: &Path) -> String {
    file.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default()
}
