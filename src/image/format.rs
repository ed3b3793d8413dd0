//! Which format a file has, by its content.

use ::image::ImageFormat;

use super::error::ImageError;

/// Endings of files that are taken for pictures in folders, in small letters.
pub const PICTURE_ENDINGS: [&str; 10] = ["jpg", "jpeg", "jpe", "jfif", "png", "webp", "bmp", "tif", "tiff", "gif"];

/// Endings of pictures in formats that are not read, in small letters.
pub const UNREAD_ENDINGS: [&str; 20] = [
    "heic", "heif", "hif", "avif", "jxl", "jp2", "j2k", "jpx", "psd", "svg", "ico", "tga", "exr", "dng", "cr2", "cr3",
    "nef", "arw", "pgm", "ppm",
];

/// Formats that are not read: their names, where their mark stands and what it is.
const FOREIGN: [(&str, usize, &[u8]); 21] = [
    ("HEIC", 4, b"ftypheic"),
    ("HEIC", 4, b"ftypheix"),
    ("HEIC", 4, b"ftypheim"),
    ("HEIC", 4, b"ftypheis"),
    ("HEIC", 4, b"ftyphevc"),
    ("HEIC", 4, b"ftyphevx"),
    ("HEIF", 4, b"ftypmif1"),
    ("HEIF", 4, b"ftypmsf1"),
    ("AVIF", 4, b"ftypavif"),
    ("AVIF", 4, b"ftypavis"),
    ("Canon CR3", 4, b"ftypcrx "),
    ("JPEG XL", 0, b"\xFF\x0A"),
    ("JPEG XL", 0, b"\0\0\0\x0CJXL \r\n\x87\n"),
    ("JPEG 2000", 0, b"\0\0\0\x0CjP  \r\n\x87\n"),
    ("JPEG 2000", 0, b"\xFF\x4F\xFF\x51"),
    ("Photoshop (PSD)", 0, b"8BPS"),
    ("PDF", 0, b"%PDF-"),
    ("SVG", 0, b"<svg"),
    ("SVG or another XML file", 0, b"<?xml"),
    ("a web page", 0, b"<!DOCTYPE html"),
    ("a web page", 0, b"<html"),
];

/// The format of a picture that can be read.
pub(super) fn detect(bytes: &[u8], name: &str) -> Result<ImageFormat, ImageError> {
    let name = || name.to_owned();
    if bytes.is_empty() {
        return Err(ImageError::Empty { name: name() });
    }
    if bytes.starts_with(b"version https://git-lfs") {
        return Err(ImageError::LfsPointer { name: name() });
    }
    let unread = |format: &str| ImageError::UnreadFormat { name: name(), format: format.to_owned() };
    if let Some(format) = foreign(bytes) {
        return Err(unread(format));
    }
    match ::image::guess_format(bytes) {
        Ok(format) if format.reading_enabled() => Ok(format),
        Ok(format) => Err(unread(format.extensions_str().first().unwrap_or(&"another format"))),
        Err(_) => {
            let start = bytes.get(..16).unwrap_or(bytes).escape_ascii().to_string();
            Err(ImageError::NotAPicture { name: name(), start })
        }
    }
}

fn foreign(bytes: &[u8]) -> Option<&'static str> {
    let has = |(_, at, mark): &&(&str, usize, &[u8])| {
        bytes.get(*at..at + mark.len()).is_some_and(|found| found.eq_ignore_ascii_case(mark))
    };
    FOREIGN.iter().find(has).map(|(name, ..)| *name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_that_are_not_read_are_named() {
        let box_of = |brand: &[u8]| [b"\0\0\0\x18ftyp", brand, b"\0\0\0\0mif1heic"].concat();
        let files: [(&str, Vec<u8>); 10] = [
            ("HEIC", box_of(b"heic")),
            ("HEIF", box_of(b"mif1")),
            ("AVIF", box_of(b"avif")),
            ("JPEG XL", b"\xFF\x0A\xFA\x7F\x01".to_vec()),
            ("JPEG XL", b"\0\0\0\x0CJXL \x0D\x0A\x87\x0A\0\0\0\x14ftypjxl ".to_vec()),
            ("JPEG 2000", b"\0\0\0\x0CjP  \x0D\x0A\x87\x0A\0\0\0\x14ftypjp2 ".to_vec()),
            ("JPEG 2000", b"\xFF\x4F\xFF\x51\0\x2F".to_vec()),
            ("a web page", b"<!doctype HTML><title>404".to_vec()),
            ("ico", b"\0\0\x01\0\x01\0".to_vec()),
            ("pbm", b"P6 2 2 255 ".to_vec()),
        ];
        for (format, bytes) in files {
            let error = detect(&bytes, "x.jpg").unwrap_err();
            assert!(matches!(&error, ImageError::UnreadFormat { format: found, .. } if found == format), "{error}");
            assert!(error.to_string().contains(format) && error.to_string().contains("x.jpg"), "{error}");
        }
        assert!(matches!(detect(b"\0\0\0\x18ftypqt  ", "x"), Err(ImageError::NotAPicture { .. })));
        assert_eq!(detect(b"\xFF\xD8\xFF\xE0", "x").unwrap(), ImageFormat::Jpeg);
    }
}
