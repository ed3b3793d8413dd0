//! Photo files -> upright 8 bit RGB. The first step of "photo -> tensor".

use std::error::Error;
use std::fs::File;
use std::io::{self, Cursor, Read};
use std::path::Path;

use ::image::error::ImageError as DecodeError;
use ::image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader, Limits, Rgb, RgbImage};

use super::error::ImageError;
use super::jpeg;

/// The longest side of a photo that is decoded, in pixels.
pub const MAX_SIDE: u32 = 16_384;

/// The most bytes that a photo may take when decoded, in its own pixel format.
pub const MAX_DECODED_BYTES: u64 = 512 << 20;

/// A photo: upright, RGB, 8 bit a channel, at least 1 x 1 pixels.
#[derive(Clone, Debug)]
pub struct Photo {
    image: RgbImage,
    name: String,
}

impl Photo {
    /// Reads and decodes a JPEG, PNG, WebP, BMP, TIFF or GIF file (its first frame).
    ///
    /// The content decides the format; the file's extension is ignored. EXIF orientation is
    /// applied, 16 bit samples are rounded to 8 bit, grey, palette and CMYK become RGB, and
    /// transparent parts are composited over white. CMYK JPEG is taken as inverted, as Adobe
    /// writes it and as every common viewer reads it. Embedded colour profiles are ignored.
    ///
    /// # Errors
    ///
    /// [`ImageError`]: unreadable, empty, no picture, unsupported, beyond [`MAX_SIDE`] or
    /// [`MAX_DECODED_BYTES`], cut off, or damaged. A JPEG with a piece missing from its middle
    /// but with its end in place may decode, with grey or shifted parts.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, ImageError> {
        let path = path.as_ref();
        let name = path.display().to_string();
        let mut bytes = Vec::new();
        File::open(path)
            .and_then(|file| file.take(MAX_DECODED_BYTES + 1).read_to_end(&mut bytes))
            .map_err(|source| ImageError::Read { path: path.to_owned(), source })?;
        Self::from_bytes(&bytes, name)
    }

    /// Decodes the content of a picture file, as [`Photo::open`] does.
    ///
    /// `name` is what error messages call the picture.
    ///
    /// # Errors
    ///
    /// See [`Photo::open`].
    pub fn from_bytes(bytes: &[u8], name: impl Into<String>) -> Result<Self, ImageError> {
        let name = name.into();
        if bytes.len() as u64 > MAX_DECODED_BYTES {
            return Err(ImageError::FileTooLarge { name });
        }
        let decoded = decode(bytes, &name)?;
        Self::from_rgb(over_white(decoded), name)
    }

    /// Wraps pixels that are already upright RGB.
    ///
    /// # Errors
    ///
    /// [`ImageError::ZeroSized`] if there is no pixel.
    pub fn from_rgb(image: RgbImage, name: impl Into<String>) -> Result<Self, ImageError> {
        let (name, (width, height)) = (name.into(), image.dimensions());
        if width == 0 || height == 0 {
            return Err(ImageError::ZeroSized { name, width, height });
        }
        Ok(Self { image, name })
    }

    /// The pixels.
    pub fn rgb(&self) -> &RgbImage {
        &self.image
    }

    /// What error messages call the photo: its path, or the name given with the bytes.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Width in pixels, upright.
    pub fn width(&self) -> u32 {
        self.image.width()
    }

    /// Height in pixels, upright.
    pub fn height(&self) -> u32 {
        self.image.height()
    }
}

fn decode(bytes: &[u8], name: &str) -> Result<DynamicImage, ImageError> {
    let format = detect_format(bytes, name)?;
    if format == ImageFormat::Jpeg && !jpeg::is_complete(bytes) {
        return Err(ImageError::Truncated {
            name: name.to_owned(),
            detail: "the JPEG end marker is missing".to_owned(),
        });
    }
    let failed = |error| decode_failed(error, name);

    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    let mut limits = Limits::no_limits();
    limits.max_alloc = Some(2 * MAX_DECODED_BYTES);
    reader.limits(limits);
    let mut decoder = reader.into_decoder().map_err(failed)?;
    check_size(&decoder, name)?;
    // A photo with unreadable metadata is still a photo; it is taken as upright.
    let orientation = decoder.orientation().unwrap_or(::image::metadata::Orientation::NoTransforms);
    let mut image = DynamicImage::from_decoder(decoder).map_err(failed)?;
    image.apply_orientation(orientation);
    Ok(image)
}

fn detect_format(bytes: &[u8], name: &str) -> Result<ImageFormat, ImageError> {
    if bytes.is_empty() {
        return Err(ImageError::Empty { name: name.to_owned() });
    }
    if bytes.starts_with(b"version https://git-lfs") {
        return Err(ImageError::LfsPointer { name: name.to_owned() });
    }
    let format = ::image::guess_format(bytes).map_err(|_| ImageError::NotAPicture {
        name: name.to_owned(),
        start: bytes.get(..16).unwrap_or(bytes).escape_ascii().to_string(),
    })?;
    if !format.reading_enabled() {
        return Err(ImageError::Unsupported {
            name: name.to_owned(),
            detail: format!("{format:?} is not a format that is read"),
        });
    }
    Ok(format)
}

fn check_size(decoder: &impl ImageDecoder, name: &str) -> Result<(), ImageError> {
    let ((width, height), bytes) = (decoder.dimensions(), decoder.total_bytes());
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

/// RGB 8 bit, with transparent parts showing white.
fn over_white(image: DynamicImage) -> RgbImage {
    if !image.color().has_alpha() {
        return image.into_rgb8();
    }
    let rgba = image.into_rgba8();
    RgbImage::from_fn(rgba.width(), rgba.height(), |x, y| {
        let [red, green, blue, alpha] = rgba.get_pixel(x, y).0;
        let blend = |value: u8| {
            let (value, alpha) = (u32::from(value), u32::from(alpha));
            ((value * alpha + 255 * (255 - alpha) + 127) / 255) as u8
        };
        Rgb([blend(red), blend(green), blend(blue)])
    })
}
