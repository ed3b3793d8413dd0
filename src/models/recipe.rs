//! What a network is before it has weights.

use super::fit::{Naming, Wanted};
use super::{InputSpec, LabelError, Labels};
use crate::graph::parameter::Parameter;
use crate::graph::{Forward, GraphError, Network, NodeId, Op, RoleChoice};
use std::fmt;
use std::sync::Arc;

/// Gives the forward graph for a picture of a height and width.
type Build = dyn Fn(u32, u32) -> Result<Network, GraphError> + Send + Sync;

/// A network without the values of its weights: how to build its graph, the parameters that the graph needs, how it
/// wants its pictures, and what its classes are called. An [`Architecture`](super::Architecture) gives one; any other
/// source of graphs can.
#[derive(Clone)]
pub struct Recipe {
    name: String,
    build: Arc<Build>,
    parameters: Arc<[Parameter]>,
    classes: u32,
    input: InputSpec,
    labels: Labels,
    head: Option<String>,
    namings: Vec<Naming>,
    roles: Vec<RoleChoice>,
    /// Node of the penultimate vector, where a user chose one.
    features: Option<String>,
    /// Linear layer whose weights are references.
    references: Option<String>,
}

impl Recipe {
    /// A recipe whose classes have numbers for names, or are the two of one output. `build` is called with the height
    /// and width of a picture; which parameters there are, and how many classes, must not depend on them.
    ///
    /// # Errors
    /// [`GraphError`] where `build` fails for the size that `input` names.
    pub fn new(
        name: impl Into<String>,
        input: InputSpec,
        build: impl Fn(u32, u32) -> Result<Network, GraphError> + Send + Sync + 'static,
    ) -> Result<Self, GraphError> {
        let network = build(input.height, input.width)?;
        let classes = network.graph.shape(network.logits).channels;
        let labels = if network.has_one_output() { Labels::of_one_output() } else { Labels::numbered(classes) };
        Ok(Self {
            name: name.into(),
            build: Arc::new(build),
            parameters: network.graph.parameters().into(),
            classes,
            input,
            labels,
            head: head(&network),
            namings: Vec::new(),
            roles: Vec::new(),
            features: None,
            references: None,
        })
    }

    /// The same network, whose weights may also come by these names.
    pub(super) fn with_namings(self, namings: Vec<Naming>) -> Self {
        Self { namings, ..self }
    }

    /// The same network with these names for its classes.
    ///
    /// # Errors
    /// [`LabelError::Count`] where there are more or fewer names than classes.
    pub fn with_labels(self, labels: Labels) -> Result<Self, LabelError> {
        if labels.len() != self.classes {
            return Err(LabelError::Count { found: labels.len(), classes: self.classes });
        }
        Ok(self.called(labels))
    }

    /// The same network with these names for its classes, as many as it has.
    pub(super) fn called(self, labels: Labels) -> Self {
        Self { labels, ..self }
    }

    /// The same network with other roles for some convolutions than their places in the graph give them; of several
    /// choices for one the last holds.
    ///
    /// # Errors
    /// [`GraphError::Role`] for a choice that fits no convolution.
    pub fn with_roles(self, roles: Vec<RoleChoice>) -> Result<Self, GraphError> {
        let InputSpec { height, width, .. } = self.input;
        let recipe = Self { roles, ..self };
        recipe.build(height, width)?;
        Ok(recipe)
    }

    /// The same network with another node for its penultimate vector.
    ///
    /// # Errors
    /// [`GraphError::Node`] where there is none of this name.
    pub(super) fn with_features(self, node: &str) -> Result<Self, GraphError> {
        let InputSpec { height, width, .. } = self.input;
        self.build(height, width)?.named(node)?;
        Ok(Self { features: Some(node.into()), ..self })
    }

    /// The node of the penultimate vector in a network of this recipe.
    ///
    /// # Errors
    /// [`GraphError::Node`] where the one that was chosen is not there.
    pub(super) fn features(&self, network: &Network) -> Result<NodeId, GraphError> {
        self.features.as_ref().map_or_else(|| Ok(network.penultimate()), |node| network.named(node))
    }

    /// Whether a node was chosen for the penultimate vector.
    pub(super) fn has_features(&self) -> bool {
        self.features.is_some()
    }

    /// The same network, of which this linear layer's weights are references.
    pub(super) fn with_references(self, layer: String) -> Self {
        Self { references: Some(layer), ..self }
    }

    /// The linear layer whose weights are references.
    pub(crate) fn references(&self) -> Option<&str> {
        self.references.as_deref()
    }

    /// The same network for pictures that are prepared in another way.
    #[must_use]
    pub fn with_input_spec(self, input: InputSpec) -> Self {
        Self { input, ..self }
    }

    /// The forward graph for a picture of `height` x `width`.
    ///
    /// # Errors
    /// [`GraphError::Window`] where the picture is too small for the network.
    pub fn build(&self, height: u32, width: u32) -> Result<Network, GraphError> {
        (self.build)(height, width)?.with_roles(&self.roles)
    }

    /// Name for messages and reports, such as `vgg16`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The parameters that the network needs.
    pub fn parameters(&self) -> &[Parameter] {
        &self.parameters
    }

    /// What a file of weights is matched against.
    pub(super) fn wanted(&self) -> Wanted<'_> {
        Wanted { parameters: &self.parameters, head: self.head.as_deref(), namings: &self.namings }
    }

    /// Number of logits.
    pub fn classes(&self) -> u32 {
        self.classes
    }

    /// Size and normalisation of the network's input.
    pub fn input_spec(&self) -> InputSpec {
        self.input
    }

    /// Names of the classes.
    pub fn labels(&self) -> &Labels {
        &self.labels
    }
}

/// Name of the layer whose outputs are the classes, with nothing but pooling and activations behind it; `None` where
/// there is none.
fn head(network: &Network) -> Option<String> {
    let mut node = network.graph.node(network.logits);
    loop {
        match node.op {
            Op::Forward(Forward::Linear { layer, .. }) => return Some(network.graph.linear_layer(layer).name.clone()),
            Op::Forward(Forward::Convolve { layer, .. }) => return Some(network.graph.convolution(layer).name.clone()),
            Op::Forward(Forward::LogitPair | Forward::AveragePool { .. } | Forward::Clamp(_)) => {
                node = network.graph.node(*node.inputs.first()?);
            }
            Op::Forward(_) | Op::Backward(_) | Op::Explain(_) => return None,
        }
    }
}

impl fmt::Debug for Recipe {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, classes, input, .. } = self;
        formatter.debug_struct("Recipe").field("name", name).field("classes", classes).field("input", input).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::Architecture;

    #[test]
    fn a_network_that_cannot_be_built_is_an_error_and_not_one_without_parameters() {
        let build = |height, width| Architecture::TinyResNet.build(height, width, 10);
        let recipe = Architecture::TinyVgg.recipe(10).unwrap();
        let input = recipe.input_spec();
        assert_eq!(Recipe::new("small", input, build).unwrap().classes(), 10);
        let error = Recipe::new("small", InputSpec { height: 0, ..input }, build).unwrap_err();
        assert!(matches!(error, GraphError::Shapes { .. }), "{error}");
        assert!(matches!(recipe.build(2, 2).unwrap_err(), GraphError::Window { .. }));
    }
}
