//! NumPy arrays: heat maps out, ready-made input batches in.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use npyz::{DType, NpyHeader, Order, WriterBuilder};

use super::error::{ImageError, NpyProblem};
use super::map::Map;
use super::photo::{MAX_DECODED_BYTES, MAX_SIDE};
use super::write::write_atomically;

/// The longest header that is parsed. A float32 array with four axes needs 118 bytes; the bound
/// keeps a hostile header from exhausting memory or the parser's stack.
const MAX_HEADER_BYTES: usize = 1024;

/// The deepest brackets that are parsed: a structured dtype has four, and the parser's time grows
/// exponentially with the depth of unclosed ones.
const MAX_NESTING: usize = 4;

/// A file of normalised network inputs, a little-endian float32 array of shape (N, channels, H, W) in C order, whose
/// inputs are read one by one.
#[derive(Debug)]
pub struct NpyInputs {
    path: PathBuf,
    file: File,
    /// Where the first input begins.
    start: u64,
    count: u64,
    channels: u32,
    height: u32,
    width: u32,
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

impl NpyInputs {
    /// Reads the header and compares it with the length of the file.
    ///
    /// # Errors
    ///
    /// [`ImageError::Read`] if the file cannot be read, [`ImageError::Npy`] if it is no such array or its length does
    /// not match its header.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, ImageError> {
        let path = path.as_ref();
        let unusable = |problem| ImageError::Npy { path: path.to_owned(), problem };
        let unreadable = |source| ImageError::Read { path: path.to_owned(), source };
        let mut file = File::open(path).map_err(unreadable)?;
        let length = file.metadata().map_err(unreadable)?.len();
        let mut start = Vec::new();
        Read::by_ref(&mut file).take(MAX_HEADER_BYTES as u64 + 12).read_to_end(&mut start).map_err(unreadable)?;

        let (prefix, text) = header_parts(&start).map_err(unusable)?;
        let header = parse_header(prefix, text).map_err(unusable)?;
        let start = (prefix.len() + text.len()) as u64;
        let (count, channels, height, width) = check_header(&header, length.saturating_sub(start)).map_err(unusable)?;
        Ok(Self { path: path.to_owned(), file, start, count, channels, height, width })
    }

    /// Number of inputs, N; at least 1.
    pub fn count(&self) -> usize {
        usize::try_from(self.count).unwrap_or(usize::MAX)
    }

    /// Channels of each input, 1 or 3.
    pub fn channels(&self) -> u32 {
        self.channels
    }

    /// Height in pixels; at least 1.
    pub fn height(&self) -> u32 {
        self.height
    }

    /// Width in pixels; at least 1.
    pub fn width(&self) -> u32 {
        self.width
    }

    /// Reads input `index`: channels x height x width finite values.
    ///
    /// # Errors
    ///
    /// [`ImageError::Read`] if there is no such input or it cannot be read, [`ImageError::Npy`] if it holds NaN or
    /// infinity.
    pub fn read(&mut self, index: usize) -> Result<Vec<f32>, ImageError> {
        let bytes =
            self.read_bytes(index as u64).map_err(|source| ImageError::Read { path: self.path.clone(), source })?;
        let (values, _) = bytes.as_chunks();
        let values: Vec<f32> = values.iter().map(|value| f32::from_le_bytes(*value)).collect();
        let problem = |problem| ImageError::Npy { path: self.path.clone(), problem };
        check_finite(&values, index, self.height as usize, self.width as usize).map_err(problem)?;
        Ok(values)
    }

    fn read_bytes(&mut self, index: u64) -> io::Result<Vec<u8>> {
        if index >= self.count {
            return Err(io::Error::other(format!("it has {} inputs, none with index {index}", self.count)));
        }
        // The header's check keeps this far below 2^32, and all inputs within the file.
        let length = 4 * u64::from(self.channels) * u64::from(self.height) * u64::from(self.width);
        let mut bytes = vec![0; length as usize];
        self.file.seek(SeekFrom::Start(self.start + index * length))?;
        self.file.read_exact(&mut bytes)?;
        Ok(bytes)
    }
}

