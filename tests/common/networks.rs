//! Well-formed networks made of bytes: whatever the bytes, a network is made, and every operation may be in it.

use agf::graph::{
    Activation, Averaging, Constant, Convolution, Forward, Function, Graph, GraphError, Network, NodeId, Order,
    Padding, Region, ResponseNormalization, Shape, Span, Window,
};

/// Most elements of a value of one sample.
const MOST_ELEMENTS: u64 = 1 << 14;
/// Kinds of steps.
const KINDS: u32 = 18;

/// Numbers that follow from bytes; zeros where those have ended.
pub struct Choices<'a>(std::slice::Iter<'a, u8>);

impl<'a> Choices<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        Self(bytes.iter())
    }

    /// A number from `low` to `high`.
    pub fn number(&mut self, low: u32, high: u32) -> u32 {
        let byte = self.0.next().copied().unwrap_or_default();
        low + u32::from(byte) % (high - low + 1)
    }

    fn pair(&mut self, low: u32, high: u32) -> [u32; 2] {
        [self.number(low, high), self.number(low, high)]
    }

    pub fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.number(0, from.len() as u32 - 1) as usize]
    }
}

/// A network, the size of its pictures, and how many of them there are; bytes say all of it.
pub fn sized(bytes: &[u8], most_side: u32) -> (Network, [u32; 3]) {
    let mut choices = Choices::new(bytes);
    let [height, width, batch] = [choices.number(5, most_side), choices.number(5, most_side), choices.number(1, 3)];
    let network = network(bytes.get(3..).unwrap_or_default(), height, width);
    (network.unwrap_or_else(|error| panic!("{height}x{width}: {error}")), [height, width, batch])
}

/// A network for pictures of three channels of `height` x `width`.
///
/// # Errors
/// None, or else shape inference is at fault: what is added fits.
pub fn network(bytes: &[u8], height: u32, width: u32) -> Result<Network, GraphError> {
    let mut graph = Graph::new();
    let input = graph.input(Shape::new(3, height, width))?;
    let mut builder = Builder { graph, choices: Choices::new(bytes), nodes: vec![input] };
    for step in 0..builder.choices.number(2, 14) {
        if let Some(node) = builder.step(&format!("step{step}"))? {
            builder.nodes.push(node);
        }
    }
    builder.finish(input)
}

/// The nodes, a line each.
pub fn described(graph: &Graph) -> String {
    let name = |id: &NodeId| graph.node(*id).name.clone();
    let line = |id: NodeId| {
        let node = graph.node(id);
        let inputs: Vec<String> = node.inputs.iter().map(name).collect();
        format!("{}: {} = {:?} of {}\n", node.name, node.shape, node.op, inputs.join(", "))
    };
    graph.ids().map(line).collect()
}

struct Builder<'a> {
    graph: Graph,
    choices: Choices<'a>,
    nodes: Vec<NodeId>,
}

