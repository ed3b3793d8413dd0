//! What each convolution is to a relevance rule, found from where it stands in its network.

use super::{Forward, Graph, NodeId, Op, Role};
use std::fmt;
use std::str::FromStr;

/// A role that a user gives to the convolutions whose names fit a pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoleChoice {
    /// Pattern of the convolution's name: `*` stands for any characters, `?` for one.
    pub name: String,
    /// The role.
    pub role: Role,
}

/// A text that is not NAME=ROLE.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "'{text}' gives no convolution a role; write NAME=ROLE, as in layer1.*=full, with one of {}",
    Role::ALL.map(Role::name).join(", ")
)]
pub struct RoleChoiceError {
    /// The text.
    pub text: String,
}

impl fmt::Display for RoleChoice {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}={}", self.name, self.role.name())
    }
}

impl FromStr for RoleChoice {
    type Err = RoleChoiceError;

    fn from_str(text: &str) -> Result<Self, RoleChoiceError> {
        let choice = || {
            let (name, role) = text.rsplit_once('=')?;
            let role = Role::ALL.into_iter().find(|known| known.name() == role.trim())?;
            Some(Self { name: name.trim().into(), role }).filter(|choice| !choice.name.is_empty())
        };
        choice().ok_or_else(|| RoleChoiceError { text: text.into() })
    }
}

/// The roles of all convolutions, by layer index.
///
/// `first`: it reads the picture through nothing but affine operations. `flat`: its kernel has one tap, or it is the
/// last convolution of a branch that ends in a sum of two values, affine operations behind it left aside. `full`: every
/// other one.
pub(super) fn roles(graph: &Graph) -> Vec<Role> {
    let mut ends_branch = vec![false; graph.nodes().len()];
    for id in graph.ids().filter(|&id| graph.node(id).op == Op::Forward(Forward::Add)) {
        for &input in &graph.node(id).inputs {
            ends_branch[through_affine(graph, input).index()] = true;
        }
    }
    let mut roles = vec![Role::Full; graph.convolutions.len()];
    for id in graph.ids() {
        let node = graph.node(id);
        let Op::Forward(Forward::Convolve { layer, .. }) = node.op else { continue };
        let reads_picture = node.inputs.iter().all(|&x| is_picture(graph, through_affine(graph, x)));
        let is_point = graph.convolution(layer).window.taps() == 1;
        roles[layer.index()] = match (reads_picture, is_point || ends_branch[id.index()]) {
            (true, _) => Role::First,
            (false, true) => Role::Flat,
            (false, false) => Role::Full,
        };
    }
    roles
}

fn is_picture(graph: &Graph, id: NodeId) -> bool {
    graph.node(id).op == Op::Forward(Forward::Input)
}

/// The value that affine operations lead back to.
fn through_affine(graph: &Graph, mut id: NodeId) -> NodeId {
    loop {
        let node = graph.node(id);
        let Op::Forward(forward) = node.op else { return id };
        match (is_affine(&forward), node.inputs.first()) {
            (true, Some(&input)) => id = input,
            (true, None) | (false, _) => return id,
        }
    }
}

/// Whether it only scales and shifts each channel, or moves all values to other places.
fn is_affine(forward: &Forward) -> bool {
    match forward {
        Forward::BatchNorm(_) | Forward::Pad { .. } | Forward::Shuffle { .. } | Forward::Transpose(_) => true,
        Forward::Input
        | Forward::Convolve { .. }
        | Forward::Linear { .. }
        | Forward::Clamp(_)
        | Forward::Activate(_)
        | Forward::ParametricRelu(_)
        | Forward::NormalizeResponse(_)
        | Forward::NormalizeChannels { .. }
        | Forward::MaxPool(_)
        | Forward::AveragePool { .. }
        | Forward::AverageWindows(_)
        | Forward::Add
        | Forward::Subtract
        | Forward::Multiply
        | Forward::Concat
        | Forward::Slice(_)
        | Forward::LogitPair
        | Forward::Given { .. }
        | Forward::Against
        | Forward::Normalize => false,
    }
}
