//! Which of the known networks a file fits best.

use std::fmt;

use super::candidate::Candidates;
use super::{Shapes, head, is_ignored};
use crate::graph::GraphError;
use crate::models::Architecture;

/// Least share of the tensors of both that must agree for a network to be named.
const LEAST_SHARE: f64 = 0.25;

/// The known network that a file fits best.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Closest {
    /// Name of the network.
    pub network: &'static str,
    /// Number of its tensors that the file has.
    pub found: usize,
    /// Number of its tensors.
    pub needed: usize,
}

impl fmt::Display for Closest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { network, found, needed } = self;
        write!(formatter, "of the known networks the file fits {network} best ({found} of its {needed} tensors)")
    }
}

/// The network whose tensors and the file's have the most in common; `None` where no network has much.
///
/// # Errors
/// [`GraphError`] where a network cannot be built.
pub(crate) fn closest(found: &Shapes) -> Result<Option<Closest>, GraphError> {
    let tensors = found.keys().filter(|name| !is_ignored(name)).count();
    let mut closest: Option<(f64, Closest)> = None;
    for architecture in Architecture::ALL {
        let recipe = architecture.recipe(architecture.default_classes())?;
        let wanted = recipe.wanted();
        let candidates = Candidates::new(found, &wanted);
        let best = candidates.best();
        let of_head = wanted.head.filter(|layer| matches!(head::find(found, &wanted, best, layer, ""), Ok(Some(_))));
        let of_head = of_head.map_or(0, |_| wanted.parameters.len() - wanted.body().count());
        let (needed, matched) = (wanted.parameters.len(), best.matched() + of_head);
        let share = matched as f64 / (needed + tensors).saturating_sub(matched).max(1) as f64;
        if share >= LEAST_SHARE && closest.as_ref().is_none_or(|(best, _)| share > *best) {
            closest = Some((share, Closest { network: architecture.name(), found: matched, needed }));
        }
    }
    Ok(closest.map(|(_, closest)| closest))
}
