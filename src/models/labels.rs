//! Class names: from the text a user writes to a class id, and back.
//!
//! Beside the flow "weights file + model recipe -> Graph": a [`Model`](super::Model) carries the names of its classes.

mod error;
mod file;

use std::fmt;
use std::path::PathBuf;

use super::synset_class;
use strsim::normalized_damerau_levenshtein;

pub use error::LabelError;
pub use file::LabelFileError;

/// Similar names that are suggested.
const SUGGESTED: usize = 5;
/// How alike two names must be to suggest one for the other, from 0 to 1.
const ALIKE: f64 = 0.6;

/// The names of a model's classes, by id. A class has one usual name and perhaps further ones.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Labels {
    /// All names of a class, separated by commas, the usual one first.
    lines: Vec<String>,
    source: LabelSource,
}

/// Where names of classes come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LabelSource {
    /// They are those of ImageNet's 1000 classes.
    ImageNet,
    /// There are none: classes are called by their numbers.
    Numbers,
    /// They are the two of a single output.
    OneOutput,
    /// They are those of references.
    References,
    /// A file.
    File(PathBuf),
}

impl fmt::Display for LabelSource {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ImageNet => formatter.write_str("imagenet"),
            Self::Numbers => formatter.write_str("numbers"),
            Self::OneOutput => formatter.write_str("one output"),
            Self::References => formatter.write_str("references"),
            Self::File(path) => path.display().fmt(formatter),
        }
    }
}

impl Labels {
    /// The 1000 classes of ImageNet.
    pub fn imagenet() -> Self {
        let text = include_str!("../../weights/imagenet_classes.txt");
        Self { lines: text.lines().map(str::to_owned).collect(), source: LabelSource::ImageNet }
    }

    /// `class 0`, `class 1` and so on, for a model whose classes have no known names.
    pub fn numbered(count: u32) -> Self {
        Self { lines: (0..count).map(|id| format!("class {id}")).collect(), source: LabelSource::Numbers }
    }

    /// Where the names come from.
    pub fn source(&self) -> &LabelSource {
        &self.source
    }

    /// Of a network with one output: what it speaks for, and what against.
    pub fn of_one_output() -> Self {
        Self { lines: ["positive", "negative"].map(String::from).to_vec(), source: LabelSource::OneOutput }
    }

    /// Of a network that is asked for likeness: what the pictures are compared with. A comma, which separates names of
    /// one class, becomes a semicolon.
    pub(crate) fn of_references(names: Vec<String>) -> Self {
        let lines = names.into_iter().map(|name| name.replace(',', ";")).collect();
        Self { lines, source: LabelSource::References }
    }

    /// Number of classes.
    pub fn len(&self) -> u32 {
        u32::try_from(self.lines.len()).unwrap_or(u32::MAX)
    }

    /// True if there are no classes.
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// The usual name of a class; `unknown class` past the last one.
    pub fn name(&self, id: u32) -> &str {
        first_name(self.full(id))
    }

    /// All names of a class, separated by commas; `unknown class` past the last one.
    pub fn full(&self, id: u32) -> &str {
        self.lines.get(id as usize).map_or("unknown class", String::as_str)
    }

    /// `id` itself if there is such a class.
    ///
    /// # Errors
    /// [`LabelError::OutOfRange`]
    pub fn check(&self, id: u32) -> Result<u32, LabelError> {
        if id < self.len() {
            return Ok(id);
        }
        Err(LabelError::OutOfRange { id: id.into(), classes: self.len() })
    }

    /// The class that a text means: its number, or a name in any case, or for ImageNet's classes the WordNet number, as
    /// in `n02510455`.
    ///
    /// A usual name goes before a further name, and that before a part of a name. A text with a comma is compared with
    /// the whole line of names first.
    ///
    /// # Errors
    /// [`LabelError`]
    pub fn find(&self, text: &str) -> Result<u32, LabelError> {
        match self.meant(text)? {
            Meant::Class(id) => Ok(id),
            Meant::Classes(ids) => Err(LabelError::Ambiguous { text: text.into(), candidates: self.describe(&ids) }),
            Meant::Nothing => {
                let candidates = self.describe(&self.similar(&text.trim().to_lowercase()));
                Err(LabelError::Unknown { text: text.into(), candidates })
            }
        }
    }

