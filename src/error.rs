//! The one error of the library: each variant says what happened, where, and what to do next.

#[cfg(feature = "pictures")]
use crate::display::DisplayError;
use crate::gpu::GpuError;
use crate::graph::GraphError;
#[cfg(feature = "pictures")]
use crate::image::ImageError;
use crate::methods::MethodError;
use crate::models::weights::WeightsError;
use crate::models::{LabelError, LikenessError};
use crate::plan::PlanError;
use crate::reference::ReferenceError;

/// Everything that can go wrong between a picture and its map.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The network does not fit the picture.
    #[error(transparent)]
    Graph(#[from] GraphError),
    /// The method does not fit the network.
    #[error(transparent)]
    Method(#[from] MethodError),
    /// The pictures do not fit the device.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// A network cannot be asked without a class.
    #[error(transparent)]
    Likeness(#[from] LikenessError),
    /// Weights could not be had.
    #[error(transparent)]
    Weights(#[from] WeightsError),
    /// The f64 reference.
    #[error(transparent)]
    Reference(#[from] ReferenceError),
    /// The adapter, or what was asked of it.
    #[error(transparent)]
    Gpu(#[from] GpuError),
    /// Pictures whose number or size is not what was said.
    #[error("got {found}, expected {wanted}")]
    Batch {
        /// What was given.
        found: String,
        /// What was expected.
        wanted: String,
    },
    /// A class that the network does not have.
    #[error(
        "there is no class {class}: the model has {classes} classes, numbered from 0 to {}",
        classes.saturating_sub(1)
    )]
    Class {
        /// What was asked for.
        class: u32,
        /// Number of classes.
        classes: u32,
    },
    /// A class slot that a session does not have.
    #[error("there is no slot {slot}: the session was made for {slots} classes per picture, slots begin at 0")]
    Slot {
        /// What was asked for.
        slot: u32,
        /// Number of slots.
        slots: u32,
    },
    /// Not even one picture fits the memory that may be used.
    #[error(
        "one picture needs {:.1} MB of GPU memory for values and {:.1} MB for weights, {} bytes together, \
         and {limit} are allowed; allow more, or use a smaller picture, fewer classes or another network",
        *values as f64 / 1e6, *weights as f64 / 1e6, values + weights
    )]
    Memory {
        /// Bytes of values for one picture.
        values: u64,
        /// Bytes of weights.
        weights: u64,
        /// What may be used.
        limit: u64,
    },
    /// The host stopped the work, by [`Explainer::on_progress`](crate::Explainer::on_progress) for instance.
    #[error("the work was stopped between two runs, as the host asked")]
    Stopped,
    /// A picture or array that cannot be read or written.
    #[cfg(feature = "pictures")]
    #[error(transparent)]
    Image(#[from] ImageError),
    /// A host's texture that cannot be used as asked.
    #[cfg(feature = "pictures")]
    #[error(transparent)]
    Display(#[from] DisplayError),
    /// A name that is no class's, or several classes'.
    #[error(transparent)]
    Label(#[from] LabelError),
}
