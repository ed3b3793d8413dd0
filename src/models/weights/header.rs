//! The header of a safetensors file.
//!
//! A safetensors file is an 8-byte little-endian header length, a JSON header
//! that gives each tensor's element type, shape and byte range, and the data.

use std::collections::HashMap;
use std::io;

use safetensors::tensor::{Dtype, TensorInfo};
use serde::Deserialize;

use super::error::WeightsError;
use super::file::Tensors;
use super::file_kind::{FileKind, other_kind};
use super::source::Source;
use super::stored::{Element, StoredTensor};

/// Bytes before the header: its length.
const LENGTH_BYTES: usize = 8;
/// Largest header length in bytes that the format allows.
const HEADER_LIMIT: u64 = 100_000_000;

/// The header's JSON.
#[derive(Deserialize)]
struct Fields {
    #[serde(rename = "__metadata__", default)]
    _metadata: Option<HashMap<String, String>>,
    #[serde(flatten)]
    tensors: HashMap<String, TensorInfo>,
}

/// Whether a file that begins with `start` opens a header. Lengths in the first bytes can look like another format's
/// signature, so the header's opening brace decides.
pub(super) fn opens_header(start: &[u8]) -> bool {
    start.get(LENGTH_BYTES) == Some(&b'{')
}

/// The tensors of a file that begins with `start`.
pub(super) fn tensors(source: &Source, start: &[u8], file: &str) -> Result<Tensors, WeightsError> {
    let corrupt = |reason: String| WeightsError::CorruptHeader { file: file.into(), reason };
    let data_start = header_end(start, source.len(), file)?;
    let header = source.read(LENGTH_BYTES as u64, data_start.saturating_sub(LENGTH_BYTES));
    let header = header.map_err(|source: io::Error| WeightsError::Read { file: file.into(), source })?;
    let Fields { tensors, .. } = serde_json::from_slice(&header).map_err(|error| corrupt(error.to_string()))?;
    let data = tensors.values().map(|info| info.data_offsets.1).max().unwrap_or(0);
    let needed = (data as u64).saturating_add(data_start as u64);
    let (file, found) = (file.to_string(), source.len());
    if needed > found {
        return Err(WeightsError::Truncated { file, needed, found });
    }
    check_ranges(&tensors).map_err(corrupt)?;
    if needed < found {
        return Err(WeightsError::TrailingBytes { file, needed, found });
    }
    let stored = |info: TensorInfo| StoredTensor {
        element: element(info.dtype),
        shape: info.shape,
        start: data_start as u64 + info.data_offsets.0 as u64,
        strides: None,
    };
    Ok(tensors.into_iter().map(|(name, info)| (name, stored(info))).collect())
}

fn element(dtype: Dtype) -> Element {
    match dtype {
        Dtype::F64 => Element::F64,
        Dtype::F32 => Element::F32,
        Dtype::F16 => Element::F16,
        Dtype::BF16 => Element::BF16,
        Dtype::BOOL => Element::Other("BOOL", 1),
        Dtype::U8 => Element::Other("U8", 1),
        Dtype::I8 => Element::Other("I8", 1),
        Dtype::U16 => Element::Other("U16", 2),
        Dtype::I16 => Element::Other("I16", 2),
        Dtype::U32 => Element::Other("U32", 4),
        Dtype::I32 => Element::Other("I32", 4),
        Dtype::U64 => Element::Other("U64", 8),
        Dtype::I64 => Element::Other("I64", 8),
        other => Element::Other("of another type", other.bitsize().div_ceil(8)),
    }
}

/// Whether the byte ranges follow each other without gaps, each as long as its shape asks for; otherwise why not.
fn check_ranges(tensors: &HashMap<String, TensorInfo>) -> Result<(), String> {
    let mut order: Vec<(&String, &TensorInfo)> = tensors.iter().collect();
    order.sort_by_key(|(name, info)| (info.data_offsets, *name));
    let mut expected_start = 0;
    for (name, info) in order {
        let (start, end) = info.data_offsets;
        let bits = info.shape.iter().try_fold(info.dtype.bitsize(), |product, &size| product.checked_mul(size));
        if start != expected_start {
            return Err(format!("the data of {name} starts at {start} instead of {expected_start}"));
        }
        if bits.is_none_or(|bits| bits % 8 != 0 || Some(bits / 8) != end.checked_sub(start)) {
            return Err(format!(
                "the data of {name} goes from {start} to {end}, which its shape {:?} does not fill",
                info.shape
            ));
        }
        expected_start = end;
    }
    Ok(())
}

/// Offset of the first byte after the header in a file of `length` bytes that
/// begins with `start`, or why the file cannot be a safetensors file.
fn header_end(start: &[u8], length: u64, file: &str) -> Result<usize, WeightsError> {
    let file = file.to_string();
    let opens = opens_header(start);
    if let Some(kind) = other_kind(start).filter(|_| !opens) {
        return Err(WeightsError::OtherKind { file, kind });
    }
    let header_length = start.first_chunk().map(|bytes| u64::from_le_bytes(*bytes));
    let header_length = header_length.unwrap_or_default();
    let needed = header_length.saturating_add(LENGTH_BYTES as u64);
    if opens && header_length > HEADER_LIMIT {
        return Err(WeightsError::HeaderLength { file, length: header_length, limit: HEADER_LIMIT });
    }
    if opens && needed > length {
        return Err(WeightsError::Truncated { file, needed, found: length });
    }
    if opens {
        return Ok(needed as usize);
    }
    if header_length > 1 && needed <= length {
        let reason = "it does not start with an opening brace".to_string();
        return Err(WeightsError::CorruptHeader { file, reason });
    }
    let first_bytes = start.iter().take(8).copied();
    let kind = FileKind::Other(first_bytes.flat_map(std::ascii::escape_default).map(char::from).collect());
    Err(WeightsError::OtherKind { file, kind })
}
