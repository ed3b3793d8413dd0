//! What a network's inputs and outputs mean, where that is not what the model says: class names, and how pictures are
//! prepared.

use std::convert::Infallible;
use std::path::PathBuf;
use std::str::FromStr;

use clap::{Args, ValueEnum};
use serde::Serialize;

use super::values::ValueError;
use super::{CliError, setup};
use agf::image::{ChannelOrder, Filter, InputSpec, Resize};
use agf::models::{Labels, Model};

/// How much larger than the input's short side the photo's is before the crop, for networks without a margin of their
/// own.
const MARGIN: f64 = 256.0 / 224.0;

/// Class names and preprocessing.
#[derive(Debug, Args)]
#[command(next_help_heading = "Own networks")]
pub struct NetworkArguments {
    /// Names of the classes: a file with a name a line, or JSON from number to name; or imagenet for its 1000
    /// [default: the model's]
    #[arg(long = "labels", value_name = "FILE|imagenet")]
    pub class_names: Option<NamesSource>,
    /// How pixels are normalised, by a usual name instead of --scale, --mean and --std [default: the model's]
    #[arg(long, value_name = "NAME", conflicts_with_all = ["mean", "std", "scale"])]
    pub preprocess: Option<Preset>,
    /// What is subtracted from pixels, in units of --scale: a number, or one per channel in the network's order, as in
    /// 0.485,0.456,0.406 [default: the model's; 0 with --scale alone]
    #[arg(long, value_name = "M[,M,M]", requires = "std", allow_hyphen_values = true)]
    pub mean: Option<PerChannel>,
    /// What pixels are divided by then, in units of --scale [default: the model's; 1 with --scale alone]
    #[arg(long, value_name = "S[,S,S]", requires = "mean", allow_hyphen_values = true)]
    pub std: Option<PerChannel>,
    /// The range that pixel values are brought to before --mean and --std [default with --mean: 0..1]
    #[arg(long, value_name = "RANGE", allow_hyphen_values = true)]
    pub scale: Option<Scale>,
    /// Order of the network's channels [default: the model's]
    #[arg(long, value_name = "ORDER")]
    pub order: Option<Order>,
    /// How photos get the network's shape [default: the model's]
    #[arg(long, value_name = "HOW")]
    pub resize: Option<ResizeKind>,
}

/// Where names of classes come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NamesSource {
    /// ImageNet's.
    ImageNet,
    /// A file.
    File(PathBuf),
}

impl FromStr for NamesSource {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(if text == "imagenet" { Self::ImageNet } else { Self::File(text.into()) })
    }
}

/// A number for each of the network's channels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PerChannel(pub [f32; 3]);

impl FromStr for PerChannel {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        let number = |text: &str| text.trim().parse::<f32>().ok().filter(|number| number.is_finite());
        let numbers: Option<Vec<f32>> = text.split(',').map(number).collect();
        match numbers.as_deref() {
            Some(&[all]) => Ok(Self([all; 3])),
            Some(&[first, second, third]) => Ok(Self([first, second, third])),
            _ => Err(ValueError::PerChannel),
        }
    }
}

/// The range of pixel values before mean and standard deviation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Scale {
    /// Divided by 255, as torchvision does
    #[value(name = "0..1")]
    Unit,
    /// Bytes as they are
    #[value(name = "0..255")]
    Bytes,
    /// Divided by 127.5, less 1, as TensorFlow's networks often want it
    #[value(name = "-1..1")]
    Signed,
}

impl Scale {
    /// Factor and offset from bytes to this range.
    const fn of_bytes(self) -> (f32, f32) {
        match self {
            Self::Unit => (255.0, 0.0),
            Self::Bytes => (1.0, 0.0),
            Self::Signed => (127.5, 1.0),
        }
    }
}

/// A usual normalisation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Preset {
    /// 0..1, less ImageNet's mean colour, by its deviation: torchvision and most of timm
    Imagenet,
    /// -1..1: Keras' MobileNets, Inception and EfficientNet-Lite
    Tf,
    /// 0..255, BGR, less ImageNet's mean colour: Caffe, and Keras' VGG and ResNet
    Caffe,
    /// 0..255 as they are
    Raw,
}

