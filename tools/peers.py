#!/usr/bin/env python3
"""Times forward passes of other engines beside agf, on this machine and in one run, and writes the table to
benches/PEERS.md.

    tools/peers.py [--models vgg19,resnet50] [--rounds 7] [--out benches/PEERS.md] [--folder DIR] [--authors CHECKOUT]

It makes a virtual environment of its own in the folder (several gigabytes: PyPI's PyTorch brings CUDA libraries even
where only the CPU is used; where PyTorch's own index of CPU wheels can be reached, that is taken instead), builds
agf-run, and runs every engine round after round in turn, each in a process of its own, so that what disturbs the
machine disturbs all alike. Every engine gets the same network with the same synthetic weights (src/models/synthetic.rs)
and the same input, batch 1, 224x224, f32, as many threads as there are cores. Logits of all engines are compared with
PyTorch's before anything is timed.

--authors names a checkout of the method authors' repository (tools/authors.py), which is no part of this one: then
their map is timed in turn with agf's, and compared with it before.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import time
import venv
from pathlib import Path

import authors

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ["numpy", "onnx", "onnxruntime", "ncnn", "pnnx"]
TORCH = ["torch", "torchvision"]
MODELS = ["vgg19", "resnet50"]
ENGINES = ["pytorch", "onnxruntime", "ncnn", "ncnn-vulkan"]
NAMES = {
    "pytorch": "PyTorch, CPU",
    "onnxruntime": "onnxruntime, CPU",
    "ncnn": "ncnn, CPU",
    "ncnn-vulkan": "ncnn, Vulkan, f32",
}
AUTHORS = "the method authors' program, PyTorch, CPU, forward pass and map"
# Largest difference of logits over the largest logit.
TOLERANCE = 1e-2
# Largest relative L2 distance of maps: that of tests/goldens/README.md for Bottleneck ResNets.
MAP_TOLERANCE = 1e-2
# The class that maps are made of.
CLASS = 282


# --- outside the environment: the controller --------------------------------------------------------------------------


def say(text):
    print(f"peers: {text}", file=sys.stderr, flush=True)


def command(*words, **options):
    return subprocess.run([str(word) for word in words], check=True, **options)


def environment(folder):
    """The environment's interpreter; installs what is missing."""
    python = folder / "venv" / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    if not python.exists():
        say(f"making a virtual environment in {folder}")
        venv.create(folder / "venv", with_pip=True)
    probe = subprocess.run([python, "-c", "import torch, torchvision, onnxruntime, ncnn, pnnx"], capture_output=True)
    if probe.returncode != 0:
        pip = [python, "-m", "pip", "install", "--quiet", "--no-cache-dir"]
        say("installing PyTorch; PIP_INDEX_URL may name an index with wheels without CUDA")
        command(*pip, *TORCH)
        say("installing " + ", ".join(PACKAGES))
        command(*pip, *PACKAGES)
    return python


def worker(python, folder, *words):
    """Runs this file inside the environment and gives back its last line as JSON."""
    run = subprocess.run(
        [python, __file__, "--folder", folder, "--worker", *words], stdout=subprocess.PIPE, text=True, cwd=folder
    )
    if run.returncode != 0:
        raise SystemExit(f"peers: {' '.join(words)} failed with exit code {run.returncode}; its words stand above")
    return json.loads(run.stdout.strip().splitlines()[-1])


def bench(program, model, *options):
    words = [program, "bench", "--model", model, "--weights", "synthetic"]
    words += ["--json", "--no-start", "--repeats", "3", *options]
    run = subprocess.run([str(word) for word in words], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True)
    return json.loads(run.stdout)


def compare_maps(python, folder, program, model, checkout):
    """Whether the authors' program and agf mean the same map."""
    target = folder / model
    words = ["explain", target / "picture.npy", "--model", model, "--weights", "synthetic", "--class", CLASS]
    words += ["--save", "npy", "--no-tuning", "--out", target / "maps"]
    command(program, *words, stdout=subprocess.DEVNULL)
    difference = worker(python, folder, "compare-maps", model, checkout)["difference"]
    say(f"{model}: agf's map differs from the authors' by {difference:.1e}, relative L2")
    if not difference <= MAP_TOLERANCE:
        raise SystemExit(f"peers: agf and the authors' program make different maps of {model}: distance {difference}")


