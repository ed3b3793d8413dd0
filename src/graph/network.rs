//! A classifier as data.

use super::{Forward, Graph, GraphError, NodeId, Role, Shape, roles};
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
    /// A network whose logits are `output`; the [`Role`] of each convolution follows from where it stands. A single output y, as of a binary classifier that ends in a sigmoid, becomes the logits
    /// `(y / 2, -y / 2)`: class 0 is the one that y speaks for, class 1 the other, and their softmax is the sigmoid of y.
    ///
    /// # Errors
    /// [`GraphError::Foreign`] where `output` is not a node of the graph.
    pub fn new(mut graph: Graph, input: NodeId, output: NodeId) -> Result<Self, GraphError> {
        let is_single = graph.nodes().get(output.index()).is_some_and(|node| node.shape == Shape::SCALAR);
        let logits = if is_single { graph.add("logits", Forward::LogitPair, &[output])? } else { output };
        graph.roles = roles::roles(&graph);
        Ok(Self { graph, input, logits })
    }

    /// Gives another role to every convolution whose name fits `pattern` (`*` stands for any characters, `?` for one); how many there are.
    pub fn set_role(&mut self, pattern: &str, role: Role) -> usize {
        let pattern = WildMatch::new(pattern);
        let mut changed = 0;
        for (convolution, own) in self.graph.convolutions.iter().zip(&mut self.graph.roles) {
            if pattern.matches(&convolution.name) {
                *own = role;
                changed += 1;
            }
        }
        changed
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
