//! Shape inference: the shape that an operation gives for inputs of given shapes, or why they do not fit.

use super::{Bias, Graph, GraphError, NodeId, Op, Shape, Window};

pub(super) fn shape(graph: &Graph, name: &str, op: &Op, inputs: &[NodeId]) -> Result<Shape, GraphError> {
    if inputs.iter().any(|input| input.index() >= graph.nodes.len()) || !layer_known(graph, op) {
        return Err(GraphError::Foreign { node: name.into() });
    }
    let shapes: Vec<Shape> = inputs.iter().map(|&input| graph.shape(input)).collect();
    let inference = Inference { graph, name, op, shapes: &shapes };
    inference.count()?;
    inference.shape()
}

fn layer_known(graph: &Graph, op: &Op) -> bool {
    match op {
        Op::Convolve { layer, .. }
        | Op::ConvolveTranspose { layer, .. }
        | Op::ConvolveTransposeMasked { layer, .. }
        | Op::ConvolveOnes { layer, .. } => layer.index() < graph.convolutions.len(),
        Op::Linear { layer, .. } | Op::LinearTranspose { layer, .. } | Op::LinearOnes { layer, .. } => {
            layer.index() < graph.linears.len()
        }
        Op::BatchNorm(id) | Op::BatchNormGradient(id) => (id.0 as usize) < graph.batch_norms.len(),
        Op::BiasGradient(Bias::Convolution(layer)) => layer.index() < graph.convolutions.len(),
        Op::BiasGradient(Bias::Linear(layer)) => layer.index() < graph.linears.len(),
        Op::BiasGradient(Bias::BatchNorm(id)) => (id.0 as usize) < graph.batch_norms.len(),
        Op::Input => graph.input_shape.is_some(),
        _ => true,
    }
}

struct Inference<'a> {
    graph: &'a Graph,
    name: &'a str,
    op: &'a Op,
    shapes: &'a [Shape],
}

