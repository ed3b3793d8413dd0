//! The relevance rules of a whole explanation, layer by layer, against their dense derivation; and that relevance is
//! conserved.

use super::definitions;
use super::matrix::Matrix;
use super::method::{self, Full};
use super::network::{CLASSES, network, picture};
use crate::common::compare::assert_relative_l2;
use crate::common::networks::sized;
use crate::common::random::{Random, Values};
use crate::common::rules::rules;
use agf::graph::{Backward, Explain, Forward, Network, NodeId, Op, Part, Role};
use agf::methods::agf::{Ablations, explain};
use agf::methods::relevance::{Selector, Weighted};
use agf::methods::{ClassMap, Explanation, Method, Quantity};
use agf::reference::Reference;
use std::collections::HashMap;

const ROUNDING: f64 = 1e-9;

/// An explanation with the values of all its nodes.
struct Explained<'a> {
    explanation: &'a Explanation,
    map: &'a ClassMap,
    parameters: &'a Values,
    values: HashMap<NodeId, Vec<f64>>,
}

impl Explained<'_> {
    fn value(&self, id: NodeId) -> &[f64] {
        &self.values[&id]
    }

    fn input(&self, layer: NodeId, index: usize) -> &[f64] {
        self.value(self.explanation.graph.node(layer).inputs[index])
    }

    fn traced(&self, layer: NodeId, quantity: Quantity) -> Option<&[f64]> {
        let found = self.map.trace.iter().find(|trace| trace.layer == layer && trace.quantity == quantity);
        found.map(|trace| self.value(trace.node))
    }

    /// What the readers of `id` sent back to it.
    fn sent(&self, id: NodeId, quantity: fn(u32) -> Quantity) -> Vec<&[f64]> {
        let graph = &self.explanation.graph;
        let reads = |layer: NodeId, index: u32| graph.node(layer).inputs.get(index as usize) == Some(&id);
        let sent = |trace: &agf::methods::Trace| {
            (0..2).any(|index| trace.quantity == quantity(index) && reads(trace.layer, index))
        };
        self.map.trace.iter().filter(|trace| sent(trace)).map(|trace| self.value(trace.node)).collect()
    }

    /// Relevance at the output of `id`, where several readers share it by the fan-out rule.
    fn relevance_at(&self, id: NodeId) -> Vec<f64> {
        let sent = self.sent(id, Quantity::Relevance);
        let fan_out = self.traced(id, Quantity::FanOutRelevance);
        match (sent.as_slice(), fan_out) {
            ([only], None) => only.to_vec(),
            (several, Some(found)) => {
                let expected = method::fan_out(self.value(id), several);
                assert_relative_l2("fan-out", found, &expected, ROUNDING);
                found.to_vec()
            }
            _ => panic!("node {id:?} has {} readers and no fan-out", sent.len()),
        }
    }

    fn gradient_at(&self, id: NodeId) -> Vec<f64> {
        let sent = self.sent(id, Quantity::Gradient);
        (0..self.value(id).len()).map(|index| sent.iter().map(|g| g[index]).sum()).collect()
    }

    fn check_first_relevance(&self) {
        let logits = self.explanation.logits;
        let g = self.traced(logits, Quantity::Gradient(0)).unwrap();
        let expected: Vec<f64> = self.input(logits, 0).iter().zip(g).map(|(x, g)| x * g).collect();
        assert_relative_l2(
            "first relevance",
            self.traced(logits, Quantity::Relevance(0)).unwrap(),
            &expected,
            ROUNDING,
        );
    }

    /// The relevance that the dense derivation sends to the inputs of `id`.
    fn expected(&self, id: NodeId, ablations: Ablations) -> Vec<Vec<f64>> {
        let graph = &self.explanation.graph;
        let node = graph.node(id);
        let (x, y, c) = (self.input(id, 0), self.value(id), self.relevance_at(id));
        let shape = graph.shape(node.inputs[0]);
        let weight = |name: &str| self.parameters.of(name);
        match node.op.forward().unwrap() {
            Forward::Convolve { layer, .. } => {
                let role = graph.role(layer);
                let layer = graph.convolution(layer);
                let w = definitions::convolution(layer, &weight(&layer.weight_name()), shape, node.shape);
                match role {
                    Role::First => vec![method::box_rule(&w, x, &c)],
                    Role::Flat => vec![method::relevance_c(&w, x, &c)],
                    Role::Full => vec![self.full(id, &w, &c, ablations).relevance],
                }
            }
            Forward::Linear { layer, .. } => {
                let weight = weight(&graph.linear_layer(layer).weight_name());
                let w = Matrix { rows: y.len(), columns: x.len(), entries: weight };
                let g_x = self.traced(id, Quantity::Gradient(0)).unwrap();
                vec![method::linear_over_map(&w, x, &c, g_x, shape.pixels() as usize)]
            }
            Forward::Clamp(activation) => {
                let ceiling = f64::from(activation.ceiling());
                let passes = |index: usize| if x[index] > 0.0 && x[index] < ceiling { 1.0 } else { 0.0 };
                let jacobian =
                    Matrix::from_fn(x.len(), x.len(), |row, column| if row == column { passes(row) } else { 0.0 });
                vec![method::ratio_rule(&jacobian, x, y, &c)]
            }
            Forward::MaxPool(window) => {
                vec![method::ratio_rule(&definitions::max_pool(&window, x, shape, node.shape), x, y, &c)]
            }
            Forward::AveragePool { .. } => {
                vec![method::ratio_rule(&definitions::average_pool(shape, node.shape), x, y, &c)]
            }
            Forward::Add => method::add(x, self.input(id, 1), &c).to_vec(),
            Forward::BatchNorm(_) => vec![c],
            Forward::Activate(_) => vec![x.iter().zip(&c).map(|(&x, &c)| if x == 0.0 { 0.0 } else { c }).collect()],
            Forward::ParametricRelu(_)
            | Forward::NormalizeResponse(_)
            | Forward::NormalizeChannels { .. }
            | Forward::AverageWindows(_) => {
                panic!("see neighbours.rs")
            }
            Forward::Concat
            | Forward::Slice(_)
            | Forward::Pad { .. }
            | Forward::Shuffle { .. }
            | Forward::Transpose(_) => {
                panic!("see channels.rs")
            }
            Forward::Subtract | Forward::Multiply => panic!("see products.rs"),
            Forward::LogitPair => vec![vec![c.iter().sum()]],
            Forward::Given { .. } | Forward::Against | Forward::Normalize => panic!("see without_class.rs"),
            Forward::Input => Vec::new(),
        }
    }

    /// A full convolution's relevance, after its intermediate values were compared.
    fn full(&self, id: NodeId, w: &Matrix, c: &[f64], ablations: Ablations) -> Full {
        let pixels = self.explanation.graph.shape(self.explanation.graph.node(id).inputs[0]).pixels() as usize;
        let g_x = self.traced(id, Quantity::Gradient(0)).unwrap();
        let full = method::full(w, self.input(id, 0), c, &self.gradient_at(id), g_x, pixels, ablations);
        assert_relative_l2("C", self.traced(id, Quantity::C).unwrap(), &full.c, ROUNDING);
        assert_relative_l2("R", self.traced(id, Quantity::Residual).unwrap(), &full.residual, ROUNDING);
        let terms = [&full.factor_x, &full.factor_dx];
        for (term, found) in terms.into_iter().zip(self.traced(id, Quantity::Factors).unwrap().chunks(pixels)) {
            assert_relative_l2("factor", found, term, ROUNDING);
        }
        full
    }

    /// The shift keeps the sum of `C`.
    fn check_conservation(&self, id: NodeId) -> bool {
        let [Some(c), Some(r)] = [Quantity::C, Quantity::Residual].map(|quantity| self.traced(id, quantity)) else {
            return false;
        };
        let out = self.traced(id, Quantity::Relevance(0)).unwrap();
        let size: f64 = c.iter().chain(r).map(|value| value.abs()).sum();
        let [before, after]: [f64; 2] = [c, out].map(|values| values.iter().sum());
        let name = &self.explanation.graph.node(id).name;
        assert!((before - after).abs() <= 1e-12 * size, "{name}: sum(C) = {before}, sum(out) = {after}");
        true
    }
}

