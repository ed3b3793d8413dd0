//! Pictures to files: the last step of "heat map -> overlay, panel, .npy".

use std::fs::File;
use std::io::{self, BufWriter};
use std::path::Path;

use ::image::codecs::png::PngEncoder;
use ::image::{ExtendedColorType, ImageEncoder, RgbImage};

use super::error::ImageError;
use crate::files;

/// Writes a picture as PNG, atomically: an interrupted run leaves no half file.
///
/// # Errors
///
/// [`ImageError::Write`] if the file cannot be written; an older file of that name stays.
pub fn write_png(path: impl AsRef<Path>, image: &RgbImage) -> Result<(), ImageError> {
    write_atomically(path.as_ref(), |writer| {
        PngEncoder::new(writer)
            .write_image(image.as_raw(), image.width(), image.height(), ExtendedColorType::Rgb8)
            .map_err(io::Error::other)
    })
}

/// Lets `content` write the file, which is then whole or absent.
///
/// # Errors
///
/// [`ImageError::Write`] if the file cannot be written; an older file of that name stays.
pub fn write_atomically(
    path: &Path,
    content: impl FnOnce(&mut BufWriter<File>) -> io::Result<()>,
) -> Result<(), ImageError> {
    files::write_whole(path, content).map_err(|source| ImageError::Write { path: path.to_owned(), source })
}
