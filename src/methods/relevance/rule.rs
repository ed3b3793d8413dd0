//! Rules, and the selectors that say which nodes a rule is for.

use crate::graph::{Constant, Forward, Graph, NodeId, Op, Role};
use crate::methods::agf::Ablations;
use serde::{Deserialize, Serialize};
use wildmatch::WildMatch;

/// What a rule can be for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Convolutions, depthwise ones too.
    Convolution,
    /// Fully connected layers.
    Linear,
    /// Batch normalisations.
    BatchNorm,
    /// ReLU, ReLU6 and other elementwise functions.
    Activation,
    /// Max-pooling.
    MaxPool,
    /// Average pooling.
    AveragePool,
    /// The sum of a residual block's two branches.
    Add,
    /// A value that several layers read: how what they send back becomes one relevance.
    FanOut,
}

impl Kind {
    /// The kind of a forward operation; `None` for the picture, which relevance ends at, for products, normalisations
    /// of single pictures and operations that only move values, through which it passes whatever the rules are.
    pub(super) fn of(op: Forward) -> Option<Self> {
        match op {
            Forward::Input
            | Forward::NormalizeResponse(_)
            | Forward::NormalizeChannels { .. }
            | Forward::Multiply
            | Forward::Concat
            | Forward::Slice(_)
            | Forward::Pad { .. }
            | Forward::Shuffle { .. }
            | Forward::Transpose(_)
            | Forward::LogitPair
            | Forward::Given { .. }
            | Forward::Against
            | Forward::Normalize => None,
            Forward::Convolve { .. } => Some(Kind::Convolution),
            Forward::Linear { .. } => Some(Kind::Linear),
            Forward::BatchNorm(_) => Some(Kind::BatchNorm),
            Forward::Clamp(_) | Forward::Activate(_) | Forward::ParametricRelu(_) => Some(Kind::Activation),
            Forward::MaxPool(_) => Some(Kind::MaxPool),
            Forward::AveragePool { .. } | Forward::AverageWindows(_) => Some(Kind::AveragePool),
            Forward::Add | Forward::Subtract => Some(Kind::Add),
        }
    }

    /// The name in rule files.
    pub const fn name(self) -> &'static str {
        match self {
            Kind::Convolution => "convolution",
            Kind::Linear => "linear",
            Kind::BatchNorm => "batch-norm",
            Kind::Activation => "activation",
            Kind::MaxPool => "max-pool",
            Kind::AveragePool => "average-pool",
            Kind::Add => "add",
            Kind::FanOut => "fan-out",
        }
    }
}

/// How the relevance `c` of a layer's output becomes relevance of its input `x`. `W+ W- x+ x-` are positive and
/// negative parts, `fwd` and `bwd` the layer's linear map without bias and its transpose, `div` is 0 where the divisor
/// is 0 and else adds 1e-9 to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Rule {
    /// `c`; at a fan-out the sum of what the readers send back.
    Pass,
    /// A batch normalisation becomes part of the convolution before it: `c` goes through, and rules whose result
    /// depends on it use the convolution's weights times the normalisation's factors. One that follows no
    /// convolution, or one that others read too, passes `c`.
    Fold,
    /// `x * J^T div(c, f(x))`, `J` the Jacobian of the operation `f`; at a fan-out `x * sum_i div(c_i, x)`.
    Ratio,
    /// The sum `a + b` shares `c` out as `|a| : |b|`, which stays bounded where `a + b` is nearly 0.
    Magnitude,
    /// A rule of layers with weights.
    Weighted(Weighted),
}

impl From<Weighted> for Rule {
    fn from(rule: Weighted) -> Self {
        Rule::Weighted(rule)
    }
}

