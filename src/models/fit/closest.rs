//! Which of the known networks a file fits best.

use std::fmt;
use std::sync::LazyLock;

use super::candidate::Candidates;
use super::{Shapes, head, is_ignored};
use crate::graph::GraphError;
use crate::models::{Architecture, Recipe};

/// The known networks, made when the first file fits none that was asked for.
static KNOWN: LazyLock<Result<Vec<(&str, Recipe)>, GraphError>> = LazyLock::new(|| {
    let recipe = |architecture: Architecture| architecture.recipe(architecture.default_classes());
    Architecture::ALL.into_iter().map(|architecture| Ok((architecture.name(), recipe(architecture)?))).collect()
});

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
    for (network, recipe) in KNOWN.as_ref().map_err(Clone::clone)? {
        let wanted = recipe.wanted();
        let needed = wanted.parameters.len();
        // Even if all of the smaller list were in the larger one.
        if (needed.min(tensors) as f64) < LEAST_SHARE * needed.max(tensors) as f64 {
            continue;
        }
        let candidates = Candidates::new(found, &wanted);
        let best = candidates.best();
        let of_head = wanted.head.filter(|layer| matches!(head::find(found, &wanted, best, layer, ""), Ok(Some(_))));
        let of_head = of_head.map_or(0, |_| wanted.parameters.len() - wanted.body().count());
        let matched = best.matched() + of_head;
        let share = matched as f64 / (needed + tensors).saturating_sub(matched).max(1) as f64;
        if share >= LEAST_SHARE && closest.as_ref().is_none_or(|(best, _)| share > *best) {
            closest = Some((share, Closest { network, found: matched, needed }));
        }
    }
    Ok(closest.map(|(_, closest)| closest))
}
