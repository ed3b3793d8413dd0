//! Pictures to files: the last step of "heat map -> overlay, panel, .npy".

use std::fs::File;
use std::io::{self, BufWriter, Read};
use std::path::Path;

use ::image::RgbImage;
use png::{BitDepth, ColorType, Compression, Encoder, Filter};

use super::error::ImageError;
use crate::files;

/// What a PNG file says of the program that made it, and how this stands in the file.
const SOFTWARE: [&str; 2] = ["Software", "agf"];
const PNG_MARK: &[u8] = b"tEXtSoftware\0agf";
/// What an SVG file says of it.
pub(super) const SVG_MARK: &str = "<metadata>Software: agf</metadata>";
/// Bytes at the start of a file among which the mark is.
const HEAD: u64 = 256;

/// Writes a picture as PNG, atomically: an interrupted run leaves no half file. It says that it is made by `agf`, so
/// that searches for photos leave it out ([`is_written_by_us`]).
///
/// # Errors
///
/// [`ImageError::Write`] if the file cannot be written; an older file of that name stays.
pub fn write_png(path: impl AsRef<Path>, image: &RgbImage) -> Result<(), ImageError> {
    write_atomically(path.as_ref(), |writer| {
        let mut encoder = Encoder::new(writer, image.width(), image.height());
        encoder.set_color(ColorType::Rgb);
        encoder.set_depth(BitDepth::Eight);
        encoder.set_compression(Compression::Fast);
        encoder.set_filter(Filter::Adaptive);
        let [keyword, text] = SOFTWARE.map(str::to_owned);
        encoder.add_text_chunk(keyword, text)?;
        let mut writer = encoder.write_header()?;
        writer.write_image_data(image.as_raw())?;
        Ok(writer.finish()?)
    })
}

/// Whether a file is a picture that [`write_png`] wrote or [`Chart::to_svg`](super::Chart::to_svg) made, wherever it
/// lies and whatever it is called: a result, not a photo.
pub fn is_written_by_us(path: &Path) -> bool {
    let mut head = Vec::new();
    let read = File::open(path).and_then(|file| file.take(HEAD).read_to_end(&mut head));
    let is_marked =
        |start: &[u8], mark: &[u8]| head.starts_with(start) && head.windows(mark.len()).any(|bytes| bytes == mark);
    read.is_ok() && (is_marked(b"\x89PNG", PNG_MARK) || is_marked(b"<svg", SVG_MARK.as_bytes()))
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
