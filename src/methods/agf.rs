//! Attribution Guided Factorization (Gur, Ali, Wolf, AAAI 2021, arXiv 2012.02166): a list of relevance rules, of which
//! this module adds the paper's own to [`relevance`](super::relevance); they are in `agf/rules.rs`.

mod rules;

use super::relevance::{Preset, Rule, RuleList, RulesError, Weighted};
use super::{Explanation, MethodError};
use crate::graph::Network;

/// The paper's ablations; all off by default. They act on convolutions of role `full`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Ablations {
    /// Drop `F_x`.
    pub no_fx: bool,
    /// Drop `M`.
    pub no_m: bool,
    /// Use `F_x + M` undivided.
    pub no_reg: bool,
    /// Drop `F_dx`.
    pub no_fdx: bool,
    /// Drop `A`.
    pub no_a: bool,
    /// Replace `F_x + M` by the Grad-CAM map of the layer.
    pub gradcam: bool,
}

impl Ablations {
    /// The whole method.
    pub const NONE: Ablations =
        Ablations { no_fx: false, no_m: false, no_reg: false, no_fdx: false, no_a: false, gradcam: false };
}

/// AGF's rules.
///
/// # Errors
/// None with the file of this crate, which its tests parse.
pub fn rules(ablations: Ablations) -> Result<RuleList, RulesError> {
    let mut list = Preset::Agf.rules()?;
    for (_, rule) in &mut list.rules {
        if let Rule::Weighted(Weighted::Full(of_rule)) = rule {
            *of_rule = ablations;
        }
    }
    Ok(list)
}

/// Adds the AGF maps of `slots` classes to a network's graph; see [`RuleList::explain`].
///
/// # Errors
/// As [`RuleList::explain`].
pub fn explain(network: &Network, slots: u32, ablations: Ablations) -> Result<Explanation, MethodError> {
    rules(ablations)?.explain(network, slots)
}
