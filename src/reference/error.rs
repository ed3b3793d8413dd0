//! What can be wrong with what the reference is given.

/// Why the reference cannot evaluate a graph.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ReferenceError {
    /// A layer's parameter is not there.
    #[error("the parameter '{name}' is missing; load weights that were made for this network")]
    MissingParameter {
        /// Name of the parameter.
        name: String,
    },
    /// A parameter has too few or too many values.
    #[error(
        "the parameter '{name}' has {found} values instead of {needed}; load weights that were made for this network"
    )]
    ParameterLength {
        /// Name of the parameter.
        name: String,
        /// Values that the layer needs.
        needed: usize,
        /// Values that were given.
        found: usize,
    },
    /// The picture has the wrong size.
    #[error("the picture has {found} values instead of {needed}; give it the size that the graph was built for")]
    PictureLength {
        /// Values of the graph's input.
        needed: usize,
        /// Values that were given.
        found: usize,
    },
    /// The vector that comes with a picture has the wrong length.
    #[error(
        "the vector that comes with the picture has {found} values instead of {needed}; \
         give it as many as there are logits"
    )]
    VectorLength {
        /// Values of the graph's vector.
        needed: usize,
        /// Values that were given.
        found: usize,
    },
    /// A slot without a request.
    #[error("no class is requested for slot {slot}; {found} were given, one per slot is needed")]
    MissingRequest {
        /// The slot.
        slot: u32,
        /// Requests that were given.
        found: usize,
    },
    /// A request that means no class.
    #[error("slot {slot} requests class {request} of {classes}; give an id below {classes}, or -1 - rank")]
    Request {
        /// The slot.
        slot: u32,
        /// The request.
        request: f64,
        /// Number of classes.
        classes: u32,
    },
    /// A node of another graph.
    #[error(
        "node {index} is not in this graph of {nodes} nodes; ask for nodes of the graph that the reference was made for"
    )]
    UnknownNode {
        /// Index of the node.
        index: usize,
        /// Number of nodes.
        nodes: usize,
    },
}
