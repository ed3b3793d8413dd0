//! The class comparison: layout, captions, odd inputs.

use agf::image::{
    Colormap, ComparisonRow, ImageError, Map, NOT_FINITE_COLOR, PanelEntry, PanelPicture, Range, RgbImage, comparison,
    panel,
};

use crate::Random;

fn entry<'a>(title: &str, map: Map<'a>) -> PanelEntry<'a> {
    PanelEntry { title: title.to_owned(), subtitle: "62.3 %".to_owned(), map }
}

fn draw(crop: &RgbImage, entries: &[PanelEntry]) -> RgbImage {
    panel(crop, &[], entries, Colormap::Seismic, Range::Auto).unwrap()
}

#[test]
fn rows_grow_with_the_classes_and_the_border_stays_white() {
    let mut random = Random::seeded();
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
fn pictures_stand_between_the_photo_and_the_maps() {
    let crop = RgbImage::from_pixel(100, 50, image::Rgb([10, 20, 30]));
    let red = RgbImage::from_pixel(7, 21, image::Rgb([200, 0, 0]));
    let beside = |picture| PanelPicture { title: "koala".to_owned(), subtitle: "similarity 0.71".to_owned(), picture };
    let draw = |pictures: &[PanelPicture]| panel(&crop, pictures, &[], Colormap::Seismic, Range::Auto).unwrap();
    let (alone, two) = (draw(&[]), draw(&[beside(&red), beside(&crop)]));
    assert!(alone.width() < two.width() && two.width() <= 3 * 360 + 50);
    // The second tile is 336 x 168; the tall picture fills its height, in the middle, on white.
    let pixel = |x: u32| two.get_pixel(24 + 356 + x, 24 + 84).0;
    assert_eq!((pixel(168), pixel(100), pixel(236)), ([200, 0, 0], [255; 3], [255; 3]));
    let empty = RgbImage::new(0, 3);
    assert!(panel(&crop, &[beside(&empty)], &[], Colormap::Seismic, Range::Auto).is_err());
}

#[test]
fn any_crop_size_and_caption_works() {
    let mut random = Random::seeded();
    let map = Map::new(&[f32::NAN], 1, 1).unwrap();
    for (width, height) in [(1, 1), (1, 900), (900, 1), (37, 411)] {
        let crop = random.picture(width, height);
        for title in ["", "\n\0", "\u{1F43C} 大熊猫"] {
            let image = draw(&crop, &[entry(title, map)]);
            assert!(image.pixels().any(|pixel| *pixel == NOT_FINITE_COLOR));
        }
    }
    let empty = panel(&RgbImage::new(0, 0), &[], &[], Colormap::Gray, Range::Auto);
    assert!(matches!(empty, Err(ImageError::ZeroSized { .. })));
    let range = panel(&random.picture(5, 5), &[], &[entry("x", map)], Colormap::Gray, Range::Fixed(-1.0));
    assert!(matches!(range, Err(ImageError::Range { .. })));
}

#[test]
fn a_comparison_has_a_column_per_method_and_a_row_per_class() {
    let mut random = Random::seeded();
    let values: Vec<f32> = (0..49).map(|_| random.signed()).collect();
    let map = Map::new(&values, 7, 7).unwrap();
    let crop = random.picture(224, 200);
    let draw_beside = |beside: Option<PanelPicture>, methods: usize, classes: usize| {
        let names: Vec<String> = (0..methods).map(|index| format!("method-{index} with a very long name")).collect();
        let (title, subtitle) = ("giant panda".into(), "62.3 %".into());
        let row = ComparisonRow { title, subtitle, beside, maps: vec![map; methods] };
        comparison(&crop, &names, &vec![row; classes], Colormap::Seismic, Range::Auto).unwrap()
    };
    let draw = |methods: usize, classes: usize| draw_beside(None, methods, classes);
    let sizes = [(1, 1), (2, 1), (2, 2), (13, 3)].map(|(methods, classes)| draw(methods, classes).dimensions());
    let (column, row) = (sizes[1].0 - sizes[0].0, sizes[2].1 - sizes[1].1);
    assert!(column > 208 && row > 185, "{sizes:?}");
    assert_eq!(sizes[3], (sizes[0].0 + 12 * column, sizes[0].1 + 2 * row));
    let image = draw(3, 2);
    let (width, height) = image.dimensions();
    for (x, y, pixel) in image.enumerate_pixels() {
        let border = x < 10 || y < 10 || x + 10 >= width || y + 10 >= height;
        assert!(!border || pixel.0 == [255; 3], "ink at {x}, {y}");
    }
    // The other picture is higher than the photo and lies within its outline, in a column of its own before the maps.
    let green = RgbImage::from_pixel(50, 200, image::Rgb([0, 255, 0]));
    let beside = PanelPicture { title: "like green".into(), subtitle: String::new(), picture: &green };
    let image = draw_beside(Some(beside), 2, 2);
    assert_eq!(image.dimensions(), (sizes[2].0 + column, sizes[2].1));
    let is_green = |x: u32, y: u32| image.get_pixel(x, y).0 == [0, 255, 0];
    let greens: Vec<u32> = image.enumerate_pixels().filter(|&(x, y, _)| is_green(x, y)).map(|(x, _, _)| x).collect();
    assert!(greens.len() > 2 * 40 * 180, "{}", greens.len());
    assert!(greens.iter().all(|x| (24 + column..24 + 2 * column).contains(x)));
    let odd = Map::new(&[f32::NAN], 1, 1).unwrap();
    let row = ComparisonRow { title: String::new(), subtitle: String::new(), beside: None, maps: vec![odd] };
    let image = comparison(&crop, &["m".into()], &[row], Colormap::Gray, Range::Fixed(1.0)).unwrap();
    assert!(image.pixels().any(|pixel| *pixel == NOT_FINITE_COLOR));
    let empty = comparison(&RgbImage::new(0, 0), &[], &[], Colormap::Gray, Range::Auto);
    assert!(matches!(empty, Err(ImageError::ZeroSized { .. })));
}
