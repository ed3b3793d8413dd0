//! Steps, work and memory of the plans of many networks, pinned: what a change of the planner costs or saves, and
//! where.

use crate::check_text;
use crate::common::networks::sized;
use crate::common::planned::profiles;
use crate::common::rules::rules;
use agf::graph::{Constant, Forward, Graph, Network, ResponseNormalization, Shape};
use agf::methods::Method;
use agf::models::Architecture;
use agf::plan::{Plan, Sharing};
use agf::wiring::{Wanted, Wiring};
use std::fmt::Write;

/// A line for each profile; none where the method does not cover the network.
fn figures(name: &str, network: &Network, method: &Method, slots: u32, batch: u32) -> String {
    let mut text = String::new();
    let Ok(wiring) = Wiring::new(network, method, Wanted { slots, audit: slots == 1 }) else { return text };
    for (profile, kind) in profiles().iter().zip(["any", "software", "card"]) {
        let plan = wiring.plan(batch, profile, Sharing::Shared).unwrap();
        let workgroups: u64 =
            plan.steps.iter().map(|step| step.workgroups.map(u64::from).iter().product::<u64>()).sum();
        let bytes: u64 = plan.steps.iter().map(|step| step.bytes).sum();
        let (steps, kernels, flops) = (plan.steps.len(), plan.kernels().len(), plan.flops());
        let gated = plan.steps.iter().filter(|step| step.is_gated()).count();
        let largest = wiring.largest_batch(profile);
        let (values, buffers) = (plan.value_bytes(), plan.buffers.len());
        writeln!(
            text,
            "{name}, {method}, {slots} slots, batch {batch} of {largest}, {kind}: {steps} steps, {gated} gated, \
             {kernels} kernels, {workgroups} workgroups, {flops} FLOP, {bytes} bytes bound, {values} of values in \
             {buffers} buffers, uniforms {:08x}",
            digest(&kernels_and_uniforms(&plan))
        )
        .unwrap();
    }
    text
}

/// Of all steps, which say what the figures do not.
fn kernels_and_uniforms(plan: &Plan) -> String {
    plan.steps.iter().map(|step| format!("{} {}\n", step.kernel, step.uniforms)).collect()
}

/// FNV-1a.
pub fn digest(text: &str) -> u32 {
    text.bytes().fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}

/// What networks that chance made are made from, the same on every run.
fn bytes(index: u32) -> Vec<u8> {
    let byte = |at: u32| (index * 160 + at + 1).wrapping_mul(2_654_435_761).to_be_bytes()[0];
    (0..160).map(byte).collect()
}

/// What hardly any of them has.
fn with_response_normalization() -> Network {
    let [alpha, beta, bias] = [0.02, 0.75, 2.0].map(Constant::new);
    let of = ResponseNormalization { size: 4, alpha, beta, bias };
    let mut graph = Graph::new();
    let input = graph.input(Shape::new(10, 9, 7)).unwrap();
    let x = graph.add("normalized", Forward::NormalizeResponse(of), &[input]).unwrap();
    let pooled = graph.add("pool", Forward::AveragePool { height: 1, width: 1 }, &[x]).unwrap();
    let logits = graph.linear_without_bias("last", 4, pooled).unwrap();
    Network::new(graph, input, logits).unwrap()
}

#[test]
fn figures_of_plans() {
    let mut text = String::new();
    for architecture in Architecture::ALL {
        let network = architecture.build(64, 72, architecture.default_classes()).unwrap();
        text += &figures(&architecture.to_string(), &network, &Method::default(), 1, 2);
        text += &figures(&architecture.to_string(), &network, &Method::default(), 0, 1);
    }
    for architecture in [Architecture::TinyVgg, Architecture::TinyResNet] {
        let network = architecture.build(224, 200, architecture.default_classes()).unwrap();
        for method in Method::ALL {
            text += &figures(&architecture.to_string(), &network, method, 3, 3);
        }
    }
    for index in 0..60 {
        let (network, [height, width, batch]) = sized(&bytes(index), 40);
        let method = &Method::ALL[index as usize % Method::ALL.len()];
        let name = format!("network {index} of {height}x{width}");
        text += &figures(&name, &network, method, 1 + index % 2, batch);
        let rules = Method::Rules(rules(&bytes(1000 + index)[..60]));
        text += &figures(&format!("{name}, rules {index}"), &network, &rules, 1, batch);
    }
    text += &figures("response normalization", &with_response_normalization(), &Method::Gradient, 1, 2);
    check_text("figures", &text);
}
