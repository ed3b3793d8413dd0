//! Pictures of whole numbers, as masks are: every pixel's value as it is stored.

use std::io::Cursor;

use ::image::{DynamicImage, ImageFormat};
use png::{BitDepth, Decoder, Limits, Transformations};

use super::decode::{check_size, decode, with_png_end};
use super::error::ImageError;
use super::format;
use super::photo::MAX_DECODED_BYTES;

/// A whole number for every pixel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LabelMap {
    /// Height in pixels.
    pub height: u32,
    /// Width in pixels.
    pub width: u32,
    /// `height` x `width` values, row by row.
    pub values: Vec<u16>,
}

impl LabelMap {
    /// Decodes a PNG, BMP, TIFF or GIF file. Grey levels are taken in their own depth, neither scaled nor rounded, of a
    /// palette the numbers of its entries. In BMP and GIF files, whose palettes are not kept, and of colours, all
    /// channels must be equal. Nothing may be transparent.
    ///
    /// `name` is what error messages call the file.
    ///
    /// # Errors
    ///
    /// As [`Photo::open`](super::Photo::open); [`ImageError::NoLabels`] for JPEG and WebP, which may change values, and
    /// for colours.
    pub fn from_bytes(bytes: &[u8], name: &str) -> Result<Self, ImageError> {
        match format::detect(bytes, name)? {
            ImageFormat::Png => from_png(bytes, name),
            ImageFormat::Jpeg => Err(no_labels(name, "JPEG files change the values near edges")),
            ImageFormat::WebP => Err(no_labels(name, "WebP files may change the values near edges")),
            _ => from_decoded(decode(bytes, name)?, name),
        }
    }
}

fn no_labels(name: &str, problem: &str) -> ImageError {
    ImageError::NoLabels { name: name.to_owned(), problem: problem.to_owned() }
}

fn from_png(bytes: &[u8], name: &str) -> Result<LabelMap, ImageError> {
    let failed = |error: png::DecodingError| {
        let (name, detail) = (name.to_owned(), error.to_string());
        ImageError::Damaged { name, detail }
    };
    let limits = Limits { bytes: 2 * MAX_DECODED_BYTES as usize };
    let file = with_png_end(bytes);
    let mut decoder = Decoder::new_with_limits(Cursor::new(&file[..]), limits);
    decoder.set_transformations(Transformations::IDENTITY);
    let mut reader = decoder.read_info().map_err(failed)?;
    let (width, height) = reader.info().size();
    let size = reader.output_buffer_size().unwrap_or(usize::MAX);
    check_size(width, height, size as u64, name)?;
    let mut rows = vec![0; size];
    let frame = reader.next_frame(&mut rows).map_err(failed)?;
    let channels = frame.color_type.samples();
    let mut values = Vec::with_capacity(width as usize * height as usize);
    for row in rows.chunks(frame.line_size.max(1)).take(height as usize) {
        let samples = samples(row, frame.bit_depth);
        let full = u16::MAX >> (16 - frame.bit_depth as u16);
        for pixel in samples.chunks_exact(channels).take(width as usize) {
            values.push(value(pixel, full).map_err(|problem| no_labels(name, problem))?);
        }
    }
    Ok(LabelMap { height, width, values })
}

/// The samples of a row, which are packed from the highest bit on.
fn samples(row: &[u8], depth: BitDepth) -> Vec<u16> {
    let unpack = |bits: u8| {
        let of_byte =
            move |byte: u8| (1..=8 / bits).map(move |at| u16::from(byte >> (8 - at * bits) & (0xFF >> (8 - bits))));
        row.iter().copied().flat_map(of_byte).collect()
    };
    match depth {
        BitDepth::One => unpack(1),
        BitDepth::Two => unpack(2),
        BitDepth::Four => unpack(4),
        BitDepth::Eight => unpack(8),
        BitDepth::Sixteen => row.as_chunks().0.iter().map(|&bytes| u16::from_be_bytes(bytes)).collect(),
    }
}

fn from_decoded(image: DynamicImage, name: &str) -> Result<LabelMap, ImageError> {
    let (height, width) = (image.height(), image.width());
    let color = image.color();
    let channels = usize::from(color.channel_count());
    let (samples, full): (Vec<u16>, u16) = match color.bits_per_pixel() / u16::from(color.channel_count()) {
        8 => (image.into_bytes().into_iter().map(u16::from).collect(), u8::MAX.into()),
        16 => (image.into_bytes().as_chunks().0.iter().map(|&bytes| u16::from_ne_bytes(bytes)).collect(), u16::MAX),
        _ => return Err(no_labels(name, "its samples are no whole numbers")),
    };
    let values = samples.chunks_exact(channels).map(|pixel| value(pixel, full));
    let values = values.collect::<Result<_, _>>().map_err(|problem| no_labels(name, problem))?;
    Ok(LabelMap { height, width, values })
}

/// The number that a pixel of one to four channels stands for, if it is grey and not transparent.
fn value(pixel: &[u16], full: u16) -> Result<u16, &'static str> {
    let (colors, alpha) = match pixel {
        [colors @ .., alpha] if pixel.len().is_multiple_of(2) => (colors, *alpha),
        _ => (pixel, full),
    };
    match colors {
        _ if alpha != full => Err("parts of it are transparent"),
        [value, others @ ..] if others.iter().all(|other| other == value) => Ok(*value),
        _ => Err("it has colours"),
    }
}