impl Builder<'_> {
    /// One of the last three values.
    fn source(&mut self) -> NodeId {
        let back = self.choices.number(1, self.nodes.len().min(3) as u32);
        self.nodes[self.nodes.len() - back as usize]
    }

    /// Adds a node; none where the choices would make one that is too large, or does not fit.
    fn step(&mut self, name: &str) -> Result<Option<NodeId>, GraphError> {
        let x = self.source();
        let shape = self.graph.shape(x);
        let op = match self.choices.number(0, KINDS - 1) {
            0..=3 => return self.convolve(name, x),
            4 => return self.graph.batch_norm(name, 1e-3, x).map(Some),
            5 => return self.graph.parametric_relu(name, x).map(Some),
            6 => return self.binary(name, x),
            7 => return self.concat(name, x),
            8 => Forward::Clamp(self.choices.pick(&[Activation::Relu, Activation::RELU6])),
            9 => Forward::Activate(self.function()),
            10 => Forward::MaxPool(self.window()),
            11 => self.averaging(shape),
            12 => self.adaptive(shape),
            13 => Forward::Slice(self.region(shape)),
            14 => self.pad(shape),
            15 => Forward::Shuffle { groups: self.divisor(shape.channels) },
            16 => self.transpose(),
            _ => self.normalization(),
        };
        if let Forward::MaxPool(window) | Forward::AverageWindows(Averaging { window, .. }) = op
            && window.output(shape.height, shape.width).is_none()
        {
            return Ok(None);
        }
        // It would have no maximum.
        if let Forward::MaxPool(window) = op
            && window.misses(shape.height, shape.width)
        {
            return Ok(None);
        }
        let node = self.graph.add(name, op, &[x])?;
        Ok((self.graph.shape(node).elements() <= MOST_ELEMENTS).then_some(node))
    }

    fn window(&mut self) -> Window {
        let kernel = self.choices.pair(1, 5);
        let within = |side: u32, choices: &mut Choices| choices.number(0, kernel[side as usize] - 1);
        let [top, bottom] = [within(0, &mut self.choices), within(0, &mut self.choices)];
        let [left, right] = [within(1, &mut self.choices), within(1, &mut self.choices)];
        let padding = Padding { top, left, bottom, right };
        let dilation = if self.choices.number(0, 3) == 0 { self.choices.pair(1, 2) } else { [1, 1] };
        let stride = self.choices.number(1, 3);
        let stride = if self.choices.number(0, 3) == 0 { [stride, self.choices.number(1, 2)] } else { [stride; 2] };
        Window { kernel, stride, dilation, padding }
    }

    /// A divisor of a number.
    fn divisor(&mut self, number: u32) -> u32 {
        let divisors: Vec<u32> = (1..=number).filter(|divisor| number.is_multiple_of(*divisor)).collect();
        self.choices.pick(&divisors)
    }

    fn convolve(&mut self, name: &str, x: NodeId) -> Result<Option<NodeId>, GraphError> {
        let Shape { channels, height, width } = self.graph.shape(x);
        let window = match self.choices.number(0, 3) {
            0 => Window::square(1, 1, 0),
            1 => Window::square(3, self.choices.number(1, 2), 1),
            _ => self.window(),
        };
        let groups = match self.choices.number(0, 3) {
            0 => self.divisor(channels),
            1 if channels.is_multiple_of(4) => self.divisor(channels / 4),
            _ => 1,
        };
        let output_channels = match self.choices.number(0, 2) {
            0 if groups == channels => channels,
            // Of whole quads, for which there are kernels where the input's groups are so too.
            1 => groups * 4 * self.choices.number(1, (10 / groups).max(1)),
            _ => groups * self.choices.number(1, (40 / groups).max(1)),
        };
        let bias = self.choices.number(0, 1) == 1;
        let is_small = |[height, width]: [u32; 2]| u64::from(output_channels * height * width) <= MOST_ELEMENTS;
        if !window.output(height, width).is_some_and(is_small) {
            return Ok(None);
        }
        let layer = Convolution { name: name.into(), input_channels: channels, output_channels, window, groups, bias };
        self.graph.convolve(layer, x).map(Some)
    }

    /// With another value of this shape, or with a vector of its channels.
    fn binary(&mut self, name: &str, a: NodeId) -> Result<Option<NodeId>, GraphError> {
        let op = self.choices.pick(&[Forward::Add, Forward::Subtract, Forward::Multiply]);
        let shape = self.graph.shape(a);
        let fits = |b: Shape| b == shape || b == Shape::vector(shape.channels) || b == Shape::SCALAR;
        let partners: Vec<NodeId> = self.nodes.iter().copied().filter(|&b| fits(self.graph.shape(b))).collect();
        let b = match partners.is_empty() || self.choices.number(0, 2) == 0 {
            true => self.graph.add(&format!("{name} mean"), Forward::AveragePool { height: 1, width: 1 }, &[a])?,
            false => self.choices.pick(&partners),
        };
        self.graph.add(name, op, &[a, b]).map(Some)
    }

    fn concat(&mut self, name: &str, first: NodeId) -> Result<Option<NodeId>, GraphError> {
        let Shape { height, width, .. } = self.graph.shape(first);
        let fits = |shape: Shape| (shape.height, shape.width) == (height, width);
        let others: Vec<NodeId> = self.nodes.iter().copied().filter(|&b| fits(self.graph.shape(b))).collect();
        let more = (0..self.choices.number(1, 3)).filter(|_| !others.is_empty()).map(|_| self.choices.pick(&others));
        let inputs: Vec<NodeId> = std::iter::once(first).chain(more).collect();
        let elements: u64 = inputs.iter().map(|&input| self.graph.shape(input).elements()).sum();
        if elements > MOST_ELEMENTS {
            return Ok(None);
        }
        self.graph.add(name, Forward::Concat, &inputs).map(Some)
    }

    fn function(&mut self) -> Function {
        let constant = Constant::new(self.choices.number(1, 8) as f32 / 8.0);
        self.choices.pick(&[
            Function::LeakyRelu { slope: constant },
            Function::Elu { alpha: constant },
            Function::Silu,
            Function::HardSwish,
            Function::Sigmoid,
            Function::Tanh,
            Function::Erf,
        ])
    }

    fn averaging(&mut self, shape: Shape) -> Forward {
        let window = self.window();
        let padding = window.padding;
        let counted = if self.choices.number(0, 1) == 0 { padding } else { Padding::all(0) };
        let window = match self.choices.number(0, 3) {
            0 => window.ceiled(shape.height, shape.width),
            _ => window,
        };
        Forward::AverageWindows(Averaging { window, counted })
    }

    fn adaptive(&mut self, shape: Shape) -> Forward {
        Forward::AveragePool {
            height: self.choices.number(1, shape.height),
            width: self.choices.number(1, shape.width),
        }
    }

    fn span(&mut self, size: u32) -> Span {
        let count = self.choices.number(1, size);
        let first = self.choices.number(0, size - count);
        match self.choices.number(0, 4) {
            0 => Span { first: first + count - 1, count, step: -1 },
            _ => Span::from(first, count),
        }
    }

    fn region(&mut self, Shape { channels, height, width }: Shape) -> Region {
        Region { channels: self.span(channels), rows: self.span(height), columns: self.span(width) }
    }

    fn pad(&mut self, Shape { channels, height, width }: Shape) -> Forward {
        let [before, above] = self.choices.pair(0, 3);
        let [left, behind] = self.choices.pair(0, 3);
        let region = Region {
            channels: Span::from(before, channels),
            rows: Span::from(above, height),
            columns: Span::from(left, width),
        };
        let shape = Shape::new(channels + before + behind, height + above + behind, width + left + behind);
        Forward::Pad { region, shape }
    }

    fn transpose(&mut self) -> Forward {
        let orders = [[0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]];
        Forward::Transpose(Order::new(self.choices.pick(&orders)).unwrap_or(Order::SAME))
    }

    fn normalization(&mut self) -> Forward {
        let [alpha, bias] = self.choices.pair(1, 4).map(|number| Constant::new(number as f32 / 4.0));
        match self.choices.number(0, 1) {
            0 => Forward::NormalizeChannels { epsilon: Constant::new(1e-3) },
            _ => Forward::NormalizeResponse(ResponseNormalization {
                size: self.choices.number(1, 6),
                alpha,
                beta: Constant::new(0.75),
                bias,
            }),
        }
    }

    /// A last layer behind all that was made: a linear one over pooled values, or a convolution and a mean.
    fn finish(mut self, input: NodeId) -> Result<Network, GraphError> {
        let x = *self.nodes.last().unwrap_or(&input);
        let shape = self.graph.shape(x);
        let classes = self.choices.number(1, 6);
        let [height, width] = [shape.height.min(3), shape.width.min(3)];
        let logits = match self.choices.number(0, 2) {
            0 => {
                let (name, window) = ("last".into(), Window::square(1, 1, 0));
                let (input_channels, output_channels) = (shape.channels, classes);
                let layer = Convolution { name, input_channels, output_channels, window, groups: 1, bias: true };
                let x = self.graph.convolve(layer, x)?;
                self.graph.add("mean", Forward::AveragePool { height: 1, width: 1 }, &[x])?
            }
            1 => {
                let x = self.graph.add("pooled", Forward::AveragePool { height, width }, &[x])?;
                let x = self.graph.linear("hidden", 9, x)?;
                let x = self.graph.add("hidden relu", Forward::Clamp(Activation::Relu), &[x])?;
                self.graph.linear("last", classes, x)?
            }
            _ => {
                let x = self.graph.add("pooled", Forward::AveragePool { height, width }, &[x])?;
                self.graph.linear("last", classes, x)?
            }
        };
        Network::new(self.graph, input, logits)
    }
}
