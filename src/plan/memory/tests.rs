//! Plans walked through step by step, with what lies where: no step may write over what a later one reads.

use super::{Place, whole};
use crate::graph::{Forward, Graph, Shape};
use crate::methods::Method;
use crate::models::Architecture;
use crate::plan::{Plan, Profile, Sharing, ValueId};
use crate::wiring::{Wanted, Wiring};
use std::ops::Range;

/// Bytes that are looked at as one; every value begins at a multiple.
const BLOCK: u64 = super::ALIGNMENT;

/// Whose value each block of each buffer holds.
struct Memory<'a> {
    plan: &'a Plan,
    holds: Vec<Vec<Option<ValueId>>>,
}

impl Memory<'_> {
    fn blocks(&self, value: ValueId) -> (usize, Range<usize>) {
        let place = self.plan.places[value.0];
        let end = (place.offset + self.plan.values[value.0].bytes).div_ceil(BLOCK);
        (place.buffer, (place.offset / BLOCK) as usize..end as usize)
    }

    fn write(&mut self, value: ValueId) {
        let (buffer, blocks) = self.blocks(value);
        self.holds[buffer][blocks].fill(Some(whole(&self.plan.values, value)));
    }

    /// What lies there instead of a value.
    fn intruder(&self, value: ValueId) -> Option<Option<ValueId>> {
        let (buffer, blocks) = self.blocks(value);
        let own = Some(whole(&self.plan.values, value));
        self.holds[buffer][blocks].iter().copied().find(|&held| held != own)
    }
}

/// The first value that is not there when it is read.
fn lost_value(plan: &Plan, wiring: &Wiring) -> Option<String> {
    let blocks = |size: &u64| vec![None; size.div_ceil(BLOCK) as usize];
    let mut memory = Memory { plan, holds: plan.buffers.iter().map(blocks).collect() };
    let given = wiring.graph.ids().filter(|&id| wiring.graph.node(id).op.is_given());
    given.filter_map(|id| plan.value_of.get(&id)).for_each(|&value| memory.write(value));
    let is_used = |&&value: &&ValueId| plan.values[value.0].name != "unused";
    for step in &plan.steps {
        let (read, written) = step.values.split_at(step.values.len() - step.written);
        for &value in read.iter().filter(is_used) {
            if let Some(held) = memory.intruder(value) {
                let held = held.map_or("nothing", |held| &plan.values[held.0].name);
                return Some(format!("'{}' reads '{}': {held} is there", step.label, plan.values[value.0].name));
            }
        }
        written.iter().for_each(|&value| memory.write(value));
        let is_lost = |value: &&ValueId| is_used(value) && memory.intruder(**value).is_some();
        if let Some(value) = step.values.iter().find(is_lost) {
            return Some(format!("'{}' writes over '{}'", step.label, plan.values[value.0].name));
        }
    }
    let outputs = wiring.outputs().into_iter().filter_map(|id| plan.value_of.get(&id).copied());
    let lost = outputs.into_iter().find(|&value| memory.intruder(value).is_some());
    lost.map(|value| format!("the result '{}' was written over", plan.values[value.0].name))
}

/// Two bindings of one step that share bytes, which WebGPU forbids where they are writable.
fn shared_bytes(plan: &Plan) -> Option<String> {
    plan.steps.iter().find_map(|step| {
        let range = |value: &ValueId| {
            let Place { buffer, offset } = plan.places[value.0];
            (buffer, offset, offset + plan.values[value.0].bytes)
        };
        let mut ranges: Vec<_> = step.values.iter().map(range).collect();
        ranges.sort_unstable();
        let overlap = ranges.windows(2).any(|pair| pair[0].0 == pair[1].0 && pair[0].2 > pair[1].1);
        overlap.then(|| format!("'{}' ({}) binds bytes twice", step.label, step.kernel))
    })
}

fn wiring(architecture: Architecture, method: &Method, slots: u32) -> Wiring {
    let network = architecture.build(64, 72, architecture.default_classes()).unwrap();
    Wiring::new(&network, method, Wanted { slots, audit: true }).unwrap()
}

#[test]
fn plans_keep_what_is_still_read_and_bind_no_byte_twice() {
    for architecture in Architecture::ALL {
        for method in Method::ALL {
            let wiring = wiring(architecture, method, 2);
            for profile in [Profile::WEBGPU, Profile::SOFTWARE] {
                let plan = wiring.plan(1, &profile, Sharing::Shared).unwrap();
                assert_eq!(lost_value(&plan, &wiring), None, "{architecture} {method}");
                assert_eq!(shared_bytes(&plan), None, "{architecture} {method}");
            }
        }
    }
}

/// Every value moved to where another lies that is still needed shows.
#[test]
fn values_in_the_wrong_place_are_found() {
    let wiring = wiring(Architecture::TinyResNet, &Method::default(), 1);
    let mut plan = wiring.plan(1, &Profile::WEBGPU, Sharing::Shared).unwrap();
    let logits = plan.value_of[&wiring.logits];
    let input = plan.value_of[&wiring.input];
    plan.places[logits.0] = plan.places[input.0];
    assert!(lost_value(&plan, &wiring).is_some());
}

/// Planning takes time in proportion to the number of classes: four times as many may take eight times as long, for
/// noise.
#[test]
fn planning_is_linear_in_classes() {
    let network = Architecture::TinyVgg.build(32, 32, 10).unwrap();
    let seconds = |slots: u32| {
        let start = std::time::Instant::now();
        let wiring = Wiring::new(&network, &Method::default(), Wanted { slots, audit: false }).unwrap();
        wiring.plan(1, &Profile::WEBGPU, Sharing::Shared).unwrap();
        start.elapsed().as_secs_f64()
    };
    // In turns and several times, since other tests run beside it.
    let (mut few, mut many) = (f64::INFINITY, f64::INFINITY);
    for _ in 0..20 {
        (few, many) = (few.min(seconds(16)), many.min(seconds(64)));
        if many < 8.0 * few {
            return;
        }
    }
    panic!("16 classes take {few:.3} s, 64 classes {many:.3} s");
}

#[test]
fn a_value_that_a_step_reads_twice_is_copied() {
    let mut graph = Graph::new();
    let input = graph.input(Shape::new(3, 4, 5)).unwrap();
    let squared = graph.add("squared", Forward::Multiply, &[input, input]).unwrap();
    let plan = Plan::new(&graph, &[squared], 2, &Profile::WEBGPU, Sharing::Shared).unwrap();
    assert_eq!(shared_bytes(&plan), None);
    let labels: Vec<&str> = plan.steps.iter().map(|step| step.label.as_str()).collect();
    assert_eq!(labels, ["squared", "squared"]);
    let mut wrong = plan;
    let values = &mut wrong.steps[1].values;
    values[1] = values[0];
    assert!(shared_bytes(&wrong).unwrap().contains("squared"));
}
