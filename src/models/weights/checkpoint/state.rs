//! Where in a checkpoint the weights are.

use std::collections::HashMap;

use super::CheckpointError;
use super::value::{Global, Id, Value, Values, View};

/// Keys under which programs keep the weights beside other things, the most usual first.
const USUAL: [&str; 14] = [
    "state_dict",
    "model_state_dict",
    "model_state",
    "model",
    "net",
    "network",
    "module",
    "weights",
    "params",
    "encoder",
    "state_dict_ema",
    "model_ema",
    "ema_state_dict",
    "ema",
];
/// Most dictionaries within each other on the way to the weights.
const MOST_NESTING: usize = 4;
/// Other dictionaries that a message names.
const SHOWN: usize = 8;

/// The tensors of a checkpoint by name, and notes on where they were.
pub(super) fn tensors(values: &Values, root: Id) -> Result<(HashMap<String, View>, Vec<String>), CheckpointError> {
    let (mut place, mut path, mut notes) = (root, Vec::new(), Vec::new());
    for _ in 0..=MOST_NESTING {
        let Value::Dictionary(entries) = values.get(place) else { return Err(no_dictionary(values, place)) };
        let inner = inner(values, entries);
        let Some(&(key, chosen)) = choose(values, entries, &inner)? else {
            let tensors = own_tensors(values, entries);
            return if tensors.is_empty() { Err(without_tensors(values, entries)) } else { Ok((tensors, notes)) };
        };
        path.push(key);
        let others = quoted(inner.iter().filter(|(other, _)| *other != key));
        let aside = if others.is_empty() { String::new() } else { format!("; left out: {}", others.join(", ")) };
        notes = vec![format!("the weights are those under '{}'{aside}", path.join("."))];
        place = chosen;
    }
    Err(CheckpointError::NoTensors)
}

/// The entries that are dictionaries which hold tensors themselves or under a usual key.
fn inner<'v>(values: &'v Values, entries: &[(Id, Id)]) -> Vec<(&'v str, Id)> {
    let mut known: HashMap<Id, bool> = HashMap::new();
    let mut holds = |id: Id| *known.entry(id).or_insert_with(|| holds_tensors(values, id));
    entries.iter().filter_map(|&(key, id)| Some((values.text(key)?, id)).filter(|_| holds(id))).collect()
}

fn holds_tensors(values: &Values, id: Id) -> bool {
    let Value::Dictionary(entries) = values.get(id) else { return false };
    entries.iter().any(|&(key, value)| match values.get(value) {
        Value::Tensor(_) => values.text(key).is_some(),
        Value::Dictionary(_) => values.text(key).is_some_and(|key| USUAL.contains(&key)),
        _ => false,
    })
}

/// The dictionary to go on with; `None` where the weights are here or nowhere.
fn choose<'i, 'v>(
    values: &Values,
    entries: &[(Id, Id)],
    inner: &'i [(&'v str, Id)],
) -> Result<Option<&'i (&'v str, Id)>, CheckpointError> {
    if let Some(usual) = USUAL.iter().find_map(|usual| inner.iter().find(|(key, _)| key == usual)) {
        return Ok(Some(usual));
    }
    match inner {
        [] => Ok(None),
        _ if !own_tensors(values, entries).is_empty() => Ok(None),
        [only] => Ok(Some(only)),
        several => Err(CheckpointError::Several(quoted(several.iter()))),
    }
}

/// The first keys.
fn quoted<'i, 'v: 'i>(entries: impl Iterator<Item = &'i (&'v str, Id)>) -> Vec<String> {
    entries.take(SHOWN).map(|(key, _)| format!("'{key}'")).collect()
}

fn own_tensors(values: &Values, entries: &[(Id, Id)]) -> HashMap<String, View> {
    let tensor = |&(key, value): &(Id, Id)| match values.get(value) {
        Value::Tensor(view) => Some((values.text(key)?.to_owned(), View::clone(view))),
        _ => None,
    };
    entries.iter().filter_map(tensor).collect()
}

/// Why there are no weights in a dictionary: it may hold a whole model.
fn without_tensors(values: &Values, entries: &[(Id, Id)]) -> CheckpointError {
    let usual = |key: &Id| values.text(*key).is_some_and(|key| USUAL.contains(&key));
    let object = entries.iter().filter(|(key, _)| usual(key)).find_map(|&(_, value)| class(values, value));
    object.map_or(CheckpointError::NoTensors, |class| CheckpointError::WholeModule { class })
}

fn no_dictionary(values: &Values, id: Id) -> CheckpointError {
    class(values, id).map_or(CheckpointError::NoTensors, |class| CheckpointError::WholeModule { class })
}

/// The class of an object that only its own code can read.
fn class(values: &Values, id: Id) -> Option<String> {
    let Value::Object(class) = values.get(id) else { return None };
    match values.get(*class) {
        Value::Global(Global::Foreign(name)) => Some(name.to_string()),
        _ => None,
    }
}