/// What a checked explanation is good for as evidence.
struct Checked {
    /// Layers whose relevance kept its sum by a shift.
    shifts: usize,
    /// Whether any relevance reached the picture: some random networks are dead.
    is_alive: bool,
}

/// Checks all layers of one network.
fn check(network: &Network, ablations: Ablations, random: &mut Random) -> Checked {
    let explanation = explain(network, 1, ablations).unwrap();
    let parameters = random.parameters(&explanation.graph);
    let reference = Reference::new(&explanation.graph, &parameters).unwrap();
    let wanted: Vec<NodeId> = explanation.graph.ids().collect();
    let class = random.uniform(0.0, f64::from(CLASSES)).floor();
    let values = reference.run(&picture(random), &[class], &wanted).unwrap();
    let map = &explanation.maps[0];
    let explained = Explained { explanation: &explanation, map, parameters: &parameters, values };
    explained.check_first_relevance();
    let mut shifts = 0;
    for id in network.graph.ids().filter(|&id| id != network.input && id != network.logits) {
        for (index, expected) in explained.expected(id, ablations).iter().enumerate() {
            let found = explained.traced(id, Quantity::Relevance(index as u32)).unwrap();
            let what = format!("{ablations:?}: relevance of input {index} of '{}'", network.graph.node(id).name);
            let zeros = found.iter().zip(expected).filter(|(found, expected)| (**found == 0.0) != (**expected == 0.0));
            assert_eq!(zeros.count(), 0, "{what}: exact zeros differ");
            assert_relative_l2(&what, found, expected, ROUNDING);
        }
        shifts += usize::from(explained.check_conservation(id));
    }
    let picture_relevance = explained.sent(network.input, Quantity::Relevance)[0];
    let pixels = network.graph.shape(network.input).pixels() as usize;
    let found = explained.value(map.map);
    assert_relative_l2("map", found, &method::map(picture_relevance, pixels), ROUNDING);
    Checked { shifts, is_alive: found.iter().any(|&value| value != 0.0) }
}

