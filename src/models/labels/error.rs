//! What is said where a text is no class.

use std::fmt::Write;

/// Candidates that a message shows.
const SHOWN: usize = 10;

/// Why a text is no class.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LabelError {
    /// A number past the last class.
    #[error("class {id} does not exist: the model's classes are 0 to {}", classes.saturating_sub(1))]
    OutOfRange {
        /// The number given.
        id: u64,
        /// How many classes the model has.
        classes: u32,
    },
    /// Several classes have this name.
    #[error("'{text}' could be any of these classes: {}; give the number of the one you mean", list(candidates))]
    Ambiguous {
        /// The text given.
        text: String,
        /// Ids and names of the classes.
        candidates: Vec<(u32, String)>,
    },
    /// As many names as there are classes are needed.
    #[error("there are {found} class names, and the model has {classes} classes; give each class one, from class 0 on")]
    Count {
        /// Number of names.
        found: u32,
        /// How many classes the model has.
        classes: u32,
    },
    /// No class has this name.
    #[error("no class is called '{text}'{}", suggest(candidates))]
    Unknown {
        /// The text given.
        text: String,
        /// Ids and names of classes with a similar name, the most similar first.
        candidates: Vec<(u32, String)>,
    },
}

fn list(candidates: &[(u32, String)]) -> String {
    let shown: Vec<String> = candidates.iter().take(SHOWN).map(|(id, names)| format!("{id} ({names})")).collect();
    let mut text = shown.join(", ");
    let more = candidates.len().saturating_sub(SHOWN);
    if more > 0 {
        // Writing to a string does not fail.
        let _ = write!(text, " and {more} more");
    }
    text
}

fn suggest(candidates: &[(u32, String)]) -> String {
    if candidates.is_empty() {
        return "; give a class number, or a name as in the model's list of classes".into();
    }
    format!("; similar are: {}", list(candidates))
}
