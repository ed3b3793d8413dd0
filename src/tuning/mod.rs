//! Which variants of dense convolutions are the fastest on a device: measured, and kept in a file.
//!
//! On top of the flow, beside [`benchmark`](mod@crate::benchmark), with whose sessions it measures. Without it every
//! pass takes a default that follows from its shape; `agf-run tune` fills the file, and every command that opens a
//! device reads it.
//!
//! ```no_run
//! use agf::gpu::{Gpu, Selection};
//! use agf::models::Model;
//! use agf::tuning::{Settings, Tuner, load, save};
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let gpu = Gpu::open(&Selection::default()).await?;
//! let directory = std::path::Path::new("cache");
//! let tuning = match load(&gpu, directory)? {
//!     Some(tuning) => tuning,
//!     None => {
//!         let model = Model::embedded()?;
//!         let measured = Tuner::new(&gpu, &model, Settings::of(&model))?.run(|| {}).await?;
//!         let tuning = measured.iter().map(|measured| (measured.shape, measured.chosen)).collect();
//!         save(&gpu, directory, &tuning)?;
//!         tuning
//!     }
//! };
//! let gpu = gpu.with_tuning(tuning);
//! # let _ = gpu;
//! # Ok(())
//! # }
//! ```

mod cache;
mod search;

pub use crate::plan::variant::{Algorithm, DenseKernel, PassShape, Tuning, Variant, WinogradTile};
#[doc(hidden)]
pub use cache::parse_for_any;
pub use cache::{CacheError, file, load, save};
pub use search::{Measured, Settings, Tuner};
