//! Photo files -> upright 8 bit RGB. The first step of "photo -> tensor".

use std::fs::File;
use std::io::Read;
use std::path::Path;

use ::image::{DynamicImage, Rgb, RgbImage};

use super::decode::decode;
use super::error::ImageError;

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
    /// transparent parts are composited over white. In a picture that is transparent everywhere
    /// the colours beneath are taken, as its transparency tells nothing apart. CMYK JPEG is taken
    /// as inverted, as Adobe writes it and as every common viewer reads it. Embedded colour
    /// profiles are ignored.
    ///
    /// # Errors
    ///
    /// [`ImageError`]: unreadable, empty, no picture, of a format that is not read, beyond
    /// [`MAX_SIDE`] or [`MAX_DECODED_BYTES`], cut off, or damaged. JPEG and PNG files that lack
    /// their end marker alone are read. A JPEG with a piece missing from its middle but with its
    /// end in place may decode, with grey or shifted parts.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, ImageError> {
        let path = path.as_ref();
        Self::from_bytes(&read_file(path)?, path.display().to_string())
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

/// The content of a picture file.
pub(crate) fn read_file(path: &Path) -> Result<Vec<u8>, ImageError> {
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| file.take(MAX_DECODED_BYTES + 1).read_to_end(&mut bytes))
        .map_err(|source| ImageError::Read { path: path.to_owned(), source })?;
    Ok(bytes)
}

/// RGB 8 bit, with transparent parts showing white unless all are.
fn over_white(image: DynamicImage) -> RgbImage {
    if !image.color().has_alpha() {
        return image.into_rgb8();
    }
    let rgba = image.into_rgba8();
    if rgba.pixels().all(|pixel| pixel.0[3] == 0) {
        return DynamicImage::ImageRgba8(rgba).into_rgb8();
    }
    RgbImage::from_fn(rgba.width(), rgba.height(), |x, y| {
        let [red, green, blue, alpha] = rgba.get_pixel(x, y).0;
        let blend = |value: u8| {
            let (value, alpha) = (u32::from(value), u32::from(alpha));
            ((value * alpha + 255 * (255 - alpha) + 127) / 255) as u8
        };
        Rgb([blend(red), blend(green), blend(blue)])
    })
}
