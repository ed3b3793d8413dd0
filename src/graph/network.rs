//! A classifier as data.

#[cfg(doc)]
use super::Role;
use super::{Forward, Graph, GraphError, NodeId, RoleChoice, Shape, roles};
use wildmatch::WildMatch;

/// A classifier's forward graph.
#[derive(Clone, Debug)]
pub struct Network {
    /// Forward nodes and layers.
    pub graph: Graph,
    /// The normalised picture, (channels, H, W).
    pub input: NodeId,
    /// The logits, (classes, 1, 1).
    pub logits: NodeId,
}

impl Network {
    /// A network whose logits are `output`; the [`Role`] of each convolution follows from where it stands. A single
    /// output y, as of a binary classifier that ends in a sigmoid, becomes the logits `(y / 2, -y / 2)`: class 0 is
    /// the one that y speaks for, class 1 the other, and their softmax is the sigmoid of y.
    ///
    /// # Errors
    /// [`GraphError::Foreign`] where `output` is not a node of the graph.
    pub fn new(mut graph: Graph, input: NodeId, output: NodeId) -> Result<Self, GraphError> {
        let is_single = graph.nodes().get(output.index()).is_some_and(|node| node.shape == Shape::SCALAR);
        let logits = if is_single { graph.add("logits", Forward::LogitPair, &[output])? } else { output };
        graph.roles = roles::roles(&graph);
        Ok(Self { graph, input, logits })
    }

    /// Gives other roles to the convolutions that are named; of several choices for one the last holds.
    ///
    /// # Errors
    /// [`GraphError::Role`] for a choice that fits no convolution.
    pub fn with_roles(mut self, choices: &[RoleChoice]) -> Result<Self, GraphError> {
        let Graph { convolutions, roles, .. } = &mut self.graph;
        for RoleChoice { name, role } in choices {
            let pattern = WildMatch::new(name);
            let named = convolutions.iter().zip(roles.iter_mut()).filter(|(layer, _)| pattern.matches(&layer.name));
            let changed = named.map(|(_, own)| *own = *role).count();
            if changed == 0 {
                let names = convolutions.iter().map(|layer| layer.name.clone()).collect();
                return Err(GraphError::Role { pattern: name.clone(), names });
            }
        }
        Ok(self)
    }

    /// The penultimate vector: what the last linear layer reads, or the output of a network without one.
    pub(crate) fn penultimate(&self) -> NodeId {
        let live = self.graph.live(&[self.logits]);
        let forward = |id: NodeId| self.graph.node(id).op.forward();
        let is_linear = |id: &NodeId| live[id.index()] && matches!(forward(*id), Some(Forward::Linear { .. }));
        let last = self.graph.ids().rev().find(is_linear);
        self.own(last.map_or(self.logits, |linear| self.graph.node(linear).inputs[0]))
    }

    /// The network's own output.
    pub(crate) fn output(&self) -> NodeId {
        self.own(self.logits)
    }

    /// The value behind what was put behind the network for an explanation.
    fn own(&self, mut node: NodeId) -> NodeId {
        while let Some(Forward::LogitPair | Forward::Against | Forward::Normalize) = self.graph.node(node).op.forward()
        {
            node = self.graph.node(node).inputs[0];
        }
        node
    }

    /// The node of this name; the last one where several have it.
    ///
    /// # Errors
    /// [`GraphError::Node`] with the names that there are.
    pub(crate) fn named(&self, name: &str) -> Result<NodeId, GraphError> {
        let live = self.graph.live(&[self.logits]);
        let is_value = |id: &NodeId| live[id.index()] && !self.graph.node(*id).op.is_given();
        let names = || self.graph.ids().filter(is_value).map(|id| self.graph.node(id).name.clone());
        let found = self.graph.ids().rev().filter(is_value).find(|&id| self.graph.node(id).name == name);
        found.ok_or_else(|| GraphError::Node { name: name.into(), names: names().collect() })
    }

    /// The network up to a node, whose value takes the place of the logits.
    pub(crate) fn up_to(&self, node: NodeId) -> Self {
        Self { graph: self.graph.up_to(node), input: self.input, logits: node }
    }

