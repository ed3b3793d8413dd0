#!/usr/bin/env python3
"""Watches the card's memory while agf-run explains many photos: it must not grow with what was seen.

    tools/gpu/memory.py --program AGF-RUN [--photos N]

Prints seconds and MiB in use on the card, up to ten times a second, from nvidia-smi; the process holds its own share
from the first map on. Exits with 1 where the last third takes 8 MiB more than the middle third, and with 3 without
nvidia-smi.
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SAMPLES = Path(__file__).resolve().parent.parent.parent / "samples"
INTERVAL = 0.1
QUESTION = ["nvidia-smi", "--query-gpu=memory.used", "--format=csv,noheader,nounits"]
# MiB that a driver may take or give back by itself.
SLACK = 8


def used():
    answer = subprocess.run(QUESTION, capture_output=True, text=True, check=True)
    return int(answer.stdout.splitlines()[0])


def watch(line):
    """MiB in use, again and again until the program ends, which must succeed."""
    begin, found = time.monotonic(), []
    process = subprocess.Popen(line, stdout=subprocess.DEVNULL)
    while process.poll() is None:
        found.append(used())
        print(f"{time.monotonic() - begin:.1f}\t{found[-1]}", flush=True)
        time.sleep(INTERVAL)
    if process.returncode:
        sys.exit(f"memory: {line[0]} ended with {process.returncode}")
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", type=Path, required=True)
    parser.add_argument("--photos", type=int, default=400)
    arguments = parser.parse_args()
    if not shutil.which(QUESTION[0]):
        print("memory: there is no nvidia-smi", file=sys.stderr)
        sys.exit(3)
    photos = sorted(SAMPLES.glob("*.jpg"))
    with tempfile.TemporaryDirectory() as folder:
        inputs = Path(folder) / "photos"
        inputs.mkdir()
        for number in range(arguments.photos):
            (inputs / f"{number:05}.jpg").symlink_to(photos[number % len(photos)])
        out = ["--out", str(Path(folder) / "out")]
        found = watch([str(arguments.program), "explain", str(inputs), "--class", "top:2", *out])
    # Without the last readings, among which the program ends.
    third = (len(found) - 2) // 3
    if third < 1:
        sys.exit(f"memory: {len(found)} readings are too few; give it more photos")
    middle, last = max(found[third : 2 * third]), max(found[2 * third : 3 * third])
    print(f"middle third at most {middle} MiB, last third at most {last} MiB")
    sys.exit(last > middle + SLACK)


if __name__ == "__main__":
    main()
