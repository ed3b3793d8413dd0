//! Resize, crop and normalisation against Pillow and torchvision's rules.

use agf::image::{ChannelOrder, Filter, Framing, ImageError, InputSpec, Photo, Prepared, Resize, RgbImage, prepare};
use image::Rgb;

use crate::Random;

fn spec(height: u32, width: u32, short: u32, filter: Filter) -> InputSpec {
    let (resize, order) = (Resize::Crop { short }, ChannelOrder::Rgb);
    InputSpec { height, width, resize, filter, order, mean: [0.0; 3], std: [1.0; 3] }
}

fn photo(image: RgbImage) -> Photo {
    Photo::from_rgb(image, "test").unwrap()
}

fn grey(width: u32, height: u32) -> Photo {
    photo(RgbImage::from_pixel(width, height, Rgb([90; 3])))
}

/// The same formula as `pattern` in fixtures/make_fixtures.py.
fn pattern(width: u32, height: u32) -> Photo {
    photo(RgbImage::from_fn(width, height, |x, y| {
        Rgb([0, 1, 2].map(|c| ((x * x * (c + 1) + 7 * y * (x + c) + 40 * c) % 256) as u8))
    }))
}

fn mean_difference(prepared: &Prepared, expected: &[u8]) -> f64 {
    let expected = image::load_from_memory(expected).unwrap().into_rgb8();
    assert_eq!(prepared.crop.dimensions(), expected.dimensions());
    let pairs = prepared.crop.as_raw().iter().zip(expected.as_raw());
    let total: f64 = pairs.map(|(a, b)| f64::from(a.abs_diff(*b))).sum();
    total / expected.as_raw().len() as f64
}

#[test]
fn standard_framing_equals_pillow() {
    macro_rules! fixture {
        ($name:literal) => {
            (
                &include_bytes!(concat!("fixtures/", $name, "_bilinear.png"))[..],
                &include_bytes!(concat!("fixtures/", $name, "_bicubic.png"))[..],
            )
        };
    }
    let cases = [
        ((61, 47), 24, 19, fixture!("wide")),
        ((31, 90), 20, 20, fixture!("tall")),
        ((9, 7), 22, 21, fixture!("small")),
    ];
    for ((width, height), short, crop, (bilinear, bicubic)) in cases {
        for (filter, expected) in [(Filter::Bilinear, bilinear), (Filter::Bicubic, bicubic)] {
            let spec = spec(crop, crop, short, filter);
            let prepared = prepare(&pattern(width, height), &spec, Framing::Standard).unwrap();
            let difference = mean_difference(&prepared, expected);
            println!("{width} x {height} {filter:?}: {difference}");
            assert!((difference <= 0.05), "{width} x {height} {filter:?}");
        }
    }
}

#[test]
fn torchvision_rounding() {
    let place = |width, height, short, crop| {
        let spec = spec(crop, crop, short, Filter::Bilinear);
        let p = prepare(&grey(width, height), &spec, Framing::Standard).unwrap().placement;
        ((p.resized_height, p.resized_width), (p.crop_top, p.crop_left))
    };
    // int(256 * 500 / 375) = 341; (341 - 224) / 2 = 58.5 rounds to the even 58.
    assert_eq!(place(500, 375, 256, 224), ((256, 341), (16, 58)));
    assert_eq!(place(375, 500, 256, 224), ((341, 256), (58, 16)));
    // (227 - 224) / 2 = 1.5 rounds to the even 2.
    assert_eq!(place(227, 227, 227, 224), ((227, 227), (2, 2)));
    assert_eq!(place(1, 1, 256, 224), ((256, 256), (16, 16)));
    assert_eq!(place(16_384, 1, 256, 224).0, (256, 4_194_304));
}

