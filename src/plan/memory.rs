//! Where values live: buffers of bounded size, shared over time by values that are not needed together.

use super::{Step, Value, ValueId};
use crate::graph::NodeId;
use std::collections::HashMap;

/// A value to be placed: its size and the steps during which it must keep its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lifetime {
    /// Bytes.
    pub bytes: u64,
    /// First step that needs it.
    pub first: usize,
    /// Last step that needs it; a result is needed beyond the plan's last one.
    pub last: usize,
}

/// A value's place.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// Which buffer.
    pub buffer: usize,
    /// Bytes from its beginning, a multiple of [`ALIGNMENT`].
    pub offset: u64,
}

/// Every value begins at a multiple of this: WebGPU's default `min_storage_buffer_offset_alignment`.
pub const ALIGNMENT: u64 = 256;

/// Places values, largest first, each in the lowest gap that is free during its whole lifetime (greedy by size); what
/// lives to the last step of all lies behind the others, one behind the other. Returns the places in the order of the
/// values and the size of each buffer. `gap` bytes stay free behind every value.
pub fn place(values: &[Lifetime], max_buffer: u64, gap: u64) -> (Vec<Place>, Vec<u64>) {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by_key(|&index| (std::cmp::Reverse(values[index].bytes), index));
    let mut places = vec![Place::default(); values.len()];
    let mut placed = Placed::new(values);
    let mut sizes: Vec<u64> = Vec::new();
    let room = |index: usize| (values[index].bytes + gap).next_multiple_of(ALIGNMENT);
    let (kept, shared): (Vec<usize>, Vec<usize>) = order.into_iter().partition(|&index| placed.is_last(&values[index]));
    for index in shared {
        let mut taken: Vec<(usize, u64, u64)> = placed
            .alive_with(&values[index])
            .map(|other| (places[other].buffer, places[other].offset, places[other].offset + room(other)))
            .collect();
        taken.sort_unstable();
        let place = lowest_gap(&taken, room(index), sizes.len(), max_buffer);
        places[index] = place;
        placed.insert(index, &values[index]);
        sizes.resize(sizes.len().max(place.buffer + 1), 0);
        sizes[place.buffer] = sizes[place.buffer].max(place.offset + room(index));
    }
    for index in kept {
        let fits = sizes.last().is_some_and(|size| size + room(index) <= max_buffer);
        if !fits {
            sizes.push(0);
        }
        let buffer = sizes.len() - 1;
        places[index] = Place { buffer, offset: sizes[buffer] };
        sizes[buffer] += room(index);
    }
    (places, sizes)
}

/// The lowest place for so many bytes beside what is taken: buffer, begin and end, in order.
fn lowest_gap(taken: &[(usize, u64, u64)], bytes: u64, buffers: usize, max_buffer: u64) -> Place {
    let mut rest = taken;
    for buffer in 0..buffers {
        let here = rest.iter().take_while(|(of, ..)| *of == buffer).count();
        let (in_buffer, behind) = rest.split_at(here);
        rest = behind;
        let mut offset = 0;
        for &(_, start, end) in in_buffer {
            if start >= offset + bytes {
                break;
            }
            offset = offset.max(end);
        }
        if offset + bytes <= max_buffer {
            return Place { buffer, offset };
        }
    }
    Place { buffer: buffers, offset: 0 }
}

/// Values that have a place, found by when they live without looking at all the others.
struct Placed {
    steps: usize,
    /// A segment tree over the steps: a value stands at the few nodes that its lifetime consists of.
    tree: Vec<Vec<usize>>,
    /// By the step from which they live.
    from: Vec<Vec<usize>>,
}

impl Placed {
    fn new(values: &[Lifetime]) -> Self {
        let steps = values.iter().map(|value| value.last + 1).max().unwrap_or(0);
        Self { steps, tree: vec![Vec::new(); 2 * steps], from: vec![Vec::new(); steps] }
    }

    /// Whether a value lives as long as any. Each of those would be compared with all that begins after it, and there
    /// are as many as there are results.
    fn is_last(&self, lifetime: &Lifetime) -> bool {
        lifetime.last + 1 == self.steps
    }

