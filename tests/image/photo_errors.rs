//! Every way a photo file can be wrong has its own error.

use agf::image::{ImageError, Photo, RgbImage};
use image::{DynamicImage, ImageFormat};

use crate::Random;
use crate::photo::{CMYK, PROGRESSIVE, YCCK, encode, png_file};

fn error(bytes: &[u8]) -> ImageError {
    let error = Photo::from_bytes(bytes, "dir/test.jpg").unwrap_err();
    println!("{error}");
    assert!(error.to_string().contains("dir/test.jpg"), "{error}");
    error
}

#[test]
fn enormous_headers_fail_before_memory_is_taken() {
    for (width, height) in [(30_000, 30_000), (16_385, 1), (16_000, 16_000)] {
        // 16 bit RGBA: 8 bytes a pixel.
        let bytes = png_file((width, height, 16, 6), &[(b"IDAT", &[])]);
        let error = error(&bytes);
        assert!(matches!(error, ImageError::TooLarge { .. }));
        let text = error.to_string();
        assert!(text.contains("16384") && text.contains("512 MiB"), "{text}");
        assert!(text.contains(&format!("{width} x {height}")), "{text}");
    }
    assert!(matches!(error(&gif_file(u16::MAX)), ImageError::TooLarge { .. }));
}

/// A GIF screen of `side` x `side` pixels that holds a frame of 1 x 1.
fn gif_file(side: u16) -> Vec<u8> {
    let side = side.to_le_bytes();
    let frame = b",\0\0\0\0\x01\0\x01\0\0\x02\x02L\x01\0;";
    let palette = [0x80, 0, 0, 0, 0, 0, 255, 255, 255];
    [b"GIF89a", &side[..], &side, &palette, frame].concat()
}

/// Whatever is missing, a picture is refused or has all its pixels.
#[test]
fn cut_off_files_are_errors_or_whole_pictures() {
    let picture = DynamicImage::ImageRgb8(Random::seeded().picture(40, 30));
    let formats =
        [ImageFormat::Jpeg, ImageFormat::Png, ImageFormat::Bmp, ImageFormat::Gif, ImageFormat::WebP, ImageFormat::Tiff];
    let encoded = formats.map(|format| encode(&picture, format)).into_iter();
    for bytes in encoded.chain([PROGRESSIVE, CMYK, YCCK].map(<[u8]>::to_vec)) {
        let whole = Photo::from_bytes(&bytes, "test").unwrap();
        for length in (0..bytes.len()).rev() {
            match Photo::from_bytes(&bytes[..length], "test") {
                Ok(cut) => {
                    assert!(cut.rgb() == whole.rgb(), "cut to {length} of {} bytes", bytes.len());
                }
                Err(error) => assert!(error.to_string().starts_with("test "), "{error}"),
            }
        }
    }
}

#[test]
fn cut_off_files_are_called_so() {
    let picture = DynamicImage::ImageRgb8(Random::seeded().picture(40, 30));
    for bytes in [encode(&picture, ImageFormat::Jpeg), encode(&picture, ImageFormat::Png), PROGRESSIVE.to_vec()] {
        for length in [bytes.len() / 2, bytes.len() - 20] {
            assert!(matches!(error(&bytes[..length]), ImageError::Truncated { .. }), "{length} of {}", bytes.len());
        }
    }
}

#[test]
fn pictures_without_their_end_marker_are_read() {
    let picture = DynamicImage::ImageRgb8(Random::seeded().picture(40, 30));
    let trailers: [&[u8]; 4] = [b"", b"SEFT and more of a camera's own", &[0; 700], b"\xFF\xB7\xFF\xFF odd \xFF\x00"];
    let jpegs = [&encode(&picture, ImageFormat::Jpeg), PROGRESSIVE, CMYK, YCCK];
    for (bytes, end) in jpegs.map(|bytes| (bytes, 2)).into_iter().chain([(&encode(&picture, ImageFormat::Png)[..], 12)])
    {
        let whole = Photo::from_bytes(bytes, "test").unwrap();
        for trailer in trailers.iter().take(if end == 2 { 4 } else { 1 }) {
            let file = [&bytes[..bytes.len() - end], trailer].concat();
            let found = Photo::from_bytes(&file, "test").unwrap_or_else(|error| panic!("{error}, {trailer:?}"));
            assert!(found.rgb() == whole.rgb(), "{trailer:?}");
        }
    }
}

