//! Every linear operation is the matrix that its definition says, and every transpose is that matrix transposed.

use super::definitions::{self, PARTS, part};
use super::matrix::Matrix;
use crate::common::compare::{Tolerance, assert_close};
use crate::common::random::{Random, Values};
use agf::graph::{Backward, Convolution, Explain, Forward, Graph, Op, Padding, Shape, Window};
use agf::reference::Reference;

const EXACT: Tolerance = Tolerance { absolute: 0.0, relative: 0.0 };
const ROUNDING: Tolerance = Tolerance { absolute: 1e-13, relative: 1e-13 };

const KERNELS: [[u32; 2]; 5] = [[1, 1], [3, 3], [2, 3], [3, 1], [5, 4]];
const PADDINGS: [Padding; 3] = [
    Padding::all(0),
    Padding { top: 1, left: 0, bottom: 2, right: 3 },
    Padding { top: 2, left: 3, bottom: 0, right: 1 },
];

/// Strides of rows and columns, and dilations.
const STEPS: [([u32; 2], [u32; 2]); 5] =
    [([1, 1], [1, 1]), ([2, 2], [1, 1]), ([3, 3], [1, 1]), ([2, 1], [1, 1]), ([1, 2], [2, 3])];

fn windows() -> impl Iterator<Item = Window> {
    let windows = KERNELS.into_iter().flat_map(|kernel| STEPS.map(|(stride, dilation)| (kernel, stride, dilation)));
    let padded = windows
        .flat_map(|(kernel, stride, dilation)| PADDINGS.map(|padding| Window { kernel, stride, dilation, padding }));
    padded.filter(|window| window.output(6, 5).is_some())
}

#[test]
fn convolutions_and_their_transposes() {
    let mut random = Random::new();
    for window in windows() {
        for (groups, input_channels, output_channels) in [(1, 3, 2), (3, 3, 3), (3, 3, 6), (2, 4, 6)] {
            let (name, bias) = ("layer".into(), true);
            let layer = Convolution { name, input_channels, output_channels, window, groups, bias };
            check_convolution(layer, Shape::new(input_channels, 6, 5), &mut random);
        }
    }
}

fn check_convolution(layer: Convolution, input: Shape, random: &mut Random) {
    let what = format!("{:?}, {} groups", layer.window, layer.groups);
    let mut graph = Graph::new();
    let x_node = graph.input(input).unwrap();
    let y_node = graph.convolve(layer.clone(), x_node).unwrap();
    let output = graph.shape(y_node);
    let Op::Forward(Forward::Convolve { layer: id, .. }) = graph.node(y_node).op else { unreachable!() };
    let (height, width) = (input.height, input.width);
    let nodes = PARTS.map(|weight| {
        let parts = PARTS.map(|part| graph.add("y", Op::convolve(id, weight, part), &[x_node]).unwrap());
        let transpose = Backward::ConvolveTranspose { layer: id, weight, height, width };
        let transposed = graph.add("x", transpose, &[y_node]).unwrap();
        let ones = graph.add("ones", Explain::ConvolveOnes { layer: id, weight, height, width }, &[]).unwrap();
        (parts, transposed, ones)
    });
    let values = random.parameters(&graph);
    let reference = Reference::new(&graph, &values).unwrap();
    let dense = definitions::convolution(&layer, &values.of("layer.weight"), input, output);
    let bias = values.of("layer.bias");
    let x = random.coarse(input.elements() as usize);
    for (weight, (parts, transposed, ones)) in PARTS.into_iter().zip(nodes) {
        let matrix = dense.map(|entry| part(weight, entry));
        let what = format!("{weight:?} of {what}");
        let found = Matrix::of_node(&reference, parts[0], matrix.columns, &[]);
        assert_close(&what, &found.entries, &matrix.entries, EXACT);
        let found = Matrix::of_node(&reference, transposed, matrix.rows, &[]);
        assert_close(&format!("transpose, {what}"), &found.entries, &matrix.transposed().entries, EXACT);
        let expected = matrix.apply(&vec![1.0; matrix.columns]);
        assert_close(&format!("of ones, {what}"), &reference.evaluate(ones, &[]), &expected, ROUNDING);
        for (of_x, node) in PARTS.into_iter().zip(parts) {
            let x_part: Vec<f64> = x.iter().map(|&value| part(of_x, value)).collect();
            let product = matrix.apply(&x_part);
            assert_close(&format!("{of_x:?} input, {what}"), &reference.evaluate(node, &[&x]), &product, ROUNDING);
        }
    }
    let offset = |index: usize| bias[index / output.pixels() as usize];
    let expected: Vec<f64> = dense.apply(&x).iter().enumerate().map(|(index, y)| y + offset(index)).collect();
    assert_close(&format!("with bias, {what}"), &reference.evaluate(y_node, &[&x]), &expected, ROUNDING);
}

