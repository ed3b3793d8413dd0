#!/usr/bin/env python3
"""Writes tests/architectures.json: what torchvision and timm compute with the networks that agf has recipes for.

Every network has 10 classes and synthetic weights (src/models/synthetic.rs) by the names of its state dict;
EfficientNet-Lite's, which timm names otherwise, by those of the weights that were first published. The picture is the
synthetic tensor called "input". All is computed in float64.

Needs PyTorch, torchvision 0.14 or newer and timm: on Debian 12 `apt-get install python3-torch python3-torchvision`,
then `pip download --no-deps timm==0.6.13`, unpacked to a folder that PYTHONPATH names.
"""

import json
import math
from pathlib import Path

import numpy
import timm
import torch
import torchvision

from synthetic import uniform

CLASSES = 10
SIZE = (80, 96)
OUTPUT = Path(__file__).resolve().parent.parent / "tests/architectures.json"

TORCHVISION = (
    "alexnet vgg11 vgg11_bn vgg13 vgg13_bn vgg16 vgg16_bn vgg19 vgg19_bn resnet18 resnet34 resnet50 resnet101 "
    "resnet152 wide_resnet50_2 wide_resnet101_2 resnext50_32x4d resnext101_32x8d resnext101_64x4d squeezenet1_0 "
    "squeezenet1_1 densenet121 densenet161 densenet169 densenet201 mobilenet_v2"
).split()


def synthetic(name, module, kind, shape):
    u = uniform(name, math.prod(shape)).reshape(shape)
    is_norm = isinstance(module, torch.nn.BatchNorm2d)
    if kind == "weight":
        values = 0.5 + 0.25 * u if is_norm else u * math.sqrt(6 / math.prod(shape[1:]))
    elif kind == "running_var":
        values = 1 + 0.5 * u
    else:
        values = 0.1 * u
    return torch.from_numpy(values.astype(numpy.float32).astype(numpy.float64))


def first_published(network):
    """The names of EfficientNet-Lite's layers in the weights that were first published, by timm's."""
    names = {"conv_stem": "_conv_stem", "bn1": "_bn0", "conv_head": "_conv_head", "bn2": "_bn1", "classifier": "_fc"}
    index = 0
    for stage, blocks in enumerate(network.blocks):
        for block, module in enumerate(blocks):
            if hasattr(module, "conv_pwl"):
                order = [("conv_pw", "_expand_conv"), ("bn1", "_bn0"), ("conv_dw", "_depthwise_conv"), ("bn2", "_bn1")]
                order += [("conv_pwl", "_project_conv"), ("bn3", "_bn2")]
            else:
                order = [("conv_dw", "_depthwise_conv"), ("bn1", "_bn1"), ("conv_pw", "_project_conv"), ("bn2", "_bn2")]
            for theirs, first in order:
                names[f"blocks.{stage}.{block}.{theirs}"] = f"_blocks.{index}.{first}"
            index += 1
    return names


def logits(network, names):
    network = network.double().eval()
    state = network.state_dict()
    modules = dict(network.named_modules())
    for key, value in state.items():
        layer, kind = key.rsplit(".", 1)
        if kind != "num_batches_tracked":
            state[key] = synthetic(f"{names.get(layer, layer)}.{kind}", modules[layer], kind, tuple(value.shape))
    network.load_state_dict(state)
    picture = uniform("input", 3 * SIZE[0] * SIZE[1]).astype(numpy.float32).astype(numpy.float64)
    with torch.no_grad():
        return network(torch.from_numpy(picture).reshape(1, 3, *SIZE)).flatten().tolist()


def main():
    torch.set_num_threads(1)
    found = {}
    for name in TORCHVISION:
        found[name] = logits(getattr(torchvision.models, name)(weights=None, num_classes=CLASSES), {})
    for lite in range(5):
        network = timm.create_model(f"tf_efficientnet_lite{lite}", num_classes=CLASSES)
        found[f"efficientnet_lite{lite}"] = logits(network, first_published(network))
    lines = [
        f"  {json.dumps(name)}: {json.dumps([float(f'{value:.9g}') for value in values])}"
        for name, values in found.items()
    ]
    OUTPUT.write_text("{\n" + ",\n".join(lines) + "\n}\n")


if __name__ == "__main__":
    main()
