//! Concatenation, slices, pads and shuffles: what they hold, and how gradient and relevance go back through them.

use super::logit_methods::check_gradient;
use crate::common::random::{Random, Values};
use agf::graph::{
    Convolution, Forward, Function, Graph, GraphError, Network, NodeId, Order, Region, Shape, Span, Window,
};
use agf::methods::relevance::Preset;
use agf::methods::{Method, Quantity};
use agf::reference::Reference;

#[test]
fn channels_go_where_they_belong() {
    let mut graph = Graph::new();
    let x = graph.input(Shape::new(5, 1, 2)).unwrap();
    let part = Region::of_channels(1, 3, graph.shape(x));
    let slice = graph.add("slice", Forward::Slice(part), &[x]).unwrap();
    let both = graph.add("concat", Forward::Concat, &[slice, x, slice]).unwrap();
    let back = graph.add("back", Forward::Pad { region: part, shape: Shape::new(5, 1, 2) }, &[slice]).unwrap();
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

/// Every second row backwards, two columns, and channels from groups in turn; each against its definition, element by
/// element.
#[test]
fn pixels_and_shuffled_channels_go_where_they_belong() {
    let mut graph = Graph::new();
    let shape = Shape::new(6, 5, 4);
    let x = graph.input(shape).unwrap();
    let rows = Span { first: 4, count: 3, step: -2 };
    let part = Region { rows, columns: Span::from(1, 2), ..Region::of_channels(2, 3, shape) };
    let slice = graph.add("slice", Forward::Slice(part), &[x]).unwrap();
    let back = graph.add("back", Forward::Pad { region: part, shape }, &[slice]).unwrap();
    let shuffled = graph.add("shuffled", Forward::Shuffle { groups: 2 }, &[x]).unwrap();
    let straight = graph.add("straight", Forward::Shuffle { groups: 3 }, &[shuffled]).unwrap();
    let turned = graph.add("turned", Forward::Transpose(Order::new([2, 0, 1]).unwrap()), &[x]).unwrap();
    let values: Vec<f64> = (0..120).map(f64::from).collect();
    let nothing = Values::none();
    let reference = Reference::new(&graph, &nothing).unwrap();
    let of_slice = reference.evaluate(slice, &[&values]);
    let mut expected = Vec::new();
    let mut spread = vec![0.0; 120];
    for channel in [2, 3, 4] {
        for row in [4, 2, 0] {
            for column in [1, 2] {
                let place = (channel * 5 + row) * 4 + column;
                expected.push(values[place]);
                spread[place] = values[place];
            }
        }
    }
    assert_eq!(of_slice, expected);
    assert_eq!(reference.evaluate(back, &[&of_slice]), spread);
    let of_shuffle = reference.evaluate(shuffled, &[&values]);
    let channels: Vec<f64> = of_shuffle.chunks(20).map(|channel| channel[0] / 20.0).collect();
    assert_eq!(channels, [0.0, 3.0, 1.0, 4.0, 2.0, 5.0]);
    assert_eq!(reference.evaluate(straight, &[&of_shuffle]), values);
    let columns = (0..4).flat_map(|column| (0..30).map(move |place| f64::from(place * 4 + column)));
    assert_eq!(reference.evaluate(turned, &[&values]), columns.collect::<Vec<f64>>());
}

#[test]
fn channels_that_do_not_exist_are_refused() {
    let mut graph = Graph::new();
    let x = graph.input(Shape::new(5, 4, 2)).unwrap();
    let pooled = graph.add("pool", Forward::AveragePool { height: 1, width: 1 }, &[x]).unwrap();
    let mut refused = |op: Forward, inputs: &[NodeId]| {
        assert!(matches!(graph.add("odd", op, inputs), Err(GraphError::Shapes { .. })), "{op:?}");
    };
    let shape = Shape::new(5, 4, 2);
    for (first, count) in [(3, 3), (u32::MAX, 2), (0, 0)] {
        refused(Forward::Slice(Region::of_channels(first, count, shape)), &[x]);
    }
    let whole = Region::whole(shape);
    let odd = Span { first: 0, count: 2, step: 2 };
    for (region, shape) in [(whole, Shape::new(5, 4, 1)), (Region { rows: odd, ..whole }, Shape::new(5, 8, 2))] {
        refused(Forward::Pad { region, shape }, &[x]);
    }
    refused(Forward::Shuffle { groups: 2 }, &[x]);
    refused(Forward::Shuffle { groups: 0 }, &[x]);
    refused(Forward::Concat, &[x, pooled]);
    refused(Forward::Concat, &[]);
}

/// Without corners, so that differences are exact: three inputs of a concatenation, of which two share a source, then a
/// shuffle and a pad of channels and pixels.
fn network() -> (Network, [NodeId; 3]) {
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
    let part = Region::of_channels(1, 3, graph.shape(x));
    let slice = graph.add("slice", Forward::Slice(part), &[x]).unwrap();
    let concat = graph.add("concat", Forward::Concat, &[slice, branch, x]).unwrap();
    let shuffle = graph.add("shuffle", Forward::Shuffle { groups: 5 }, &[concat]).unwrap();
    let region = Region { rows: Span::from(1, 4), ..Region::of_channels(2, 10, graph.shape(shuffle)) };
    let pad = graph.add("pad", Forward::Pad { region, shape: Shape::new(13, 6, 3) }, &[shuffle]).unwrap();
    let turned = graph.add("turned", Forward::Transpose(Order::new([1, 2, 0]).unwrap()), &[pad]).unwrap();
    let logits = graph.linear("last", 4, turned).unwrap();
    (Network::new(graph, input, logits).unwrap(), [concat, shuffle, pad])
}

#[test]
fn the_gradient_is_the_slope_of_the_logit() {
    check_gradient(&network().0);
}

#[test]
fn relevance_is_cut_where_channels_were_joined() {
    let mut random = Random::new();
    for method in [Method::default(), Method::Relevance(Preset::Lrp)] {
        let (network, [concat, shuffle, pad]) = network();
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
        let before = |channel: usize, row: usize, column: usize| ((channel + 2) * 6 + row + 1) * 3 + column;
        let element = |index: usize| before(index / 12, index / 3 % 4, index % 3);
        let turned = network.graph.node(network.logits).inputs[0];
        // (rows, columns, channels) back to (channels, rows, columns).
        let back = |index: usize| index % 18 * 13 + index / 18;
        let of_pad: Vec<f64> = (0..234).map(|index| traced(network.logits, 0)[back(index)]).collect();
        assert_eq!(*traced(turned, 0), of_pad);
        let cropped: Vec<f64> = (0..120).map(|index| of_pad[element(index)]).collect();
        assert_eq!(*traced(pad, 0), cropped);
        // Channel i of a group of two is channel 5 i + its group's number of the shuffled ones.
        let straight: Vec<f64> =
            (0..10).flat_map(|channel| &cropped[(channel % 2 * 5 + channel / 2) * 12..][..12]).copied().collect();
        assert_eq!(*traced(shuffle, 0), straight);
        assert_eq!(straight, [&traced(concat, 0)[..], traced(concat, 1), traced(concat, 2)].concat());
        assert_eq!(*traced(slice, 0), [&[0.0; 12], &traced(concat, 0)[..], &[0.0; 12]].concat());
    }
}
