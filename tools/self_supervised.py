#!/usr/bin/env python3
"""Trains the two small networks of tests/self_supervised/, and makes the pictures there.

    tools/self_supervised.py            write the files; minutes on two cores
    tools/self_supervised.py --check    only train, and say how well both networks do

Both are the recipe tiny_resnet, and see pictures that this program draws: a house, a fir, a flag or a mug stands
upright somewhere among discs and rings on a noisy ground, which look the same from all sides. `rotation` is trained as
RotNet is (Gidaris, Singh, Komodakis, ICLR 2018): it is told by which of four angles a picture was turned, and nothing
of what is on it. `supervised` is told what stands there. Only the object says which way is up, and only the object is a
class, so both must look at it.

Needs Python with numpy and torch; nothing is downloaded. Draws and initial weights follow from SEED, on one thread.
"""

import argparse
import json
import struct
import zlib
from pathlib import Path

import numpy
import torch
from torch import nn

SEED = 20210202
SIDE = 64
STEPS = 3000
BATCH = 64
SHOWN = 8
OUT = Path(__file__).resolve().parent.parent / "tests" / "self_supervised"
MEAN = numpy.array([0.485, 0.456, 0.406], numpy.float32)
STD = numpy.array([0.229, 0.224, 0.225], numpy.float32)
CLASSES = ["house", "fir", "flag", "mug"]
ANGLES = ["upright", "turned left", "upside down", "turned right"]


# --- pictures ---------------------------------------------------------------------------------------------------------


def object_parts(kind, x, y):
    """Masks of the parts of an object in coordinates from -1 to 1, y downwards."""
    box = lambda left, right, top, bottom: (x >= left) & (x <= right) & (y >= top) & (y <= bottom)
    if kind == "house":
        roof = (y >= -1) & (y <= -0.1) & (abs(x) <= (y + 1) / 0.9)
        return [box(-0.75, 0.75, -0.1, 1), roof, box(-0.2, 0.2, 0.4, 1)]
    if kind == "fir":
        crown = numpy.zeros(x.shape, bool)
        for top in (-1.0, -0.6, -0.2):
            crown |= (y >= top) & (y <= top + 0.8) & (abs(x) <= (y - top) * 0.8)
        return [box(-0.15, 0.15, 0.6, 1), crown]
    if kind == "flag":
        return [box(-0.7, -0.5, -1, 1), box(-0.5, 0.8, -1, -0.1), box(-1, -0.2, 0.85, 1)]
    handle = ((x - 0.55) ** 2 + y**2 <= 0.45**2) & ((x - 0.55) ** 2 + y**2 >= 0.25**2) & (x > 0.5)
    return [box(-0.7, 0.55, -0.5, 1), handle, box(-0.7, 0.55, -0.75, -0.5)]


def picture(random):
    """A picture (SIDE, SIDE, 3) in 0..1, the mask of its object, and the number of its kind."""
    rows, columns = numpy.mgrid[0:SIDE, 0:SIDE].astype(numpy.float32)
    coarse = random.uniform(-0.12, 0.12, (9, 9, 3)).repeat(8, 0).repeat(8, 1)
    shift = random.integers(0, 8, 2)
    image = random.uniform(0.25, 0.75, 3) + coarse[shift[0] : shift[0] + SIDE, shift[1] : shift[1] + SIDE]
    image = image + random.normal(0, 0.03, image.shape)
    for _ in range(random.integers(2, 5)):
        center, radius = random.uniform(6, SIDE - 6, 2), random.uniform(4, 9)
        distance = numpy.hypot(rows - center[0], columns - center[1])
        is_ring = random.random() < 0.5
        part = (distance <= radius) & (distance >= radius * 0.6 * is_ring)
        image[part] = random.uniform(0, 1, 3)
    kind = int(random.integers(len(CLASSES)))
    size = random.uniform(11, 16)
    center = random.uniform(size + 1, SIDE - size - 1, 2)
    x, y = (columns - center[1]) / size, (rows - center[0]) / size
    mask = numpy.zeros((SIDE, SIDE), bool)
    for part in object_parts(CLASSES[kind], x, y):
        image[part] = random.uniform(0, 1, 3)
        mask |= part
    return numpy.clip(image, 0, 1).astype(numpy.float32), mask, kind


def batch(random, is_rotation):
    """Normalised pictures (BATCH, 3, SIDE, SIDE) and what a network is told of each."""
    images, answers = [], []
    for _ in range(BATCH):
        image, _, kind = picture(random)
        angle = int(random.integers(4)) if is_rotation else 0
        images.append(numpy.rot90((image - MEAN) / STD, angle).copy())
        answers.append(angle if is_rotation else kind)
    return torch.from_numpy(numpy.stack(images)).permute(0, 3, 1, 2).contiguous(), torch.tensor(answers)


# --- network: the recipe tiny_resnet, with torchvision's names --------------------------------------------------------


