//! Shapes of what only explanations have.

use super::Inference;
use crate::graph::{Explain, GraphError, Shape};

const SCALAR: Shape = Shape::SCALAR;

impl Inference<'_> {
    pub(super) fn explain(&self, op: &Explain) -> Result<Shape, GraphError> {
        match *op {
            Explain::ClassRequest { .. } | Explain::VariationRequest(_) => self.expect([]).map(|()| SCALAR),
            Explain::ClassIndex => self.of_logits().map(|_| SCALAR),
            Explain::LogitRelevance(_) => self.of_logits(),
            Explain::ConvolveParts { layer, .. } => {
                let [x] = self.inputs()?;
                self.convolution_output(layer, x)
            }
            Explain::ConvolveTransposeMasked { layer, height, width } => {
                let [input, output] = self.convolution_shapes(layer, height, width)?;
                self.expect([output, output, input]).map(|()| input)
            }
            Explain::ConvolveOnes { layer, height, width, .. } => {
                self.expect([])?;
                self.convolution_shapes(layer, height, width).map(|[_, output]| output)
            }
            Explain::LinearParts { layer, .. } => {
                let ([x], layer) = (self.inputs()?, self.linear(layer)?);
                self.same(x, layer.input, "the layer's input")?;
                Ok(Shape::vector(layer.outputs))
            }
            Explain::LinearOnes { layer, .. } => {
                self.expect([])?;
                Ok(Shape::vector(self.linear(layer)?.outputs))
            }
            Explain::ClampRelevance(_) => self.all_same(),
            Explain::Unary(_) => self.inputs().map(|[x]| x),
            Explain::Binary(_) => self.elementwise(),
            Explain::Reduce(_) | Explain::SaliencyMaximum => self.inputs().map(|[_]| SCALAR),
            Explain::SaliencyMaps => {
                let [c, _, g] = self.inputs()?;
                let gradient = if g.pixels() == 1 { Shape::vector(c.channels) } else { c };
                self.expect([c, c, gradient]).map(|()| maps(c))
            }
            Explain::MaskedSaliency => self.beside(|c| [c, maps(c)]),
            Explain::FactorBasis => self.beside(|v| [v, SCALAR, maps(v)]).map(basis),
            Explain::FactorMaps => self.beside(|x| [x, SCALAR, basis(x), x, SCALAR, basis(x)]).map(maps),
            Explain::Residual(_) => self.beside(|c| [c, c, maps(c), SCALAR, maps(c)]),
            Explain::Shift => self.beside(|c| [c, c, SCALAR, SCALAR]),
            Explain::BoxRatio => self.beside(|c| [c, c, c, c, SCALAR, SCALAR]),
            Explain::BoxRelevance => self.beside(|x| [x, x, x, SCALAR, SCALAR]),
            Explain::Noise { .. } => self.beside(|x| [x, SCALAR]),
            Explain::Resize { height, width } => {
                let [v] = self.inputs()?;
                self.resized(v, height, width)
            }
            Explain::ChannelSum | Explain::PlainMap { .. } => self.inputs().map(|[v]| of_pixels(v)),
            Explain::ScaledMagnitude => self.beside(|v| [v, SCALAR, SCALAR]).map(of_pixels),
            Explain::HeatMap => self.beside(|relevance| [relevance, SCALAR]).map(of_pixels),
        }
    }

    /// The first input's shape, which says what shapes all of them have.
    fn beside<const N: usize>(&self, shapes: impl FnOnce(Shape) -> [Shape; N]) -> Result<Shape, GraphError> {
        let first = self.inputs::<N>()?.first().copied().unwrap_or(SCALAR);
        self.expect(shapes(first)).map(|()| first)
    }
}

/// One value per pixel.
fn of_pixels(value: Shape) -> Shape {
    Shape::new(1, value.height, value.width)
}

/// Two values per pixel.
fn maps(value: Shape) -> Shape {
    Shape::new(2, value.height, value.width)
}

/// Two values per channel.
fn basis(value: Shape) -> Shape {
    Shape::new(value.channels, 1, 2)
}