#[test]
fn every_rule_of_every_layer() {
    let mut random = Random::new();
    for (pooled, shifts) in [([2, 3], 3), ([4, 3], 3), ([1, 1], 2)] {
        let checked: Vec<Checked> =
            (0..8).map(|_| check(&network(pooled), Ablations::default(), &mut random)).collect();
        assert!(checked.iter().all(|checked| checked.shifts == shifts));
        assert!(checked.iter().any(|checked| checked.is_alive), "every map is empty");
    }
}

#[test]
fn every_ablation() {
    let mut random = Random::new();
    let none = Ablations::default();
    let network = network([2, 3]);
    for ablations in [
        Ablations { no_fx: true, ..none },
        Ablations { no_m: true, ..none },
        Ablations { no_reg: true, ..none },
        Ablations { no_fdx: true, ..none },
        Ablations { no_a: true, ..none },
        Ablations { gradcam: true, ..none },
        Ablations { gradcam: true, no_m: true, no_fx: true, no_reg: true, ..none },
        Ablations { no_fx: true, no_m: true, no_fdx: true, no_a: true, ..none },
    ] {
        let is_alive = (0..8).any(|_| check(&network, ablations, &mut random).is_alive);
        assert!(is_alive, "{ablations:?}: every map is empty");
    }
}

/// What stands beside a masked gradient is the same one without a mask, which may take its place: gradients reach every
/// layer with the full rule, also past the picture that is read again.
#[test]
fn masked_gradients_stand_beside_the_whole_ones() {
    let mut random = Random::new();
    let (mut explained, mut masked) = (0, 0);
    for _ in 0..400 {
        let (network, _) = sized(&random.bytes(160), 24);
        let mut rules = rules(&random.bytes(60));
        rules.rules.insert(0, (Selector::default(), Weighted::Full(Ablations::default()).into()));
        for method in [Method::default(), Method::Rules(rules)] {
            let Ok(explanation) = method.explain(&network, 1) else { continue };
            let graph = &explanation.graph;
            for node in graph.nodes() {
                let Op::Explain(Explain::ConvolveTransposeMasked { layer: of_masked, .. }) = node.op else { continue };
                let whole = graph.node(node.inputs[2]);
                let Op::Backward(Backward::ConvolveTranspose { layer, weight: Part::Full, .. }) = whole.op else {
                    panic!("{}: {:?}", node.name, whole.op)
                };
                assert_eq!((layer, whole.inputs[0]), (of_masked, node.inputs[0]), "{}", node.name);
                masked += 1;
            }
            explained += 1;
        }
    }
    assert!(explained > 200 && masked > 400, "{explained} networks, {masked} gradients");
}
