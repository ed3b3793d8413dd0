//! Curves over one axis with a legend, told apart by colour, dashes and markers.

use ::image::{Rgb, RgbImage};
use std::cmp::Ordering;

use super::drawing::{Anchor, Drawing};
use super::text::Style;

/// A curve.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    /// What the legend calls it.
    pub name: String,
    /// Points, from left to right; those that are not finite are left out.
    pub points: Vec<(f64, f64)>,
}

/// Curves with axes and a legend.
#[derive(Clone, Debug, PartialEq)]
pub struct Chart {
    /// Above the chart.
    pub title: String,
    /// Below the axis.
    pub x_label: String,
    /// Above the axis at the left.
    pub y_label: String,
    /// The curves.
    pub lines: Vec<Line>,
}

const WIDTH: u32 = 960;
const HEIGHT: u32 = 600;
/// The rectangle between the axes.
const LEFT: f64 = 84.0;
const RIGHT: f64 = 690.0;
const TOP: f64 = 84.0;
const BOTTOM: f64 = 530.0;

const BLACK: Rgb<u8> = Rgb([30, 30, 30]);
const GRID: Rgb<u8> = Rgb([225, 225, 225]);
const WHITE: Rgb<u8> = Rgb([255; 3]);

/// Okabe and Ito's colours, which most people can tell apart, without the yellow that is pale on white.
const COLORS: [Rgb<u8>; 7] = [
    Rgb([0, 114, 178]),
    Rgb([213, 94, 0]),
    Rgb([0, 158, 115]),
    Rgb([204, 121, 167]),
    Rgb([86, 180, 233]),
    Rgb([230, 159, 0]),
    Rgb([30, 30, 30]),
];

/// Lengths of strokes and gaps in pixels; without any the line is whole.
const DASHES: [&[f64]; 4] = [&[], &[10.0, 5.0], &[2.5, 4.5], &[12.0, 4.0, 2.5, 4.0]];

/// Corners of the markers' polygons or ends of their strokes, in units of their size.
const MARKERS: [(bool, &[[f64; 2]]); 7] = [
    (
        true,
        &[[1.0, 0.0], [0.71, 0.71], [0.0, 1.0], [-0.71, 0.71], [-1.0, 0.0], [-0.71, -0.71], [0.0, -1.0], [0.71, -0.71]],
    ),
    (true, &[[-0.85, -0.85], [0.85, -0.85], [0.85, 0.85], [-0.85, 0.85]]),
    (true, &[[0.0, -1.1], [1.0, 0.75], [-1.0, 0.75]]),
    (false, &[[-0.8, -0.8], [0.8, 0.8], [-0.8, 0.8], [0.8, -0.8]]),
    (true, &[[0.0, -1.2], [1.0, 0.0], [0.0, 1.2], [-1.0, 0.0]]),
    (false, &[[-1.1, 0.0], [1.1, 0.0], [0.0, -1.1], [0.0, 1.1]]),
    (true, &[[0.0, 1.1], [1.0, -0.75], [-1.0, -0.75]]),
];

/// Half a marker's size in pixels.
const MARKER: f64 = 5.0;

impl Chart {
    /// The chart as a picture of 960 x 600 pixels.
    pub fn draw(&self) -> RgbImage {
        self.drawing().draw()
    }

    /// The chart as an SVG document.
    pub fn to_svg(&self) -> String {
        self.drawing().to_svg()
    }

    fn drawing(&self) -> Drawing {
        let mut drawing = Drawing::new(WIDTH, HEIGHT);
        let finite = || self.lines.iter().flat_map(|line| &line.points).filter(|(x, y)| x.is_finite() && y.is_finite());
        let x = Axis::around(finite().map(|point| point.0), false);
        let y = Axis::around(finite().map(|point| point.1), true);
        self.draw_axes(&mut drawing, &x, &y);
        for (index, line) in self.lines.iter().enumerate() {
            let place = |point: &(f64, f64)| [x.place(point.0, LEFT, RIGHT), y.place(point.1, BOTTOM, TOP)];
            let points: Vec<[f64; 2]> =
                line.points.iter().filter(|(x, y)| x.is_finite() && y.is_finite()).map(place).collect();
            draw_line(&mut drawing, index, &points, markers_at(index, self.lines.len(), points.len()));
        }
        self.draw_legend(&mut drawing);
        drawing
    }

