//! Bytes of a picture file -> pixels, in the file's own colours and depth.

use std::borrow::Cow;
use std::error::Error;
use std::io::{self, Cursor};

use ::image::error::ImageError as DecodeError;
use ::image::metadata::Orientation;
use ::image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader, Limits};

use super::error::ImageError;
use super::photo::{MAX_DECODED_BYTES, MAX_SIDE};
use super::{format, jpeg};

/// Bytes before the first chunk of a PNG file.
const PNG_START: usize = 8;
/// The chunk that ends a PNG file: a length, 0, a name and a checksum.
const PNG_END: [u8; 12] = *b"\0\0\0\0IEND\xAE\x42\x60\x82";

/// Decodes a picture and turns it upright. `name` is what errors call it.
pub(super) fn decode(bytes: &[u8], name: &str) -> Result<DynamicImage, ImageError> {
    if bytes.len() as u64 > MAX_DECODED_BYTES {
        return Err(ImageError::FileTooLarge { name: name.to_owned() });
    }
    match format::detect(bytes, name)? {
        ImageFormat::Jpeg => decode_jpeg(bytes, name),
        ImageFormat::Png => decode_as(ImageFormat::Png, &with_png_end(bytes), name),
        #[cfg(not(target_arch = "wasm32"))]
        ImageFormat::Tiff => {
            super::tiff::check(bytes, name)?;
            decode_as(ImageFormat::Tiff, bytes, name)
        }
        format => decode_as(format, bytes, name),
    }
}

/// The decoder fills what is missing of a JPEG file with grey and reports success, so its end is looked for. Where the
/// end marker alone is missing, the picture does not depend on what follows the last byte.
fn decode_jpeg(bytes: &[u8], name: &str) -> Result<DynamicImage, ImageError> {
    let stream = jpeg::Stream::new(bytes);
    let detail = "the JPEG data end before the last pixel".to_owned();
    let truncated = ImageError::Truncated { name: name.to_owned(), detail };
    if let Some([height, width]) = stream.beyond_its_bytes() {
        check_size(width, height, 0, name)?;
        return Err(truncated);
    }
    if stream.is_complete() {
        return decode_as(ImageFormat::Jpeg, bytes, name);
    }
    if stream.may_be_complete() {
        let [image, other] = stream.continued().map(|bytes| decode_as(ImageFormat::Jpeg, &bytes, name));
        let image = image?;
        if other.is_ok_and(|other| other == image) {
            return Ok(image);
        }
    }
    Err(truncated)
}

/// The decoder wants the chunk that ends a file, although all pixels stand before it. It is added where the file stops
/// behind another chunk.
pub(super) fn with_png_end(bytes: &[u8]) -> Cow<'_, [u8]> {
    let mut rest = bytes.get(PNG_START..).unwrap_or_default();
    while let Some(length) = rest.first_chunk::<4>().map(|length| u32::from_be_bytes(*length)) {
        let is_end = rest.starts_with(&PNG_END);
        match rest.get(length as usize + PNG_END.len()..) {
            Some(behind) if !is_end => rest = behind,
            _ => return bytes.into(),
        }
    }
    if rest.is_empty() { [bytes, &PNG_END].concat().into() } else { bytes.into() }
}

fn decode_as(format: ImageFormat, bytes: &[u8], name: &str) -> Result<DynamicImage, ImageError> {
    let failed = |error| decode_failed(error, name);
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    let mut limits = Limits::no_limits();
    limits.max_alloc = Some(2 * MAX_DECODED_BYTES);
    reader.limits(limits);
    let mut decoder = reader.into_decoder().map_err(failed)?;
    let (width, height) = decoder.dimensions();
    check_size(width, height, decoder.total_bytes(), name)?;
    // A photo with unreadable metadata is still a photo; it is taken as upright.
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let mut image = DynamicImage::from_decoder(decoder).map_err(failed)?;
    image.apply_orientation(orientation);
    Ok(image)
}

/// Whether a picture of this size, of so many bytes when decoded, is read.
pub(super) fn check_size(width: u32, height: u32, bytes: u64, name: &str) -> Result<(), ImageError> {
    let name = name.to_owned();
    if width == 0 || height == 0 {
        return Err(ImageError::ZeroSized { name, width, height });
    }
    if width.max(height) > MAX_SIDE || bytes > MAX_DECODED_BYTES {
        return Err(ImageError::TooLarge { name, width, height, bytes });
    }
    Ok(())
}

fn decode_failed(error: DecodeError, name: &str) -> ImageError {
    let (name, detail) = (name.to_owned(), error.to_string());
    match error {
        error if is_end_of_file(&error) => {
            let detail = "the file ends before the last pixel".to_owned();
            ImageError::Truncated { name, detail }
        }
        DecodeError::Limits(_) => {
            let detail = "its decoder needs too much memory".to_owned();
            ImageError::Unsupported { name, detail }
        }
        DecodeError::Unsupported(_) => ImageError::Unsupported { name, detail },
        _ => ImageError::Damaged { name, detail },
    }
}

/// Whether the error or a cause of it is that the file ends too early.
fn is_end_of_file(error: &DecodeError) -> bool {
    let ends = |io: &io::Error| io.kind() == io::ErrorKind::UnexpectedEof;
    // This variant's source is the cause of the I/O error, not the I/O error.
    if let DecodeError::IoError(io) = error {
        return ends(io);
    }
    let mut cause = error.source();
    while let Some(error) = cause {
        if error.downcast_ref::<io::Error>().is_some_and(ends) {
            return true;
        }
        cause = error.source();
    }
    false
}