impl Inference<'_> {
    fn count(&self) -> Result<(), GraphError> {
        let expected = match self.op {
            Op::Input
            | Op::ClassRequest { .. }
            | Op::PassRequest(_)
            | Op::ConvolveOnes { .. }
            | Op::LinearOnes { .. } => 0,
            Op::MaxPoolTranspose { .. }
            | Op::ClampGradient(_)
            | Op::ClampRelevance(_)
            | Op::Binary(_)
            | Op::ClassIndex
            | Op::OneHot
            | Op::Noise { .. }
            | Op::TargetGradient
            | Op::LogitRelevance(_)
            | Op::MaskedSaliency
            | Op::HeatMap => 2,
            Op::ConvolveTransposeMasked { .. } | Op::SaliencyMaps | Op::FactorBasis | Op::ScaledMagnitude => 3,
            Op::Shift => 4,
            Op::Residual(_) | Op::BoxRelevance => 5,
            Op::FactorMaps | Op::BoxRatio => 6,
            _ => 1,
        };
        self.demand(self.shapes.len() == expected, || format!("it takes {expected} inputs"))
    }

    fn shape(&self) -> Result<Shape, GraphError> {
        let first = self.shapes.first().copied().unwrap_or(Shape::SCALAR);
        match *self.op {
            Op::Input => Ok(self.graph.input_shape.unwrap_or(Shape::SCALAR)),
            Op::ClassRequest { .. } | Op::PassRequest(_) | Op::Reduce(_) | Op::SaliencyMaximum => Ok(Shape::SCALAR),
            Op::Convolve { layer, .. } => self.convolution_output(layer, first),
            Op::ConvolveOnes { layer, height, width, .. } => {
                let channels = self.graph.convolution(layer).input_channels;
                self.convolution_output(layer, Shape::new(channels, height, width))
            }
            Op::ConvolveTranspose { layer, height, width, .. } => {
                let input = Shape::new(self.graph.convolution(layer).input_channels, height, width);
                self.same(first, self.convolution_output(layer, input)?, "the convolution's output")?;
                Ok(input)
            }
            Op::ConvolveTransposeMasked { layer, height, width } => {
                let input = Shape::new(self.graph.convolution(layer).input_channels, height, width);
                let output = self.convolution_output(layer, input)?;
                self.expect(&[output, output, input]).map(|()| input)
            }
            Op::Linear { layer, .. } => {
                let layer = self.graph.linear_layer(layer);
                self.same(first, layer.input, "the layer's input")?;
                Ok(Shape::vector(layer.outputs))
            }
            Op::LinearOnes { layer, .. } => Ok(Shape::vector(self.graph.linear_layer(layer).outputs)),
            Op::LinearTranspose { layer, .. } => {
                let layer = self.graph.linear_layer(layer);
                self.same(first, Shape::vector(layer.outputs), "the layer's output")?;
                Ok(layer.input)
            }
            Op::BatchNorm(id) | Op::BatchNormGradient(id) => {
                let channels = self.graph.batch_norm_layer(id).channels;
                self.demand(first.channels == channels, || format!("it has {channels} channels"))?;
                Ok(first)
            }
            Op::Clamp(_) | Op::Unary(_) => Ok(first),
            Op::ClampGradient(_) | Op::ClampRelevance(_) => self.all_same(),
            Op::MaxPool(window) | Op::MaxPoolIndex(window) => self.windowed(&window, first),
            Op::MaxPoolTranspose { window, height, width } => {
                let input = first.resized(height, width);
                let pooled = self.windowed(&window, input)?;
                self.all_same()?;
                self.same(first, pooled, "the pooled value")?;
                Ok(input)
            }
            Op::AveragePool { height, width } | Op::AveragePoolTranspose { height, width } => {
                self.demand(height > 0 && width > 0, || "the output needs at least one pixel".into())?;
                Ok(first.resized(height, width))
            }
            Op::Binary(_) => self.binary(),
            Op::BiasGradient(bias) => {
                let channels = self.bias_channels(bias);
                self.demand(first.channels == channels, || format!("the layer has {channels} output channels"))?;
                Ok(first)
            }
            Op::Resize { height, width } => {
                self.demand(height > 0 && width > 0, || "the output needs at least one pixel".into())?;
                Ok(first.resized(height, width))
            }
            _ => self.explanation(first),
        }
    }

    fn explanation(&self, first: Shape) -> Result<Shape, GraphError> {
        let at = |index: usize| self.shapes.get(index).copied().unwrap_or(Shape::SCALAR);
        let of_pixels = Shape::new(1, first.height, first.width);
        let maps = Shape::new(2, first.height, first.width);
        let basis = |value: Shape| Shape::new(value.channels, 1, 2);
        match *self.op {
            Op::ClassIndex => self.expect(&[first, Shape::SCALAR]).map(|()| Shape::SCALAR),
            Op::OneHot | Op::TargetGradient | Op::LogitRelevance(_) => {
                self.expect(&[Shape::vector(first.channels), Shape::SCALAR]).map(|()| first)
            }
            Op::Noise { .. } => self.expect(&[first, Shape::SCALAR]).map(|()| first),
            Op::SaliencyMaps => {
                let third = if at(2).pixels() == 1 { Shape::vector(first.channels) } else { first };
                self.expect(&[first, first, third]).map(|()| maps)
            }
            Op::FactorBasis => self.expect(&[first, Shape::SCALAR, maps]).map(|()| basis(first)),
            Op::FactorMaps => {
                let scalar = Shape::SCALAR;
                self.expect(&[first, scalar, basis(first), first, scalar, basis(first)]).map(|()| maps)
            }
            Op::Residual(_) => self.expect(&[first, first, maps, Shape::SCALAR, maps]).map(|()| first),
            Op::MaskedSaliency => self.expect(&[first, maps]).map(|()| first),
            Op::Shift => self.expect(&[first, first, Shape::SCALAR, Shape::SCALAR]).map(|()| first),
            Op::BoxRatio => self.expect(&[first, first, first, first, Shape::SCALAR, Shape::SCALAR]).map(|()| first),
            Op::BoxRelevance => self.expect(&[first, first, first, Shape::SCALAR, Shape::SCALAR]).map(|()| first),
            Op::HeatMap => self.expect(&[first, Shape::SCALAR]).map(|()| of_pixels),
            Op::ScaledMagnitude => self.expect(&[first, Shape::SCALAR, Shape::SCALAR]).map(|()| of_pixels),
            Op::ChannelSum | Op::PlainMap { .. } => Ok(of_pixels),
            _ => Ok(first),
        }
    }

    fn bias_channels(&self, bias: Bias) -> u32 {
        match bias {
            Bias::Convolution(layer) => self.graph.convolution(layer).output_channels,
            Bias::Linear(layer) => self.graph.linear_layer(layer).outputs,
            Bias::BatchNorm(id) => self.graph.batch_norm_layer(id).channels,
        }
    }

    fn binary(&self) -> Result<Shape, GraphError> {
        let [a, b] = [self.shapes[0], self.shapes[1]];
        let broadcast = b == Shape::SCALAR || b == Shape::vector(a.channels);
        self.demand(a == b || broadcast, || {
            "the second must have the first's shape, one value per channel, or be a scalar".into()
        })?;
        Ok(a)
    }

    fn convolution_output(&self, layer: super::ConvolutionId, input: Shape) -> Result<Shape, GraphError> {
        let convolution = self.graph.convolution(layer);
        let channels = convolution.input_channels;
        self.demand(input.channels == channels, || format!("the layer has {channels} input channels"))?;
        self.demand(!convolution.depthwise || convolution.output_channels == channels, || {
            "a depthwise convolution has as many output as input channels".into()
        })?;
        let windowed = self.windowed(&convolution.window, input)?;
        Ok(Shape::new(convolution.output_channels, windowed.height, windowed.width))
    }

    fn windowed(&self, window: &Window, input: Shape) -> Result<Shape, GraphError> {
        let [rows, columns] = window.kernel;
        let [height, width] = window.output(input.height, input.width).ok_or_else(|| GraphError::Window {
            node: self.name.into(),
            op: self.op.name(),
            rows,
            columns,
            input,
        })?;
        Ok(input.resized(height, width))
    }

    fn all_same(&self) -> Result<Shape, GraphError> {
        self.same(self.shapes[1], self.shapes[0], "the first input")?;
        Ok(self.shapes[0])
    }

    fn expect(&self, expected: &[Shape]) -> Result<(), GraphError> {
        let wanted = || {
            let list: Vec<String> = expected.iter().map(Shape::to_string).collect();
            format!("expected {}", list.join(", "))
        };
        self.demand(self.shapes == expected, wanted)
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
        Err(GraphError::Shapes { node: self.name.into(), op: self.op.name(), shapes, why: why() })
    }
}
