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
        let mut short: String = line.chars().take(MAX_LINE_CHARS).collect();
        while short.pop().is_some() {
            let candidate = format!("{}{ELLIPSIS}", short.trim_end());
            if self.width(&candidate) <= max_width {
                return candidate;
            }
        }
        String::new()
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
    let font = style.font();
    let mut x = 0.0;
    let mut previous: Option<GlyphId> = None;
    let mut glyphs = Vec::new();
    for character in text.chars().filter(|character| !character.is_control()) {
        let id = font.glyph_id(character);
        x += previous.map_or(0.0, |previous| font.kern(previous, id));
        glyphs.push((id, x));
        x += font.h_advance(id);
        previous = Some(id);
    }
    (glyphs, x)
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
