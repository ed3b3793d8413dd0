//! Every way a photo file can be wrong has its own error.

use agf::image::{ImageError, Photo, RgbImage};
use image::{DynamicImage, ImageFormat};

use crate::Random;
use crate::photo::{CMYK, encode, png_file};

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

#[test]
fn cut_off_files_are_errors_at_every_length() {
    let picture = DynamicImage::ImageRgb8(Random::from_clock().picture(40, 30));
    let formats =
        [ImageFormat::Jpeg, ImageFormat::Png, ImageFormat::Bmp, ImageFormat::Gif, ImageFormat::WebP, ImageFormat::Tiff];
    for format in formats {
        let bytes = encode(&picture, format);
        for percent in (3..95).step_by(7) {
            let cut = &bytes[..bytes.len() * percent / 100];
            let result = Photo::from_bytes(cut, "test");
            assert!(result.is_err(), "{format:?} cut to {percent} %");
        }
    }
    let jpeg = encode(&picture, ImageFormat::Jpeg);
    let cut = error(&jpeg[..jpeg.len() - 2]);
    assert!(matches!(cut, ImageError::Truncated { .. }));
    let png = encode(&picture, ImageFormat::Png);
    let cut = error(&png[..png.len() / 2]);
    assert!(matches!(cut, ImageError::Truncated { .. }));
}

#[test]
fn wrong_content_has_its_own_error() {
    assert!(matches!(error(b""), ImageError::Empty { .. }));
    assert!(matches!(error(b"just some text"), ImageError::NotAPicture { .. }));
    assert!(matches!(error(b"\0\0\0\x1cftypavif\0\0\0\0avifmif1miaf"), ImageError::Unsupported { .. }));
    let zero = error(&png_file((0, 5, 8, 2), &[(b"IDAT", &[])]));
    assert!(matches!(zero, ImageError::ZeroSized { .. } | ImageError::Damaged { .. }));
    assert!(matches!(error(&gif_file(0)), ImageError::ZeroSized { .. }));
    let mut broken = encode(&DynamicImage::ImageRgb8(Random::from_clock().picture(20, 20)), ImageFormat::Png);
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
    let mut random = Random::from_clock();
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
