//! Operations of two values and reductions, on a few numbers that show every case.

use crate::common::random::Values;
use agf::graph::{Binary, Forward, Graph, Op, Reduction, Shape};
use agf::reference::Reference;

const SHAPE: Shape = Shape::new(2, 1, 3);
const A: [f64; 6] = [0.0, 2.0, -3.0, 0.0, -1.0, 4.0];

/// The value of an operation of [`A`] and `b`.
fn combined(op: impl Into<Op>, b: &[f64]) -> Vec<f64> {
    let mut graph = Graph::new();
    let a = graph.input(SHAPE).unwrap();
    let second = match b.len() {
        1 => graph.add("scalar", Reduction::Sum, &[a]).unwrap(),
        2 => graph.add("per channel", Forward::AveragePool { height: 1, width: 1 }, &[a]).unwrap(),
        _ => a,
    };
    let node = graph.add("both", op, &[a, second]).unwrap();
    Reference::new(&graph, &Values::none()).unwrap().evaluate(node, &[&A, b])
}

/// The method's `div`.
fn div(a: f64, b: f64) -> f64 {
    if b == 0.0 { 0.0 } else { a / (b + 1e-9) }
}

#[test]
fn operations_of_equal_shapes() {
    let b = [5.0, 0.0, -2.0, 0.0, -1e-9, 0.5];
    assert_eq!(combined(Forward::Add, &b), [5.0, 2.0, -5.0, 0.0, -1.0 - 1e-9, 4.5]);
    assert_eq!(combined(Forward::Multiply, &b), [0.0, 0.0, 6.0, 0.0, 1e-9, 2.0]);
    assert_eq!(combined(Binary::MultiplyAbsolute, &b), [0.0, 0.0, -6.0, 0.0, -1e-9, 2.0]);
    assert_eq!(combined(Binary::Mask, &b), [0.0, 0.0, -3.0, 0.0, -1.0, 4.0]);
    // Where b + 1e-9 is 0, the denominator is 1e-9.
    let quotients = [0.0, 0.0, div(-3.0, -2.0), 0.0, -1.0 / 1e-9, div(4.0, 0.5)];
    assert_eq!(combined(Binary::SafeDivide, &b), quotients);
    assert_eq!(combined(Binary::Ratio, &b), quotients);
}

#[test]
fn a_scalar_or_one_value_per_channel_is_broadcast() {
    assert_eq!(combined(Forward::Add, &[1.0]), A.map(|a| a + 1.0).to_vec());
    assert_eq!(combined(Binary::SafeDivide, &[0.5]), A.map(|a| div(a, 0.5)).to_vec());
    assert_eq!(combined(Binary::Mask, &[0.0]), [0.0; 6]);
    assert_eq!(combined(Forward::Multiply, &[10.0, -1.0]), [0.0, 20.0, -30.0, 0.0, 1.0, -4.0]);
}

#[test]
fn reductions() {
    let mut graph = Graph::new();
    let a = graph.input(SHAPE).unwrap();
    for (reduction, expected) in
        [(Reduction::Maximum, 4.0), (Reduction::Minimum, -3.0), (Reduction::Sum, 2.0), (Reduction::CountNonZero, 4.0)]
    {
        let node = graph.add("reduced", reduction, &[a]).unwrap();
        let nothing = Values::none();
        assert_eq!(Reference::new(&graph, &nothing).unwrap().evaluate(node, &[&A]), [expected], "{reduction:?}");
    }
}