    /// As [`Labels::find`], for a text that need not be a class: names that are similar are not looked for, which takes
    /// long.
    #[cfg(any(feature = "evaluation", test))]
    pub(crate) fn find_exactly(&self, text: &str) -> Option<u32> {
        match self.meant(text) {
            Ok(Meant::Class(id)) => Some(id),
            Ok(Meant::Classes(_) | Meant::Nothing) | Err(_) => None,
        }
    }

    /// What a text means; an error for a number that no class has.
    fn meant(&self, text: &str) -> Result<Meant, LabelError> {
        let wanted = text.trim().to_lowercase();
        if !wanted.is_empty() && wanted.bytes().all(|byte| byte.is_ascii_digit()) {
            let id = wanted.parse().unwrap_or(u64::MAX);
            let out_of_range = LabelError::OutOfRange { id, classes: self.len() };
            return u32::try_from(id).map_err(|_| out_of_range).and_then(|id| self.check(id)).map(Meant::Class);
        }
        if let (LabelSource::ImageNet, Some(id)) = (&self.source, synset_class(&wanted)) {
            return Ok(Meant::Class(id));
        }
        let lines: Vec<String> = self.lines.iter().map(|line| line.to_lowercase()).collect();
        let rules: [fn(&str, &str) -> bool; 4] = [
            |line, wanted| wanted.contains(',') && line == wanted,
            |line, wanted| first_name(line) == wanted,
            |line, wanted| line.split(',').any(|name| name.trim() == wanted),
            |line, wanted| !wanted.is_empty() && line.contains(wanted),
        ];
        for is_meant in rules {
            let ids = (0..).zip(&lines).filter(|(_, line)| is_meant(line, &wanted)).map(|(id, _)| id);
            match *ids.collect::<Vec<u32>>() {
                [] => {}
                [id] => return Ok(Meant::Class(id)),
                ref several => return Ok(Meant::Classes(several.into())),
            }
        }
        Ok(Meant::Nothing)
    }

    fn describe(&self, ids: &[u32]) -> Vec<(u32, String)> {
        ids.iter().map(|&id| (id, self.full(id).to_owned())).collect()
    }

    /// Classes with a name that few edits turn into `wanted`, the fewest first.
    fn similar(&self, wanted: &str) -> Vec<u32> {
        let length = wanted.chars().count();
        // As many edits as lengths differ are needed in any case.
        let may_be_alike = |other: usize| {
            let (difference, longer) = (length.abs_diff(other), length.max(other).max(1));
            1.0 - difference as f64 / longer as f64 >= ALIKE
        };
        let closeness = |line: &str| {
            let names = line.split(',').map(|name| name.trim().to_lowercase());
            let alike = names.filter(|name| may_be_alike(name.chars().count()));
            alike.map(|name| normalized_damerau_levenshtein(wanted, &name)).fold(0.0, f64::max)
        };
        let scored = (0..).zip(&self.lines).map(|(id, line)| (id, closeness(line)));
        let mut similar: Vec<(u32, f64)> = scored.filter(|(_, score)| *score >= ALIKE).collect();
        similar.sort_by(|a, b| b.1.total_cmp(&a.1));
        similar.truncate(SUGGESTED);
        similar.into_iter().map(|(id, _)| id).collect()
    }
}

/// What a text means among the classes.
enum Meant {
    Class(u32),
    /// Several of them have the name.
    Classes(Vec<u32>),
    Nothing,
}

