//! Logits that compare a picture with references or with a neighbour, against finite differences and the definitions.

use super::target::probability;
use crate::common::compare::{Tolerance, assert_close};
use crate::common::random::{Random, Values};
use agf::graph::{Forward, NodeId, Op};
use agf::methods::relevance::Preset;
use agf::methods::{Explanation, Method, Quantity};
use agf::models::{Architecture, Model, Reference, TEMPERATURE};
use agf::reference::Reference as Exact;
use std::collections::HashMap;

const STEP: f64 = 1e-6;
const SIDE: u32 = 20;
const PICTURE: usize = 3 * (SIDE * SIDE) as usize;

fn base() -> Model {
    Model::synthetic(Architecture::TinyVgg).unwrap()
}

fn picture(random: &mut Random) -> Vec<f64> {
    (0..PICTURE).map(|_| random.uniform(-2.0, 2.0)).collect()
}

/// Penultimate vectors in f64, rounded to f32.
fn embedded(model: &Model, picture: &[f64]) -> Vec<f32> {
    exact_logits(&model.embedding().unwrap(), picture, &[]).into_iter().map(|value| value as f32).collect()
}

fn exact_logits(model: &Model, picture: &[f64], neighbour: &[f64]) -> Vec<f64> {
    let network = model.build(SIDE, SIDE).unwrap();
    let exact = Exact::new(&network.graph, &model.weights).unwrap().with_vector(neighbour.to_vec());
    exact.run(picture, &[], &[network.logits]).unwrap().remove(&network.logits).unwrap()
}

/// A network asked for likeness to so many random pictures.
fn likeness(random: &mut Random, count: usize) -> (Model, Vec<Vec<f32>>) {
    let base = base();
    let vectors: Vec<Vec<f32>> = (0..count).map(|_| embedded(&base, &picture(random))).collect();
    let references: Vec<Reference> =
        vectors.iter().map(|vector| Reference::new("r", [vector.as_slice()]).unwrap()).collect();
    (base.like(&references, TEMPERATURE).unwrap(), vectors)
}

fn cosine(a: &[f32], b: &[f32]) -> f64 {
    let product = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(&a, &b)| f64::from(a) * f64::from(b)).sum::<f64>();
    product(a, b) / (product(a, a) * product(b, b)).sqrt()
}

#[test]
fn logits_are_scaled_cosines() {
    let mut random = Random::new();
    for count in [1, 2, 5] {
        let (model, vectors) = likeness(&mut random, count);
        let picture = picture(&mut random);
        let z = embedded(&base(), &picture);
        let mut expected: Vec<f64> = vectors.iter().map(|r| f64::from(TEMPERATURE) * cosine(&z, r)).collect();
        if let [y] = expected[..] {
            expected = vec![y / 2.0, -y / 2.0];
        }
        let tolerance = Tolerance { absolute: 1e-5, relative: 1e-5 };
        assert_close("logits", &exact_logits(&model, &picture, &[]), &expected, tolerance);
    }
}

/// Everything that an explanation of one class computes.
struct Walked {
    model: Model,
    explanation: Explanation,
    picture: Vec<f64>,
    neighbour: Vec<f64>,
    values: HashMap<NodeId, Vec<f64>>,
}

fn walked(model: Model, method: &Method, class: usize, neighbour: Vec<f64>, random: &mut Random) -> Walked {
    let explanation = method.explain(&model.build(SIDE, SIDE).unwrap(), 1).unwrap();
    let picture = picture(random);
    let wanted: Vec<NodeId> = explanation.graph.ids().collect();
    let exact = Exact::new(&explanation.graph, &model.weights).unwrap().with_vector(neighbour.clone());
    let values = exact.run(&picture, &[class as f64], &wanted).unwrap();
    Walked { model, explanation, picture, neighbour, values }
}

impl Walked {
    fn value(&self, name: &str) -> &[f64] {
        let graph = &self.explanation.graph;
        &self.values[&graph.ids().find(|&id| graph.node(id).name == name).unwrap()]
    }

    fn traced(&self, name: &str, quantity: Quantity) -> &[f64] {
        let (graph, map) = (&self.explanation.graph, &self.explanation.maps[0]);
        let is_it = |layer: NodeId| graph.node(layer).name == name;
        let trace = map.trace.iter().find(|trace| is_it(trace.layer) && trace.quantity == quantity).unwrap();
        &self.values[&trace.node]
    }

    /// The logits of a picture where the length of the penultimate vector is that of this one.
    fn logits_with_length(&self, picture: &[f64]) -> Vec<f64> {
        let network = self.model.build(SIDE, SIDE).unwrap();
        let exact = Exact::new(&network.graph, &self.model.weights).unwrap().with_vector(self.neighbour.clone());
        let is_unit = |id: &NodeId| matches!(network.graph.node(*id).op, Op::Forward(Forward::Normalize));
        let Some(unit) = network.graph.ids().find(is_unit) else {
            return exact.run(picture, &[], &[network.logits]).unwrap().remove(&network.logits).unwrap();
        };
        let z = network.graph.node(unit).inputs[0];
        let own = exact.run(&self.picture, &[], &[z]).unwrap().remove(&z).unwrap();
        let length = own.iter().map(|value| value * value).sum::<f64>().sqrt();
        let moved = exact.run(picture, &[], &[z]).unwrap().remove(&z).unwrap();
        let mut values = HashMap::from([(unit, moved.iter().map(|value| value / length).collect::<Vec<f64>>())]);
        for id in network.graph.ids().filter(|&id| id > unit) {
            let inputs: Vec<&[f64]> =
                network.graph.node(id).inputs.iter().map(|input| values[input].as_slice()).collect();
            let value = exact.evaluate(id, &inputs);
            values.insert(id, value);
        }
        values.remove(&network.logits).unwrap()
    }