    fn draw_axes(&self, drawing: &mut Drawing, x: &Axis, y: &Axis) {
        let (small, middle) = (style(15.0, false), style(17.0, false));
        drawing.text(style(21.0, true), &self.title, [LEFT, 26.0], Anchor::Start);
        drawing.text(middle, &self.y_label, [LEFT, 60.0], Anchor::Start);
        drawing.text(middle, &self.x_label, [(LEFT + RIGHT) / 2.0, BOTTOM + 48.0], Anchor::Middle);
        for tick in y.ticks() {
            let at = y.place(tick, BOTTOM, TOP);
            drawing.line([LEFT, at], [RIGHT, at], 1.0, GRID);
            drawing.text(small, &y.label(tick), [LEFT - 10.0, at], Anchor::End);
        }
        for tick in x.ticks() {
            let at = x.place(tick, LEFT, RIGHT);
            drawing.line([at, BOTTOM], [at, BOTTOM + 5.0], 1.2, BLACK);
            drawing.text(small, &x.label(tick), [at, BOTTOM + 18.0], Anchor::Middle);
        }
        drawing.line([LEFT, TOP], [LEFT, BOTTOM], 1.2, BLACK);
        drawing.line([LEFT, BOTTOM], [RIGHT, BOTTOM], 1.2, BLACK);
    }

    fn draw_legend(&self, drawing: &mut Drawing) {
        let left = RIGHT + 22.0;
        for (index, line) in self.lines.iter().enumerate() {
            let y = TOP + 12.0 + 26.0 * index as f64;
            draw_line(drawing, index, &[[left, y], [left + 24.0, y], [left + 48.0, y]], vec![1]);
            let style = style(16.0, false);
            let name = style.fit(&line.name, WIDTH as f32 - left as f32 - 64.0);
            drawing.text(style, &name, [left + 58.0, y], Anchor::Start);
        }
    }
}

fn style(size: f32, bold: bool) -> Style {
    Style { bold, size, color: BLACK }
}

/// Points of a line that get a marker: at most about ten, shifted from line to line so that they do not cover each
/// other.
fn markers_at(index: usize, lines: usize, points: usize) -> Vec<usize> {
    let step = points.div_ceil(10).max(1);
    let shift = if lines > 1 { index * step / lines } else { 0 };
    (shift..points).step_by(step).collect()
}

/// A curve in the manner of its index, with markers at some points.
fn draw_line(drawing: &mut Drawing, index: usize, points: &[[f64; 2]], markers: Vec<usize>) {
    let (color, pattern) = (COLORS[index % COLORS.len()], DASHES[index % DASHES.len()]);
    for [from, to] in dashes(points, pattern) {
        drawing.line(from, to, 2.2, color);
    }
    let (is_closed, corners) = MARKERS[index % MARKERS.len()];
    for center in markers.into_iter().filter_map(|at| points.get(at)) {
        let corner = |[x, y]: [f64; 2]| [center[0] + MARKER * x, center[1] + MARKER * y];
        if is_closed {
            drawing.disc(*center, MARKER, WHITE);
            for (at, &from) in corners.iter().enumerate() {
                drawing.line(corner(from), corner(corners[(at + 1) % corners.len()]), 1.9, color);
            }
        } else {
            corners.chunks(2).for_each(|ends| drawing.line(corner(ends[0]), corner(ends[1]), 2.2, color));
        }
    }
}

/// The strokes of a line through points.
fn dashes(points: &[[f64; 2]], pattern: &[f64]) -> Vec<[[f64; 2]; 2]> {
    let mut strokes = Vec::new();
    let (mut part, mut left) = (0, pattern.first().copied().unwrap_or(f64::INFINITY));
    for pair in points.windows(2) {
        let length = (pair[1][0] - pair[0][0]).hypot(pair[1][1] - pair[0][1]);
        let at = |along: f64| {
            let share = if length > 0.0 { along / length } else { 0.0 };
            [pair[0][0] + share * (pair[1][0] - pair[0][0]), pair[0][1] + share * (pair[1][1] - pair[0][1])]
        };
        let mut along = 0.0;
        while along < length {
            let end = (along + left).min(length);
            if part % 2 == 0 {
                strokes.push([at(along), at(end)]);
            }
            left -= end - along;
            along = end;
            // A rest that is lost in rounding would never be walked.
            if left <= 1e-6 {
                part = (part + 1) % pattern.len().max(1);
                left = pattern.get(part).copied().unwrap_or(f64::INFINITY);
            }
        }
    }
    strokes
}

/// The range of an axis, and the step of its ticks: 1, 2 or 5 times a power of ten.
struct Axis {
    first: f64,
    last: f64,
    step: f64,
}

