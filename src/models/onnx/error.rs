//! What can be wrong with an ONNX file, or what of it cannot be explained.

use crate::graph::GraphError;
use crate::models::weights::WeightsError;
use std::collections::BTreeMap;
use std::fmt;

/// Why an ONNX file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum OnnxError {
    /// The file cannot be read.
    #[error("cannot read {path}: {reason}; check the path and its permissions")]
    Read {
        /// The file.
        path: String,
        /// The system's reason.
        reason: String,
    },
    /// The bytes are no ONNX model.
    #[error("{path} is no ONNX model, or a damaged one: {reason}; export it again")]
    Format {
        /// The file.
        path: String,
        /// What was found.
        reason: String,
    },
    /// A tensor whose bytes, shape or external file are wrong.
    #[error("tensor '{tensor}': {reason}")]
    Tensor {
        /// Its name.
        tensor: String,
        /// What is wrong.
        reason: String,
    },
    /// A node that contradicts itself, its inputs or the picture's size.
    #[error("node '{node}' ({op}): {reason}")]
    Node {
        /// Its name, or its first output's where it has none.
        node: String,
        /// Its operation.
        op: String,
        /// What is wrong.
        reason: String,
    },
    /// The file's inputs or outputs are not those of a classifier.
    #[error("the model {reason}")]
    Form {
        /// What is missing or there too often.
        reason: String,
    },
    /// More than one input or output could be meant.
    #[error("the model has several {what}: {names}; choose one by its name")]
    Several {
        /// "inputs" or "outputs".
        what: &'static str,
        /// Their names.
        names: String,
    },
    /// Operations that cannot be computed or explained, all of them.
    #[error(transparent)]
    Unsupported(#[from] Unsupported),
    /// Values that no network can have.
    #[error(transparent)]
    Weights(#[from] WeightsError),
    /// The nodes do not fit each other.
    #[error(transparent)]
    Graph(#[from] GraphError),
}

/// Everything in a file that is not supported: for each operation and reason, the nodes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Unsupported {
    nodes: BTreeMap<(String, String), Vec<String>>,
}

impl Unsupported {
    pub(super) fn add(&mut self, op: &str, reason: &str, node: &str) {
        self.nodes.entry((op.into(), reason.into())).or_default().push(node.into());
    }

    pub(super) fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// Operation, reason, and the names of the nodes.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str, &[String])> {
        self.nodes.iter().map(|((op, reason), nodes)| (op.as_str(), reason.as_str(), nodes.as_slice()))
    }
}

impl std::error::Error for Unsupported {}

/// Names of nodes that are printed of one row.
const SHOWN: usize = 3;

impl fmt::Display for Unsupported {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the network has operations that are not supported:")?;
        for (op, reason, nodes) in self.iter() {
            write!(f, "\n  {op}, {} time{}", nodes.len(), if nodes.len() == 1 { "" } else { "s" })?;
            if !reason.is_empty() {
                write!(f, " ({reason})")?;
            }
            let shown: Vec<String> = nodes.iter().take(SHOWN).map(|node| format!("'{node}'")).collect();
            write!(f, ": {}", shown.join(", "))?;
            if nodes.len() > SHOWN {
                write!(f, ", ...")?;
            }
        }
        Ok(())
    }
}
