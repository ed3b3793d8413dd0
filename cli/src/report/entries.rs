//! The inputs of a report, as they stand in it: on disk as soon as they are done, so that a run over many inputs takes
//! the memory of one over few.

use std::collections::HashSet;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;

use serde::{Serialize, Serializer};

/// What stands before each line of an entry.
const INDENTATION: &str = "\n    ";

/// Entries in the order in which they came.
#[derive(Default)]
pub(crate) struct Entries {
    /// A file without a name, where the system makes one.
    file: Option<File>,
    /// Bytes of the file that belong to entries.
    length: u64,
    /// What the file did not take.
    rest: Vec<u8>,
    /// Names of all inputs.
    names: HashSet<String>,
}

impl Entries {
    /// None yet; they will be kept in a file on the folder's disk.
    pub(crate) fn beside(folder: &Path) -> Self {
        Self { file: tempfile::tempfile_in(folder).ok(), ..Self::default() }
    }

    /// Adds the entry of an input of this name. What cannot be written stays in memory.
    ///
    /// # Errors
    /// Where the entry is no JSON.
    pub(crate) fn push(&mut self, name: &str, entry: &impl Serialize) -> io::Result<()> {
        let text = serde_json::to_string_pretty(entry)?.replace('\n', INDENTATION);
        let comma = if self.names.is_empty() { "" } else { "," };
        let text = format!("{comma}{INDENTATION}{text}");
        if self.rest.is_empty() && self.append(text.as_bytes()).is_ok() {
            self.length += text.len() as u64;
        } else {
            self.rest.extend_from_slice(text.as_bytes());
        }
        self.names.insert(name.into());
        Ok(())
    }

    fn append(&self, text: &[u8]) -> io::Result<()> {
        let mut file = self.file.as_ref().ok_or(io::ErrorKind::NotFound)?;
        file.seek(SeekFrom::Start(self.length))?;
        file.write_all(text)
    }

    /// Names of all inputs.
    pub(crate) fn names(&self) -> &HashSet<String> {
        &self.names
    }

    /// Writes what stands between the brackets of the list.
    ///
    /// # Errors
    /// Where the file cannot be read again or the target not be written.
    pub(crate) fn write(&self, to: &mut impl Write) -> io::Result<()> {
        if let Some(mut file) = self.file.as_ref().filter(|_| self.length > 0) {
            file.seek(SeekFrom::Start(0))?;
            let copied = io::copy(&mut file.take(self.length), to)?;
            if copied < self.length {
                return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the entries of the inputs are lost"));
            }
        }
        to.write_all(&self.rest)?;
        if self.names.is_empty() { Ok(()) } else { to.write_all(b"\n  ") }
    }

    /// As a list that [`Entries::write`] fills.
    pub(crate) fn as_place<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        [0; 0].as_slice().serialize(serializer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn written(entries: &Entries) -> String {
        let mut text = Vec::new();
        entries.write(&mut text).unwrap();
        String::from_utf8(text).unwrap()
    }

    #[test]
    fn entries_stand_as_in_a_list() {
        let folder = tempfile::tempdir().unwrap();
        let values = [json!({"name": "a\nb", "maps": [1, 2], "none": {}}), json!({"name": "c"}), json!({})];
        let absent = folder.path().join("absent");
        for entries in [Entries::beside(folder.path()), Entries::beside(&absent)] {
            let mut entries = entries;
            for count in 0..=values.len() {
                let whole = serde_json::to_string_pretty(&json!({"inputs": values[..count]})).unwrap();
                assert_eq!(format!("{{\n  \"inputs\": [{}]\n}}", written(&entries)), whole);
                let Some(value) = values.get(count) else { continue };
                entries.push(&count.to_string(), value).unwrap();
            }
            assert_eq!(entries.names().len(), values.len());
        }
    }

    #[test]
    fn what_the_file_does_not_take_stays_in_memory() {
        let folder = tempfile::tempdir().unwrap();
        let mut entries = Entries::beside(folder.path());
        entries.push("a", &Value::from(1)).unwrap();
        assert_eq!((entries.length, entries.rest.len()), (6, 0));
        let path = folder.path().join("x");
        File::create(&path).unwrap();
        // It cannot be written.
        let full = Entries { file: Some(File::open(&path).unwrap()), ..Entries::default() };
        let mut entries = full;
        for value in [1, 2] {
            entries.push(&value.to_string(), &Value::from(value)).unwrap();
        }
        assert_eq!((entries.length, written(&entries).as_str()), (0, "\n    1,\n    2\n  "));
        // Nor read again.
        let lost = Entries { length: 5, ..entries };
        assert!(lost.write(&mut Vec::new()).is_err());
    }
}
