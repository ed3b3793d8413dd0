//! Which photos there are, of which classes, with which masks: the layouts that evaluations read.
//!
//! - A folder per class, called by its synset (`n02510455`), number or name, as in ImageNet's validation set.
//! - Photos in one folder with a list of labels: `labels.csv`, `labels.tsv` or `labels.txt` in it, or a file given apart.
//! - Photos and masks: `x.jpg` and `x_mask.png` beside it, or `images/x.jpg` and `masks/x.png`.
//!
//! Without folders or a list a class is taken from the file's name (`polar_bear.jpg`) where that is a class's name.

use super::labels::{LabelList, ListError, class_of};
use crate::models::{LabelError, Labels};
use std::collections::HashMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Endings of files that are taken for photos.
const ENDINGS: [&str; 8] = ["jpg", "jpeg", "png", "webp", "bmp", "tif", "tiff", "gif"];
/// Lists of labels that are looked for.
const LISTS: [&str; 3] = ["labels.csv", "labels.tsv", "labels.txt"];
/// What a mask's name ends with, before its ending.
const MASK_SUFFIX: &str = "_mask";

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
    #[error("{} holds no photos (files that end in {})", .0.display(), ENDINGS.join(", "))]
    Empty(PathBuf),
    /// A folder that should be called like a class.
    #[error("the folder {} should be called like a class (by synset, number or name): {source}; or give a list of labels", folder.display())]
    Class {
        /// The folder.
        folder: PathBuf,
        /// Why its name is no class.
        source: LabelError,
    },
    /// A list of labels that cannot be used.
    #[error(transparent)]
    List(#[from] ListError),
}

impl Dataset {
    /// Searches a folder. `list` is a list of labels that lies elsewhere.
    ///
    /// # Errors
    /// [`DatasetError`]
    pub fn open(folder: &Path, list: Option<&Path>, labels: &Labels) -> Result<Self, DatasetError> {
        let mut files = Vec::new();
        search(folder, &mut files)?;
        let (masks, photos): (Vec<PathBuf>, Vec<PathBuf>) = files.into_iter().partition(|file| is_mask(folder, file));
        if photos.is_empty() {
            return Err(DatasetError::Empty(folder.into()));
        }
        let beside = || LISTS.iter().map(|name| folder.join(name)).find(|path| path.is_file());
        let list = list.map(Path::to_path_buf).or_else(beside);
        let masks = masks.into_iter().map(|mask| (mask.with_extension(""), mask)).collect();
        let mut items: Vec<Item> = photos.into_iter().map(|photo| item(folder, photo, &masks)).collect();
        items.sort_by(|a, b| a.name.cmp(&b.name));
        let classes_from = match list {
            Some(list) => {
                LabelList::read(&list, labels)?.assign(folder, &mut items)?;
                "a list of labels"
            }
            None if items.iter().any(|item| class_folder(folder, item).is_some()) => {
                from_folders(folder, &mut items, labels)?;
                "the names of folders"
            }
            None => {
                from_names(&mut items, labels);
                "the names of files"
            }
        };
        Ok(Self { items, classes_from })
    }
}

/// All photos below a folder; hidden entries and links to folders are left out.
fn search(folder: &Path, files: &mut Vec<PathBuf>) -> Result<(), DatasetError> {
    let failed = |source| DatasetError::Folder { folder: folder.into(), source };
    for entry in fs::read_dir(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let path = entry.path();
        if entry.file_name().as_encoded_bytes().starts_with(b".") {
            continue;
        }
        if entry.file_type().map_err(failed)?.is_dir() {
            search(&path, files)?;
        } else if has_ending(&path) && !path.is_dir() {
            files.push(path);
        }
    }
    Ok(())
}

fn has_ending(path: &Path) -> bool {
    let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
    ENDINGS.iter().any(|known| known.eq_ignore_ascii_case(ending))
}

/// Below `masks/`, or called `x_mask.png`.
fn is_mask(folder: &Path, file: &Path) -> bool {
    stem(file).ends_with(MASK_SUFFIX) || below(folder, file, "masks").is_some()
}

fn stem(file: &Path) -> String {
    file.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default()
}

/// The path below a folder of `root`.
fn below<'a>(root: &Path, file: &'a Path, folder: &str) -> Option<&'a Path> {
    file.strip_prefix(root).ok()?.strip_prefix(folder).ok()
}

