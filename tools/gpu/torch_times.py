#!/usr/bin/env python3
"""Times what agf has to beat on an NVIDIA card: PyTorch's forward passes, and the five convolution passes per layer
that the method needs.

    tools/gpu/torch_times.py [--variants FILE] [--networks resnet50,vgg19] [--size 224] [--authors CHECKOUT]
                             [--seconds N]

Prints one JSON document. Each figure is there with TF32 off (f32 as agf computes) and on. The five passes of a
convolution are fwd(W, x), fwd(|W|, |x|), bwd(W, g), bwd(|W|, S_C) and bwd(|W|, S_A), nothing else of the method; cuDNN
chooses its algorithms by measuring. --variants names the output of agf-run bench --measure variants --json, whose
layers are timed one by one; --authors a checkout of the method authors' repository (tools/authors.py), whose map is
timed as well. After --seconds nothing more is begun. Exits with 3 where there is no PyTorch with CUDA.
"""

import argparse
import json
import statistics
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
import authors  # noqa: E402  it lies one folder up

NETWORKS = ["efficientnet_lite0", "resnet50", "vgg19", "resnext50_32x4d"]
WARM_UP = 5
REPEATS = 15


def timed(torch, work):
    """Median milliseconds on the GPU, by events around each run."""
    for _ in range(WARM_UP):
        work()
    times = []
    for _ in range(REPEATS):
        begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        begin.record()
        work()
        end.record()
        end.synchronize()
        times.append(begin.elapsed_time(end))
    return statistics.median(times)


def captured(torch, work):
    """The same work as one CUDA graph, without the cost of launching its kernels one by one."""
    stream = torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        for _ in range(WARM_UP):
            work()
    torch.cuda.current_stream().wait_stream(stream)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        work()
    return graph.replay


def set_tf32(torch, is_on):
    torch.backends.cuda.matmul.allow_tf32 = is_on
    torch.backends.cudnn.allow_tf32 = is_on


def network(name):
    if name == "efficientnet_lite0":
        import timm

        return timm.create_model("tf_efficientnet_lite0", pretrained=False)
    import torchvision

    return getattr(torchvision.models, name)(weights=None)


def convolutions(torch, net, x):
    """Of each convolution: the layer, its input and its output's shape."""
    found = []

    def keep(layer, inputs, output):
        found.append((layer, inputs[0].detach(), output.shape))

    hooks = [layer.register_forward_hook(keep) for layer in net.modules() if isinstance(layer, torch.nn.Conv2d)]
    with torch.no_grad():
        net(x)
    for hook in hooks:
        hook.remove()
    return found


