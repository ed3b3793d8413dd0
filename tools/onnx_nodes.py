#!/usr/bin/env python3
"""Runs ONNX's own tests of single operations through agf, and writes the table of operations of docs/models.md.

    tools/onnx_nodes.py [--check] [--folder DIR]

It makes a virtual environment of its own with PyPI's onnx 1.18.0, the newest with its tests' data, and builds the example `logits`. A test's
operation is put between a picture and the logits: its first input is the picture (or all inputs are channels of it), the others are
constants; or all are constants, where agf folds the operation. Its output, or random sums of that where it is large, are the logits, which
shall be within 1e-5 (relative L2). With --check nothing is written. The exit code is 0 where every test that agf takes passes.
"""

import argparse
import sys
from collections import defaultdict
from pathlib import Path

import onnx_tools

PACKAGES = ["numpy", "onnx==1.18.0"]
TOLERANCE = 1e-5
MOST_OUTPUTS = 512
DOCUMENT = onnx_tools.ROOT / "docs" / "models.md"
MARKS = ["<!-- operations: written by tools/onnx_nodes.py -->", "<!-- end of operations -->"]
OPERATIONS = """Conv BatchNormalization MaxPool AveragePool GlobalAveragePool GlobalMaxPool Gemm MatMul LRN Dropout
    Add Sub Mul Div Sum Mean Relu Clip Sigmoid HardSigmoid HardSwish LeakyRelu PRelu Elu Selu Celu Softplus Mish Gelu Tanh Erf
    Concat Flatten Reshape Transpose Squeeze Unsqueeze Shape Slice Gather Split Expand Pad Identity Constant ConstantOfShape Cast
    ReduceMean LayerNormalization QuantizeLinear DequantizeLinear""".split()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--folder", type=Path, default=onnx_tools.FOLDER)
    arguments = parser.parse_args()
    onnx_tools.in_environment(arguments.folder, PACKAGES)
    import onnx

    tests = Path(onnx.__file__).parent / "backend" / "test" / "data" / "node"
    outcomes = defaultdict(lambda: defaultdict(list))
    with onnx_tools.Agf() as agf:
        for folder in sorted(tests.iterdir()):
            model = onnx.load(folder / "model.onnx")
            nodes = model.graph.node
            if len(nodes) == 1 and nodes[0].op_type in OPERATIONS and nodes[0].domain in ("", "ai.onnx"):
                outcome, what = run(agf, folder, model, arguments.folder)
                outcomes[nodes[0].op_type][outcome].append(f"{folder.name}: {what}")
    failed = [what for by_outcome in outcomes.values() for what in by_outcome["failed"]]
    text = table(outcomes)
    print(text, *failed, sep="\n")
    if not arguments.check:
        before, _, rest = DOCUMENT.read_text().partition(MARKS[0])
        _, _, behind = rest.partition(MARKS[1])
        DOCUMENT.write_text("\n".join([before + MARKS[0], text, MARKS[1]]) + behind)
    sys.exit(1 if failed else 0)


def table(outcomes):
    rows = ["| operation | tests passed | not taken |", "|---|---|---|"]
    for operation in OPERATIONS:
        by_outcome = outcomes[operation]
        passed = len(by_outcome["passed"]) + len(by_outcome["failed"])
        if passed:
            refused = len(by_outcome["refused"])
            rows.append(f"| {operation} | {len(by_outcome['passed'])} of {passed} | {refused or ''} |")
    return "\n".join(rows)


def run(agf, folder, model, work):
    """passed, failed, or refused; and what was found."""
    import onnx
    from onnx import numpy_helper

    def tensor(name):
        path = folder / "test_data_set_0" / name
        if not path.exists():
            return None
        proto = onnx.TensorProto()
        proto.ParseFromString(path.read_bytes())
        return numpy_helper.to_array(proto)

    try:
        inputs = [tensor(f"input_{index}.pb") for index in range(len(model.graph.input))]
        output = tensor("output_0.pb")
    except Exception as error:
        return "refused", f"its data are of another kind ({type(error).__name__})"
    if output is None or any(value is None for value in inputs) or output.dtype.kind not in "fiub":
        return "refused", "its data are of another kind"
    reasons = []
    for way in (first_is_picture, all_are_pictures, all_are_constants):
        cases = way(model, inputs, output)
        answers = [ask(agf, case, work) for case in cases or []]
        if not answers:
            continue
        errors = [answer["error"] for answer, _ in answers if "error" in answer]
        if not errors:
            return judge(answers)
        reasons.append(errors[0])
    return "refused", " / ".join(reasons) or "its data are no picture"


