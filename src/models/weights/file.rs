//! Reading a safetensors file: recognising it, checking its header and
//! converting its tensors to f32.
//!
//! A safetensors file is an 8-byte little-endian header length, a JSON header
//! that gives each tensor's element type, shape and byte range, and the data.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use half::{bf16, f16};
use rayon::prelude::*;
use safetensors::SafeTensors;
use safetensors::tensor::{Dtype, Metadata, SafeTensorError};

use super::error::{FileKind, WeightsError};

/// Bytes before the header: its length.
const LENGTH_BYTES: usize = 8;
/// Largest header length in bytes that the format allows.
const HEADER_LIMIT: u64 = 100_000_000;
/// Bytes that are enough to recognise the kind of any file.
const START_BYTES: u64 = 512;
/// Fewest elements that are worth handing to another thread.
const MINIMUM_RUN: usize = 1 << 14;

/// How much of a file to read.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Extent {
    /// Up to the end of the header.
    Header,
    /// Everything.
    Whole,
}

/// A checked header.
pub(super) struct Header {
    /// Element type, shape and byte range of every tensor.
    pub(super) metadata: Metadata,
    /// Offset in the file from which the byte ranges count.
    pub(super) data_start: usize,
}

/// Reads the file at `path`.
///
/// The result has the length of the file; with [`Extent::Header`] all bytes
/// after the header are zero and never read. As zeroed memory is handed out
/// lazily, they cost address space only.
pub(super) fn read(path: &Path, extent: Extent) -> Result<Vec<u8>, WeightsError> {
    let file_name = path.display().to_string();
    let failed = |source: io::Error| match source.kind() {
        io::ErrorKind::NotFound => WeightsError::NotFound { file: file_name.clone() },
        _ => WeightsError::Read { file: file_name.clone(), source },
    };
    let mut file = File::open(path).map_err(failed)?;
    let length = file.metadata().map_err(failed)?.len();
    let mut start = Vec::new();
    file.by_ref().take(START_BYTES).read_to_end(&mut start).map_err(failed)?;
    let header_end = header_end(&start, length, &file_name)?;
    let mut image = vec![0; usize::try_from(length).map_err(|error| failed(io::Error::other(error)))?];
    let end = match extent {
        Extent::Header => header_end.max(start.len()),
        Extent::Whole => image.len(),
    };
    let wanted = image.get_mut(..end);
    let Some((first, rest)) = wanted.and_then(|wanted| wanted.split_at_mut_checked(start.len())) else {
        return Err(failed(io::Error::other("it changed while being read")));
    };
    first.copy_from_slice(&start);
    file.read_exact(rest).map_err(failed)?;
    Ok(image)
}

/// Checks the header of a whole file.
///
/// Only the length of what follows the header matters, not its content.
pub(super) fn parse_header(image: &[u8], file: &str) -> Result<Header, WeightsError> {
    let corrupt = |reason: String| WeightsError::CorruptHeader { file: file.to_string(), reason };
    let found = image.len() as u64;
    let data_start = header_end(image, found, file)?;
    let header = image.get(LENGTH_BYTES..data_start).unwrap_or_default();
    let header = std::str::from_utf8(header).map_err(|error| corrupt(error.to_string()))?;
    let needed = announced_data_length(header).saturating_add(data_start as u64);
    let file = file.to_string();
    if needed > found {
        return Err(WeightsError::Truncated { file, needed, found });
    }
    match SafeTensors::read_metadata(image) {
        Ok((_, metadata)) => Ok(Header { metadata, data_start }),
        Err(SafeTensorError::MetadataIncompleteBuffer) => Err(WeightsError::TrailingBytes { file, needed, found }),
        Err(error) => Err(corrupt(error.to_string())),
    }
}

/// Converts little-endian elements to f32; `None` for a type other than F32,
/// F16 and BF16.
pub(super) fn to_f32(bytes: &[u8], element_type: Dtype) -> Option<Vec<f32>> {
    match element_type {
        Dtype::F32 => Some(convert(bytes, f32::from_le_bytes)),
        Dtype::F16 => Some(convert(bytes, |pair| f16::from_le_bytes(pair).to_f32())),
        Dtype::BF16 => Some(convert(bytes, |pair| bf16::from_le_bytes(pair).to_f32())),
        _ => None,
    }
}

fn convert<const SIZE: usize>(bytes: &[u8], element_to_f32: impl Fn([u8; SIZE]) -> f32 + Sync) -> Vec<f32> {
    let (elements, _) = bytes.as_chunks::<SIZE>();
    elements.par_iter().with_min_len(MINIMUM_RUN).map(|element| element_to_f32(*element)).collect()
}

/// Offset of the first byte after the header in a file of `length` bytes that
/// begins with `start`, or why the file cannot be a safetensors file.
fn header_end(start: &[u8], length: u64, file: &str) -> Result<usize, WeightsError> {
    let file = file.to_string();
    if length == 0 {
        return Err(WeightsError::Empty { file });
    }
    if start.starts_with(b"version https://git-lfs") {
        return Err(WeightsError::LfsPointer { file });
    }
    // Lengths in the first bytes can look like another format's signature, so
    // the header's opening brace decides.
    let opens = start.get(LENGTH_BYTES) == Some(&b'{');
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

/// The kind of a file that is not safetensors, by its first bytes.
fn other_kind(start: &[u8]) -> Option<FileKind> {
    let text = start.trim_ascii_start();
    let is_tag = |tag: &[u8]| text.get(..tag.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(tag));
    match start {
        [b'P', b'K', 3, 4, ..] | [0x80, 2..=5, ..] => Some(FileKind::PyTorch),
        [0x89, b'H', b'D', b'F', ..] => Some(FileKind::Hdf5),
        [b'G', b'G', b'U', b'F', ..] => Some(FileKind::Gguf),
        // Protocol buffer fields: the IR version, then the producer's name,
        // the producer's version or the graph.
        [8, 1..=31, 0x12 | 0x1A | 0x3A, ..] => Some(FileKind::Onnx),
        _ if is_tag(b"<!doctype") || is_tag(b"<html") || is_tag(b"<?xml") => Some(FileKind::Html),
        _ => None,
    }
}

/// Length in bytes of the data that the header describes: the largest end of
/// any tensor's range.
///
/// Read from the text because the safetensors crate tells only that a length
/// does not fit, not which length it expected.
fn announced_data_length(header: &str) -> u64 {
    let ranges = header.split("\"data_offsets\"").skip(1);
    let ends = ranges.filter_map(|rest| {
        let (range, _) = rest.split_once(']')?;
        let (_, end) = range.rsplit_once(',')?;
        end.trim().parse().ok()
    });
    ends.max().unwrap_or(0)
}
