//! The two traces, layer by layer: every tensor of the goldens against the value that the GPU stores for it.

use crate::common::compare::assert_relative_l2;
use crate::common::goldens::{FLAT, Golden, Place, place};
use crate::{batch_of, gpu, limited_gpu};
use agf::gpu::{Gpu, Program, WeightStore};
use agf::graph::{Explain, NodeId};
use agf::plan::{Plan, Sharing};
use std::collections::HashMap;

async fn values_of(gpu: &Gpu, golden: &Golden, nodes: &[NodeId]) -> HashMap<NodeId, Vec<f32>> {
    let explanation = golden.explanation();
    let (graph, batch) = (&explanation.graph, batch_of(golden));
    let plan = Plan::new(graph, nodes, batch.count, gpu.profile(), Sharing::Shared).unwrap();
    let mut store = WeightStore::default();
    store.upload(gpu, graph, &golden.weights(&explanation), &plan.packings()).await.unwrap();
    let program = Program::new(gpu, plan, &store).await.unwrap();
    program.write(graph, explanation.input, &batch.data).unwrap();
    let request = graph.ids().find(|&id| graph.node(id).op == Explain::ClassRequest { slot: 0 }.into()).unwrap();
    let class = golden.classes[0] as f32;
    program.write(graph, request, &vec![class; batch.count as usize]).unwrap();
    program.submit().await.unwrap();
    let values = program.read(graph, nodes).await.unwrap();
    nodes.iter().copied().zip(values).collect()
}

/// Largest relative L2 error by kind of tensor. In residual networks relevance is divided by sums near zero.
fn tolerance(name: &str, residual: bool) -> f64 {
    match name {
        _ if name.contains("output") || name == "logits" || name == "input" => 1e-6,
        _ if name.contains("gradient") => 1e-5,
        _ if residual => 1e-2,
        _ => 1e-4,
    }
}

fn check(gpu: &Gpu, name: &str, not_applicable: usize) {
    let golden = Golden::load(name);
    let explanation = golden.explanation();
    let places: Vec<(&String, Place)> = golden
        .tensors
        .keys()
        .map(|tensor| (tensor, place(&explanation, 0, tensor).unwrap_or_else(|| panic!("no node for '{tensor}'"))))
        .collect();
    let nodes: Vec<NodeId> = places
        .iter()
        .filter_map(|(_, place)| match place {
            Place::Node { node, .. } => Some(*node),
            Place::NotApplicable(_) => None,
        })
        .collect();
    let values = pollster::block_on(values_of(gpu, &golden, &nodes));
    let mut skipped = 0;
    for (tensor, place) in &places {
        let Place::Node { node, channels } = place else {
            assert_eq!(*place, Place::NotApplicable(FLAT), "{tensor}");
            skipped += 1;
            continue;
        };
        let pixels = explanation.graph.shape(*node).pixels() as usize;
        for sample in 0..golden.samples() {
            let of_sample = values[node].chunks(values[node].len() / golden.samples()).nth(sample).unwrap();
            let actual = &of_sample[channels.start as usize * pixels..channels.end as usize * pixels];
            let limit = tolerance(tensor, name.contains("resnet"));
            assert_relative_l2(&format!("{name} {tensor} {sample}"), actual, golden.sample(tensor, sample), limit);
        }
    }
    assert_eq!(skipped, not_applicable, "{name}");
}

#[test]
fn tiny_vgg() {
    check(gpu(), "trace_tiny_vgg", 0);
    check(limited_gpu(), "trace_tiny_vgg", 0);
}

#[test]
fn tiny_resnet() {
    check(gpu(), "trace_tiny_resnet", 24);
    check(limited_gpu(), "trace_tiny_resnet", 24);
}
