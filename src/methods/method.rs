//! The list of methods: their names, what kind of map they give, and the one call that explains a network with any of them.
//!
//! A method is a file of this folder and a line in each `match` below.

use super::agf::Ablations;
use super::relevance::{AddRule, Preset, RuleList};
use super::{Explanation, MethodError, Network, agf};
use std::fmt;
use std::str::FromStr;

/// An explanation method with its options.
#[derive(Clone, Debug, PartialEq)]
pub enum Method {
    /// Attribution Guided Factorization.
    Agf(Ablations),
    /// Another relevance method that comes with the crate.
    Relevance(Preset),
    /// Rules that the user composed.
    Rules(RuleList),
}

/// What the values of a method's maps mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MapKind {
    /// Positive values speak for the class, negative ones against it.
    Signed,
    /// No value is negative: the more, the more it matters.
    Positive,
}

impl Method {
    /// Every method with its default options, in the order in which they are shown side by side.
    pub const ALL: &'static [Method] = &[
        Method::Relevance(Preset::Lrp),
        Method::Relevance(Preset::LrpAb),
        Method::Relevance(Preset::Clrp),
        Method::Relevance(Preset::Sglrp),
        Method::Relevance(Preset::Rap),
        Method::Agf(Ablations::NONE),
    ];

    /// The name on the command line, in reports and in file names.
    pub fn name(&self) -> &str {
        match self {
            Method::Agf(_) => "agf",
            Method::Relevance(preset) => preset.name(),
            Method::Rules(list) => &list.name,
        }
    }

    /// Whether the maps have a sign.
    pub const fn map_kind(&self) -> MapKind {
        match self {
            Method::Agf(_) | Method::Relevance(_) | Method::Rules(_) => MapKind::Signed,
        }
    }

    /// Adds the maps of `slots` classes to a network's graph. Which class a slot means is data of the run (see
    /// [`Op::ClassRequest`](crate::graph::Op::ClassRequest)), so that one explanation serves every class.
    ///
    /// # Errors
    /// [`MethodError::NoRule`] names every node without a rule; [`MethodError::Form`] where the network does not have the form
    /// that the method needs.
    pub fn explain(&self, network: &Network, slots: u32) -> Result<Explanation, MethodError> {
        match self {
            Method::Agf(ablations) => agf::explain(network, slots, *ablations),
            Method::Relevance(preset) => preset.rules()?.explain(network, slots),
            Method::Rules(list) => list.explain(network, slots),
        }
    }

    /// The rules of a relevance method; `None` for other methods.
    ///
    /// # Errors
    /// [`MethodError::Rules`] where a preset is faulty, which the crate's tests rule out.
    pub fn rules(&self) -> Result<Option<RuleList>, MethodError> {
        Ok(Some(match self {
            Method::Agf(ablations) => agf::rules(*ablations)?,
            Method::Relevance(preset) => preset.rules()?,
            Method::Rules(list) => list.clone(),
        }))
    }

    /// The same method with another rule for the sums of residual blocks; methods without relevance rules stay as they are.
    ///
    /// # Errors
    /// As [`Method::rules`].
    pub fn with_add_rule(self, rule: AddRule) -> Result<Self, MethodError> {
        Ok(match (rule, self.rules()?) {
            (AddRule::Magnitude, Some(list)) => Method::Rules(list.with_add_rule(rule)),
            _ => self,
        })
    }
}

impl Default for Method {
    /// AGF without ablations.
    fn default() -> Self {
        Method::Agf(Ablations::NONE)
    }
}

impl From<Ablations> for Method {
    fn from(ablations: Ablations) -> Self {
        Method::Agf(ablations)
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Method {
    type Err = UnknownMethod;

    /// The method of this name with its default options.
    fn from_str(name: &str) -> Result<Self, UnknownMethod> {
        let known = Self::ALL.iter().find(|method| method.name() == name);
        known.cloned().ok_or_else(|| UnknownMethod { name: name.into() })
    }
}

/// A name that is no method's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown method '{name}'; known are {}", Method::ALL.iter().map(Method::name).collect::<Vec<_>>().join(", "))]
pub struct UnknownMethod {
    /// The name given.
    pub name: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_back_and_differ() {
        let mut seen = std::collections::HashSet::new();
        for method in Method::ALL {
            assert_eq!(method.name().parse().as_ref(), Ok(method));
            assert!(seen.insert(method.name()), "two methods are called {method}");
        }
        assert_eq!(Method::default().name(), "agf");
        let error = "agr".parse::<Method>().unwrap_err().to_string();
        assert!(error.starts_with("unknown method 'agr'; known are ") && error.contains("agf"), "{error}");
    }
}
