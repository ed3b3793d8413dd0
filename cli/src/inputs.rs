//! Which files the INPUT arguments mean, and what their outputs are called.

use std::collections::{BTreeMap, HashSet};
use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::CliError;
use super::former::{FileStamp, Former};
use super::names::Names;
use super::report::Failure;
use super::terminal::{count_of, escaped};
use agf::image::{NpyInputs, PICTURE_ENDINGS, UNREAD_ENDINGS, is_written_by_us};

/// Reading a pipe or a device may never end.
const NO_FILE: &str = "is a named pipe or a device; give a file";

/// A file to read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Source {
    /// The file.
    pub(super) path: PathBuf,
    /// What its outputs' names begin with, relative to the output folder; no other source has the same.
    pub(super) name: PathBuf,
    /// For an array of network inputs instead of a photo, how many there are; 1 if it cannot be read.
    pub(super) array_length: Option<usize>,
    /// The file as it is now.
    pub(super) file: FileStamp,
    /// Positions that an earlier run has done; 0 for a photo.
    pub(super) done: HashSet<usize>,
}

impl Source {
    fn new(path: PathBuf, name: PathBuf, found: &fs::Metadata) -> Self {
        let file = FileStamp::of(&path, found);
        Self { path, name, array_length: None, file, done: HashSet::new() }
    }

    /// A photo without outputs of its own.
    pub(super) fn of_photo(path: &Path) -> Self {
        Self { path: path.into(), ..Self::default() }
    }

    /// Whether the file holds network inputs instead of being a photo.
    pub(super) fn is_array(&self) -> bool {
        self.array_length.is_some()
    }

    /// Number of network inputs in the file, those done already included.
    pub(super) fn picture_count(&self) -> usize {
        self.array_length.unwrap_or(1)
    }
}

/// All that was found.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// Files to read, in the order of the arguments, those of a folder sorted.
    pub(super) sources: Vec<Source>,
    /// Arguments and folders that cannot be used.
    pub(super) failures: Vec<Failure>,
    /// Pictures of formats that are not read, in folders: how many there are by their ending.
    pub(super) unread: BTreeMap<String, usize>,
}

impl Found {
    /// Number of network inputs to be read.
    pub(super) fn picture_count(&self) -> usize {
        self.sources.iter().map(|source| source.picture_count() - source.done.len()).sum()
    }

    /// What to say of the pictures in folders that are not read, if there are any.
    pub(super) fn note(&self) -> Option<String> {
        let count = self.unread.values().sum();
        let of_formats = unread_formats(&self.unread);
        (count > 0).then(|| format!("note: {} left out, {of_formats}", count_of(count, "picture")))
    }

    /// Itself, if there is anything to read.
    pub(super) fn usable(self) -> Result<Self, CliError> {
        if !self.sources.is_empty() {
            return Ok(self);
        }
        let errors: Vec<String> = self.failures.iter().map(|failure| escaped(&failure.error)).collect();
        Err(CliError::NoInputs(errors.join("\nerror: ")))
    }
}

/// Resolves the arguments. The folder `except`, where outputs go, is not searched unless it is an argument itself.
/// Pictures that the library wrote are results of earlier runs and left out. Names of outputs keep clear of those that
/// `former` knows for other files.
pub(super) fn find(arguments: &[PathBuf], except: Option<&Path>, former: &Former) -> Found {
    let mut search = Search { except: except.and_then(|path| path.canonicalize().ok()), ..Search::default() };
    for argument in arguments {
        search.add(argument);
    }
    let Search { mut files, failures, unread, .. } = search;
    Names::new(former).give(&mut files);
    Found { sources: files, failures, unread }
}

#[derive(Default)]
struct Search {
    except: Option<PathBuf>,
    files: Vec<Source>,
    failures: Vec<Failure>,
    unread: BTreeMap<String, usize>,
}

impl Search {
    fn add(&mut self, argument: &Path) {
        match fs::metadata(argument) {
            Err(error) => self.fail(argument, &format!("{error}; check the path")),
            Ok(found) if found.is_dir() => {
                let before = (self.files.len(), self.failures.len());
                self.add_folder(argument, argument);
                if before == (self.files.len(), self.failures.len()) {
                    let endings = PICTURE_ENDINGS.join(", ");
                    let unread = match self.unread.is_empty() {
                        true => String::new(),
                        false => format!(" but {}", unread_formats(&self.unread)),
                    };
                    self.fail(argument, &format!("the folder holds no pictures (files that end in {endings}){unread}"));
                }
            }
            Ok(found) if !found.is_file() => self.fail(argument, NO_FILE),
            Ok(found) => {
                let name = argument.file_stem().unwrap_or(argument.as_os_str());
                let array_length = has_ending(argument, &["npy"]).then(|| array_length(argument));
                self.files.push(Source { array_length, ..Source::new(argument.into(), name.into(), &found) });
            }
        }
    }

