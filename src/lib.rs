//! Class-specific, pixel-level explanations of image classifiers on any GPU.
//!
//! Attribution Guided Factorization (Gur, Ali, Wolf, AAAI 2021) answers per class which pixels speak for it and which against it.
//! Forward pass, gradient and relevance are hand-written WGSL compute shaders, planned as one graph and recorded into one command
//! buffer through wgpu: no CUDA, no machine-learning framework.
//!
//! ```no_run
//! use agf::gpu::{Gpu, Selection};
//! use agf::image::{Framing, Photo, prepare};
//! use agf::methods::Method;
//! use agf::models::Model;
//! use agf::{Batch, Explainer, Target};
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let gpu = Gpu::open(&Selection::default()).await?;
//! let model = Model::embedded()?;
//! let photo = Photo::open("samples/panda_macaw.jpg")?;
//! let input = prepare(&photo, &model.input_spec(), Framing::Standard)?;
//! let batch = Batch { count: 1, height: input.height, width: input.width, data: input.tensor };
//!
//! let panda = model.labels().find("giant panda")?;
//! let mut explainer = Explainer::new(&gpu, &model, Method::default());
//! let (explained, _cost) = explainer.explain(&batch, &[vec![Target::Class(panda)]]).await?;
//! let map = &explained[0].maps[0]; // 224 x 224 values: positive speaks for the panda, negative against it
//! # let _ = map;
//! # Ok(())
//! # }
//! ```
//!
//! The way of the data: a photo becomes a tensor ([`image`]); a model recipe a forward graph ([`models`], [`graph`]); a method adds
//! gradient and relevance to it ([`methods`]); the graph and the device's limits give a plan ([`plan`]), a plan runs on the GPU
//! ([`gpu`]). [`reference`](mod@reference) computes the same graph in f64, and [`verify`](mod@verify) compares the two node by node. A host application hands
//! over its device ([`gpu::Gpu::adopt`]) and records a [`session::Session`] into its own encoder.
//!
//! What a host may leave out are features, all on by default: `pictures` ([`image`]), `evaluation` ([`evaluation`], which needs
//! `pictures`) and `embedded-weights` ([`models::Model::embedded`]).

#![warn(missing_docs)]

pub mod benchmark;
#[doc(hidden)]
pub mod catalogue;
pub mod error;
#[cfg(feature = "evaluation")]
pub mod evaluation;
pub mod explainer;
#[doc(hidden)]
pub mod files;
pub mod gpu;
pub mod graph;
#[cfg(feature = "pictures")]
pub mod image;
pub mod methods;
pub mod models;
pub mod plan;
mod random;
pub mod reference;
pub mod session;
pub mod tuning;
pub mod verify;

pub use error::Error;
pub use explainer::{Batch, Cost, Explained, Explainer, LayerSum, Map, Progress, Target};
pub use session::{Session, SessionShape};
/// The version of wgpu that devices handed to [`gpu::Gpu::adopt`] must come from.
pub use wgpu;
