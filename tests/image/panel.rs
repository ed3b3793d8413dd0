//! The class comparison: layout, captions, odd inputs.

use agf::image::{Colormap, ImageError, Map, NOT_FINITE_COLOR, PanelEntry, Range, RgbImage, panel};

use crate::Random;

fn entry<'a>(title: &str, map: Map<'a>) -> PanelEntry<'a> {
    PanelEntry { title: title.to_owned(), subtitle: "62.3 %".to_owned(), map }
}

fn draw(crop: &RgbImage, entries: &[PanelEntry]) -> RgbImage {
    panel(crop, entries, Colormap::Seismic, Range::Auto).unwrap()
}

#[test]
fn rows_grow_with_the_classes_and_the_border_stays_white() {
    let mut random = Random::from_clock();
    let values: Vec<f32> = (0..49).map(|_| random.signed()).collect();
    let map = Map::new(&values, 7, 7).unwrap();
    let crop = random.picture(224, 224);
    let long = "Donaudampfschifffahrtsgesellschaft ".repeat(20);
    let mut heights = Vec::new();
    for count in [0, 1, 4, 5, 9, 13] {
        let image = draw(&crop, &vec![entry(&long, map); count]);
        let (width, height) = image.dimensions();
        assert!(width <= 5 * 360 + 50, "{width}");
        for (x, y, pixel) in image.enumerate_pixels() {
            let border = x < 10 || y < 10 || x + 10 >= width || y + 10 >= height;
            assert!(!border || pixel.0 == [255; 3], "ink at {x}, {y}");
        }
        heights.push(height);
    }
    assert_eq!(heights[1], heights[2]);
    assert!(heights[2] < heights[3] && heights[4] < heights[5]);
}

#[test]
fn any_crop_size_and_caption_works() {
    let mut random = Random::from_clock();
    let map = Map::new(&[f32::NAN], 1, 1).unwrap();
    for (width, height) in [(1, 1), (1, 900), (900, 1), (37, 411)] {
        let crop = random.picture(width, height);
        for title in ["", "\n\0", "\u{1F43C} 大熊猫"] {
            let image = draw(&crop, &[entry(title, map)]);
            assert!(image.pixels().any(|pixel| *pixel == NOT_FINITE_COLOR));
        }
    }
    let empty = panel(&RgbImage::new(0, 0), &[], Colormap::Gray, Range::Auto);
    assert!(matches!(empty, Err(ImageError::ZeroSized { .. })));
    let range = panel(&random.picture(5, 5), &[entry("x", map)], Colormap::Gray, Range::Fixed(-1.0));
    assert!(matches!(range, Err(ImageError::Range { .. })));
}
