//! How a network wants its pictures: data that [`image`](crate::image) goes by.

/// The resampling filter of the resize, antialiased as Pillow's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Filter {
    /// Triangle filter.
    Bilinear,
    /// Catmull-Rom filter, the bicubic one (a = -0.5) of Pillow and torchvision.
    Bicubic,
}

/// What a network expects of its input.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct InputSpec {
    /// Height of the input in pixels.
    pub height: u32,
    /// Width of the input in pixels.
    pub width: u32,
    /// The photo's short side after the resize and before the crop, in pixels; at least the
    /// longer of `height` and `width`.
    pub resize_short: u32,
    /// Filter of the resize.
    pub filter: Filter,
    /// Per-channel (R, G, B) value to subtract, in units of 0..255 byte values.
    pub mean: [f32; 3],
    /// Per-channel (R, G, B) value to divide by afterwards, in the same units.
    pub std: [f32; 3],
}
