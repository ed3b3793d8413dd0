//! The beginning of every walk: which class a slot means, and the gradient of its logit.

use crate::graph::{Backward, Explain, Graph, GraphError, NodeId};

/// What tells the names of a slot's nodes from those of other slots; the first slot's carry no tag.
pub(super) fn tag(slot: u32) -> String {
    if slot == 0 { String::new() } else { format!(" #{slot}") }
}

/// The class that a slot means, a scalar per sample.
pub(super) fn class(graph: &mut Graph, logits: NodeId, slot: u32) -> Result<NodeId, GraphError> {
    let tag = tag(slot);
    let request = graph.add(&format!("request{tag}"), Explain::ClassRequest { slot }, &[])?;
    graph.add(&format!("class{tag}"), Explain::ClassIndex, &[logits, request])
}

/// The gradient of the class's logit with respect to the logits.
pub(super) fn one_hot(graph: &mut Graph, logits: NodeId, class: NodeId, slot: u32) -> Result<NodeId, GraphError> {
    graph.add(&format!("target{}", tag(slot)), Backward::OneHot, &[logits, class])
}