def judge(answers):
    import numpy

    # Of a single output agf makes two logits, one for it and one against it.
    single = [len(expected) == 1 for _, expected in answers]
    logits = [numpy.array(answer["logits"][0], numpy.float64) for answer, _ in answers]
    logits = [found[:1] - found[1:] if is_one else found for found, is_one in zip(logits, single)]
    found = numpy.concatenate(logits)
    expected = numpy.concatenate([expected for _, expected in answers])
    if found.shape != expected.shape:
        return "failed", f"{found.shape} values instead of {expected.shape}"
    distance = numpy.linalg.norm(found - expected) / max(numpy.linalg.norm(expected), 1e-30)
    return ("passed" if distance <= TOLERANCE else "failed"), f"relative L2 {distance:.1e}"


def ask(agf, case, work):
    import numpy
    import onnx

    model, picture, expected = case
    work = work / "nodes"
    work.mkdir(parents=True, exist_ok=True)
    onnx.save(model, work / "node.onnx")
    numpy.save(work / "node.npy", picture.astype(numpy.float32))
    return agf.logits(work / "node.onnx", work / "node.npy"), expected


def first_is_picture(model, inputs, output):
    """The first input is the picture, one sample at a time; or a picture of one row under another shape."""
    if not inputs or inputs[0].dtype.kind != "f" or inputs[0].size == 0:
        return None
    x = inputs[0]
    if x.ndim == 4 and x.shape[1] in (1, 3) and output.ndim >= 1 and output.shape[0] == x.shape[0]:
        return [whole(model, [x[n : n + 1]], inputs[1:], output[n : n + 1], x[n : n + 1]) for n in range(x.shape[0])]
    return [whole(model, [x], inputs[1:], output, x.reshape(1, 1, 1, -1))]


def all_are_pictures(model, inputs, output):
    """Each input is a channel of the picture."""
    import numpy

    alike = 2 <= len(inputs) <= 3 and all(x.dtype.kind == "f" and x.shape == inputs[0].shape for x in inputs)
    if not alike or inputs[0].size == 0:
        return None
    channels = (inputs + inputs[:1])[:3]
    picture = numpy.stack([x.reshape(1, 1, -1)[0] for x in channels])[None]
    return [whole(model, inputs, [], output, picture)]


def all_are_constants(model, inputs, output):
    import numpy

    return [whole(model, [], inputs, output, numpy.ones((1, 1, 2, 2), numpy.float32))]


def whole(model, data, constants, output, picture):
    """A classifier of the picture whose logits are the node's output, and these."""
    import numpy
    from onnx import TensorProto, helper, numpy_helper

    graph, nodes, initializers = model.graph, [], []

    def constant(name, value):
        initializers.append(numpy_helper.from_array(numpy.ascontiguousarray(value), name))
        return name

    def flat(name, shape, of):
        nodes.append(helper.make_node("Reshape", [of, constant(f"{name} shape", numpy.array(shape))], [name]))
        return name

    names = [value.name for value in graph.input]
    sources = ["picture"] * len(data)
    if len(data) > 1:
        axis = constant("one each", numpy.array([1] * picture.shape[1]))
        sources = [f"channel {index}" for index in range(picture.shape[1])]
        nodes.append(helper.make_node("Split", ["picture", axis], sources, axis=1))
    for name, source, value in zip(names, sources, data):
        flat(name, value.shape, source)
    for name, value in zip(names[len(data) :], constants):
        constant(name, value)
    nodes.append(graph.node[0])
    result, expected = graph.node[0].output[0], output.astype(numpy.float64).reshape(-1)
    if output.dtype != numpy.float32:
        nodes.append(helper.make_node("Cast", [result], ["floats"], to=TensorProto.FLOAT))
        result = "floats"
    flat("row", [1, output.size], result)
    sums = numpy.eye(output.size, dtype=numpy.float32)
    if data and output.size > MOST_OUTPUTS:
        sums = numpy.random.default_rng(1).choice([-1, 1], (output.size, MOST_OUTPUTS)).astype(numpy.float32)
        expected = expected @ sums.astype(numpy.float64)
    if data:
        nodes.append(helper.make_node("Gemm", ["row", constant("sums", sums)], ["logits"]))
    else:
        # Nothing of the picture, and the folded constant as a bias.
        flat("pixels", [1, picture.size], "picture")
        nothing = constant("nothing", numpy.zeros((picture.size, output.size), numpy.float32))
        flat("bias", [output.size], "row")
        nodes.append(helper.make_node("Gemm", ["pixels", nothing, "bias"], ["logits"]))
    made = helper.make_graph(
        nodes,
        "node",
        [helper.make_tensor_value_info("picture", TensorProto.FLOAT, list(picture.shape))],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, [1, expected.size])],
        initializers,
    )
    made = helper.make_model(made, opset_imports=model.opset_import)
    made.ir_version = model.ir_version
    return made, picture, expected


if __name__ == "__main__":
    main()
