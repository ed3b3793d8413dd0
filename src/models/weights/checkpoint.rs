//! PyTorch checkpoints: what `torch.save` writes, a zip archive or, before PyTorch 1.6, a row of pickles. Nothing in
//! them is ever executed, and memory stays in proportion to the file.

mod error;
mod legacy;
mod pickle;
mod state;
#[cfg(test)]
mod tests;
mod value;
mod zip;

pub use error::CheckpointError;

use super::file::Tensors;
use super::source::Source;
use super::stored::StoredTensor;
use std::collections::HashMap;
use std::io::Read;
use value::{Id, Values, View};
use zip::Archive;

/// How a checkpoint is laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    /// A zip archive: a pickle, and an entry for each storage.
    Zip,
    /// Pickles and storages one behind the other.
    Legacy,
}

/// The layout of a file that begins with `start`; `None` for a file of another kind.
pub(super) fn format(start: &[u8]) -> Option<Format> {
    match start {
        [b'P', b'K', 3, 4, ..] => Some(Format::Zip),
        [0x80, 2..=5, ..] => Some(Format::Legacy),
        _ => None,
    }
}

/// The tensors of a checkpoint's weights, and notes on where in it they are.
pub(super) fn tensors(source: &Source, format: Format) -> Result<(Tensors, Vec<String>), CheckpointError> {
    match format {
        Format::Zip => of_archive(source),
        Format::Legacy => legacy::tensors(source),
    }
}

fn of_archive(source: &Source) -> Result<(Tensors, Vec<String>), CheckpointError> {
    let archive = Archive::open(source)?;
    let pickles: Vec<&str> = archive.names().filter(|name| name.rsplit('/').next() == Some("data.pkl")).collect();
    let &[pickle] = pickles.as_slice() else { return Err(CheckpointError::Archive) };
    let folder = pickle.strip_suffix("data.pkl").unwrap_or_default();
    let is_code =
        |name: &str| name.strip_prefix(folder).is_some_and(|rest| rest == "constants.pkl" || rest.starts_with("code/"));
    if archive.names().any(is_code) {
        return Err(CheckpointError::TorchScript);
    }
    if let Some((start, _)) = archive.data(source, &format!("{folder}byteorder"))?
        && source.read(start, 3)?.as_ref() == b"big"
    {
        return Err(CheckpointError::BigEndian);
    }
    let (start, length) = archive.data(source, pickle)?.unwrap_or_default();
    let mut values = Values::default();
    let (root, _) = pickle::load(&mut source.stream(start)?.take(length), &mut values)?;
    weights(source, &values, root, |key| archive.data(source, &format!("{folder}data/{key}")))
}

/// The weights among `values`; `storage` finds the bytes of a storage by its key, as offset and length.
fn weights(
    source: &Source,
    values: &Values,
    root: Id,
    storage: impl Fn(&str) -> Result<Option<(u64, u64)>, CheckpointError>,
) -> Result<(Tensors, Vec<String>), CheckpointError> {
    let (views, notes) = state::tensors(values, root)?;
    let mut tensors = HashMap::new();
    for (name, view) in views {
        let key = values.text(view.storage.key).unwrap_or_default();
        let data = storage(key)?;
        let (start, length) = data.ok_or_else(|| {
            CheckpointError::damaged(format!("'{name}' lies in the storage '{key}', which is not there"))
        })?;
        let stored = stored(view, start, length.min(source.len()), source.len());
        let stored =
            stored.ok_or_else(|| CheckpointError::damaged(format!("'{name}' reaches beyond its storage '{key}'")))?;
        tensors.insert(name, stored);
    }
    Ok((tensors, notes))
}

/// A view of a storage of `length` bytes at `start`; `None` where it reaches beyond it or has more elements than the
/// file has bytes.
fn stored(view: View, start: u64, length: u64, file_length: u64) -> Option<StoredTensor> {
    let View { storage, offset, shape, strides } = view;
    let element = storage.element;
    let size = element.size() as u64;
    let count = shape.iter().try_fold(1_usize, |product, &size| product.checked_mul(size))?;
    let mut last = offset;
    for (&size, &stride) in shape.iter().zip(&strides).filter(|_| count > 0) {
        last = last.checked_add((size as u64 - 1).checked_mul(stride as u64)?)?;
    }
    let end = if count > 0 { last.checked_add(1)? } else { offset };
    let is_inside = end <= storage.count && storage.count.checked_mul(size)? <= length && count as u64 <= file_length;
    let is_row_major = {
        let mut expected = 1_usize;
        shape.iter().zip(&strides).rev().all(|(&size, &stride)| {
            let fits = size == 1 || stride == expected;
            expected = expected.saturating_mul(size);
            fits
        })
    };
    is_inside.then(|| StoredTensor {
        element,
        shape: shape.into(),
        start: start.saturating_add(offset.saturating_mul(size)),
        strides: (count > 0 && !is_row_major).then(|| strides.into()),
    })
}
