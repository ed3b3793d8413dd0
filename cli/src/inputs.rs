//! Which files the INPUT arguments mean, and what their outputs are called.

use std::collections::HashSet;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::CliError;
use super::report::Failure;
use super::terminal::escaped;
use agf::image::NpyInputs;
use agf::methods::Method;
use agf::methods::relevance::RuleList;

/// Endings of the files that are taken from folders.
const PICTURE_ENDINGS: [&str; 8] = ["jpg", "jpeg", "png", "webp", "bmp", "tif", "tiff", "gif"];

/// Reading a pipe or a device may never end.
const NO_FILE: &str = "is a named pipe or a device; give a file";

/// A file to read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Source {
    /// The file.
    pub(super) path: PathBuf,
    /// What its outputs' names begin with, relative to the output folder; no other source has the same.
    pub(super) name: PathBuf,
    /// For an array of network inputs instead of a photo, how many there are; 1 if it cannot be read.
    pub(super) array_length: Option<usize>,
}

impl Source {
    fn is_array(&self) -> bool {
        self.array_length.is_some()
    }
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
    /// Number of network inputs in all files.
    pub(super) fn picture_count(&self) -> usize {
        self.sources.iter().map(|source| source.array_length.unwrap_or(1)).sum()
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

/// Resolves the arguments. The folder `except`, where outputs go, is not searched unless it is an argument itself, and pictures in it
/// that are called as outputs are left out.
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
            Ok(found) if !found.is_file() => self.fail(argument, NO_FILE),
            Ok(_) => {
                let name = argument.file_stem().unwrap_or(argument.as_os_str());
                let array_length = has_ending(argument, &["npy"]).then(|| array_length(argument));
                self.files.push(Source { path: argument.into(), name: name.into(), array_length });
            }
        }
    }

    /// Takes the pictures of `folder`, which lies at or below `root`, and of the folders in it.
    fn add_folder(&mut self, root: &Path, folder: &Path) {
        let entries = match sorted_entries(folder) {
            Ok(entries) => entries,
            Err(error) => return self.fail(folder, &format!("cannot search the folder: {error}")),
        };
        let holds_outputs = self.holds_outputs(folder);
        for (path, is_folder) in entries {
            if is_folder {
                if !self.is_excepted(&path) {
                    self.add_folder(root, &path);
                }
            } else if has_ending(&path, &PICTURE_ENDINGS) && !(holds_outputs && is_called_as_output(&path)) {
                self.add_picture(root, path);
            }
        }
    }

    /// Takes a picture of a folder; a link to a folder is none.
    fn add_picture(&mut self, root: &Path, path: PathBuf) {
        match fs::metadata(&path) {
            Err(error) => self.fail(&path, &format!("{error}; if it is a link, its target is missing")),
            Ok(found) if found.is_dir() => {}
            Ok(found) if !found.is_file() => self.fail(&path, NO_FILE),
            Ok(_) => {
                let name = path.strip_prefix(root).unwrap_or(&path).with_extension("");
                self.files.push(Source { path, name, array_length: None });
            }
        }
    }

    /// Whether outputs go to this folder or to one above it.
    fn holds_outputs(&self, folder: &Path) -> bool {
        let folder = folder.canonicalize();
        self.except.as_ref().is_some_and(|except| folder.is_ok_and(|folder| folder.starts_with(except)))
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

/// Number of inputs in an array; a file that cannot be read gives one failure.
fn array_length(path: &Path) -> usize {
    NpyInputs::open(path).map_or(1, |inputs| inputs.count())
}

/// `NAME.CLASS.overlay.png`, `NAME.CLASS.heatmap.png` or `NAME.panel.png`, also with `.METHOD` behind the class.
fn is_called_as_output<'a>(path: &'a Path) -> bool {
    let name = path.file_name().and_then(OsStr::to_str).unwrap_or_default();
    let of_class = name.strip_suffix(".overlay.png").or_else(|| name.strip_suffix(".heatmap.png"));
    let without_method = |name: &'a str| {
        let methods = Method::ALL.iter().map(Method::name).chain([RuleList::USER]);
        let method = methods.into_iter().find_map(|method| name.strip_suffix(method)?.strip_suffix('.'));
        method.unwrap_or(name)
    };
    name.ends_with(".panel.png") || of_class.is_some_and(|name| without_index(without_method(name)).is_some())
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
    for source in sources.iter_mut().filter(|source| source.is_array()) {
        source.name = first_free(&source.name, |key| !taken.contains(key));
        taken.insert(key(&source.name));
        arrays.insert(key(&source.name));
    }
    for source in sources.iter_mut().filter(|source| !source.is_array()) {
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
    let is_number = !index.is_empty() && index.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(paths: &[&str]) -> Vec<String> {
        let source = |path: &&str| {
            let path = PathBuf::from(path);
            let name = path.file_stem().unwrap().into();
            Source { name, array_length: has_ending(&path, &["npy"]).then_some(1), path }
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

        let outputs =
            ["out/a.7.overlay.png", "out/b/a.0.12.heatmap.png", "out/a.panel.png", "out/a.7.grad-cam.overlay.png"];
        outputs.into_iter().chain(["out/b/a.x.overlay.png"]).for_each(touch);
        let found = find(std::slice::from_ref(&out), Some(&out));
        let names: Vec<_> = found.sources.iter().map(|source| source.name.clone()).collect();
        assert_eq!(names, ["a", "b/a.x.overlay"].map(PathBuf::from));
        assert_eq!(find(std::slice::from_ref(&out), None).sources.len(), 6);
        let empty = root.path().join("c/none");
        fs::create_dir(&empty).unwrap();
        let failures = find(&[empty, root.path().join("missing")], None).failures;
        assert!(failures[0].error.contains("holds no pictures"), "{}", failures[0].error);
        assert!(failures[1].error.contains("missing: "), "{}", failures[1].error);
    }
}