    fn insert(&mut self, index: usize, lifetime: &Lifetime) {
        self.from[lifetime.first].push(index);
        let (mut low, mut high) = (self.steps + lifetime.first, self.steps + lifetime.last + 1);
        while low < high {
            if low % 2 == 1 {
                self.tree[low].push(index);
                low += 1;
            }
            if high % 2 == 1 {
                high -= 1;
                self.tree[high].push(index);
            }
            (low, high) = (low / 2, high / 2);
        }
    }

    /// Those that live during some of the same steps: at the first of them, or from a later one on.
    fn alive_with(&self, lifetime: &Lifetime) -> impl Iterator<Item = usize> {
        let leaf = self.steps + lifetime.first;
        let path = std::iter::successors(Some(leaf), |&node| (node > 1).then_some(node / 2));
        let later = &self.from[lifetime.first + 1..=lifetime.last.max(lifetime.first)];
        path.flat_map(|node| &self.tree[node]).chain(later.iter().flatten()).copied()
    }
}

/// The largest sum of bytes that are needed at the same time: no placement can be smaller.
pub fn lower_bound(values: &[Lifetime]) -> u64 {
    let steps = values.iter().map(|value| value.last + 1).max().unwrap_or(0);
    let mut change = vec![0i64; steps + 1];
    for value in values {
        change[value.first] += value.bytes as i64;
        change[value.last + 1] -= value.bytes as i64;
    }
    let mut live = 0;
    change.iter().fold(0, |peak: i64, step| {
        live += step;
        peak.max(live)
    }) as u64
}

/// The value that this one is a part of, or else itself.
pub(super) fn whole(values: &[Value], value: ValueId) -> ValueId {
    values[value.0].within.map_or(value, |(whole, _)| whole)
}

/// Places parts in the values that they are parts of.
pub(super) fn place_parts(values: &[Value], places: &mut [Place]) {
    for (index, value) in values.iter().enumerate() {
        if let Some((whole, offset)) = value.within {
            places[index] = Place { offset: places[whole.0].offset + offset, ..places[whole.0] };
        }
    }
}

/// From the first to the last step that touches a value or a part of it; what the host fills lives from the start,
/// outputs beyond the last step. Parts take no memory of their own.
pub(super) fn lifetimes(
    steps: &[Step],
    values: &[Value],
    value_of: &HashMap<NodeId, ValueId>,
    outputs: &[NodeId],
) -> Vec<Lifetime> {
    let end = steps.len().saturating_sub(1);
    let mut touched: Vec<Option<(usize, usize)>> = vec![None; values.len()];
    let mut written = vec![false; values.len()];
    let whole = |&value: &ValueId| whole(values, value);
    for (index, step) in steps.iter().enumerate() {
        for value in step.values.iter().map(whole) {
            let (first, _) = touched[value.0].unwrap_or((index, index));
            touched[value.0] = Some((first, index));
        }
        for value in step.values.iter().rev().take(step.written).map(whole) {
            written[value.0] = true;
        }
    }
    for value in outputs.iter().filter_map(|id| value_of.get(id)).map(whole) {
        let (first, _) = touched[value.0].unwrap_or((0, end));
        touched[value.0] = Some((first, steps.len()));
    }
    let lifetime = |(index, value): (usize, &Value)| {
        if let Some((whole, _)) = value.within {
            let first = touched[whole.0].map_or(0, |(first, _)| first);
            return Lifetime { bytes: 0, first, last: first };
        }
        let (first, last) = touched[index].unwrap_or((0, end));
        Lifetime { bytes: value.bytes, first: if written[index] { first } else { 0 }, last }
    };
    values.iter().enumerate().map(lifetime).collect()
}

/// The same values, all of them kept to the end.
pub(super) fn keep_all(lifetimes: &[Lifetime], steps: usize) -> Vec<Lifetime> {
    lifetimes.iter().map(|lifetime| Lifetime { first: 0, last: steps, ..*lifetime }).collect()
}