impl Axis {
    /// Around values; `rounded` ends at ticks and begins at 0 or below.
    fn around(values: impl Iterator<Item = f64>, rounded: bool) -> Self {
        let (mut first, mut last) = values.fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), x| (a.min(x), b.max(x)));
        if rounded {
            first = first.min(0.0);
        }
        if last.partial_cmp(&first) != Some(Ordering::Greater) {
            (first, last) = if first.is_finite() { (first, first + 1.0) } else { (0.0, 1.0) };
        }
        let rough = (last - first) / 6.0;
        let power = 10f64.powf(rough.log10().floor());
        let step = [1.0, 2.0, 5.0, 10.0].map(|factor| factor * power).into_iter().find(|step| *step >= rough * 0.999);
        let step = step.unwrap_or(rough);
        if rounded {
            (first, last) = ((first / step + 1e-9).floor() * step, (last / step - 1e-9).ceil() * step);
        }
        Self { first, last, step }
    }

    /// The position of a value between those of both ends.
    fn place(&self, value: f64, first: f64, last: f64) -> f64 {
        first + (value - self.first) / (self.last - self.first) * (last - first)
    }

    fn ticks(&self) -> impl Iterator<Item = f64> {
        let (step, last) = (self.step, self.last);
        let start = (self.first / step - 1e-9).ceil();
        (0..100).map(move |index| (start + f64::from(index)) * step).take_while(move |tick| *tick <= last + step * 1e-6)
    }

    /// As many digits as the step needs.
    fn label(&self, tick: f64) -> String {
        let digits = (-self.step.log10().floor()).clamp(0.0, 9.0) as usize;
        // Without the sign of a zero.
        let tick = if tick.abs() < self.step / 1e3 { 0.0 } else { tick };
        format!("{tick:.digits$}").replace('-', "\u{2212}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chart(lines: &[&[(f64, f64)]]) -> Chart {
        let line =
            |(index, points): (usize, &&[(f64, f64)])| Line { name: format!("<{index}>"), points: points.to_vec() };
        let lines = lines.iter().enumerate().map(line).collect();
        Chart { title: "a title".into(), x_label: "x".into(), y_label: "y & z".into(), lines }
    }

    #[test]
    fn axes_end_at_round_numbers() {
        let labels = |values: &[f64]| {
            let axis = Axis::around(values.iter().copied(), true);
            axis.ticks().map(|tick| axis.label(tick)).collect::<Vec<_>>()
        };
        assert_eq!(labels(&[12.0, 97.0]), ["0", "20", "40", "60", "80", "100"]);
        assert_eq!(labels(&[0.31, 0.02]), ["0.0", "0.1", "0.2", "0.3", "0.4"]);
        assert_eq!(labels(&[-0.1, 1.0]), ["\u{2212}0.2", "0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]);
        assert_eq!(labels(&[]).first().map(String::as_str), Some("0.0"));
        assert!(!labels(&[5.0, 5.0]).is_empty());
    }

    #[test]
    fn dashes_cover_their_share_and_go_on_around_corners() {
        let points = [[0.0, 0.0], [30.0, 0.0], [30.0, 30.0]];
        let length =
            |strokes: &[[[f64; 2]; 2]]| -> f64 { strokes.iter().map(|[a, b]| (a[0] - b[0]).hypot(a[1] - b[1])).sum() };
        assert_eq!(length(&dashes(&points, &[])), 60.0);
        assert!((length(&dashes(&points, &[10.0, 5.0])) - 40.0).abs() < 1e-9);
        // Strokes that end within rounding of a corner.
        for at in 1..200 {
            let corner = f64::from(at) * 0.7 + 1e-14;
            let points = [[0.0, 0.0], [corner / 3.0, 0.0], [corner, 0.0], [corner + 100.1, 33.3]];
            assert!(length(&dashes(&points, &[2.5, 4.5])) < corner + 110.0);
        }
    }

    #[test]
    fn curves_are_drawn_where_their_values_are() {
        let picture = chart(&[&[(0.0, 50.0), (100.0, 100.0)]]).draw();
        assert_eq!((picture.width(), picture.height()), (WIDTH, HEIGHT));
        let color_at = |x: f64, y: f64| picture.get_pixel(x as u32, y as u32).0;
        let (x, y) = ((LEFT + RIGHT) / 2.0, BOTTOM + 0.75 * (TOP - BOTTOM));
        assert_eq!(color_at(x, y), COLORS[0].0);
        assert_eq!(color_at(x, BOTTOM + 0.4 * (TOP - BOTTOM) + 9.0), [255; 3]);
    }

    #[test]
    fn odd_values_do_no_harm_and_names_are_escaped() {
        let odd = [(0.0, f64::NAN), (1.0, f64::INFINITY), (2.0, 1.0), (3.0, -1.0)];
        let chart = chart(&[&odd, &[], &[(1.0, 1.0)]]);
        chart.draw();
        let svg = chart.to_svg();
        assert!(svg.contains("&lt;0&gt;") && svg.contains("y &amp; z") && !svg.contains("NaN"), "{svg}");
        assert!(svg.ends_with("</svg>\n"));
    }

    /// XML has no place for them, and a viewer would refuse the whole document.
    #[test]
    fn control_characters_are_replaced() {
        let title = "a\0b\u{1b}[31m\u{ffff}".into();
        let svg = Chart { title, ..chart(&[]) }.to_svg();
        assert!(svg.contains(">a\u{fffd}b\u{fffd}[31m\u{fffd}</text>"), "{svg}");
    }
}