def measure(python, folder, program, model, rounds, checkout):
    """Milliseconds per engine, all rounds; and agf's last document."""
    say(f"{model}: converting and comparing logits")
    worker(python, folder, "convert", model)
    for engine in ENGINES[1:]:
        difference = worker(python, folder, "compare", model, engine)["difference"]
        say(f"{model}: {NAMES[engine]} differs from PyTorch by {difference:.1e} of the largest logit")
        if not difference <= TOLERANCE:
            raise SystemExit(f"peers: {NAMES[engine]} does not compute {model}: difference {difference}")
    times = {engine: [] for engine in [*ENGINES, "agf", "agf-map", "agf-4x4"]}
    if checkout:
        compare_maps(python, folder, program, model, checkout)
        times["authors"] = []
    first = {}
    document = None
    for index in range(rounds):
        for engine in ENGINES:
            result = worker(python, folder, "time", model, engine)
            times[engine].append(result["median"])
            first.setdefault(engine, result["first"])
        if checkout:
            result = worker(python, folder, "time-authors", model, checkout)
            times["authors"].append(result["median"])
            first.setdefault("authors", result["first"])
        document = bench(program, model)
        networks = document["measurement"]["networks"]
        times["agf"].append(networks["forward"]["median"])
        times["agf-map"].append(networks["explanation"]["median"])
        large = bench(program, model, "--winograd", "4")["measurement"]["networks"]
        times["agf-4x4"].append(large["forward"]["median"])
        say(f"{model}: round {index + 1} of {rounds}: " + ", ".join(f"{k} {v[-1]:.0f}" for k, v in times.items()))
    return times, first, document


def table(model, times, first, document):
    forward, whole = statistics.median(times["agf"]), statistics.median(times["agf-map"])
    lines = [
        f"## {model}",
        "",
        (
            "| engine | median of all rounds, ms | least | greatest "
            "| over agf's forward pass | first run of a process, ms |"
        ),
        "|---|---|---|---|---|---|",
    ]
    for engine, name in {**NAMES, "authors": AUTHORS}.items():
        if not (values := times.get(engine)):
            continue
        median = statistics.median(values)
        lines.append(
            f"| {name} | {median:.0f} | {min(values):.0f} | {max(values):.0f} "
            f"| {median / forward:.2f} | {first[engine]:.0f} |"
        )
    adapter = document["adapter"]["name"]
    for name, key in [
        ("forward pass", "agf"),
        ("forward pass, --winograd 4", "agf-4x4"),
        ("forward pass and map", "agf-map"),
    ]:
        low, high, median = min(times[key]), max(times[key]), statistics.median(times[key])
        lines.append(f"| agf on {adapter}, {name} | {median:.0f} | {low:.0f} | {high:.0f} | {median / forward:.2f} | |")
    pytorch, vulkan, large = (statistics.median(times[key]) for key in ["pytorch", "ncnn-vulkan", "agf-4x4"])
    lines += [
        "",
        (
            f"ncnn's forward pass on Vulkan takes {vulkan / forward:.2f} times as long as agf's, "
            f"{vulkan / large:.2f} times with Winograd's tiles"
        ),
        (
            f"of 4x4, which ncnn takes too. agf's map takes {whole / pytorch:.1f} times PyTorch's forward pass on the "
            f"CPU, and {whole / forward:.2f} times agf's own forward pass."
        ),
    ]
    if theirs := times.get("authors"):
        lines.append(f"The method authors' map takes {statistics.median(theirs) / whole:.2f} times as long as agf's.")
    return [*lines, ""]


def write(path, folder, arguments, versions, results):
    adapter = next(iter(results.values()))[2]["adapter"]
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else float("nan")
    lines = [
        "# Other engines",
        "",
        "Written by `" + " ".join(["tools/peers.py", *arguments]) + "`.",
        "",
        (
            "Forward passes of batch 1, 224x224, f32, the same synthetic weights and input everywhere, in turn on the "
            "same machine in the same run;"
        ),
        "each figure is the median over the rounds of medians of several runs. Compare figures within a table only.",
        "",
        (
            f"- machine: {platform.system()} {platform.machine()}, {os.cpu_count()} cores, every engine with as many "
            f"threads; load when done {load:.1f}"
        ),
        f"- Vulkan: {adapter['name']}, {adapter['driver']} {adapter['driver_info']}, the same driver for ncnn and agf",
        "- versions: " + ", ".join(f"{name} {version}" for name, version in versions.items()),
        "",
    ]
    for model, (times, first, document) in results.items():
        lines += table(model, times, first, document)
    path.write_text("\n".join(lines))
    figures = {model: {"times": times, "bench": document} for model, (times, _, document) in results.items()}
    (folder / "peers.json").write_text(json.dumps(figures))
    print("\n".join(lines))


