#!/usr/bin/env python3
"""Runs ONNX's own tests of single operations through agf, and writes the table of operations of docs/models.md.

    tools/onnx_nodes.py [--check] [--reasons] [--keep] [--tests DIR] [--folder DIR]

It makes a virtual environment of its own with PyPI's onnx 1.18.0, the newest with its tests' data, and builds the
example `logits`. A test's operation is put between a picture and the logits (tools/onnx_wrapping.py). Its output, or
random sums of that where it is large, are the logits, which shall be within 1e-5 (relative L2). --tests takes another
folder of node tests, such as that of Debian's libonnx-testdata, /usr/share/libonnx-testdata/data/node. --reasons prints
why tests are not taken. --keep writes what was asked into tests/onnx/nodes.safetensors, which tests/onnx_nodes.rs runs
through the reference in f64: of each case the model, its picture, and the logits, which are empty where agf takes no
such model. With --check the document is not written. The exit code is 0 where every test that agf takes passes.
"""

import argparse
import sys
from collections import defaultdict
from pathlib import Path

import onnx_tools

PACKAGES = ["numpy", "onnx==1.18.0", "safetensors"]
TOLERANCE = 1e-5
KEPT = onnx_tools.ROOT / "tests" / "onnx" / "nodes.safetensors"
# Larger models are not kept, which are those of large sums.
MOST_BYTES = 12_000
DOCUMENT = onnx_tools.ROOT / "docs" / "models.md"
MARKS = ["<!-- operations: written by tools/onnx_nodes.py -->", "<!-- end of operations -->"]
OPERATIONS = """Conv BatchNormalization MaxPool AveragePool GlobalAveragePool GlobalMaxPool Gemm MatMul LRN
    LayerNormalization Dropout Add Sub Mul Div Sum Mean Relu Clip Sigmoid HardSigmoid HardSwish LeakyRelu PRelu Elu Selu
    Celu Softplus Mish Gelu Tanh Erf Concat Flatten Reshape Transpose Squeeze Unsqueeze Shape Slice Gather Split Expand
    Pad Identity Constant ConstantOfShape Cast ReduceMean""".split()
# What shape chains and weight arithmetic are made of; data are taken through the first two as they are.
OF_CONSTANTS = """QuantizeLinear DequantizeLinear CastLike Size Tile Range Where ReduceProd ReduceSum ReduceMax
    ReduceMin Floor Ceil Neg Abs Sqrt Reciprocal Exp Log Pow Min Max Mod Equal Greater Less GreaterOrEqual
    LessOrEqual Not And Or""".split()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--reasons", action="store_true")
    parser.add_argument("--keep", action="store_true")
    parser.add_argument("--tests", type=Path)
    parser.add_argument("--folder", type=Path, default=onnx_tools.FOLDER)
    arguments = parser.parse_args()
    onnx_tools.in_environment(arguments.folder, PACKAGES)
    import onnx

    tests = arguments.tests or Path(onnx.__file__).parent / "backend" / "test" / "data" / "node"
    outcomes = defaultdict(lambda: defaultdict(list))
    asked = {}
    with onnx_tools.Agf() as agf:
        for folder in sorted(tests.iterdir()):
            model = onnx.load(folder / "model.onnx")
            nodes = model.graph.node
            if len(nodes) == 1 and nodes[0].op_type in OPERATIONS + OF_CONSTANTS and nodes[0].domain in ("", "ai.onnx"):
                outcome, what = run(agf, folder, model, arguments.folder, asked)
                outcomes[nodes[0].op_type][outcome].append(f"{folder.name}: {what}")
    failed = [what for by_outcome in outcomes.values() for what in by_outcome["failed"]]
    refused = [what for by_outcome in outcomes.values() for what in by_outcome["refused"]]
    text = table(outcomes)
    print(text, *failed, *(refused if arguments.reasons else []), sep="\n")
    if arguments.keep:
        keep(asked)
    if not arguments.check:
        before, _, rest = DOCUMENT.read_text().partition(MARKS[0])
        _, _, behind = rest.partition(MARKS[1])
        DOCUMENT.write_text("\n".join([before + MARKS[0], text, MARKS[1]]) + behind)
    sys.exit(1 if failed else 0)


def table(outcomes):
    rows = ["| operation | tests passed | not taken |", "|---|---|---|"]
    for operation in OPERATIONS + OF_CONSTANTS:
        by_outcome = outcomes[operation]
        taken = len(by_outcome["passed"]) + len(by_outcome["failed"])
        refused = len(by_outcome["refused"])
        if taken or refused:
            of_what = " of constants" if operation in OF_CONSTANTS else ""
            rows.append(f"| {operation}{of_what} | {len(by_outcome['passed'])} of {taken} | {refused or ''} |")
    return "\n".join(rows)


