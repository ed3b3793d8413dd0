#!/usr/bin/env python3
"""Compares agf-run's maps with tests/goldens, through the program: needs a built agf-run and Python's standard library
alone.

    tools/gpu/goldens.py --program agf-run [--only NAME]

A line per map: golden, class or method, relative L2 distance, tolerance. Exits with 1 where a map is farther off than
the tolerance of tests/goldens/README.md, or the probabilities of the best classes differ by more than a thousandth from
the golden logits'.
"""

import argparse
import array
import json
import math
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
# Golden tensors of other methods than AGF: the method, further options, and how the channels become a map.
METHODS = {
    "gradient": ("gradient", [], abs),
    "guided_backprop": ("guided-backprop", [], abs),
    "input_x_gradient": ("input-x-gradient", [], float),
    "integrated_gradients_20_midpoint": ("integrated-gradients", ["--steps", "20"], float),
}
PROBABILITY_TOLERANCE = 1e-3


def floats(data):
    values = array.array("f")
    values.frombytes(data)
    if sys.byteorder == "big":
        values.byteswap()
    return values


def read_safetensors(path):
    """Metadata, and each tensor's shape and values."""
    data = path.read_bytes()
    size = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + size])
    metadata = header.pop("__metadata__", {})
    tensors = {}
    for name, entry in header.items():
        if entry["dtype"] != "F32":
            raise SystemExit(f"goldens: {path.name}: tensor {name} is {entry['dtype']}, not F32")
        first, end = entry["data_offsets"]
        tensors[name] = (entry["shape"], floats(data[8 + size + first : 8 + size + end]))
    return metadata, tensors


def write_npy(path, shape, values):
    header = f"{{'descr': '<f4', 'fortran_order': False, 'shape': {tuple(shape)}, }}"
    header += " " * (-(len(header) + 11) % 64) + "\n"
    little = array.array("f", values)
    if sys.byteorder == "big":
        little.byteswap()
    path.write_bytes(b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header.encode() + little.tobytes())


def read_npy(path):
    data = path.read_bytes()
    return floats(data[10 + int.from_bytes(data[8:10], "little") :])


def relative_l2(found, expected):
    if len(found) != len(expected):
        return math.inf
    distance = math.fsum((a - b) ** 2 for a, b in zip(found, expected))
    return math.sqrt(distance / math.fsum(b * b for b in expected))


def map_tolerance(model):
    if model in ("resnet18", "resnet34", "tiny_resnet"):
        return 5e-2
    return 1e-2 if model.startswith("resnet") else 1e-3


def softmax(logits):
    highest = max(logits)
    powers = [math.exp(logit - highest) for logit in logits]
    return [power / math.fsum(powers) for power in powers]


class Comparison:
    """One run of agf-run over the input of a golden."""

    def __init__(self, program, path, options, expected, what, tolerance):
        self.program, self.path, self.options = program, path, options
        self.expected, self.what, self.tolerance = expected, what, tolerance

    def run(self):
        """Lines of what was compared, and whether all were within tolerance."""
        metadata, tensors = read_safetensors(self.path)
        shape, values = tensors["input"]
        with tempfile.TemporaryDirectory() as folder:
            write_npy(Path(folder) / "x.npy", shape, values)
            weights = ["--weights", "synthetic"] if metadata["weights"] == "synthetic" else []
            line = [self.program, "explain", f"{folder}/x.npy", "--out", f"{folder}/out", "--save", "npy"]
            line += ["--no-tuning", "--model", metadata["model"], *weights, *self.options]
            run = subprocess.run(line, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
            if run.returncode != 0:
                return [f"{self.path.stem}\t{self.what}\tFAILED\t{run.stdout.strip()[-400:]}"], False
            report = json.loads((Path(folder) / "out" / "report.json").read_text())
            lines, passed = [], True
            for sample, picture in enumerate(report["inputs"]):
                for made in picture["maps"]:
                    found = read_npy(Path(folder) / "out" / made["files"][0])
                    difference = relative_l2(found, self.expected(tensors, made["class"], sample, len(found)))
                    lines.append(self.line(f"{self.what} {made['class']} of {sample}", difference, self.tolerance))
                    passed = passed and difference <= self.tolerance
                _, logits = tensors["logits"]
                count = len(logits) // shape[0]
                expected = softmax(logits[sample * count : (sample + 1) * count])
                difference = max(abs(top["probability"] - expected[top["class"]]) for top in picture["top5"])
                lines.append(self.line(f"probabilities of {sample}", difference, PROBABILITY_TOLERANCE))
                passed = passed and difference <= PROBABILITY_TOLERANCE
        return lines, passed

    def line(self, what, difference, tolerance):
        # NaN is not within any tolerance.
        return (
            f"{self.path.stem}\t{what}\t{difference:.2e}\t{tolerance:.0e}\t"
            f"{'passed' if difference <= tolerance else 'FAILED'}"
        )


def agf_map(tensors, number, sample, length):
    return tensors[f"heatmap.{number}"][1][sample * length : (sample + 1) * length]


def channel_sum(name, of):
    def expected(tensors, number, sample, length):
        values = tensors[name][1]
        channels = len(values) // length
        return [
            math.fsum(of(values[channel * length + pixel]) for channel in range(channels)) for pixel in range(length)
        ]

    return expected


def comparisons(program, only):
    for path in sorted((ROOT / "tests" / "goldens").glob("*.safetensors")):
        if only not in path.stem:
            continue
        metadata, tensors = read_safetensors(path)
        classes = json.loads(metadata.get("classes", f"[{metadata.get('class')}]"))
        options = [word for number in classes for word in ("--class", str(number))]
        if any(name.startswith("heatmap.") for name in tensors):
            changes = [name for name, is_set in json.loads(metadata.get("options", "{}")).items() if is_set]
            changed = [*options, "--ablate", ",".join(changes)] if changes else options
            yield Comparison(program, path, changed, agf_map, "class", map_tolerance(metadata["model"]))
        for name in sorted(METHODS.keys() & tensors.keys()):
            method, further, of = METHODS[name]
            yield Comparison(
                program, path, [*options, "--method", method, *further], channel_sum(name, of), method, 1e-3
            )


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", required=True)
    parser.add_argument("--only", default="", help="part of the goldens' names")
    arguments = parser.parse_args()
    cases = list(comparisons(arguments.program, arguments.only))
    if not cases:
        sys.exit(f"goldens: no golden's name has '{arguments.only}' in it")
    failed = 0
    with ThreadPoolExecutor(4) as pool:
        for lines, passed in pool.map(Comparison.run, cases):
            print("\n".join(lines), flush=True)
            failed += not passed
    print(f"{len(cases) - failed} of {len(cases)} passed")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
