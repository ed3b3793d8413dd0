//! A map at the network input lands where it belongs on the photo.

use agf::image::{
    ChannelOrder, Filter, Framing, InputSpec, Map, Photo, PhotoMap, Placement, Resize, RgbImage, prepare,
};
use image::Rgb;

use crate::Random;

const SPEC: InputSpec = InputSpec {
    height: 57,
    width: 57,
    resize: Resize::Crop { short: 64 },
    filter: Filter::Bilinear,
    order: ChannelOrder::Rgb,
    mean: [0.0; 3],
    std: [1.0; 3],
};

fn place(photo: &Photo, framing: Framing) -> Placement {
    prepare(photo, &SPEC, framing).unwrap().placement
}

fn blank(width: u32, height: u32) -> Photo {
    Photo::from_rgb(RgbImage::new(width, height), "test").unwrap()
}

/// The centre of mass of a photo map, in pixel indices (x, y).
fn centre(map: &PhotoMap) -> (f64, f64) {
    let (mut x_sum, mut y_sum, mut total) = (0.0, 0.0, 0.0);
    for y in map.rows() {
        for x in map.columns() {
            let value = f64::from(map.get(x, y).unwrap());
            x_sum += value * f64::from(x);
            y_sum += value * f64::from(y);
            total += value;
        }
    }
    (x_sum / total, y_sum / total)
}

/// A photo with a bright blob, whose own input is the map: the blob must come back in place.
fn blob_returns(width: u32, height: u32, framing: Framing, tolerance: f64) {
    let probe = place(&blank(width, height), framing);
    let zeros = vec![0.0; (probe.crop_height * probe.crop_width) as usize];
    let map = Map::new(&zeros, probe.crop_height, probe.crop_width).unwrap();
    let seen = probe.to_photo(&map);
    let at =
        |range: std::ops::Range<u32>, share: f64| f64::from(range.start) + f64::from(range.end - range.start) * share;
    let (x0, y0) = (at(seen.columns(), 0.4).floor(), at(seen.rows(), 0.55).floor());
    let sigma = f64::from(seen.columns().len().min(seen.rows().len()) as u32) / 14.0;
    let sigma = sigma.max(0.3);

    let photo = RgbImage::from_fn(width, height, |x, y| {
        let distance = (f64::from(x) - x0).powi(2) + (f64::from(y) - y0).powi(2);
        Rgb([(255.0 * (-distance / (2.0 * sigma * sigma)).exp()).round() as u8; 3])
    });
    let photo = Photo::from_rgb(photo, "blob").unwrap();
    let prepared = prepare(&photo, &SPEC, framing).unwrap();
    let plane = &prepared.tensor[..(prepared.height * prepared.width) as usize];
    let map = Map::new(plane, prepared.height, prepared.width).unwrap();
    let (x, y) = centre(&prepared.placement.to_photo(&map));
    let off = ((x - x0).abs()).max((y - y0).abs());
    println!("{width} x {height} {framing:?}: off by {off:.3}");
    assert!((off <= tolerance), "{width} x {height} {framing:?}: ({x}, {y}), not ({x0}, {y0})");
}

#[test]
fn a_blob_returns_to_its_photo_pixel() {
    let sizes = [(101, 77), (77, 101), (400, 61), (61, 400), (64, 64), (57, 57), (13, 11), (333, 200)];
    let framings = [Framing::Standard, Framing::Native, Framing::Size { height: 90, width: 41 }];
    for (width, height) in sizes {
        for framing in framings {
            blob_returns(width, height, framing, 1.0);
        }
    }
    let mut random = Random::seeded();
    for _ in 0..10 {
        let (width, height) = (random.below(16, 300), random.below(16, 300));
        blob_returns(width, height, Framing::Standard, 1.0);
    }
}

#[test]
fn native_maps_return_unchanged() {
    let mut random = Random::seeded();
    let values: Vec<f32> = (0..9 * 31).map(|_| random.signed()).collect();
    let map = Map::new(&values, 9, 31).unwrap();
    let heat = place(&blank(31, 9), Framing::Native).to_photo(&map);
    for (found, expected) in heat.values().iter().zip(&values) {
        assert!(((found - expected).abs() <= 1e-6));
    }
}

#[test]
fn a_constant_map_stays_constant_and_ends_at_the_crop() {
    let mut random = Random::seeded();
    for _ in 0..30 {
        let (width, height) = (random.below(1, 300), random.below(1, 300));
        let placement = place(&blank(width, height), Framing::Standard);
        let (rows, columns) = (random.below(1, 60), random.below(1, 60));
        let values = vec![0.25; (rows * columns) as usize];
        let heat = placement.to_photo(&Map::new(&values, rows, columns).unwrap());
        assert!(heat.values().iter().all(|v| (v - 0.25).abs() <= 1e-6));

        let scale = f64::from(height) / f64::from(placement.resized_height);
        let top = f64::from(placement.crop_top) * scale;
        assert!(((f64::from(heat.rows().start) - top).abs() <= 1.0));
        assert!(heat.rows().end <= height && heat.columns().end <= width);
        assert_eq!(heat.get(heat.columns().end, 0), None);
        assert_eq!(heat.get(u32::MAX, u32::MAX), None);
        assert!(heat.get(heat.columns().start, heat.rows().start).is_some());
    }
}

#[test]
fn tiny_and_extreme_photos_have_a_place() {
    for (width, height) in [(1, 1), (2, 1), (1, 2), (1, 5000), (5000, 1), (3, 2)] {
        let placement = place(&blank(width, height), Framing::Standard);
        let values = vec![1.0; 57 * 57];
        let heat = placement.to_photo(&Map::new(&values, 57, 57).unwrap());
        assert!(!heat.values().is_empty(), "{width} x {height}");
        assert!(heat.values().iter().all(|v| (v - 1.0).abs() <= 1e-5));
    }
}

#[test]
fn a_nan_shows_on_the_photo() {
    let mut values = vec![0.0; 57 * 57];
    values[20 * 57 + 30] = f32::NAN;
    let map = Map::new(&values, 57, 57).unwrap();
    for (width, height) in [(300, 200), (20, 30)] {
        let heat = place(&blank(width, height), Framing::Standard).to_photo(&map);
        let count = heat.values().iter().filter(|v| v.is_nan()).count();
        assert!(count >= 1 && count < heat.values().len() / 4, "{count}");
    }
}

#[test]
fn a_map_over_a_padded_input_comes_back_to_the_photo_alone() {
    let photo = Photo::from_rgb(RgbImage::new(40, 20), "test").unwrap();
    let pad = InputSpec { height: 40, width: 40, resize: Resize::Pad, ..SPEC };
    let placement = prepare(&photo, &pad, Framing::Standard).unwrap().placement;
    // Each row of the map holds its number.
    let values: Vec<f32> = (0..40).flat_map(|row| [row as f32; 40]).collect();
    let map = placement.to_photo(&Map::new(&values, 40, 40).unwrap());
    assert_eq!((map.rows(), map.columns()), (0..20, 0..40));
    for y in 0..20 {
        assert_eq!(map.get(7, y), Some((10 + y) as f32));
        assert_eq!(placement.photo_pixel(7, 10 + y), Some((7, y)));
    }
    assert_eq!([9, 30].map(|y| placement.photo_pixel(7, y)), [None, None]);
}
