//! The gradient of a class's logit and the bias terms of FullGrad, against differences of logits.

use super::network::{CLASSES, network, picture};
use crate::common::compare::relative_l2;
use crate::common::conditioning::{SHARE, well_conditioned};
use crate::common::random::{Random, Values};
use agf::graph::Network;
use agf::methods::Method;
use agf::reference::Reference;

/// A step of differences.
const STEP: f64 = 1e-5;

/// A finer one.
const FINER: f64 = STEP / 4.0;

const TOLERANCE: f64 = 1e-5;

/// A logit of a network with these parameters.
fn logit(network: &Network, values: &Values, picture: &[f64], class: usize) -> f64 {
    let reference = Reference::new(&network.graph, values).unwrap();
    reference.run(picture, &[], &[network.logits]).unwrap()[&network.logits][class]
}

/// Central differences of `of` in every one of `count` directions.
fn differences(count: usize, step: f64, mut of: impl FnMut(usize, f64) -> f64) -> Vec<f64> {
    (0..count).map(|index| (of(index, step) - of(index, -step)) / (2.0 * step)).collect()
}

/// Demands agreement of draws whose differences by both steps are equal: where a step crosses the edge of a ReLU or a
/// pooling's decision they are not, and say nothing of a slope. A random network in which some ReLU layer passes
/// nothing has slopes of zero alone, and so must its gradient; such draws do not count.
fn check(what: &str, mut draw: impl FnMut(&mut Random) -> (Vec<f64>, [Vec<f64>; 2])) {
    let mut random = Random::new();
    let draws = well_conditioned(3, || {
        let (found, [expected, finer]) = draw(&mut random);
        if expected.iter().all(|&value| value == 0.0) {
            assert!(found.iter().all(|&value| value == 0.0), "{what}: {found:?} where all slopes are zero");
            return None;
        }
        (relative_l2(&finer, &expected) <= SHARE * TOLERANCE).then_some((found, expected))
    });
    for (found, expected) in draws {
        let error = relative_l2(&found, &expected);
        assert!(error <= TOLERANCE, "{what}: {error:e}");
    }
}

/// Whether the gradient method gives the slopes of a network's logits, by every value of the picture.
pub fn check_gradient(network: &Network) {
    let explanation = Method::Gradient.explain(network, 1).unwrap();
    let node = explanation.maps[0].attribution;
    let [elements, classes] = [network.input, network.logits].map(|node| network.graph.shape(node).elements());
    check("gradient", |random| {
        let values = random.parameters(&network.graph);
        let picture = random.values(elements as usize);
        let class = random.uniform(0.0, classes as f64) as usize;
        let reference = Reference::new(&explanation.graph, &values).unwrap();
        let found = reference.run(&picture, &[class as f64], &[node]).unwrap().remove(&node).unwrap();
        let slopes = |step| {
            differences(picture.len(), step, |index, step| {
                let mut moved = picture.clone();
                moved[index] += step;
                logit(network, &values, &moved, class)
            })
        };
        (found, [STEP, FINER].map(slopes))
    });
}

#[test]
fn the_gradient_is_the_slope_of_the_logit() {
    for pooled in [[1, 1], [2, 2]] {
        check_gradient(&network(pooled));
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
    let network = network([2, 2]);
    let explanation = Method::FullGrad.explain(&network, 1).unwrap();
    let parts = explanation.maps[0].completeness.clone();
    assert_eq!(parts.len(), 1 + BIASES.len());
    check("bias times gradient", |random| {
        let (mut values, picture) = (random.parameters(&network.graph), picture(random));
        let class = random.uniform(0.0, f64::from(CLASSES)) as usize;
        let reference = Reference::new(&explanation.graph, &values).unwrap();
        let of_parts = reference.run(&picture, &[class as f64], &parts).unwrap();
        let found: Vec<f64> = parts[1..].iter().map(|part| of_parts[part][0]).collect();
        let mut of_layer = |layer: (&str, bool), step: f64| {
            let (bias, name) = (effective_bias(&values, layer), format!("{}.bias", layer.0));
            let slope = |channel: usize| {
                // Parameters are f32: the quotient takes the step that was really made.
                let kept = values.0[&name][channel];
                let mut moved = |step: f32| {
                    let bias = kept + step;
                    values.0.get_mut(&name).unwrap()[channel] = bias;
                    (f64::from(bias), logit(&network, &values, &picture, class))
                };
                let ((high, above), (low, below)) = (moved(step as f32), moved(-step as f32));
                values.0.get_mut(&name).unwrap()[channel] = kept;
                (above - below) / (high - low)
            };
            let slopes: Vec<f64> = (0..bias.len()).map(slope).collect();
            bias.iter().zip(slopes).map(|(bias, slope)| bias * slope).sum()
        };
        (found, [STEP, FINER].map(|step| BIASES.map(|layer| of_layer(layer, step)).to_vec()))
    });
}
