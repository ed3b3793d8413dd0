//! Penultimate vectors on disk, by the content of their pictures. A file belongs to one network and one way to prepare
//! pictures.

use std::collections::HashMap;
use std::ffi::OsString;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use agf::image::{ImageError, InputSpec, write_atomically};
use agf::models::{Model, fnv1a};
use serde_json::json;

use super::content::Content;
use crate::network::PreprocessingReport;
use crate::values::Size;

/// What a file begins with; the number is raised when the form changes.
const MAGIC: &[u8; 16] = b"agf vectors v1\n\0";
/// Behind the magic: length of a vector, number of vectors.
const HEADER: usize = MAGIC.len() + 16;
/// Of a picture: length and hash of its file.
const KEY: usize = 16;
const CHECKSUM: usize = 8;

/// The file of a folder's vectors.
pub(super) struct Cache {
    path: PathBuf,
}

/// Vectors by content.
pub(super) type Vectors = HashMap<Content, Vec<f32>>;

impl Cache {
    /// Beside a folder of pictures, or in a folder for caches.
    pub(super) fn new(pictures: &Path, caches: Option<&Path>, model: &Model, size: Option<Size>) -> Self {
        let key = format!("{:016x}.vectors", key(model, size));
        let path = match caches {
            Some(folder) => folder.join(key),
            None => {
                let folder = pictures.canonicalize().unwrap_or_else(|_| pictures.into());
                let mut name = folder.file_name().map_or_else(OsString::new, OsString::from);
                name.push(format!(".{key}"));
                folder.with_file_name(name)
            }
        };
        Self { path }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// What the file holds, nothing where there is none; or why it cannot be used.
    pub(super) fn load(&self, length: usize) -> Result<Vectors, String> {
        match fs::read(&self.path) {
            Ok(bytes) => parse(&bytes, length).ok_or_else(|| "it is damaged".into()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vectors::new()),
            Err(error) => Err(error.to_string()),
        }
    }

    /// Writes vectors of one length; the file is whole or as it was.
    pub(super) fn store(&self, vectors: &Vectors, length: usize) -> Result<(), ImageError> {
        if let Some(folder) = self.path.parent() {
            let refused = |source| ImageError::Write { path: self.path.clone(), source };
            fs::create_dir_all(folder).map_err(refused)?;
        }
        let bytes = serialize(vectors, length);
        write_atomically(&self.path, |file| file.write_all(&bytes))
    }
}

/// A number that differs wherever vectors may.
fn key(model: &Model, size: Option<Size>) -> u64 {
    let InputSpec { height, width, .. } = model.input_spec();
    let features = model.features().map(|(name, _)| name).unwrap_or_default();
    let framing = match size {
        None => format!("{height}x{width}"),
        Some(Size::Fixed(size)) => format!("{}x{}", size.height, size.width),
        Some(Size::Native) => "native".into(),
    };
    let settings = json!({
        "version": env!("CARGO_PKG_VERSION"),
        "model": model.name(),
        "weights": format!("{:016x}", model.weights.fingerprint()),
        "precision": model.precision.name(),
        "features": features,
        "preprocessing": PreprocessingReport::from(model.input_spec()),
        "size": framing,
    });
    fnv1a(settings.to_string().as_bytes())
}

fn serialize(vectors: &Vectors, length: usize) -> Vec<u8> {
    let mut entries: Vec<(&Content, &Vec<f32>)> = vectors.iter().collect();
    entries.sort_unstable_by_key(|(content, _)| **content);
    let mut bytes = Vec::with_capacity(HEADER + entries.len() * (KEY + 4 * length) + CHECKSUM);
    bytes.extend_from_slice(MAGIC);
    bytes.extend_from_slice(&(length as u64).to_le_bytes());
    bytes.extend_from_slice(&(entries.len() as u64).to_le_bytes());
    for (content, vector) in entries {
        bytes.extend_from_slice(&content.length.to_le_bytes());
        bytes.extend_from_slice(&content.hash.to_le_bytes());
        bytes.extend(vector.iter().flat_map(|value| value.to_le_bytes()));
    }
    let checksum = fnv1a(&bytes);
    bytes.extend_from_slice(&checksum.to_le_bytes());
    bytes
}

/// `None` for anything but a whole file of vectors of this length.
fn parse(bytes: &[u8], length: usize) -> Option<Vectors> {
    let (body, checksum) = bytes.split_last_chunk::<CHECKSUM>()?;
    let entries = body.strip_prefix(MAGIC)?;
    let (found, entries) = number(entries)?;
    let (count, entries) = number(entries)?;
    let size = KEY + 4 * length;
    let is_whole = found == length as u64 && count.checked_mul(size as u64) == Some(entries.len() as u64);
    if !is_whole || fnv1a(body) != u64::from_le_bytes(*checksum) {
        return None;
    }
    let entry = |entry: &[u8]| {
        let (length, rest) = number(entry)?;
        let (hash, values) = number(rest)?;
        let values = values.as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect();
        Some((Content { length, hash }, values))
    };
    entries.chunks_exact(size).map(entry).collect()
}

fn number(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let (number, rest) = bytes.split_first_chunk()?;
    Some((u64::from_le_bytes(*number), rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vectors() -> Vectors {
        let content = |text: &str| Content::of_bytes(text.as_bytes());
        Vectors::from([(content("a"), vec![1.0, -0.0, 3.5]), (content("bc"), vec![f32::MIN, 0.25, 7.0])])
    }

    #[test]
    fn what_was_written_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache { path: folder.path().join("new/x.vectors") };
        assert!(cache.load(3).unwrap().is_empty());
        cache.store(&vectors(), 3).unwrap();
        assert_eq!(cache.load(3).unwrap(), vectors());
        assert!(cache.load(4).unwrap_err().contains("damaged"));
    }

    #[test]
    fn whatever_is_changed_is_found() {
        let bytes = serialize(&vectors(), 3);
        assert_eq!(parse(&bytes, 3), Some(vectors()));
        for length in 0..bytes.len() {
            assert_eq!(parse(&bytes[..length], 3), None, "cut to {length}");
        }
        for place in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[place] ^= 0x10;
            assert_eq!(parse(&changed, 3), None, "byte {place}");
        }
        assert_eq!(parse(&[&bytes[..], &[0]].concat(), 3), None);
    }

    #[test]
    fn other_settings_have_another_file() {
        let model = Model::synthetic(agf::models::Architecture::TinyVgg).unwrap();
        let path = |model: &Model, size| Cache::new(Path::new("/x/gallery"), None, model, size).path().to_path_buf();
        let own = path(&model, None);
        assert!(own.starts_with("/x") && own.display().to_string().contains("/gallery."), "{own:?}");
        assert_eq!(own, path(&model, None));
        let at = |side| Some(Size::Fixed(crate::values::Dimensions { height: side, width: side }));
        let other = model.clone().with_features("features.3").unwrap();
        let spec = InputSpec { mean: [1.0; 3], ..model.input_spec() };
        let paths = [
            own,
            path(&model, at(64)),
            path(&model, Some(Size::Native)),
            path(&other, None),
            path(&model.clone().with_input_spec(spec), None),
        ];
        let different: std::collections::HashSet<_> = paths.iter().collect();
        assert_eq!(different.len(), paths.len());
    }
}
