//! Signed values -> colours, for the "heat map -> overlay, panel" flow.

use std::fmt;
use std::str::FromStr;

use ::image::Rgb;

use super::error::ImageError;

/// The colour of NaN and infinite values: magenta, which no colour map contains.
pub const NOT_FINITE_COLOR: Rgb<u8> = Rgb([255, 0, 255]);

/// A colour map for signed values: 0 always gets its middle colour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Colormap {
    /// Dark blue, blue, white (0), red, dark red; matplotlib's `seismic`.
    #[default]
    Seismic,
    /// Soft blue, near-white (0), soft red; matplotlib's `RdBu_r`, readable by the colour-blind.
    RedBlue,
    /// Violet, green (0), yellow of even perceptual steps; matplotlib's `viridis`.
    Viridis,
    /// Black, grey (0), white.
    Gray,
}

impl Colormap {
    /// Every colour map, the default first.
    pub const ALL: [Self; 4] = [Self::Seismic, Self::RedBlue, Self::Viridis, Self::Gray];

    /// The name that [`FromStr`] reads and [`fmt::Display`] prints.
    pub fn name(self) -> &'static str {
        match self {
            Self::Seismic => "seismic",
            Self::RedBlue => "red-blue",
            Self::Viridis => "viridis",
            Self::Gray => "gray",
        }
    }

    /// The colour of `value` where `-limit` and `+limit` (positive) get the end colours.
    ///
    /// Values beyond get the end colours too, NaN and infinite ones [`NOT_FINITE_COLOR`].
    pub fn color(self, value: f32, limit: f32) -> Rgb<u8> {
        if !value.is_finite() {
            return NOT_FINITE_COLOR;
        }
        Rgb(self.interpolate(value / limit).map(|level| level.round() as u8))
    }

    /// The colour at `position` in -1..=1 (clamped), as unrounded levels in 0..=255.
    pub(super) fn interpolate(self, position: f32) -> [f32; 3] {
        let stops = self.stops();
        let at = (position.clamp(-1.0, 1.0) + 1.0) / 2.0 * (stops.len() - 1) as f32;
        let index = (at as usize).min(stops.len() - 2);
        let fraction = at - index as f32;
        let (low, high) = (stops[index], stops[index + 1]);
        std::array::from_fn(|channel| low[channel] + (high[channel] - low[channel]) * fraction)
    }

    /// Evenly spaced colours from -limit to +limit, as levels in 0..=255; at least two.
    pub(crate) fn stops(self) -> &'static [[f32; 3]] {
        match self {
            Self::Seismic => &SEISMIC,
            Self::RedBlue => &RED_BLUE,
            Self::Viridis => &VIRIDIS,
            Self::Gray => &GRAY,
        }
    }
}

impl fmt::Display for Colormap {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

impl FromStr for Colormap {
    type Err = ImageError;

    fn from_str(name: &str) -> Result<Self, ImageError> {
        Self::ALL.into_iter().find(|colormap| colormap.name() == name).ok_or_else(|| ImageError::UnknownColormap {
            name: name.to_owned(),
            choices: Self::ALL.map(Self::name).join(", "),
        })
    }
}

const SEISMIC: [[f32; 3]; 5] =
    [[0.0, 0.0, 76.5], [0.0, 0.0, 255.0], [255.0, 255.0, 255.0], [255.0, 0.0, 0.0], [127.5, 0.0, 0.0]];

const RED_BLUE: [[f32; 3]; 11] = [
    [5.0, 48.0, 97.0],
    [33.0, 102.0, 172.0],
    [67.0, 147.0, 195.0],
    [146.0, 197.0, 222.0],
    [209.0, 229.0, 240.0],
    [247.0, 247.0, 247.0],
    [253.0, 219.0, 199.0],
    [244.0, 165.0, 130.0],
    [214.0, 96.0, 77.0],
    [178.0, 24.0, 43.0],
    [103.0, 0.0, 31.0],
];

// Least-squares fit of matplotlib's 256 entries, within 1.5 levels.
const VIRIDIS: [[f32; 3]; 33] = [
    [68.0, 1.0, 84.0],
    [71.0, 13.0, 96.0],
    [72.0, 24.0, 106.0],
    [72.0, 35.0, 116.0],
    [71.0, 45.0, 123.0],
    [69.0, 54.0, 129.0],
    [66.0, 64.0, 134.0],
    [63.0, 73.0, 137.0],
    [59.0, 82.0, 139.0],
    [55.0, 90.0, 141.0],
    [51.0, 99.0, 141.0],
    [47.0, 106.0, 142.0],
    [44.0, 114.0, 142.0],
    [41.0, 122.0, 142.0],
    [38.0, 129.0, 142.0],
    [35.0, 137.0, 142.0],
    [33.0, 144.0, 141.0],
    [31.0, 152.0, 139.0],
    [30.0, 159.0, 136.0],
    [33.0, 166.0, 133.0],
    [39.0, 174.0, 128.0],
    [49.0, 181.0, 123.0],
    [61.0, 188.0, 116.0],
    [76.0, 194.0, 108.0],
    [92.0, 201.0, 99.0],
    [110.0, 206.0, 88.0],
    [129.0, 212.0, 76.0],
    [150.0, 216.0, 64.0],
    [171.0, 220.0, 50.0],
    [192.0, 223.0, 36.0],
    [213.0, 226.0, 25.0],
    [234.0, 229.0, 25.0],
    [253.0, 231.0, 36.0],
];

const GRAY: [[f32; 3]; 2] = [[0.0, 0.0, 0.0], [255.0, 255.0, 255.0]];
