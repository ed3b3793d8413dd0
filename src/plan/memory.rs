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
    /// Last step that needs it.
    pub last: usize,
}

impl Lifetime {
    fn overlaps(&self, other: &Lifetime) -> bool {
        self.first <= other.last && other.first <= self.last
    }
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

/// Places values, largest first, each in the lowest gap that is free during its whole lifetime (greedy by size). Returns the places
/// in the order of the values and the size of each buffer. `gap` bytes stay free behind every value.
pub fn place(values: &[Lifetime], max_buffer: u64, gap: u64) -> (Vec<Place>, Vec<u64>) {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by_key(|&index| (std::cmp::Reverse(values[index].bytes), index));
    let mut places = vec![Place::default(); values.len()];
    let mut placed: Vec<usize> = Vec::new();
    let mut sizes: Vec<u64> = Vec::new();
    for index in order {
        let bytes = (values[index].bytes + gap).next_multiple_of(ALIGNMENT);
        let place = lowest_gap(index, bytes, values, &places, &placed, sizes.len(), max_buffer, gap);
        places[index] = place;
        placed.push(index);
        sizes.resize(sizes.len().max(place.buffer + 1), 0);
        sizes[place.buffer] = sizes[place.buffer].max(place.offset + bytes);
    }
    (places, sizes)
}

#[allow(clippy::too_many_arguments)]
fn lowest_gap(
    index: usize,
    bytes: u64,
    values: &[Lifetime],
    places: &[Place],
    placed: &[usize],
    buffers: usize,
    max_buffer: u64,
    gap: u64,
) -> Place {
    let mut taken: Vec<(usize, u64, u64)> = placed
        .iter()
        .filter(|&&other| values[other].overlaps(&values[index]))
        .map(|&other| {
            let end = places[other].offset + (values[other].bytes + gap).next_multiple_of(ALIGNMENT);
            (places[other].buffer, places[other].offset, end)
        })
        .collect();
    taken.sort_unstable();
    for buffer in 0..buffers {
        let mut offset = 0;
        for &(_, start, end) in taken.iter().filter(|(taken_buffer, ..)| *taken_buffer == buffer) {
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

/// From the first to the last step that touches a value or a part of it; what the host fills lives from the start, outputs to the end. Parts
/// take no memory of their own.
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
        touched[value.0] = Some((first, end));
    }
    let lifetime = |(index, value): (usize, &Value)| {
        let (first, last) = touched[index].unwrap_or((0, end));
        let bytes = if value.within.is_some() { 0 } else { value.bytes };
        Lifetime { bytes, first: if written[index] { first } else { 0 }, last }
    };
    values.iter().enumerate().map(lifetime).collect()
}

/// The same values, all of them kept to the end.
pub(super) fn keep_all(lifetimes: &[Lifetime], steps: usize) -> Vec<Lifetime> {
    lifetimes.iter().map(|lifetime| Lifetime { first: 0, last: steps, ..*lifetime }).collect()
}