def run(agf, folder, model, work, asked):
    """passed, failed, or refused; and what was found. All cases and their answers go into `asked`."""
    import onnx_wrapping

    inputs = [tensor(folder, f"input_{index}.pb") for index in range(len(model.graph.input))]
    output = tensor(folder, "output_0.pb")
    if output is None or any(value is None for value in inputs):
        return "refused", "its data are of a type that is not read, or not finite"
    is_of_data = model.graph.node[0].op_type not in OF_CONSTANTS
    ways = onnx_wrapping.WAYS if is_of_data else []
    judgements, reasons = [], []
    # The first way that agf takes, and besides what it makes of constants.
    for way in [*ways, onnx_wrapping.all_are_constants]:
        if judgements and way is not onnx_wrapping.all_are_constants:
            continue
        answers = [(case, ask(agf, case, work)) for case in way(model, inputs, output)]
        asked.update({f"{folder.name}.{way.__name__}.{index}": answer for index, answer in enumerate(answers)})
        errors = [answer["error"] for _, answer in answers if "error" in answer]
        judgements += [judge(answers)] if answers and not errors else []
        reasons += errors[:1]
    failed = [judgement for judgement in judgements if judgement[0] == "failed"]
    return (failed + judgements + [("refused", " / ".join(reasons) or "its data are no picture")])[0]


def tensor(folder, name):
    import numpy
    import onnx
    from google.protobuf.message import DecodeError
    from onnx import numpy_helper

    path = folder / "test_data_set_0" / name
    proto = onnx.TensorProto()
    try:
        proto.ParseFromString(path.read_bytes())
        array = numpy_helper.to_array(proto)
    except (OSError, ValueError, TypeError, KeyError, DecodeError):
        return None
    # Types that NumPy lacks are structures here.
    is_number = array.dtype.kind in "fiub" and not array.dtype.names
    return array if is_number and numpy.isfinite(array).all() else None


def ask(agf, case, work):
    import numpy
    import onnx

    work = work / "nodes"
    work.mkdir(parents=True, exist_ok=True)
    onnx.save(case.model, work / "node.onnx")
    numpy.save(work / "node.npy", case.picture.astype(numpy.float32))
    return agf.logits(work / "node.onnx", work / "node.npy")


def logits_of(case, answer):
    import numpy

    found = numpy.array(answer["logits"][0], numpy.float64)
    # Of a single output agf makes two logits, one for it and one against it.
    return found[:1] - found[1:] if len(case.logits) == 1 else found


def distance(found, expected):
    import numpy

    return numpy.linalg.norm(found - expected) / max(numpy.linalg.norm(expected), 1e-30)


def keep(asked):
    """Writes the cases whose logits are those of ONNX in all digits, and those that are refused."""
    import numpy
    from safetensors.numpy import save_file

    tensors = {}
    for name, (case, answer) in asked.items():
        model = case.model.SerializeToString(deterministic=True)
        is_refused = "error" in answer
        if len(model) > MOST_BYTES or not (is_refused or distance(logits_of(case, answer), case.logits) <= TOLERANCE):
            continue
        tensors[f"{name}.model"] = numpy.frombuffer(model, numpy.uint8)
        tensors[f"{name}.picture"] = numpy.ascontiguousarray(case.picture, numpy.float32)
        tensors[f"{name}.logits"] = case.logits[: 0 if is_refused else None].astype(numpy.float32)
    save_file(tensors, KEPT)


def judge(answers):
    import numpy

    found = numpy.concatenate([logits_of(*answer) for answer in answers])
    expected = numpy.concatenate([case.logits for case, _ in answers])
    if found.shape != expected.shape:
        return "failed", f"{found.shape} values instead of {expected.shape}"
    if answers[0][0].is_half:
        # What agf keeps in 32 bits, as the test's 16 bits would have it.
        found = found.astype(numpy.float16).astype(numpy.float64)
    is_written = numpy.abs(expected - expected.round(4)).max() <= 1e-7
    if is_written and numpy.abs(found - expected).max() <= 1e-4:
        return "passed", "to the four digits that the test has"
    error = distance(found, expected)
    return ("passed" if error <= TOLERANCE else "failed"), f"relative L2 {error:.1e}"


if __name__ == "__main__":
    main()
