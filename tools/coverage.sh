#!/usr/bin/env bash
# Which lines of the library tests reach, and how many of the ways out of its conditions.
#
#   tools/coverage.sh [all] [branches]
#
# By the tests that need no GPU; with all, by those that need one too, and by the program's: half an hour of a core.
# Branches need a nightly compiler with llvm-tools. It needs `cargo install cargo-llvm-cov` and `rustup component add
# llvm-tools`. Where the reference computes whole networks, or many, it takes an hour while lines are counted, and
# reaches what single layers and small networks reach: such tests are left out. Printed are files of which less than
# nine tenths are reached; the whole list, line by line, is in target/coverage.txt.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

command -v cargo-llvm-cov >/dev/null ||
    { printf 'coverage: there is no cargo-llvm-cov: cargo install cargo-llvm-cov\n' >&2; exit 3; }

tests=(--lib)
for file in tests/*.rs tests/*/main.rs; do
    name=$(basename "${file%/main.rs}" .rs)
    [[ $name == gpu || $name == reference_goldens ]] || tests+=(--test "$name")
done
whole_networks=()
for name in golden every_ recipes_ hard_inputs fullgrad_is_complete planted_faults:: verification:: random_networks:: \
    self_supervised:: architectures:: relevance:: properties:: networks_pass_with half_precision_passes \
    an_audit_changes sharing:: noise::; do
    whole_networks+=(--skip "$name")
done
toolchain=() options=()
[[ " $* " != *" branches "* ]] || { toolchain=(+nightly) options=(--branch); }

coverage() { cargo "${toolchain[@]}" llvm-cov "$@"; }
count() { coverage --no-report "${options[@]}" --workspace --exclude agf-viewer "$@"; }
coverage clean --profraw-only
count "${tests[@]}"
if [[ " $* " == *" all "* ]]; then
    count --test gpu -- "${whole_networks[@]}"
    count --test cli
fi
coverage report "${options[@]}" --text --output-path target/coverage.txt
coverage report "${options[@]}" --summary-only | awk 'NR == 1 || /^TOTAL/ || $10 + 0 < 90'
