//! The networks: recipes, from a picture's size to a forward graph, and the weights that fill them, by parameter name.

mod architecture;
mod beside;
pub(crate) mod fit;
mod input;
mod labels;
mod likeness;
mod model;
#[cfg(feature = "onnx")]
pub mod onnx;
mod precision;
mod recipe;
mod synsets;
pub(crate) mod synthetic;
pub mod weights;

pub use architecture::{Architecture, UnknownArchitecture};
pub use beside::Beside;
pub use fit::Closest;
pub use input::{ChannelOrder, Filter, InputSpec, Resize};
pub use labels::{LabelError, LabelFileError, LabelSource, Labels};
pub use likeness::{LikenessError, Reference, TEMPERATURE};
pub use model::Model;
pub use precision::{Precision, UnknownPrecision};
pub use recipe::Recipe;
pub use synsets::synset_class;
#[doc(hidden)]
pub use synthetic::fnv1a;
