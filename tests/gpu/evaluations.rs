//! Scores of whole evaluations against the same done picture by picture on the CPU, with the network asked through the
//! explainer.

use crate::{gpu, limited_gpu, random_batch};
use agf::evaluation::{Evaluation, Evaluator, Options, Sample, Scores};
use agf::gpu::Gpu;
use agf::methods::Method;
use agf::models::{Architecture, Model};
use agf::{Batch, Error, Explainer, Target};
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

const HEIGHT: u32 = 37;
const WIDTH: u32 = 40;
const PIXELS: usize = (HEIGHT * WIDTH) as usize;

fn samples() -> Vec<Sample> {
    let batch = random_batch(3, HEIGHT, WIDTH);
    let sample = |(index, tensor): (usize, &[f32])| {
        let classes = if index == 2 { Vec::new() } else { vec![3 + index as u32] };
        Sample { tensor: tensor.to_vec(), classes, mask: None, references: Vec::new() }
    };
    batch.data.chunks(3 * PIXELS).enumerate().map(sample).collect()
}

fn batch_of(tensor: &[f32]) -> Batch {
    Batch::new(1, HEIGHT, WIDTH, tensor.to_vec())
}

fn logits(explainer: &mut Explainer, tensor: &[f32]) -> Vec<f32> {
    pollster::block_on(explainer.predict(&batch_of(tensor))).unwrap().0.remove(0)
}

fn best(logits: &[f32]) -> u32 {
    (0..logits.len()).rev().max_by(|&a, &b| logits[a].total_cmp(&logits[b])).unwrap() as u32
}

/// Pixels in the order of their values; equal ones by index both ways.
fn order(explainer: &mut Explainer, tensor: &[f32], class: u32, highest_first: bool) -> Vec<usize> {
    let explained = pollster::block_on(explainer.explain(&batch_of(tensor), &[vec![Target::Class(class)]])).unwrap().0;
    let map = &explained[0].maps[0].values;
    let mut order: Vec<usize> = (0..PIXELS).collect();
    let key = |pixel: usize| map[pixel] + 0.0;
    order.sort_by(|&a, &b| if highest_first { key(b).total_cmp(&key(a)) } else { key(a).total_cmp(&key(b)) });
    order
}

fn replaced(tensor: &[f32], pixels: &[usize], color: [f32; 3]) -> Vec<f32> {
    let mut tensor = tensor.to_vec();
    for &pixel in pixels {
        (0..3).for_each(|channel| tensor[channel * PIXELS + pixel] = color[channel]);
    }
    tensor
}

fn evaluate(gpu: &Gpu, model: &Model, evaluation: Evaluation, method: &Method, samples: &[Sample]) -> Vec<Scores> {
    let options = Options { steps: 4, ..Options::default() };
    let evaluator = Evaluator::new(gpu, model, evaluation, options, [HEIGHT, WIDTH], 3);
    let mut evaluator = pollster::block_on(evaluator).unwrap();
    let results = pollster::block_on(evaluator.evaluate(samples, std::slice::from_ref(method))).unwrap();
    results.into_iter().map(|mut result| result.remove(method.name()).unwrap()).collect()
}

fn expected_perturbation(explainer: &mut Explainer, spec: [f32; 3], sample: &Sample) -> Scores {
    let predicted = best(&logits(explainer, &sample.tensor));
    let mut scores = Scores::new();
    for (mode, class) in [("predicted", Some(predicted)), ("target", sample.classes.first().copied())] {
        let Some(class) = class else { continue };
        for (sign, highest_first) in [("negative", false), ("positive", true)] {
            let order = order(explainer, &sample.tensor, class, highest_first);
            let hit = |tenths: usize| {
                let count = (PIXELS * tenths + 5) / 10;
                let changed = replaced(&sample.tensor, &order[..count], spec);
                f64::from(u8::from(best(&logits(explainer, &changed)) == class))
            };
            scores.insert(format!("{sign}, {mode}"), (1..=9).map(hit).collect());
        }
    }
    scores
}