impl Preset {
    /// The input with this normalisation and order of channels.
    fn applied(self, own: InputSpec) -> InputSpec {
        let bytes = |order, mean, std| InputSpec { order, mean, std, ..own };
        match self {
            Self::Imagenet => {
                let InputSpec { mean, std, .. } = InputSpec::torchvision(own.height, own.width);
                bytes(ChannelOrder::Rgb, mean, std)
            }
            Self::Tf => bytes(ChannelOrder::Rgb, [127.5; 3], [127.5; 3]),
            Self::Caffe => bytes(ChannelOrder::Bgr, [103.939, 116.779, 123.68], [1.0; 3]),
            Self::Raw => bytes(ChannelOrder::Rgb, [0.0; 3], [1.0; 3]),
        }
    }
}

/// The order of channels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Order {
    /// Red, green, blue
    Rgb,
    /// Blue, green, red, as OpenCV and Caffe have pictures
    Bgr,
}

impl From<Order> for ChannelOrder {
    fn from(order: Order) -> Self {
        match order {
            Order::Rgb => Self::Rgb,
            Order::Bgr => Self::Bgr,
        }
    }
}

/// How photos get the network's shape.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ResizeKind {
    /// Scaled to cover the input with a margin, then cut to its centre
    Crop,
    /// Height and width scaled each to the input's
    Squash,
    /// Scaled to lie within the input; the rest has the mean colour
    Pad,
}

impl NetworkArguments {
    /// The model with these names and this preprocessing; tells how its weights were read.
    pub(super) fn apply(&self, model: Model) -> Result<Model, CliError> {
        let input = self.input(model.input_spec())?;
        let mut model = model.with_input_spec(input);
        if let Some(source) = &self.class_names {
            let labels = match source {
                NamesSource::ImageNet => Labels::imagenet(),
                NamesSource::File(path) => Labels::open(path)?,
            };
            model = model.with_labels(labels).map_err(CliError::Labels)?;
        }
        setup::tell_notes(&model);
        Ok(model)
    }

    /// The model's own input with what is asked for instead.
    fn input(&self, own: InputSpec) -> Result<InputSpec, CliError> {
        let own = self.preprocess.map_or(own, |preset| preset.applied(own));
        let mut input = own;
        if self.mean.is_some() || self.scale.is_some() {
            (input.mean, input.std) = self.normalisation()?;
        }
        input.order = match own.order {
            ChannelOrder::Grey => own.order,
            ChannelOrder::Rgb | ChannelOrder::Bgr => self.order.map_or(own.order, Into::into),
        };
        input.resize = match self.resize {
            None => own.resize,
            Some(ResizeKind::Squash) => Resize::Squash,
            Some(ResizeKind::Pad) => Resize::Pad,
            Some(ResizeKind::Crop) => match own.resize {
                Resize::Crop { .. } => own.resize,
                Resize::Squash | Resize::Pad => {
                    let longer = f64::from(own.height.max(own.width));
                    Resize::Crop { short: (longer * MARGIN).round() as u32 }
                }
            },
        };
        Ok(input)
    }

    /// Mean and standard deviation in bytes.
    fn normalisation(&self) -> Result<([f32; 3], [f32; 3]), CliError> {
        let (mean, std) = (self.mean.map_or([0.0; 3], |mean| mean.0), self.std.map_or([1.0; 3], |std| std.0));
        if !std.iter().all(|std| *std > 0.0) {
            return Err(CliError::Std);
        }
        let is_of_bytes = |value: &f32| value.abs() > 1.0;
        if self.scale.is_none() && mean.iter().chain(&std).any(is_of_bytes) {
            return Err(CliError::NoScale);
        }
        let (factor, offset) = self.scale.unwrap_or(Scale::Unit).of_bytes();
        Ok((mean.map(|mean| (mean + offset) * factor), std.map(|std| std * factor)))
    }
}

/// How pictures were prepared, for reports.
#[derive(Serialize)]
pub(super) struct PreprocessingReport {
    pub(super) resize: &'static str,
    /// The photo's short side before the crop, where the input's is the network's own.
    short: Option<u32>,
    filter: &'static str,
    pub(super) order: &'static str,
    /// In units of bytes, by the network's channels.
    pub(super) mean: [f64; 3],
    pub(super) std: [f64; 3],
}

