//! Networks from ONNX files: reading, folding of constants, and the forward graph.

mod error;
mod external;
mod file;
mod fold;
mod import;
mod limited;
mod node;
mod patterns;
#[rustfmt::skip]
#[allow(clippy::all, clippy::pedantic, missing_docs)]
mod proto;
mod stream;
mod tensor;
#[cfg(test)]
mod tests;
mod view;

pub use error::{OnnxError, Unsupported};

use super::weights::{Tensor, Weights};
use super::{InputSpec, Model, Recipe};
use crate::graph::parameter::Parameter;
use crate::graph::{GraphError, Network};
use file::File;
use import::{Binding, Imported, import};
use prost::bytes::Bytes;
use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

/// Which input and output of a file are meant where it has several.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OnnxOptions {
    /// Name of the picture's input.
    pub input: Option<String>,
    /// Name of the output with the logits or probabilities.
    pub output: Option<String>,
}

/// A network from an ONNX file: its graph for any picture size, and its weights.
///
/// What the file cannot say, how a picture is normalised and what the classes are called, comes from elsewhere.
#[derive(Clone, Debug)]
pub struct Onnx {
    file: Arc<File>,
}

/// What was read from a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OnnxSummary {
    /// Version of the operator set.
    pub opset: i64,
    /// Name of the picture's input.
    pub input: String,
    /// Name of the output.
    pub output: String,
    /// Nodes that the output needs.
    pub nodes: usize,
    /// Operations of the graph that the file became.
    pub operations: usize,
    /// Operations behind the logits that were left off, such as `Softmax`.
    pub left_off: Vec<String>,
    /// Tensors of 64 bits that were rounded to 32.
    pub rounded: usize,
}

impl Onnx {
    /// Reads a file, with tensors that lie in files beside it.
    ///
    /// # Errors
    /// [`OnnxError`] where it cannot be read, is no ONNX model, or has no picture input or several outputs.
    pub fn open(path: &Path, options: &OnnxOptions) -> Result<Self, OnnxError> {
        Ok(Self { file: Arc::new(File::open(path, options)?) })
    }

    /// Reads a model from memory, which `name` stands for in messages. Its tensors must be in it.
    ///
    /// # Errors
    /// As [`Onnx::open`].
    pub fn parse(bytes: Vec<u8>, name: &str, options: &OnnxOptions) -> Result<Self, OnnxError> {
        Ok(Self { file: Arc::new(File::parse(Bytes::from(bytes), name, options)?) })
    }

    /// Channels of the picture, 1 or 3.
    pub fn channels(&self) -> u32 {
        self.file.input.channels
    }

    /// Height and width of the picture, each where the file fixes it.
    pub fn size(&self) -> [Option<u32>; 2] {
        [self.file.input.height, self.file.input.width]
    }

    /// The forward graph for pictures of `height` x `width`.
    ///
    /// # Errors
    /// [`OnnxError::Unsupported`] lists every operation that cannot be computed or explained; [`OnnxError::Node`] and
    /// [`OnnxError::Graph`] where the file contradicts itself or the size.
    pub fn build(&self, height: u32, width: u32) -> Result<Network, OnnxError> {
        Ok(import(&self.file, height, width)?.network)
    }

    /// A model for pictures as `input` says, whose `height` and `width` must be those that the file fixes. Its classes
    /// have numbers for names.
    ///
    /// # Errors
    /// As [`Onnx::build`] and [`Onnx::weights`].
    pub fn model(&self, name: &str, input: InputSpec, is_synthetic: bool) -> Result<Model, OnnxError> {
        if self.channels() != input.order.channels() {
            let (own, given) = (self.channels(), input.order.channels());
            return Err(OnnxError::Form {
                reason: format!("has {own} input channels, pictures of {given} are meant for it"),
            });
        }
        let (height, width) = (input.height, input.width);
        let imported = import(&self.file, height, width)?;
        let weights = weights_of(&imported, is_synthetic)?;
        let onnx = self.clone();
        let recipe = Recipe::new(name, input, move |height, width| {
            onnx.build(height, width).map_err(|error| match error {
                OnnxError::Graph(error) => error,
                other => GraphError::Source { height, width, reason: other.to_string() },
            })
        })?;
        let mut model = Model::new(recipe, weights, name.into());
        if self.file.rounded > 0 {
            model.notes.push(format!("{} of its tensors have 64 bits and were rounded to 32", self.file.rounded));
        }
        if imported.is_quantised {
            model.notes.push("the file is quantised: it is taken as the float network that it stands for".into());
        }
        Ok(model)
    }

    /// What was read, for pictures of `height` x `width`.
    ///
    /// # Errors
    /// As [`Onnx::build`].
    pub fn summary(&self, height: u32, width: u32) -> Result<OnnxSummary, OnnxError> {
        let imported = import(&self.file, height, width)?;
        Ok(OnnxSummary {
            opset: self.file.opset,
            input: self.file.input.name.clone(),
            output: self.file.output.clone(),
            nodes: imported.nodes,
            operations: imported.network.graph.nodes().len(),
            left_off: imported.left_off,
            rounded: self.file.rounded,
        })
    }

    /// The parameters' values. With `is_synthetic`, tensors that the file only gives a shape (by `ConstantOfShape`) and
    /// that a layer reads get made-up values by their names.
    ///
    /// # Errors
    /// As [`Onnx::build`]; [`OnnxError::Tensor`] where a tensor does not have as many values as its layer needs, and
    /// [`OnnxError::Weights`] for values that no network can have.
    pub fn weights(&self, height: u32, width: u32, is_synthetic: bool) -> Result<Weights, OnnxError> {
        weights_of(&import(&self.file, height, width)?, is_synthetic)
    }
}

/// Weights that may be made up where a file only gives their shapes: twice those of the largest recipe.
const MOST_MADE_UP: usize = 1 << 28;
/// Weights that a file may say are all one number, such as zeros for the biases of a network.
const MOST_FILLED: usize = 1 << 22;

fn weights_of(imported: &Imported, is_synthetic: bool) -> Result<Weights, OnnxError> {
    let filled = imported.bindings.iter().fold(0_usize, |sum, binding| sum.saturating_add(binding.filled()));
    let (most, otherwise) = match is_synthetic {
        true => (MOST_MADE_UP, ""),
        false => (MOST_FILLED, " unless synthetic weights are asked for"),
    };
    if filled > most {
        let reason = format!("has {filled} weights that are no more than shapes; at most {most} are filled{otherwise}");
        return Err(OnnxError::Form { reason });
    }
    let tensor = |binding: &Binding| -> Result<(String, Tensor), OnnxError> {
        let Parameter { name, shape, .. } = &binding.parameter;
        let values = binding.values(is_synthetic).ok_or_else(|| OnnxError::Tensor {
            tensor: binding.tensor.name.clone(),
            reason: format!("has the shape {:?}, but '{name}' needs {shape:?}", binding.tensor.dims),
        })?;
        Ok((name.clone(), Tensor::shared(shape, values)?))
    };
    let tensors: HashMap<String, Tensor> = imported.bindings.iter().map(tensor).collect::<Result<_, _>>()?;
    Ok(Weights::from_tensors(tensors, &imported.network.graph.parameters())?)
}
