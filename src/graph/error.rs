//! What can be wrong with a graph while it is built.

use super::Shape;

/// A node that cannot be added to a graph.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum GraphError {
    /// Operands of these shapes do not go together.
    #[error("node '{node}' ({op}) cannot {}: {why}", taken(shapes))]
    Shapes {
        /// Name given to the node.
        node: String,
        /// Operation.
        op: &'static str,
        /// Shapes of the inputs, as text.
        shapes: String,
        /// What was expected.
        why: String,
    },
    /// A window does not fit the picture.
    #[error(
        "node '{node}' ({op}): a {rows}x{columns} window does not fit an input of {input}; \
         use a larger picture or a network that allows this size"
    )]
    Window {
        /// Name given to the node.
        node: String,
        /// Operation.
        op: &'static str,
        /// Kernel rows.
        rows: u32,
        /// Kernel columns.
        columns: u32,
        /// The input's shape.
        input: Shape,
    },
    /// A role for convolutions that are not there.
    #[error("no convolution is called '{pattern}', so none can have another role; there are {}", names.join(", "))]
    Role {
        /// The pattern of names.
        pattern: String,
        /// The names of all convolutions.
        names: Vec<String>,
    },
    /// A node that is not there.
    #[error("no node is called '{name}'; there are {}", names.join(", "))]
    Node {
        /// What was asked for.
        name: String,
        /// The names of all nodes.
        names: Vec<String>,
    },
    /// The source of a network cannot give it for a picture of this size.
    #[error("the network cannot be built for a picture of {height}x{width}: {reason}")]
    Source {
        /// Rows.
        height: u32,
        /// Columns.
        width: u32,
        /// What the source says.
        reason: String,
    },
    /// An id that does not belong to this graph.
    #[error("node '{node}' refers to a layer or node of another graph; build both with the same Graph")]
    Foreign {
        /// Name given to the node.
        node: String,
    },
}

/// What a node cannot do with inputs of these shapes.
fn taken(shapes: &str) -> String {
    if shapes.is_empty() { "be made".into() } else { format!("take inputs of shapes {shapes}") }
}
