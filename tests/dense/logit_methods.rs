//! The gradient of a class's logit and the bias terms of FullGrad, against differences of logits.

use super::network::{CLASSES, network, picture};
use crate::common::compare::relative_l2;
use crate::common::random::{Random, Values};
use agf::graph::Network;
use agf::methods::{Explanation, Method};
use agf::reference::Reference;

const STEP: f64 = 1e-5;

/// A logit of a network with these parameters.
fn logit(network: &Network, values: &Values, picture: &[f64], class: usize) -> f64 {
    let reference = Reference::new(&network.graph, values).unwrap();
    reference.run(picture, &[], &[network.logits]).unwrap()[&network.logits][class]
}

/// Central differences of `of` in every one of `count` directions.
fn differences(count: usize, mut of: impl FnMut(usize, f64) -> f64) -> Vec<f64> {
    (0..count).map(|index| (of(index, STEP) - of(index, -STEP)) / (2.0 * STEP)).collect()
}

/// Demands that of three draws two agree: a step may cross the edge of a ReLU. A random network in which some ReLU layer passes nothing
/// has slopes of zero alone, and so must its gradient; such draws do not count as one of the three.
fn check(what: &str, mut draw: impl FnMut(&mut Random) -> (Vec<f64>, Vec<f64>)) {
    let mut random = Random::new();
    let mut errors = Vec::new();
    for _ in 0..30 {
        let (found, expected) = draw(&mut random);
        if expected.iter().all(|&value| value == 0.0) {
            assert!(found.iter().all(|&value| value == 0.0), "{what}: {found:?} where all slopes are zero");
            continue;
        }
        errors.push(relative_l2(&found, &expected));
        if errors.len() == 3 {
            break;
        }
    }
    assert_eq!(errors.len(), 3, "{what}: nearly all draws had only zeros");
    assert!(errors.iter().filter(|&&error| error <= 1e-5).count() >= 2, "{what}: {errors:?}");
}

fn explained(method: Method, pooled: [u32; 2]) -> (Network, Explanation) {
    let network = network(pooled);
    let explanation = method.explain(&network, 1).unwrap();
    (network, explanation)
}

#[test]
fn the_gradient_is_the_slope_of_the_logit() {
    for pooled in [[1, 1], [2, 2]] {
        let (network, explanation) = explained(Method::Gradient, pooled);
        let node = explanation.maps[0].attribution;
        check("gradient", |random| {
            let (values, picture) = (random.parameters(&network.graph), picture(random));
            let class = random.uniform(0.0, f64::from(CLASSES)) as usize;
            let reference = Reference::new(&explanation.graph, &values).unwrap();
            let found = reference.run(&picture, &[class as f64], &[node]).unwrap().remove(&node).unwrap();
            let expected = differences(picture.len(), |index, step| {
                let mut moved = picture.clone();
                moved[index] += step;
                logit(&network, &values, &moved, class)
            });
            (found, expected)
        });
    }
}

/// Layers with a bias in the order of the graph: name, and whether it is a batch normalisation.
const BIASES: [(&str, bool); 7] = [
    ("first_norm", true),
    ("expand_norm", true),
    ("depthwise_norm", true),
    ("project_norm", true),
    ("second", false),
    ("hidden", false),
    ("last", false),
];

/// What a layer adds to each channel.
fn effective_bias(values: &Values, (name, is_normalization): (&str, bool)) -> Vec<f64> {
    let of = |suffix: &str| values.of(&format!("{name}.{suffix}"));
    if !is_normalization {
        return of("bias");
    }
    let [weight, bias, mean, variance] = ["weight", "bias", "running_mean", "running_var"].map(of);
    (0..bias.len())
        .map(|channel| bias[channel] - weight[channel] * mean[channel] / (variance[channel] + 1e-3).sqrt())
        .collect()
}

#[test]
fn every_bias_counts_by_the_slope_of_the_logit_there() {
    let (network, explanation) = explained(Method::FullGrad, [2, 2]);
    let parts = explanation.maps[0].completeness.clone();
    assert_eq!(parts.len(), 1 + BIASES.len());
    check("bias times gradient", |random| {
        let (mut values, picture) = (random.parameters(&network.graph), picture(random));
        let class = random.uniform(0.0, f64::from(CLASSES)) as usize;
        let reference = Reference::new(&explanation.graph, &values).unwrap();
        let of_parts = reference.run(&picture, &[class as f64], &parts).unwrap();
        let found: Vec<f64> = parts[1..].iter().map(|part| of_parts[part][0]).collect();
        let mut expected = Vec::new();
        for layer in BIASES {
            let (bias, name) = (effective_bias(&values, layer), format!("{}.bias", layer.0));
            let slopes = (0..bias.len()).map(|channel| {
                // Parameters are f32: the quotient takes the step that was really made.
                let kept = values.0[&name][channel];
                let mut moved = |step: f32| {
                    let bias = kept + step;
                    values.0.get_mut(&name).unwrap()[channel] = bias;
                    (f64::from(bias), logit(&network, &values, &picture, class))
                };
                let ((high, above), (low, below)) = (moved(1e-5), moved(-1e-5));
                values.0.get_mut(&name).unwrap()[channel] = kept;
                (above - below) / (high - low)
            });
            let slopes: Vec<f64> = slopes.collect();
            expected.push(bias.iter().zip(slopes).map(|(bias, slope)| bias * slope).sum());
        }
        (found, expected)
    });
}
