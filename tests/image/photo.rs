//! Decoding: formats, orientation and colour models.

use std::io::Cursor;

use agf::image::{Photo, RgbImage};
use image::codecs::jpeg::JpegEncoder;
use image::codecs::png::PngEncoder;
use image::{
    DynamicImage, ExtendedColorType, GrayAlphaImage, ImageBuffer, ImageEncoder, ImageFormat, Luma, LumaA, Rgb, Rgba,
    RgbaImage,
};

use crate::Random;

pub const CMYK: &[u8] = include_bytes!("fixtures/cmyk.jpg");
pub const YCCK: &[u8] = include_bytes!("fixtures/ycck.jpg");
pub const PROGRESSIVE: &[u8] = include_bytes!("fixtures/progressive.jpg");
const QUADRANTS: [[u8; 3]; 4] = [[230, 40, 50], [30, 160, 60], [40, 60, 200], [250, 250, 250]];

pub fn encode(image: &DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    image.write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

fn read(bytes: &[u8]) -> RgbImage {
    Photo::from_bytes(bytes, "test").unwrap().rgb().clone()
}

fn exif(orientation: u8) -> Vec<u8> {
    let mut chunk = b"II*\0\x08\0\0\0\x01\0".to_vec();
    chunk.extend([0x12, 0x01, 3, 0, 1, 0, 0, 0, orientation, 0, 0, 0, 0, 0, 0, 0]);
    chunk
}

fn assert_quadrants(image: &RgbImage, tolerance: u8) {
    for (index, expected) in QUADRANTS.iter().enumerate() {
        let (x, y) = (8 + index as u32 % 2 * 16, 8 + index as u32 / 2 * 16);
        let found = image.get_pixel(x, y).0;
        for (a, b) in found.iter().zip(expected) {
            assert!(a.abs_diff(*b) <= tolerance, "{found:?} {expected:?}");
        }
    }
}

#[test]
fn lossless_formats_keep_every_pixel_whatever_their_name() {
    let picture = Random::seeded().picture(13, 7);
    let rgb = DynamicImage::ImageRgb8(picture.clone());
    let formats = [ImageFormat::Png, ImageFormat::Bmp, ImageFormat::Tiff, ImageFormat::WebP];
    let folder = tempfile::tempdir().unwrap();
    for format in formats {
        let path = folder.path().join("photo.gif");
        std::fs::write(&path, encode(&rgb, format)).unwrap();
        assert_eq!(Photo::open(&path).unwrap().rgb(), &picture, "{format:?}");
    }
}

#[test]
fn jpeg_and_gif_keep_flat_colours() {
    assert_quadrants(&read(PROGRESSIVE), 3);
    let gif = encode(&DynamicImage::ImageRgb8(read(PROGRESSIVE)), ImageFormat::Gif);
    assert_quadrants(&read(&gif), 12);
}

#[test]
fn cmyk_and_ycck_jpegs_are_not_inverted() {
    assert_quadrants(&read(CMYK), 3);
    assert_quadrants(&read(YCCK), 3);
}

#[test]
fn only_the_first_gif_frame_counts_and_its_holes_are_white() {
    let mut bytes = Vec::new();
    let mut encoder = image::codecs::gif::GifEncoder::new(&mut bytes);
    let mut first = RgbaImage::from_pixel(4, 4, Rgba([0, 128, 0, 255]));
    first.put_pixel(2, 1, Rgba([0, 0, 0, 0]));
    let second = RgbaImage::from_pixel(4, 4, Rgba([200, 0, 0, 255]));
    encoder.encode_frame(image::Frame::new(first)).unwrap();
    encoder.encode_frame(image::Frame::new(second)).unwrap();
    drop(encoder);
    let image = read(&bytes);
    assert_eq!(image.get_pixel(0, 0).0, [0, 128, 0]);
    assert_eq!(image.get_pixel(2, 1).0, [255, 255, 255]);
}

#[test]
fn all_eight_orientations_end_upright() {
    // The upright picture is [a b c; d e f]; per orientation, its pixels as the file stores them.
    let stored: [(u32, &str); 8] = [
        (3, "abcdef"),
        (3, "cbafed"),
        (3, "fedcba"),
        (3, "defabc"),
        (2, "adbecf"),
        (2, "cfbead"),
        (2, "fcebda"),
        (2, "daebfc"),
    ];
    let level = |letter: u8| (letter - b'a') * 40 + 10;
    let upright = RgbImage::from_fn(3, 2, |x, y| Rgb([level(b'a' + (y * 3 + x) as u8); 3]));
    for (index, (width, letters)) in stored.into_iter().enumerate() {
        let pixels: Vec<u8> = letters.bytes().flat_map(|l| [level(l); 3]).collect();
        let file = RgbImage::from_raw(width, 6 / width, pixels).unwrap();
        let orientation = index as u8 + 1;
        assert_eq!(read(&png_with_exif(&file, orientation)), upright, "orientation {orientation}");
        let jpeg = read(&jpeg_with_exif(&enlarge(&file), orientation));
        assert_eq!(jpeg.dimensions(), (48, 32));
        for (x, y, expected) in upright.enumerate_pixels() {
            let found = jpeg.get_pixel(x * 16 + 8, y * 16 + 8).0[0];
            assert!(found.abs_diff(expected.0[0]) <= 4, "JPEG orientation {orientation}");
        }
    }
}

fn enlarge(image: &RgbImage) -> RgbImage {
    RgbImage::from_fn(image.width() * 16, image.height() * 16, |x, y| *image.get_pixel(x / 16, y / 16))
}

fn png_with_exif(image: &RgbImage, orientation: u8) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = PngEncoder::new(&mut bytes);
    encoder.set_exif_metadata(exif(orientation)).unwrap();
    write(encoder, image);
    bytes
}

