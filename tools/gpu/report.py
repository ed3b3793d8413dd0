#!/usr/bin/env python3
"""Makes one Markdown page of what tools/gpu.sh has written into a folder; with --name only the name that the page
should have.

    tools/gpu/report.py FOLDER
    tools/gpu/report.py --name FOLDER

What is missing in the folder is missing on the page: its table of parts says why.
"""

import argparse
import json
import re
from pathlib import Path

# Kernels of an explanation that are listed, of each network.
KERNELS = 12


def text(folder, name):
    path = folder / f"{name}.out"
    return path.read_text(errors="replace") if path.is_file() else ""


def document(folder, name):
    """The JSON that a part has printed; None where it did not get so far."""
    try:
        return json.loads(text(folder, name))
    except json.JSONDecodeError:
        return None


def table(columns, rows):
    if not rows:
        return ["nothing was measured", ""]
    lines = [columns, ["---"] * len(columns), *rows]
    return ["| " + " | ".join(str(cell).replace("|", "\\|") for cell in line) + " |" for line in lines] + [""]


def number(value, digits=2):
    return "-" if value is None else f"{value:,.{digits}f}"


def benches(folder):
    """Documents of agf-run bench by network and kind."""
    found = {}
    for path in sorted(folder.glob("bench-*.out")):
        name = path.name.removesuffix(".out").removeprefix("bench-")
        network, kind = name.rsplit("-", 1)
        if (parsed := document(folder, path.name.removesuffix(".out"))) is not None:
            found.setdefault(network, {})[kind] = parsed
    return found


def adapter_of(folder):
    for name in [
        "dispatches",
        "variants",
        *sorted(path.name.removesuffix(".out") for path in folder.glob("bench-*.out")),
    ]:
        if parsed := document(folder, name):
            return parsed["adapter"], parsed["machine"], parsed["agf"]
    return None


def name_of(folder):
    """From the adapter's name: NVIDIA H200 becomes nvidia-h200."""
    found = adapter_of(folder)
    return re.sub(r"[^a-z0-9]+", "-", (found[0]["name"] if found else "unknown").lower()).strip("-")


def header(folder):
    found = adapter_of(folder)
    if not found:
        return ["# A graphics card", ""]
    adapter, machine, version = found
    lanes = adapter["subgroup_lanes"]
    return [
        f"# {adapter['name']}",
        "",
        (
            "Written by `tools/gpu.sh`. Times are medians; networks by the wall clock, from the picture in main memory "
            "to the map there."
        ),
        "",
        f"- adapter: {adapter['kind']}, {adapter['backend']}, driver {adapter['driver']} {adapter['driver_info']}",
        (
            f"- subgroups: {'none' if lanes is None else f'{lanes[0]} to {lanes[1]} lanes'}; "
            f"timestamps: {adapter['timestamps']}"
        ),
        f"- machine: {machine['system']} {machine['architecture']}, {machine['threads']} threads; agf {version}",
        "",
    ]


def parts(folder):
    rows = [line.split("\t") for line in (folder / "parts.tsv").read_text().splitlines()]
    failed = [row for row in rows if len(row) == 3 and row[1] != "ok"]
    seconds = sum(int(row[2]) for row in rows if len(row) == 3)
    lines = [f"{len(rows)} parts in {seconds} s."]
    if failed:
        lines = [
            f"{len(rows)} parts in {seconds} s, of which {len(failed)} did not succeed:",
            "",
            *table(["part", "outcome", "s"], failed),
        ]
    return ["## Parts", "", *lines, ""]


def correctness(folder):
    lines = ["## Values", ""]
    verified = [line.split("\t") for line in text(folder, "verify-all").splitlines() if "\t" in line]
    goldens = [line.split("\t") for line in text(folder, "goldens").splitlines() if "\t" in line]
    for title, rows, column in [("`agf-run verify`", verified, 3), ("goldens", goldens, -1)]:
        failed = [row for row in rows if "passed" not in row[column]]
        lines += [f"{title}: {len(rows) - len(failed)} of {len(rows)} passed.", ""]
        for row in failed:
            lines.append(f"- {' '.join(row)}")
        lines += [""] if failed else []
    worst = sorted(
        (float(row[4]), row[0], row[1]) for row in verified if row[4] not in ("-",) and "passed" in row[3]
    )[-3:]
    if worst:
        words = ", ".join(f"{error:.1e} ({network}, {method})" for error, network, method in reversed(worst))
        lines += [f"Largest distances of a map from the f64 reference: {words}.", ""]
    return lines


