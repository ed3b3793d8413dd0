#!/usr/bin/env python3
"""Measures what the project promises of its speed and writes a table, for benches/RESULTS.md, which says why what is as
it is.

    tools/peers.py && tools/results.py

The figures against other engines are those of the last tools/peers.py (out/peers/peers.json); everything else is
measured now, with agf-run bench and agf-run explain. Run it on a machine that does nothing else.
"""

import argparse
import json
import os
import re
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
STARTS = 5


def bench(program, model, *words):
    line = ["bench", "--model", model, "--json", "--no-start", *words]
    run = subprocess.run([program, *line], stdout=subprocess.PIPE, check=True, text=True)
    return json.loads(run.stdout)["measurement"] | {"document": json.loads(run.stdout)}


def starts(program):
    """Seconds of the README's first command with empty and with full caches, medians."""
    cold, warm = [], []
    for _ in range(STARTS):
        with tempfile.TemporaryDirectory() as folder:
            variables = dict.fromkeys(
                ["MESA_SHADER_CACHE_DIR", "XDG_CACHE_HOME", "__GL_SHADER_DISK_CACHE_PATH"], folder
            )
            for times in (cold, warm):
                line = ["explain", "samples/panda_macaw.jpg", "--class", "giant panda", "--class", "macaw"]
                line += ["--out", folder + "/out"]
                begin = time.perf_counter()
                subprocess.run([program, *line], cwd=ROOT, env=os.environ | variables, check=True, capture_output=True)
                times.append(time.perf_counter() - begin)
    return statistics.median(cold), statistics.median(warm)


def layers(measurements):
    """Kernel rows of convolutions: model, kernel, least of both channel counts, kernel size, stride, least side, share
    of the FMA probe."""
    for model, measurement in measurements.items():
        for row in measurement["kernels"]:
            # Products of Winograd's algorithm and gated steps say so behind the shape.
            found = re.fullmatch(r"(\d+)(?:->|<-)(\d+) (\d+)x\d+/(\d+) (\d+)x(\d+)", row["shape"])
            if found and not re.match("convolution_(depthwise|ones)", row["kernel"]):
                a, b, size, stride, height, width = map(int, found.groups())
                yield model, row, min(a, b), size, stride, min(height, width), row["share_of_fma"]


def share(measurements, fits):
    """Least and median of the shares, weighted by nothing: every kernel and shape counts once."""
    found = [(entry[-1], entry) for entry in layers(measurements) if fits(*entry[1:-1])]
    if not found:
        return "no such kernel in the plans"
    worst, entry = min(found, key=lambda pair: pair[0])
    middle = statistics.median(value for value, _ in found)
    return (
        f"least {worst:.2f} P ({entry[0]}, `{entry[1]['kernel']}`, {entry[1]['shape']}), "
        f"median {middle:.2f} P of {len(found)}"
    )


def winograd(measurement):
    """F(2x2) as fast as a direct sum would have to be: 9/4 of the products' operations, over the time of products and
    transforms together."""
    flops = milliseconds = 0
    for row in measurement["kernels"]:
        product = re.fullmatch(r"(\d+)(?:->|<-)(\d+) 3x3/1 (\d+)x(\d+), F\(2x2\)", row["shape"])
        transform = row["kernel"].startswith("winograd_") and re.fullmatch(r"(\d+)x(\d+)x(\d+)", row["shape"])
        if product and min(map(int, product.groups()[:2])) >= 128 and min(map(int, product.groups()[2:])) >= 28:
            flops += row["flops"] * 9 / 4
            milliseconds += row["milliseconds"]["median"]
        elif transform and int(transform[1]) >= 128 and min(int(transform[2]), int(transform[3])) >= 28:
            milliseconds += row["milliseconds"]["median"]
    gflops = flops / 1e6 / milliseconds
    return f"{gflops / measurement['fma_probe']['median']:.2f} P"


def kernels(measurements):
    def direct(row, channels, size, stride, side):
        return size == 3 and stride == 1 and channels >= 64 and side >= 28

    def pointwise(least, most):
        return lambda row, channels, size, stride, side: size == 1 and least <= side <= most

    return [
        ("direct 3x3 conv, 64 or more channels, 28 px or more", "0.33 P", share(measurements, direct)),
        (
            "F(2x2), effective, transforms included, vgg19, 128 or more channels, 28 px or more",
            "0.6 P",
            winograd(measurements["vgg19"]),
        ),
        ("1x1 conv, 14 px or more", "0.28 P", share(measurements, pointwise(14, 10**6))),
        ("1x1 conv, 7 px", "0.17 P", share(measurements, pointwise(7, 7))),
    ]


