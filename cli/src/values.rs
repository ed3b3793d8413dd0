//! The values of flags: read once, here, into types that cannot hold nonsense.

mod classes;
mod device;
mod memory;
mod sizes;
mod sources;

use std::ffi::OsStr;
use std::marker::PhantomData;
use std::num::NonZeroU32;

use clap::builder::{EnumValueParser, PossibleValue, PossibleValuesParser, TypedValueParser};
use clap::{Arg, Command, ValueEnum};

use agf::image::Colormap;
use agf::methods::agf::Ablations;

pub use classes::ClassSpec;
pub use device::{Backend, Winograd, adapter_choice};
pub use memory::MemorySize;
pub use sizes::{Dimensions, Size};
pub use sources::{NetworkSource, WeightsSource, precision};

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
    /// One page with photos, maps that a slider wipes, classes and numbers: report.html
    Html,
}

impl Save {
    /// The name as it is given.
    pub fn name(self) -> &'static str {
        match self {
            Self::Overlay => "overlay",
            Self::Heatmap => "heatmap",
            Self::Panel => "panel",
            Self::Npy => "npy",
            Self::Html => "html",
        }
    }
}

/// Reads the name of a colormap.
pub fn colormap() -> impl TypedValueParser<Value = Colormap> {
    PossibleValuesParser::new(Colormap::ALL.map(Colormap::name)).try_map(|name| name.parse::<Colormap>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_ablations_are_those_of_the_flag() {
        for ablation in Ablation::value_variants() {
            let value = ablation.to_possible_value().unwrap();
            assert_eq!(value.get_name(), ablation.name());
        }
    }
}