fn first_name(line: &str) -> &str {
    line.split(',').next().unwrap_or(line).trim()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(error: LabelError) -> Vec<u32> {
        match error {
            LabelError::Ambiguous { candidates, .. } | LabelError::Unknown { candidates, .. } => {
                candidates.into_iter().map(|(id, _)| id).collect()
            }
            LabelError::OutOfRange { .. } | LabelError::Count { .. } => Vec::new(),
        }
    }

    #[test]
    fn names_find_their_class() {
        let labels = Labels::imagenet();
        assert_eq!(labels.len(), 1000);
        let cases = [
            ("0", 0),
            (" 999 ", 999),
            ("tench", 0),
            ("tabby", 281),
            ("TABBY CAT", 281),
            ("giant panda", 388),
            ("Giant Panda", 388),
            ("missile", 657),
            ("projectile", 744),
            ("macaw", 88),
            ("maillot, tank suit", 639),
            ("polar bear", 296),
            ("ailuropoda", 388),
            ("n02510455", 388),
            (" N15075141 ", 999),
        ];
        for (text, id) in cases {
            assert_eq!(labels.find(text), Ok(id), "{text}");
            assert_eq!(labels.find_exactly(text), Some(id), "{text}");
        }
    }

    #[test]
    fn shared_names_list_their_classes() {
        let labels = Labels::imagenet();
        let cases = [
            ("panda", vec![387, 388]),
            ("crane", vec![134, 517]),
            ("maillot", vec![638, 639]),
            ("Cardigan", vec![264, 474]),
            ("grass snake", vec![55, 57]),
        ];
        for (text, expected) in cases {
            let error = labels.find(text).unwrap_err();
            assert!(matches!(error, LabelError::Ambiguous { .. }), "{text}: {error}");
            assert_eq!(ids(error), expected, "{text}");
            assert_eq!(labels.find_exactly(text), None, "{text}");
        }
        let many = labels.find("dog").unwrap_err().to_string();
        assert!(many.contains(" more; give the number"), "{many}");
    }

    #[test]
    fn unknown_names_suggest_similar_ones() {
        let labels = Labels::imagenet();
        let error = labels.find("gaint pnada").unwrap_err();
        assert!(error.to_string().contains("388 (giant panda"), "{error}");
        let error = labels.find("kola").unwrap_err();
        assert!(error.to_string().contains("similar are: 105 (koala"), "{error}");
        let error = labels.find("xqzw").unwrap_err();
        assert!(ids(error.clone()).is_empty());
        assert!(error.to_string().contains("give a class number"), "{error}");
        let started = std::time::Instant::now();
        assert!(ids(labels.find(&"panda ".repeat(100_000)).unwrap_err()).is_empty());
        assert!(started.elapsed().as_secs() < 20, "{:?}", started.elapsed());
        assert!(matches!(labels.find("  ").unwrap_err(), LabelError::Unknown { .. }));
        assert!(matches!(labels.find("n00000000").unwrap_err(), LabelError::Unknown { .. }));
        assert!(matches!(Labels::numbered(1000).find("n02510455").unwrap_err(), LabelError::Unknown { .. }));
    }

    #[test]
    fn numbers_past_the_end_name_the_range() {
        let labels = Labels::numbered(10);
        assert_eq!(labels.find("9"), Ok(9));
        assert_eq!(labels.find("class 7"), Ok(7));
        assert_eq!(labels.name(7), "class 7");
        assert_eq!(labels.name(10), "unknown class");
        for text in ["10", "5000", "99999999999999999999999"] {
            let error = labels.find(text).unwrap_err();
            assert!(error.to_string().contains("0 to 9"), "{error}");
        }
    }

    #[test]
    fn every_usual_name_finds_its_class_unless_it_is_shared() {
        let labels = Labels::imagenet();
        let shared = [134, 264, 474, 517, 638, 639];
        for id in (0..1000).filter(|id| !shared.contains(id)) {
            assert_eq!(labels.find(labels.name(id)), Ok(id), "{}", labels.full(id));
        }
    }
}