#[test]
fn linear_layers_and_their_transposes() {
    let mut random = Random::new();
    for (input, outputs) in [(Shape::new(3, 2, 4), 5), (Shape::vector(7), 3), (Shape::new(300, 1, 2), 2)] {
        let mut graph = Graph::new();
        let x_node = graph.input(input).unwrap();
        let y_node = graph.linear("layer", outputs, x_node).unwrap();
        let plain = graph.linear_without_bias("plain", outputs, x_node).unwrap();
        let Op::Forward(Forward::Linear { layer, .. }) = graph.node(y_node).op else { unreachable!() };
        let nodes = PARTS.map(|weight| {
            let forward = PARTS.map(|input| graph.add("y", Op::linear(layer, weight, input), &[x_node]).unwrap());
            (forward, graph.add("x", Backward::LinearTranspose { layer, weight }, &[y_node]).unwrap())
        });
        let values = random.parameters(&graph);
        let reference = Reference::new(&graph, &values).unwrap();
        let (weights, bias) = (values.of("layer.weight"), values.of("layer.bias"));
        let columns = input.elements() as usize;
        let x = random.coarse(columns);
        for (weight, (forward, transposed)) in PARTS.into_iter().zip(nodes) {
            let matrix =
                Matrix::from_fn(outputs as usize, columns, |row, column| part(weight, weights[row * columns + column]));
            let found = Matrix::of_node(&reference, forward[0], columns, &[]);
            assert_close("linear", &found.entries, &matrix.entries, EXACT);
            let found = Matrix::of_node(&reference, transposed, matrix.rows, &[]);
            assert_close("linear transposed", &found.entries, &matrix.transposed().entries, EXACT);
            for (of_x, node) in PARTS.into_iter().zip(forward) {
                let x_part: Vec<f64> = x.iter().map(|&value| part(of_x, value)).collect();
                let product = matrix.apply(&x_part);
                assert_close("linear", &reference.evaluate(node, &[&x]), &product, ROUNDING);
            }
        }
        let row = |row: usize| weights[row * columns..][..columns].iter().zip(&x).map(|(w, x)| w * x).sum::<f64>();
        let expected: Vec<f64> = bias.iter().enumerate().map(|(index, b)| row(index) + b).collect();
        assert_close("linear with bias", &reference.evaluate(y_node, &[&x]), &expected, ROUNDING);
        assert!(graph.parameters().iter().all(|parameter| parameter.name != "plain.bias"));
        let weights = values.of("plain.weight");
        let matrix = Matrix { rows: outputs as usize, columns, entries: weights };
        assert_close("linear without bias", &reference.evaluate(plain, &[&x]), &matrix.apply(&x), ROUNDING);
    }
}

