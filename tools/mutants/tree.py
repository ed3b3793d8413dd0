#!/usr/bin/env python3
"""Writes all changes that cargo-mutants lists into one copy of the library, so that one build has them all.

    tools/mutants/tree.py LIST SOURCE TREE RESULTS

LIST is what `cargo mutants --list --json` printed, SOURCE the sources as they are, TREE a copy whose `src` is written.
A function with changes becomes a choice between its body as it is and one copy of it for each change; `AGF_MUTANT`,
the number of a change, chooses when a program runs. Where `AGF_REACH` names a file, functions that were entered are
noted there. Which changes do not compile is found out by compiling.

RESULTS/tree.json says what became of each change: `functions` are numbers of functions with the changes that can be
chosen, `unfit` changes that do not compile, `apart` those that cannot be chosen when a program runs, since they are
outside of functions or in what constants need.
"""

import json
import re
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

MODULE = """
use std::io::Write;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicBool, Ordering};

static ACTIVE: LazyLock<u32> = LazyLock::new(|| std::env::var("AGF_MUTANT").map_or(0, |text| text.parse().unwrap()));
static NOTES: LazyLock<Option<std::ffi::OsString>> = LazyLock::new(|| std::env::var_os("AGF_REACH"));
static ENTERED: [AtomicBool; COUNT] = [const { AtomicBool::new(false) }; COUNT];

#[inline]
pub fn enter(function: usize) -> u32 {
    let active = *ACTIVE;
    if active == 0 {
        note(function);
    }
    active
}

#[cold]
fn note(function: usize) {
    let Some(path) = &*NOTES else { return };
    if !ENTERED[function].swap(true, Ordering::Relaxed) {
        let mut file = std::fs::OpenOptions::new().append(true).create(true).open(path).unwrap();
        file.write_all(format!("{function}\\n").as_bytes()).unwrap();
    }
}
"""


class Source:
    """A file's text, by the lines and columns that cargo-mutants gives."""

    def __init__(self, path):
        self.text = path.read_text()
        self.lines = [0]
        for line in self.text.split("\n"):
            self.lines.append(self.lines[-1] + len(line) + 1)

    def span(self, span):
        return [self.lines[at["line"] - 1] + at["column"] - 1 for at in (span["start"], span["end"])]

    def signature(self, begin):
        """Where a function's signature begins, behind comments and attributes, and its body."""
        blank = re.compile(r"(\s+|//[^\n]*|#\[(?:[^\[\]]|\[[^\]]*\])*\])*")
        begin = blank.match(self.text, begin).end()
        return begin, self.text.index("{", begin)


def parts(path):
    """A function's type, if it has one, and its name."""
    kind, _, name = re.sub(r"<[^>]*>", "", path).rpartition("::")
    return kind.split("::")[-1], name


def functions_of(source, changes):
    """The changes of each function, by its span; those of a function inside another one are that one's."""
    functions = defaultdict(list)
    for change in changes:
        if change["function"]:
            functions[tuple(source.span(change["function"]["span"]))].append(change)
    for span in sorted(functions):
        outer = next((o for o in functions if o != span and o[0] <= span[0] and span[1] <= o[1]), None)
        if outer:
            functions[outer] += functions.pop(span)
    return sorted(functions.items())


def can_be_boxed(function, text):
    """Copies that return a type without a name agree in a box, unless they return early."""
    return "impl " not in function["return_type"] or not re.search(r"\breturn\b", text)


def boxed(signature):
    """The signature with a box for a type without a name."""
    begin = signature.find("-> impl ")
    if begin < 0:
        return signature
    traits, where, bounds = signature[begin + len("-> impl ") :].partition(" where ")
    lives = " + '_" if "&" in signature[:begin] and "'" not in traits else ""
    return f"{signature[:begin]}-> Box<dyn {traits.strip()}{lives}>{where}{bounds} "


