//! How a network wants its pictures: data that [`image`](crate::image) goes by.

/// The resampling filter of the resize, antialiased as Pillow's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Filter {
    /// Triangle filter.
    Bilinear,
    /// Catmull-Rom filter, the bicubic one (a = -0.5) of Pillow and torchvision.
    Bicubic,
}

/// How a photo of any shape gets the network's shape.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resize {
    /// It is scaled to cover the input with a margin, and the centre is cut out.
    Crop {
        /// The photo's short side after scaling, in pixels; at least the input's longer side.
        short: u32,
    },
    /// Height and width are scaled each to the input's; nothing is cut off, but shapes change.
    Squash,
    /// It is scaled to lie within the input, centred, and the rest has the mean colour, which the network sees as 0.
    Pad,
}

/// The order of a network's input channels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ChannelOrder {
    /// Red, green, blue.
    #[default]
    Rgb,
    /// Blue, green, red, as OpenCV and Caffe have pictures.
    Bgr,
}

impl ChannelOrder {
    /// Which of red (0), green (1) and blue (2) is the network's channel `channel`.
    pub fn color(self, channel: usize) -> usize {
        match self {
            Self::Rgb => channel,
            Self::Bgr => 2 - channel,
        }
    }
}

/// What a network expects of its input.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct InputSpec {
    /// Height of the input in pixels.
    pub height: u32,
    /// Width of the input in pixels.
    pub width: u32,
    /// How photos get this shape.
    pub resize: Resize,
    /// Filter of the resize.
    pub filter: Filter,
    /// Order of the channels.
    pub order: ChannelOrder,
    /// Value to subtract per channel of the network, in units of 0..255 byte values.
    pub mean: [f32; 3],
    /// Value to divide by afterwards, in the same units.
    pub std: [f32; 3],
}

impl InputSpec {
    /// As torchvision prepares pictures for its networks: a crop out of a short side an eighth larger, less ImageNet's mean colour.
    pub fn torchvision(height: u32, width: u32) -> Self {
        let short = (u64::from(height.max(width)) * 256 / 224) as u32;
        Self {
            height,
            width,
            resize: Resize::Crop { short },
            filter: Filter::Bilinear,
            order: ChannelOrder::Rgb,
            mean: [123.675, 116.28, 103.53],
            std: [58.395, 57.12, 57.375],
        }
    }
}
