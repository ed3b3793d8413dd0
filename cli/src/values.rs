//! The values of flags: read once, here, into types that cannot hold nonsense.

use std::convert::Infallible;
use std::ffi::OsStr;
use std::fmt;
use std::marker::PhantomData;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use clap::builder::{EnumValueParser, PossibleValue, PossibleValuesParser, TypedValueParser};
use clap::{Arg, Command, ValueEnum};

use agf::gpu::{AdapterChoice, BackendChoice};
use agf::image::{Colormap, Framing};
use agf::methods::agf::Ablations;
use agf::models::{Architecture, Precision, UnknownArchitecture};
use agf::tuning::WinogradTile;

/// A flag's value that cannot be used, and what can.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ValueError {
    /// Not HxW.
    #[error("give height and width as in 224x224, both from 1 to 16384")]
    Dimensions,
    /// Neither HxW nor `native`.
    #[error("give height and width as in 224x224, both from 1 to 16384, or native")]
    Size,
    /// Neither one number nor three.
    #[error("give a number, or three separated by commas, as in 0.485,0.456,0.406")]
    PerChannel,
    /// Not a whole number, or 0.
    #[error("give a whole number from 1")]
    Count,
    /// Not a time.
    #[error("give seconds from 0 to 100000, as in 2.5")]
    Seconds,
    /// Nothing.
    #[error("give top, top:K, a class number or a class name")]
    NoClass,
    /// Not a count behind `top:`.
    #[error("behind 'top:' give how many classes, from 1, as in top:3")]
    Top,
    /// A negative number, or one that no model has.
    #[error("class numbers start at 0 and end below the model's number of classes")]
    ClassNumber,
}

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

/// Which classes of a photo are explained.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClassSpec {
    /// The best classes of the network's own answer, this many.
    Top(NonZeroU32),
    /// The class with this number.
    Id(u32),
    /// The class with this name.
    Name(String),
}

impl FromStr for ClassSpec {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        let text = text.trim();
        if text.is_empty() {
            return Err(ValueError::NoClass);
        }
        let lower = text.to_lowercase();
        if lower == "top" {
            return Ok(Self::Top(NonZeroU32::MIN));
        }
        if let Some(count) = lower.strip_prefix("top:") {
            return count.parse().map(Self::Top).map_err(|_| ValueError::Top);
        }
        if text.parse::<i128>().is_ok() {
            return text.parse().map(Self::Id).map_err(|_| ValueError::ClassNumber);
        }
        Ok(Self::Name(text.into()))
    }
}

/// Reads how many, from 1.
pub fn count(text: &str) -> Result<NonZeroU32, ValueError> {
    text.trim().parse().map_err(|_| ValueError::Count)
}

/// Reads a time in seconds.
pub fn seconds(text: &str) -> Result<f64, ValueError> {
    let seconds = text.trim().parse().map_err(|_| ValueError::Seconds)?;
    if (0.0..=1e5).contains(&seconds) { Ok(seconds) } else { Err(ValueError::Seconds) }
}

/// Reads one of a list's words, with or without spaces around it.
#[derive(Clone, Copy, Debug)]
pub struct ListItem<T>(PhantomData<T>);

impl<T> Default for ListItem<T> {
    fn default() -> Self {
        Self(PhantomData)
    }
}

impl<T: ValueEnum + Send + Sync + 'static> TypedValueParser for ListItem<T> {
    type Value = T;

    fn parse_ref(&self, command: &Command, argument: Option<&Arg>, value: &OsStr) -> Result<T, clap::Error> {
        let trimmed = value.to_str().map_or(value, |text| text.trim().as_ref());
        EnumValueParser::new().parse_ref(command, argument, trimmed)
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        Some(Box::new(T::value_variants().iter().filter_map(ValueEnum::to_possible_value)))
    }
}

/// Where weights come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WeightsSource {
    /// A formula.
    Synthetic,
    /// A safetensors file or a PyTorch checkpoint.
    File(PathBuf),
    /// torchvision's own, from the folder that PyTorch downloads to.
    Torchvision,
    /// A repository of the Hugging Face hub, from its cache.
    Hub(String),
}

impl FromStr for WeightsSource {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(match (text, text.strip_prefix("hf:")) {
            ("synthetic", _) => Self::Synthetic,
            ("torchvision", _) => Self::Torchvision,
            (_, Some(repository)) => Self::Hub(repository.into()),
            (_, None) => Self::File(text.into()),
        })
    }
}

/// A part of the method that is changed, to see what it does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "snake_case")]
pub enum Ablation {
    /// Drop F_x
    NoFx,
    /// Drop M
    NoM,
    /// Leave F_x + M undivided
    NoReg,
    /// Drop F_dx
    NoFdx,
    /// Drop A
    NoA,
    /// The layer's Grad-CAM map instead of F_x + M
    Gradcam,
}

impl Ablation {
    /// The name as it is given.
    pub fn name(self) -> &'static str {
        match self {
            Self::NoFx => "no_fx",
            Self::NoM => "no_m",
            Self::NoReg => "no_reg",
            Self::NoFdx => "no_fdx",
            Self::NoA => "no_a",
            Self::Gradcam => "gradcam",
        }
    }
}