    /// Takes the pictures of `folder`, which lies at or below `root`, and of the folders in it.
    fn add_folder(&mut self, root: &Path, folder: &Path) {
        let entries = match sorted_entries(folder) {
            Ok(entries) => entries,
            Err(error) => return self.fail(folder, &format!("cannot search the folder: {error}")),
        };
        for (path, is_folder) in entries {
            if is_folder {
                if !self.is_excepted(&path) {
                    self.add_folder(root, &path);
                }
            } else if has_ending(&path, &PICTURE_ENDINGS) {
                self.add_picture(root, path);
            } else if has_ending(&path, &UNREAD_ENDINGS) && !is_written_by_us(&path) {
                *self.unread.entry(ending(&path).to_lowercase()).or_default() += 1;
            }
        }
    }

    /// Takes a picture of a folder; a link to a folder is none.
    fn add_picture(&mut self, root: &Path, path: PathBuf) {
        match fs::metadata(&path) {
            Err(error) => self.fail(&path, &format!("{error}; if it is a link, its target is missing")),
            Ok(found) if found.is_dir() => {}
            Ok(found) if !found.is_file() => self.fail(&path, NO_FILE),
            Ok(_) if is_written_by_us(&path) => {}
            Ok(found) => {
                let name = path.strip_prefix(root).unwrap_or(&path).with_extension("");
                self.files.push(Source::new(path, name, &found));
            }
        }
    }

    fn is_excepted(&self, folder: &Path) -> bool {
        self.except.is_some() && folder.canonicalize().ok() == self.except
    }

    fn fail(&mut self, path: &Path, problem: &str) {
        let input = path.display().to_string();
        self.failures.push(Failure { error: format!("{input}: {problem}"), input });
    }
}

/// `of formats that are not read: 1 .avif, 2 .heic; convert to JPEG or PNG`.
fn unread_formats(unread: &BTreeMap<String, usize>) -> String {
    let counts: Vec<String> = unread.iter().map(|(ending, count)| format!("{count} .{ending}")).collect();
    format!("of formats that are not read: {}; convert to JPEG or PNG", counts.join(", "))
}

/// What lies in a folder, and whether it is a folder (a link to one is not); hidden entries are left out.
fn sorted_entries(folder: &Path) -> io::Result<Vec<(PathBuf, bool)>> {
    let mut entries = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if !entry.file_name().as_encoded_bytes().starts_with(b".") {
            entries.push((entry.path(), entry.file_type()?.is_dir()));
        }
    }
    entries.sort();
    Ok(entries)
}

/// Number of inputs in an array; a file that cannot be read gives one failure.
fn array_length(path: &Path) -> usize {
    NpyInputs::open(path).map_or(1, |inputs| inputs.count())
}

fn has_ending(path: &Path, endings: &[&str]) -> bool {
    endings.iter().any(|known| known.eq_ignore_ascii_case(ending(path)))
}

fn ending(path: &Path) -> &str {
    path.extension().and_then(OsStr::to_str).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_are_searched_in_order() {
        let root = tempfile::tempdir().unwrap();
        let touch = |path: &str| {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, b"").unwrap();
        };
        let files =
            ["b.jpg", "a/z.PNG", "a/notes.txt", ".hidden.jpg", ".git/x.png", "c/deep/x.webp", "a.npy", "out/a.png"];
        files.into_iter().for_each(touch);
        let out = root.path().join("out");
        let found = find(&[root.path().into()], Some(&out), &Former::default());
        let names: Vec<_> = found.sources.iter().map(|source| source.name.clone()).collect();
        assert_eq!(names, ["a/z", "b", "c/deep/x"].map(PathBuf::from));
        assert!(found.failures.is_empty());

        let found = find(std::slice::from_ref(&out), Some(&out), &Former::default());
        let names: Vec<_> = found.sources.iter().map(|source| source.name.clone()).collect();
        assert_eq!(names, ["a"].map(PathBuf::from));
        let empty = root.path().join("c/none");
        fs::create_dir(&empty).unwrap();
        let failures = find(&[empty, root.path().join("missing")], None, &Former::default()).failures;
        assert!(failures[0].error.contains("holds no pictures"), "{}", failures[0].error);
        assert!(failures[1].error.contains("missing: "), "{}", failures[1].error);
    }
}