class Block(nn.Module):
    def __init__(self, convolutions, shortcut):
        super().__init__()
        for index, (inputs, outputs, kernel, stride) in enumerate(convolutions, 1):
            setattr(self, f"conv{index}", nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False))
            setattr(self, f"bn{index}", nn.BatchNorm2d(outputs))
        self.count = len(convolutions)
        if shortcut:
            inputs, outputs, stride = shortcut
            self.downsample = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))
        else:
            self.downsample = nn.Identity()

    def forward(self, x):
        y = x
        for index in range(1, self.count + 1):
            y = getattr(self, f"bn{index}")(getattr(self, f"conv{index}")(y))
            if index < self.count:
                y = torch.relu(y)
        return torch.relu(y + self.downsample(x))


class TinyResNet(nn.Module):
    def __init__(self, outputs):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 8, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(8)
        self.pool = nn.MaxPool2d(3, 2, 1)
        self.layer1 = nn.Sequential(
            Block([(8, 4, 1, 1), (4, 4, 3, 1), (4, 16, 1, 1)], (8, 16, 1)),
            Block([(16, 4, 1, 1), (4, 4, 3, 1), (4, 16, 1, 1)], None),
        )
        self.layer2 = nn.Sequential(
            Block([(16, 24, 3, 2), (24, 24, 3, 1)], (16, 24, 2)), Block([(24, 24, 3, 1), (24, 24, 3, 1)], None)
        )
        self.fc = nn.Linear(24, outputs)

    def forward(self, x):
        x = self.pool(torch.relu(self.bn1(self.conv1(x))))
        return self.fc(self.layer2(self.layer1(x)).mean((2, 3)))


def train(is_rotation):
    """A trained network, and its accuracy on fresh pictures."""
    torch.manual_seed(SEED)
    random = numpy.random.default_rng(SEED + is_rotation)
    network = TinyResNet(4)
    optimizer = torch.optim.AdamW(network.parameters(), 4e-3, weight_decay=1e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 8e-3, STEPS)
    for step in range(STEPS):
        images, answers = batch(random, is_rotation)
        loss = nn.functional.cross_entropy(network(images), answers)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        if step % 250 == 0:
            print(f"step {step}: loss {loss.item():.3f}", flush=True)
    network.eval()
    fresh, right = numpy.random.default_rng(SEED + 1000), 0
    with torch.no_grad():
        for _ in range(20):
            images, answers = batch(fresh, is_rotation)
            right += (network(images).argmax(1) == answers).sum().item()
    return network, right / (20 * BATCH)


# --- files ------------------------------------------------------------------------------------------------------------


def write_safetensors(path, tensors, metadata):
    header, parts, offset = {"__metadata__": metadata}, [], 0
    for name, tensor in sorted(tensors.items()):
        data = tensor.numpy().astype("<f4").tobytes()
        header[name] = {"dtype": "F32", "shape": list(tensor.shape), "data_offsets": [offset, offset + len(data)]}
        parts.append(data)
        offset += len(data)
    text = json.dumps(header, sort_keys=True).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + b"".join(parts))


def write_png(path, pixels):
    """8-bit, grey (rows, columns) or colour (rows, columns, 3)."""
    rows, columns = pixels.shape[:2]
    chunk = lambda kind, data: (
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    )
    lines = b"".join(b"\0" + pixels[row].tobytes() for row in range(rows))
    header = struct.pack(">IIBBBBB", columns, rows, 8, 2 if pixels.ndim == 3 else 0, 0, 0, 0)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(lines, 9)) + chunk(b"IEND", b"")
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + body)


def write(networks):
    OUT.mkdir(exist_ok=True)
    for name, (network, accuracy, classes) in networks.items():
        tensors = {key: value for key, value in network.state_dict().items() if "num_batches" not in key}
        training = f"tools/self_supervised.py, seed {SEED}, {STEPS} steps of {BATCH} pictures"
        write_safetensors(OUT / f"{name}.safetensors", tensors, {"accuracy": f"{accuracy:.4f}", "training": training})
        (OUT / f"{name}.txt").write_text("\n".join(classes) + "\n")
    random = numpy.random.default_rng(SEED + 2000)
    counts = [0] * len(CLASSES)
    while sum(counts) < SHOWN:
        image, mask, kind = picture(random)
        if counts[kind] * len(CLASSES) >= SHOWN:
            continue
        counts[kind] += 1
        stem = f"{CLASSES[kind]}{counts[kind]}"
        write_png(OUT / f"{stem}.png", (image * 255).round().astype(numpy.uint8))
        write_png(OUT / f"{stem}_mask.png", mask.astype(numpy.uint8))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="write nothing")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    networks = {}
    for name, is_rotation, classes in (("rotation", True, ANGLES), ("supervised", False, CLASSES)):
        network, accuracy = train(is_rotation)
        print(f"{name}: {accuracy:.1%} right")
        networks[name] = (network, accuracy, classes)
    if not arguments.check:
        write(networks)


if __name__ == "__main__":
    main()
