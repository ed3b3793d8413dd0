//! Concatenation and slices: what they hold, and how gradient and relevance go back through them.

use super::logit_methods::check_gradient;
use crate::common::random::{Random, Values};
use agf::graph::{Backward, Convolution, Forward, Function, Graph, GraphError, Network, NodeId, Shape, Window};
use agf::methods::relevance::Preset;
use agf::methods::{Method, Quantity};
use agf::reference::Reference;

#[test]
fn channels_go_where_they_belong() {
    let mut graph = Graph::new();
    let x = graph.input(Shape::new(5, 1, 2)).unwrap();
    let slice = graph.add("slice", Forward::Slice { first: 1, channels: 3 }, &[x]).unwrap();
    let both = graph.add("concat", Forward::Concat, &[slice, x, slice]).unwrap();
    let back = graph.add("back", Backward::SliceTranspose { first: 1, channels: 5 }, &[slice]).unwrap();
    assert_eq!((graph.shape(both), graph.shape(back)), (Shape::new(11, 1, 2), Shape::new(5, 1, 2)));
    let values: Vec<f64> = (0..10).map(f64::from).collect();
    let nothing = Values::none();
    let reference = Reference::new(&graph, &nothing).unwrap();
    let of_slice = reference.evaluate(slice, &[&values]);
    assert_eq!(of_slice, values[2..8]);
    assert_eq!(
        reference.evaluate(both, &[&of_slice, &values, &of_slice]),
        [&values[2..8], &values, &values[2..8]].concat()
    );
    assert_eq!(reference.evaluate(back, &[&of_slice]), [&[0.0; 2], &values[2..8], &[0.0; 2]].concat());
}

#[test]
fn channels_that_do_not_exist_are_refused() {
    let mut graph = Graph::new();
    let x = graph.input(Shape::new(5, 4, 2)).unwrap();
    let pooled = graph.add("pool", Forward::AveragePool { height: 1, width: 1 }, &[x]).unwrap();
    let mut refused = |op: Forward, inputs: &[NodeId]| {
        assert!(matches!(graph.add("odd", op, inputs), Err(GraphError::Shapes { .. })), "{op:?}");
    };
    refused(Forward::Slice { first: 3, channels: 3 }, &[x]);
    refused(Forward::Slice { first: u32::MAX, channels: 2 }, &[x]);
    refused(Forward::Slice { first: 0, channels: 0 }, &[x]);
    refused(Forward::Concat, &[x, pooled]);
    refused(Forward::Concat, &[]);
}

/// Without corners, so that differences are exact: three inputs of a concatenation, of which two share a source.
fn network() -> (Network, NodeId) {
    let mut graph = Graph::new();
    let input = graph.input(Shape::new(3, 4, 3)).unwrap();
    let convolve = |graph: &mut Graph, name: &str, x: NodeId, output_channels: u32| {
        let (name, window, input_channels) = (name.to_string(), Window::square(3, 1, 1), graph.shape(x).channels);
        let layer = Convolution { name, input_channels, output_channels, window, groups: 1, bias: true };
        let x = graph.convolve(layer, x).unwrap();
        graph.add("tanh", Forward::Activate(Function::Tanh), &[x]).unwrap()
    };
    let x = convolve(&mut graph, "first", input, 5);
    let branch = convolve(&mut graph, "branch", x, 2);
    let slice = graph.add("slice", Forward::Slice { first: 1, channels: 3 }, &[x]).unwrap();
    let concat = graph.add("concat", Forward::Concat, &[slice, branch, x]).unwrap();
    let logits = graph.linear("last", 4, concat).unwrap();
    (Network::new(graph, input, logits).unwrap(), concat)
}

#[test]
fn the_gradient_is_the_slope_of_the_logit() {
    check_gradient(&network().0);
}

#[test]
fn relevance_is_cut_where_channels_were_joined() {
    let mut random = Random::new();
    for method in [Method::default(), Method::Relevance(Preset::Lrp)] {
        let (network, concat) = network();
        let explanation = method.explain(&network, 1).unwrap();
        let parameters = random.parameters(&explanation.graph);
        let picture: Vec<f64> = (0..36).map(|_| random.uniform(-1.0, 1.0)).collect();
        let wanted: Vec<NodeId> = explanation.graph.ids().collect();
        let reference = Reference::new(&explanation.graph, &parameters).unwrap();
        let values = reference.run(&picture, &[1.0], &wanted).unwrap();
        let traced = |layer: NodeId, index: u32| {
            let mut trace = explanation.maps[0].trace.iter();
            let found = trace.find(|trace| trace.layer == layer && trace.quantity == Quantity::Relevance(index));
            &values[&found.unwrap().node]
        };
        let slice = network.graph.node(concat).inputs[0];
        assert_eq!(*traced(network.logits, 0), [&traced(concat, 0)[..], traced(concat, 1), traced(concat, 2)].concat());
        assert_eq!(*traced(slice, 0), [&[0.0; 12], &traced(concat, 0)[..], &[0.0; 12]].concat());
    }
}
