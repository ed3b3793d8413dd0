//! Which TIFF files are read: the format holds pictures of many kinds, and a wrong one must not be taken for another.

use std::io::Cursor;

use ::tiff::decoder::Decoder;
use ::tiff::tags::{PhotometricInterpretation as Colors, SampleFormat, Tag};

use super::error::ImageError;

/// Refuses, by its name, a kind of TIFF picture that is not read. What cannot be told is left to the decoder.
pub(super) fn check(bytes: &[u8], name: &str) -> Result<(), ImageError> {
    let Ok(mut decoder) = Decoder::new(Cursor::new(bytes)) else { return Ok(()) };
    let mut of = |tag| decoder.find_tag_unsigned_vec::<u16>(tag).ok().flatten().unwrap_or_default();
    let colors = of(Tag::PhotometricInterpretation).first().copied().and_then(Colors::from_u16);
    let samples = of(Tag::SampleFormat).first().copied().map(SampleFormat::from_u16_exhaustive);
    let bits = of(Tag::BitsPerSample).first().copied().unwrap_or(1);
    let kind = match (colors, samples) {
        (Some(Colors::RGBPalette), _) => "with a palette".to_owned(),
        (Some(Colors::YCbCr), _) => "in YCbCr".to_owned(),
        (Some(Colors::CIELab | Colors::IccLab | Colors::ItuLab), _) => "in Lab colours".to_owned(),
        (Some(Colors::TransparencyMask), _) => "that is a transparency mask".to_owned(),
        (_, Some(SampleFormat::IEEEFP)) => format!("of {bits} bit floating-point samples"),
        (_, Some(SampleFormat::Int)) => format!("of {bits} bit signed samples"),
        (_, _) if !matches!(bits, 1 | 8 | 16) => format!("of {bits} bit samples"),
        _ => return Ok(()),
    };
    Err(ImageError::UnreadFormat { name: name.to_owned(), format: format!("a TIFF file {kind}") })
}