#[test]
fn the_tensor_is_normalised_chw() {
    let mut random = Random::seeded();
    let picture = photo(random.picture(11, 9));
    let spec =
        InputSpec { mean: [123.675, 116.28, 103.53], std: [58.395, 57.12, 57.375], ..spec(8, 8, 8, Filter::Bicubic) };
    for framing in [Framing::Standard, Framing::Native] {
        let prepared = prepare(&picture, &spec, framing).unwrap();
        let (height, width) = (prepared.height, prepared.width);
        assert_eq!(prepared.tensor.len(), (3 * height * width) as usize);
        for (x, y, pixel) in prepared.crop.enumerate_pixels() {
            for channel in 0..3 {
                let index = ((channel * height + y) * width + x) as usize;
                let c = channel as usize;
                let expected = (f32::from(pixel.0[c]) - spec.mean[c]) / spec.std[c];
                assert!(((prepared.tensor[index] - expected).abs() <= 1e-6));
            }
        }
    }
}

#[test]
fn native_framing_keeps_the_photo() {
    let mut random = Random::seeded();
    let (width, height) = (random.below(1, 50), random.below(1, 50));
    let picture = photo(random.picture(width, height));
    let spec = spec(224, 224, 256, Filter::Bilinear);
    let prepared = prepare(&picture, &spec, Framing::Native).unwrap();
    assert_eq!(&prepared.crop, picture.rgb());
    assert_eq!((prepared.height, prepared.width), (height, width));
}

#[test]
fn size_framing_of_the_networks_own_size_is_standard() {
    let mut random = Random::seeded();
    for _ in 0..50 {
        let (width, height) = (random.below(1, 600), random.below(1, 600));
        let picture = grey(width, height);
        let spec = spec(28, 28, 32, Filter::Bicubic);
        let size = Framing::Size { height: 28, width: 28 };
        let standard = prepare(&picture, &spec, Framing::Standard).unwrap();
        let sized = prepare(&picture, &spec, size).unwrap();
        assert_eq!(standard.placement, sized.placement);
        assert_eq!(standard.tensor, sized.tensor);
    }
}

#[test]
fn size_framing_covers_any_size_and_keeps_the_shape() {
    let mut random = Random::seeded();
    for _ in 0..50 {
        let (height, width) = (random.below(1, 300), random.below(1, 300));
        let picture = grey(random.below(20, 400), random.below(20, 400));
        let spec = spec(224, 224, 256, Filter::Bilinear);
        let prepared = prepare(&picture, &spec, Framing::Size { height, width }).unwrap();
        assert_eq!((prepared.height, prepared.width), (height, width));
        assert!(prepared.tensor.iter().all(|value| *value == 90.0));
        let p = prepared.placement;
        let exact = f64::from(p.photo_width) / f64::from(p.photo_height);
        let wide = f64::from(p.resized_width + 1) / f64::from(p.resized_height);
        let tall = f64::from(p.resized_width) / f64::from(p.resized_height + 1);
        assert!(tall <= exact && exact <= wide, "{p:?}");
    }
}

#[test]
fn one_pixel_becomes_a_full_input() {
    for filter in [Filter::Bilinear, Filter::Bicubic] {
        let spec = spec(224, 224, 256, filter);
        let prepared = prepare(&grey(1, 1), &spec, Framing::Standard).unwrap();
        assert!(prepared.tensor.iter().all(|value| *value == 90.0));
    }
}

#[test]
fn senseless_specs_and_sizes_are_errors() {
    let good = spec(8, 8, 8, Filter::Bilinear);
    let bad = [
        spec(0, 8, 8, Filter::Bilinear),
        spec(8, 8, 7, Filter::Bilinear),
        spec(u32::MAX, u32::MAX, u32::MAX, Filter::Bilinear),
        spec(8, 8, u32::MAX, Filter::Bilinear),
        InputSpec { std: [1.0, 0.0, 1.0], ..good },
        InputSpec { mean: [0.0, f32::NAN, 0.0], ..good },
    ];
    let check = |spec: &InputSpec, framing| {
        let error = prepare(&grey(10, 10), spec, framing).unwrap_err();
        println!("{error}");
        assert!(matches!(error, ImageError::Input { .. }));
    };
    for spec in &bad {
        check(spec, Framing::Standard);
    }
    for (height, width) in [(0, 5), (5, 0), (100_000, 5), (16_000, 16_000)] {
        check(&good, Framing::Size { height, width });
    }
}

