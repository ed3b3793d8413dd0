//! Reading a safetensors file: recognising it, checking its header and
//! converting its tensors to f32.
//!
//! A safetensors file is an 8-byte little-endian header length, a JSON header
//! that gives each tensor's element type, shape and byte range, and the data.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

use half::{bf16, f16};
use rayon::prelude::*;
use safetensors::tensor::{Dtype, TensorInfo};
use serde::Deserialize;

use super::error::{UnsupportedTensor, WeightsError};
use super::file_kind::{FileKind, other_kind};
use crate::models::fit::Shapes;

/// Bytes before the header: its length.
const LENGTH_BYTES: usize = 8;
/// Largest header length in bytes that the format allows.
const HEADER_LIMIT: u64 = 100_000_000;
/// Bytes that are enough to recognise the kind of any file.
const START_BYTES: u64 = 512;
/// Fewest elements that are worth handing to another thread.
const MINIMUM_RUN: usize = 1 << 14;

/// A safetensors file whose header is read and checked; its data is read when it is asked for.
pub(crate) struct TensorFile<'a> {
    name: String,
    header: Header,
    data: Data<'a>,
}

/// Where the data is.
enum Data<'a> {
    /// Behind the position of a file.
    File(File),
    /// In memory.
    Bytes(&'a [u8]),
}

/// A checked header.
struct Header {
    /// Element type, shape and byte range of every tensor.
    tensors: HashMap<String, TensorInfo>,
    /// Offset in the file from which the byte ranges count.
    data_start: usize,
}

/// The header's JSON.
#[derive(Deserialize)]
struct Fields {
    #[serde(rename = "__metadata__", default)]
    _metadata: Option<HashMap<String, String>>,
    #[serde(flatten)]
    tensors: HashMap<String, TensorInfo>,
}

impl<'a> TensorFile<'a> {
    /// Opens the file at `path`.
    ///
    /// # Errors
    /// [`WeightsError`] where it cannot be read or is no whole safetensors file.
    pub fn open(path: &Path) -> Result<Self, WeightsError> {
        let (file, header) = open(path)?;
        Ok(Self { name: path.display().to_string(), header, data: Data::File(file) })
    }

    /// Takes a file that is in memory. `name` stands for its path in errors.
    ///
    /// # Errors
    /// [`WeightsError`] where it is no whole safetensors file.
    pub fn parse(bytes: &'a [u8], name: &str) -> Result<Self, WeightsError> {
        let header = parse_header(bytes, bytes.len() as u64, name)?;
        let data = bytes.get(header.data_start..).unwrap_or_default();
        Ok(Self { name: name.into(), header, data: Data::Bytes(data) })
    }

    /// Its path, or what stands for it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The shapes of its tensors.
    pub fn shapes(&self) -> Shapes<'_> {
        self.header.tensors.iter().map(|(name, info)| (name.as_str(), info.shape.as_slice())).collect()
    }

    /// Reads the tensors with these names, as f32, each row-major. Needs memory for the file and for the values at the same time.
    ///
    /// # Errors
    /// [`WeightsError::Read`], and [`WeightsError::ElementType`] for element types other than F32, F16 and BF16.
    pub fn read(self, names: &[String]) -> Result<Vec<Vec<f32>>, WeightsError> {
        let Self { name, header, data } = self;
        let data = match data {
            Data::File(file) => Cow::Owned(read_data(file, &name, &header)?),
            Data::Bytes(bytes) => Cow::Borrowed(bytes),
        };
        let mut tensors = Vec::with_capacity(names.len());
        let mut unsupported = Vec::new();
        // Whoever asks has the names from `shapes`, and the header's check has seen all ranges.
        for (tensor, info) in names.iter().filter_map(|name| Some((name, header.tensors.get(name)?))) {
            let (start, end) = info.data_offsets;
            match to_f32(data.get(start..end).unwrap_or_default(), info.dtype) {
                Some(values) => tensors.push(values),
                None => {
                    let (name, element_type) = (tensor.clone(), info.dtype.to_string());
                    unsupported.push(UnsupportedTensor { name, element_type });
                }
            }
        }
        if unsupported.is_empty() {
            return Ok(tensors);
        }
        Err(WeightsError::ElementType { file: name, tensors: unsupported })
    }
}

/// Opens the file at `path` and checks its header; the file then stands at its data.
fn open(path: &Path) -> Result<(File, Header), WeightsError> {
    let file_name = path.display().to_string();
    let failed = |source: io::Error| match source.kind() {
        io::ErrorKind::NotFound => WeightsError::NotFound { file: file_name.clone() },
        _ => WeightsError::Read { file: file_name.clone(), source },
    };
    // To open a pipe would wait for its other end.
    if !path.metadata().map_err(failed)?.is_file() {
        return Err(failed(io::Error::other("it is no regular file")));
    }
    let mut file = File::open(path).map_err(failed)?;
    let length = file.metadata().map_err(failed)?.len();
    let mut start = Vec::new();
    file.by_ref().take(START_BYTES).read_to_end(&mut start).map_err(failed)?;
    let end = header_end(&start, length, &file_name)?;
    let rest = end.saturating_sub(start.len()) as u64;
    file.by_ref().take(rest).read_to_end(&mut start).map_err(failed)?;
    file.seek(SeekFrom::Start(end as u64)).map_err(failed)?;
    Ok((file, parse_header(&start, length, &file_name)?))
}

/// Reads the data behind the header of an opened file.
fn read_data(mut file: File, name: &str, header: &Header) -> Result<Vec<u8>, WeightsError> {
    let length = header.tensors.values().map(|info| info.data_offsets.1).max().unwrap_or(0);
    let failed = |source| WeightsError::Read { file: name.into(), source };
    let mut data = Vec::new();
    let reserved = data.try_reserve_exact(length).map_err(io::Error::other);
    let read = reserved.and_then(|()| file.by_ref().take(length as u64).read_to_end(&mut data));
    match read {
        Ok(read) if read == length => Ok(data),
        Ok(_) => Err(failed(io::Error::other("it changed while being read"))),
        Err(source) => Err(failed(source)),
    }
}

/// Checks the header of a file of `length` bytes that begins with `start`, which holds the header at least.
fn parse_header(start: &[u8], length: u64, file: &str) -> Result<Header, WeightsError> {
    let corrupt = |reason: String| WeightsError::CorruptHeader { file: file.to_string(), reason };
    let data_start = header_end(start, length, file)?;
    let header = start.get(LENGTH_BYTES..data_start).unwrap_or_default();
    let Fields { tensors, .. } = serde_json::from_slice(header).map_err(|error| corrupt(error.to_string()))?;
    let data = tensors.values().map(|info| info.data_offsets.1).max().unwrap_or(0);
    let needed = (data as u64).saturating_add(data_start as u64);
    let (file, found) = (file.to_string(), length);
    if needed > found {
        return Err(WeightsError::Truncated { file, needed, found });
    }
    check_ranges(&tensors).map_err(corrupt)?;
    if needed < found {
        return Err(WeightsError::TrailingBytes { file, needed, found });
    }
    Ok(Header { tensors, data_start })
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

/// Converts little-endian elements to f32; `None` for a type other than F32,
/// F16 and BF16.
fn to_f32(bytes: &[u8], element_type: Dtype) -> Option<Vec<f32>> {
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
