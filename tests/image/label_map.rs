//! Whole numbers from pictures: every depth as it is stored, palettes by their entries, and what is refused.

use agf::image::{ImageError, LabelMap};
use image::{DynamicImage, GrayImage, ImageBuffer, ImageFormat, Luma, Rgb, RgbImage, Rgba, RgbaImage};

use crate::photo::{encode, png_file};

fn read(bytes: &[u8]) -> LabelMap {
    LabelMap::from_bytes(bytes, "mask").unwrap()
}

/// A zlib stream of one stored block.
fn stored(data: &[u8]) -> Vec<u8> {
    let length = data.len() as u16;
    let (low, high) = data.iter().fold((1, 0), |(low, high), &byte| {
        let low = (low + u32::from(byte)) % 65_521;
        (low, (high + low) % 65_521)
    });
    [&[0x78, 1, 1][..], &length.to_le_bytes(), &(!length).to_le_bytes(), data, &(high << 16 | low).to_be_bytes()]
        .concat()
}

#[test]
fn every_depth_is_taken_as_it_is_stored() {
    let palette = [[0, 0, 0], [128, 0, 0], [0, 128, 0], [224, 224, 192]].concat();
    // Rows begin with the number of their filter, 0; samples stand from the highest bit on.
    for (header, row, expected) in [
        ((5, 1, 1, 0), &[0, 0b0110_1000][..], [0, 1, 1, 0, 1]),
        ((5, 1, 2, 0), &[0, 0b0001_1011, 0b0100_0000], [0, 1, 2, 3, 1]),
        ((5, 1, 4, 0), &[0, 0x01, 0x2F, 0x70], [0, 1, 2, 15, 7]),
        ((5, 1, 8, 0), &[0, 0, 1, 2, 254, 255], [0, 1, 2, 254, 255]),
        ((5, 1, 16, 0), &[0, 0, 0, 0, 1, 0, 255, 1, 0, 255, 255], [0, 1, 255, 256, 65_535]),
        ((5, 1, 2, 3), &[0, 0b0001_1011, 0b0100_0000], [0, 1, 2, 3, 1]),
        ((5, 1, 8, 3), &[0, 0, 1, 2, 3, 1], [0, 1, 2, 3, 1]),
    ] {
        let chunks: [(&[u8; 4], &[u8]); 2] = [(b"PLTE", &palette), (b"IDAT", &stored(row))];
        let map = read(&png_file(header, &chunks[usize::from(header.3 != 3)..]));
        assert_eq!((map.height, map.width, &map.values[..]), (1, 5, &expected[..]), "{header:?}");
    }
}

#[test]
fn grey_pictures_of_other_formats_keep_their_values() {
    let grey = GrayImage::from_fn(4, 3, |x, y| Luma([(x * y) as u8 * 40]));
    let expected: Vec<u16> = grey.as_raw().iter().map(|&value| value.into()).collect();
    let rgb = RgbImage::from_fn(4, 3, |x, y| Rgb([(x * y) as u8 * 40; 3]));
    for format in [ImageFormat::Png, ImageFormat::Tiff, ImageFormat::Bmp] {
        assert_eq!(read(&encode(&DynamicImage::ImageLuma8(grey.clone()), format)).values, expected, "{format:?}");
        assert_eq!(read(&encode(&DynamicImage::ImageRgb8(rgb.clone()), format)).values, expected, "{format:?}");
    }
    let deep = ImageBuffer::from_fn(3, 1, |x, _| Luma([[0_u16, 1, 256][x as usize]]));
    let map = read(&encode(&DynamicImage::ImageLuma16(deep), ImageFormat::Tiff));
    assert_eq!(map.values, [0, 1, 256]);
}

#[test]
fn what_may_not_be_exact_is_refused() {
    let error = |image: &DynamicImage, format| {
        let error = LabelMap::from_bytes(&encode(image, format), "dir/mask.png").unwrap_err();
        assert!(matches!(error, ImageError::NoLabels { .. }), "{error}");
        let text = error.to_string();
        assert!(text.contains("dir/mask.png") && text.contains("save it as PNG"), "{text}");
        text
    };
    let grey = DynamicImage::ImageLuma8(GrayImage::new(8, 8));
    assert!(error(&grey, ImageFormat::Jpeg).contains("JPEG"));
    assert!(error(&DynamicImage::ImageRgb8(RgbImage::new(8, 8)), ImageFormat::WebP).contains("WebP"));
    let red = DynamicImage::ImageRgb8(RgbImage::from_pixel(2, 2, Rgb([128, 0, 0])));
    assert!(error(&red, ImageFormat::Png).contains("colours") && error(&red, ImageFormat::Bmp).contains("colours"));
    let clear = DynamicImage::ImageRgba8(RgbaImage::from_fn(2, 1, |x, _| Rgba([255, 255, 255, 255 * x as u8])));
    assert!(error(&clear, ImageFormat::Png).contains("transparent"));
    let huge = png_file((20_000, 20_000, 8, 0), &[(b"IDAT", &[])]);
    assert!(matches!(LabelMap::from_bytes(&huge, "mask").unwrap_err(), ImageError::TooLarge { .. }));
}
