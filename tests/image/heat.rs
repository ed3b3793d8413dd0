//! Colour maps, ranges, heat maps and overlays.

use agf::image::{
    ChannelOrder, Colormap, Filter, Framing, ImageError, InputSpec, Map, NOT_FINITE_COLOR, Photo, Placement, Range,
    Resize, RgbImage, heatmap, overlay, prepare,
};
use image::Rgb;

use crate::Random;

#[test]
fn end_and_middle_colours_are_exact() {
    let expected = [
        (Colormap::Seismic, [0, 0, 77], [255; 3], [128, 0, 0]),
        (Colormap::RedBlue, [5, 48, 97], [247; 3], [103, 0, 31]),
        (Colormap::Gray, [0; 3], [128; 3], [255; 3]),
    ];
    for (colormap, low, middle, high) in expected {
        for limit in [1e-30, 0.013, 1.0, 7e20] {
            assert_eq!(colormap.color(-limit, limit).0, low);
            assert_eq!(colormap.color(0.0, limit).0, middle);
            assert_eq!(colormap.color(limit, limit).0, high);
            assert_eq!(colormap.color(-2.0 * limit, limit).0, low);
            assert_eq!(colormap.color(f32::MAX, limit).0, high);
        }
    }
    assert_eq!(Colormap::Seismic.color(0.5, 1.0).0, [255, 0, 0]);
    assert_eq!(Colormap::Seismic.color(-0.5, 1.0).0, [0, 0, 255]);
}

#[test]
fn viridis_is_matplotlibs() {
    // matplotlib.colormaps["viridis"] at entries 0, 64, 128, 192 and 255 of 0..255.
    let expected =
        [(0, [68, 1, 84]), (64, [58, 82, 139]), (128, [32, 144, 140]), (192, [94, 201, 97]), (255, [253, 231, 36])];
    for (entry, color) in expected {
        let found = Colormap::Viridis.color(entry as f32 / 127.5 - 1.0, 1.0).0;
        for (a, b) in found.iter().zip(color) {
            assert!(a.abs_diff(b) <= 2, "{found:?} {color:?}");
        }
    }
}

#[test]
fn colours_change_in_small_steps() {
    for colormap in Colormap::ALL {
        let steps = 4096;
        let colors: Vec<_> =
            (0..=steps).map(|step| colormap.color(step as f32 / steps as f32 * 2.0 - 1.0, 1.0).0).collect();
        for pair in colors.windows(2) {
            assert!((0..3).all(|c| pair[0][c].abs_diff(pair[1][c]) <= 1));
        }
    }
}

#[test]
fn names_parse_and_print() {
    for colormap in Colormap::ALL {
        assert_eq!(colormap.to_string().parse::<Colormap>().unwrap(), colormap);
    }
    let error = "jet".parse::<Colormap>().unwrap_err().to_string();
    assert!(error.contains("jet") && error.contains("seismic, red-blue, viridis, gray"));
    for text in ["auto", "0.25"] {
        assert_eq!(text.parse::<Range>().unwrap().to_string(), text);
    }
    for text in ["", "0", "-1", "nan", "inf", "wide"] {
        assert!(matches!(text.parse::<Range>(), Err(ImageError::Range { .. })));
    }
}

#[test]
fn the_automatic_range_is_robust_and_symmetric() {
    let limit = |values: &[f32]| {
        let map = Map::new(values, 1, values.len() as u32).unwrap();
        Range::Auto.limit(&map).unwrap()
    };
    assert_eq!(limit(&[0.1, -0.4, 0.2]), 0.4);
    assert_eq!(limit(&[0.0; 5]), 1.0);
    assert_eq!(limit(&[f32::NAN, f32::INFINITY]), 1.0);
    assert_eq!(limit(&[f32::NAN, -3.0, 0.0]), 3.0);
    let mut lone = vec![0.0; 10_000];
    lone[17] = -5.0;
    assert_eq!(limit(&lone), 5.0);
    let mut outlier: Vec<f32> = (0..1000).map(|i| (i as f32 / 999.0) - 0.5).collect();
    outlier[3] = 1e6;
    assert!(((limit(&outlier) - 0.5).abs() <= 0.01));

    let (weak, strong) = ([0.1, 0.0], [-0.7, 0.2]);
    let maps = [Map::new(&weak, 1, 2).unwrap(), Map::new(&strong, 1, 2).unwrap()];
    assert_eq!(Range::shared(&maps), Range::Fixed(0.7));
    assert_eq!(Range::shared(&[]), Range::Fixed(1.0));
}

