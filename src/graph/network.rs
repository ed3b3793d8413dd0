//! A classifier as data.

use super::{Graph, NodeId};

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
