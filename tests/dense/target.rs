//! Section 1 of the method: the target's probability, its gradient, and which class a request means.

use crate::common::compare::{Tolerance, assert_close};
use crate::common::random::{Random, Values};
use agf::graph::{Backward, Explain, Graph, NodeId, Shape};
use agf::reference::Reference;

/// `p_t`.
pub fn probability(y: &[f64], t: usize) -> f64 {
    let s = y.iter().map(|y_k| (y_k - y[t]).abs()).fold(0.0, f64::max);
    let z: Vec<f64> = y.iter().map(|y_k| y[t] * (-((y_k - y[t]) / s).powi(2) / 2.0).exp()).collect();
    z[t].exp() / z.iter().map(|z_k| z_k.exp()).sum::<f64>()
}

struct Target {
    graph: Graph,
    request: NodeId,
    class: NodeId,
    gradient: NodeId,
    logits: NodeId,
}

impl Target {
    fn new(classes: u32) -> Self {
        let mut graph = Graph::new();
        let logits = graph.input(Shape::vector(classes)).unwrap();
        let request = graph.add("request", Explain::ClassRequest { slot: 0 }, &[]).unwrap();
        let class = graph.add("class", Explain::ClassIndex, &[logits, request]).unwrap();
        let gradient = graph.add("gradient", Backward::TargetGradient, &[logits, class]).unwrap();
        Self { graph, request, class, gradient, logits }
    }

    fn gradient(&self, y: &[f64], t: usize) -> Vec<f64> {
        Reference::new(&self.graph, &Values::none()).unwrap().evaluate(self.gradient, &[y, &[t as f64]])
    }

    fn class(&self, y: &[f64], request: f64) -> f64 {
        let nothing = Values::none();
        let values = Reference::new(&self.graph, &nothing).unwrap().run(y, &[request], &[self.class, self.request]);
        let values = values.unwrap();
        assert_eq!(values[&self.request], [request]);
        assert_eq!(values.len(), 2, "the logits ({:?}) were not asked for", self.logits);
        values[&self.class][0]
    }
}

/// The largest and the second largest distance from the logit of `t`.
fn distances(y: &[f64], t: usize) -> [f64; 2] {
    let mut distances: Vec<f64> = y.iter().map(|y_k| (y_k - y[t]).abs()).collect();
    distances.sort_by(|a, b| b.total_cmp(a));
    [distances[0], distances[1]]
}

/// Through the target's logit, the differences, and the largest difference alike.
#[test]
fn the_gradient_is_that_of_the_probability() {
    let mut random = Random::new();
    let mut compared = 0;
    for classes in [2, 3, 10] {
        let target = Target::new(classes);
        for t in (0..classes as usize).cycle().take(60) {
            let (scale, offset) = (random.uniform(0.5, 8.0), random.uniform(-10.0, 10.0));
            let y: Vec<f64> = random.values(classes as usize).iter().map(|value| value * scale + offset).collect();
            let [s, second] = distances(&y, t);
            let h = 1e-5 * s;
            if s < 0.3 || s - second < 10.0 * h {
                continue; // finite differences are no measure there
            }
            let difference = |k: usize| {
                let at = |step: f64| {
                    let mut y = y.clone();
                    y[k] += step;
                    probability(&y, t)
                };
                (at(h) - at(-h)) / (2.0 * h)
            };
            let expected: Vec<f64> = (0..y.len()).map(difference).collect();
            let tolerance = Tolerance { absolute: 1e-6, relative: 1e-5 };
            assert_close(&format!("{y:?}, target {t}"), &target.gradient(&y, t), &expected, tolerance);
            compared += 1;
        }
    }
    assert!(compared > 90, "{compared}");
}

/// The derivative of `s` belongs to the lowest of several classes that are farthest from the target.
#[test]
fn of_several_farthest_classes_the_lowest_counts() {
    let target = Target::new(4);
    let tied = [3.0, 1.0, -1.0, 1.5];
    let nearly = |k: usize, step: f64| {
        let mut y = tied;
        y[k] += step;
        target.gradient(&y, 1)
    };
    let tolerance = Tolerance { absolute: 1e-7, relative: 0.0 };
    assert_close("lowest", &target.gradient(&tied, 1), &nearly(0, 1e-9), tolerance);
    let other = nearly(2, -1e-9);
    assert!((other[0] - target.gradient(&tied, 1)[0]).abs() > 1e-3, "the tie does not show: {other:?}");
}

#[test]
fn equal_logits_have_no_gradient() {
    assert_eq!(Target::new(6).gradient(&[1.25; 6], 4), [0.0; 6]);
}

#[test]
fn requests_are_ids_or_ranks() {
    let target = Target::new(5);
    let y = [1.0, 7.0, 1.0, 7.0, -3.0];
    let by_rank: Vec<f64> = (0..5).map(|rank| target.class(&y, -1.0 - f64::from(rank))).collect();
    assert_eq!(by_rank, [1.0, 3.0, 0.0, 2.0, 4.0]);
    let by_id: Vec<f64> = (0..5).map(|id| target.class(&y, f64::from(id))).collect();
    assert_eq!(by_id, [0.0, 1.0, 2.0, 3.0, 4.0]);
}
