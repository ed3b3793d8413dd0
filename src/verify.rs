//! The GPU against the f64 reference, node by node: every value that the plan stores is compared with what the
//! reference computes from the GPU's own earlier values, so that an error shows at the node that makes it. Every value
//! has a place of its own, filled with a pattern before the run: elements that no step writes, and steps that write
//! elsewhere, are found too. In the end the network runs as it does for users, with values that share memory, and must
//! give the same bits.

#![deny(clippy::wildcard_enum_match_arm)]

mod accuracy;
mod distance;
mod run;

use crate::Batch;
use crate::error::Error;
use crate::gpu::{Gpu, WeightStore};
use crate::graph::{Backward, Explain, Forward, Graph, NodeId, Op, Reduction, Shape};
use crate::methods::Method;
use crate::models::Model;
use crate::plan::variant::{Algorithm, WinogradTile};
use crate::plan::{Plan, Sharing, ValueId, layout};
use crate::reference::Reference;
use crate::wiring::{Wanted, Wiring};
use accuracy::Accuracy;
use distance::{distance, norm};
use run::Runner;
use std::collections::HashMap;

/// A quiet NaN that no arithmetic gives.
const PATTERN: u32 = 0x7fc5_a5a5;

/// What was found.
#[derive(Clone, Debug, PartialEq)]
pub struct Verification {
    /// Every stored node, in the order of the graph.
    pub checked: Vec<NodeCheck>,
    /// Position in `checked` of the first node out of tolerance.
    pub first_failure: Option<usize>,
    /// Words outside of all values that a step has changed.
    pub stray_words: usize,
    /// Relative L2 distance of the map to that of a run in f64 alone, the largest of all pictures. Near-zero
    /// denominators let it grow far beyond the errors of single nodes, most of all in residual networks.
    pub map_error: f64,
    /// How far the map moves in f64 where every value that is computed on the way changes by what f32 rounds, looked
    /// at where `map_error` is above [`NOTABLE_MAP_ERROR`]. A value of that size says that rounding alone decides
    /// on the map: by a near-tie of a pooling, or a relevance that is smaller than the last digit of what a rule
    /// adds to it and takes off again.
    pub map_sensitivity: Option<f64>,
    /// Results whose bits are others when values share memory, which is how networks run outside of verification.
    pub changed_by_sharing: Vec<String>,
}

/// From this relative error of a map on it is looked at how much rounding can do to the map.
pub const NOTABLE_MAP_ERROR: f64 = 1e-3;

impl Verification {
    /// Whether every node is within tolerance, nothing was written elsewhere, and sharing memory changes nothing.
    pub fn passed(&self) -> bool {
        self.first_failure.is_none() && self.stray_words == 0 && self.changed_by_sharing.is_empty()
    }
}

/// One node's comparison.
#[derive(Clone, Debug, PartialEq)]
pub struct NodeCheck {
    /// Node name.
    pub name: String,
    /// Operation.
    pub op: &'static str,
    /// Shape of one sample.
    pub shape: Shape,
    /// L2 distance over the L2 norm of the value, or of the sum of absolute terms where the value is a sum that may
    /// cancel; the largest of all pictures.
    pub relative_error: f64,
    /// Largest distance that passes.
    pub tolerance: f64,
    /// Where the largest difference is, with both values; or what was not written.
    pub detail: String,
}

impl NodeCheck {
    /// Whether it is within tolerance; NaN is not.
    pub fn passed(&self) -> bool {
        self.relative_error <= self.tolerance
    }
}

/// The same of products in a plan with F(4x4, 3x3), which must be asked for: usually 2e-6, but a random picture came to
/// 1.3e-5.
const LARGE_TILES: f64 = 5e-5;

/// Verifies an explanation of each picture's best class.
///
/// # Errors
/// [`Error`] where the pictures do not fit the network or the device, or the GPU fails.
pub async fn verify(gpu: &Gpu, model: &Model, method: &Method, batch: &Batch) -> Result<Verification, Error> {
    verify_edited(gpu, model, method, batch, |_, _| {}).await
}