#[test]
fn average_pools_and_their_transposes() {
    for (input, height, width) in
        [([5, 7], 3, 3), ([6, 6], 3, 2), ([4, 9], 1, 1), ([2, 3], 7, 7), ([7, 2], 3, 5), ([1, 1], 3, 3), ([3, 3], 3, 3)]
    {
        let mut graph = Graph::new();
        let input = Shape::new(2, input[0], input[1]);
        let x = graph.input(input).unwrap();
        let pooled = graph.add("pool", Forward::AveragePool { height, width }, &[x]).unwrap();
        let back = Backward::AveragePoolTranspose { height: input.height, width: input.width };
        let back = graph.add("back", back, &[pooled]).unwrap();
        let nothing = Values::none();
        let reference = Reference::new(&graph, &nothing).unwrap();
        let matrix = definitions::average_pool(input, graph.shape(pooled));
        let what = format!("{input} to {height}x{width}");
        let found = Matrix::of_node(&reference, pooled, matrix.columns, &[]);
        assert_close(&what, &found.entries, &matrix.entries, ROUNDING);
        let found = Matrix::of_node(&reference, back, matrix.rows, &[]);
        assert_close(&format!("transpose, {what}"), &found.entries, &matrix.transposed().entries, ROUNDING);
    }
}

/// With values of which many are equal, so that the first maximum matters.
#[test]
fn max_pools_and_their_transposes() {
    let mut random = Random::new();
    let padding = Padding { top: 0, left: 1, bottom: 2, right: 0 };
    let dilated = Window { kernel: [3, 2], stride: [2, 1], dilation: [1, 3], padding };
    let padded = Window::new([3, 2], 2, padding);
    for window in [Window::square(2, 2, 0), Window::square(3, 2, 1), Window::square(3, 1, 1), padded, dilated] {
        let mut graph = Graph::new();
        let input = Shape::new(2, 7, 6);
        let x_node = graph.input(input).unwrap();
        let pooled = graph.add("pool", Forward::MaxPool(window), &[x_node]).unwrap();
        let index_node = graph.add("index", Backward::MaxPoolIndex(window), &[x_node]).unwrap();
        let back = Backward::MaxPoolTranspose { window, height: 7, width: 6 };
        let back = graph.add("back", back, &[pooled, index_node]).unwrap();
        let nothing = Values::none();
        let reference = Reference::new(&graph, &nothing).unwrap();
        let lowered = |random: &mut Random| random.coarse(84).iter().map(|value| value - 3.0).collect();
        for x in [random.coarse(84), lowered(&mut random), random.values(84)] {
            let what = format!("{window:?}");
            let choice = definitions::max_pool(&window, &x, input, graph.shape(pooled));
            assert_close(&what, &reference.evaluate(pooled, &[&x]), &choice.apply(&x), EXACT);
            let index = reference.evaluate(index_node, &[&x]);
            let expected = definitions::max_pool_index(&window, &x, input, graph.shape(pooled));
            assert_close(&format!("index, {what}"), &index, &expected, EXACT);
            let found = Matrix::of_node(&reference, back, choice.rows, &[&index]);
            assert_close(&format!("transpose, {what}"), &found.entries, &choice.transposed().entries, EXACT);
        }
    }
}

#[test]
fn batch_norms_and_their_gradients() {
    let mut random = Random::new();
    let mut graph = Graph::new();
    let input = Shape::new(4, 2, 3);
    let x_node = graph.input(input).unwrap();
    let y_node = graph.batch_norm("layer", 1e-3, x_node).unwrap();
    let Op::Forward(Forward::BatchNorm(layer)) = graph.node(y_node).op else { unreachable!() };
    let back = graph.add("back", Backward::BatchNormGradient(layer), &[y_node]).unwrap();
    let values = random.parameters(&graph);
    let reference = Reference::new(&graph, &values).unwrap();
    let [weight, bias, mean, variance] =
        ["weight", "bias", "running_mean", "running_var"].map(|name| values.of(&format!("layer.{name}")));
    let x = random.values(24);
    let y = |index: usize, x: f64| {
        let channel = index / 6;
        (x - mean[channel]) / (variance[channel] + 1e-3).sqrt() * weight[channel] + bias[channel]
    };
    let expected: Vec<f64> = x.iter().enumerate().map(|(index, &x)| y(index, x)).collect();
    assert_close("batch norm", &reference.evaluate(y_node, &[&x]), &expected, ROUNDING);
    let expected = Matrix::from_fn(24, 24, |row, column| if row == column { y(row, 1.0) - y(row, 0.0) } else { 0.0 });
    let found = Matrix::of_node(&reference, back, 24, &[]);
    assert_close("its gradient", &found.entries, &expected.entries, ROUNDING);
}
