//! Operations that look at neighbours or have parameters of their own: averages of windows, local response
//! normalisation and ReLU with a slope per channel. Values from their definitions, gradients by differences, relevance
//! by its rule.

use super::definitions;
use super::matrix::Matrix;
use super::method;
use crate::common::compare::{Tolerance, assert_close};
use crate::common::random::{Random, Values};
use agf::graph::{
    Averaging, Backward, Constant, Convolution, Forward, Function, Graph, Network, NodeId, Op, Padding,
    ResponseNormalization, Shape, Window,
};
use agf::methods::relevance::Preset;
use agf::methods::{Method, Quantity};
use agf::reference::Reference;

/// Padding of which nothing, all, or all but what a last window needs counts; dilation, and two strides.
fn averagings() -> Vec<Averaging> {
    let plain = Window::square(3, 2, 1);
    let behind = Padding { top: 1, left: 1, bottom: 2, right: 2 };
    let uneven = Padding { top: 1, left: 0, bottom: 0, right: 2 };
    let dilated = Window { kernel: [2, 3], stride: [1, 2], dilation: [2, 1], padding: uneven };
    vec![
        Averaging { window: Window::square(2, 2, 0), counted: Padding::default() },
        Averaging { window: plain, counted: Padding::default() },
        Averaging { window: plain, counted: Padding::all(1) },
        Averaging { window: Window { padding: behind, ..plain }, counted: Padding::all(1) },
        Averaging { window: Window { padding: behind, ..plain }, counted: Padding::default() },
        Averaging { window: dilated, counted: uneven },
        Averaging { window: dilated, counted: Padding { right: 1, ..Padding::default() } },
    ]
}

const NORMALIZATIONS: [ResponseNormalization; 2] = [
    ResponseNormalization { size: 3, alpha: Constant::new(0.75), beta: Constant::new(0.75), bias: Constant::new(1.0) },
    ResponseNormalization { size: 4, alpha: Constant::new(2.0), beta: Constant::new(0.5), bias: Constant::new(0.5) },
];

#[test]
fn averages_of_windows_and_their_transposes() {
    let input = Shape::new(2, 6, 5);
    for averaging in averagings() {
        let mut graph = Graph::new();
        let x = graph.input(input).unwrap();
        let pooled = graph.add("pool", Forward::AverageWindows(averaging), &[x]).unwrap();
        let transpose = Backward::AverageWindowsTranspose { averaging, height: 6, width: 5 };
        let transposed = graph.add("transpose", transpose, &[pooled]).unwrap();
        let dense = definitions::average_windows(&averaging, input, graph.shape(pooled));
        let nothing = Values::none();
        let reference = Reference::new(&graph, &nothing).unwrap();
        let rounding = Tolerance { absolute: 1e-15, relative: 1e-15 };
        let found = Matrix::of_node(&reference, pooled, dense.columns, &[]);
        assert_close(&format!("{averaging:?}"), &found.entries, &dense.entries, rounding);
        let found = Matrix::of_node(&reference, transposed, dense.rows, &[]);
        assert_close(&format!("transpose, {averaging:?}"), &found.entries, &dense.transposed().entries, rounding);
    }
}

#[test]
fn responses_are_normalized_as_defined() {
    let shape = Shape::new(7, 1, 2);
    let x = Random::new().values(14);
    for of in NORMALIZATIONS {
        let mut graph = Graph::new();
        let input = graph.input(shape).unwrap();
        let node = graph.add("normalized", Forward::NormalizeResponse(of), &[input]).unwrap();
        let [alpha, beta, bias] = [of.alpha, of.beta, of.bias].map(|number| f64::from(number.value()));
        let size = f64::from(of.size);
        // The sum runs from max(0, c - floor((size - 1) / 2)) to min(C - 1, c + ceil((size - 1) / 2)).
        let expected: Vec<f64> = (0..14)
            .map(|element| {
                let (channel, pixel) = ((element / 2) as f64, element % 2);
                let (first, last) = (channel - ((size - 1.0) / 2.0).floor(), channel + ((size - 1.0) / 2.0).ceil());
                let squares = (0..7).filter(|&other| first <= f64::from(other) && f64::from(other) <= last);
                let sum: f64 = squares.map(|other| x[other as usize * 2 + pixel].powi(2)).sum();
                x[element] / (bias + alpha / size * sum).powf(beta)
            })
            .collect();
        let nothing = Values::none();
        let found = Reference::new(&graph, &nothing).unwrap().evaluate(node, &[&x]);
        assert_close(&format!("{of:?}"), &found, &expected, Tolerance { absolute: 1e-14, relative: 1e-14 });
    }
}

/// Without corners but those of the slopes, which random values do not meet.
fn network(averaging: Averaging, normalization: ResponseNormalization) -> (Network, [NodeId; 4]) {
    let mut graph = Graph::new();
    let input = graph.input(Shape::new(3, 6, 5)).unwrap();
    let (name, window) = ("first".to_string(), Window::square(3, 1, 1));
    let layer = Convolution { name, input_channels: 3, output_channels: 5, window, groups: 1, bias: true };
    let x = graph.convolve(layer, input).unwrap();
    let sloped = graph.parametric_relu("slopes", x).unwrap();
    let normalized = graph.add("normalized", Forward::NormalizeResponse(normalization), &[sloped]).unwrap();
    let epsilon = Constant::new(1e-3);
    let level = graph.add("level", Forward::NormalizeChannels { epsilon }, &[normalized]).unwrap();
    let averaged = graph.add("averaged", Forward::AverageWindows(averaging), &[level]).unwrap();
    let x = graph.add("tanh", Forward::Activate(Function::Tanh), &[averaged]).unwrap();
    let logits = graph.linear("last", 4, x).unwrap();
    (Network::new(graph, input, logits).unwrap(), [sloped, normalized, level, averaged])
}