/// As [`verify`], with plans that `edit` may change before they run, first the one whose values have a place each, then
/// the one whose values share memory: to see that planted faults are found.
///
/// # Errors
/// As [`verify`].
pub async fn verify_edited(
    gpu: &Gpu,
    model: &Model,
    method: &Method,
    batch: &Batch,
    mut edit: impl FnMut(Sharing, &mut Plan),
) -> Result<Verification, Error> {
    let network = model.build(batch.height, batch.width)?;
    batch.check(network.graph.shape(network.input).channels)?;
    batch.check_neighbours(network.graph.given().map_or(0, |given| network.graph.shape(given).channels))?;
    let wiring = Wiring::new(&network, method, Wanted { slots: 1, audit: true })?;
    let mut runner = Runner { gpu, model, wiring: &wiring, batch, store: WeightStore::default() };
    let separate = runner.run(Sharing::Separate, &mut edit).await?;
    let outputs = separate.outputs;
    let shared = runner.run(Sharing::Shared, &mut edit).await?.outputs;

    let (graph, plan) = (&wiring.graph, &separate.plan);
    let memory = Memory { graph, plan, buffers: &separate.buffers };
    let reference = Reference::new(graph, &model.weights)?;
    let is_computed = |id: NodeId| !graph.node(id).op.is_given() && plan.value_of.contains_key(&id);
    let checked: Vec<NodeCheck> =
        graph.ids().filter(|&id| is_computed(id)).map(|id| memory.check(&reference, id)).collect();
    let first_failure = checked.iter().position(|check| !check.passed());
    let stray_words = memory.stray_words();
    let map = wiring.slots.first().map_or(wiring.logits, |slot| slot.map);
    let (map_error, map_sensitivity) = run::map_error(&memory, reference, map, batch)?;
    let changed = wiring.outputs().into_iter().zip(outputs.iter().zip(&shared)).filter(|(_, (a, b))| a != b);
    let changed_by_sharing = changed.map(|(id, _)| graph.node(id).name.clone()).collect();
    Ok(Verification { checked, first_failure, stray_words, map_error, map_sensitivity, changed_by_sharing })
}

/// One evaluation by the reference: which picture, and whether all inputs are taken without their signs.
#[derive(Clone, Copy)]
struct Run<'a> {
    reference: &'a Reference<'a>,
    sample: usize,
    absolute: bool,
}

/// The GPU's memory after the run.
struct Memory<'a> {
    graph: &'a Graph,
    plan: &'a Plan,
    buffers: &'a [Vec<u32>],
}

