//! Files that are either whole or absent: the last step of "heat map -> overlay, panel, .npy".

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use ::image::codecs::png::PngEncoder;
use ::image::{ExtendedColorType, ImageEncoder, RgbImage};

use super::error::ImageError;

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

/// Lets `content` write a temporary file beside `path`, then renames it to `path`.
///
/// # Errors
///
/// [`ImageError::Write`] if the file cannot be written; an older file of that name stays.
pub fn write_atomically(
    path: &Path,
    content: impl FnOnce(&mut BufWriter<File>) -> io::Result<()>,
) -> Result<(), ImageError> {
    let write = || {
        let (temporary, file) = create_beside(path)?;
        let written = write_and_rename(file, content, &temporary, path);
        if written.is_err() {
            // The first error is the one to report.
            let _ = fs::remove_file(&temporary);
        }
        written
    };
    write().map_err(|source| ImageError::Write { path: path.to_owned(), source })
}

fn write_and_rename(
    file: File,
    content: impl FnOnce(&mut BufWriter<File>) -> io::Result<()>,
    temporary: &Path,
    path: &Path,
) -> io::Result<()> {
    let mut writer = BufWriter::new(file);
    content(&mut writer)?;
    writer.flush()?;
    writer.get_ref().sync_all()?;
    drop(writer);
    fs::rename(temporary, path)
}

/// Creates a new file in the folder of `path`, with a name that no other run uses.
fn create_beside(path: &Path) -> io::Result<(PathBuf, File)> {
    static COUNTER: AtomicU64 = AtomicU64::new(0);
    // A rename would replace a device or a pipe by a file.
    if path.metadata().is_ok_and(|target| !target.is_file()) {
        return Err(io::Error::other("the path is not a regular file"));
    }
    loop {
        let count = COUNTER.fetch_add(1, Ordering::Relaxed);
        let temporary = path.with_file_name(format!(".agf-{}-{count}.part", std::process::id()));
        let created = OpenOptions::new().write(true).create_new(true).open(&temporary);
        match created {
            Ok(file) => return Ok((temporary, file)),
            // Left behind by an interrupted run with the same process id.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
}
