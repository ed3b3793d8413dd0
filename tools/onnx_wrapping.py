"""Puts an operation of ONNX's tests between a picture and logits, in several ways: a list of cases each, one per
sample, none where a way does not fit the test's inputs."""

from dataclasses import dataclass, field

import numpy
import onnx
from onnx import TensorProto, helper, numpy_helper

MOST_OUTPUTS = 512


@dataclass
class Case:
    """A classifier of the picture, whose logits are the operation's output or sums of it."""

    model: onnx.ModelProto
    picture: numpy.ndarray
    logits: numpy.ndarray
    is_half: bool


def first_is_picture(model, inputs, output):
    """The first input is a photo or grey picture, one sample at a time."""
    x = inputs[0] if inputs else None
    if not is_data(x) or x.ndim != 4 or x.shape[1] not in (1, 3) or output.shape[:1] != x.shape[:1]:
        return []
    return [
        Wrapping(model).case({0: ("picture", part(x, n).shape)}, inputs, part(output, n), part(x, n))
        for n in range(len(x))
    ]


def in_channels(model, inputs, output):
    """The first input is a map of (C, H, W), one sample at a time."""
    return of_maps(model, inputs, output, is_last=False)


def in_last_channels(model, inputs, output):
    """The first input is a map of (H, W, C), one sample at a time."""
    return of_maps(model, inputs, output, is_last=True)


def of_maps(model, inputs, output, is_last):
    x = inputs[0] if inputs else None
    if not is_data(x) or x.ndim not in (2, 3, 4):
        return []
    if x.ndim == 3:
        samples = [(x, output)]
    elif output.shape[:1] == x.shape[:1]:
        samples = [(part(x, n), part(output, n)) for n in range(len(x))]
    else:
        return []
    return [of_map(model, inputs, sample, of_it, is_last) for sample, of_it in samples]


def of_map(model, inputs, sample, output, is_last):
    # A row is the channels of one pixel.
    maps = sample.reshape(-1, 1, 1) if sample.ndim == 2 else sample.reshape(sample.shape[-3:])
    is_last = is_last and sample.ndim > 2
    maps = numpy.moveaxis(maps, -1, 0) if is_last else maps
    wrapping = Wrapping(model)
    source = wrapping.maps(maps, is_last)
    picture = maps.reshape(1, 1, maps.shape[0] * maps.shape[1], -1)
    return wrapping.case({0: (source, sample.shape)}, inputs, output, picture)


def first_is_flat(model, inputs, output):
    """The first input is a grey picture of one row, under another shape."""
    if not inputs or not is_data(inputs[0]):
        return []
    source = {0: ("picture", inputs[0].shape)}
    return [Wrapping(model).case(source, inputs, output, inputs[0].reshape(1, 1, 1, -1))]


def all_are_pictures(model, inputs, output):
    """Each input is a channel of the picture."""
    alike = 2 <= len(inputs) <= 3 and all(is_data(x) and x.shape == inputs[0].shape for x in inputs)
    if not alike:
        return []
    channels = (inputs + inputs[:1])[:3]
    wrapping = Wrapping(model)
    names = [f"channel {index}" for index in range(3)]
    wrapping.split("picture", names)
    sources = {index: (names[index], x.shape) for index, x in enumerate(inputs)}
    return [wrapping.case(sources, inputs, output, numpy.stack([x.reshape(1, -1) for x in channels])[None])]


def all_are_constants(model, inputs, output):
    """What agf folds; the logits are a layer's bias."""
    return [Wrapping(model).case({}, inputs, output, numpy.ones((1, 1, 2, 2), numpy.float32))]


WAYS = [first_is_picture, in_channels, in_last_channels, first_is_flat, all_are_pictures]


def is_data(x):
    return x is not None and x.dtype.kind == "f" and x.size > 0


def part(x, index):
    return x[index : index + 1]


@dataclass
class Wrapping:
    """The nodes before and behind an operation."""

    model: onnx.ModelProto
    nodes: list = field(default_factory=list)
    initializers: list = field(default_factory=list)

    def add(self, op, inputs, output, **attributes):
        self.nodes.append(helper.make_node(op, inputs, [output], **attributes))
        return output

    def constant(self, name, value):
        self.initializers.append(numpy_helper.from_array(numpy.asarray(value, order="C"), name))
        return name

    def reshape(self, name, source, shape):
        return self.add("Reshape", [source, self.constant(f"{name} shape", numpy.array(shape, numpy.int64))], name)

    def opset(self):
        return max(entry.version for entry in self.model.opset_import if entry.domain in ("", "ai.onnx"))

    def split(self, source, names):
        ones = [1] * len(names)
        if self.opset() < 13:
            self.nodes.append(helper.make_node("Split", [source], names, axis=1, split=ones))
        else:
            self.nodes.append(
                helper.make_node("Split", [source, self.constant("ones", numpy.array(ones))], names, axis=1)
            )

    def maps(self, maps, is_last):
        """Maps that are below each other in a grey picture, as channels: a convolution picks them."""
        channels, rows, _ = maps.shape
        picks = numpy.zeros((channels, 1, (channels - 1) * rows + 1, 1), numpy.float32)
        picks[numpy.arange(channels), 0, numpy.arange(channels) * rows, 0] = 1
        self.add("Conv", ["picture", self.constant("picks", picks)], "maps")
        return self.add("Transpose", ["maps"], "maps last", perm=[0, 2, 3, 1]) if is_last else "maps"

    def case(self, sources, inputs, output, picture):
        """The case in which `sources`, by input, are data of a shape, and the other inputs are constants."""
        names = [value.name for value in self.model.graph.input]
        for index, (name, value) in enumerate(zip(names, inputs)):
            if index in sources:
                self.reshape(name, *sources[index])
            else:
                self.constant(name, value)
        node = self.model.graph.node[0]
        self.nodes.append(node)
        result = node.output[0]
        if output.dtype != numpy.float32:
            result = self.add("Cast", [result], "floats", to=TensorProto.FLOAT)
        logits = output.astype(numpy.float64).reshape(-1)
        self.reshape("row", result, [1, output.size])
        sums = numpy.zeros(0)
        if not sources:
            self.reshape("pixels", "picture", [1, picture.size])
            nothing = self.constant("nothing", numpy.zeros((picture.size, output.size), numpy.float32))
            self.add("Gemm", ["pixels", nothing, self.reshape("bias", "row", [output.size])], "logits")
        else:
            sums = numpy.eye(output.size) if output.size <= MOST_OUTPUTS else signs(output.size)
            logits = logits @ sums
            self.add("Gemm", ["row", self.constant("sums", sums.astype(numpy.float32))], "logits")
        is_half = output.dtype == numpy.float16 and output.size <= MOST_OUTPUTS
        return Case(self.built(picture, logits), picture, logits, is_half)

    def built(self, picture, logits):
        graph = helper.make_graph(
            self.nodes,
            "node",
            [helper.make_tensor_value_info("picture", TensorProto.FLOAT, list(picture.shape))],
            [helper.make_tensor_value_info("logits", TensorProto.FLOAT, [1, logits.size])],
            self.initializers,
        )
        built = helper.make_model(graph, opset_imports=self.model.opset_import)
        built.ir_version = self.model.ir_version
        return built


def signs(count):
    return numpy.random.default_rng(1).choice([-1.0, 1.0], (count, MOST_OUTPUTS))