impl Memory<'_> {
    fn words(&self, ValueId(value): ValueId) -> &[u32] {
        let place = self.plan.places[value];
        let start = place.offset as usize / 4;
        &self.buffers[place.buffer][start..start + self.plan.values[value].bytes as usize / 4]
    }

    /// A stored node's value of one sample, (channels, height, width).
    fn sample(&self, id: NodeId, sample: usize) -> Vec<f64> {
        let Some(&value) = self.plan.value_of.get(&id) else { return Vec::new() };
        let shape = self.graph.shape(id);
        let words = self.words(value);
        let length = words.len() / self.plan.batch as usize;
        let words = &words[sample * length..][..length];
        let words = if self.graph.node(id).op.is_map() { words.to_vec() } else { layout::unpack(words, shape) };
        words.into_iter().map(|word| f64::from(f32::from_bits(word))).collect()
    }

    fn check(&self, reference: &Reference, id: NodeId) -> NodeCheck {
        let node = self.graph.node(id);
        let mut check = NodeCheck {
            name: node.name.clone(),
            op: node.op.name(),
            shape: node.shape,
            relative_error: 0.0,
            tolerance: self.tolerance(id),
            detail: String::new(),
        };
        for sample in 0..self.plan.batch as usize {
            let actual = self.sample(id, sample);
            let run = Run { reference, sample, absolute: false };
            let expected = self.expected(&run, id, &mut HashMap::new());
            let mut scale = norm(&expected);
            if self.follows_terms(id) {
                let terms = self.expected(&Run { absolute: true, ..run }, id, &mut HashMap::new());
                scale = scale.max(norm(&terms));
            }
            let error = distance(&actual, &expected, scale);
            if error.is_nan() || error > check.relative_error || check.detail.is_empty() {
                check.relative_error = error;
                check.detail = describe(&actual, &expected, node.shape, sample);
            }
        }
        let unwritten = self.plan.value_of.get(&id).map_or(0, |&value| unwritten(self.words(value)));
        if unwritten > 0 {
            check.relative_error = f64::INFINITY;
            check.detail = format!("{unwritten} words were never written");
        } else if let Some(beside) = self.beside(id) {
            check.relative_error = f64::INFINITY;
            check.detail = format!("{beside:e} lies beside the last channel, where zeros belong");
        }
        check
    }

    /// What is not zero beside the last channel of a stored node's value.
    fn beside(&self, id: NodeId) -> Option<f32> {
        let node = self.graph.node(id);
        // Positions are looked up channel by channel, and of a scalar the first lane alone.
        let is_read_by_channel =
            matches!(node.op, Op::Backward(Backward::MaxPoolIndex(_))) || node.shape == Shape::SCALAR;
        if node.op.is_map() || is_read_by_channel {
            return None;
        }
        let words = self.words(*self.plan.value_of.get(&id)?);
        layout::padding(words, node.shape).into_iter().map(f32::from_bits).find(|value| *value != 0.0)
    }

    /// A group's output inherits the loosest tolerance of what was fused into it.
    fn tolerance(&self, id: NodeId) -> f64 {
        let node = self.graph.node(id);
        let own =
            if node.op.is_heavy() && self.has_large_tiles() { LARGE_TILES } else { Accuracy::of(&node.op).tolerance };
        self.fused_inputs(id).map(|input| self.tolerance(input)).fold(own, f64::max)
    }

    /// The inputs whose values are not stored.
    fn fused_inputs(&self, id: NodeId) -> impl Iterator<Item = NodeId> {
        let inputs = self.graph.node(id).inputs.iter().copied();
        inputs.filter(|input| !self.plan.value_of.contains_key(input))
    }

    fn has_large_tiles(&self) -> bool {
        let large = Algorithm::Winograd(WinogradTile::Four);
        self.plan.dense.iter().any(|pass| pass.variant.algorithm == large)
    }

    /// Whether the value's error follows terms of both signs instead of their sum: it adds them up, or is linear in
    /// what does. What it adds may be computed with it, if its error follows terms as well, those of a quotient
    /// being itself.
    fn follows_terms(&self, id: NodeId) -> bool {
        let node = self.graph.node(id);
        let accuracy = Accuracy::of(&node.op);
        if accuracy.is_linear {
            let is_share = |input| Some(&input) == node.inputs.first() && self.follows_terms(input);
            return self.fused_inputs(id).all(|input| is_share(input) || self.is_rounded_once(input));
        }
        // An activation adds nothing itself, but lets through what a sum before it, fused with it, is off by.
        let is_activation = matches!(node.op, Op::Forward(Forward::Clamp(_)));
        let adds = accuracy.is_sum || (is_activation && self.fused_inputs(id).next().is_some());
        adds && self.fused_inputs(id).all(|input| self.follows_terms(input) || self.is_extreme(input))
    }

    /// Whether the value is a sum of two stored ones, which is as exact as they are.
    fn is_rounded_once(&self, id: NodeId) -> bool {
        self.graph.node(id).op == Forward::Add.into() && self.fused_inputs(id).next().is_none()
    }

    /// Whether the value is the largest or smallest one of another, which every reader finds by itself where it is not
    /// stored.
    fn is_extreme(&self, id: NodeId) -> bool {
        let op = self.graph.node(id).op;
        [Reduction::Maximum, Reduction::Minimum].into_iter().any(|reduction| op == reduction.into())
            || op == Explain::SaliencyMaximum.into()
    }

    /// What the reference makes of the GPU's values of the node's inputs; inputs that were fused away are computed
    /// likewise.
    fn expected(&self, run: &Run, id: NodeId, fused: &mut HashMap<NodeId, Vec<f64>>) -> Vec<f64> {
        let inputs = self.graph.node(id).inputs.clone();
        let accuracy = Accuracy::of(&self.graph.node(id).op);
        let mut values: Vec<Vec<f64>> = Vec::with_capacity(inputs.len());
        for input in inputs {
            let keeps_sign = self.is_extreme(input) || (accuracy.is_linear && !values.is_empty());
            let mut value = match self.plan.value_of.contains_key(&input) {
                true => self.sample(input, run.sample),
                false => match fused.get(&input) {
                    Some(known) => known.clone(),
                    None if keeps_sign => self.expected(&Run { absolute: false, ..*run }, input, &mut HashMap::new()),
                    None => self.expected(run, input, fused),
                },
            };
            if run.absolute {
                let sign = if accuracy.subtracted.contains(&values.len()) { -1.0 } else { 1.0 };
                value.iter_mut().for_each(|value| *value = sign * value.abs());
            }
            values.push(value);
        }
        let slices: Vec<&[f64]> = values.iter().map(Vec::as_slice).collect();
        let value = match run.absolute {
            true => self.terms(run, id, &slices),
            false => run.reference.evaluate(id, &slices),
        };
        fused.insert(id, value.clone());
        value
    }

    /// The size of what a node adds up, from the sizes of its inputs: an activation passes on what it clamps, a batch
    /// normalisation scales and shifts, without signs; other sums add all terms up.
    fn terms(&self, run: &Run, id: NodeId, inputs: &[&[f64]]) -> Vec<f64> {
        let (node, reference) = (self.graph.node(id), run.reference);
        match (&node.op, inputs) {
            (Op::Forward(Forward::Clamp(_)), [x]) => x.to_vec(),
            // Several outputs do not all cancel; a single one may.
            (&Op::Forward(Forward::Linear { layer, bias }), [x]) if node.shape == Shape::SCALAR => {
                reference.linear_terms(layer, bias, x)
            }
            (Op::Forward(Forward::BatchNorm(_)), [x]) => {
                let shift = reference.evaluate(id, &[&vec![0.0; x.len()]]);
                let shifted = reference.evaluate(id, inputs);
                shifted.iter().zip(shift).map(|(y, shift)| (y - shift).abs() + shift.abs()).collect()
            }
            (Op::Forward(Forward::NormalizeChannels { epsilon }), _) => {
                accuracy::normalized_terms(&self.signed(run, node.inputs[0]), node.shape, epsilon.value().into())
            }
            (Op::Backward(Backward::NormalizeChannelsGradient { epsilon }), [g, _]) => {
                let x = self.signed(run, node.inputs[1]);
                accuracy::normalization_terms(g, &x, node.shape, epsilon.value().into())
            }
            (Op::Explain(Explain::BoxRatio), [c, ..]) => {
                let inputs: Vec<Vec<f64>> = node.inputs[1..].iter().map(|&input| self.signed(run, input)).collect();
                accuracy::box_ratio_terms(c, &inputs)
            }
            (Op::Explain(Explain::FactorMaps), _) => {
                let inputs: Vec<Vec<f64>> = node.inputs.iter().map(|&input| self.signed(run, input)).collect();
                reference.factor_terms(&inputs, self.graph.shape(node.inputs[0]))
            }
            _ => reference.evaluate(id, inputs),
        }
    }

    /// An input's value with its signs, whatever the run.
    fn signed(&self, run: &Run, input: NodeId) -> Vec<f64> {
        match self.plan.value_of.contains_key(&input) {
            true => self.sample(input, run.sample),
            false => self.expected(&Run { absolute: false, ..*run }, input, &mut HashMap::new()),
        }
    }

    /// Changed words outside of all values.
    fn stray_words(&self) -> usize {
        let mut free: Vec<Vec<bool>> = self.buffers.iter().map(|words| vec![true; words.len()]).collect();
        for (value, place) in self.plan.values.iter().zip(&self.plan.places) {
            let start = place.offset as usize / 4;
            free[place.buffer][start..start + value.bytes as usize / 4].fill(false);
        }
        let changed = |(words, free): (&Vec<u32>, &Vec<bool>)| {
            words.iter().zip(free).filter(|(word, free)| **free && **word != PATTERN).count()
        };
        self.buffers.iter().zip(&free).map(changed).sum()
    }
}

fn unwritten(words: &[u32]) -> usize {
    words.iter().filter(|&&word| word == PATTERN).count()
}

/// The largest difference: channel, row and column, and both values.
fn describe(actual: &[f64], expected: &[f64], shape: Shape, sample: usize) -> String {
    let differences = actual.iter().zip(expected).map(|(a, b)| (a - b).abs()).enumerate();
    let rank = |value: f64| if value.is_nan() { f64::INFINITY } else { value };
    let Some((index, _)) = differences.max_by(|(_, a), (_, b)| rank(*a).total_cmp(&rank(*b))) else {
        return "no values".into();
    };
    let (pixels, width) = (shape.pixels() as usize, shape.width as usize);
    let (channel, row, column) = (index / pixels, index % pixels / width, index % width.max(1));
    let (found, wanted) = (actual[index], expected[index]);
    format!("picture {sample}, channel {channel}, row {row}, column {column}: {found:e} instead of {wanted:e}")
}
