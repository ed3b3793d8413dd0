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
    /// A network whose logits are `output`; the [`Role`] of each convolution follows from where it stands. A single output y, as of a
    /// binary classifier that ends in a sigmoid, becomes the logits `(y / 2, -y / 2)`: class 0 is the one that y speaks for, class 1 the
    /// other, and their softmax is the sigmoid of y.
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

    /// Whether the logits are two of a single output.
    pub fn has_one_output(&self) -> bool {
        self.graph.node(self.logits).op == Forward::LogitPair.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_output_becomes_two_logits() {
        for (outputs, classes) in [(1, 2), (2, 2), (3, 3)] {
            let mut graph = Graph::new();
            let input = graph.input(Shape::new(3, 4, 4)).unwrap();
            let output = graph.linear("fc", outputs, input).unwrap();
            let network = Network::new(graph, input, output).unwrap();
            assert_eq!(network.graph.shape(network.logits), Shape::vector(classes));
        }
    }
}
