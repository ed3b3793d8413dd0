//! The photo and the maps of several classes side by side, captioned.

use ::image::{Rgb, RgbImage, imageops};
use fast_image_resize::{FilterType, ResizeAlg, ResizeOptions, Resizer};

use super::colormap::Colormap;
use super::error::ImageError;
use super::map::{Map, Range};
use super::overlay::heated;
use super::resample::{resample, taps};
use super::text::Style;

/// Longer side of every picture in the panel, in pixels.
const TILE_SIDE: u32 = 336;
/// Narrowest column, so that captions of tall, thin photos stay readable.
const MIN_COLUMN: u32 = 150;
const MAX_COLUMNS: usize = 5;
pub(super) const MARGIN: u32 = 24;
const GAP: u32 = 20;
const BAR_HEIGHT: u32 = 8;
const TITLE_LINES: usize = 2;

pub(super) const BACKGROUND: Rgb<u8> = Rgb([255, 255, 255]);
pub(super) const INK: Rgb<u8> = Rgb([28, 32, 38]);
pub(super) const FAINT_INK: Rgb<u8> = Rgb([104, 110, 120]);

const TITLE: Style = Style { bold: true, size: 19.0, color: INK };
const SUBTITLE: Style = Style { bold: false, size: 18.0, color: INK };
const SCALE: Style = Style { bold: false, size: 14.0, color: FAINT_INK };

/// One class of a panel.
#[derive(Clone, Debug)]
pub struct PanelEntry<'a> {
    /// First caption line, in bold: the class name.
    pub title: String,
    /// Second caption line: the probability, such as `62.3 %`. May be empty.
    pub subtitle: String,
    /// The class's map over the network input, of any resolution.
    pub map: Map<'a>,
}

/// A picture beside the photo: one that it is compared with.
#[derive(Clone, Debug)]
pub struct PanelPicture<'a> {
    /// First caption line, in bold.
    pub title: String,
    /// Second caption line. May be empty.
    pub subtitle: String,
    /// The picture, which is scaled to lie within the photo's outline.
    pub picture: &'a RgbImage,
}

/// Draws the network input (`Prepared::crop`) and, beside it, the pictures that it is compared with and each map laid
/// over it.
///
/// Every picture's longer side is 336 pixels, at most five stand in a row, and titles too long
/// for two lines end in an ellipsis. The colour bar under a picture names its range; with
/// [`Range::Auto`] each map has its own, with [`Range::shared`] they compare.
///
/// # Errors
///
/// [`ImageError::Range`] for an unusable fixed range, [`ImageError::ZeroSized`] for a crop
/// without pixels.
pub fn panel(
    crop: &RgbImage,
    pictures: &[PanelPicture],
    entries: &[PanelEntry],
    colormap: Colormap,
    range: Range,
) -> Result<RgbImage, ImageError> {
    let photo = shrink(crop, TILE_SIDE)?;
    let width = column_width(&photo);
    let mut tiles = vec![Tile {
        picture: photo.clone(),
        title: TITLE.wrap("photo", width, TITLE_LINES),
        subtitle: String::new(),
        limit: None,
    }];
    for PanelPicture { title, subtitle, picture } in pictures {
        tiles.push(Tile {
            picture: within(picture, photo.dimensions())?,
            title: TITLE.wrap(title, width, TITLE_LINES),
            subtitle: SUBTITLE.fit(subtitle, width),
            limit: None,
        });
    }
    for entry in entries {
        let limit = range.limit(&entry.map)?;
        tiles.push(Tile {
            picture: lay_over(&photo, &entry.map, limit, colormap),
            title: TITLE.wrap(&entry.title, width, TITLE_LINES),
            subtitle: SUBTITLE.fit(&entry.subtitle, width),
            limit: Some(limit),
        });
    }
    Ok(arrange(&tiles, photo.dimensions(), colormap))
}

struct Tile {
    picture: RgbImage,
    title: Vec<String>,
    subtitle: String,
    /// The value at the ends of the colour bar; the photo has none.
    limit: Option<f32>,
}

fn column_width(photo: &RgbImage) -> f32 {
    photo.width().max(MIN_COLUMN) as f32
}

/// The picture with `side` pixels along its longer side.
pub(super) fn shrink(crop: &RgbImage, side: u32) -> Result<RgbImage, ImageError> {
    let (width, height) = crop.dimensions();
    let scaled = |length: u32| {
        let scaled = u64::from(length) * u64::from(side) / u64::from(width.max(height).max(1));
        (scaled as u32).clamp(1, side)
    };
    let mut tile = RgbImage::new(scaled(width), scaled(height));
    let options = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(FilterType::CatmullRom));
    let resized = Resizer::new().resize(crop, &mut tile, &options);
    if width == 0 || height == 0 || resized.is_err() {
        return Err(ImageError::ZeroSized { name: "the panel's photo".to_owned(), width, height });
    }
    Ok(tile)
}

