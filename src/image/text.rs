//! Captions: measuring, wrapping and drawing text with the font that ships with the crate.

use std::sync::LazyLock;

use ::image::{Rgb, RgbImage};
use ab_glyph::{Font, FontRef, GlyphId, PxScale, PxScaleFont, ScaleFont, point};

static REGULAR: LazyLock<FontRef<'static>> = LazyLock::new(|| parse(include_bytes!("fonts/DejaVuSans-Latin1.ttf")));
static BOLD: LazyLock<FontRef<'static>> = LazyLock::new(|| parse(include_bytes!("fonts/DejaVuSans-Bold-Latin1.ttf")));

const ELLIPSIS: char = '…';

fn parse(bytes: &'static [u8]) -> FontRef<'static> {
    FontRef::try_from_slice(bytes).expect("the font in the crate is a valid TrueType file")
}

/// A face, size and colour.
#[derive(Clone, Copy)]
pub(super) struct Style {
    pub(super) bold: bool,
    /// Height of a line in pixels.
    pub(super) size: f32,
    pub(super) color: Rgb<u8>,
}

impl Style {
    fn font(&self) -> PxScaleFont<&'static FontRef<'static>> {
        let font: &FontRef = if self.bold { &BOLD } else { &REGULAR };
        font.into_scaled(PxScale::from(self.size))
    }

    /// Distance from a line's top to its baseline in pixels.
    pub(super) fn ascent(&self) -> f32 {
        self.font().ascent()
    }

    /// Distance from one line's top to the next in whole pixels.
    pub(super) fn line_height(&self) -> u32 {
        (self.size * 1.12).ceil() as u32
    }

    /// Width of one line of text in pixels.
    pub(super) fn width(&self, text: &str) -> f32 {
        layout(self, text).1
    }

    /// Splits text at spaces into at most `max_lines` lines of at most `max_width` pixels.
    ///
    /// A word that is too wide, and the rest that finds no line, end in an ellipsis.
    pub(super) fn wrap(&self, text: &str, max_width: f32, max_lines: usize) -> Vec<String> {
        let mut lines: Vec<String> = Vec::new();
        let mut line = String::new();
        for word in text.split_whitespace() {
            let longer = if line.is_empty() { word.to_owned() } else { format!("{line} {word}") };
            let is_last = lines.len() + 1 >= max_lines;
            if is_last && line.len() > MAX_LINE_CHARS {
                break;
            }
            if line.is_empty() || is_last || self.width(&longer) <= max_width {
                line = longer;
            } else {
                lines.push(std::mem::replace(&mut line, word.to_owned()));
            }
        }
        if !line.is_empty() {
            lines.push(line);
        }
        lines.iter().map(|line| self.fit(line, max_width)).collect()
    }

    /// The line, or its longest start that fits `max_width` pixels with an ellipsis.
    pub(super) fn fit(&self, line: &str, max_width: f32) -> String {
        if self.width(line) <= max_width {
            return line.to_owned();
        }
        let mut pen = Pen::new(self);
        let fits = |mut pen: Pen| pen.add(ELLIPSIS).is_some() && pen.x <= max_width;
        let mut end = fits(pen).then_some(0);
        for (at, character) in line.char_indices().take(MAX_LINE_CHARS) {
            pen.add(character);
            if !character.is_whitespace() && fits(pen) {
                end = Some(at + character.len_utf8());
            }
        }
        end.and_then(|end| line.get(..end)).map_or(String::new(), |start| format!("{start}{ELLIPSIS}"))
    }

    /// Draws one line with its top left corner at (`left`, `top`); what lies outside is cut.
    pub(super) fn draw(&self, image: &mut RgbImage, text: &str, left: f32, top: f32) {
        let font = self.font();
        let baseline = top + font.ascent();
        for (id, x) in layout(self, text).0 {
            let glyph = id.with_scale_and_position(font.scale(), point(left + x, baseline));
            let Some(outline) = font.outline_glyph(glyph) else {
                continue;
            };
            let corner = outline.px_bounds().min;
            outline.draw(|dx, dy, coverage| {
                let (x, y) = (corner.x + dx as f32, corner.y + dy as f32);
                if x >= 0.0 && y >= 0.0 {
                    blend(image, x as u32, y as u32, self.color, coverage);
                }
            });
        }
    }
}

/// No panel shows more characters on a line; longer text is cut before it is measured.
const MAX_LINE_CHARS: usize = 512;

/// The glyphs with their x positions, and the width of the whole line.
fn layout(style: &Style, text: &str) -> (Vec<(GlyphId, f32)>, f32) {
    let mut pen = Pen::new(style);
    let glyphs = text.chars().filter_map(|character| pen.add(character)).collect();
    (glyphs, pen.x)
}

/// Where the next glyph of a line goes.
#[derive(Clone, Copy)]
struct Pen<'a> {
    style: &'a Style,
    x: f32,
    previous: Option<GlyphId>,
}

