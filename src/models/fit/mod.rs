//! Which tensor of a file is which parameter of a network.
//!
//! Files differ from recipes in four ways, which come together: every name has a prefix, that of the modules around the
//! network; layers are named as by another program ([`Naming`]); the last linear layer, which training on other classes
//! replaces, has a name and a number of outputs of its own; and there are a few tensors more. The rest, the body, must
//! be there completely, in the shapes of the network. Files of self-supervised training have a body without a last
//! layer, and tensors that training alone needs.

mod candidate;
mod closest;
mod head;
mod naming;
#[cfg(test)]
mod tests;
mod training;

use std::collections::{BTreeMap, BTreeSet, HashSet};

use super::weights::{ShapeMismatch, WeightsError};
use crate::graph::parameter::Parameter;
use candidate::{Candidate, Candidates};
use head::Head;
use wildmatch::WildMatch;

pub use closest::Closest;
pub(crate) use closest::closest;
pub(crate) use naming::Naming;

/// Most tensors of a file that belong to no layer of the network.
const MOST_FOREIGN: usize = 4;

/// The shapes of a file's tensors by name.
pub(crate) type Shapes<'a> = BTreeMap<&'a str, &'a [usize]>;

/// What a network needs, and how files may name it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wanted<'a> {
    /// Its parameters.
    pub parameters: &'a [Parameter],
    /// The last linear layer, whose name and number of outputs are the file's; `None` where both are the recipe's.
    pub head: Option<&'a str>,
    /// Names of layers besides the recipe's.
    pub namings: &'a [Naming],
}

impl<'a> Wanted<'a> {
    /// Whether a parameter is one of the last linear layer.
    fn is_of_head(&self, parameter: &Parameter) -> bool {
        self.head.is_some() && layer_of(&parameter.name) == self.head
    }

    /// The parameters but those of the last linear layer.
    fn body(&self) -> impl Iterator<Item = &'a Parameter> {
        let Self { parameters, head, .. } = *self;
        parameters.iter().filter(move |parameter| head.is_none() || layer_of(&parameter.name) != head)
    }
}

/// Which tensors of a file a network takes.
#[derive(Clone, Debug)]
pub(crate) struct Fit {
    /// The file's name of each parameter's tensor.
    pub names: Vec<String>,
    /// The parameters; the last layer has the file's number of outputs.
    pub parameters: Vec<Parameter>,
    /// Number of outputs of the last layer.
    pub outputs: Option<usize>,
    /// Whether the file has no last layer: the parameters are the body's alone.
    pub is_headless: bool,
    /// What differs from the recipe's names, a sentence each.
    pub notes: Vec<String>,
}

/// The shapes of the tensors whose names match no pattern.
///
/// # Errors
/// [`WeightsError::NothingSkipped`] for a pattern that no name matches.
pub(crate) fn without<'a>(found: Shapes<'a>, skipped: &[String], file: &str) -> Result<Shapes<'a>, WeightsError> {
    let patterns: Vec<WildMatch> = skipped.iter().map(|pattern| WildMatch::new(pattern)).collect();
    let idle = |pattern: &&WildMatch| !found.keys().any(|name| pattern.matches(name));
    if let Some(pattern) = patterns.iter().find(idle) {
        let modules: BTreeSet<&str> = found.keys().filter_map(|name| name.split('.').next()).collect();
        return Err(WeightsError::NothingSkipped {
            file: file.into(),
            pattern: pattern.to_string(),
            modules: modules.into_iter().map(str::to_owned).collect(),
        });
    }
    let is_kept = |name: &str| !patterns.iter().any(|pattern| pattern.matches(name));
    Ok(found.into_iter().filter(|(name, _)| is_kept(name)).collect())
}

/// Finds the tensors of a network among the `found` ones.
///
/// # Errors
/// [`WeightsError::Mismatch`], [`WeightsError::NoHead`] and [`WeightsError::Ambiguous`].
pub(crate) fn find(found: &Shapes, wanted: &Wanted, file: &str) -> Result<Fit, WeightsError> {
    let candidates = Candidates::new(found, wanted);
    let whole: Vec<&Candidate> = candidates.all().filter(|candidate| candidate.is_whole()).collect();
    match training::without_copies(whole).as_slice() {
        [] => Err(mismatch(found, wanted, candidates.best(), file)),
        [candidate] => complete(found, wanted, candidate, file),
        several => {
            let candidates = several.iter().map(|candidate| candidate.describe()).collect();
            Err(WeightsError::Ambiguous { file: file.into(), what: "the network", candidates })
        }
    }
}