/// A TIFF file of one strip of 2 x 1 pixels: photometric interpretation, bits of a sample, samples of a pixel, format
/// of samples.
fn tiff_file(colors: u16, bits: u16, samples: u16, format: u16) -> Vec<u8> {
    let entry = |tag: u16, kind: u16, count: u32, value: u32| {
        let mut entry = [tag.to_le_bytes(), kind.to_le_bytes()].concat();
        entry.extend(count.to_le_bytes());
        entry.extend(value.to_le_bytes());
        entry
    };
    // Up to two samples fit an entry; more stand behind the list, of 11 entries.
    let behind = 8 + 2 + 11 * 12 + 4;
    let of_samples = |value: u16, at: u32| if samples <= 2 { u32::from(value) * 0x1_0001 } else { at };
    let pixels = behind + 12 + 12 + 6 * 256;
    let entries = [
        entry(256, 3, 1, 2),
        entry(257, 3, 1, 1),
        entry(258, 3, samples.into(), of_samples(bits, behind)),
        entry(259, 3, 1, 1),
        entry(262, 3, 1, colors.into()),
        entry(273, 4, 1, pixels),
        entry(277, 3, 1, samples.into()),
        entry(278, 3, 1, 1),
        entry(279, 4, 1, u32::from(bits) / 8 * u32::from(samples) * 2),
        entry(320, 3, 768, behind + 24),
        entry(339, 3, samples.into(), of_samples(format, behind + 12)),
    ];
    let mut bytes = b"II*\0\x08\0\0\0\x0B\0".to_vec();
    bytes.extend(entries.concat());
    bytes.extend([0; 4]);
    bytes.extend([bits.to_le_bytes(); 6].concat());
    bytes.extend([format.to_le_bytes(); 6].concat());
    bytes.extend([0x40; 6 * 256 + 64]);
    bytes
}

#[test]
fn kinds_of_tiff_that_are_not_read_are_named() {
    let kinds = [
        ("with a palette", tiff_file(3, 8, 1, 1)),
        ("in YCbCr", tiff_file(6, 8, 3, 1)),
        ("in Lab colours", tiff_file(8, 8, 3, 1)),
        ("in Lab colours", tiff_file(9, 8, 3, 1)),
        ("of 32 bit floating-point samples", tiff_file(2, 32, 3, 3)),
        ("of 64 bit floating-point samples", tiff_file(1, 64, 1, 3)),
        ("of 16 bit signed samples", tiff_file(1, 16, 1, 2)),
        ("of 32 bit samples", tiff_file(2, 32, 3, 1)),
    ];
    for (kind, bytes) in kinds {
        let found = error(&bytes);
        assert!(matches!(&found, ImageError::UnreadFormat { format, .. } if format.contains(kind)), "{kind}: {found}");
    }
    assert_eq!(Photo::from_bytes(&tiff_file(2, 8, 3, 1), "test").unwrap().rgb().as_raw(), &[0x40; 6]);
}

#[test]
fn wrong_content_has_its_own_error() {
    assert!(matches!(error(b""), ImageError::Empty { .. }));
    assert!(matches!(error(b"just some text"), ImageError::NotAPicture { .. }));
    assert!(matches!(error(b"\0\0\0\x1cftypavif\0\0\0\0avifmif1miaf"), ImageError::UnreadFormat { .. }));
    let zero = error(&png_file((0, 5, 8, 2), &[(b"IDAT", &[])]));
    assert!(matches!(zero, ImageError::ZeroSized { .. } | ImageError::Damaged { .. }));
    assert!(matches!(error(&gif_file(0)), ImageError::ZeroSized { .. }));
    let mut broken = encode(&DynamicImage::ImageRgb8(Random::seeded().picture(20, 20)), ImageFormat::Png);
    broken[60] ^= 0xFF;
    assert!(matches!(error(&broken), ImageError::Damaged { .. }));
    let empty = Photo::from_rgb(RgbImage::new(0, 3), "none").unwrap_err();
    assert!(matches!(empty, ImageError::ZeroSized { .. }));
}

#[test]
fn unreadable_paths_name_the_path() {
    let folder = tempfile::tempdir().unwrap();
    for path in [folder.path().join("absent.jpg"), folder.path().to_owned()] {
        let error = Photo::open(&path).unwrap_err();
        assert!(matches!(error, ImageError::Read { .. }));
        assert!(error.to_string().contains(path.to_str().unwrap()));
    }
}

#[test]
fn flipped_bytes_never_panic() {
    let mut random = Random::seeded();
    let picture = DynamicImage::ImageRgb8(random.picture(17, 9));
    let files = [
        encode(&picture, ImageFormat::Jpeg),
        encode(&picture, ImageFormat::Png),
        encode(&picture, ImageFormat::Gif),
        encode(&picture, ImageFormat::Tiff),
        encode(&picture, ImageFormat::WebP),
        encode(&picture, ImageFormat::Bmp),
        CMYK.to_vec(),
    ];
    for file in files {
        for _ in 0..60 {
            let mut bytes = file.clone();
            let at = random.below(0, bytes.len() as u32) as usize;
            bytes[at] = random.bits() as u8;
            let _ = Photo::from_bytes(&bytes, "test");
        }
    }
}