def against_peers(path):
    if not path.is_file():
        return [("against other engines", "", "not measured: run tools/peers.py first")]
    rows = []
    for model, goal in [("vgg19", 9), ("resnet50", 17)]:
        times = {
            name: statistics.median(values) for name, values in json.loads(path.read_text())[model]["times"].items()
        }
        for name, key in [("forward", "agf"), ("forward with --winograd 4", "agf-4x4")]:
            speed = times["ncnn-vulkan"] / times[key]
            rows.append((f"{model} {name}, times as fast as ncnn-Vulkan", "2.5", f"{speed:.2f} ({times[key]:.0f} ms)"))
        ratio = times["agf-map"] / times["pytorch"]
        rows.append((
            f"{model} map over PyTorch CPU's forward",
            f"at most {goal}",
            f"{ratio:.1f} ({times['agf-map']:.0f} ms)",
        ))
    return rows


def networks(measurements):
    of = {model: measurement["networks"] for model, measurement in measurements.items()}
    batch = of["efficientnet_lite0"]["batch"]
    return [
        ("vgg19 map over own forward", "at most 5", f"{of['vgg19']['explanation_over_forward']:.2f}"),
        ("resnet50 map over own forward", "at most 6", f"{of['resnet50']['explanation_over_forward']:.2f}"),
        (
            "each further class over own forward, vgg19",
            "at most 3.2",
            f"{of['vgg19']['further_class_over_forward']:.2f}",
        ),
        (
            f"batch {batch['pictures']} over as many single runs, efficientnet_lite0",
            "at most 0.9",
            f"{batch['together_over_singly']:.2f}",
        ),
    ]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", type=Path, default=ROOT / "target" / "release" / "agf-run")
    parser.add_argument("--peers", type=Path, default=ROOT / "out" / "peers" / "peers.json")
    parser.add_argument("--out", type=Path, default=ROOT / "out" / "results.md")
    arguments = parser.parse_args()
    program = arguments.program.resolve()
    measurements = {model: bench(program, model) for model in ["vgg19", "resnet50"]}
    measurements["efficientnet_lite0"] = bench(program, "efficientnet_lite0", "--batch", "8")
    cold, warm = starts(program)
    rows = kernels(measurements) + against_peers(arguments.peers) + networks(measurements)
    rows.append((
        "`agf-run explain samples/panda_macaw.jpg`, both classes, empty caches",
        "at most 8 s",
        f"{cold:.1f} s",
    ))
    rows.append(("the same, caches full", "at most 1.5 s", f"{warm:.2f} s"))
    document = measurements["vgg19"]["document"]
    adapter, machine = document["adapter"], document["machine"]
    probes = [
        f"{model} {value['fma_probe']['median']:.0f} and {value['copy_probe']['median']:.1f}"
        for model, value in measurements.items()
    ]
    lines = [
        "# Results",
        "",
        (
            "Written by `tools/peers.py && tools/results.py`: kernels, ratios of own times and the batch come from "
            "`agf-run bench --model NAME`"
        ),
        (
            "(`--batch 8` for EfficientNet-Lite0), rows against other engines from `tools/peers.py` "
            "([PEERS.md](PEERS.md)), the start from"
        ),
        (
            '`agf-run explain samples/panda_macaw.jpg --class "giant panda" --class macaw`, '
            f"{STARTS} times each. All figures are medians."
        ),
        "",
        (
            f"{machine['system']} {machine['architecture']}, {machine['threads']} threads; "
            f"{adapter['name']}, {adapter['driver']} {adapter['driver_info']}."
        ),
        (
            f"P is the FMA probe of the same run. Probes, GFLOP/s and GB/s: {', '.join(probes)}. "
            f"Load of the machine when done: {os.getloadavg()[0]:.1f}."
        ),
        "",
        "| what | wanted | measured |",
        "|---|---|---|",
        *(f"| {what} | {wanted} | {measured} |" for what, wanted, measured in rows),
        "",
    ]
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    arguments.out.write_text("\n".join(lines))
    print("\n".join(lines))


if __name__ == "__main__":
    main()
