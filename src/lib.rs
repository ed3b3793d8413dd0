//! scaffold
#![warn(missing_docs)]
pub mod error;
pub mod explainer;
pub mod gpu;
pub mod graph;
pub mod methods;
pub mod models;
pub mod plan;
pub mod session;
pub use error::Error;
pub use explainer::{Batch, Cost, Explained, Explainer, LayerSum, Map, Target};