/// Adds the last layer to a body that is whole, and looks at what is left of the file.
fn complete(found: &Shapes, wanted: &Wanted, candidate: &Candidate, file: &str) -> Result<Fit, WeightsError> {
    let head = wanted.head.map(|layer| head::find(found, wanted, candidate, layer, file)).transpose()?.flatten();
    let is_headless = wanted.head.is_some() && head.is_none();
    let renamed = |parameter: &Parameter| match &head {
        Some(head) if wanted.is_of_head(parameter) => head.tensor(parameter),
        _ => (candidate.tensor(&parameter.name), parameter.clone()),
    };
    let parameters = wanted.parameters.iter().filter(|parameter| !(is_headless && wanted.is_of_head(parameter)));
    let (names, parameters): (Vec<String>, Vec<Parameter>) = parameters.map(renamed).unzip();
    let is_of_training = |name: &String| training::is_of_training(found, candidate, wanted.head, name);
    let (of_training, foreign): (Vec<String>, Vec<String>) =
        unused(found, &names).into_iter().partition(is_of_training);
    let modules = candidate.modules(head.as_ref());
    let inside = foreign.iter().any(|name| modules.iter().any(|module| is_inside(name, module)));
    if inside || foreign.len() > MOST_FOREIGN {
        let (missing, misshapen) = (Vec::new(), Vec::new());
        return Err(WeightsError::Mismatch {
            file: file.into(),
            missing,
            unexpected: foreign,
            misshapen,
            closest: None,
        });
    }
    let mut notes = notes(candidate, head.as_ref(), wanted, &foreign);
    if !of_training.is_empty() {
        let modules = training::modules(&of_training, candidate).join(", ");
        notes.push(format!("left out, as only training needs it: {modules}"));
    }
    if is_headless {
        notes.push("there is no last layer: the outputs are features, by which pictures are compared".into());
    }
    Ok(Fit { names, parameters, outputs: head.map(|head| head.outputs), is_headless, notes })
}

/// Everything that is wrong with the candidate that fits best.
fn mismatch(found: &Shapes, wanted: &Wanted, candidate: &Candidate, file: &str) -> WeightsError {
    let mut names = candidate.names.clone();
    let (mut missing, mut misshapen) = (candidate.missing.clone(), candidate.misshapen.clone());
    for parameter in wanted.parameters.iter().filter(|parameter| wanted.is_of_head(parameter)) {
        let name = candidate.tensor(&parameter.name);
        match found.get(name.as_str()) {
            None => missing.push(name.clone()),
            Some(shape) => {
                let expected = with_outputs_of(shape, &parameter.shape);
                if !accepts(&expected, shape) {
                    misshapen.push(ShapeMismatch { name: name.clone(), found: shape.to_vec(), expected });
                }
            }
        }
        names.push(name);
    }
    let unexpected = unused(found, &names);
    WeightsError::Mismatch { file: file.into(), missing, unexpected, misshapen, closest: None }
}

/// The shape of a tensor of the last layer, whose number of outputs is the file's.
fn with_outputs_of(found: &[usize], wanted: &[usize]) -> Vec<usize> {
    let outputs = found.first().copied().into_iter();
    outputs.chain(wanted.iter().skip(1).copied()).collect()
}

/// Tensors of the file that are not among `names`, without those that no network computes with.
fn unused(found: &Shapes, names: &[String]) -> Vec<String> {
    let used: HashSet<&str> = names.iter().map(String::as_str).collect();
    let unused = found.keys().filter(|name| !used.contains(**name) && !is_ignored(name));
    unused.map(ToString::to_string).collect()
}

/// What a user should know of how the file was read.
fn notes(candidate: &Candidate, head: Option<&Head>, wanted: &Wanted, foreign: &[String]) -> Vec<String> {
    let mut notes: Vec<String> =
        candidate.naming.map(|naming| format!("layers have {}'s names", naming.program)).into_iter().collect();
    if !candidate.prefix.is_empty() {
        notes.push(format!("names begin with '{}'", candidate.prefix));
    }
    if let (Some(head), Some(layer)) = (head, wanted.head)
        && head.layer != candidate.layer(layer)
    {
        notes.push(format!("the last layer, {layer}, is '{}'", head.layer));
    }
    if !foreign.is_empty() {
        notes.push(format!("left out, as the network has no such layer: {}", foreign.join(", ")));
    }
    notes.extend(candidate.naming.and_then(|naming| naming.caution.clone()));
    notes
}

/// Whether `shape` holds the values of a parameter of shape `wanted`, in their order: it is equal, or that of a
/// convolution that stands for a linear layer: (out, channels, height, width) for (out, channels * height * width).
fn accepts(wanted: &[usize], shape: &[usize]) -> bool {
    let (&[rows, columns], &[out, channels, height, width]) = (wanted, shape) else {
        return wanted == shape;
    };
    let flattened = channels.checked_mul(height).and_then(|size| size.checked_mul(width));
    out == rows && flattened == Some(columns)
}

/// Whether a tensor lies in a module, or is the module's own.
fn is_inside(name: &str, module: &str) -> bool {
    name.strip_prefix(module).is_some_and(|rest| rest.starts_with('.'))
}

/// The layer of a tensor: its name without the last component.
fn layer_of(tensor: &str) -> Option<&str> {
    tensor.rsplit_once('.').map(|(layer, _)| layer)
}

/// True for a tensor that no network computes with: batch norm's count of training steps.
fn is_ignored(name: &str) -> bool {
    name == "num_batches_tracked" || name.ends_with(".num_batches_tracked")
}