fn jpeg_with_exif(image: &RgbImage, orientation: u8) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = JpegEncoder::new_with_quality(&mut bytes, 95);
    encoder.set_exif_metadata(exif(orientation)).unwrap();
    write(encoder, image);
    bytes
}

fn write(encoder: impl ImageEncoder, image: &RgbImage) {
    let (width, height) = image.dimensions();
    encoder.write_image(image.as_raw(), width, height, ExtendedColorType::Rgb8).unwrap();
}

#[test]
fn transparency_shows_white() {
    let mut rgba = RgbaImage::from_pixel(3, 1, Rgba([200, 100, 0, 255]));
    rgba.put_pixel(1, 0, Rgba([200, 100, 0, 0]));
    rgba.put_pixel(2, 0, Rgba([200, 100, 0, 128]));
    for format in [ImageFormat::Png, ImageFormat::WebP, ImageFormat::Tiff] {
        let image = read(&encode(&DynamicImage::ImageRgba8(rgba.clone()), format));
        let pixels: Vec<_> = image.pixels().map(|pixel| pixel.0).collect();
        assert_eq!(pixels, [[200, 100, 0], [255; 3], [227, 177, 127]], "{format:?}");
    }
    let grey = GrayAlphaImage::from_pixel(1, 1, LumaA([0, 128]));
    let image = read(&encode(&DynamicImage::ImageLumaA8(grey), ImageFormat::Png));
    assert_eq!(image.get_pixel(0, 0).0, [127; 3]);
}

/// Where nothing is to be seen, transparency tells nothing apart: the colours beneath are the picture.
#[test]
fn a_picture_that_is_transparent_everywhere_keeps_its_colours() {
    let rgba = RgbaImage::from_fn(3, 1, |x, _| Rgba([200, 10 * x as u8, 0, 0]));
    for format in [ImageFormat::Png, ImageFormat::WebP, ImageFormat::Tiff] {
        let image = read(&encode(&DynamicImage::ImageRgba8(rgba.clone()), format));
        let pixels: Vec<_> = image.pixels().map(|pixel| pixel.0).collect();
        assert_eq!(pixels, [[200, 0, 0], [200, 10, 0], [200, 20, 0]], "{format:?}");
    }
}

#[test]
fn sixteen_bit_and_grey_become_eight_bit_rgb() {
    let deep = ImageBuffer::from_fn(2, 1, |x, _| Rgb([x as u16 * 65_535, 257 * 100, 257 * 7]));
    for format in [ImageFormat::Png, ImageFormat::Tiff] {
        let image = read(&encode(&DynamicImage::ImageRgb16(deep.clone()), format));
        assert_eq!(image.get_pixel(0, 0).0, [0, 100, 7], "{format:?}");
        assert_eq!(image.get_pixel(1, 0).0, [255, 100, 7], "{format:?}");
    }
    let grey = ImageBuffer::from_pixel(1, 1, Luma([257_u16 * 33]));
    let image = read(&encode(&DynamicImage::ImageLuma16(grey), ImageFormat::Png));
    assert_eq!(image.get_pixel(0, 0).0, [33; 3]);
}

#[test]
fn palette_png_with_a_transparent_entry() {
    // 4 x 1 pixels of 2 bits: entries 0, 1, 2, 3; entry 2 is transparent.
    let palette = [[255, 0, 0], [0, 255, 0], [0, 0, 255], [9, 8, 7]].concat();
    let bytes = png_file(
        (4, 1, 2, 3),
        &[
            (b"PLTE", &palette),
            (b"tRNS", &[255, 255, 0]),
            // A zlib stream of one stored block: filter byte 0, then the row.
            (b"IDAT", &[0x78, 1, 1, 2, 0, 0xFD, 0xFF, 0, 0x1B, 0, 0x1D, 0, 0x1C]),
        ],
    );
    let pixels: Vec<_> = read(&bytes).pixels().map(|pixel| pixel.0).collect();
    assert_eq!(pixels, [[255, 0, 0], [0, 255, 0], [255; 3], [9, 8, 7]]);
}

/// A PNG file from (width, height, bit depth, colour type) and its other chunks.
pub fn png_file(header: (u32, u32, u8, u8), chunks: &[(&[u8; 4], &[u8])]) -> Vec<u8> {
    let (width, height, depth, color) = header;
    let mut ihdr = [width.to_be_bytes(), height.to_be_bytes()].concat();
    ihdr.extend([depth, color, 0, 0, 0]);
    let mut bytes = b"\x89PNG\r\n\x1a\n".to_vec();
    let all = [(b"IHDR", &ihdr[..])].into_iter();
    for (name, data) in all.chain(chunks.iter().copied()).chain([(b"IEND", &[][..])]) {
        bytes.extend((data.len() as u32).to_be_bytes());
        let body = [&name[..], data].concat();
        bytes.extend(&body);
        bytes.extend(crc32(&body).to_be_bytes());
    }
    bytes
}

fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |mut crc, byte| {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = (crc >> 1) ^ (0xEDB8_8320 & (crc & 1).wrapping_neg());
        }
        crc
    })
}