/// How a convolution or linear layer shares its relevance out among its inputs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Weighted {
    /// `C = |x| * bwd(|W|, div(c, fwd(|W|, |x|)))`.
    Absolute,
    /// `alpha f(W+, W-) - (alpha - 1) f(W-, W+)`, `f(V, U) = x+ bwd(V, div(c, fwd(V, x+))) + x- bwd(U, div(c, fwd(U,
    /// x-)))`.
    AlphaBeta {
        /// At least 1.
        alpha: Constant,
    },
    /// Shares in proportion to positive contributions: `x+ bwd(W+, S) + x- bwd(W-, S)`, `S = div(c, fwd(W+, x+) +
    /// fwd(W-, x-))`.
    ZPlus,
    /// `x * bwd(W, c / (z + epsilon sign(z)))`, `z = fwd(W, x)`.
    Epsilon {
        /// Above 0.
        epsilon: Constant,
    },
    /// Shares in proportion to contributions of which positive ones count `1 + gamma` times.
    Gamma {
        /// At least 0.
        gamma: Constant,
    },
    /// Shares equally among the inputs that an output sees.
    Flat,
    /// Shares in proportion to squared weights.
    WSquare,
    /// Shares in proportion to contributions above the lowest that values between min(x) and max(x) could make.
    Box,
    /// Relative attributing propagation.
    Rap,
    /// AGF's complete rule: factorizations, input times gradient and the input-agnostic term shift `C`.
    Full(Ablations),
}

impl Rule {
    /// What the rule is defined for.
    pub fn kinds(&self) -> &'static [Kind] {
        match self {
            Rule::Pass => &[Kind::BatchNorm, Kind::Activation, Kind::FanOut],
            Rule::Fold => &[Kind::BatchNorm],
            Rule::Ratio => &[Kind::Activation, Kind::MaxPool, Kind::AveragePool, Kind::Add, Kind::FanOut],
            Rule::Magnitude => &[Kind::Add],
            Rule::Weighted(rule) => rule.kinds(),
        }
    }
}

impl Weighted {
    /// What the rule is defined for.
    pub fn kinds(&self) -> &'static [Kind] {
        match self {
            Weighted::Box => &[Kind::Convolution],
            Weighted::Absolute
            | Weighted::AlphaBeta { .. }
            | Weighted::ZPlus
            | Weighted::Epsilon { .. }
            | Weighted::Gamma { .. }
            | Weighted::Flat
            | Weighted::WSquare
            | Weighted::Rap
            | Weighted::Full(_) => &[Kind::Convolution, Kind::Linear],
        }
    }
}

/// Which nodes a rule is for: those that fit everything that is given.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Selector {
    /// Kind of operation. Without it the rule is for every kind that it is defined for.
    pub op: Option<Kind>,
    /// A convolution's role.
    pub role: Option<Role>,
    /// A convolution's kernel rows and columns.
    pub kernel: Option<u32>,
    /// Pattern of the node's name; `*` stands for any characters, `?` for one.
    pub name: Option<String>,
    /// First and last depth: the number of layers with weights on the longest path from the picture up to the node,
    /// its own included. Negative numbers count from the logits, whose layer is -1.
    pub depth: Option<[i32; 2]>,
}

/// What selectors look at.
pub(super) struct Subject<'a> {
    pub graph: &'a Graph,
    pub id: NodeId,
    pub kind: Kind,
    pub depth: i32,
    /// Depth of the logits.
    pub deepest: i32,
}

impl Selector {
    pub(super) fn matches(&self, subject: &Subject) -> bool {
        let node = subject.graph.node(subject.id);
        let layer = match node.op {
            Op::Forward(Forward::Convolve { layer, .. }) => Some(layer),
            Op::Forward(_) | Op::Backward(_) | Op::Explain(_) => None,
        };
        let of_layer = |layer| (layer, subject.graph.convolution(layer));
        let convolution = layer.filter(|_| subject.kind == Kind::Convolution).map(of_layer);
        let is_role = |role| convolution.is_some_and(|(layer, _)| subject.graph.role(layer) == role);
        let is_kernel = |size| convolution.is_some_and(|(_, convolution)| convolution.window.kernel == [size, size]);
        let from_picture = |depth: i32| if depth < 0 { subject.deepest + 1 + depth } else { depth };
        self.op.is_none_or(|kind| kind == subject.kind)
            && self.role.is_none_or(is_role)
            && self.kernel.is_none_or(is_kernel)
            && self.name.as_ref().is_none_or(|pattern| WildMatch::new(pattern).matches(&node.name))
            && self.depth.is_none_or(|range| {
                let [first, last] = range.map(from_picture);
                (first..=last).contains(&subject.depth)
            })
    }
}
