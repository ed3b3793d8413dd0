//! Shape inference: the shape that an operation gives for inputs of given shapes, or why they do not fit.

mod backward;
mod explain;
mod forward;

use super::{
    BatchNormId, BatchNormLayer, Convolution, ConvolutionId, Graph, GraphError, LinearId, LinearLayer, NodeId, Op,
    Shape, SlopeId, SlopeLayer, Window,
};

pub(super) fn shape(graph: &Graph, name: &str, op: &Op, inputs: &[NodeId]) -> Result<Shape, GraphError> {
    if inputs.iter().any(|input| input.index() >= graph.nodes.len()) {
        return Err(GraphError::Foreign { node: name.into() });
    }
    let shapes: Vec<Shape> = inputs.iter().map(|&input| graph.shape(input)).collect();
    let inference = Inference { graph, name, op: op.name(), shapes: &shapes };
    let shape = match op {
        Op::Forward(op) => inference.forward(op),
        Op::Backward(op) => inference.backward(op),
        Op::Explain(op) => inference.explain(op),
    }?;
    // So that 32 bits count a sample's pixels and its vectors of four channels.
    let vectors = Shape { channels: shape.channels.div_ceil(4), ..shape }.elements();
    let is_countable = (1..=u64::from(u32::MAX)).contains(&vectors);
    inference.demand(is_countable, || format!("{shape} are no values, or more than can be counted"))?;
    Ok(shape)
}

/// Positions of a window.
const MOST_TAPS: u64 = 1 << 24;

/// One node to be.
struct Inference<'a> {
    graph: &'a Graph,
    name: &'a str,
    op: &'static str,
    shapes: &'a [Shape],
}

