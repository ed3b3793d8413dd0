//! Lists of labels: one photo a line with its classes, or one class a line in the order of the photos.

use super::dataset::Item;
use super::list::{List, Row};
use crate::models::{LabelError, Labels, synset_class};
use std::collections::HashMap;
use std::path::{Component, Path, PathBuf};

pub use super::list::ListError;

/// The class that a text means: a synset, a number or a name.
pub(super) fn class_of(text: &str, labels: &Labels) -> Result<u32, LabelError> {
    match synset_class(text) {
        Some(class) => labels.check(class),
        None => labels.find(text),
    }
}

/// As [`class_of`], for a text that need not be a class.
pub(super) fn class_if_any(text: &str, labels: &Labels) -> Option<u32> {
    match synset_class(text) {
        Some(class) => labels.check(class).ok(),
        None => labels.find_exactly(text),
    }
}

/// A line of a list, with the classes that it gives.
struct Entry {
    /// From 1.
    line: u64,
    name: String,
    classes: Vec<u32>,
}

/// A list that was read.
pub(super) struct LabelList {
    path: PathBuf,
    entries: Vec<Entry>,
    /// Whether lines have a class alone.
    is_nameless: bool,
}

impl LabelList {
    /// Reads a list in the form that [`List`] describes.
    pub(super) fn read(path: &Path, labels: &Labels) -> Result<Self, ListError> {
        let list = List::read(path)?;
        // Lists repeat few classes many times, and looking up a name is slow.
        let mut known: HashMap<String, u32> = HashMap::new();
        let mut class = |text: &str, line| match known.get(text) {
            Some(&class) => Ok(class),
            None => {
                let class = class_of(text, labels);
                let class = class.map_err(|source| ListError::Class { path: path.into(), line, source })?;
                known.insert(text.into(), class);
                Ok(class)
            }
        };
        let is_nameless = list.rows.iter().all(|row| is_class_alone(row, labels));
        let mut entries = Vec::with_capacity(list.rows.len());
        for Row { line, name, classes, .. } in list.rows {
            let texts = if is_nameless { vec![whole_line(&name, &classes)] } else { classes };
            if texts.is_empty() || texts.iter().any(String::is_empty) {
                return Err(ListError::NoClass { path: path.into(), line });
            }
            let classes = texts.iter().map(|text| class(text, line)).collect::<Result<Vec<u32>, _>>()?;
            entries.push(Entry { line, name, classes });
        }
        Ok(Self { path: path.into(), entries, is_nameless })
    }

    /// Gives the items their classes. A photo of the list that is not among them is added, so that its absence is
    /// reported.
    pub(super) fn assign(self, folder: &Path, items: &mut Vec<Item>) -> Result<(), ListError> {
        if self.is_nameless {
            let (classes, photos) = (self.entries.len(), items.len());
            if classes != photos {
                return Err(ListError::Count { path: self.path, classes, photos });
            }
            items.iter_mut().zip(self.entries).for_each(|(item, entry)| item.classes = entry.classes);
            return Ok(());
        }
        let names = Names::new(items, folder, &self.path);
        // The line that gave each photo its classes.
        let mut given: HashMap<String, (u64, Vec<u32>)> = HashMap::new();
        for Entry { line, name, classes } in self.entries {
            let photo = match names.find(&name)[..] {
                [index] => items[index].name.clone(),
                [] => normal(&name),
                ref several => {
                    let photos = several.iter().map(|&index| items[index].name.clone()).collect();
                    return Err(ListError::SeveralPhotos { path: self.path, line, name, photos });
                }
            };
            match given.get(&photo) {
                Some((_, other)) if *other == classes => {}
                Some(&(first, _)) => return Err(ListError::Twice { path: self.path, photo, lines: [first, line] }),
                None => drop(given.insert(photo, (line, classes))),
            }
        }
        for item in items.iter_mut() {
            item.classes = given.remove(&item.name).map(|(_, classes)| classes).unwrap_or_default();
        }
        let absent = given.into_iter().map(|(name, (_, classes))| {
            let photo = folder.join(&name);
            Item { name, photo, classes, mask: None }
        });
        items.extend(absent);
        items.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(())
    }
}

/// Whether a line is a class and nothing else: one column, or the words of a class's name.
fn is_class_alone(row: &Row, labels: &Labels) -> bool {
    match &row.classes[..] {
        [] => true,
        [rest] => row.by_blanks && class_if_any(&format!("{} {rest}", row.name), labels).is_some(),
        _ => false,
    }
}

fn whole_line(name: &str, classes: &[String]) -> String {
    std::iter::once(name).chain(classes.iter().map(String::as_str)).collect::<Vec<_>>().join(" ")
}

/// Photos by all that a list may call them: the whole path below the folder or its last parts, with the file's ending
/// or without.
struct Names {
    /// In the order in which they are tried.
    levels: [HashMap<String, Vec<usize>>; 4],
    /// The folder of photos, and the list's own.
    folders: [PathBuf; 2],
}

impl Names {
    fn new(items: &[Item], folder: &Path, list: &Path) -> Self {
        let mut levels: [HashMap<String, Vec<usize>>; 4] = Default::default();
        for (index, item) in items.iter().enumerate() {
            let bare = Path::new(&item.name).with_extension("");
            let bare = bare.to_string_lossy().replace('\\', "/");
            for (level, name) in [(0, item.name.as_str()), (2, bare.as_str())] {
                levels[level].entry(name.into()).or_default().push(index);
                for (slash, _) in name.match_indices('/') {
                    levels[level + 1].entry(name[slash + 1..].into()).or_default().push(index);
                }
            }
        }
        let whole = |path: &Path| normal_path(&std::path::absolute(path).unwrap_or_else(|_| path.into()));
        let folders = [whole(folder), whole(list).parent().unwrap_or(list).into()];
        Self { levels, folders }
    }

    /// The photos that a name in the list may mean: those that fit best. A path may begin at the list's place, too.
    fn find(&self, name: &str) -> &[usize] {
        let [folder, base] = &self.folders;
        let path = normal_path(&base.join(name));
        let below = path.strip_prefix(folder).ok().map(|path| normal(&path.to_string_lossy()));
        let written = [Some(normal(name)), below];
        let mut found =
            self.levels.iter().flat_map(|level| written.iter().flatten().filter_map(|name| level.get(name)));
        found.next().map(Vec::as_slice).unwrap_or_default()
    }
}

/// A path with `/` between its parts and without `.` and needless `..`.
fn normal(name: &str) -> String {
    let path = normal_path(Path::new(&name.replace('\\', "/")));
    path.to_string_lossy().replace('\\', "/")
}

fn normal_path(path: &Path) -> PathBuf {
    let mut normal = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir if normal.file_name().is_some() => drop(normal.pop()),
            Component::ParentDir | Component::Normal(_) | Component::RootDir | Component::Prefix(_) => {
                normal.push(part)
            }
        }
    }
    normal
}
