//! Plans walked through step by step, with what lies where: no step may write over what a later one reads.

use agf::graph::{Graph, Network, NodeId};
use agf::methods::Method;
use agf::plan::memory::{ALIGNMENT, Place};
use agf::plan::variant::WinogradTile;
use agf::plan::{Facts, Plan, Profile, Sharing, Strategy, Value, ValueId};
use agf::wiring::{Wanted, Wiring};
use std::ops::Range;

/// Whose value each block of each buffer holds; every value begins at a multiple of a block.
struct Memory<'a> {
    plan: &'a Plan,
    holds: Vec<Vec<Option<ValueId>>>,
}

impl Memory<'_> {
    /// The value that this one is a part of, or else itself.
    fn whole(&self, value: ValueId) -> ValueId {
        self.plan.values[value.index()].within.map_or(value, |(whole, _)| whole)
    }

    fn blocks(&self, value: ValueId) -> (usize, Range<usize>) {
        let place = self.plan.places[value.index()];
        let end = (place.offset + self.plan.values[value.index()].bytes).div_ceil(ALIGNMENT);
        (place.buffer, (place.offset / ALIGNMENT) as usize..end as usize)
    }

    fn write(&mut self, value: ValueId) {
        let ((buffer, blocks), whole) = (self.blocks(value), self.whole(value));
        self.holds[buffer][blocks].fill(Some(whole));
    }

    /// What lies there instead of a value.
    fn intruder(&self, value: ValueId) -> Option<Option<ValueId>> {
        let (buffer, blocks) = self.blocks(value);
        let own = Some(self.whole(value));
        self.holds[buffer][blocks].iter().copied().find(|&held| held != own)
    }
}

/// The first value that is not there when it is read, or in the end, where these of the graph's are results.
pub fn lost_value(plan: &Plan, graph: &Graph, results: &[NodeId]) -> Option<String> {
    let blocks = |size: &u64| vec![None; size.div_ceil(ALIGNMENT) as usize];
    let mut memory = Memory { plan, holds: plan.buffers.iter().map(blocks).collect() };
    let name = |value: ValueId| &plan.values[value.index()].name;
    let given = graph.ids().filter(|&id| graph.node(id).op.is_given());
    given.filter_map(|id| plan.value_of.get(&id)).for_each(|&value| memory.write(value));
    let is_used = |value: &ValueId| name(*value) != "unused";
    for step in &plan.steps {
        let (read, written) = step.values.split_at(step.values.len() - step.written);
        for &value in read.iter().filter(|&value| is_used(value)) {
            if let Some(held) = memory.intruder(value) {
                let held = held.map_or("nothing", |held| name(held));
                return Some(format!("'{}' reads '{}': {held} is there", step.label, name(value)));
            }
        }
        written.iter().for_each(|&value| memory.write(value));
        let is_lost = |value: &&ValueId| is_used(value) && memory.intruder(**value).is_some();
        if let Some(&value) = step.values.iter().find(is_lost) {
            return Some(format!("'{}' writes over '{}'", step.label, name(value)));
        }
    }
    let is_there = |id: &NodeId| plan.value_of.get(id).is_some_and(|&value| memory.intruder(value).is_none());
    let lost = results.iter().find(|id| !is_there(id));
    lost.map(|&id| format!("the result '{}' was not written, or written over", graph.node(id).name))
}

/// Two bindings of one step that share bytes, which WebGPU forbids where they are writable.
pub fn shared_bytes(plan: &Plan) -> Option<String> {
    plan.steps.iter().find_map(|step| {
        let range = |value: &ValueId| {
            let Place { buffer, offset } = plan.places[value.index()];
            (buffer, offset, offset + plan.values[value.index()].bytes)
        };
        let mut ranges: Vec<_> = step.values.iter().map(range).collect();
        ranges.sort_unstable();
        let overlap = ranges.windows(2).any(|pair| pair[0].0 == pair[1].0 && pair[0].2 > pair[1].1);
        overlap.then(|| format!("'{}' ({}) binds bytes twice", step.label, step.kernel))
    })
}

/// Any GPU, a software driver, and a large graphics card.
pub fn profiles() -> [Profile; 3] {
    let facts = Facts {
        max_binding_bytes: 1 << 30,
        max_buffer_bytes: 4 << 30,
        min_subgroup: Some(32),
        int64: true,
        ..Facts::WEBGPU
    };
    let card = Profile::WEBGPU.with_facts(facts).with_strategy(Strategy::GRAPHICS_CARD);
    [Profile::WEBGPU, Profile::SOFTWARE, card.with_winograd(Some(WinogradTile::Four))]
}

/// A value that has too few bytes for a batch's values, or that reaches out of the one that it is a part of.
fn misplaced_value(plan: &Plan, wiring: &Wiring, batch: u32) -> Option<String> {
    plan.values.iter().find_map(|value| {
        let needed = |id| 4 * wiring.graph.shape(id).elements() * u64::from(batch);
        let needed = value.node.map_or(1, needed);
        let room =
            value.within.map_or(u64::MAX, |(whole, offset)| plan.values[whole.index()].bytes.saturating_sub(offset));
        let is_fine = (needed..=room).contains(&value.bytes);
        (!is_fine).then(|| format!("'{}' has {} bytes, needs {needed}, may have {room}", value.name, value.bytes))
    })
}

/// Two parts of one value that share bytes.
fn overlapping_parts(plan: &Plan) -> Option<String> {
    let part = |value: &Value| value.within.map(|(whole, offset)| (whole.index(), offset, offset + value.bytes));
    let mut parts: Vec<_> = plan.values.iter().filter_map(part).collect();
    parts.sort_unstable();
    let overlap = parts.windows(2).find(|pair| pair[0].0 == pair[1].0 && pair[0].2 > pair[1].1);
    overlap.map(|pair| {
        format!("bytes {} to {} and from {} of '{}'", pair[0].1, pair[0].2, pair[1].1, plan.values[pair[0].0].name)
    })
}

/// What is wrong with a plan, if anything.
fn fault(plan: &Plan, wiring: &Wiring, profile: &Profile, batch: u32) -> Option<String> {
    let (taken, needed) = (plan.value_bytes(), plan.lower_bound);
    if taken < needed {
        return Some(format!("{taken} bytes of values, where {needed} live at a time"));
    }
    let most = profile.facts.max_workgroups;
    let is_odd = |count: &u32| *count == 0 || *count > most;
    match plan.steps.iter().find(|step| step.workgroups.iter().any(is_odd)) {
        Some(step) => Some(format!("'{}' takes {:?} workgroups", step.label, step.workgroups)),
        None => misplaced_value(plan, wiring, batch)
            .or_else(|| overlapping_parts(plan))
            .or_else(|| lost_value(plan, &wiring.graph, &wiring.outputs()))
            .or_else(|| shared_bytes(plan)),
    }
}

/// Plans a network, explained by a method, for all [`profiles`], and looks for faults; `false` where the method does
/// not cover the network.
pub fn is_planned(network: &Network, method: &Method, slots: u32, batch: u32) -> bool {
    let Ok(wiring) = Wiring::new(network, method, Wanted { slots, audit: true }) else { return false };
    for profile in profiles() {
        let plan = wiring.plan(batch, &profile, Sharing::Shared).unwrap_or_else(|error| panic!("{method}: {error}"));
        assert_eq!(fault(&plan, &wiring, &profile, batch), None, "{method}, batch {batch}, {profile:?}");
    }
    true
}
