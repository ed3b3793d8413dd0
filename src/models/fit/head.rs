//! The last linear layer, under whatever name a file has it.

use std::collections::HashSet;

use super::candidate::Candidate;
use super::{Shapes, Wanted, accepts, training};
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

/// Finds the last layer: the one of the expected name, or the only one with as many inputs. `None` where the file has
/// no linear layer beside the body but what training alone needs; a network whose last layer is a convolution cannot do
/// without it.
pub(super) fn find(
    found: &Shapes,
    wanted: &Wanted,
    candidate: &Candidate,
    layer: &str,
    file: &str,
) -> Result<Option<Head>, WeightsError> {
    let parameters: Vec<&Parameter> =
        wanted.parameters.iter().filter(|parameter| wanted.is_of_head(parameter)).collect();
    let fitting = |layer: &str| fitting(found, &parameters, layer);
    let is_of_training = |name: &str| training::is_of_training(found, candidate, Some(layer), name);
    let own = candidate.layer(layer);
    if let Some(head) = fitting(&own).filter(|_| !is_of_training(&format!("{own}.weight"))) {
        return Ok(Some(head));
    }
    let body: HashSet<&str> = candidate.names.iter().map(String::as_str).collect();
    let is_other = |name: &&&str| !body.contains(**name) && !is_of_training(name);
    let others: Vec<&&str> = found.keys().filter(is_other).collect();
    let heads: Vec<Head> = others.iter().filter_map(|name| name.strip_suffix(".weight")).filter_map(fitting).collect();
    // Without a last convolution nothing would be left that could be read as features.
    let is_linear = parameters.iter().all(|parameter| parameter.shape.len() <= 2);
    match heads.as_slice() {
        [head] => Ok(Some(head.clone())),
        [] if is_linear && others.iter().all(|name| found[**name].len() < 2) => Ok(None),
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
    /// The file's name of the tensor of one of the layer's parameters, and the parameter with the file's number of
    /// outputs.
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