    /// The slope of a function of the logits along one of the picture's values, the length being held.
    fn slope(&self, element: usize, of: impl Fn(&[f64]) -> f64) -> f64 {
        let [above, below] = [STEP, -STEP].map(|step| {
            let mut picture = self.picture.clone();
            picture[element] += step;
            of(&self.logits_with_length(&picture))
        });
        (above - below) / (2.0 * STEP)
    }

    fn check_gradient(&self, class: usize) {
        let gradient = &self.values[&self.explanation.maps[0].attribution];
        let largest = gradient.iter().fold(0.0_f64, |largest, value| largest.max(value.abs()));
        assert!(largest > 0.0);
        for element in (0..PICTURE).step_by(97) {
            let expected = self.slope(element, |logits| logits[class]);
            let tolerance = Tolerance { absolute: 1e-4 * largest, relative: 1e-4 };
            assert_close("gradient", &gradient[element..=element], &[expected], tolerance);
        }
    }
}

#[test]
fn the_gradient_of_likeness_holds_the_length_of_the_vector() {
    let mut random = Random::new();
    for (count, class) in [(1, 0), (1, 1), (3, 2)] {
        let (model, _) = likeness(&mut random, count);
        walked(model, &Method::Gradient, class, Vec::new(), &mut random).check_gradient(class);
    }
}

#[test]
fn the_gradient_against_a_neighbour_is_the_pictures_own() {
    let mut random = Random::new();
    let base = base();
    let neighbour = exact_logits(&base, &picture(&mut random), &[]);
    let walked = walked(base.against().unwrap(), &Method::Gradient, 4, neighbour.clone(), &mut random);
    walked.check_gradient(4);
    let own = exact_logits(&base, &walked.picture, &[]);
    let expected: Vec<f64> = own.iter().zip(&neighbour).map(|(own, other)| own - other).collect();
    assert_close("logits", walked.value("against"), &expected, Tolerance { absolute: 1e-12, relative: 1e-12 });
}

/// Relevance begins at the unit vector as input times slope of the target's probability, and goes on to the vector
/// itself unchanged.
#[test]
fn relevance_begins_at_the_vector() {
    let mut random = Random::new();
    for (count, class) in [(1, 0), (1, 1), (3, 2)] {
        let (model, vectors) = likeness(&mut random, count);
        let walked = walked(model, &Method::default(), class, Vec::new(), &mut random);
        let unit = walked.value("unit features");
        let logits = |unit: &[f64]| -> Vec<f64> {
            let product = |r: &Vec<f32>| {
                let length = r.iter().map(|&value| f64::from(value).powi(2)).sum::<f64>().sqrt();
                let product: f64 = unit.iter().zip(r).map(|(&u, &r)| u * f64::from(r) / length).sum();
                f64::from(TEMPERATURE) * product
            };
            match vectors.iter().map(product).collect::<Vec<f64>>()[..] {
                [y] => vec![y / 2.0, -y / 2.0],
                ref logits => logits.to_vec(),
            }
        };
        let slope = |element: usize| {
            let [above, below] = [STEP, -STEP].map(|step| {
                let mut moved = unit.to_vec();
                moved[element] += step;
                probability(&logits(&moved), class)
            });
            (above - below) / (2.0 * STEP)
        };
        let expected: Vec<f64> = (0..unit.len()).map(|element| unit[element] * slope(element)).collect();
        let tolerance = Tolerance { absolute: 1e-7, relative: 1e-4 };
        assert_close("first", walked.traced("references", Quantity::Relevance(0)), &expected, tolerance);
        let first = walked.traced("references", Quantity::Relevance(0)).to_vec();
        assert_eq!(walked.traced("unit features", Quantity::Relevance(0)), first);
    }
}

/// A method that begins at a logit begins at the difference, which goes to the network's own logit whole.
#[test]
fn relevance_of_a_difference_is_that_of_the_logit() {
    let mut random = Random::new();
    let base = base();
    let neighbour = exact_logits(&base, &picture(&mut random), &[]);
    let walked = walked(base.against().unwrap(), &Method::Relevance(Preset::Lrp), 7, neighbour, &mut random);
    let mut expected = vec![0.0; 10];
    expected[7] = walked.value("against")[7];
    assert_eq!(walked.traced("against", Quantity::Relevance(0)), expected);
}

/// Biases, the neighbour's logit and input times gradient add up to the difference.
#[test]
fn full_gradients_are_complete_against_a_neighbour() {
    let mut random = Random::new();
    let base = base();
    let neighbour = exact_logits(&base, &picture(&mut random), &[]);
    let (likeness, _) = likeness(&mut random, 3);
    for (model, neighbour) in [(base.against().unwrap(), neighbour), (likeness, Vec::new())] {
        let walked = walked(model, &Method::FullGrad, 2, neighbour, &mut random);
        let parts = &walked.explanation.maps[0].completeness;
        let sum: f64 = parts.iter().map(|part| walked.values[part][0]).sum();
        let logit = walked.values[&walked.explanation.logits][2];
        assert!((sum - logit).abs() <= 1e-9 * logit.abs().max(1.0), "{sum} instead of {logit}");
    }
}

#[test]
fn a_vector_of_the_wrong_length_is_an_error() {
    let network = base().against().unwrap().build(SIDE, SIDE).unwrap();
    let values = Values::none();
    let weights = base().weights;
    assert!(Exact::new(&network.graph, &values).is_err());
    let exact = Exact::new(&network.graph, &weights).unwrap().with_vector(vec![0.0; 3]);
    let error = exact.run(&[0.0; PICTURE], &[], &[network.logits]).unwrap_err().to_string();
    assert!(error.contains("3 values instead of 10"), "{error}");
}