impl<'a> Pen<'a> {
    fn new(style: &'a Style) -> Self {
        Self { style, x: 0.0, previous: None }
    }

    /// The character's glyph and its place; control characters have none.
    fn add(&mut self, character: char) -> Option<(GlyphId, f32)> {
        if character.is_control() {
            return None;
        }
        let font = self.style.font();
        let id = font.glyph_id(character);
        let x = self.x + self.previous.map_or(0.0, |previous| font.kern(previous, id));
        (self.x, self.previous) = (x + font.h_advance(id), Some(id));
        Some((id, x))
    }
}

pub(super) fn blend(image: &mut RgbImage, x: u32, y: u32, color: Rgb<u8>, coverage: f32) {
    let Some(pixel) = image.get_pixel_mut_checked(x, y) else {
        return;
    };
    let coverage = coverage.clamp(0.0, 1.0);
    for (level, ink) in pixel.0.iter_mut().zip(color.0) {
        let (old, ink) = (f32::from(*level), f32::from(ink));
        *level = (old + (ink - old) * coverage).round() as u8;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STYLE: Style = Style { bold: true, size: 18.0, color: Rgb([0, 0, 0]) };

    #[test]
    fn lines_never_exceed_the_width() {
        let texts = [
            "",
            " ",
            "panda",
            "giant panda, panda, panda bear, coon bear, Ailuropoda melanoleuca",
            "Donaudampfschifffahrtsgesellschaftskapitänsmützenabzeichen",
            "tab\tand\nnewline \u{1F43C} 日本",
            &"x".repeat(100_000),
            &"words ".repeat(200_000),
        ];
        for text in texts {
            for width in [0.0, 5.0, 60.0, 200.0, 320.0] {
                let lines = STYLE.wrap(text, width, 2);
                assert!(lines.len() <= 2, "{lines:?}");
                for line in lines {
                    assert!(STYLE.width(&line) <= width, "{line:?} at {width}");
                }
            }
        }
    }

    #[test]
    fn cut_text_ends_in_an_ellipsis_and_short_text_stays() {
        assert_eq!(STYLE.wrap("giant panda", 300.0, 2), ["giant panda"]);
        assert_eq!(STYLE.wrap("giant panda", 70.0, 2), ["giant", "panda"]);
        let cut = STYLE.wrap("giant panda and more words", 70.0, 2);
        assert_eq!(cut[0], "giant");
        assert!(cut[1].ends_with('…'), "{cut:?}");
        // As long as it can be: with the next character it would be too wide.
        for (text, width) in
            [("Ailuropoda melanoleuca", 90.0), ("AVAVAV To Wa", 61.0), ("panda bear", 62.0), ("x", 2.0)]
        {
            let cut = STYLE.fit(text, width);
            let start = cut.trim_end_matches('…').chars().count();
            let longer = |count: usize| text.chars().take(count).collect::<String>().trim_end().to_owned() + "…";
            assert!(cut.is_empty() || STYLE.width(&cut) <= width, "{cut}");
            for count in start + 1..=text.chars().count() {
                assert!(longer(count) == cut || STYLE.width(&longer(count)) > width, "{cut} at {width}");
            }
        }
    }

    #[test]
    fn the_font_has_every_latin_1_character() {
        let font = STYLE.font();
        let printable = (' '..='~').chain('\u{A0}'..='ÿ').chain(['…', '−']);
        for character in printable {
            assert_ne!(font.glyph_id(character), GlyphId(0), "{character:?}");
        }
    }

    #[test]
    fn drawing_outside_of_the_picture_is_cut() {
        let mut image = RgbImage::from_pixel(20, 10, Rgb([255, 255, 255]));
        for (left, top) in [(-10.0, -10.0), (15.0, 5.0), (1000.0, 1000.0), (0.0, 0.0)] {
            STYLE.draw(&mut image, "Wg", left, top);
        }
        assert!(image.pixels().any(|pixel| pixel.0[0] < 128));
    }
}
