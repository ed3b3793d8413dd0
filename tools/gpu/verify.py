#!/usr/bin/env python3
"""Runs agf-run verify for several networks and all methods, side by side, and prints a line for each.

    tools/gpu/verify.py --program agf-run --families vgg11 resnet18 --whole tiny_vgg

Families are verified with AGF at 64x64, networks of --whole with every method at 32x40. Exits with 1 where any of them
fails.
"""

import argparse
import os
import re
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor


def possible_values(program, option):
    """What the program offers for an option, as its error message lists it."""
    run = subprocess.run([program, "verify", option, "?"], capture_output=True, text=True)
    found = re.search(r"possible values: ([^\]]*)\]", run.stderr)
    if not found:
        sys.exit(f"verify: {option} has no list of possible values: {run.stderr}")
    return [value.strip() for value in found[1].split(",")]


def verify(program, model, method, size):
    line = [program, "verify", "--model", model, "--method", method, "--size", size, "--no-tuning"]
    begin = time.monotonic()
    run = subprocess.run(line, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    error = re.search(r"map against the reference: relative error (\S+)", run.stdout)
    passed = run.returncode == 0
    words = (
        "" if passed else " | ".join(line for line in run.stdout.splitlines() if "rror" in line or "tolerance" in line)
    )
    fields = [model, method, size, "passed" if passed else f"FAILED ({run.returncode})", error[1] if error else "-"]
    print("\t".join([*fields, f"{time.monotonic() - begin:.1f} s", words[:400]]), flush=True)
    return passed


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", required=True)
    parser.add_argument("--families", nargs="+", required=True)
    parser.add_argument("--whole", nargs="+", required=True)
    arguments = parser.parse_args()
    methods = possible_values(arguments.program, "--method")
    cases = [(model, "agf", "64x64") for model in arguments.families]
    cases += [(model, method, "32x40") for model in arguments.whole for method in methods]
    # The reference takes the time, on the CPU.
    with ThreadPoolExecutor(max(1, (os.cpu_count() or 2) // 2)) as pool:
        passed = list(pool.map(lambda case: verify(arguments.program, *case), cases))
    print(f"{sum(passed)} of {len(passed)} passed")
    sys.exit(0 if all(passed) else 1)


if __name__ == "__main__":
    main()