# --- inside the environment: the workers ------------------------------------------------------------------------------


def synthetic(name, shape, kind):
    """The formula of src/models/synthetic.rs."""
    import numpy

    seed = 0xCBF29CE484222325
    for byte in name.encode():
        seed = ((seed ^ byte) * 0x100000001B3) & (2**64 - 1)
    count = int(numpy.prod(shape)) if len(shape) else 1
    z = numpy.arange(1, count + 1, dtype=numpy.uint64) * numpy.uint64(0x9E3779B97F4A7C15) + numpy.uint64(seed)
    z = (z ^ (z >> numpy.uint64(30))) * numpy.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> numpy.uint64(27))) * numpy.uint64(0x94D049BB133111EB)
    z ^= z >> numpy.uint64(31)
    u = (z >> numpy.uint64(40)).astype(numpy.float64) / 2**24 * 2 - 1
    if kind == "weight":
        fan_in = int(numpy.prod(shape[1:]))
        values = u * (6 / fan_in) ** 0.5
    else:
        offset, scale = {"scale": (0.5, 0.25), "variance": (1.0, 0.5)}.get(kind, (0.0, 0.1))
        values = offset + scale * u
    return values.astype(numpy.float32).reshape(shape)


def kind_of(module, parameter):
    import torch

    if isinstance(module, torch.nn.BatchNorm2d):
        return {"weight": "scale", "running_var": "variance"}.get(parameter, "shift")
    return "weight" if parameter == "weight" else "bias"


def network(model):
    import torch
    import torchvision

    torch.set_num_threads(os.cpu_count())
    net = getattr(torchvision.models, model)(weights=None).eval()
    state = net.state_dict()
    modules = dict(net.named_modules())
    for name, value in state.items():
        owner, parameter = name.rsplit(".", 1)
        if parameter != "num_batches_tracked":
            state[name] = torch.from_numpy(synthetic(name, tuple(value.shape), kind_of(modules[owner], parameter)))
    net.load_state_dict(state)
    return net


def picture():
    import numpy

    return numpy.random.default_rng(7).standard_normal((1, 3, 224, 224)).astype(numpy.float32)


def convert(folder, model):
    """Writes the ONNX and ncnn files and PyTorch's logits."""
    import numpy
    import pnnx
    import torch

    target = folder / model
    target.mkdir(exist_ok=True)
    net = network(model)
    x = torch.from_numpy(picture())
    with torch.no_grad():
        numpy.save(target / "logits.npy", net(x).numpy())
    numpy.save(target / "picture.npy", picture())
    torch.onnx.export(net, (x,), str(target / "net.onnx"), dynamo=False)
    # Files are written beside the first; fp16=False keeps the weights in f32. Its own output would mix with ours.
    sys.stdout.flush()
    keep, null = os.dup(1), os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 1)
    try:
        pnnx.export(net, str(target / "net.pt"), (x,), fp16=False)
    finally:
        os.dup2(keep, 1)
    return {"files": sorted(path.name for path in target.iterdir())}


def pytorch_runner(folder, model):
    import torch

    net, x = network(model), torch.from_numpy(picture())

    def run():
        with torch.no_grad():
            return net(x).numpy()

    return run


def onnxruntime_runner(folder, model):
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = os.cpu_count()
    path = str(folder / model / "net.onnx")
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    name, x = session.get_inputs()[0].name, picture()
    return lambda: session.run(None, {name: x})[0]


def ncnn_runner(folder, model, vulkan):
    import ncnn
    import numpy

    net = ncnn.Net()
    net.opt.use_vulkan_compute = vulkan
    net.opt.num_threads = os.cpu_count()
    for option in ["use_fp16_packed", "use_fp16_storage", "use_fp16_arithmetic", "use_bf16_storage"]:
        if hasattr(net.opt, option):
            setattr(net.opt, option, False)
    if vulkan:
        # Index 0 is the only adapter on a machine without a card; a card comes first where there is one.
        net.set_vulkan_device(ncnn.get_default_gpu_index())
    path = str(folder / model / "net.ncnn")
    if net.load_param(path + ".param") != 0 or net.load_model(path + ".bin") != 0:
        raise SystemExit(f"ncnn cannot load {path}")
    x = picture()[0]

    def run():
        extractor = net.create_extractor()
        extractor.input(net.input_names()[0], ncnn.Mat(x).clone())
        return numpy.array(extractor.extract(net.output_names()[0])[1])[None]

    return run


