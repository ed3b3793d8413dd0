#!/usr/bin/env python3
"""Compares agf's logits with onnxruntime's for every ONNX model of a folder.

    tools/onnx_logits.py FOLDER [--tolerance 1e-4] [--folder DIR]

It makes a virtual environment of its own, builds the example `logits`, gives every model that has weights the same
random picture, and prints the relative L2 distance of the logits. A final Softmax or Sigmoid is left off for both.
Models whose weights are only shapes (ConstantOfShape) are taken with the synthetic weights that agf gives them
(src/models/synthetic.rs), which are put into the file first. The exit code is 0 where every model is within the
tolerance.
"""

import argparse
import sys
from pathlib import Path

import onnx_tools

PACKAGES = ["numpy", "onnx==1.18.0", "onnxruntime"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", type=Path)
    parser.add_argument("--tolerance", type=float, default=1e-4)
    parser.add_argument("--folder", type=Path, default=onnx_tools.FOLDER)
    arguments = parser.parse_args()
    onnx_tools.in_environment(arguments.folder, PACKAGES)
    models = sorted(arguments.models.rglob("*.onnx"))
    if not models:
        sys.exit(f"{arguments.models} has no .onnx file")
    compared = [compare(path, arguments.folder) for path in models]
    with onnx_tools.Agf() as agf:
        worst = [report(agf, model, arguments.tolerance) for model in compared]
    print(f"{sum(worst)} of {len(worst)} models within {arguments.tolerance:g}")
    sys.exit(0 if all(worst) else 1)


def compare(path, folder):
    """A model with filled weights and its logits as outputs, a picture for it, and what onnxruntime makes of it."""
    import numpy
    import onnx
    import onnxruntime

    onnxruntime.set_default_logger_severity(3)
    model = onnx.load(path)
    onnx_tools.fill(model)
    work = folder / "logits"
    work.mkdir(parents=True, exist_ok=True)
    whole = work / path.name
    onnx.save(model, whole)
    output = onnx_tools.logits_of(model)
    constants = {tensor.name for tensor in model.graph.initializer}
    (picture,) = [value for value in model.graph.input if value.name not in constants]
    shape = [dim.dim_value for dim in picture.type.tensor_type.shape.dim]
    is_last = shape[3] in (1, 3) and shape[1] not in (1, 3)
    usual = [1, 224, 224, 3] if is_last else [1, 3, 224, 224]
    shape = [size if size > 0 else usual[axis] for axis, size in enumerate(shape)]
    shape[0] = 1
    values = numpy.random.default_rng(1).uniform(-1, 1, shape).astype(numpy.float32)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    (expected,) = session.run([output], {picture.name: values})
    image = values.transpose(0, 3, 1, 2) if is_last else values
    numpy.save(work / f"{path.stem}.npy", numpy.ascontiguousarray(image))
    return path.name, whole, work / f"{path.stem}.npy", expected.reshape(-1)


def report(agf, compared, tolerance):
    import numpy

    name, model, picture, expected = compared
    answer = agf.logits(model, picture)
    if "error" in answer:
        print(f"{name}: {answer['error']}")
        return False
    found = numpy.array(answer["logits"][0], dtype=numpy.float64)
    if len(expected) == 1:
        found = found[:1] - found[1:]
    if found.shape != expected.shape:
        print(f"{name}: {found.shape} logits instead of {expected.shape}")
        return False
    distance = numpy.linalg.norm(found - expected) / max(numpy.linalg.norm(expected), 1e-30)
    is_near = bool(distance <= tolerance)
    print(f"{name}: relative L2 {distance:.1e}{'' if is_near else ', beyond the tolerance'}")
    return is_near


if __name__ == "__main__":
    main()
