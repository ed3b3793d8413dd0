//! The body of a network in a file: under one naming and one prefix.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use super::head::Head;
use super::{Naming, Shapes, Wanted, accepts};
use crate::models::weights::ShapeMismatch;

/// A naming and a prefix, and what of the body a file has under them.
#[derive(Clone, Debug)]
pub(super) struct Candidate<'a> {
    /// The recipe's own naming where there is none.
    pub naming: Option<&'a Naming>,
    /// What every name begins with: empty, or modules with their points.
    pub prefix: String,
    /// The file's names of the body's tensors.
    pub names: Vec<String>,
    /// The file's names of parameters that it does not have.
    pub missing: Vec<String>,
    /// Tensors in another shape.
    pub misshapen: Vec<ShapeMismatch>,
}

/// The candidates for a file.
#[derive(Clone, Debug)]
pub(super) struct Candidates<'a> {
    /// The recipe's own names without a prefix.
    plain: Candidate<'a>,
    /// Others, no two of them with the same names.
    others: Vec<Candidate<'a>>,
}

impl<'a> Candidates<'a> {
    /// Under each naming those with the most names in the file.
    pub fn new(found: &Shapes, wanted: &Wanted<'a>) -> Self {
        let mut candidates = Self { plain: Candidate::new(wanted, None, String::new(), found), others: Vec::new() };
        for naming in std::iter::once(None).chain(wanted.namings.iter().map(Some)) {
            let unprefixed = Candidate::new(wanted, naming, String::new(), found);
            for prefix in prefixes(&unprefixed.names, found) {
                let candidate = Candidate::new(wanted, naming, prefix, found);
                let is_new = candidates.all().all(|other| other.names != candidate.names);
                candidates.others.extend(is_new.then_some(candidate));
            }
        }
        candidates
    }

    /// All of them.
    pub fn all(&self) -> impl Iterator<Item = &Candidate<'a>> {
        std::iter::once(&self.plain).chain(&self.others)
    }

    /// The candidate with the most parameters in the file; of equal ones the first.
    pub fn best(&self) -> &Candidate<'a> {
        self.others.iter().fold(&self.plain, |best, other| if other.matched() > best.matched() { other } else { best })
    }
}

/// What stands before the most of `names` in the file.
fn prefixes(names: &[String], found: &Shapes) -> Vec<String> {
    let wanted: HashSet<&str> = names.iter().map(String::as_str).collect();
    let components = |name: &str| name.split('.').count();
    let most = names.iter().map(|name| components(name)).max().unwrap_or(0);
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for name in found.keys() {
        let starts = name.rmatch_indices('.').map(|(at, _)| at + 1).chain([0]);
        for (prefix, rest) in starts.take(most).filter_map(|start| name.split_at_checked(start)) {
            if wanted.contains(rest) {
                *counts.entry(prefix).or_default() += 1;
            }
        }
    }
    let highest = counts.values().max().copied();
    counts.into_iter().filter(|(_, count)| Some(*count) == highest).map(|(prefix, _)| prefix.to_owned()).collect()
}

impl<'a> Candidate<'a> {
    fn new(wanted: &Wanted<'a>, naming: Option<&'a Naming>, prefix: String, found: &Shapes) -> Self {
        let mut candidate = Self { naming, prefix, names: Vec::new(), missing: Vec::new(), misshapen: Vec::new() };
        for parameter in wanted.body() {
            let name = candidate.tensor(&parameter.name);
            match found.get(name.as_str()) {
                None => candidate.missing.push(name.clone()),
                Some(shape) if accepts(&parameter.shape, shape) => {}
                Some(shape) => {
                    let (name, found, expected) = (name.clone(), shape.to_vec(), parameter.shape.clone());
                    candidate.misshapen.push(ShapeMismatch { name, found, expected });
                }
            }
            candidate.names.push(name);
        }
        candidate
    }

    /// The file's name of a layer.
    pub fn layer(&self, name: &str) -> String {
        let renamed = self.naming.map_or(name, |naming| naming.layer(name));
        format!("{}{renamed}", self.prefix)
    }

    /// The file's name of a parameter's tensor.
    pub fn tensor(&self, name: &str) -> String {
        match name.rsplit_once('.') {
            Some((layer, tensor)) => format!("{}.{tensor}", self.layer(layer)),
            None => self.layer(name),
        }
    }

    /// Whether the file has all of the body.
    pub fn is_whole(&self) -> bool {
        self.missing.is_empty() && self.misshapen.is_empty()
    }

    /// Number of the body's parameters that the file has in their shape.
    pub fn matched(&self) -> usize {
        self.names.len() - self.missing.len() - self.misshapen.len()
    }

    /// For messages: where the file has it.
    pub fn describe(&self) -> String {
        let place = match self.prefix.as_str() {
            "" => "names without a prefix".into(),
            prefix => format!("names that begin with '{prefix}'"),
        };
        match self.naming {
            None => place,
            Some(naming) => format!("{place}, as {} has them", naming.program),
        }
    }

    /// The outermost modules that hold layers of the network, and nothing else.
    pub fn modules(&self, head: Option<&Head>) -> BTreeSet<String> {
        let outermost = |name: &String| {
            let rest = name.strip_prefix(&self.prefix).unwrap_or(name);
            format!("{}{}", self.prefix, rest.split('.').next().unwrap_or(rest))
        };
        let head = head.map(|head| head.module(&self.prefix));
        self.names.iter().map(outermost).chain(head).collect()
    }
}
