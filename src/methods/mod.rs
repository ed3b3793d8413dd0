//! Explanation methods: a forward graph becomes a graph that also holds the gradient and the relevance of chosen
//! classes.
//!
//! A method is a table from operation to nodes. It knows neither kernels nor weights; an operation without a rule is an
//! error that names every such node. [`Method`] lists them all.

#![deny(clippy::wildcard_enum_match_arm)]

pub mod agf;
mod full_gradient;
mod grad_cam;
mod gradient;
mod input_gradient;
mod integrated_gradients;
mod method;
pub mod relevance;
mod slot;
mod smooth_grad;
mod variations;

pub use integrated_gradients::IntegratedGradients;
pub use method::{MapKind, Method, UnknownMethod};
pub use relevance::RulesError;
pub use smooth_grad::SmoothGrad;
pub use variations::{Schedule, Variation};

use crate::graph::{Graph, GraphError, Network, NodeId};

/// What a traced node is to its layer. Relevance and gradient belong to the layer's input, except where named
/// otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Quantity {
    /// Relevance of the layer's input with this index.
    Relevance(u32),
    /// Gradient of the target probability at the layer's input with this index.
    Gradient(u32),
    /// `C`, the relevance through absolute weights.
    C,
    /// The residual `R`.
    Residual,
    /// Two maps: factor of the input and factor of the masked gradient, before the ReLU.
    Factors,
    /// Relevance of a value that several layers read, all its readers together.
    FanOutRelevance,
}

/// A node worth looking at, by the forward layer that it belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trace {
    /// Forward node.
    pub layer: NodeId,
    /// What it is.
    pub quantity: Quantity,
    /// The node.
    pub node: NodeId,
}

/// The explanation of one class slot.
#[derive(Clone, Debug)]
pub struct ClassMap {
    /// The class that was explained, a scalar per sample.
    pub class: NodeId,
    /// What the map is made of: for most methods one value per value of the picture, (3, H, W).
    pub attribution: NodeId,
    /// The map, (1, H, W). With [`Explanation::variations`] it is made of all variations' attributions instead, and
    /// this is one variation's.
    pub map: NodeId,
    /// The largest relevance of the input, by which the map is divided where it is positive; `None` for methods that
    /// do not divide.
    pub peak: Option<NodeId>,
    /// Where exact zeros or bounds decide what passes: relevance before and behind each such mask, of one shape.
    pub masks: Vec<(NodeId, NodeId)>,
    /// Scalars that the method promises to add up to the class's logit; empty where it promises nothing.
    pub completeness: Vec<NodeId>,
    /// Every relevance and gradient on the way, from the logits to the picture.
    pub trace: Vec<Trace>,
}

impl ClassMap {
    /// A map that is not divided, without a promise and without relevances on the way.
    pub fn undivided(class: NodeId, attribution: NodeId, map: NodeId) -> Self {
        Self { class, attribution, map, peak: None, masks: Vec::new(), completeness: Vec::new(), trace: Vec::new() }
    }
}

/// A forward graph with the explanation of one or more classes.
#[derive(Clone, Debug)]
pub struct Explanation {
    /// Forward pass, gradients and relevances.
    pub graph: Graph,
    /// The normalised picture, (3, H, W).
    pub input: NodeId,
    /// The logits, (classes, 1, 1).
    pub logits: NodeId,
    /// One map per class slot.
    pub maps: Vec<ClassMap>,
    /// For methods that run a picture several times: what each run is told.
    pub variations: Option<VariationNodes>,
}

impl Explanation {
    /// The forward pass alone.
    pub fn forward(network: &Network) -> Self {
        let Network { graph, input, logits } = network.clone();
        Self { graph, input, logits, maps: Vec::new(), variations: None }
    }
}

/// What the host writes for each variation of a method with several variations per picture; scalars.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VariationNodes {
    /// Number of the variation, from 0.
    pub index: NodeId,
    /// What the variation's change of the picture is multiplied by.
    pub scale: NodeId,
    /// What is added.
    pub offset: NodeId,
}

/// Why a method cannot explain a network.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum MethodError {
    /// Operations without a rule.
    #[error(
        "{method} has no rule for these nodes: {}; use operations that the method covers, or write rules for them",
        nodes.join(", ")
    )]
    NoRule {
        /// Method name.
        method: &'static str,
        /// Every such node, with its operation.
        nodes: Vec<String>,
    },
    /// The network does not have the form that the method starts or ends with.
    #[error("{method} needs {needs}, but {found}")]
    Form {
        /// Method name.
        method: &'static str,
        /// What is needed.
        needs: &'static str,
        /// What is there.
        found: String,
    },
    /// A faulty rule file.
    #[error(transparent)]
    Rules(#[from] RulesError),
    /// A rule made an ill-shaped node.
    #[error(transparent)]
    Graph(#[from] GraphError),
}
