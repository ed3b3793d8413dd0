//! What several methods say of several classes: a table of maps with a column per method and a row per class.

use ::image::{RgbImage, imageops};

use super::colormap::Colormap;
use super::error::ImageError;
use super::map::{Map, Range};
use super::panel::{BACKGROUND, FAINT_INK, INK, MARGIN, PanelPicture, format_limit, lay_over, shrink, within};
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
    /// What the network input is compared with, if anything.
    pub beside: Option<PanelPicture<'a>>,
    /// The class's map by each method, over the network input, of any resolution.
    pub maps: Vec<Map<'a>>,
}

/// Where things stand.
struct Layout {
    tile: (u32, u32),
    column: u32,
    heading: u32,
    row: u32,
    /// Columns before the maps.
    pictures: usize,
}

/// Draws a table: per class a row that begins with the network input (`Prepared::crop`), captioned with the class, and
/// with what it is compared with where any row has such a picture, followed by each method's map laid over the input.
/// `methods` are the headings of the maps.
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
    let layout = Layout::new(&photo, rows);
    let maps = rows.iter().map(|row| row.maps.len()).max().unwrap_or(0).max(methods.len());
    let columns = (layout.pictures + maps) as u32;
    let width = 2 * MARGIN + columns * (layout.column + GAP) - GAP;
    let height = 2 * MARGIN + layout.heading + rows.len() as u32 * layout.row + layout.legend();
    let mut image = RgbImage::from_pixel(width, height, BACKGROUND);
    for (index, method) in methods.iter().enumerate() {
        let text = HEADING.fit(method, layout.column as f32);
        HEADING.draw(&mut image, &text, layout.left(layout.pictures + index) as f32, MARGIN as f32);
    }
    for (index, row) in rows.iter().enumerate() {
        let top = MARGIN + layout.heading + index as u32 * layout.row;
        layout.draw_picture(&mut image, &photo, (&row.title, &row.subtitle), (MARGIN, top));
        if let Some(PanelPicture { title, subtitle, picture }) = &row.beside {
            let picture = within(picture, layout.tile)?;
            layout.draw_picture(&mut image, &picture, (title, subtitle), (layout.left(1), top));
        }
        for (column, map) in row.maps.iter().enumerate() {
            let limit = range.limit(map)?;
            let left = layout.left(layout.pictures + column);
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
    fn new(photo: &RgbImage, rows: &[ComparisonRow]) -> Self {
        let tile = photo.dimensions();
        let caption = TITLE.line_height() + SUBTITLE.line_height();
        let below = 4 + caption.max(SMALL.line_height()) + GAP;
        let pictures = 1 + usize::from(rows.iter().any(|row| row.beside.is_some()));
        Self { tile, column: tile.0.max(MIN_COLUMN), heading: HEADING.line_height() + 6, row: tile.1 + below, pictures }
    }

    fn left(&self, column: usize) -> u32 {
        MARGIN + column as u32 * (self.column + GAP)
    }

    /// Height of the last line.
    fn legend(&self) -> u32 {
        SMALL.line_height() + 8
    }

    /// A picture without a map, with its two captions below.
    fn draw_picture(&self, image: &mut RgbImage, picture: &RgbImage, captions: (&str, &str), (left, top): (u32, u32)) {
        imageops::replace(image, picture, i64::from(left), i64::from(top));
        let (width, y) = (self.column as f32, top + self.tile.1 + 4);
        TITLE.draw(image, &TITLE.fit(captions.0, width), left as f32, y as f32);
        SUBTITLE.draw(image, &SUBTITLE.fit(captions.1, width), left as f32, (y + TITLE.line_height()) as f32);
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