impl Inference<'_> {
    /// The shapes of the inputs, of which there must be this many.
    fn inputs<const N: usize>(&self) -> Result<[Shape; N], GraphError> {
        self.demand(self.shapes.len() == N, || format!("it takes {N} inputs"))?;
        <[Shape; N]>::try_from(self.shapes).or_else(|_| self.foreign())
    }

    /// That the inputs have these shapes.
    fn expect<const N: usize>(&self, expected: [Shape; N]) -> Result<(), GraphError> {
        let shapes = self.inputs::<N>()?;
        self.demand(shapes == expected, || {
            let list: Vec<String> = expected.iter().map(Shape::to_string).collect();
            format!("expected {}", list.join(", "))
        })
    }

    fn same(&self, actual: Shape, expected: Shape, what: &str) -> Result<(), GraphError> {
        self.demand(actual == expected, || format!("it must match {what}, {expected}"))
    }

    fn demand(&self, condition: bool, why: impl FnOnce() -> String) -> Result<(), GraphError> {
        if condition {
            return Ok(());
        }
        let shapes: Vec<String> = self.shapes.iter().map(Shape::to_string).collect();
        let shapes = shapes.join(", ");
        Err(GraphError::Shapes { node: self.name.into(), op: self.op, shapes, why: why() })
    }

    fn foreign<T>(&self) -> Result<T, GraphError> {
        Err(GraphError::Foreign { node: self.name.into() })
    }

    fn convolution(&self, id: ConvolutionId) -> Result<&Convolution, GraphError> {
        self.graph.convolutions.get(id.index()).map_or_else(|| self.foreign(), Ok)
    }

    fn linear(&self, id: LinearId) -> Result<&LinearLayer, GraphError> {
        self.graph.linears.get(id.index()).map_or_else(|| self.foreign(), Ok)
    }

    fn batch_norm(&self, id: BatchNormId) -> Result<&BatchNormLayer, GraphError> {
        self.graph.batch_norms.get(id.0 as usize).map_or_else(|| self.foreign(), Ok)
    }

    fn slopes(&self, id: SlopeId) -> Result<&SlopeLayer, GraphError> {
        self.graph.slopes.get(id.0 as usize).map_or_else(|| self.foreign(), Ok)
    }

    /// The shape that the second of two elementwise operands goes with: the first's.
    fn elementwise(&self) -> Result<Shape, GraphError> {
        let [a, b] = self.inputs()?;
        self.demand(a == b || b == Shape::SCALAR || b == Shape::vector(a.channels), || {
            "the second must have the first's shape, one value per channel, or be a scalar".into()
        })?;
        Ok(a)
    }

    fn all_same(&self) -> Result<Shape, GraphError> {
        let [first, second] = self.inputs()?;
        self.same(second, first, "the first input")?;
        Ok(first)
    }

    /// A convolution's input of this size, and the output that it gives.
    fn convolution_shapes(&self, id: ConvolutionId, height: u32, width: u32) -> Result<[Shape; 2], GraphError> {
        let input = Shape::new(self.convolution(id)?.input_channels, height, width);
        Ok([input, self.convolution_output(id, input)?])
    }

    fn convolution_output(&self, id: ConvolutionId, input: Shape) -> Result<Shape, GraphError> {
        let convolution = self.convolution(id)?;
        let channels = convolution.input_channels;
        self.demand(input.channels == channels, || format!("the layer has {channels} input channels"))?;
        let groups = convolution.groups;
        let are_equal = [channels, convolution.output_channels].iter().all(|of| of.is_multiple_of(groups));
        self.demand(are_equal, || format!("{groups} groups need equal shares of input and output channels"))?;
        let windowed = self.windowed(&convolution.window, input)?;
        Ok(Shape::new(convolution.output_channels, windowed.height, windowed.width))
    }

    fn windowed(&self, window: &Window, input: Shape) -> Result<Shape, GraphError> {
        let [rows, columns] = window.kernel;
        let is_countable = u64::from(rows) * u64::from(columns) <= MOST_TAPS;
        let size = window.output(input.height, input.width).filter(|_| is_countable);
        let [height, width] =
            size.ok_or_else(|| GraphError::Window { node: self.name.into(), op: self.op, rows, columns, input })?;
        Ok(input.resized(height, width))
    }

    /// A value of this many channels and of at least one pixel.
    fn resized(&self, value: Shape, height: u32, width: u32) -> Result<Shape, GraphError> {
        self.demand(height > 0 && width > 0, || "the output needs at least one pixel".into())?;
        Ok(value.resized(height, width))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::{Constant, Forward, Padding, Region, ResponseNormalization, Span};

    #[test]
    fn vectors_of_four_channels_are_counted_by_32_bits() {
        let is_taken = |channels, side| Graph::new().input(Shape::new(channels, side, side)).is_ok();
        assert!(is_taken(1, 1) && is_taken(4, 65_535) && is_taken(3, 40_000));
        assert!(!is_taken(0, 8) && !is_taken(8, 0) && !is_taken(5, 50_000) && !is_taken(1, 65_536));
    }

    #[test]
    fn refusals_say_what_was_there_and_what_is_needed() {
        let [alpha, beta, bias] = [1e-4, 0.75, 2.0].map(Constant::new);
        let response = |size| ResponseNormalization { size, alpha, beta, bias };
        let pool = |window| Forward::MaxPool(window);
        let [three, beside] = [Span::from(0, 3), Span { first: 2, count: 2, step: 3 }];
        let region = Region { channels: three, rows: Span::from(0, 4), columns: beside };
        let largest = Window::new([4096, 4096], 1, Padding::all(2048));
        let above = Window::new([4097, 4096], 1, Padding::all(2049));
        for (op, refusal) in [
            (Forward::NormalizeResponse(response(1)), None),
            (Forward::NormalizeResponse(response(0)), Some("it needs at least one channel to sum over")),
            (Forward::LogitPair, Some("cannot take inputs of shapes 3x4x4: expected 1x1x1")),
            (Forward::AveragePool { height: 1, width: 1 }, None),
            (Forward::AveragePool { height: 0, width: 1 }, Some("the output needs at least one pixel")),
            (Forward::AveragePool { height: 1, width: 0 }, Some("the output needs at least one pixel")),
            (Forward::Shuffle { groups: 3 }, None),
            (Forward::Shuffle { groups: 2 }, Some("2 groups need equal shares of channels")),
            (Forward::Shuffle { groups: 0 }, Some("0 groups need equal shares of channels")),
            (
                Forward::Slice(region),
                Some(
                    "it takes 3 channels from 0 in steps of 1, 4 rows from 0 in steps of 1, \
                                           2 columns from 2 in steps of 3, which does not lie in it",
                ),
            ),
            (pool(largest), None),
            (pool(above), Some("4097x4096")),
            (Forward::Input, Some("it takes 0 inputs")),
        ] {
            let mut graph = Graph::new();
            let input = graph.input(Shape::new(3, 4, 4)).unwrap();
            let added = graph.add("node", op, &[input]).map_err(|error| error.to_string());
            match refusal {
                None => assert!(added.is_ok(), "{op:?}: {added:?}"),
                Some(words) => {
                    let error = added.unwrap_err();
                    assert!(error.contains(words) && error.contains("'node'"), "{words}: {error}");
                }
            }
        }
    }

    #[test]
    fn convolutions_share_their_channels_in_equal_groups() {
        let is_taken = |groups, output_channels| {
            let mut graph = Graph::new();
            let input = graph.input(Shape::new(6, 4, 4)).unwrap();
            let convolution = Convolution {
                name: "c".into(),
                input_channels: 6,
                output_channels,
                window: Window::square(1, 1, 0),
                groups,
                bias: true,
            };
            graph.convolve(convolution, input).is_ok()
        };
        assert!(is_taken(1, 5) && is_taken(2, 4) && is_taken(6, 12));
        assert!(!is_taken(0, 6) && !is_taken(2, 5) && !is_taken(4, 8) && !is_taken(1, 0));
    }
}