class Tree:
    def __init__(self, changes, source, tree):
        self.changes, self.source, self.tree = changes, source, tree
        self.unfit, self.fixed = set(), set()
        self.files = defaultdict(list)
        for number, change in enumerate(changes, 1):
            self.files[change["file"]].append({**change, "number": number})

    def write(self):
        """Writes the sources. `places` are lines of copies: what a message of the compiler speaks of."""
        self.functions, self.names, self.places = {}, defaultdict(list), defaultdict(list)
        number = 0
        for file, changes in sorted(self.files.items()):
            source = Source(self.source / file)
            text, behind = "", 0
            for (begin, end), of_function in functions_of(source, changes):
                number += 1
                function = of_function[0]["function"]
                self.names[parts(function["function_name"])].append(number)
                if number not in self.fixed and can_be_boxed(function, source.text[begin:end]):
                    begin, body = source.signature(begin)
                    text += source.text[behind:begin]
                    text += self.choice(source, (begin, body, end), of_function, number, (file, text.count("\n") + 1))
                    behind = end
            self.put(file, text + source.text[behind:])
        library = (self.source / "src/lib.rs").read_text()
        self.put("src/lib.rs", library + "\n#[allow(missing_docs)]\n#[doc(hidden)]\npub mod mutant;\n")
        self.put("src/mutant.rs", MODULE.replace("COUNT", str(number + 1)))
        for path in (path for path in (self.source / "src").rglob("*") if path.is_file()):
            file = str(path.relative_to(self.source))
            if file not in self.files and file != "src/lib.rs":
                self.put(file, path.read_bytes())

    def put(self, file, content):
        path = self.tree / file
        content = content.encode() if isinstance(content, str) else content
        if not path.exists() or path.read_bytes() != content:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)

    def choice(self, source, span, changes, number, place):
        """A function's text with all changes in it, and notes where each lies."""
        begin, body, end = span
        file, line = place
        whole = source.text
        signature = boxed(whole[begin:body].replace("const fn", "fn"))
        wrapped = "Box::new({%s})" if "-> Box<dyn " in signature else "{%s}"
        text = signature + f"{{ match crate::mutant::enter({number}) {{\n"
        chosen = []
        for change in sorted(changes, key=lambda change: change["number"]):
            first, last = source.span(change["span"])
            if change["number"] in self.unfit or not body < first <= last < end:
                continue
            copy = whole[body + 1 : first] + change["replacement"] + whole[last : end - 1]
            arm = f"{change['number']} => {wrapped % copy},\n"
            at = line + text.count("\n")
            self.places[file].append((at, at + arm.count("\n") - 1, change["number"]))
            chosen.append(change["number"])
            text += arm
        self.functions[number] = chosen
        return text + f"_ => {wrapped % whole[body + 1 : end - 1]}\n}}}}"

    def check(self):
        """Compiles, and leaves out what does not; False where nothing had to be left out."""
        command = ["cargo", "check", "--quiet", "--package=agf", "--lib", "--profile=test", "--message-format=json"]
        done = subprocess.run(command, cwd=self.tree, stdout=subprocess.PIPE, text=True)
        messages = [json.loads(line) for line in done.stdout.splitlines()]
        errors = [m["message"] for m in messages if m["reason"] == "compiler-message"]
        unfit, fixed = set(), set()
        for error in (error for error in errors if error["level"] == "error"):
            called = re.search(r"cannot call non-const .*(?:function|method) `([^`]+)`", error["message"])
            if called:
                kind, name = parts(called[1])
                # A function without a type is named with its module.
                fixed.update(self.names.get((kind, name), []) + self.names.get(("", name), []))
            else:
                spans = [span for span in error["spans"] if span["is_primary"]]
                unfit.update(number for span in spans for number in self.changed_at(span))
        if done.returncode and not (unfit - self.unfit or fixed - self.fixed):
            sys.exit("mutants: the tree does not compile, and no change can be blamed")
        self.unfit |= unfit
        self.fixed |= fixed
        return done.returncode != 0

    def changed_at(self, span):
        while span.get("expansion") and span["file_name"] not in self.places:
            span = span["expansion"]["span"]
        line = span["line_start"]
        return [number for first, last, number in self.places[span["file_name"]] if first <= line <= last]

    def outcome(self):
        chosen = {number for numbers in self.functions.values() for number in numbers}
        apart = set(range(1, len(self.changes) + 1)) - chosen - self.unfit
        return {"functions": self.functions, "unfit": sorted(self.unfit), "apart": sorted(apart)}


def main():
    if len(sys.argv) != 5:
        sys.exit(__doc__)
    listed, source, tree, results = map(Path, sys.argv[1:])
    made = Tree(json.loads(listed.read_text()), source, tree)
    made.write()
    while made.check():
        made.write()
    (results / "tree.json").write_text(json.dumps(made.outcome()))


if __name__ == "__main__":
    main()
