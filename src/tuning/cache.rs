//! Tuned choices in a file, which belongs to one adapter, driver version, set of shaders and version of this crate.

use super::{PassShape, Tuning, Variant};
use crate::files;
use crate::gpu::{AdapterSummary, Gpu};
use crate::plan::Profile;
use crate::plan::kernel::Shader;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

const SCHEMA: u32 = 1;

/// What the file must agree with, by name.
type Key = BTreeMap<String, String>;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    schema: u32,
    key: Key,
    choices: Vec<Choice>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Choice {
    shape: PassShape,
    variant: Variant,
}

/// Why a file of tuned choices is of no use. The choices then are the defaults.
#[derive(Debug, thiserror::Error)]
pub enum CacheError {
    /// The file is there and cannot be read.
    #[error("cannot read the tuned choices {}: {source}; check its permissions or remove it", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file cannot be written.
    #[error("cannot write the tuned choices {}: {source}; check the folder's permissions and space", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file is damaged, or of another version of its form.
    #[error("tuned choices {} are damaged and ignored: {reason}; tune again to replace them", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Where and how.
        reason: String,
    },
    /// The file was made for something else.
    #[error("tuned choices {} are ignored: {reason}; tune again to replace them", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
        /// What does not agree.
        reason: String,
    },
}

/// Why a text is of no use.
#[derive(Debug, PartialEq)]
enum Fault {
    Damaged(String),
    Foreign(String),
}

/// The file in `directory` for this device. Its name is made of the adapter alone, so that choices made with another
/// driver are found and named.
pub fn file(gpu: &Gpu, directory: &Path) -> PathBuf {
    let AdapterSummary { name, vendor, device, backend, subgroup, .. } = gpu.summary();
    let mut hasher = DefaultHasher::new();
    (name, vendor, device, backend, subgroup).hash(&mut hasher);
    directory.join(format!("tuning-{:016x}.json", hasher.finish()))
}

/// The choices kept in `directory` for this device, for [`Gpu::with_tuning`]; `None` where there is no file.
///
/// # Errors
/// [`CacheError`] where the file cannot be read, is damaged, or was made for something else: go on without it.
pub fn load(gpu: &Gpu, directory: &Path) -> Result<Option<Tuning>, CacheError> {
    let path = file(gpu, directory);
    let bytes = match fs::read(&path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(CacheError::Read { path, source }),
    };
    match parse(&bytes, &key(gpu.summary()), gpu.profile()) {
        Ok(tuning) => Ok(Some(tuning)),
        Err(Fault::Damaged(reason)) => Err(CacheError::Damaged { path, reason }),
        Err(Fault::Foreign(reason)) => Err(CacheError::Foreign { path, reason }),
    }
}

/// Writes the choices for this device to `directory`, made if need be, at once or not at all. Returns the file.
///
/// # Errors
/// [`CacheError::Write`].
pub fn save(gpu: &Gpu, directory: &Path, tuning: &Tuning) -> Result<PathBuf, CacheError> {
    let path = file(gpu, directory);
    let written = text(key(gpu.summary()), tuning).and_then(|text| {
        fs::create_dir_all(directory)?;
        files::write_whole(&path, |file| file.write_all(text.as_bytes()))
    });
    match written {
        Ok(()) => Ok(path),
        Err(source) => Err(CacheError::Write { path, source }),
    }
}

fn key(summary: &AdapterSummary) -> Key {
    let AdapterSummary { name, vendor, device, backend, driver, driver_info, .. } = summary;
    let shaders = format!("{:016x}", Shader::fingerprint());
    let fields = [
        ("agf", env!("CARGO_PKG_VERSION").to_string()),
        ("adapter", name.clone()),
        ("vendor", vendor.to_string()),
        ("device", device.to_string()),
        ("backend", backend.to_string()),
        ("driver", driver.clone()),
        ("driver version", driver_info.clone()),
        ("shaders", shaders),
    ];
    fields.into_iter().map(|(name, value)| (name.to_string(), value)).collect()
}

fn text(key: Key, tuning: &Tuning) -> io::Result<String> {
    let choices = tuning.iter().map(|(&shape, &variant)| Choice { shape, variant }).collect();
    Ok(serde_json::to_string_pretty(&Document { schema: SCHEMA, key, choices })? + "\n")
}

/// The choices in a file for whatever adapter, for fuzzing: `None` where it is of no use.
#[doc(hidden)]
pub fn parse_for_any(bytes: &[u8], profile: &Profile) -> Option<Tuning> {
    parse(bytes, &Key::new(), profile).ok()
}