#[test]
fn heatmaps_show_what_is_not_finite() {
    let values = [0.0, f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 1.0, -1.0];
    let map = Map::new(&values, 2, 3).unwrap();
    for colormap in Colormap::ALL {
        let image = heatmap(&map, colormap, Range::Auto).unwrap();
        assert_eq!(image.dimensions(), (3, 2));
        for (x, y) in [(1, 0), (2, 0), (0, 1)] {
            assert_eq!(*image.get_pixel(x, y), NOT_FINITE_COLOR);
        }
        assert_eq!(*image.get_pixel(1, 1), colormap.color(1.0, 1.0));
        assert!([(0, 0), (1, 1), (2, 1)].iter().all(|(x, y)| *image.get_pixel(*x, *y) != NOT_FINITE_COLOR));
    }
}

#[test]
fn maps_and_ranges_are_checked() {
    for (height, width) in [(2, 3), (0, 5), (5, 0), (u32::MAX, u32::MAX)] {
        let error = Map::new(&[0.0; 5], height, width).unwrap_err();
        println!("{error}");
        assert!(matches!(error, ImageError::MapSize { .. }));
    }
    let map = Map::new(&[0.0], 1, 1).unwrap();
    for limit in [0.0, -1.0, f32::NAN, f32::INFINITY] {
        let error = heatmap(&map, Colormap::Gray, Range::Fixed(limit)).unwrap_err();
        assert!(matches!(error, ImageError::Range { .. }));
    }
}

fn framed(width: u32, height: u32) -> (Photo, Placement) {
    let photo = RgbImage::from_pixel(width, height, Rgb([120, 130, 110]));
    let photo = Photo::from_rgb(photo, "test").unwrap();
    let spec = InputSpec {
        height: 56,
        width: 56,
        resize: Resize::Crop { short: 64 },
        filter: Filter::Bilinear,
        order: ChannelOrder::Rgb,
        mean: [0.0; 3],
        std: [1.0; 3],
    };
    let placement = prepare(&photo, &spec, Framing::Standard).unwrap().placement;
    (photo, placement)
}

#[test]
fn overlays_are_red_and_blue_and_dim_outside() {
    let (photo, placement) = framed(200, 120);
    let values: Vec<f32> = (0..56 * 56)
        .map(|i| match i % 56 {
            0..=13 => 1.0,
            42..=55 => -1.0,
            _ => 0.0,
        })
        .collect();
    let map = Map::new(&values, 56, 56).unwrap();
    let image = overlay(&photo, &map, &placement, Colormap::Seismic, Range::Auto).unwrap();
    assert_eq!(image.dimensions(), (200, 120));
    let [red, blue, neutral, outside] = [58, 142, 100, 5].map(|x| image.get_pixel(x, 60).0);
    assert!(i32::from(red[0]) > i32::from(red[2]) + 60, "{red:?}");
    assert!(i32::from(blue[2]) > i32::from(blue[0]) + 40, "{blue:?}");
    assert!(neutral.iter().all(|v| v.abs_diff(neutral[1]) < 15));
    assert!(outside[1] < neutral[1] - 30, "{outside:?} {neutral:?}");
}

#[test]
fn overlays_never_hide_a_nan_and_check_the_photo() {
    let mut random = Random::seeded();
    let (photo, placement) = framed(random.below(1, 200), random.below(1, 200));
    let values = vec![f32::NAN; 56 * 56];
    let map = Map::new(&values, 56, 56).unwrap();
    let image = overlay(&photo, &map, &placement, Colormap::Gray, Range::Auto).unwrap();
    assert!(image.pixels().any(|pixel| *pixel == NOT_FINITE_COLOR));

    let (other, _) = framed(201, 7);
    let error = overlay(&other, &map, &placement, Colormap::Gray, Range::Auto).unwrap_err();
    assert!(matches!(error, ImageError::WrongPhoto { .. }));
}
