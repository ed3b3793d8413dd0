#!/usr/bin/env python3
"""Turns the ImageNet-segmentation data set (gtsegs_ijcv.mat; Guillaumin, Küttel, Ferrari: ImageNet Auto-annotation with
Segmentation Propagation, IJCV 2014) into photos and masks that `agf-run eval segmentation` reads.

    tools/imagenet_segmentation.py gtsegs_ijcv.mat out      # makes out/images/00000.png, out/masks/00000.png, ...

The file is MATLAB 7.3, that is HDF5. Needs h5py, numpy and Pillow:

    python3 -m venv venv && venv/bin/pip install h5py numpy pillow
"""

import argparse
import sys
from pathlib import Path

import h5py
import numpy
from PIL import Image


def picture(file, index):
    """(height, width, 3), 8 bit. MATLAB stores columns first."""
    return numpy.array(file[file["/value/img"][index, 0]]).transpose((2, 1, 0)).astype(numpy.uint8)


def mask(file, index):
    """(height, width), 1 where the object is. Each cell holds a cell with the mask."""
    cell = file[file["/value/gt"][index, 0]]
    return (numpy.array(file[cell[0, 0]]).transpose((1, 0)) > 0).astype(numpy.uint8)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("mat", type=Path, help="gtsegs_ijcv.mat")
    parser.add_argument("out", type=Path, help="folder to make")
    arguments = parser.parse_args()
    for name in ("images", "masks"):
        (arguments.out / name).mkdir(parents=True, exist_ok=True)
    with h5py.File(arguments.mat, "r") as file:
        count = len(file["/value/img"])
        for index in range(count):
            photo, region = picture(file, index), mask(file, index)
            if photo.shape[:2] != region.shape:
                sys.exit(f"picture {index}: the photo is {photo.shape[:2]}, its mask {region.shape}")
            Image.fromarray(photo).save(arguments.out / "images" / f"{index:05}.png")
            Image.fromarray(region).save(arguments.out / "masks" / f"{index:05}.png")
    print(f"{count} photos with masks in {arguments.out}")


if __name__ == "__main__":
    main()
