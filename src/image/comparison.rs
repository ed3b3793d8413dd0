//! What several methods say of several classes: a table of maps with a column per method and a row per class.

use ::image::{RgbImage, imageops};

use super::colormap::Colormap;
use super::error::ImageError;
use super::map::{Map, Range};
use super::panel::{BACKGROUND, FAINT_INK, INK, MARGIN, format_limit, lay_over, shrink};
use super::text::Style;

/// Longer side of every picture in the table, in pixels.
const TILE_SIDE: u32 = 208;
/// Narrowest column, so that headings of tall, thin photos stay readable.
const MIN_COLUMN: u32 = 150;
const GAP: u32 = 12;
const BAR: (u32, u32) = (160, 10);

const HEADING: Style = Style { bold: true, size: 16.0, color: INK };
const TITLE: Style = Style { bold: true, size: 16.0, color: INK };
const SUBTITLE: Style = Style { bold: false, size: 16.0, color: INK };
const SMALL: Style = Style { bold: false, size: 14.0, color: FAINT_INK };

/// One class of a comparison.
#[derive(Clone, Debug)]
pub struct ComparisonRow<'a> {
    /// First caption line, in bold: the class name.
    pub title: String,
    /// Second caption line: the probability, such as `62.3 %`. May be empty.
    pub subtitle: String,
    /// The class's map by each method, over the network input, of any resolution.
    pub maps: Vec<Map<'a>>,
}

/// Where things stand.
struct Layout {
    tile: (u32, u32),
    column: u32,
    heading: u32,
    row: u32,
}

/// Draws a table: per class a row that begins with the network input (`Prepared::crop`), captioned with the class, followed by each
/// method's map laid over it. `methods` are the headings of the columns.
///
/// Under each map stands the value that gets the end colours; with [`Range::Auto`] each map has its own.
///
/// # Errors
///
/// [`ImageError::Range`] for an unusable fixed range, [`ImageError::ZeroSized`] for a crop without pixels.
pub fn comparison(
    crop: &RgbImage,
    methods: &[String],
    rows: &[ComparisonRow],
    colormap: Colormap,
    range: Range,
) -> Result<RgbImage, ImageError> {
    let photo = shrink(crop, TILE_SIDE)?;
    let layout = Layout::new(&photo);
    let columns = 1 + rows.iter().map(|row| row.maps.len()).max().unwrap_or(0).max(methods.len()) as u32;
    let width = 2 * MARGIN + columns * (layout.column + GAP) - GAP;
    let height = 2 * MARGIN + layout.heading + rows.len() as u32 * layout.row + layout.legend();
    let mut image = RgbImage::from_pixel(width, height, BACKGROUND);
    for (index, method) in methods.iter().enumerate() {
        let text = HEADING.fit(method, layout.column as f32);
        HEADING.draw(&mut image, &text, layout.left(index + 1) as f32, MARGIN as f32);
    }
    for (index, row) in rows.iter().enumerate() {
        let top = MARGIN + layout.heading + index as u32 * layout.row;
        layout.caption(&mut image, &photo, row, top);
        for (column, map) in row.maps.iter().enumerate() {
            let limit = range.limit(map)?;
            let left = layout.left(column + 1);
            let tile = lay_over(&photo, map, limit, colormap);
            imageops::replace(&mut image, &tile, i64::from(left), i64::from(top));
            let text = format!("±{}", format_limit(limit));
            SMALL.draw(&mut image, &text, left as f32, (top + layout.tile.1 + 4) as f32);
        }
    }
    let top = height - MARGIN - SMALL.line_height();
    legend(&mut image, colormap, top);
    Ok(image)
}

impl Layout {
    fn new(photo: &RgbImage) -> Self {
        let tile = photo.dimensions();
        let caption = TITLE.line_height() + SUBTITLE.line_height();
        let below = 4 + caption.max(SMALL.line_height()) + GAP;
        Self { tile, column: tile.0.max(MIN_COLUMN), heading: HEADING.line_height() + 6, row: tile.1 + below }
    }

    fn left(&self, column: usize) -> u32 {
        MARGIN + column as u32 * (self.column + GAP)
    }

    /// Height of the last line.
    fn legend(&self) -> u32 {
        SMALL.line_height() + 8
    }

    fn caption(&self, image: &mut RgbImage, photo: &RgbImage, row: &ComparisonRow, top: u32) {
        imageops::replace(image, photo, i64::from(MARGIN), i64::from(top));
        let width = self.column as f32;
        let y = top + self.tile.1 + 4;
        TITLE.draw(image, &TITLE.fit(&row.title, width), MARGIN as f32, y as f32);
        let subtitle = SUBTITLE.fit(&row.subtitle, width);
        SUBTITLE.draw(image, &subtitle, MARGIN as f32, (y + TITLE.line_height()) as f32);
    }
}

/// The colours, and what their ends mean.
fn legend(image: &mut RgbImage, colormap: Colormap, top: u32) {
    let (width, height) = BAR;
    let before = "against the class";
    let left = MARGIN + SMALL.width(before).ceil() as u32 + 8;
    let bar = RgbImage::from_fn(width, height, |x, _| colormap.color((x as f32 + 0.5) / width as f32 * 2.0 - 1.0, 1.0));
    let middle = top + SMALL.line_height().saturating_sub(height) / 2;
    imageops::replace(image, &bar, i64::from(left), i64::from(middle));
    SMALL.draw(image, before, MARGIN as f32, top as f32);
    let after = "for the class; under each map the value at the ends";
    SMALL.draw(image, after, (left + width + 8) as f32, top as f32);
}
