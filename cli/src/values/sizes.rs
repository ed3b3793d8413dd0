//! Heights and widths.

use std::str::FromStr;

use super::ValueError;
use agf::image::Framing;

/// Height and width in pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dimensions {
    /// Rows.
    pub height: u32,
    /// Columns.
    pub width: u32,
}

impl FromStr for Dimensions {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        let side = |text: &str| text.parse().ok().filter(|side| (1..=agf::image::MAX_SIDE).contains(side));
        let (height, width) = text.split_once(['x', 'X']).ok_or(ValueError::Dimensions)?;
        match (side(height), side(width)) {
            (Some(height), Some(width)) => Ok(Self { height, width }),
            _ => Err(ValueError::Dimensions),
        }
    }
}

/// The size of the network's input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Size {
    /// The same for all photos.
    Fixed(Dimensions),
    /// Each photo's own.
    Native,
}

impl Size {
    /// How photos are brought to this size.
    pub fn framing(self) -> Framing {
        match self {
            Self::Fixed(Dimensions { height, width }) => Framing::Size { height, width },
            Self::Native => Framing::Native,
        }
    }
}

impl FromStr for Size {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        if text == "native" {
            return Ok(Self::Native);
        }
        text.parse().map(Self::Fixed).map_err(|_| ValueError::Size)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes() {
        let fixed = |height, width| Ok(Size::Fixed(Dimensions { height, width }));
        assert_eq!("32x40".parse(), fixed(32, 40));
        assert_eq!("1X16384".parse(), fixed(1, 16_384));
        assert_eq!("native".parse(), Ok(Size::Native));
        for text in ["", "x", "32", "32x", "x40", "0x40", "32x40x3", "-1x5", "32 x 40", "16385x1", "99999999999x1"] {
            assert_eq!(text.parse::<Size>(), Err(ValueError::Size), "{text}");
            assert_eq!(text.parse::<Dimensions>(), Err(ValueError::Dimensions), "{text}");
        }
        assert!("native".parse::<Dimensions>().is_err());
    }
}
