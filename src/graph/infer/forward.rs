//! Shapes of what networks are made of.

use super::Inference;
use crate::graph::{Averaging, Forward, GraphError, Padding, Region, Shape, Span};

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
            Forward::ParametricRelu(id) => {
                let ([x], channels) = (self.inputs()?, self.slopes(id)?.channels);
                self.demand(x.channels == channels, || format!("it has {channels} channels"))?;
                Ok(x)
            }
            Forward::NormalizeResponse(normalization) => {
                let [x] = self.inputs()?;
                self.demand(normalization.size > 0, || "it needs at least one channel to sum over".into())?;
                Ok(x)
            }
            Forward::Clamp(_) | Forward::Activate(_) | Forward::NormalizeChannels { .. } => {
                let [x] = self.inputs()?;
                Ok(x)
            }
            Forward::MaxPool(window) => {
                let [x] = self.inputs()?;
                let largest_of_none = || "one of its windows lies beside the picture, so that it has no maximum".into();
                let output = self.windowed(&window, x)?;
                self.demand(!window.misses(x.height, x.width), largest_of_none)?;
                Ok(output)
            }
            Forward::AveragePool { height, width } => {
                let [x] = self.inputs()?;
                self.resized(x, height, width)
            }
            Forward::AverageWindows(averaging) => {
                let [x] = self.inputs()?;
                self.averaged(&averaging, x)
            }
            Forward::Add | Forward::Subtract | Forward::Multiply => self.elementwise(),
            Forward::Concat => self.concatenated(),
            Forward::Slice(region) => {
                let [x] = self.inputs()?;
                self.demand(region.fits(x), || format!("it takes {}, which does not lie in it", spans(region)))?;
                Ok(region.shape())
            }
            Forward::Pad { region, shape } => {
                let [x] = self.inputs()?;
                self.same(x, region.shape(), "the region")?;
                self.demand(region.fits(shape), || format!("{} does not lie in {shape}", spans(region)))?;
                Ok(shape)
            }
            Forward::Shuffle { groups } => {
                let [x] = self.inputs()?;
                let are_equal = x.channels.is_multiple_of(groups);
                self.demand(are_equal, || format!("{groups} groups need equal shares of channels"))?;
                Ok(x)
            }
            Forward::Transpose(order) => {
                let [x] = self.inputs()?;
                Ok(order.shape(x))
            }
            Forward::LogitPair => self.expect([Shape::SCALAR]).map(|()| Shape::vector(2)),
            Forward::Given { channels } => self.inputs::<0>().map(|[]| Shape::vector(channels)),
            Forward::Against => self.all_same(),
            Forward::Normalize => self.inputs::<1>().map(|[x]| x),
        }
    }

    /// The shape of averaged windows of `x`, each of which has a pixel.
    pub(super) fn averaged(&self, averaging: &Averaging, x: Shape) -> Result<Shape, GraphError> {
        let Averaging { window, counted } = averaging;
        let sides = |of: &Padding| [of.top, of.left, of.bottom, of.right];
        let is_within = sides(counted).iter().zip(sides(&window.padding)).all(|(counted, all)| *counted <= all);
        self.demand(is_within, || "padding that counts must lie in the windows' padding".into())?;
        self.windowed(window, x)
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

fn spans(region: Region) -> String {
    let of = |what, Span { first, count, step }: Span| format!("{count} {what} from {first} in steps of {step}");
    [of("channels", region.channels), of("rows", region.rows), of("columns", region.columns)].join(", ")
}