def padded(torch, x, layer, shape):
    """The layer's input with the rows and columns that its output needs, half of them above and left."""
    around = []
    for axis in (1, 0):
        size, outputs = x.shape[2 + axis], shape[2 + axis]
        total = max((outputs - 1) * layer.stride[axis] + layer.kernel_size[axis] - size, 0)
        around += [total // 2, total - total // 2]
    return torch.nn.functional.pad(x, around)


def passes(torch, layers):
    """A function that runs all five passes of all layers."""
    cases = []
    for layer, x, shape in layers:
        weight = layer.weight.detach()
        geometry = {
            "stride": layer.stride,
            "padding": layer.padding,
            "dilation": layer.dilation,
            "groups": layer.groups,
        }
        if torch.nn.functional.conv2d(x, weight, **geometry).shape != shape:
            # A layer that pads by itself: as TensorFlow does, with an odd pixel below and right.
            x, geometry["padding"] = padded(torch, x, layer, shape), 0
        cases.append((x, x.abs(), weight, weight.abs(), torch.randn(shape, device=x.device), geometry))

    def run():
        for x, magnitude, weight, absolute, g, geometry in cases:
            torch.nn.functional.conv2d(x, weight, **geometry)
            torch.nn.functional.conv2d(magnitude, absolute, **geometry)
            torch.nn.grad.conv2d_input(x.shape, weight, g, **geometry)
            torch.nn.grad.conv2d_input(x.shape, absolute, g, **geometry)
            torch.nn.grad.conv2d_input(x.shape, absolute, g, **geometry)

    return run


def authors_map(torch, checkout, net, name, x):
    """A function that makes the authors' map; None where their program has no such network."""
    if not checkout or not name.startswith(("vgg", "resnet")):
        return None
    theirs = authors.network(checkout, name, net.state_dict())
    return lambda: authors.explain(theirs, x, 282)


def time_network(torch, name, size, checkout):
    """Milliseconds by kind and TF32."""
    torch.manual_seed(0)
    net = network(name).eval().cuda()
    x = torch.randn(1, 3, size, size, device="cuda")
    five = passes(torch, convolutions(torch, net, x))
    explain = authors_map(torch, checkout, net, name, x)

    def forward():
        net(x)

    result = {}
    for key, is_on in (("tf32_off", False), ("tf32_on", True)):
        set_tf32(torch, is_on)
        with torch.no_grad():
            result[key] = {"forward": timed(torch, forward), "five_passes": timed(torch, five)}
            for kind, work in (("forward_graph", forward), ("five_passes_graph", five)):
                result[key][kind] = timed(torch, captured(torch, work))
        if explain:
            result[key]["authors_map"] = timed(torch, explain)
    return result


def time_layer(torch, layer, size):
    """GFLOP/s of both directions of a layer of agf's list, TF32 off and on."""
    kernel, stride = layer["kernel"], layer["stride"]
    side = max(-(-layer["side"] * size // 224), kernel)
    x = torch.randn(1, layer["input_channels"], side, side, device="cuda")
    weight = torch.randn(layer["output_channels"], layer["input_channels"], kernel, kernel, device="cuda")
    geometry = {"stride": stride, "padding": kernel // 2}
    y = torch.nn.functional.conv2d(x, weight, **geometry)
    flops = 2 * weight.numel() * y.shape[2] * y.shape[3]
    result = {"layer": layer}
    for key, is_on in (("tf32_off", False), ("tf32_on", True)):
        set_tf32(torch, is_on)
        forward = captured(torch, lambda: torch.nn.functional.conv2d(x, weight, **geometry))
        transpose = captured(torch, lambda: torch.nn.grad.conv2d_input(x.shape, weight, y, **geometry))
        result[key] = {
            "forward": flops / 1e6 / timed(torch, forward),
            "transpose": flops / 1e6 / timed(torch, transpose),
        }
    return result


def attempt(end, work, *words):
    """What the work gives, or why it gave nothing: one network that PyTorch cannot run does not stop the others."""
    if time.monotonic() > end:
        return {"failed": "no time left"}
    try:
        return work(*words)
    except Exception as error:  # noqa: BLE001  whatever it is, it goes into the report
        return {"failed": f"{type(error).__name__}: {error}"[:300]}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--variants", type=Path)
    parser.add_argument("--networks", default=",".join(NETWORKS))
    parser.add_argument("--size", type=int, default=224)
    parser.add_argument("--authors", type=Path)
    parser.add_argument("--seconds", type=float, default=600)
    arguments = parser.parse_args()
    end = time.monotonic() + arguments.seconds
    try:
        import torch
    except ImportError:
        print("torch_times: there is no PyTorch here", file=sys.stderr)
        sys.exit(3)
    if not torch.cuda.is_available():
        print("torch_times: this PyTorch has no CUDA device", file=sys.stderr)
        sys.exit(3)
    torch.backends.cudnn.benchmark = True
    document = {"torch": torch.__version__, "cuda": torch.version.cuda, "device": torch.cuda.get_device_name()}
    layers = []
    if arguments.variants and arguments.variants.is_file():
        for measured in json.loads(arguments.variants.read_text() or "{}").get("measurement", {}).get("passes", []):
            if measured["layer"] not in layers:
                layers.append(measured["layer"])
    document["layers"] = [attempt(end, time_layer, torch, layer, arguments.size) for layer in layers]
    document["networks"] = {}
    for name in arguments.networks.split(","):
        work = (time_network, torch, name, arguments.size, arguments.authors)
        document["networks"][name] = attempt(end, *work)
        print(f"torch_times: {name} after {arguments.seconds - end + time.monotonic():.0f} s", file=sys.stderr)
    print(json.dumps(document, indent=1))


if __name__ == "__main__":
    main()
