//! The layout before PyTorch 1.6: five pickles in a row (a magic number, the protocol's version, what machine it was,
//! the object, the keys of its storages), then each storage: its number of elements as 64 bits and its elements.

use std::collections::HashMap;

use super::value::{Id, Value, Values};
use super::{CheckpointError, pickle, weights};
use crate::models::weights::file::Tensors;
use crate::models::weights::source::Source;

/// What the first pickle holds.
const MAGIC: i128 = 0x1950_A86A_20F9_469C_FC6C;
/// Bytes of a storage's number of elements.
const COUNT_BYTES: u64 = 8;

pub(super) fn tensors(source: &Source) -> Result<(Tensors, Vec<String>), CheckpointError> {
    let mut values = Values::default();
    let mut stream = source.stream(0)?;
    let mut at = 0;
    let mut next = |values: &mut Values| {
        let (id, length) = pickle::load(&mut stream, values)?;
        at += length;
        Ok::<Id, CheckpointError>(id)
    };
    let magic = next(&mut values)?;
    if *values.get(magic) != Value::Integer(MAGIC) {
        return Err(CheckpointError::Foreign);
    }
    next(&mut values)?;
    let machine = next(&mut values)?;
    if !is_little_endian(&values, machine) {
        return Err(CheckpointError::BigEndian);
    }
    let root = next(&mut values)?;
    let keys = next(&mut values)?;
    drop(stream);
    let storages = storages(source, &values, keys, at)?;
    weights(source, &values, root, |key| Ok(storages.get(key).copied()))
}

fn is_little_endian(values: &Values, machine: Id) -> bool {
    let Value::Dictionary(entries) = values.get(machine) else { return true };
    let big = |&(key, value): &(Id, Id)| {
        values.text(key) == Some("little_endian") && *values.get(value) == Value::Boolean(false)
    };
    !entries.iter().any(big)
}

/// Offset and length in bytes of each storage, by key.
fn storages<'v>(
    source: &Source,
    values: &'v Values,
    keys: Id,
    mut at: u64,
) -> Result<HashMap<&'v str, (u64, u64)>, CheckpointError> {
    let sizes: HashMap<&str, usize> = values.storages().map(|(key, element)| (key, element.size())).collect();
    let mut storages = HashMap::new();
    for &key in values.items(keys) {
        let key = values.text(key).ok_or_else(|| CheckpointError::damaged("a storage's key is no text"))?;
        let size = sizes.get(key);
        let size = *size.ok_or_else(|| CheckpointError::damaged(format!("the storage '{key}' belongs to nothing")))?;
        let count = source.read(at, COUNT_BYTES as usize)?;
        let count = count.first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes));
        at += COUNT_BYTES;
        let length = count.checked_mul(size as u64);
        let end = length.and_then(|length| at.checked_add(length)).filter(|&end| end <= source.len());
        let end = end
            .ok_or_else(|| CheckpointError::damaged(format!("the storage '{key}' goes beyond the end of the file")))?;
        storages.insert(key, (at, end - at));
        at = end;
    }
    Ok(storages)
}