/// Magic, version and length of the header, and its text, cut out of the file's first bytes.
fn header_parts(start: &[u8]) -> Result<(&[u8], &[u8]), NpyProblem> {
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
    let header = start.get(..prefix + text).ok_or_else(|| problem("the file is cut off"))?;
    Ok(header.split_at(prefix))
}

fn parse_header(prefix: &[u8], text: &[u8]) -> Result<NpyHeader, NpyProblem> {
    // npyz multiplies the axes without an overflow check, so absurd ones are kept from it.
    let product = text
        .split(|byte| !byte.is_ascii_alphanumeric() && *byte != b'_')
        .filter(|word| word.first().is_some_and(u8::is_ascii_digit))
        .map(|word| std::str::from_utf8(word).ok()?.parse::<u64>().ok())
        .try_fold(1_u64, |product, axis| product.checked_mul(axis?.max(1)));
    if product.is_none() {
        let text = "its shape is beyond 64 bit".to_owned();
        return Err(NpyProblem::Header(text));
    }
    if !has_plain_strings(text) {
        return Err(NpyProblem::Header("it has strings with escapes or other quotes than NumPy's".to_owned()));
    }
    if nesting_depth(text) > MAX_NESTING {
        return Err(NpyProblem::Header("it is nested too deeply".to_owned()));
    }
    NpyHeader::from_reader(prefix.chain(text)).map_err(|error| {
        // The parser's own message goes on with the whole header.
        let text = error.to_string();
        NpyProblem::Header(text.lines().next().unwrap_or_default().to_owned())
    })
}

/// Whether every string stands between two single quotes, as those of plain arrays do.
fn has_plain_strings(text: &[u8]) -> bool {
    !text.contains(&b'\\') && !text.contains(&b'"') && !text.windows(3).any(|three| three == b"'''")
}

/// How deep the brackets outside of plain strings are.
fn nesting_depth(text: &[u8]) -> usize {
    let outside = text.split(|byte| *byte == b'\'').step_by(2).flatten();
    let depths = outside.scan(0_usize, |depth, byte| {
        match byte {
            b'(' | b'[' | b'{' => *depth += 1,
            b')' | b']' | b'}' => *depth = depth.saturating_sub(1),
            _ => {}
        }
        Some(*depth)
    });
    depths.max().unwrap_or(0)
}

/// Number, channels, height and width of the inputs, of a usable header in front of `found` bytes of data.
fn check_header(header: &NpyHeader, found: u64) -> Result<(u64, u32, u32, u32), NpyProblem> {
    match header.dtype() {
        DType::Plain(dtype) if dtype.to_string() == "<f4" => {}
        other => return Err(NpyProblem::Dtype(other.descr())),
    }
    if header.order() == Order::Fortran {
        return Err(NpyProblem::FortranOrder);
    }
    let shape = header.shape();
    let Ok([count, channels, height, width]) = <[u64; 4]>::try_from(shape) else {
        return Err(NpyProblem::Rank(shape.to_vec()));
    };
    let channels = match channels {
        1 => 1,
        3 => 3,
        _ => return Err(NpyProblem::Channels(shape.to_vec())),
    };
    if shape.contains(&0) {
        return Err(NpyProblem::NoValues(shape.to_vec()));
    }
    let claimed = shape.iter().map(|axis| u128::from(*axis)).product::<u128>() * 4;
    if claimed != u128::from(found) {
        return Err(NpyProblem::Length { claimed, found });
    }
    let side = |axis| u32::try_from(axis).ok().filter(|side| *side <= MAX_SIDE);
    match (side(height), side(width)) {
        // As many pixels as a photo may have.
        (Some(height), Some(width)) if 3 * u64::from(height) * u64::from(width) <= MAX_DECODED_BYTES => {
            Ok((count, channels, height, width))
        }
        _ => Err(NpyProblem::TooLarge(shape.to_vec())),
    }
}

/// Checks the values of input `image`.
fn check_finite(values: &[f32], image: usize, height: usize, width: usize) -> Result<(), NpyProblem> {
    match values.iter().copied().enumerate().find(|(_, value)| !value.is_finite()) {
        None => Ok(()),
        Some((at, value)) => {
            let index = [image, at / (height * width), at / width % height, at % width];
            Err(NpyProblem::NotFinite { value, index })
        }
    }
}