def runner(folder, model, engine):
    make = {"pytorch": pytorch_runner, "onnxruntime": onnxruntime_runner}
    if engine in make:
        return make[engine](folder, model)
    return ncnn_runner(folder, model, engine == "ncnn-vulkan")


def compare(folder, model, engine):
    import numpy

    expected = numpy.load(folder / model / "logits.npy")
    found = runner(folder, model, engine)()
    return {"difference": float(numpy.abs(found - expected).max() / numpy.abs(expected).max())}


def timed(run):
    start = time.perf_counter()
    run()
    return (time.perf_counter() - start) * 1e3


def time_engine(folder, model, engine):
    return repeated(runner(folder, model, engine))


def repeated(run):
    first = timed(run)
    timed(run)
    return {"first": first, "median": statistics.median(timed(run) for _ in range(5))}


def authors_runner(model, checkout):
    import torch

    torch.set_num_threads(os.cpu_count())
    net = authors.network(checkout, model, network(model).state_dict())
    x = torch.from_numpy(picture())
    return lambda: authors.explain(net, x, CLASS).numpy()


def compare_authors(folder, model, checkout):
    import numpy

    theirs = authors_runner(model, checkout)().reshape(-1)
    (path,) = (folder / model / "maps").glob("*.npy")
    ours = numpy.load(path).reshape(-1)
    return {"difference": float(numpy.linalg.norm(ours - theirs) / numpy.linalg.norm(theirs))}


def time_authors(folder, model, checkout):
    return repeated(authors_runner(model, checkout))


def versions(folder):
    from importlib.metadata import version

    return {name: version(name) for name in ["torch", "onnxruntime", "ncnn", "pnnx"]} | {
        "Python": platform.python_version()
    }


WORKERS = {
    "convert": convert,
    "compare": compare,
    "compare-maps": compare_authors,
    "time": time_engine,
    "time-authors": time_authors,
    "versions": versions,
}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", default=",".join(MODELS), help="torchvision's names, separated by commas")
    parser.add_argument("--rounds", type=int, default=7, help="how often all engines are run in turn")
    parser.add_argument("--out", type=Path, default=ROOT / "benches" / "PEERS.md")
    parser.add_argument(
        "--folder", type=Path, default=ROOT / "out" / "peers", help="for the environment and converted networks"
    )
    parser.add_argument("--program", type=Path, help="an agf-run that is built already")
    parser.add_argument(
        "--authors", type=Path, help="a checkout of the method authors' repository, to be timed as well"
    )
    parser.add_argument("--worker", nargs="+", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    folder = arguments.folder.resolve()
    if arguments.worker:
        name, *words = arguments.worker
        print(json.dumps(WORKERS[name](folder, *words)))
        return
    checkout = arguments.authors and arguments.authors.resolve()
    if checkout and not authors.is_checkout(checkout):
        parser.error(f"{checkout} is no checkout of the authors' repository: it has no modules/vgg.py")
    models = arguments.models.split(",")
    if unknown := set(models) - set(MODELS):
        parser.error(f"no such model here: {', '.join(sorted(unknown))}; there are {', '.join(MODELS)}")
    folder.mkdir(parents=True, exist_ok=True)
    program = arguments.program
    if program is None:
        say("building agf-run")
        command("cargo", "build", "--release", cwd=ROOT)
        program = ROOT / "target" / "release" / "agf-run"
    python = environment(folder)
    found = worker(python, folder, "versions")
    results = {model: measure(python, folder, program.resolve(), model, arguments.rounds, checkout) for model in models}
    shown = [word for word in sys.argv[1:]]
    for hidden in ["--folder", "--program", "--out", "--authors"]:
        if hidden in shown:
            del shown[shown.index(hidden) : shown.index(hidden) + 2]
    write(arguments.out, folder, shown, found, results)


if __name__ == "__main__":
    main()