/// `masks` are by their paths without endings.
fn item(folder: &Path, photo: PathBuf, masks: &HashMap<PathBuf, PathBuf>) -> Item {
    let beside = photo.with_file_name(format!("{}{MASK_SUFFIX}", stem(&photo)));
    let in_folder = below(folder, &photo, "images").map(|path| folder.join("masks").join(path).with_extension(""));
    let mask = masks.get(&beside).or_else(|| masks.get(&in_folder?));
    Item { name: name(folder, &photo), mask: mask.cloned(), classes: Vec::new(), photo }
}

fn name(folder: &Path, photo: &Path) -> String {
    let parts = photo.strip_prefix(folder).unwrap_or(photo).components();
    parts.map(|part| part.as_os_str().to_string_lossy().into_owned()).collect::<Vec<_>>().join("/")
}

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
        item.classes = class_of(name, labels).into_iter().collect();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = root.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        root
    }

    fn open(root: &tempfile::TempDir) -> Result<Vec<(String, Vec<u32>, bool)>, DatasetError> {
        let dataset = Dataset::open(root.path(), None, &Labels::imagenet())?;
        Ok(dataset.items.into_iter().map(|item| (item.name, item.classes, item.mask.is_some())).collect())
    }

    fn items(expected: &[(&str, &[u32], bool)]) -> Vec<(String, Vec<u32>, bool)> {
        expected.iter().map(|(name, classes, mask)| ((*name).to_owned(), classes.to_vec(), *mask)).collect()
    }

    #[test]
    fn folders_are_classes_by_synset_number_or_name() {
        let root = folder(&[
            ("n02510455/b.JPEG", ""),
            ("n02510455/a.jpg", ""),
            ("7/x.png", ""),
            ("ice bear/x.jpg", ""),
            (".hidden/x.jpg", ""),
            ("7/notes.txt", ""),
        ]);
        let expected =
            [("7/x.png", &[7][..], false), ("ice bear/x.jpg", &[296], false), ("n02510455/a.jpg", &[388], false)];
        let found = open(&root).unwrap();
        assert_eq!(found[..3], items(&expected));
        assert_eq!(found.len(), 4);
        let error = open(&folder(&[("no such thing/x.jpg", "")])).unwrap_err().to_string();
        assert!(error.contains("no such thing") && error.contains("a list of labels"), "{error}");
    }

    #[test]
    fn lists_name_photos_in_several_forms() {
        let forms = [
            ("labels.csv", "a.jpg,388,88\n# a comment\n\nb.jpg,n01440764\n"),
            ("labels.tsv", "a.jpg\tgiant panda\tmacaw\nb.jpg\ttench\n"),
            ("labels.csv", "ImageId,PredictionString\na,n02510455 1 2 3 4\nb,n01440764 9 9 9 9\n"),
            ("labels.txt", "a.jpg 388\nb.jpg 0\n"),
            ("labels.txt", "388\n0\n"),
        ];
        for (list, text) in forms {
            let found = open(&folder(&[("a.jpg", ""), ("b.jpg", ""), (list, text)])).unwrap();
            assert_eq!((found[0].1[0], &found[1].1[..]), (388, &[0][..]), "{text}");
        }
        let missing = open(&folder(&[("a.jpg", ""), ("labels.csv", "a.jpg,1\nz.jpg,2\n")])).unwrap();
        assert_eq!(missing[1], ("z.jpg".to_owned(), vec![2], false));
        for (text, words) in [
            ("a.jpg,388\nb.jpg,\n", "line 2"),
            ("a.jpg,1000\n", "0 to 999"),
            ("a.jpg,panda\n", "387"),
            ("1\n2\n3\n", "2 photos"),
        ] {
            let error = open(&folder(&[("a.jpg", ""), ("b.jpg", ""), ("labels.csv", text)])).unwrap_err().to_string();
            assert!(error.contains("labels.csv") && error.contains(words), "{error}");
        }
    }

    #[test]
    fn masks_lie_beside_photos_or_in_a_folder() {
        let root = folder(&[("polar_bear-2.jpg", ""), ("polar_bear-2_mask.png", ""), ("some thing.jpg", "")]);
        assert_eq!(open(&root).unwrap(), items(&[("polar_bear-2.jpg", &[296], true), ("some thing.jpg", &[], false)]));
        let root = folder(&[("images/x.jpg", ""), ("images/y.jpg", ""), ("masks/x.png", "")]);
        assert_eq!(open(&root).unwrap(), items(&[("images/x.jpg", &[], true), ("images/y.jpg", &[], false)]));
        let error = open(&folder(&[("notes.txt", "")])).unwrap_err().to_string();
        assert!(error.contains("holds no photos"), "{error}");
    }
}