    /// The network whose logits are less a vector that comes with each picture, [`Forward::Given`].
    ///
    /// # Errors
    /// None for a network whose logits are a vector.
    pub(crate) fn against(mut self) -> Result<Self, GraphError> {
        let channels = self.graph.shape(self.logits).channels;
        let given = self.graph.add("neighbour", Forward::Given { channels }, &[])?;
        let logits = self.graph.add("against", Forward::Against, &[self.logits, given])?;
        Ok(Self { logits, ..self })
    }

    /// The network up to `features`, whose logits are the products of that value, by its length, with `references` rows
    /// of a linear layer of this name. A single product y gives the logits `(y / 2, -y / 2)`.
    ///
    /// # Errors
    /// [`GraphError::Shapes`] for no references.
    pub(crate) fn like(&self, features: NodeId, layer: &str, references: u32) -> Result<Self, GraphError> {
        let Self { mut graph, input, .. } = self.up_to(features);
        let unit = graph.add("unit features", Forward::Normalize, &[features])?;
        let linear = graph.linear_without_bias(layer, references, unit)?;
        let logits = if references == 1 { graph.add("logits", Forward::LogitPair, &[linear])? } else { linear };
        Ok(Self { graph, input, logits })
    }

    /// Whether the logits are two of a single output.
    pub fn has_one_output(&self) -> bool {
        self.graph.node(self.logits).op == Forward::LogitPair.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::Activation;

    /// A picture of 3x4x4, a pool, a linear layer, ReLU, a second linear layer.
    fn two_layers() -> Network {
        let mut graph = Graph::new();
        let input = graph.input(Shape::new(3, 4, 4)).unwrap();
        let pooled = graph.add("pool", Forward::AveragePool { height: 2, width: 1 }, &[input]).unwrap();
        let hidden = graph.linear("hidden", 5, pooled).unwrap();
        let relu = graph.add("relu", Forward::Clamp(Activation::Relu), &[hidden]).unwrap();
        let output = graph.linear("last", 7, relu).unwrap();
        Network::new(graph, input, output).unwrap()
    }

    #[test]
    fn the_penultimate_vector_is_what_the_last_linear_layer_reads() {
        let network = two_layers();
        let features = network.penultimate();
        assert_eq!(network.graph.node(features).name, "relu");
        let likeness = network.like(features, "references", 3).unwrap();
        assert_eq!(likeness.graph.shape(likeness.logits), Shape::vector(3));
        for changed in [likeness, network.clone().against().unwrap(), network.up_to(features)] {
            let found = changed.penultimate();
            let name = &changed.graph.node(found).name;
            assert!(["relu", "pool"].contains(&name.as_str()), "{name}");
        }
        let pool = network.up_to(network.named("pool").unwrap());
        assert_eq!(pool.graph.node(pool.penultimate()).name, "pool", "the output, without a linear layer");
        assert!(pool.graph.parameters().is_empty());
    }

    #[test]
    fn likeness_leaves_out_what_lies_behind_the_features() {
        let network = two_layers();
        let names = |network: &Network| -> Vec<String> {
            network.graph.parameters().into_iter().map(|parameter| parameter.name).collect()
        };
        let likeness = network.like(network.penultimate(), "references", 1).unwrap();
        assert_eq!(names(&likeness), ["hidden.weight", "hidden.bias", "references.weight"]);
        assert!(likeness.has_one_output());
        let of_map = network.like(network.named("pool").unwrap(), "references", 2).unwrap();
        assert_eq!(of_map.graph.parameters()[0].shape, [2, 6]);
    }

    #[test]
    fn a_node_that_is_not_there_lists_those_that_are() {
        let error = two_layers().named("fc").unwrap_err().to_string();
        assert!(error.contains("'fc'") && error.contains("there are pool, hidden, relu, last"), "{error}");
    }

    #[test]
    fn one_output_becomes_two_logits() {
        for (outputs, classes) in [(1, 2), (2, 2), (3, 3)] {
            let mut graph = Graph::new();
            let input = graph.input(Shape::new(3, 4, 4)).unwrap();
            let output = graph.linear("fc", outputs, input).unwrap();
            let network = Network::new(graph, input, output).unwrap();
            assert_eq!(network.graph.shape(network.logits), Shape::vector(classes));
            assert_eq!(network.has_one_output(), outputs == 1);
        }
    }
}
