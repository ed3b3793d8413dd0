#!/usr/bin/env python3
"""Asks tests of each change that tools/mutants/tree.py has built whether they notice it.

    tools/mutants/judge.py LIST RESULTS PROGRAM... [--gpu]

PROGRAMs are test programs of the tree. First each test runs alone and says which functions it enters; then each change
meets the tests that enter its function, quick ones first, until one fails. RESULTS/judged.jsonl has a line for each
change: `caught`, by which test, `timeout`, `missed`, or `unreached` where no test enters its function. With --gpu the
programs are asked of what others missed or did not reach, and the lines go to RESULTS/judged-gpu.jsonl; since such
tests take long on a software driver, each change meets as many as take half a minute together. Changes that are judged
already are not asked again, so that a run goes on where another ended; a table is printed in the end.
"""

import argparse
import json
import os
import subprocess
import threading
import time
from collections import Counter, defaultdict
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

# What is held to a time, which two at once do not keep.
TIMED = ["ten_thousand_vectors", "planning_is_linear"]
# Seconds: tests below these run together. Then, without a GPU and with one, what a test may take, and what all that a
# change meets may take together.
QUICK = 0.06
SLOW = {False: 60.0, True: 15.0}
TOGETHER = {False: 600.0, True: 30.0}
UNNOTICED = ("missed", "unreached")


def run(program, tests, seconds, **variables):
    """What happened: `ok`, `timeout`, or the test that failed first."""
    environment = {**os.environ, "RUST_TEST_THREADS": "1", "RUST_BACKTRACE": "0", **variables}
    command = ["prlimit", f"--as={8 << 30}", program, "--exact", *tests]
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    late = threading.Event()
    timer = threading.Timer(seconds, lambda: (late.set(), process.kill()))
    timer.start()
    failed = None
    for line in process.stdout:
        if line.startswith("test ") and line.rstrip().endswith("FAILED"):
            failed = line.split()[1]
            process.kill()
            break
    process.stdout.close()
    code = process.wait()
    timer.cancel()
    if late.is_set():
        return "timeout"
    return failed or ("ok" if code == 0 else f"exit code {code}")


def measured(job):
    """A test's time and the functions that it enters."""
    program, test, notes, slow = job
    notes.unlink(missing_ok=True)
    begin = time.monotonic()
    outcome = run(program, [test], slow, AGF_REACH=str(notes))
    seconds = time.monotonic() - begin
    entered = sorted(set(map(int, notes.read_text().split()))) if notes.exists() else []
    return {"program": program, "test": test, "seconds": seconds, "outcome": outcome, "entered": entered}


def tests_of(programs, results, slow):
    folder = results / "reach"
    folder.mkdir(exist_ok=True)
    jobs = []
    for program in programs:
        listed = subprocess.run([program, "--list", "--format=terse"], capture_output=True, text=True, check=True)
        names = [line.removesuffix(": test") for line in listed.stdout.splitlines() if line.endswith(": test")]
        names = [name for name in names if not any(timed in name for timed in TIMED)]
        jobs += [(program, name, folder / f"{Path(program).name}.{name}", slow) for name in names]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        tests = list(pool.map(measured, jobs))
    for test in tests:
        if test["outcome"] != "ok":
            print(f"mutants: left out, {test['outcome']} without any change: {test['test']}")
    return sorted((test for test in tests if test["outcome"] == "ok"), key=lambda test: test["seconds"])


def judge(change, tests):
    """Whether tests, the quickest first, notice a change."""
    together = defaultdict(list)
    for test in tests:
        if test["seconds"] < QUICK:
            together[test["program"]].append(test["test"])
    asked = [(program, names, 20.0) for program, names in together.items()]
    asked += [(t["program"], [t["test"]], 15.0 + 6.0 * t["seconds"]) for t in tests if t["seconds"] >= QUICK]
    for program, names, seconds in asked:
        outcome = run(program, names, seconds, AGF_MUTANT=str(change))
        if outcome != "ok":
            return ("timeout", None) if outcome == "timeout" else ("caught", outcome)
    return ("missed" if asked else "unreached"), None


def judged(path):
    lines = path.read_text().splitlines() if path.exists() else []
    return {line["number"]: line for line in map(json.loads, lines)}


def table(names, tree, first, second):
    """By folder: changes, those that do not compile, noticed without a GPU, with one, and what is left."""
    rows = defaultdict(Counter)
    for number, name in enumerate(names, 1):
        row = rows[name.split("/")[1]]
        row["changes"] += 1
        if number in tree["unfit"]:
            row["do not compile"] += 1
        elif number in tree["apart"]:
            row["apart"] += 1
        elif number in first:
            row[first[number]["status"] if first[number]["status"] not in UNNOTICED else "unnoticed"] += 1
        row["noticed by the GPU"] += first.get(number, {}).get("status") in UNNOTICED and second.get(number, {}).get(
            "status"
        ) in ("caught", "timeout")
    columns = ["changes", "do not compile", "apart", "caught", "timeout", "unnoticed", "noticed by the GPU"]
    print("".join(f"{column:>20}" for column in ["", *columns]))
    for folder, row in sorted(rows.items()):
        print(f"{folder:>20}" + "".join(f"{row[column]:>20}" for column in columns))
    left = [n for n, line in first.items() if line["status"] in UNNOTICED]
    left = [n for n in left if second.get(n, {"status": "missed"})["status"] in UNNOTICED]
    print("\n" + "\n".join(f"{first[n]['status']:>9}  {names[n - 1]}" for n in sorted(left)))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("list", type=Path)
    parser.add_argument("results", type=Path)
    parser.add_argument("programs", nargs="+")
    parser.add_argument("--gpu", action="store_true")
    arguments = parser.parse_args()
    results = arguments.results
    names = [change["name"] for change in json.loads(arguments.list.read_text())]
    tree = json.loads((results / "tree.json").read_text())
    paths = [results / "judged.jsonl", results / "judged-gpu.jsonl"]
    first, second = map(judged, paths)
    path, known = (paths[1], second) if arguments.gpu else (paths[0], first)
    of_function, seconds = defaultdict(list), Counter()
    for test in tests_of(arguments.programs, results, SLOW[arguments.gpu]):
        for function in test["entered"]:
            seconds[function] += test["seconds"]
            if seconds[function] <= TOGETHER[arguments.gpu]:
                of_function[function].append(test)
    asked = [(number, int(function)) for function, numbers in tree["functions"].items() for number in numbers]
    asked = [job for job in asked if job[0] not in known]
    if arguments.gpu:
        asked = [job for job in asked if first.get(job[0], {}).get("status") in UNNOTICED]
    lock = threading.Lock()

    def ask(job):
        number, function = job
        status, by = judge(number, of_function[function])
        with lock, path.open("a") as file:
            file.write(json.dumps({"number": number, "status": status, "by": by, "name": names[number - 1]}) + "\n")

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(ask, asked))
    table(names, tree, *map(judged, paths))


if __name__ == "__main__":
    main()
