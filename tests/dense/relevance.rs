//! LRP's rules, RAP and user-composed rules against their definition by contributions: dense matrices over every pair
//! of input and output, batch normalisations folded; and that each rule conserves what it promises to conserve.

use super::definitions;
use super::matrix::Matrix;
use super::method;
use super::network::{CLASSES, network, picture};
use super::relevance_rules as dense;
use crate::common::compare::assert_relative_l2;
use crate::common::random::{Random, Values};
use agf::graph::{Explain, Forward, LogitRelevance, Network, NodeId, Op};
use agf::methods::relevance::{AddRule, Preset, RuleList};
use agf::methods::{ClassMap, Explanation, Quantity};
use agf::reference::Reference;
use std::collections::HashMap;

const ROUNDING: f64 = 1e-8;

struct Explained<'a> {
    network: &'a Network,
    explanation: &'a Explanation,
    map: &'a ClassMap,
    parameters: &'a Values,
    values: HashMap<NodeId, Vec<f64>>,
}

impl Explained<'_> {
    fn value(&self, id: NodeId) -> &[f64] {
        &self.values[&id]
    }

    fn traced(&self, layer: NodeId, quantity: Quantity) -> Option<&[f64]> {
        let found = self.map.trace.iter().find(|trace| trace.layer == layer && trace.quantity == quantity);
        found.map(|trace| self.value(trace.node))
    }

    /// Relevance at the output of `id`: the start at the logits, else what all readers sent back.
    fn relevance_at(&self, id: NodeId) -> Vec<f64> {
        if id == self.network.logits {
            let graph = &self.explanation.graph;
            let is_start = |id: &NodeId| graph.node(*id).op == Explain::LogitRelevance(LogitRelevance::Target).into();
            return self.value(graph.ids().find(is_start).unwrap()).to_vec();
        }
        if let Some(found) = self.traced(id, Quantity::FanOutRelevance) {
            return found.to_vec();
        }
        let graph = &self.network.graph;
        let reader = graph.ids().find(|&reader| graph.node(reader).inputs.contains(&id)).unwrap();
        let index = graph.node(reader).inputs.iter().position(|&input| input == id).unwrap();
        self.traced(reader, Quantity::Relevance(index as u32)).unwrap().to_vec()
    }

    /// The matrix of a layer; `folded` multiplies its rows by the factors of the batch normalisation behind it.
    fn matrix(&self, id: NodeId, folded: bool) -> Matrix {
        let graph = &self.network.graph;
        let node = graph.node(id);
        let shape = graph.shape(node.inputs[0]);
        match node.op {
            Op::Forward(Forward::Convolve { layer, .. }) => {
                let layer = graph.convolution(layer);
                let weight = self.parameters.of(&layer.weight_name());
                let matrix = definitions::convolution(layer, &weight, shape, node.shape);
                if !folded {
                    return matrix;
                }
                let factors = self.factors(id);
                let pixels = node.shape.pixels() as usize;
                Matrix::from_fn(matrix.rows, matrix.columns, |row, column| {
                    factors.get(row / pixels).unwrap_or(&1.0) * matrix.at(row, column)
                })
            }
            Op::Forward(Forward::Linear { layer, .. }) => {
                let weight = self.parameters.of(&graph.linear_layer(layer).weight_name());
                Matrix { rows: node.shape.channels as usize, columns: shape.elements() as usize, entries: weight }
            }
            op => panic!("{op:?} has no matrix"),
        }
    }

    /// Factors per channel of the batch normalisation that reads `id`; empty without one.
    fn factors(&self, id: NodeId) -> Vec<f64> {
        let graph = &self.network.graph;
        let reader = graph.ids().find(|&reader| graph.node(reader).inputs.first() == Some(&id)).unwrap();
        let Op::Forward(Forward::BatchNorm(layer)) = graph.node(reader).op else { return Vec::new() };
        let layer = graph.batch_norm_layer(layer);
        let of = |what: &str| self.parameters.of(&format!("{}.{what}", layer.name));
        let factor = |(weight, variance): (&f64, &f64)| weight / (variance + layer.epsilon).sqrt();
        of("weight").iter().zip(&of("running_var")).map(factor).collect()
    }

    /// What a pool, sum, activation or batch normalisation sends to its inputs.
    fn unweighted(&self, id: NodeId, c: &[f64], magnitude: bool) -> Vec<Vec<f64>> {
        let graph = &self.network.graph;
        let node = graph.node(id);
        let (x, y, shape) = (self.value(node.inputs[0]), self.value(id), graph.shape(node.inputs[0]));
        let op = node.op.forward().unwrap();
        match op {
            Forward::MaxPool(window) => {
                vec![method::ratio_rule(&definitions::max_pool(&window, x, shape, node.shape), x, y, c)]
            }
            Forward::AveragePool { .. } => {
                vec![method::ratio_rule(&definitions::average_pool(shape, node.shape), x, y, c)]
            }
            Forward::Add if magnitude => dense::magnitude(x, self.value(node.inputs[1]), c).to_vec(),
            Forward::Add => method::add(x, self.value(node.inputs[1]), c).to_vec(),
            Forward::Clamp(_) | Forward::Activate(_) | Forward::BatchNorm(_) => vec![c.to_vec()],
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
            Forward::Input | Forward::Convolve { .. } | Forward::Linear { .. } => panic!("{op:?} is not one of them"),
        }
    }
}

