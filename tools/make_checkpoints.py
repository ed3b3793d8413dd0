#!/usr/bin/env python3
"""Makes the samples in tests/checkpoints: a small state dict as PyTorch checkpoints of every kind, and as safetensors
to compare with.

Needs NumPy and PyTorch 1.13 or newer: on Debian 12 `apt-get install python3-torch`. What is made has the same values on
every run.
"""

import argparse
import collections
import json
import math
import struct
import sys
import zipfile
from pathlib import Path

import torch

from synthetic import uniform

FOLDER = Path(__file__).resolve().parent.parent / "tests/checkpoints"
CODES = {torch.float64: "F64", torch.float32: "F32", torch.float16: "F16", torch.bfloat16: "BF16", torch.int64: "I64"}


class Network(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = torch.nn.Conv2d(3, 4, 3)
        self.bn = torch.nn.BatchNorm2d(4)
        self.fc = torch.nn.Linear(4, 5)

    def forward(self, x):
        return self.fc(self.bn(self.conv(x)).mean((2, 3)))


def network():
    torch.manual_seed(1)
    made = Network().eval()
    made.bn.running_mean.uniform_(-1, 1)
    made.bn.running_var.uniform_(0.5, 1.5)
    return made


def converted(state, dtype):
    cast = lambda tensor: tensor.to(dtype) if tensor.is_floating_point() else tensor
    return collections.OrderedDict((name, cast(tensor)) for name, tensor in state.items())


def safetensors(name, state):
    """Writes the values of a state dict, row-major, as safetensors."""
    header, body, place = {}, [], 0
    for key, tensor in state.items():
        # NumPy has no bfloat16: all tensors go through their bytes.
        data = bytes(tensor.detach().contiguous().reshape(-1).view(torch.uint8).numpy())
        shape = list(tensor.shape)
        header[key] = {"dtype": CODES[tensor.dtype], "shape": shape, "data_offsets": [place, place + len(data)]}
        place += len(data)
        body.append(data)
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    (FOLDER / f"{name}.safetensors").write_bytes(struct.pack("<Q", len(text)) + text + b"".join(body))


def save(name, value, legacy=False, **options):
    torch.save(value, FOLDER / name, _use_new_zipfile_serialization=not legacy, **options)


def views(state):
    """The same values as parts of larger tensors: transposed, with steps, repeated, side by side in one storage."""
    made = collections.OrderedDict(state)
    made["conv.weight"] = state["conv.weight"].permute(2, 3, 1, 0).contiguous().permute(3, 2, 0, 1)
    made["fc.weight"] = torch.stack([state["fc.weight"], torch.zeros(5, 4)], 2)[:, :, 0]
    both = torch.cat([torch.zeros(3), state["conv.bias"], state["bn.bias"], torch.zeros(2)])
    made["conv.bias"], made["bn.bias"] = both[3:7], both[7:11]
    made["bn.weight"] = torch.tensor([1.5]).expand(4)
    return made


def zip64():
    """The plain archive again, with all sizes and places as numbers of 64 bits."""
    limit, zipfile.ZIP64_LIMIT = zipfile.ZIP64_LIMIT, 0
    with zipfile.ZipFile(FOLDER / "zip.pth") as plain, zipfile.ZipFile(FOLDER / "zip64.pth", "w") as large:
        for entry in plain.infolist():
            info = zipfile.ZipInfo(entry.filename)
            with large.open(info, "w", force_zip64=True) as file:
                file.write(plain.read(entry))
    zipfile.ZIP64_LIMIT = limit


def old_tensors(state):
    """As files before 2018 have tensors, by another function."""
    current = torch.Tensor.__reduce_ex__
    describe = lambda tensor: (tensor.storage(), tensor.storage_offset(), tuple(tensor.size()), tensor.stride())
    torch.Tensor.__reduce_ex__ = lambda tensor, _: (torch._utils._rebuild_tensor, describe(tensor))
    save("legacy_old_tensors.pth", {"epoch": 3, "state_dict": state}, legacy=True)
    torch.Tensor.__reduce_ex__ = current


def state_dicts(state):
    safetensors("plain", state)
    save("zip.pth", state)
    save("legacy.pth", state, legacy=True)
    zip64()
    old_tensors(state)
    save("legacy_module.pth", {f"module.{name}": tensor for name, tensor in state.items()}, legacy=True)
    on_gpu = (FOLDER / "legacy.pth").read_bytes().replace(b"ctorch\nFloatStorage", b"ctorch.cuda\nFloatStorage")
    (FOLDER / "legacy_cuda.pth").write_bytes(on_gpu)
    safetensors("views", views(state))
    save("zip_views.pth", views(state))
    save("legacy_views.pth", views(state), legacy=True)
    for name, dtype in [("f16", torch.float16), ("bf16", torch.bfloat16), ("f64", torch.float64)]:
        safetensors(name, converted(state, dtype))
        save(f"zip_{name}.pth", converted(state, dtype))


def wrapped(model, state):
    save("zip_parameters.pth", {"model": {"state_dict": dict(model.named_parameters()) | dict(model.named_buffers())}})
    optimiser = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    model(torch.ones(2, 3, 8, 8)).sum().backward()
    optimiser.step()
    save("zip_net.pth", {"net": state, "epoch": 90, "acc": 93.5})
    everything = {
        "arch": "small",
        "state_dict": state,
        "best_acc1": torch.tensor(0.5),
        "optimizer": optimiser.state_dict(),
    }
    save("legacy_optimiser.pth.tar", everything, legacy=True)
    other = collections.OrderedDict((name, tensor + 1) for name, tensor in state.items())
    save("zip_ema.pth", {"model": state, "model_ema": other, "args": argparse.Namespace(lr=0.1, schedule=[30, 60])})


def refused(model, state):
    save("protocol4.pth", state, pickle_protocol=4)
    save("whole_module.pth", model)
    save("whole_module_inside.pth", {"model": model, "epoch": 1})
    torch.jit.script(model).save(str(FOLDER / "torchscript.pt"))
    save("quantised.pth", {"fc.weight": torch.quantize_per_tensor(state["fc.weight"], 0.1, 0, torch.qint8)})
    save("list.pth", [1, 2, 3])
    save("two.pth", {"student": state, "teacher": state})


def tiny_vgg():
    """The small network of tests with its synthetic weights, as a training script keeps it."""
    shapes = {"features.0": (8, 3, 3, 3), "features.3": (16, 8, 3, 3), "features.5": (16, 16, 3, 3)}
    shapes |= {"classifier.0": (32, 144), "classifier.3": (10, 32)}
    state = collections.OrderedDict()
    for layer, shape in shapes.items():
        scale = math.sqrt(6 / math.prod(shape[1:]))
        for kind, size, factor in [("weight", shape, scale), ("bias", shape[:1], 0.1)]:
            values = factor * uniform(f"{layer}.{kind}", math.prod(size))
            state[f"module.{layer}.{kind}"] = torch.from_numpy(values.astype("float32").reshape(size))
    save("tiny_vgg.pth", {"model": state, "epoch": 1})


def main():
    # So that the class of the whole modules is not called __main__.
    sys.modules["networks"] = sys.modules["__main__"]
    Network.__module__ = "networks"
    FOLDER.mkdir(exist_ok=True)
    model = network()
    state = collections.OrderedDict((name, tensor.clone()) for name, tensor in model.state_dict().items())
    state_dicts(state)
    refused(model, state)
    wrapped(model, state)
    tiny_vgg()


if __name__ == "__main__":
    main()
