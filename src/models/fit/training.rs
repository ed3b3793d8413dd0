//! What files of self-supervised training hold beside a network: projection heads, and copies of the network that
//! follow it.

use std::collections::BTreeMap;

use super::Shapes;
use super::candidate::Candidate;

/// Of two copies of a network the modules of the one that is taken, and of the other.
const COPIES: [[&str; 2]; 5] = [
    ["encoder_q", "encoder_k"],
    ["base_encoder", "momentum_encoder"],
    ["teacher", "student"],
    ["online_network", "target_network"],
    ["online_encoder", "target_encoder"],
];

/// Modules around a network whose last layer, whatever its name, is a projection (MoCo).
const CONTRASTIVE: [&str; 2] = ["encoder_q", "base_encoder"];

/// What the names of modules and tensors begin with that are of use to training alone.
const TRAINING: [&str; 11] = [
    "proj",
    "predict",
    "prototype",
    "queue",
    "mlp",
    "last_layer",
    "encoder_k",
    "momentum_encoder",
    "student",
    "target_network",
    "target_encoder",
];

/// The candidates without those that are copies of another one.
pub(super) fn without_copies<'c, 'a>(whole: Vec<&'c Candidate<'a>>) -> Vec<&'c Candidate<'a>> {
    let has = |candidate: &Candidate, module: &str| components(&candidate.prefix).any(|part| part == module);
    let is_copy = |candidate: &Candidate| {
        let follows = |[taken, other]: &[&str; 2]| has(candidate, other) && whole.iter().any(|whole| has(whole, taken));
        COPIES.iter().any(follows)
    };
    whole.iter().copied().filter(|candidate| !is_copy(candidate)).collect()
}

/// Whether a tensor is of use to training alone: by its name, or as one of several layers in the place of the last one.
pub(super) fn is_of_training(found: &Shapes, candidate: &Candidate, last: Option<&str>, name: &str) -> bool {
    // What stands before the whole network says nothing of its parts.
    let own = name.strip_prefix(&candidate.prefix).unwrap_or(name);
    let is_named = components(own).any(|part| TRAINING.iter().any(|known| part.starts_with(known)));
    is_named || last.is_some_and(|last| is_projection(found, candidate, last, name))
}

/// Whether a tensor is of a projection in the place of the last layer.
fn is_projection(found: &Shapes, candidate: &Candidate, last: &str, name: &str) -> bool {
    let last = candidate.layer(last);
    let is_inside = |name: &str| name.strip_prefix(&last).is_some_and(|rest| rest.starts_with('.'));
    let is_contrastive = components(&candidate.prefix).any(|part| CONTRASTIVE.contains(&part));
    let linears = found.iter().filter(|(name, shape)| is_inside(name) && shape.len() == 2);
    is_inside(name) && (is_contrastive || linears.count() > 1)
}

/// Names of tensors by the modules that they are of, with how many there are.
pub(super) fn modules(names: &[String], candidate: &Candidate) -> Vec<String> {
    let around: Vec<&str> = components(&candidate.prefix).collect();
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for name in names {
        let parts: Vec<&str> = components(name).collect();
        let shared = parts.iter().zip(&around).take_while(|(a, b)| a == b).count();
        *counts.entry(parts[..parts.len().min(shared + 1)].join(".")).or_default() += 1;
    }
    let told =
        |(module, count): (String, usize)| if count == 1 { module } else { format!("{module} ({count} tensors)") };
    counts.into_iter().map(told).collect()
}

fn components(name: &str) -> impl Iterator<Item = &str> {
    name.split('.').filter(|part| !part.is_empty())
}