/// How layers with weights are derived.
enum Derivation<'a> {
    /// Every output's relevance in proportion to a row of this matrix: conserved but where a row sums to 0.
    Shares(&'a dyn Fn(&Layer) -> Matrix),
    /// Otherwise.
    Relevance(&'a dyn Fn(&Layer) -> Vec<f64>),
}

struct Case<'a> {
    list: RuleList,
    derivation: Derivation<'a>,
    magnitude: bool,
}

impl<'a> Case<'a> {
    fn new(list: RuleList, derivation: Derivation<'a>) -> Self {
        Self { list, derivation, magnitude: false }
    }
}

/// A layer with weights: `w` with its batch normalisation folded in, `own` as they are. A factor of an output's weights
/// cancels in some rules up to the 1e-9 in `div`; they take `own`.
struct Layer<'a> {
    own: Matrix,
    w: Matrix,
    ones: Matrix,
    x: &'a [f64],
    c: &'a [f64],
    is_linear: bool,
    is_pointwise: bool,
}

/// Checks every layer of one random network; gives whether any relevance reached the picture.
fn check(network: &Network, case: &Case, random: &mut Random) -> bool {
    let explanation = case.list.explain(network, 1).unwrap();
    let parameters = random.parameters(&explanation.graph);
    let reference = Reference::new(&explanation.graph, &parameters).unwrap();
    let wanted: Vec<NodeId> = explanation.graph.ids().collect();
    let class = random.uniform(0.0, f64::from(CLASSES)).floor();
    let values = reference.run(&picture(random), &[class], &wanted).unwrap();
    let map = &explanation.maps[0];
    let explained = Explained { network, explanation: &explanation, map, parameters: &parameters, values };
    for id in network.graph.ids().filter(|&id| id != network.input) {
        let node = network.graph.node(id);
        let (x, c) = (explained.value(node.inputs[0]), explained.relevance_at(id));
        let expected = match node.op {
            Op::Forward(Forward::Convolve { .. }) if node.inputs[0] == network.input => {
                vec![method::box_rule(&explained.matrix(id, false), x, &c)]
            }
            Op::Forward(op) if op.has_weights() => {
                let w = explained.matrix(id, true);
                let ones = connections(network, id, &w);
                let is_linear = matches!(op, Forward::Linear { .. });
                let is_pointwise = matches!(op, Forward::Convolve { layer, .. }
                    if network.graph.convolution(layer).window.taps() == 1);
                let layer = Layer { own: explained.matrix(id, false), w, ones, x, c: &c, is_linear, is_pointwise };
                vec![match case.derivation {
                    Derivation::Relevance(derive) => derive(&layer),
                    Derivation::Shares(shares) => {
                        let shares = shares(&layer);
                        let found = explained.traced(id, Quantity::Relevance(0)).unwrap();
                        dense::assert_conserved(&node.name, &dense::given(&shares, &c), found);
                        dense::shared(&shares, &c)
                    }
                }]
            }
            _ => explained.unweighted(id, &c, case.magnitude),
        };
        for (index, expected) in (0..).zip(&expected) {
            let found = explained.traced(id, Quantity::Relevance(index)).unwrap();
            assert_relative_l2(&format!("{}: relevance of '{}'", case.list, node.name), found, expected, ROUNDING);
        }
    }
    explained.value(map.map).iter().any(|&value| value != 0.0)
}

/// Ones where an input and an output are connected.
fn connections(network: &Network, id: NodeId, w: &Matrix) -> Matrix {
    let graph = &network.graph;
    let node = graph.node(id);
    let Op::Forward(Forward::Convolve { layer, .. }) = node.op else { return w.map(|_| 1.0) };
    let layer = graph.convolution(layer);
    let ones = vec![1.0; layer.weight_shape().iter().product::<u32>() as usize];
    definitions::convolution(layer, &ones, graph.shape(node.inputs[0]), node.shape)
}

fn check_all(case: &Case) {
    let mut random = Random::new();
    for pooled in [[2, 3], [1, 1]] {
        let network = network(pooled);
        let is_alive = (0..8).filter(|_| check(&network, case, &mut random)).count() > 0;
        assert!(is_alive, "{}: every map is empty", case.list);
    }
}

/// The rules of a preset with another one for all layers with weights but the first.
fn with_rule(rule: &str) -> RuleList {
    let text = Preset::Lrp.text().replace("apply = \"alpha-beta\"\nalpha = 1.0", rule);
    assert!(text.contains(rule));
    RuleList::parse("test", &text).unwrap()
}

