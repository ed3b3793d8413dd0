//! Shapes of what differentiation adds.

use super::Inference;
use crate::graph::{Backward, Bias, GraphError, Shape};

impl Inference<'_> {
    pub(super) fn backward(&self, op: &Backward) -> Result<Shape, GraphError> {
        match *op {
            Backward::OneHot | Backward::TargetGradient => self.of_logits(),
            Backward::ConvolveTranspose { layer, height, width, .. } => {
                let ([v], [input, output]) = (self.inputs()?, self.convolution_shapes(layer, height, width)?);
                self.same(v, output, "the convolution's output")?;
                Ok(input)
            }
            Backward::LinearTranspose { layer, .. } => {
                let ([v], layer) = (self.inputs()?, self.linear(layer)?);
                self.same(v, Shape::vector(layer.outputs), "the layer's output")?;
                Ok(layer.input)
            }
            Backward::BatchNormGradient(id) => {
                let ([g], channels) = (self.inputs()?, self.batch_norm(id)?.channels);
                self.demand(g.channels == channels, || format!("it has {channels} channels"))?;
                Ok(g)
            }
            Backward::ParametricReluGradient(id) => {
                let (g, channels) = (self.all_same()?, self.slopes(id)?.channels);
                self.demand(g.channels == channels, || format!("it has {channels} channels"))?;
                Ok(g)
            }
            Backward::ClampGradient(_)
            | Backward::ActivateGradient(_)
            | Backward::NormalizeGradient
            | Backward::NormalizeResponseGradient(_)
            | Backward::NormalizeChannelsGradient { .. } => self.all_same(),
            Backward::MaxPoolIndex(window) => {
                let [x] = self.inputs()?;
                self.windowed(&window, x)
            }
            Backward::MaxPoolTranspose { window, height, width } => {
                let v = self.all_same()?;
                let input = v.resized(height, width);
                self.same(v, self.windowed(&window, input)?, "the pooled value")?;
                Ok(input)
            }
            Backward::AveragePoolTranspose { height, width } => {
                let [v] = self.inputs()?;
                self.resized(v, height, width)
            }
            Backward::AverageWindowsTranspose { averaging, height, width } => {
                let [v] = self.inputs()?;
                let input = v.resized(height, width);
                self.same(v, self.averaged(&averaging, input)?, "the pooled value")?;
                Ok(input)
            }
            Backward::LogitPairGradient => self.expect([Shape::vector(2)]).map(|()| Shape::SCALAR),
            Backward::BiasGradient(bias) => {
                let ([g], channels) = (self.inputs()?, self.bias_channels(bias)?);
                self.demand(g.channels == channels, || format!("the layer has {channels} output channels"))?;
                Ok(g)
            }
        }
    }

    /// The shape of logits, the first of two inputs, of which the second is a class.
    pub(super) fn of_logits(&self) -> Result<Shape, GraphError> {
        let [logits, _] = self.inputs()?;
        self.expect([Shape::vector(logits.channels), Shape::SCALAR])?;
        Ok(logits)
    }

    fn bias_channels(&self, bias: Bias) -> Result<u32, GraphError> {
        Ok(match bias {
            Bias::Convolution(layer) => self.convolution(layer)?.output_channels,
            Bias::Linear(layer) => self.linear(layer)?.outputs,
            Bias::BatchNorm(id) => self.batch_norm(id)?.channels,
        })
    }
}
