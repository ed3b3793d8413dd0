//! Tensors in files beside the model. Such a file lies in the model's folder or below it, never elsewhere.

use super::OnnxError;
use super::proto::TensorProto;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Component, Path};

/// The bytes that a tensor's `external_data` names.
pub(super) fn read(proto: &TensorProto, name: &str, folder: Option<&Path>) -> Result<Vec<u8>, OnnxError> {
    let wrong = |reason: String| OnnxError::Tensor { tensor: name.into(), reason };
    let entry = |key: &str| {
        let found = proto.external_data.iter().find(|entry| entry.key.as_deref() == Some(key));
        found.and_then(|entry| entry.value.as_deref())
    };
    let number = |key: &str| -> Result<Option<u64>, OnnxError> {
        let parsed = entry(key).map(str::parse::<u64>).transpose();
        parsed
            .map_err(|_| wrong(format!("has external data with a faulty {key}, '{}'", entry(key).unwrap_or_default())))
    };
    let location = entry("location").ok_or_else(|| wrong("has external data without a location".into()))?;
    let is_inside =
        Path::new(location).components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
    if !is_inside {
        return Err(wrong(format!("has its data in '{location}', which is not in the model's folder; it is not read")));
    }
    let Some(folder) = folder else {
        return Err(wrong(format!("has its data in '{location}', but the model was not read from a file")));
    };
    let path = folder.join(location);
    let failed = |error: std::io::Error| {
        wrong(format!("has its data in {}, which cannot be read: {error}; keep it beside the model", path.display()))
    };
    let outside =
        || wrong(format!("has its data in '{location}', which leads out of the model's folder; it is not read"));
    let (real, real_folder) = (path.canonicalize().map_err(failed)?, folder.canonicalize().map_err(failed)?);
    if !real.starts_with(&real_folder) {
        return Err(outside());
    }
    // To open a pipe would wait for its other end.
    let metadata = real.metadata().map_err(failed)?;
    if !metadata.is_file() {
        return Err(wrong(format!("has its data in {}, which is no regular file", path.display())));
    }
    let mut file = File::open(&real).map_err(failed)?;
    let size = metadata.len();
    let offset = number("offset")?.unwrap_or(0);
    let length = number("length")?.unwrap_or(size.saturating_sub(offset));
    if offset.checked_add(length).is_none_or(|end| end > size) {
        return Err(wrong(format!(
            "has its data in {} from byte {offset} on for {length} bytes, but the file has {size}",
            path.display()
        )));
    }
    let mut bytes = Vec::new();
    file.seek(SeekFrom::Start(offset)).map_err(failed)?;
    file.take(length).read_to_end(&mut bytes).map_err(failed)?;
    Ok(bytes)
}
