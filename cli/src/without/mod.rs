//! Explaining without a class: what photos are compared with, vectors of folders, and the commands that show them.
//!
//! [`comparison`] makes the network of `explain --against` and `--like`, [`gallery`] the vectors of a folder, which
//! [`cache`] keeps.

pub mod args;
mod cache;
pub mod comparison;
mod content;
pub mod embed;
mod error;
mod gallery;
mod logits;
pub mod neighbours;
mod references;

pub use error::WithoutClassError;

use super::terminal::Terminal;
use super::{CliError, Outcome};
use agf::Error;
use agf::models::Model;

/// The model with the node that was chosen for its penultimate vector; tells where that is the output for want of a
/// linear layer.
fn with_features(model: Model, node: Option<&str>) -> Result<Model, CliError> {
    let model = match node {
        Some(node) => model.with_features(node).map_err(Error::from)?,
        None => model,
    };
    let (name, is_chosen) = model.features().map_err(Error::from)?;
    if !is_chosen {
        let network = model.name();
        let note = format!(
            "{network} has no linear layer: its output '{name}' is taken for the vector; \
             --features NODE chooses another"
        );
        Terminal::plain().note(note);
    }
    Ok(model)
}

/// How a command ends of whose inputs so many failed.
fn outcome(failed: usize) -> Outcome {
    if failed == 0 { Outcome::Fine } else { Outcome::Failed }
}
