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

/// Which colours a network's input channels are, in order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ChannelOrder {
    /// Red, green, blue.
    #[default]
    Rgb,
    /// Blue, green, red, as OpenCV and Caffe have pictures.
    Bgr,
    /// One channel of brightness, as Pillow's mode L (ITU-R 601-2).
    Grey,
}

impl ChannelOrder {
    /// Number of channels.
    pub const fn channels(self) -> u32 {
        match self {
            Self::Rgb | Self::Bgr => 3,
            Self::Grey => 1,
        }
    }

    /// What the network's channel `channel` sees of a pixel's red, green and blue.
    pub fn seen(self, channel: usize, [red, green, blue]: [u8; 3]) -> u8 {
        match (self, channel) {
            (Self::Rgb, 0) | (Self::Bgr, 2) => red,
            (Self::Rgb | Self::Bgr, 1) => green,
            (Self::Rgb | Self::Bgr, _) => blue,
            (Self::Grey, _) => {
                let weighted = 19_595 * u32::from(red) + 38_470 * u32::from(green) + 7_471 * u32::from(blue);
                ((weighted + 0x8000) >> 16) as u8
            }
        }
    }

    /// The red, green and blue that show what the network's channels see; `of_channel` gives what channel sees.
    pub fn shown(self, of_channel: impl Fn(usize) -> u8) -> [u8; 3] {
        match self {
            Self::Rgb => [0, 1, 2].map(of_channel),
            Self::Bgr => [2, 1, 0].map(of_channel),
            Self::Grey => [of_channel(0); 3],
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
    /// Value to subtract per channel of the network, in units of 0..255 byte values. A network of one channel takes
    /// the first, here and below.
    pub mean: [f32; 3],
    /// Value to divide by afterwards, in the same units.
    pub std: [f32; 3],
}

impl InputSpec {
    /// As torchvision prepares pictures, for a network of one channel: less the mean of ImageNet's mean colour.
    pub fn torchvision_grey(height: u32, width: u32) -> Self {
        let mean_of = |of: [f32; 3]| [of.iter().sum::<f32>() / 3.0; 3];
        let colored = Self::torchvision(height, width);
        Self { order: ChannelOrder::Grey, mean: mean_of(colored.mean), std: mean_of(colored.std), ..colored }
    }

    /// As torchvision prepares pictures for its networks: a crop out of a short side an eighth larger, less ImageNet's
    /// mean colour.
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
