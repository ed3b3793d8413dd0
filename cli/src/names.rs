//! What the outputs of inputs are called.

use std::collections::{HashMap, HashSet};
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::former::Former;
use super::inputs::Source;

/// Gives every source a name of its own: where one occurs twice, the later ones become `x-2`, `x-3` and so on.
///
/// Names that differ only in case are the same on some systems. A photo `x.0` clashes with the first input of an array
/// `x`. A name that an earlier run gave to another file stays with that one, and a file gets the name that it had.
pub(super) struct Names<'a> {
    former: &'a Former,
    had: HashMap<&'a str, Vec<&'a str>>,
    taken: HashSet<String>,
    arrays: HashSet<String>,
    /// The first number that was not tried yet, by the name without a number.
    next: HashMap<String, u64>,
}

impl<'a> Names<'a> {
    /// With nothing taken but what `former` knows.
    pub(super) fn new(former: &'a Former) -> Self {
        let (taken, arrays, next) = (HashSet::new(), HashSet::new(), HashMap::new());
        Self { former, had: former.names_of(), taken, arrays, next }
    }

    /// Names all sources.
    pub(super) fn give(mut self, sources: &mut [Source]) {
        for source in sources.iter_mut().filter(|source| source.is_array()) {
            source.name = self.choose(source);
            self.arrays.insert(key(&source.name));
        }
        for source in sources.iter_mut().filter(|source| !source.is_array()) {
            source.name = self.choose(source);
        }
    }

    fn choose(&mut self, source: &Source) -> PathBuf {
        let base = key(&source.name);
        let number = self.number_before(source, &base).or_else(|| {
            let first = self.next.get(&base).copied().unwrap_or(1);
            let number = (first..).find(|&number| self.is_free(&numbered(&source.name, number), source))?;
            self.next.insert(base.clone(), number + 1);
            Some(number)
        });
        let name = numbered(&source.name, number.unwrap_or(1));
        self.taken.insert(key(&name));
        name
    }

    /// The number that the file had behind its name in an earlier run.
    fn number_before(&self, source: &Source, base: &str) -> Option<u64> {
        let names = self.had.get(source.file.path())?;
        let numbers = names.iter().filter_map(|name| match name.strip_prefix(base)? {
            "" => Some(1),
            number => number.strip_prefix('-')?.parse().ok().filter(|&number| number > 1),
        });
        numbers.filter(|&number| self.is_free(&numbered(&source.name, number), source)).min()
    }

    fn is_free(&self, name: &Path, source: &Source) -> bool {
        let key = key(name);
        let clashes = !source.is_array() && without_index(&key).is_some_and(|name| self.arrays.contains(name));
        !clashes && !self.taken.contains(&key) && !self.former.is_anothers(&key, &source.file)
    }
}

fn numbered(name: &Path, number: u64) -> PathBuf {
    if number == 1 { name.into() } else { append(name, &format!("-{number}")) }
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
            Source {
                name,
                array_length: path.extension().is_some_and(|ending| ending == "npy").then_some(1),
                path,
                ..Source::default()
            }
        };
        let mut sources: Vec<Source> = paths.iter().map(source).collect();
        Names::new(&Former::default()).give(&mut sources);
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
}
