//! Shapes of values on the wires of a graph. The batch is not part of a shape: every value is one sample's.

use std::fmt;

/// Channels, height and width of one sample's value; a vector has height and width 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Shape {
    /// Number of channels.
    pub channels: u32,
    /// Rows.
    pub height: u32,
    /// Columns.
    pub width: u32,
}

impl Shape {
    /// A single number per sample.
    pub const SCALAR: Shape = Shape::new(1, 1, 1);

    /// A feature map of `channels` x `height` x `width`.
    pub const fn new(channels: u32, height: u32, width: u32) -> Self {
        Self { channels, height, width }
    }

    /// A vector of `channels` elements.
    pub const fn vector(channels: u32) -> Self {
        Self::new(channels, 1, 1)
    }

    /// `height * width`.
    pub const fn pixels(self) -> u32 {
        self.height * self.width
    }

    /// `channels * height * width`.
    pub const fn elements(self) -> u64 {
        (self.channels as u64 * self.height as u64).saturating_mul(self.width as u64)
    }

    /// The same channels at another size.
    pub const fn resized(self, height: u32, width: u32) -> Self {
        Self::new(self.channels, height, width)
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}x{}x{}", self.channels, self.height, self.width)
    }
}