#[test]
fn squashing_scales_both_sides_and_cuts_nothing() {
    let mut random = Random::seeded();
    let picture = photo(random.picture(40, 20));
    let squash = InputSpec { resize: Resize::Squash, ..spec(20, 20, 20, Filter::Bilinear) };
    let prepared = prepare(&picture, &squash, Framing::Standard).unwrap();
    let p = prepared.placement;
    assert_eq!((p.resized_height, p.resized_width, p.crop_top, p.crop_left), (20, 20, 0, 0));
    let sized = prepare(&picture, &squash, Framing::Size { height: 20, width: 40 }).unwrap();
    assert_eq!(&sized.crop, picture.rgb());
}

#[test]
fn padding_keeps_the_shape_and_has_the_mean_colour() {
    let mean = [10.0, 20.0, 30.0];
    for order in [ChannelOrder::Rgb, ChannelOrder::Bgr] {
        let pad = InputSpec { resize: Resize::Pad, order, mean, ..spec(16, 16, 16, Filter::Bilinear) };
        for (width, height, top, left) in [(32, 16, 4, 0), (8, 16, 0, 4), (16, 16, 0, 0)] {
            let prepared = prepare(&grey(width, height), &pad, Framing::Standard).unwrap();
            let p = prepared.placement;
            assert_eq!((p.crop_top, p.crop_left, p.crop_height, p.crop_width), (-top, -left, 16, 16));
            for (index, value) in prepared.tensor.iter().enumerate() {
                let (channel, y, x) = (index / 256, (index / 16 % 16) as i32, (index % 16) as i32);
                let inside = (top..16 - top).contains(&y) && (left..16 - left).contains(&x);
                let expected = if inside { 90.0 - mean[channel] } else { 0.0 };
                assert!((value - expected).abs() <= 1e-6, "{order:?} {width}x{height} {channel} {y} {x}: {value}");
            }
        }
    }
}

#[test]
fn the_order_of_channels_turns_colours_and_nothing_else() {
    let mut random = Random::seeded();
    let picture = photo(random.picture(9, 7));
    let rgb = InputSpec { mean: [1.0, 2.0, 3.0], std: [4.0, 5.0, 6.0], ..spec(8, 8, 8, Filter::Bilinear) };
    let bgr = InputSpec { order: ChannelOrder::Bgr, mean: [3.0, 2.0, 1.0], std: [6.0, 5.0, 4.0], ..rgb };
    let [rgb, bgr] = [rgb, bgr].map(|spec| prepare(&picture, &spec, Framing::Native).unwrap());
    let planes = |prepared: &Prepared| prepared.tensor.chunks(63).map(<[f32]>::to_vec).collect::<Vec<_>>();
    let (rgb_planes, mut bgr_planes) = (planes(&rgb), planes(&bgr));
    bgr_planes.reverse();
    assert_eq!(rgb_planes, bgr_planes);
    assert_eq!(rgb.crop, bgr.crop);
}

/// As Pillow's mode L: ITU-R 601-2 in 16 bits, rounded.
#[test]
fn grey_networks_see_brightness() {
    let colours = [[255, 0, 0], [0, 255, 0], [0, 0, 255], [255, 255, 255], [10, 200, 30]];
    let rgb = RgbImage::from_raw(5, 1, colours.concat()).unwrap();
    let photo = Photo::from_rgb(rgb, "test").unwrap();
    let spec =
        InputSpec { order: ChannelOrder::Grey, mean: [10.0; 3], std: [2.0; 3], ..spec(1, 5, 5, Filter::Bilinear) };
    let prepared = prepare(&photo, &spec, Framing::Native).unwrap();
    let expected = [76.0, 150.0, 29.0, 255.0, 124.0].map(|grey: f32| (grey - 10.0) / 2.0);
    assert_eq!(prepared.tensor, expected);
}
