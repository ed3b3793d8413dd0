//! Class-specific, pixel-level explanations of image classifiers on any GPU.
//!
//! Attribution Guided Factorization (Gur, Ali, Wolf, AAAI 2021) answers per class which pixels speak for it and which
//! against it. Forward pass, gradient and relevance are hand-written WGSL compute shaders, planned as one graph and
//! recorded into one command buffer through wgpu: no CUDA, no machine-learning framework.
//!
//! # Explaining a picture
//!
//! A [`Gpu`] is a device, a [`Model`] a network with its weights, a [`Method`] what maps are made by. An [`Explainer`]
//! puts the three together: a [`Batch`] of normalised pictures and the [`Target`]s of each go in, logits and a [`Map`]
//! per target come out.
//!
//! ```no_run
//! use agf::gpu::Selection;
//! use agf::image::{Framing, Photo, prepare};
//! use agf::{Batch, Explainer, Gpu, Method, Model, Target};
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let gpu = Gpu::open(&Selection::default()).await?;
//! let model = Model::embedded()?;
//! let photo = Photo::open("samples/panda_macaw.jpg")?;
//! let input = prepare(&photo, &model.input_spec(), Framing::Standard)?;
//! let batch = Batch::new(1, input.height, input.width, input.tensor);
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
//! # Without a class
//!
//! A network need not know the classes of its pictures. [`Explainer::embed`] gives penultimate vectors; [`Model::like`]
//! makes of a network one whose classes are [references](models::Reference), [`Model::against`] one that tells a
//! picture from its neighbour ([`Batch::against`]). Both are models like any other. [`nearest`] finds neighbours.
//!
//! # Inside a graphics program
//!
//! The program hands over its device ([`Gpu::adopt`]) and asks for a [`Session`], a network with its memory on that
//! device. Per frame it writes pictures and targets, records the session into its own encoder, all at once or in
//! [parts](Session::parts) that fit a frame, and reads the [map](Session::map) where it lies on the GPU. Nothing waits,
//! nothing goes back to the CPU.
//!
//! ```no_run
//! use agf::{Batch, Explainer, Gpu, Method, Model, SessionShape, Target, wgpu};
//!
//! # async fn example(
//! #     device: wgpu::Device,
//! #     queue: wgpu::Queue,
//! #     picture: Vec<f32>,
//! # ) -> Result<(), Box<dyn std::error::Error>> {
//! let gpu = Gpu::adopt(device.clone(), queue.clone())?;
//! let mut explainer = Explainer::new(&gpu, &Model::embedded()?, Method::default());
//! let session = explainer.session(SessionShape { count: 1, height: 224, width: 224, slots: 1 }).await?;
//!
//! session.write_pictures(&Batch::new(1, 224, 224, picture))?;
//! session.write_targets(0, &[Target::Rank(0)])?;
//! let mut encoder = device.create_command_encoder(&Default::default());
//! session.record(&mut encoder);
//! queue.submit([encoder.finish()]);
//! let binding = session.map(0)?.binding(); // 224 x 224 values for a pass of the program's own
//! # let _ = binding;
//! # Ok(())
//! # }
//! ```
//!
//! # Where what is
//!
//! [`gpu`] finds adapters, [`display`] reads pictures from textures and paints maps into them, [`models`] has the
//! networks, [`methods`] the methods with their options, [`image`] photos, overlays and arrays. [`verify`](mod@verify)
//! compares every value that a GPU computes with a slow computation in f64, [`evaluation`] scores methods on data sets,
//! [`tuning`] finds the fastest kernels of an adapter, [`benchmark`] measures. What lies below, from graphs to kernels,
//! is described in ARCHITECTURE.md and may change from version to version.
//!
//! What a host may leave out are features, all on by default: `pictures` ([`image`]), `evaluation` ([`evaluation`],
//! which needs `pictures`), `onnx` ([`models::onnx`]) and `embedded-weights` ([`models::Model::embedded`]).

#![warn(missing_docs)]
// A browser's objects stay on the thread that made them; elsewhere the shared ones are for every thread.
#![cfg_attr(target_arch = "wasm32", allow(clippy::arc_with_non_send_sync))]

/// Compiles what docs/embedding.md shows.
#[cfg(all(doctest, feature = "embedded-weights", feature = "pictures"))]
#[doc = include_str!("../docs/embedding.md")]
mod embedding {}

mod batch;
pub mod benchmark;
#[doc(hidden)]
pub mod catalogue;
#[cfg(feature = "pictures")]
pub mod display;
pub mod error;
#[cfg(feature = "evaluation")]
pub mod evaluation;
pub mod explainer;
#[doc(hidden)]
pub mod files;
pub mod gpu;
#[doc(hidden)]
pub mod graph;
#[cfg(feature = "pictures")]
pub mod image;
mod map;
pub mod methods;
pub mod models;
pub mod nearest;
#[doc(hidden)]
pub mod plan;
mod platform;
mod random;
#[doc(hidden)]
pub mod reference;
pub mod session;
mod target;
pub mod tuning;
pub mod verify;
#[doc(hidden)]
pub mod wiring;

pub use batch::Batch;
pub use error::Error;
pub use explainer::{Cost, Explainer, Progress};
pub use gpu::Gpu;
pub use map::{Explained, LayerSum, Map};
pub use methods::Method;
pub use models::Model;
pub use session::{Session, SessionShape};
pub use target::Target;
/// The version of wgpu that devices handed to [`gpu::Gpu::adopt`] must come from.
pub use wgpu;