#[test]
fn alpha_beta() {
    let one = |layer: &Layer| {
        let relevance = dense::alpha_beta(&layer.w, layer.x, layer.c, 1.0);
        if layer.x.iter().all(|&x| x >= 0.0) {
            let shares = dense::contributions(&layer.w, layer.x).map(|a| a.max(0.0));
            dense::assert_conserved("alpha 1", &dense::given(&shares, layer.c), &relevance);
        }
        relevance
    };
    check_all(&Case::new(Preset::Lrp.rules().unwrap(), Derivation::Relevance(&one)));
    let two = |layer: &Layer| dense::alpha_beta(&layer.w, layer.x, layer.c, 2.0);
    check_all(&Case::new(Preset::LrpAb.rules().unwrap(), Derivation::Relevance(&two)));
    let between = |layer: &Layer| dense::alpha_beta(&layer.w, layer.x, layer.c, 1.5);
    check_all(&Case::new(with_rule("apply = \"alpha-beta\"\nalpha = 1.5"), Derivation::Relevance(&between)));
}

#[test]
fn relative_attributing_propagation() {
    let derive = |layer: &Layer| {
        if layer.is_pointwise {
            return method::relevance_c(&layer.own, layer.x, layer.c);
        }
        let relevance = dense::rap(&layer.w, layer.x, layer.c, layer.is_linear);
        if layer.x.iter().all(|&x| x >= 0.0) && relevance.iter().any(|&value| value != 0.0) {
            dense::assert_conserved("RAP", layer.c, &relevance);
        }
        relevance
    };
    check_all(&Case::new(Preset::Rap.rules().unwrap(), Derivation::Relevance(&derive)));
}

#[test]
fn rules_by_contributions() {
    type Share = fn(f64) -> f64;
    let cases: [(&str, Share); 2] =
        [("apply = \"z-plus\"", |a| a.max(0.0)), ("apply = \"gamma\"\ngamma = 0.25", |a| a + 0.25 * a.max(0.0))];
    for (rule, share) in cases {
        let shares = |layer: &Layer| dense::contributions(&layer.w, layer.x).map(share);
        check_all(&Case::new(with_rule(rule), Derivation::Shares(&shares)));
    }
    let absolute = |layer: &Layer| dense::contributions(&layer.own, layer.x).map(f64::abs);
    check_all(&Case::new(with_rule("apply = \"absolute\""), Derivation::Shares(&absolute)));
}

#[test]
fn epsilon() {
    let derive = |layer: &Layer| dense::epsilon(&dense::contributions(&layer.w, layer.x), layer.c, f64::from(0.01_f32));
    check_all(&Case::new(with_rule("apply = \"epsilon\"\nepsilon = 0.01"), Derivation::Relevance(&derive)));
}

#[test]
fn rules_by_weights_alone() {
    let ones = |layer: &Layer| layer.ones.clone();
    check_all(&Case::new(with_rule("apply = \"flat\""), Derivation::Shares(&ones)));
    let squares = |layer: &Layer| layer.own.map(|w| w * w);
    check_all(&Case::new(with_rule("apply = \"w-square\""), Derivation::Shares(&squares)));
}

#[test]
fn sums_by_magnitude() {
    let derive = |layer: &Layer| dense::alpha_beta(&layer.w, layer.x, layer.c, 1.0);
    let list = Preset::Lrp.rules().unwrap().with_add_rule(AddRule::Magnitude);
    check_all(&Case { magnitude: true, ..Case::new(list, Derivation::Relevance(&derive)) });
}

/// The starts at the logits, and the contrast of two walks.
#[test]
fn contrasts() {
    let mut random = Random::new();
    let network = network([2, 3]);
    for preset in [Preset::Clrp, Preset::Sglrp] {
        let mut alive = 0;
        for _ in 0..8 {
            let explanation = preset.rules().unwrap().explain(&network, 1).unwrap();
            let parameters = random.parameters(&explanation.graph);
            let reference = Reference::new(&explanation.graph, &parameters).unwrap();
            let wanted: Vec<NodeId> = explanation.graph.ids().collect();
            let class = random.uniform(0.0, f64::from(CLASSES)).floor();
            let values = reference.run(&picture(&mut random), &[class], &wanted).unwrap();
            let starts = dense::starts(&values[&network.logits], class as usize, preset == Preset::Sglrp);
            for id in explanation.graph.ids() {
                let Op::Explain(Explain::LogitRelevance(kind)) = explanation.graph.node(id).op else { continue };
                let is_other = matches!(kind, LogitRelevance::Others | LogitRelevance::SoftmaxOthers);
                assert_relative_l2("start", &values[&id], &starts[usize::from(is_other)], 1e-12);
            }
            let total: f64 = values[&explanation.maps[0].map].iter().sum();
            let size: f64 = values[&explanation.maps[0].map].iter().map(|value| value.abs()).sum();
            // Scaled to equal sums, the two walks cancel as a whole; where one of them has no sum, nothing can be
            // scaled.
            alive += usize::from(size > 0.0 && total.abs() <= 1e-9 * size);
        }
        assert!(alive > 0, "{preset:?}");
    }
}
