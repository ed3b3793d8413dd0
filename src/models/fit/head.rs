//! The last linear layer, under whatever name a file has it.

use super::candidate::Candidate;
use super::{Shapes, Wanted, accepts};
use crate::graph::parameter::Parameter;
use crate::models::weights::WeightsError;

/// The last linear layer of a file.
#[derive(Clone, Debug)]
pub(super) struct Head {
    /// The file's name of the layer.
    pub layer: String,
    /// Number of outputs.
    pub outputs: usize,
}

/// Finds the last layer: the one of the expected name, or the only one with as many inputs.
pub(super) fn find(
    found: &Shapes,
    wanted: &Wanted,
    candidate: &Candidate,
    layer: &str,
    file: &str,
) -> Result<Head, WeightsError> {
    let parameters: Vec<&Parameter> =
        wanted.parameters.iter().filter(|parameter| wanted.is_of_head(parameter)).collect();
    let fitting = |layer: &str| fitting(found, &parameters, layer);
    if let Some(head) = fitting(&candidate.layer(layer)) {
        return Ok(head);
    }
    let body = candidate.names();
    let others = found.keys().filter(|name| !body.iter().any(|used| used == *name));
    let heads: Vec<Head> = others.filter_map(|name| name.strip_suffix(".weight")).filter_map(fitting).collect();
    match heads.as_slice() {
        [head] => Ok(head.clone()),
        [] => {
            Err(WeightsError::NoHead { file: file.into(), layer: candidate.layer(layer), inputs: inputs(&parameters) })
        }
        several => {
            let candidates = several.iter().map(|head| head.layer.clone()).collect();
            Err(WeightsError::Ambiguous { file: file.into(), what: "the last layer", candidates })
        }
    }
}

/// The layer of this name, if its tensors have the shapes of `parameters` but for the number of outputs.
fn fitting(found: &Shapes, parameters: &[&Parameter], layer: &str) -> Option<Head> {
    let outputs = *found.get(format!("{layer}.weight").as_str())?.first().filter(|&&outputs| outputs > 0)?;
    let head = Head { layer: layer.into(), outputs };
    let has = |parameter: &&Parameter| {
        let (name, parameter) = head.tensor(parameter);
        found.get(name.as_str()).is_some_and(|shape| accepts(&parameter.shape, shape))
    };
    parameters.iter().all(has).then_some(head)
}

fn inputs(parameters: &[&Parameter]) -> usize {
    parameters.iter().find_map(|parameter| parameter.shape.get(1).copied()).unwrap_or(0)
}

impl Head {
    /// The file's name of the tensor of one of the layer's parameters, and the parameter with the file's number of outputs.
    pub fn tensor(&self, parameter: &Parameter) -> (String, Parameter) {
        let kind = parameter.name.rsplit('.').next().unwrap_or_default();
        let mut parameter = parameter.clone();
        if let Some(outputs) = parameter.shape.first_mut() {
            *outputs = self.outputs;
        }
        (format!("{}.{kind}", self.layer), parameter)
    }

    /// The module around the layer that holds nothing of the body, or the layer itself.
    pub fn module(&self, prefix: &str) -> String {
        match self.layer.rsplit_once('.') {
            Some((parent, _)) if !prefix.starts_with(&format!("{parent}.")) => parent.into(),
            _ => self.layer.clone(),
        }
    }
}