/// The number that the shortest digits of `value` spell: it is read back from JSON as the same number.
fn shortest(value: f32) -> f64 {
    value.to_string().parse().unwrap_or_else(|_| value.into())
}

impl From<InputSpec> for PreprocessingReport {
    fn from(input: InputSpec) -> Self {
        let (resize, short) = match input.resize {
            Resize::Crop { short } => ("crop", Some(short)),
            Resize::Squash => ("squash", None),
            Resize::Pad => ("pad", None),
        };
        let filter = match input.filter {
            Filter::Bilinear => "bilinear",
            Filter::Bicubic => "bicubic",
        };
        let order = match input.order {
            ChannelOrder::Rgb => "rgb",
            ChannelOrder::Bgr => "bgr",
            ChannelOrder::Grey => "grey",
        };
        Self { resize, short, filter, order, mean: input.mean.map(shortest), std: input.std.map(shortest) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use agf::models::Architecture;
    use clap::Parser;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        network: NetworkArguments,
    }

    fn input(line: &str) -> Result<InputSpec, CliError> {
        let line = Line::try_parse_from(format!("x {line}").split_whitespace()).unwrap();
        let own = Architecture::TinyVgg.recipe(10).unwrap().input_spec();
        line.network.input(own)
    }

    /// What a byte becomes in each channel.
    fn seen(line: &str, byte: f32) -> [f32; 3] {
        let input = input(line).unwrap();
        [0, 1, 2].map(|channel| (byte - input.mean[channel]) / input.std[channel])
    }

    fn assert_close(found: [f32; 3], expected: [f32; 3]) {
        assert!(found.iter().zip(expected).all(|(a, b)| (a - b).abs() <= 1e-5), "{found:?} for {expected:?}");
    }

    #[test]
    fn normalisations_are_what_was_asked_for() {
        assert_close(seen("--mean 0.485,0.456,0.406 --std 0.229,0.224,0.225", 51.0), seen("", 51.0));
        assert_close(seen("--scale 0..1", 51.0), [0.2; 3]);
        assert_close(seen("--scale 0..255", 51.0), [51.0; 3]);
        assert_close(seen("--scale -1..1", 51.0), [-0.6; 3]);
        assert_close(seen("--scale -1..1 --mean -0.5 --std 0.5", 51.0), [-0.2; 3]);
        assert_close(seen("--scale 0..255 --mean 103.9,116.8,123.7 --std 1", 51.0), [-52.9, -65.8, -72.7]);
        assert_close(seen("--preprocess imagenet", 51.0), seen("", 51.0));
        assert_close(seen("--preprocess tf", 51.0), seen("--scale -1..1", 51.0));
        assert_close(seen("--preprocess raw", 51.0), [51.0; 3]);
        assert_close(seen("--preprocess caffe", 51.0), [-52.939, -65.779, -72.68]);
        assert_eq!(input("--preprocess caffe").unwrap().order, ChannelOrder::Bgr);
        assert_eq!(input("--preprocess caffe --order rgb").unwrap().order, ChannelOrder::Rgb);
        assert_eq!(input("--order bgr").unwrap().order, ChannelOrder::Bgr);
        assert_eq!(input("--resize pad").unwrap().resize, Resize::Pad);
        assert_eq!(input("--resize crop").unwrap(), input("").unwrap());
    }

    #[test]
    fn values_that_cannot_be_meant_are_errors() {
        for (line, words) in [
            ("--mean 123.675 --std 58.4", "--scale 0..255"),
            ("--mean 0.5 --std 0", "above 0"),
            ("--scale 0..255 --mean 1 --std -2,1,1", "above 0"),
        ] {
            let error = input(line).unwrap_err().to_string();
            assert!(error.contains(words), "{line}: {error}");
        }
        for line in [
            "--mean 0.5",
            "--std 0.5",
            "--mean 1,2 --std 1",
            "--mean x --std 1",
            "--scale 0..2",
            "--order gbr",
            "--preprocess tf --scale 0..1",
        ] {
            assert!(Line::try_parse_from(format!("x {line}").split_whitespace()).is_err(), "{line}");
        }
    }
}
