//! Memory of plans: no step may write over what a later one reads, nor bind a byte twice, in any network. `AGF_ALL=1`
//! plans 20,000 networks that chance made, and `AGF_SEED=random` others.

#[path = "common/mod.rs"]
mod common;

use agf::graph::{Forward, Graph, Op, Shape};
use agf::methods::relevance::Preset;
use agf::methods::{Method, SmoothGrad};
use agf::models::Architecture;
use agf::plan::{Plan, Profile, Sharing};
use agf::wiring::{Wanted, Wiring};
use common::networks::sized;
use common::planned::{is_planned, lost_value, profiles, shared_bytes};
use common::random::Random;
use common::rules::rules;
use std::collections::BTreeSet;
use std::time::Instant;

#[test]
fn no_plan_of_a_known_network_writes_over_what_is_still_read() {
    for architecture in Architecture::ALL {
        let network = architecture.build(64, 72, architecture.default_classes()).unwrap();
        for method in Method::ALL {
            assert!(is_planned(&network, method, 2, 1), "{architecture} {method}");
        }
    }
}

#[test]
fn nor_does_one_of_a_network_that_chance_made() {
    let count = if std::env::var_os("AGF_ALL").is_some() { 20_000 } else { 300 };
    let mut random = Random::new();
    let mut planned = 0;
    for index in 0..count {
        let bytes = random.bytes(160);
        let (network, [height, width, batch]) = sized(&bytes, 40);
        let method = &Method::ALL[index % Method::ALL.len()];
        let rules = Method::Rules(rules(&random.bytes(60)));
        println!("network {index}: {height}x{width}, {method}, {rules:?}");
        assert!(is_planned(&network, &Method::Gradient, 0, batch));
        planned += usize::from(is_planned(&network, method, 1 + index as u32 % 2, batch));
        is_planned(&network, &rules, 1, batch);
    }
    println!("{planned} of {count} networks were explained");
    assert!(planned > count / 3, "{planned} of {count}");
}

/// `Explain(Unary(Scale(..)))` has the kinds explain, unary and scale.
fn kinds(op: &Op) -> Vec<String> {
    let text = format!("{op:?}");
    let words = text.split(|letter: char| !letter.is_alphanumeric() && letter != '(').next().unwrap_or_default();
    let snake = |word: &str| {
        let letters = word.chars().enumerate();
        letters.fold(String::new(), |snake, (index, letter)| match letter.is_uppercase() && index > 0 {
            true => snake + "_" + &letter.to_lowercase().to_string(),
            false => snake + &letter.to_lowercase().to_string(),
        })
    };
    words.split('(').map(snake).collect()
}

#[test]
fn operations_are_called_by_their_kinds() {
    let mut random = Random::new();
    let mut names = BTreeSet::new();
    for index in 0..200 {
        let (network, _) = sized(&random.bytes(160), 40);
        let method = &Method::ALL[index % Method::ALL.len()];
        let Ok(wiring) = Wiring::new(&network, method, Wanted { slots: 1, audit: true }) else { continue };
        for node in wiring.graph.nodes() {
            let name = node.op.name();
            assert!(kinds(&node.op).iter().any(|kind| kind == name), "{name}: {:?}", node.op);
            names.insert(name);
        }
    }
    assert!(names.len() > 50, "{names:?}");
}

/// Whatever value is asked for besides, and whatever steps might have left out: it is there in the end.
#[test]
fn every_value_can_be_asked_for() {
    for (architecture, method) in [
        (Architecture::TinyVgg, Method::default()),
        (Architecture::TinyResNet, Method::default()),
        (Architecture::TinyResNet, Method::Relevance(Preset::Rap)),
        (Architecture::TinyResNet, Method::SmoothGrad(SmoothGrad::DEFAULT)),
    ] {
        let network = architecture.build(32, 40, 10).unwrap();
        let wiring = Wiring::new(&network, &method, Wanted { slots: 1, audit: false }).unwrap();
        let live = wiring.graph.live(&wiring.outputs());
        for profile in profiles() {
            for id in wiring.graph.ids().filter(|id| live[id.index()]) {
                let results = [&wiring.outputs()[..], &[id]].concat();
                let plan = Plan::new(&wiring.graph, &results, 1, &profile, Sharing::Shared).unwrap();
                assert_eq!(lost_value(&plan, &wiring.graph, &results), None, "{architecture}, {method}, {profile:?}");
            }
        }
    }
}

/// A value moved to where another lies that is still needed shows.
#[test]
fn values_in_the_wrong_place_are_found() {
    let network = Architecture::TinyResNet.build(64, 72, 10).unwrap();
    let wiring = Wiring::new(&network, &Method::default(), Wanted { slots: 1, audit: true }).unwrap();
    let mut plan = wiring.plan(1, &Profile::WEBGPU, Sharing::Shared).unwrap();
    let [logits, input] = [wiring.logits, wiring.input].map(|node| plan.value_of[&node].index());
    plan.places[logits] = plan.places[input];
    assert!(lost_value(&plan, &wiring.graph, &wiring.outputs()).is_some());
}

/// Planning takes time in proportion to the number of classes: four times as many may take twice as long as planning
/// four times, which other programs interrupt as often.
#[test]
fn planning_is_linear_in_classes() {
    let network = Architecture::TinyVgg.build(32, 32, 10).unwrap();
    let seconds = |slots: u32, times: usize| {
        let start = Instant::now();
        for _ in 0..times {
            let wiring = Wiring::new(&network, &Method::default(), Wanted { slots, audit: false }).unwrap();
            wiring.plan(1, &Profile::WEBGPU, Sharing::Shared).unwrap();
        }
        start.elapsed().as_secs_f64()
    };
    // In turns and several times, since other tests run beside it.
    let (mut few, mut many) = (f64::INFINITY, f64::INFINITY);
    for _ in 0..20 {
        (few, many) = (few.min(seconds(16, 4)), many.min(seconds(64, 1)));
        if many < 2.0 * few {
            return;
        }
    }
    panic!("16 classes take {few:.3} s for four times, 64 classes {many:.3} s");
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
