//! Signed heat maps as every output of this module takes them, and the range of their colours.

use std::fmt;
use std::str::FromStr;

use super::error::ImageError;

/// The share of a map's |values| that [`Range::Auto`] covers; the strongest ones saturate.
const AUTO_PERCENTILE: f64 = 0.995;

/// A borrowed signed map of `height` x `width` float32 values, row-major.
///
/// Positive values speak for a class, negative ones against it, 0 is neutral.
#[derive(Clone, Copy, Debug)]
pub struct Map<'a> {
    values: &'a [f32],
    height: u32,
    width: u32,
}

impl<'a> Map<'a> {
    /// A view of `values`, `height * width` long. NaN and infinite values are allowed.
    ///
    /// # Errors
    ///
    /// [`ImageError::MapSize`] if the length does not fit, or a side is 0.
    pub fn new(values: &'a [f32], height: u32, width: u32) -> Result<Self, ImageError> {
        let expected = u64::from(height) * u64::from(width);
        if expected == 0 || expected != values.len() as u64 {
            return Err(ImageError::MapSize { height, width, len: values.len() });
        }
        Ok(Self { values, height, width })
    }

    /// The values, row by row.
    pub fn values(&self) -> &'a [f32] {
        self.values
    }

    /// Height in pixels.
    pub fn height(&self) -> u32 {
        self.height
    }

    /// Width in pixels.
    pub fn width(&self) -> u32 {
        self.width
    }
}

/// Which values get the end colours of a colour map. 0 always gets the middle colour.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Range {
    /// From -m to +m, m being the 99.5th percentile of the map's finite |values|, so that a
    /// single outlier does not pale the rest; stronger values get the end colour too. If that
    /// percentile is 0, m is the largest |value|, and 1 for a map of zeros.
    #[default]
    Auto,
    /// From -m to +m for the given m > 0, so that several pictures compare.
    Fixed(f32),
}

impl Range {
    /// One fixed range for several maps: the largest of their [`Range::Auto`] ranges.
    pub fn shared(maps: &[Map]) -> Self {
        let largest = maps.iter().map(|map| auto_limit(map.values())).fold(0.0, f32::max);
        Self::Fixed(if largest > 0.0 { largest } else { 1.0 })
    }

    /// The m of this range for `map`: positive and finite.
    ///
    /// # Errors
    ///
    /// [`ImageError::Range`] if a fixed m is not positive and finite.
    pub fn limit(self, map: &Map) -> Result<f32, ImageError> {
        match self {
            Self::Auto => Ok(auto_limit(map.values())),
            Self::Fixed(limit) if limit.is_finite() && limit > 0.0 => Ok(limit),
            Self::Fixed(limit) => Err(ImageError::Range { value: limit.to_string() }),
        }
    }
}

impl FromStr for Range {
    type Err = ImageError;

    /// Reads `auto` or a number above 0.
    fn from_str(text: &str) -> Result<Self, ImageError> {
        if text == "auto" {
            return Ok(Self::Auto);
        }
        match text.parse::<f32>() {
            Ok(limit) if limit.is_finite() && limit > 0.0 => Ok(Self::Fixed(limit)),
            _ => Err(ImageError::Range { value: text.to_owned() }),
        }
    }
}

impl fmt::Display for Range {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::Auto => formatter.write_str("auto"),
            Self::Fixed(limit) => write!(formatter, "{limit}"),
        }
    }
}

fn auto_limit(values: &[f32]) -> f32 {
    let mut magnitudes: Vec<f32> = values.iter().map(|value| value.abs()).filter(|value| value.is_finite()).collect();
    if magnitudes.is_empty() {
        return 1.0;
    }
    let rank = ((magnitudes.len() - 1) as f64 * AUTO_PERCENTILE).ceil() as usize;
    let (_, percentile, above) = magnitudes.select_nth_unstable_by(rank, f32::total_cmp);
    let largest = above.iter().copied().fold(*percentile, f32::max);
    [*percentile, largest, 1.0].into_iter().find(|limit| *limit > 0.0).unwrap_or(1.0)
}