/// The picture in the middle of a tile, as large as it may be.
pub(super) fn within(picture: &RgbImage, (width, height): (u32, u32)) -> Result<RgbImage, ImageError> {
    let (w, h) = picture.dimensions();
    let scale = (f64::from(width) / f64::from(w.max(1))).min(f64::from(height) / f64::from(h.max(1)));
    let side = ((f64::from(w.max(h)) * scale).round() as u32).clamp(1, width.max(height));
    let small = shrink(picture, side)?;
    let mut tile = RgbImage::from_pixel(width, height, BACKGROUND);
    let middle = |whole: u32, part: u32| i64::from(whole.saturating_sub(part) / 2);
    imageops::replace(&mut tile, &small, middle(width, small.width()), middle(height, small.height()));
    Ok(tile)
}

/// The photo under a map's colours, whose ends stand for `limit`.
pub(super) fn lay_over(photo: &RgbImage, map: &Map, limit: f32, colormap: Colormap) -> RgbImage {
    let axis = |input: u32, count: u32| taps(input, count, 0.0, f64::from(input) / f64::from(count));
    let rows = axis(map.height(), photo.height());
    let columns = axis(map.width(), photo.width());
    let mut picture = photo.clone();
    for (pixel, value) in picture.pixels_mut().zip(resample(map, &rows, &columns)) {
        *pixel = heated(*pixel, value, limit, colormap);
    }
    picture
}

/// Places the tiles in rows of about equal length.
fn arrange(tiles: &[Tile], (width, height): (u32, u32), colormap: Colormap) -> RgbImage {
    let rows = tiles.len().div_ceil(MAX_COLUMNS);
    let columns = tiles.len().div_ceil(rows);
    let title_lines = tiles.iter().map(|tile| tile.title.len()).max().unwrap_or(0) as u32;
    // Without maps there are no bars.
    let has_bars = tiles.iter().any(|tile| tile.limit.is_some());
    let bar = if has_bars { 8 + BAR_HEIGHT + 3 + SCALE.line_height() } else { 0 };
    let caption = 8 + title_lines * TITLE.line_height() + SUBTITLE.line_height();
    let column = width.max(MIN_COLUMN);
    let row = height + bar + caption;
    let total = |count: usize, side: u32| 2 * MARGIN + count as u32 * (side + GAP) - GAP;

    let mut image = RgbImage::from_pixel(total(columns, column), total(rows, row), BACKGROUND);
    for (index, tile) in tiles.iter().enumerate() {
        let left = MARGIN + (index % columns) as u32 * (column + GAP);
        let top = MARGIN + (index / columns) as u32 * (row + GAP);
        draw_tile(&mut image, tile, (left, top), (column, bar), colormap);
    }
    image
}

fn draw_tile(
    image: &mut RgbImage,
    tile: &Tile,
    (left, top): (u32, u32),
    (column, bar): (u32, u32),
    colormap: Colormap,
) {
    imageops::replace(image, &tile.picture, i64::from(left), i64::from(top));
    let mut y = top + tile.picture.height() + 8;
    if let Some(limit) = tile.limit {
        draw_bar(image, limit, (left, y), column, colormap);
    }
    y += bar;
    for line in &tile.title {
        TITLE.draw(image, line, left as f32, y as f32);
        y += TITLE.line_height();
    }
    SUBTITLE.draw(image, &tile.subtitle, left as f32, y as f32);
}

/// The colours from -limit to +limit, and the values at both ends and in the middle.
fn draw_bar(image: &mut RgbImage, limit: f32, (left, top): (u32, u32), width: u32, colormap: Colormap) {
    let bar = RgbImage::from_fn(width, BAR_HEIGHT, |x, _| {
        let position = (x as f32 + 0.5) / width as f32 * 2.0 - 1.0;
        colormap.color(position, 1.0)
    });
    imageops::replace(image, &bar, i64::from(left), i64::from(top));
    let number = format_limit(limit);
    let labels = [(format!("−{number}"), 0.0), ("0".to_owned(), 0.5), (format!("+{number}"), 1.0)];
    for (label, share) in labels {
        let x = left as f32 + (width as f32 - SCALE.width(&label)) * share;
        SCALE.draw(image, &label, x, (top + BAR_HEIGHT + 3) as f32);
    }
}

/// Three significant digits, in exponent form only where plain digits would not fit.
pub(super) fn format_limit(limit: f32) -> String {
    if !(1e-4..1e5).contains(&limit) {
        return format!("{limit:.2e}").replace('-', "−");
    }
    let decimals = 2 - limit.log10().floor() as i32;
    format!("{limit:.*}", decimals.max(0) as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_have_three_digits() {
        let cases = [
            (1.0, "1.00"),
            (0.012_34, "0.0123"),
            (12.34, "12.3"),
            (1234.0, "1234"),
            (1.5e-7, "1.50e−7"),
            (2e9, "2.00e9"),
        ];
        for (limit, text) in cases {
            assert_eq!(format_limit(limit), text);
        }
    }
}