#[test]
fn the_gradient_is_the_slope_of_the_logit() {
    const STEP: f64 = 1e-5;
    let mut random = Random::new();
    for (index, averaging) in averagings().into_iter().enumerate() {
        let (network, _) = network(averaging, NORMALIZATIONS[index % 2]);
        let explanation = Method::Gradient.explain(&network, 1).unwrap();
        let parameters = random.parameters(&explanation.graph);
        let reference = Reference::new(&explanation.graph, &parameters).unwrap();
        let picture = random.values(90);
        let logit = |index: usize, step: f64| {
            let mut moved = picture.clone();
            moved[index] += step;
            reference.run(&moved, &[2.0], &[network.logits]).unwrap()[&network.logits][2]
        };
        let slope = |index| (logit(index, STEP) - logit(index, -STEP)) / (2.0 * STEP);
        let expected: Vec<f64> = (0..90).map(slope).collect();
        let gradient = explanation.maps[0].attribution;
        let found = &reference.run(&picture, &[2.0], &[gradient]).unwrap()[&gradient];
        let largest = expected.iter().fold(0.0_f64, |largest, value| largest.max(value.abs()));
        let tolerance = Tolerance { absolute: 1e-6 * largest, relative: 1e-5 };
        assert_close(&format!("{averaging:?}"), found, &expected, tolerance);
    }
}

#[test]
fn relevance_goes_back_by_ratio_by_mask_and_as_it_is() {
    let mut random = Random::new();
    for method in [Method::default(), Method::Relevance(Preset::Lrp)] {
        for averaging in averagings() {
            let (network, [sloped, normalized, level, averaged]) = network(averaging, NORMALIZATIONS[0]);
            let explanation = method.explain(&network, 1).unwrap();
            let parameters = random.parameters(&explanation.graph);
            let wanted: Vec<NodeId> = explanation.graph.ids().collect();
            let reference = Reference::new(&explanation.graph, &parameters).unwrap();
            let values = reference.run(&random.values(90), &[1.0], &wanted).unwrap();
            let traced = |layer: NodeId| {
                let mut trace = explanation.maps[0].trace.iter();
                let found = trace.find(|trace| trace.layer == layer && trace.quantity == Quantity::Relevance(0));
                &values[&found.unwrap().node]
            };
            let behind = network.graph.ids().find(|&id| network.graph.node(id).inputs == [averaged]).unwrap();
            let (x, y) = (&values[&level], &values[&averaged]);
            let shape = network.graph.shape(level);
            let dense = definitions::average_windows(&averaging, shape, network.graph.shape(averaged));
            let expected = method::ratio_rule(&dense, x, y, traced(behind));
            let tolerance = Tolerance { absolute: 1e-12, relative: 1e-9 };
            assert_close(&format!("{averaging:?}"), traced(averaged), &expected, tolerance);
            assert_eq!(traced(level), traced(averaged));
            assert_eq!(traced(normalized), traced(level));
            let x = &values[&network.graph.node(sloped).inputs[0]];
            assert!(x.iter().all(|&x| x != 0.0), "nothing for the mask to take");
            assert_eq!(traced(sloped), traced(normalized));
        }
    }
}

#[test]
fn slopes_are_of_the_negative_side() {
    let mut graph = Graph::new();
    let input = graph.input(Shape::new(2, 1, 3)).unwrap();
    let sloped = graph.parametric_relu("slopes", input).unwrap();
    let Op::Forward(Forward::ParametricRelu(slopes)) = graph.node(sloped).op else { panic!("no slopes") };
    let gradient = graph.add("gradient", Backward::ParametricReluGradient(slopes), &[input, input]).unwrap();
    let parameters = Values([("slopes.weight".to_string(), vec![0.25, -0.5])].into());
    let reference = Reference::new(&graph, &parameters).unwrap();
    let x = [1.0, 0.0, -2.0, 4.0, -4.0, 0.0];
    assert_eq!(reference.evaluate(sloped, &[&x]), [1.0, 0.0, -0.5, 4.0, 2.0, 0.0]);
    // A corner has the slope of its left side.
    assert_eq!(reference.evaluate(gradient, &[&[8.0; 6], &x]), [8.0, 2.0, 2.0, 8.0, -4.0, -4.0]);
}

#[test]
fn channels_are_normalized_at_each_pixel() {
    let mut graph = Graph::new();
    let input = graph.input(Shape::new(3, 1, 2)).unwrap();
    let epsilon = Constant::new(0.25);
    let level = graph.add("level", Forward::NormalizeChannels { epsilon }, &[input]).unwrap();
    let nothing = Values::none();
    let found = Reference::new(&graph, &nothing).unwrap().evaluate(level, &[&[1.0, 0.0, 2.0, 0.0, 6.0, 3.0]]);
    // Means 3 and 1, variances 14 / 3 and 2.
    let expected = [(-2.0, 14.0 / 3.0), (-1.0, 2.0), (-1.0, 14.0 / 3.0), (-1.0, 2.0), (3.0, 14.0 / 3.0), (2.0, 2.0)];
    let expected: Vec<f64> = expected.iter().map(|(x, variance)| x / (variance + 0.25_f64).sqrt()).collect();
    assert_close("level", &found, &expected, Tolerance { absolute: 1e-15, relative: 1e-15 });
}