fn parse(bytes: &[u8], key: &Key, profile: &Profile) -> Result<Tuning, Fault> {
    let document: Document = serde_json::from_slice(bytes).map_err(|error| Fault::Damaged(error.to_string()))?;
    if document.schema != SCHEMA {
        return Err(Fault::Foreign(format!("their form is {}, this version reads {SCHEMA}", document.schema)));
    }
    for (name, wanted) in key {
        let found = document.key.get(name).map_or("missing", String::as_str);
        if found != wanted {
            return Err(Fault::Foreign(format!("their {name} is '{found}', here it is '{wanted}'")));
        }
    }
    for Choice { shape, variant } in &document.choices {
        if !shape.computes(variant, profile) {
            return Err(Fault::Foreign(format!("'{variant}' for {shape} does not run on this adapter")));
        }
    }
    Ok(document.choices.into_iter().map(|Choice { shape, variant }| (shape, variant)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tuning::{Algorithm, DenseKernel, WinogradTile};

    const SHAPE: PassShape = PassShape {
        transposed: true,
        kernel: [3, 3],
        stride: 1,
        source_channels: 64,
        channels: 128,
        height: 56,
        width: 40,
        decides: false,
        winograd: Some(WinogradTile::Two),
        joint: false,
        product: false,
    };
    const VARIANT: Variant =
        Variant { algorithm: Algorithm::Winograd(WinogradTile::Two), kernel: DenseKernel::Uniform, row_tiles: 1 };

    fn key() -> Key {
        let fields = ["agf", "adapter", "driver version", "shaders"];
        fields.map(|name| (name.to_string(), format!("some {name}"))).into()
    }

    fn tuning() -> Tuning {
        let other = PassShape { stride: 2, winograd: None, ..SHAPE };
        let large = PassShape { winograd: Some(WinogradTile::Four), ..SHAPE };
        let of = |algorithm| Variant { algorithm, ..VARIANT };
        let four = of(Algorithm::Winograd(WinogradTile::Four));
        [(SHAPE, VARIANT), (other, of(Algorithm::Direct)), (large, four)].into()
    }

    fn written(tuning: &Tuning) -> String {
        text(key(), tuning).unwrap()
    }

    fn read(text: &str) -> Result<Tuning, Fault> {
        parse(text.as_bytes(), &key(), &Profile::WEBGPU)
    }

    fn foreign(text: &str, words: &str) {
        match read(text) {
            Err(Fault::Foreign(reason)) => assert!(reason.contains(words), "'{words}' is missing in: {reason}"),
            other => panic!("{other:?} instead of a foreign file"),
        }
    }

    #[test]
    fn what_is_written_is_read() {
        assert_eq!(read(&written(&tuning())), Ok(tuning()));
        assert_eq!(read(&written(&Tuning::new())), Ok(Tuning::new()));
    }

    #[test]
    fn a_truncated_file_is_damaged() {
        let text = written(&tuning());
        for length in 0..text.trim_end().len() {
            assert!(matches!(read(&text[..length]), Err(Fault::Damaged(_))), "{length} bytes");
        }
        assert!(matches!(parse(&[0xff, 0, 7], &key(), &Profile::WEBGPU), Err(Fault::Damaged(_))));
    }

    #[test]
    fn unknown_variants_and_fields_are_damage() {
        let text = written(&tuning());
        let faulty = [("\"winograd\"", "\"fft\""), ("\"stride\": 1", "\"stride\": -1"), ("\"row_tiles\"", "\"rows\"")];
        for (from, to) in faulty {
            let faulty = text.replacen(from, to, 9);
            assert!(faulty != text && matches!(read(&faulty), Err(Fault::Damaged(_))), "{to}");
        }
    }

    #[test]
    fn another_key_is_foreign() {
        let text = written(&tuning());
        for name in key().keys() {
            foreign(&text.replace(&format!("some {name}"), "another"), name);
        }
        foreign(&text.replace("\"adapter\"", "\"adaptor\""), "'missing'");
        foreign(&text.replace("\"schema\": 1", "\"schema\": 2"), "form is 2");
    }

    #[test]
    fn what_does_not_run_here_is_foreign() {
        let broadcast = Variant { kernel: DenseKernel::Broadcast, ..VARIANT };
        let tall = Variant { row_tiles: 3, ..VARIANT };
        let inaccurate = PassShape { winograd: None, ..SHAPE };
        let narrow = PassShape { channels: 8, ..SHAPE };
        let two_tiles = Variant { row_tiles: 2, ..VARIANT };
        let large = Variant { algorithm: Algorithm::Winograd(WinogradTile::Four), ..VARIANT };
        let choices = [(SHAPE, broadcast), (SHAPE, tall), (SHAPE, large), (inaccurate, VARIANT), (narrow, two_tiles)];
        for choice in choices {
            foreign(&written(&[choice].into()), "does not run on this adapter");
        }
        let profile = Profile::WEBGPU.with_facts(Profile::SOFTWARE.facts);
        let text = written(&[(SHAPE, broadcast)].into());
        assert_eq!(parse(text.as_bytes(), &key(), &profile), Ok([(SHAPE, broadcast)].into()));
    }
}
