//! Which files the INPUT arguments mean, and what their outputs are called.

use std::collections::HashSet;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::CliError;
use super::report::Failure;

/// Endings of the files that are taken from folders.
const PICTURE_ENDINGS: [&str; 8] = ["jpg", "jpeg", "png", "webp", "bmp", "tif", "tiff", "gif"];

/// A file to read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Source {
    /// The file.
    pub(super) path: PathBuf,
    /// What its outputs' names begin with, relative to the output folder; no other source has the same.
    pub(super) name: PathBuf,
    /// Whether it is an array of network inputs instead of a photo.
    pub(super) is_array: bool,
}

/// All that was found.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// Files to read, in the order of the arguments, those of a folder sorted.
    pub(super) sources: Vec<Source>,
    /// Arguments and folders that cannot be used.
    pub(super) failures: Vec<Failure>,
}

impl Found {
    /// Itself, if there is anything to read.
    pub(super) fn usable(self) -> Result<Self, CliError> {
        if !self.sources.is_empty() {
            return Ok(self);
        }
        let errors: Vec<String> = self.failures.into_iter().map(|failure| failure.error).collect();
        Err(CliError::NoInputs(errors.join("\nerror: ")))
    }
}

/// Resolves the arguments. The folder `except` is not searched unless it is an argument itself.
pub(super) fn find(arguments: &[PathBuf], except: Option<&Path>) -> Found {
    let mut search = Search { except: except.and_then(|path| path.canonicalize().ok()), ..Search::default() };
    for argument in arguments {
        search.add(argument);
    }
    Found { sources: name_apart(search.files), failures: search.failures }
}

#[derive(Default)]
struct Search {
    except: Option<PathBuf>,
    files: Vec<Source>,
    failures: Vec<Failure>,
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
                    self.fail(argument, &format!("the folder holds no pictures (files that end in {endings})"));
                }
            }
            Ok(_) => {
                let name = argument.file_stem().unwrap_or(argument.as_os_str());
                let is_array = has_ending(argument, &["npy"]);
                self.files.push(Source { path: argument.into(), name: name.into(), is_array });
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
            } else if has_ending(&path, &PICTURE_ENDINGS) && path.is_file() {
                let name = path.strip_prefix(root).unwrap_or(&path).with_extension("");
                self.files.push(Source { path, name, is_array: false });
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

fn has_ending(path: &Path, endings: &[&str]) -> bool {
    let ending = path.extension().and_then(OsStr::to_str).unwrap_or_default();
    endings.iter().any(|known| known.eq_ignore_ascii_case(ending))
}

/// Numbers names that occur twice: the later ones become `x-2`, `x-3` and so on.
///
/// Names that differ only in case are the same on some systems. A photo `x.0` clashes with the first input of an array `x`.
fn name_apart(mut sources: Vec<Source>) -> Vec<Source> {
    let mut taken = HashSet::new();
    let mut arrays = HashSet::new();
    for source in sources.iter_mut().filter(|source| source.is_array) {
        source.name = first_free(&source.name, |key| !taken.contains(key));
        taken.insert(key(&source.name));
        arrays.insert(key(&source.name));
    }
    for source in sources.iter_mut().filter(|source| !source.is_array) {
        let clashes_with_array = |key: &str| without_index(key).is_some_and(|name| arrays.contains(name));
        source.name = first_free(&source.name, |key| !taken.contains(key) && !clashes_with_array(key));
        taken.insert(key(&source.name));
    }
    sources
}

fn first_free(name: &Path, is_free: impl Fn(&str) -> bool) -> PathBuf {
    let numbered = (2_u64..).map(|number| append(name, &format!("-{number}")));
    let mut names = std::iter::once(name.to_path_buf()).chain(numbered);
    names.find(|name| is_free(&key(name))).unwrap_or_else(|| name.to_path_buf())
}

/// `path` with `ending` behind its last part as it is.
pub(super) fn append(path: &Path, ending: &str) -> PathBuf {
    let mut text = OsString::from(path);
    text.push(ending);
    text.into()
}

fn key(name: &Path) -> String {
    name.to_string_lossy().to_lowercase()
}

/// The part before a last `.DIGITS`.
fn without_index(key: &str) -> Option<&str> {
    let (name, index) = key.rsplit_once('.')?;
    index.bytes().all(|byte| byte.is_ascii_digit()).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(paths: &[&str]) -> Vec<String> {
        let source = |path: &&str| {
            let path = PathBuf::from(path);
            let name = path.file_stem().unwrap().into();
            Source { name, is_array: has_ending(&path, &["npy"]), path }
        };
        let sources = name_apart(paths.iter().map(source).collect());
        sources.into_iter().map(|source| source.name.display().to_string()).collect()
    }

    #[test]
    fn equal_names_are_numbered() {
        assert_eq!(names(&["a/x.jpg", "b/x.jpg", "c/X.png", "y.jpg"]), ["x", "x-2", "X-3", "y"]);
        assert_eq!(names(&["x.jpg", "x-2.jpg", "x.png"]), ["x", "x-2", "x-3"]);
        assert_eq!(names(&["x.png", "x.jpg", "x-2.jpg"]), ["x", "x-2", "x-2-2"]);
    }

    #[test]
    fn photos_keep_clear_of_the_indices_of_arrays() {
        assert_eq!(names(&["x.0.jpg", "x.npy", "x.jpg", "x.a.jpg"]), ["x.0-2", "x", "x-2", "x.a"]);
        assert_eq!(names(&["x.0.jpg", "x.1.jpg"]), ["x.0", "x.1"]);
    }

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
        let found = find(&[root.path().into()], Some(&out));
        let names: Vec<_> = found.sources.iter().map(|source| source.name.clone()).collect();
        assert_eq!(names, ["a/z", "b", "c/deep/x"].map(PathBuf::from));
        assert!(found.failures.is_empty());

        assert_eq!(find(std::slice::from_ref(&out), Some(&out)).sources.len(), 1);
        let empty = root.path().join("c/none");
        fs::create_dir(&empty).unwrap();
        let failures = find(&[empty, root.path().join("missing")], None).failures;
        assert!(failures[0].error.contains("holds no pictures"), "{}", failures[0].error);
        assert!(failures[1].error.contains("missing: "), "{}", failures[1].error);
    }
}