/// All of a list of ablations together.
pub fn ablations(list: &[Ablation]) -> Ablations {
    let has = |ablation| list.contains(&ablation);
    Ablations {
        no_fx: has(Ablation::NoFx),
        no_m: has(Ablation::NoM),
        no_reg: has(Ablation::NoReg),
        no_fdx: has(Ablation::NoFdx),
        no_a: has(Ablation::NoA),
        gradcam: has(Ablation::Gradcam),
    }
}

/// A kind of file to write.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Save {
    /// The map laid over the photo: NAME.CLASS.overlay.png
    Overlay,
    /// The map in colours, one pixel a value: NAME.CLASS.heatmap.png
    Heatmap,
    /// The photo and the maps of all its classes side by side: NAME.panel.png
    Panel,
    /// The map itself, signed, never rescaled, float32 (H, W): NAME.CLASS.npy
    Npy,
}

impl Save {
    /// The name as it is given.
    pub fn name(self) -> &'static str {
        match self {
            Self::Overlay => "overlay",
            Self::Heatmap => "heatmap",
            Self::Panel => "panel",
            Self::Npy => "npy",
        }
    }
}

/// A graphics interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Backend {
    /// Linux, Windows, Android
    Vulkan,
    /// macOS, iOS
    Metal,
    /// Windows
    Dx12,
}

impl From<Backend> for BackendChoice {
    fn from(backend: Backend) -> Self {
        match backend {
            Backend::Vulkan => Self::Vulkan,
            Backend::Metal => Self::Metal,
            Backend::Dx12 => Self::Dx12,
        }
    }
}

/// The largest tile of Winograd's algorithm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Winograd {
    /// Direct sums throughout
    #[value(name = "0")]
    Never,
    /// F(2x2, 3x3), where it is accurate enough and expected to be faster
    #[value(name = "2")]
    Two,
    /// Also F(4x4, 3x3)
    #[value(name = "4")]
    Four,
}

impl Winograd {
    /// The value as it is given.
    pub fn name(self) -> &'static str {
        match self {
            Self::Never => "0",
            Self::Two => "2",
            Self::Four => "4",
        }
    }
}

impl From<Winograd> for Option<WinogradTile> {
    fn from(largest: Winograd) -> Self {
        match largest {
            Winograd::Never => None,
            Winograd::Two => Some(WinogradTile::Two),
            Winograd::Four => Some(WinogradTile::Four),
        }
    }
}

/// Reads an adapter's number in the list of `agf-run devices`, or a part of its name.
pub fn adapter_choice(text: &str) -> Result<AdapterChoice, Infallible> {
    Ok(text.parse().map_or_else(|_| AdapterChoice::Name(text.into()), AdapterChoice::Index))
}

/// Where a network comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NetworkSource {
    /// One that has a recipe here.
    Known(Architecture),
    /// An ONNX file.
    Onnx(PathBuf),
}

impl FromStr for NetworkSource {
    type Err = UnknownArchitecture;

    /// A path that ends in `.onnx`, or a name.
    fn from_str(text: &str) -> Result<Self, UnknownArchitecture> {
        match Path::new(text).extension().is_some_and(|ending| ending.eq_ignore_ascii_case("onnx")) {
            true => Ok(Self::Onnx(text.into())),
            false => text.parse().map(Self::Known),
        }
    }
}

impl fmt::Display for NetworkSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Known(architecture) => architecture.fmt(f),
            Self::Onnx(path) => path.display().fmt(f),
        }
    }
}

/// Reads the name of a precision.
pub fn precision() -> impl TypedValueParser<Value = Precision> {
    let possible = Precision::ALL.map(|precision| {
        PossibleValue::new(precision.name()).help(match precision {
            Precision::F32 => "As they are",
            Precision::F16Weights => "Rounded to f16, in half the memory; Winograd's transforms of them stay f32",
        })
    });
    PossibleValuesParser::new(possible).try_map(|name| name.parse::<Precision>())
}

/// Reads the name of a colormap.
pub fn colormap() -> impl TypedValueParser<Value = Colormap> {
    PossibleValuesParser::new(Colormap::ALL.map(Colormap::name)).try_map(|name| name.parse::<Colormap>())
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

    #[test]
    fn classes() {
        let top = |count| NonZeroU32::new(count).map(ClassSpec::Top).ok_or(ValueError::Top);
        assert_eq!("top".parse(), top(1));
        assert_eq!(" top:3 ".parse(), top(3));
        assert_eq!(("TOP".parse(), "Top:3".parse()), (top(1), top(3)));
        assert_eq!("0".parse(), Ok(ClassSpec::Id(0)));
        assert_eq!("5000".parse(), Ok(ClassSpec::Id(5000)));
        assert_eq!("Giant panda".parse(), Ok(ClassSpec::Name("Giant panda".into())));
        assert_eq!("topi".parse(), Ok(ClassSpec::Name("topi".into())));
        for (text, error) in [
            ("", ValueError::NoClass),
            ("top:", ValueError::Top),
            ("top:0", ValueError::Top),
            ("top:-1", ValueError::Top),
            ("-1", ValueError::ClassNumber),
            ("99999999999", ValueError::ClassNumber),
        ] {
            assert_eq!(text.parse::<ClassSpec>(), Err(error), "{text}");
        }
    }

    #[test]
    fn names_of_ablations_are_those_of_the_flag() {
        for ablation in Ablation::value_variants() {
            let value = ablation.to_possible_value().unwrap();
            assert_eq!(value.get_name(), ablation.name());
        }
    }
}
