"""What the tools around ONNX files share: an environment, the built example, and files made whole."""

import json
import math
import os
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "target" / "onnx"
HEAD = ["Softmax", "LogSoftmax", "Sigmoid"]
PASSED = ["Identity", "Cast", "Flatten", "Reshape", "Squeeze", "Dropout"]


def in_environment(folder, packages):
    """Goes on in a virtual environment that has these packages."""
    python = folder.resolve() / "venv" / "bin" / "python"
    if Path(sys.prefix) == python.parent.parent:
        return
    if not python.exists():
        venv.create(python.parent.parent, with_pip=True)
    subprocess.run([python, "-m", "pip", "install", "--quiet", *packages], check=True)
    os.execv(python, [str(python), str(Path(sys.argv[0]).resolve()), *absolute(sys.argv[1:])])


def absolute(arguments):
    return [str(Path(word).resolve()) if Path(word).exists() else word for word in arguments]


class Agf:
    """The example `logits`, which answers a line with a line."""

    def __enter__(self):
        command = ["cargo", "build", "--quiet", "--workspace", "--exclude", "agf-viewer", "--example", "logits"]
        subprocess.run(command, cwd=ROOT, check=True)
        program = ROOT / "target" / "debug" / "examples" / "logits"
        pipe = subprocess.PIPE
        self.process = subprocess.Popen([program, "-"], stdin=pipe, stdout=pipe, text=True)
        return self

    def logits(self, model, picture):
        print(f"{model}\t{picture}", file=self.process.stdin, flush=True)
        line = self.process.stdout.readline()
        return json.loads(line) if line else {"error": "agf ended"}

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait()


def logits_of(model):
    """Makes what stands before a final Softmax or Sigmoid an output, and gives its name."""
    import onnx

    makers = {name: node for node in model.graph.node for name in node.output}
    name = model.graph.output[0].name
    found = name
    while name in makers and makers[name].op_type in HEAD + PASSED:
        node = makers[name]
        name = node.input[0]
        if node.op_type in HEAD:
            found = name
    if found != model.graph.output[0].name:
        model.graph.output.append(onnx.helper.make_empty_tensor_value_info(found))
    return found


def fill(model):
    """Replaces weights that ConstantOfShape makes by synthetic ones, as src/models/synthetic.rs describes them."""
    import numpy
    from onnx import numpy_helper

    graph = model.graph
    constants = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    made, sources = {}, {}
    for node in graph.node:
        if node.op_type == "Constant" and node.attribute[0].name == "value":
            constants[node.output[0]] = numpy_helper.to_array(node.attribute[0].t)
        if node.op_type == "ConstantOfShape" and node.input[0] in constants:
            made[node.output[0]] = [int(size) for size in constants[node.input[0]]]
            sources[node.output[0]] = node.output[0]
        if node.op_type in ("Identity", "Unsqueeze", "Reshape") and node.input[0] in sources:
            sources[node.output[0]] = sources[node.input[0]]
    kinds = {}
    roles = {
        "Conv": [None, "weight", "bias"],
        "Gemm": [None, "weight", "bias"],
        "MatMul": ["weight", "weight"],
        "BatchNormalization": [None, "scale", "bias", "bias", "variance"],
        "Mul": ["scale", "scale"],
        "Add": ["bias", "bias"],
    }
    for node in graph.node:
        for name, kind in zip(node.input, roles.get(node.op_type, [])):
            if kind and name in sources:
                kinds[sources[name]] = kind
    for name, kind in kinds.items():
        shape = made[name]
        u = uniform(name, math.prod(shape)).reshape(shape)
        weight = math.sqrt(6 / max(math.prod(shape[1:]), 1))
        offset, factor = {"weight": (0, weight), "bias": (0, 0.1), "scale": (0.5, 0.25), "variance": (1, 0.5)}[kind]
        values = (offset + factor * u).astype(numpy.float32)
        graph.initializer.append(numpy_helper.from_array(values, name))
    kept = [node for node in graph.node if not (node.op_type == "ConstantOfShape" and node.output[0] in kinds)]
    del graph.node[:]
    graph.node.extend(kept)


def uniform(name, count):
    """`u` of src/models/synthetic.rs."""
    import numpy

    seed = 0xCBF29CE484222325
    for byte in name.encode():
        seed = ((seed ^ byte) * 0x100000001B3) % 2**64
    with numpy.errstate(over="ignore"):
        z = numpy.uint64(seed) + numpy.arange(1, count + 1, dtype=numpy.uint64) * numpy.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> numpy.uint64(30))) * numpy.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> numpy.uint64(27))) * numpy.uint64(0x94D049BB133111EB)
        z = z ^ (z >> numpy.uint64(31))
    return (z >> numpy.uint64(40)).astype(numpy.float64) / 2**24 * 2 - 1
