//! Text, numbers, addresses and colours as HTML has them.

use std::fmt::{self, Display, Formatter};

use agf::image::Colormap;

/// Colours of the bar that explains them.
const STOPS: u8 = 16;

/// A part of an address, with everything encoded that could mean something.
pub(super) fn encoded(part: &str) -> String {
    let byte = |byte: u8| match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    part.bytes().map(byte).collect()
}

/// A colour map from end to end, as CSS has it.
pub(super) fn gradient(colormap: &str) -> String {
    let colormap = colormap.parse::<Colormap>().unwrap_or_default();
    let stop = |index| {
        let [red, green, blue] = colormap.color(f32::from(index) / f32::from(STOPS) * 2.0 - 1.0, 1.0).0;
        format!("rgb({red} {green} {blue})")
    };
    let stops: Vec<String> = (0..=STOPS).map(stop).collect();
    format!("linear-gradient(to right, {})", stops.join(", "))
}

/// Text with what means something in HTML written out.
pub(super) struct Escaped<'a>(pub(super) &'a str);

impl Display for Escaped<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|char| match char {
            '&' => f.write_str("&amp;"),
            '<' => f.write_str("&lt;"),
            '>' => f.write_str("&gt;"),
            '"' => f.write_str("&quot;"),
            other => write!(f, "{other}"),
        })
    }
}

/// A number with three digits.
pub(super) struct Short(pub(super) f64);

impl Display for Short {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.0.abs() {
            0.0 => write!(f, "0"),
            size if (1e-2..1e3).contains(&size) => write!(f, "{:.3}", self.0),
            _ => write!(f, "{:.2e}", self.0),
        }
    }
}
