//! Names of classes in a file: a name a line, or JSON from number to name.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use super::{LabelSource, Labels};
use crate::models::synset_class;

/// Missing numbers that a message shows.
const SHOWN: usize = 10;

/// Why a file gives no names of classes.
#[derive(Debug, thiserror::Error)]
pub enum LabelFileError {
    /// It cannot be read.
    #[error("cannot read the class names {}: {source}; check the path", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Its text is no list of names.
    #[error(
        "the class names {} cannot be used: {problem}; write a name a line, or JSON as in \
         {{\"0\": \"cat\", \"1\": \"dog\"}}",
        path.display()
    )]
    Content {
        /// The file.
        path: PathBuf,
        /// What is wrong with the text, and where.
        problem: String,
    },
}

impl Labels {
    /// Reads the names of all classes, from class 0 on. Several names of a class are separated by commas, the usual one
    /// first.
    ///
    /// The file is a text with a name a line, or JSON: an object from number to name (as `id2label` of a `config.json`,
    /// or as that whole file), or a list of names.
    ///
    /// # Errors
    /// [`LabelFileError`]
    pub fn open(path: &Path) -> Result<Self, LabelFileError> {
        let failed = |source| LabelFileError::Read { path: path.into(), source };
        // To open a pipe would wait for its other end.
        if !path.metadata().map_err(failed)?.is_file() {
            return Err(failed(io::Error::other("it is no regular file")));
        }
        let text = std::fs::read_to_string(path).map_err(failed)?;
        let lines = parse(text.strip_prefix('\u{feff}').unwrap_or(&text));
        let lines = lines.map_err(|problem| LabelFileError::Content { path: path.into(), problem })?;
        Ok(Self { lines, source: LabelSource::File(path.into()) })
    }

    /// The names in an object from number to name or a list, which the file at `path` has; otherwise what is wrong.
    pub(in crate::models) fn of_json(names: &Value, path: &Path) -> Result<Self, String> {
        Ok(Self { lines: checked(&from_json(names)?)?, source: LabelSource::File(path.into()) })
    }
}

/// The names of all classes, or what is wrong with the text.
fn parse(text: &str) -> Result<Vec<String>, String> {
    let names = match text.trim_start().chars().next() {
        None => return Err("it is empty".into()),
        Some('{' | '[') => from_json(&serde_json::from_str(text).map_err(|error| format!("it is no JSON ({error})"))?)?,
        Some(_) => text.trim_end().lines().map(str::to_owned).collect(),
    };
    checked(&names)
}

fn from_json(value: &Value) -> Result<Vec<String>, String> {
    match value {
        Value::Object(object) => from_object(object),
        Value::Array(list) => list.iter().enumerate().map(|(id, name)| of_json(&id.to_string(), name)).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            Err("it is neither an object nor a list".into())
        }
    }
}

/// The names without blanks around them; all classes must have one.
fn checked(names: &[String]) -> Result<Vec<String>, String> {
    // A comma in front would leave the usual name, the first one, empty.
    let is_around = |character: char| character == ',' || character.is_whitespace();
    let cleaned = |name: &String| name.replace(char::is_control, " ").trim_matches(is_around).to_owned();
    let names: Vec<String> = names.iter().map(cleaned).collect();
    match names.iter().position(String::is_empty) {
        Some(id) => Err(format!("class {id} (line {} of a list) has no name", id + 1)),
        None => Ok(names),
    }
}

/// The names of an object from number to name, or of its `id2label`.
fn from_object(object: &Map<String, Value>) -> Result<Vec<String>, String> {
    let object = object.get("id2label").and_then(Value::as_object).unwrap_or(object);
    let mut names = BTreeMap::new();
    for (key, name) in object {
        let id: u32 = key.trim().parse().map_err(|_| format!("'{key}' is no class number"))?;
        if names.insert(id, of_json(key, name)?).is_some() {
            return Err(format!("class {id} has two names"));
        }
    }
    let missing: Vec<String> =
        (0..names.len() as u32).filter(|id| !names.contains_key(id)).take(SHOWN).map(|id| id.to_string()).collect();
    if missing.is_empty() {
        Ok(names.into_values().collect())
    } else {
        Err(format!("no name for class {}", missing.join(", ")))
    }
}

/// A name, or several of one class; synset ids go last.
fn of_json(key: &str, name: &Value) -> Result<String, String> {
    let no_name = || format!("the name of class {key} is no text");
    match name {
        Value::String(name) => Ok(name.clone()),
        Value::Array(names) => {
            let mut names = names.iter().map(Value::as_str).collect::<Option<Vec<&str>>>().ok_or_else(no_name)?;
            names.sort_by_key(|name| synset_class(name).is_some());
            Ok(names.join(", "))
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => Err(no_name()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_and_json_name_the_same_classes() {
        for text in [
            "cat\ndog, hound\r\nsnow leopard\n\n",
            ",cat\n dog, hound,\n, snow leopard",
            r#"["cat", "dog, hound", "snow leopard"]"#,
            r#"{"2": "snow leopard", "0": "cat", "1": ["dog", "hound"]}"#,
            r#"{"model_type": "resnet", "id2label": {"0": "cat", "1": "dog, hound", "2": " snow\tleopard"}}"#,
        ] {
            assert_eq!(parse(text).unwrap(), ["cat", "dog, hound", "snow leopard"], "{text}");
        }
        assert_eq!(parse(r#"{"0": ["n02510455", "giant_panda"]}"#).unwrap(), ["giant_panda, n02510455"]);
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (text, words) in [
            (" \n", "is empty"),
            ("cat\n\ndog", "class 1 (line 2"),
            ("cat\n, ,\ndog", "class 1 (line 2"),
            (r#"{"0": "cat""#, "no JSON"),
            (r#"{"0": "cat", "2": "dog", "4": "cow"}"#, "class 1"),
            (r#"{"0": "cat", "00": "dog"}"#, "two names"),
            (r#"{"cat": 0}"#, "'cat' is no class number"),
            (r#"{"0": 5}"#, "class 0 is no text"),
            (r#"["cat", null]"#, "class 1 is no text"),
        ] {
            let problem = parse(text).unwrap_err();
            assert!(problem.contains(words), "{text}: {problem}");
        }
    }

    #[test]
    fn files_are_read_with_or_without_a_mark_and_errors_name_them() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("names.txt");
        std::fs::write(&path, "\u{feff}cat\ndog\n").unwrap();
        let labels = Labels::open(&path).unwrap();
        assert_eq!((labels.find("Cat"), labels.find("dog"), labels.len()), (Ok(0), Ok(1), 2));
        assert_eq!(labels.source(), &LabelSource::File(path.clone()));
        std::fs::write(&path, [0xFF, 0xFE, 0x00]).unwrap();
        for wrong in [&path, &folder.path().join("absent"), &folder.path().to_owned()] {
            let error = Labels::open(wrong).unwrap_err().to_string();
            assert!(error.contains(&wrong.display().to_string()), "{error}");
        }
    }
}