def networks(found, torch):
    rows = []
    for network, kinds in found.items():
        for kind, parsed in kinds.items():
            if kind == "start":
                continue
            measured = parsed["measurement"]
            times, batch = measured["networks"], measured["networks"]["batch"]
            together = (
                "-"
                if batch is None
                else f"{batch['pictures']}: {number(batch['together']['median'] / batch['pictures'])}"
            )
            rows.append([
                network,
                kind,
                number(times["forward"]["median"]),
                number(times["explanation"]["median"]),
                number(times["audited_explanation"]["median"]),
                number(times["further_class"]["median"]),
                together,
                number(measured["kernels_total"]["median"]),
                sum(row["steps"] for row in measured["kernels"]),
                number(measured["memory"]["values"] / 1e6, 1),
                number(measured["memory"]["weights"] / 1e6, 1),
            ])
        for key, words in [("tf32_off", "PyTorch, TF32 off"), ("tf32_on", "PyTorch, TF32 on")]:
            if times := (torch or {}).get("networks", {}).get(network, {}).get(key):
                rows.append([
                    network,
                    words,
                    number(times["forward"]),
                    f"five passes: {number(times['five_passes'])}",
                    *["-"] * 7,
                ])
                graph = f"five passes: {number(times['five_passes_graph'])}"
                rows.append([network, f"{words}, CUDA graph", number(times["forward_graph"]), graph, *["-"] * 7])
                if "authors_map" in times:
                    rows.append([
                        network,
                        f"the method authors' program, {words}",
                        "-",
                        number(times["authors_map"]),
                        *["-"] * 7,
                    ])
        if failed := (torch or {}).get("networks", {}).get(network, {}).get("failed"):
            rows.append([network, f"PyTorch: {failed[:120]}", *["-"] * 9])
    columns = ["network", "", "forward, ms", "map, ms", "with its audit, ms", "further class, ms"]
    columns += ["batch: ms per map", "steps alone, ms", "dispatches", "values, MB", "weights, MB"]
    return ["## Networks", "", *table(columns, rows)]


def starts(found):
    rows = []
    for network, kinds in found.items():
        if start := kinds.get("start", {}).get("start"):
            memory = number((start["peak_resident_bytes"] or 0) / 1e6, 0)
            rows.append([
                network,
                number(start["cold_seconds"]["median"]),
                number(start["warm_seconds"]["median"]),
                memory,
            ])
    return ["## Start of the program", "", *table(["network", "cold, s", "warm, s", "process, MB"], rows)]


def kernels(found):
    lines = ["## Kernels of a map", ""]
    for network, kinds in found.items():
        parsed = next((kinds[kind] for kind in kinds if kind.startswith("batch")), None)
        if not parsed:
            continue
        measured = parsed["measurement"]
        rows = []
        for row in measured["kernels"][:KERNELS]:
            milliseconds = row["milliseconds"]["median"]
            share = milliseconds / measured["kernels_total"]["median"]
            rows.append([
                f"`{row['kernel']}`",
                row["shape"],
                row["steps"],
                number(milliseconds, 3),
                f"{share:.0%}",
                number(row["gflops"], 0),
                number(row["share_of_fma"], 3),
                number(row["share_of_copy"], 3),
            ])
        fma, copy = measured["fma_probe"]["median"], measured["copy_probe"]["median"]
        lines += [f"{network}: FMA probe {number(fma, 0)} GFLOP/s, copy probe {number(copy, 0)} GB/s", ""]
        lines += table(["kernel", "shape", "steps", "ms", "of all", "GFLOP/s", "of FMA", "of copy"], rows)
    return lines


def variants(parsed, torch):
    lines = ["## Variants of the dense kernels", ""]
    if not parsed:
        return [*lines, "nothing was measured", ""]
    peers = {json.dumps(entry["layer"]): entry for entry in (torch or {}).get("layers", []) if "layer" in entry}
    measured, rows = parsed["measurement"], []
    for each in measured["passes"]:
        default, best = each["variants"][0], max(each["variants"], key=lambda time: time["gflops"])
        direction = "transpose" if "<-" in each["shape"] else "forward"
        peer = peers.get(json.dumps(each["layer"]), {}).get("tf32_off", {}).get(direction)
        worst = max(
            each["variants"], key=lambda time: float("inf") if time["difference"] is None else time["difference"]
        )
        distance = "NOT FINITE" if worst["difference"] is None else f"{worst['difference']:.0e}"
        rows.append([
            each["shape"],
            default["variant"],
            number(default["gflops"], 0),
            best["variant"],
            number(best["gflops"], 0),
            number(best["share_of_fma"], 3),
            number(peer, 0),
            f"{distance} ({worst['variant']})",
        ])
    lines += [f"GFLOP/s of a direct sum; FMA probe {number(measured['fma_probe']['median'], 0)} GFLOP/s.", ""]
    columns = [
        "pass",
        "default",
        "GFLOP/s",
        "fastest",
        "GFLOP/s",
        "of FMA",
        "PyTorch, TF32 off",
        "farthest from the default",
    ]
    return lines + table(columns, rows)


def dispatches(parsed):
    if not parsed:
        return []
    costs = parsed["measurement"]
    names = {
        "independent": "independent",
        "dependent": "dependent, behind a barrier",
        "dependent_wide": "dependent, 1024 workgroups",
        "dependent_passes": "dependent, a pass each",
        "recording": "recording and submitting, on the CPU",
        "round_trip": "one there and back",
    }
    rows = [
        [words, number(costs[key]["median"]), number(costs[key]["least"]), number(costs[key]["greatest"])]
        for key, words in names.items()
    ]
    counted = "every one ran, in order" if costs["all_counted"] else "NOT EVERY ONE RAN IN ORDER"
    return ["## Cost of a dispatch", "", f"Microseconds, of {costs['dispatches']} in turn; {counted}.", "",
            *table(["dispatch", "median", "least", "greatest"], rows)]  # fmt: skip


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--name", action="store_true")
    arguments = parser.parse_args()
    folder = arguments.folder
    if arguments.name:
        print(name_of(folder))
        return
    found, torch = benches(folder), document(folder, "torch")
    lines = [*header(folder), *networks(found, torch), *correctness(folder), *starts(found)]
    lines += (
        variants(document(folder, "variants"), torch)
        + dispatches(document(folder, "dispatches"))
        + kernels(found)
        + parts(folder)
    )
    print("\n".join(lines).rstrip())


if __name__ == "__main__":
    main()
