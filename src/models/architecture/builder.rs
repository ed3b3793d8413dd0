//! What the families' networks are built of.

use crate::graph::{Activation, Convolution, Forward, Graph, GraphError, Network, NodeId, Shape, Window};

/// A network in the making.
pub(super) struct Builder {
    pub graph: Graph,
    picture: NodeId,
}

/// A convolution as a family describes it.
#[derive(Clone, Copy)]
pub(super) struct Conv {
    channels: u32,
    window: Window,
    groups: u32,
    bias: bool,
}

impl Conv {
    /// To so many channels, in one group, without a bias.
    pub const fn new(channels: u32, window: Window) -> Self {
        Self { channels, window, groups: 1, bias: false }
    }

    pub const fn with_bias(self) -> Self {
        Self { bias: true, ..self }
    }

    pub const fn grouped(self, groups: u32) -> Self {
        Self { groups, ..self }
    }
}

impl Builder {
    /// A network that reads a picture of this shape, and the picture.
    pub fn new(input: Shape) -> Result<(Self, NodeId), GraphError> {
        let mut graph = Graph::new();
        let picture = graph.input(input)?;
        Ok((Self { graph, picture }, picture))
    }

    pub fn convolve(&mut self, name: &str, conv: Conv, x: NodeId) -> Result<NodeId, GraphError> {
        let Conv { channels, window, groups, bias } = conv;
        let input_channels = self.graph.shape(x).channels;
        let convolution =
            Convolution { name: name.into(), input_channels, output_channels: channels, window, groups, bias };
        self.graph.convolve(convolution, x)
    }

    pub fn relu(&mut self, name: &str, x: NodeId) -> Result<NodeId, GraphError> {
        self.graph.add(name, Forward::Clamp(Activation::Relu), &[x])
    }

    pub fn max_pool(&mut self, name: &str, window: Window, x: NodeId) -> Result<NodeId, GraphError> {
        self.graph.add(name, Forward::MaxPool(window), &[x])
    }

    /// The adaptive average of `size` x `size` pixels.
    pub fn average(&mut self, name: &str, size: u32, x: NodeId) -> Result<NodeId, GraphError> {
        self.graph.add(name, Forward::AveragePool { height: size, width: size }, &[x])
    }

    pub fn finish(self, logits: NodeId) -> Result<Network, GraphError> {
        Network::new(self.graph, self.picture, logits)
    }
}
