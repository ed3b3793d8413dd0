//! Shapes of what networks are made of.

use super::Inference;
use crate::graph::{Forward, GraphError, Shape};

impl Inference<'_> {
    pub(super) fn forward(&self, op: &Forward) -> Result<Shape, GraphError> {
        match *op {
            Forward::Input => {
                let [] = self.inputs()?;
                self.graph.input_shape.map_or_else(|| self.foreign(), Ok)
            }
            Forward::Convolve { layer, .. } => {
                let [x] = self.inputs()?;
                self.convolution_output(layer, x)
            }
            Forward::Linear { layer, .. } => {
                let ([x], layer) = (self.inputs()?, self.linear(layer)?);
                self.same(x, layer.input, "the layer's input")?;
                Ok(Shape::vector(layer.outputs))
            }
            Forward::BatchNorm(id) => {
                let ([x], channels) = (self.inputs()?, self.batch_norm(id)?.channels);
                self.demand(x.channels == channels, || format!("it has {channels} channels"))?;
                Ok(x)
            }
            Forward::Clamp(_) | Forward::Activate(_) => {
                let [x] = self.inputs()?;
                Ok(x)
            }
            Forward::MaxPool(window) => {
                let [x] = self.inputs()?;
                self.windowed(&window, x)
            }
            Forward::AveragePool { height, width } => {
                let [x] = self.inputs()?;
                self.resized(x, height, width)
            }
            Forward::Add | Forward::Subtract | Forward::Multiply => self.elementwise(),
            Forward::Concat => self.concatenated(),
            Forward::Slice { first, channels } => {
                let [x] = self.inputs()?;
                let fits = channels > 0 && first.checked_add(channels).is_some_and(|end| end <= x.channels);
                self.demand(fits, || format!("it takes {channels} channels from channel {first} on"))?;
                Ok(Shape { channels, ..x })
            }
            Forward::LogitPair => self.expect([Shape::SCALAR]).map(|()| Shape::vector(2)),
            Forward::Given { channels } => self.inputs::<0>().map(|[]| Shape::vector(channels)),
            Forward::Against => self.all_same(),
            Forward::Normalize => self.inputs::<1>().map(|[x]| x),
        }
    }

    fn concatenated(&self) -> Result<Shape, GraphError> {
        let Some((&first, rest)) = self.shapes.split_first() else { return self.inputs::<1>().map(|[x]| x) };
        let mut shape = first;
        for &other in rest {
            let channels = shape.channels.checked_add(other.channels);
            let fits = (other.height, other.width) == (first.height, first.width) && channels.is_some();
            self.demand(fits, || "all need the same height and width".into())?;
            shape.channels = channels.unwrap_or(shape.channels);
        }
        Ok(shape)
    }
}
