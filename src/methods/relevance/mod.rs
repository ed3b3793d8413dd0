//! Relevance methods: relevance walks from the logits to the picture, and a list of rules says what each layer does
//! with it.
//!
//! A [`RuleList`] is a method of this kind: AGF, LRP and RAP are files of `presets/`, in the form that users write
//! their own in. The first rule whose [`Selector`] matches a node is the node's rule.
//!
//! Flow: text ([`RuleList::parse`]) -> rules -> a rule for every node (`assign`) -> one walk per class (`walk`), in
//! which `layer`, `linear`, `rap` and `agf::rules` turn rules into nodes.

mod assign;
mod layer;
mod linear;
mod preset;
mod product;
mod rap;
mod rule;
mod text;
mod walk;

pub(super) use layer::{Layer, Weights};
pub use preset::Preset;
pub use rule::{Kind, Rule, Selector, Weighted};
pub use text::RulesError;

use super::{Explanation, MethodError};
use crate::graph::Network;
use assign::Assignment;
use rule::Subject;
use serde::{Deserialize, Serialize};

/// Where relevance comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Start {
    /// The target's logit.
    #[default]
    Logit,
    /// As [`Start::Logit`], less the map of all other classes together, which begins with `y_t / (K - 1)` at each and
    /// is scaled to the same sum.
    LogitContrast,
    /// As [`Start::LogitContrast`] from `p_t (1 - p_t)` and `p_t p_k`, with the softmax `p` of the logits.
    SoftmaxContrast,
    /// Input times gradient of the target's probability at the last linear layer (AGF, section 1).
    Probability,
}

/// How the sum of a residual block's branches shares its relevance out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum AddRule {
    /// As `a : b`, as published: [`Rule::Ratio`].
    #[default]
    Value,
    /// As `|a| : |b|`: [`Rule::Magnitude`].
    Magnitude,
}

/// A relevance method.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RuleList {
    /// The method's name; [`RuleList::USER`] for a user's.
    pub name: &'static str,
    /// Where relevance comes from.
    pub start: Start,
    /// Whether the map is divided by the largest relevance of the picture.
    pub normalize: bool,
    /// The rules; the first that matches a node counts.
    pub rules: Vec<(Selector, Rule)>,
}

impl RuleList {
    /// Name of rules that are no preset.
    pub const USER: &'static str = "rules";

    /// With another rule for [`Kind::Add`]: in front of all others where it is not the published one.
    pub fn with_add_rule(mut self, rule: AddRule) -> Self {
        if rule == AddRule::Magnitude {
            let selector = Selector { op: Some(Kind::Add), ..Selector::default() };
            self.rules.insert(0, (selector, Rule::Magnitude));
        }
        self
    }

    fn find(&self, subject: &Subject) -> Option<Rule> {
        let fits =
            |(selector, rule): &&(Selector, Rule)| rule.kinds().contains(&subject.kind) && selector.matches(subject);
        self.rules.iter().find(fits).map(|(_, rule)| *rule)
    }

    fn needs_gradient(&self) -> bool {
        self.start == Start::Probability
            || self.rules.iter().any(|(_, rule)| matches!(rule, Rule::Weighted(Weighted::Full(_))))
    }

    /// Adds the maps of `slots` classes to a network's graph. Which class a slot means is data of the run (see
    /// [`Explain::ClassRequest`](crate::graph::Explain::ClassRequest)). Slots share everything that does not depend on
    /// the class.
    ///
    /// # Errors
    /// [`MethodError::NoRule`] names every node without a rule; [`MethodError::Form`] where no path leads from the
    /// logits to the picture, or a walk from the target's probability does not find a linear layer at the end.
    pub fn explain(&self, network: &Network, slots: u32) -> Result<Explanation, MethodError> {
        let assignment = Assignment::new(network, self)?;
        let mut graph = network.graph.clone();
        let maps: Result<_, MethodError> =
            (0..slots).map(|slot| walk::explain(&mut graph, network, self, &assignment, slot)).collect();
        Ok(Explanation { graph, input: network.input, logits: network.logits, maps: maps?, variations: None })
    }
}
