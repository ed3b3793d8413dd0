//! NumPy arrays: heat maps out, ready-made input batches in.

use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::path::Path;

use npyz::{DType, NpyFile, NpyHeader, Order, WriterBuilder};

use super::error::{ImageError, NpyProblem};
use super::map::Map;
use super::write::write_atomically;

/// The longest header that is parsed. A float32 array with four axes needs 118 bytes; the bound
/// keeps a hostile header from exhausting memory or the parser's stack.
const MAX_HEADER_BYTES: usize = 1024;

/// The deepest brackets that are parsed: a structured dtype has four, and the parser's time grows
/// exponentially with the depth of unclosed ones.
const MAX_NESTING: usize = 6;

/// A batch of normalised network inputs, (`count`, `channels`, `height`, `width`) in C order.
#[derive(Clone, Debug, PartialEq)]
pub struct NpyBatch {
    /// Number of inputs, N; at least 1.
    pub count: usize,
    /// Number of channels, always 3.
    pub channels: usize,
    /// Height in pixels; at least 1.
    pub height: usize,
    /// Width in pixels; at least 1.
    pub width: usize,
    /// The values, all finite.
    pub data: Vec<f32>,
}

/// Writes a map as a float32 array of shape (height, width) in C order, atomically.
///
/// # Errors
///
/// [`ImageError::Write`] if the file cannot be written; an older file of that name stays.
pub fn write_npy(path: impl AsRef<Path>, map: &Map) -> Result<(), ImageError> {
    write_atomically(path.as_ref(), |file| {
        let mut writer = npyz::WriteOptions::new()
            .default_dtype()
            .shape(&[u64::from(map.height()), u64::from(map.width())])
            .writer(file)
            .begin_nd()?;
        writer.extend(map.values())?;
        writer.finish()
    })
}

/// Reads a little-endian float32 array of shape (N, 3, H, W) in C order.
///
/// # Errors
///
/// [`ImageError::Read`] if the file cannot be read, [`ImageError::Npy`] if it is no such array,
/// its length does not match its header, or it holds NaN or infinity.
pub fn read_npy_batch(path: impl AsRef<Path>) -> Result<NpyBatch, ImageError> {
    let path = path.as_ref();
    let unusable = |problem| ImageError::Npy { path: path.to_owned(), problem };
    let unreadable = |source| ImageError::Read { path: path.to_owned(), source };
    let mut file = File::open(path).map_err(unreadable)?;
    let length = file.metadata().map_err(unreadable)?.len();
    let mut start = Vec::new();
    Read::by_ref(&mut file).take(MAX_HEADER_BYTES as u64 + 12).read_to_end(&mut start).map_err(unreadable)?;

    let header_bytes = header_bytes(&start).map_err(unusable)?;
    let header = parse_header(header_bytes).map_err(unusable)?;
    let found = length.saturating_sub(header_bytes.len() as u64);
    let [count, channels, height, width] = check_header(&header, found).map_err(unusable)?;

    file.seek(SeekFrom::Start(header_bytes.len() as u64)).map_err(unreadable)?;
    let data: Vec<f32> = NpyFile::with_header(header, BufReader::new(file)).into_vec().map_err(unreadable)?;
    check_finite(&data, [channels, height, width]).map_err(unusable)?;
    Ok(NpyBatch { count, channels, height, width, data })
}

/// The magic, version, length and text of the header, cut out of the file's first bytes.
fn header_bytes(start: &[u8]) -> Result<&[u8], NpyProblem> {
    let problem = |text: &str| NpyProblem::Header(text.to_owned());
    if start.is_empty() {
        return Err(problem("the file is empty"));
    }
    let version = start.strip_prefix(b"\x93NUMPY").ok_or_else(|| problem("the magic bytes of NumPy are missing"))?;
    let (prefix, text) = match *version {
        [1, _, low, high, ..] => (10, usize::from(u16::from_le_bytes([low, high]))),
        [2 | 3, _, a, b, c, d, ..] => (12, u32::from_le_bytes([a, b, c, d]) as usize),
        _ => return Err(problem("unknown version, or the file is cut off")),
    };
    if text > MAX_HEADER_BYTES {
        let text = format!("it claims {text} bytes, more than a plain array needs");
        return Err(NpyProblem::Header(text));
    }
    start.get(..prefix + text).ok_or_else(|| problem("the file is cut off"))
}

fn parse_header(bytes: &[u8]) -> Result<NpyHeader, NpyProblem> {
    // npyz multiplies the axes without an overflow check, so absurd ones are kept from it.
    let product = bytes
        .split(|byte| !byte.is_ascii_alphanumeric() && *byte != b'_')
        .filter(|word| word.first().is_some_and(u8::is_ascii_digit))
        .map(|word| std::str::from_utf8(word).ok()?.parse::<u64>().ok())
        .try_fold(1_u64, |product, axis| product.checked_mul(axis?.max(1)));
    if product.is_none() {
        let text = "its shape is beyond 64 bit".to_owned();
        return Err(NpyProblem::Header(text));
    }
    if nesting_depth(bytes) > MAX_NESTING {
        return Err(NpyProblem::Header("it is nested too deeply".to_owned()));
    }
    NpyHeader::from_reader(bytes).map_err(|error| {
        // The parser's own message goes on with the whole header.
        let text = error.to_string();
        NpyProblem::Header(text.lines().next().unwrap_or_default().to_owned())
    })
}

fn nesting_depth(bytes: &[u8]) -> usize {
    let (mut depth, mut deepest) = (0_usize, 0);
    for byte in bytes {
        match byte {
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        deepest = deepest.max(depth);
    }
    deepest
}

/// The four axes of a usable header in front of `found` bytes of data.
fn check_header(header: &NpyHeader, found: u64) -> Result<[usize; 4], NpyProblem> {
    match header.dtype() {
        DType::Plain(dtype) if dtype.to_string() == "<f4" => {}
        other => return Err(NpyProblem::Dtype(other.descr())),
    }
    if header.order() == Order::Fortran {
        return Err(NpyProblem::FortranOrder);
    }
    let shape = header.shape();
    let Ok(axes) = <[u64; 4]>::try_from(shape) else {
        return Err(NpyProblem::Rank(shape.to_vec()));
    };
    if axes[1] != 3 {
        return Err(NpyProblem::Channels(shape.to_vec()));
    }
    if axes.contains(&0) {
        return Err(NpyProblem::NoValues(shape.to_vec()));
    }
    let claimed = axes.iter().map(|axis| u128::from(*axis)).product::<u128>() * 4;
    if claimed != u128::from(found) {
        return Err(NpyProblem::Length { claimed, found });
    }
    Ok(axes.map(|axis| axis as usize))
}

fn check_finite(data: &[f32], [channels, height, width]: [usize; 3]) -> Result<(), NpyProblem> {
    let Some(at) = data.iter().position(|value| !value.is_finite()) else {
        return Ok(());
    };
    Err(NpyProblem::NotFinite {
        value: data[at],
        index: [at / (channels * height * width), at / (height * width) % channels, at / width % height, at % width],
    })
}