#[test]
fn perturbation_is_what_its_definition_says() {
    let model = Model::synthetic(Architecture::TinyVgg).unwrap();
    let spec = model.input_spec();
    let black = [0, 1, 2].map(|channel| -spec.mean[channel] / spec.std[channel]);
    for (gpu, method) in [(gpu(), Method::default()), (limited_gpu(), Method::Gradient), (gpu(), Method::GradCam)] {
        let samples = samples();
        let found = evaluate(gpu, &model, Evaluation::Perturbation, &method, &samples);
        let mut explainer = Explainer::new(gpu, &model, method);
        for (sample, found) in samples.iter().zip(found) {
            assert_eq!(found, expected_perturbation(&mut explainer, black, sample));
        }
    }
}

#[test]
fn deletion_is_what_its_definition_says() {
    let model = Model::synthetic(Architecture::TinyVgg).unwrap();
    let samples = samples();
    let method = Method::InputXGradient;
    let found = evaluate(gpu(), &model, Evaluation::Deletion, &method, &samples);
    let mut explainer = Explainer::new(gpu(), &model, method);
    for (sample, found) in samples.iter().zip(found) {
        let predicted = best(&logits(&mut explainer, &sample.tensor));
        let class = sample.classes.first().copied().unwrap_or(predicted);
        let order = order(&mut explainer, &sample.tensor, class, true);
        let probabilities = &found["probability"];
        assert_eq!(probabilities.len(), 5);
        for (step, probability) in probabilities.iter().enumerate() {
            let logits = logits(&mut explainer, &replaced(&sample.tensor, &order[..PIXELS * step / 4], [0.0; 3]));
            let powers: Vec<f64> = logits.iter().map(|&logit| f64::from(logit).exp()).collect();
            let expected = powers[class as usize] / powers.iter().sum::<f64>();
            assert!((probability - expected).abs() <= 1e-5 * expected, "step {step}: {probability}, {expected}");
        }
    }
}

/// The original map correlates with itself; other seeds make other networks.
#[test]
fn randomisation_begins_at_one_and_repeats() {
    let model = Model::synthetic(Architecture::TinyResNet).unwrap();
    let samples = samples();
    let run = || evaluate(gpu(), &model, Evaluation::Randomisation, &Method::default(), &samples);
    let found = run();
    assert_eq!(found, run());
    for scores in found {
        let correlations = &scores["rank correlation"];
        assert_eq!(correlations.len(), 9);
        assert_eq!(correlations[0], 1.0);
        assert!(correlations[1..].iter().all(|value| value.abs() < 0.9999), "{correlations:?}");
    }
}

/// How an evaluation ends that is told to from the `stop`-th time on that it asks, and how often it asks.
fn stopped(evaluation: Evaluation, methods: &[Method], stop: usize) -> (Result<(), Error>, usize) {
    let model = Model::synthetic(Architecture::TinyVgg).unwrap();
    let options = Options { stages: 3, ..Options::default() };
    let mut evaluator =
        pollster::block_on(Evaluator::new(gpu(), &model, evaluation, options, [HEIGHT, WIDTH], 3)).unwrap();
    let asked = Arc::new(AtomicUsize::new(0));
    let counter = asked.clone();
    evaluator.on_run(move || {
        if counter.fetch_add(1, Ordering::Relaxed) < stop { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    });
    let end = pollster::block_on(evaluator.evaluate(&samples(), methods));
    (end.map(drop), asked.load(Ordering::Relaxed))
}

/// Between methods that run a picture once, between randomised networks, and between the copies of a picture.
#[test]
fn an_evaluation_ends_between_any_two_runs() {
    let methods = [Method::Gradient, Method::InputXGradient];
    for (evaluation, runs) in [(Evaluation::Perturbation, 2 * (1 + 18)), (Evaluation::Randomisation, 2 * (1 + 3))] {
        let (end, asked) = stopped(evaluation, &methods, usize::MAX);
        end.unwrap();
        assert!(asked >= runs, "{evaluation}: {asked}");
        for stop in [0, 1, asked / 2, asked - 3] {
            let (end, asked) = stopped(evaluation, &methods, stop);
            assert!(matches!(end, Err(Error::Stopped)), "{evaluation}, {stop}: {end:?}");
            // The end of a call of the explainer is told, but nothing is left there to be stopped.
            assert!(asked <= stop + 2, "{evaluation}, {stop}: {asked}");
        }
    }
}
