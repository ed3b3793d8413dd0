//! A drawing of lines, discs and text that becomes a picture or an SVG document, with the same look.

use std::fmt::Write;

use ::image::{Rgb, RgbImage};

use super::text::{Style, blend};
use super::write::SVG_MARK;

/// Which part of a text lies at its position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Anchor {
    Start,
    Middle,
    End,
}

/// Something to draw; positions in pixels from the top left corner.
enum Element {
    Line {
        from: [f64; 2],
        to: [f64; 2],
        width: f64,
        color: Rgb<u8>,
    },
    Disc {
        center: [f64; 2],
        radius: f64,
        color: Rgb<u8>,
    },
    /// `top` is that of the line of text.
    Text {
        style: Style,
        text: String,
        left: f32,
        anchor: Anchor,
        top: f32,
    },
}

/// Elements in the order in which they are drawn, on white.
pub(super) struct Drawing {
    width: u32,
    height: u32,
    elements: Vec<Element>,
}

impl Drawing {
    pub(super) fn new(width: u32, height: u32) -> Self {
        Self { width, height, elements: Vec::new() }
    }

    pub(super) fn line(&mut self, from: [f64; 2], to: [f64; 2], width: f64, color: Rgb<u8>) {
        self.elements.push(Element::Line { from, to, width, color });
    }

    pub(super) fn disc(&mut self, center: [f64; 2], radius: f64, color: Rgb<u8>) {
        self.elements.push(Element::Disc { center, radius, color });
    }

    /// One line of text, `y` being the middle of its height.
    pub(super) fn text(&mut self, style: Style, text: &str, [x, y]: [f64; 2], anchor: Anchor) {
        let shift = match anchor {
            Anchor::Start => 0.0,
            Anchor::Middle => style.width(text) / 2.0,
            Anchor::End => style.width(text),
        };
        let top = y as f32 - style.line_height() as f32 / 2.0;
        self.elements.push(Element::Text { style, text: text.into(), left: x as f32 - shift, anchor, top });
    }

    /// The picture.
    pub(super) fn draw(&self) -> RgbImage {
        let mut image = RgbImage::from_pixel(self.width, self.height, Rgb([255; 3]));
        for element in &self.elements {
            match element {
                Element::Line { from, to, width, color } => {
                    let distance = |point| distance_to_line(point, *from, *to) - width / 2.0;
                    fill(&mut image, [*from, *to], width / 2.0, *color, distance);
                }
                Element::Disc { center, radius, color } => {
                    let distance = |[x, y]: [f64; 2]| (x - center[0]).hypot(y - center[1]) - radius;
                    fill(&mut image, [*center, *center], *radius, *color, distance);
                }
                Element::Text { style, text, left, top, .. } => style.draw(&mut image, text, *left, *top),
            }
        }
        image
    }

    /// The SVG document.
    pub(super) fn to_svg(&self) -> String {
        let (width, height) = (self.width, self.height);
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
             viewBox=\"0 0 {width} {height}\" font-family=\"DejaVu Sans, Verdana, sans-serif\">\n{SVG_MARK}\n\
             <rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n"
        );
        for element in &self.elements {
            // Writing to a string does not fail.
            let _ = match element {
                Element::Line { from: [x1, y1], to: [x2, y2], width, color } => writeln!(
                    svg,
                    "<line x1=\"{x1:.2}\" y1=\"{y1:.2}\" x2=\"{x2:.2}\" y2=\"{y2:.2}\" stroke=\"{}\" \
                     stroke-width=\"{width}\" stroke-linecap=\"round\"/>",
                    hex(*color)
                ),
                Element::Disc { center: [x, y], radius, color } => {
                    writeln!(svg, "<circle cx=\"{x:.2}\" cy=\"{y:.2}\" r=\"{radius}\" fill=\"{}\"/>", hex(*color))
                }
                Element::Text { style, text, left, anchor, top } => {
                    svg_text(&mut svg, style, text, *left, *anchor, *top)
                }
            };
        }
        svg.push_str("</svg>\n");
        svg
    }
}

fn svg_text(svg: &mut String, style: &Style, text: &str, left: f32, anchor: Anchor, top: f32) -> std::fmt::Result {
    // Fonts differ in width: the anchor keeps the side that matters in place.
    let (name, x) = match anchor {
        Anchor::Start => ("start", left),
        Anchor::Middle => ("middle", left + style.width(text) / 2.0),
        Anchor::End => ("end", left + style.width(text)),
    };
    // The font's height over all its glyphs is 1.164 times what CSS calls its size.
    let size = style.size / 1.164;
    let baseline = top + style.ascent();
    let weight = if style.bold { " font-weight=\"bold\"" } else { "" };
    let escaped = escaped(text);
    let color = hex(style.color);
    writeln!(
        svg,
        "<text x=\"{x:.2}\" y=\"{baseline:.2}\" font-size=\"{size:.2}\" text-anchor=\"{name}\" \
         fill=\"{color}\"{weight}>{escaped}</text>"
    )
}

/// A text as XML has it, which has no place for control characters.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '\u{fffe}' | '\u{ffff}' => escaped.push(char::REPLACEMENT_CHARACTER),
            control if control.is_control() => escaped.push(char::REPLACEMENT_CHARACTER),
            other => escaped.push(other),
        }
    }
    escaped
}

fn hex(Rgb([red, green, blue]): Rgb<u8>) -> String {
    format!("#{red:02x}{green:02x}{blue:02x}")
}

/// Blends a colour where `distance` to the shape's edge, negative inside, is less than half a pixel.
fn fill(image: &mut RgbImage, corners: [[f64; 2]; 2], margin: f64, color: Rgb<u8>, distance: impl Fn([f64; 2]) -> f64) {
    let range = |axis: usize, length: u32| {
        let (a, b) = (corners[0][axis], corners[1][axis]);
        let first = (a.min(b) - margin - 1.0).floor().max(0.0) as u32;
        first..((a.max(b) + margin + 2.0).max(0.0) as u32).min(length)
    };
    for y in range(1, image.height()) {
        for x in range(0, image.width()) {
            let coverage = 0.5 - distance([f64::from(x) + 0.5, f64::from(y) + 0.5]);
            if coverage > 0.0 {
                blend(image, x, y, color, coverage as f32);
            }
        }
    }
}

fn distance_to_line([x, y]: [f64; 2], from: [f64; 2], to: [f64; 2]) -> f64 {
    let (along_x, along_y) = (to[0] - from[0], to[1] - from[1]);
    let length = along_x * along_x + along_y * along_y;
    let share = ((x - from[0]) * along_x + (y - from[1]) * along_y) / length.max(1e-12);
    let share = share.clamp(0.0, 1.0);
    (x - from[0] - share * along_x).hypot(y - from[1] - share * along_y)
}
