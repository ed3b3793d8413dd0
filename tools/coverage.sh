#!/usr/bin/env bash
# Which lines of the library tests reach, and how many of the ways out of its conditions.
#
#   tools/coverage.sh [all] [branches]
#
# By the tests that need no GPU; with all, by those that need one too. Branches need a nightly compiler with
# llvm-tools. It needs `cargo install cargo-llvm-cov` and `rustup component add llvm-tools`. Whole networks in f64
# (tests/reference_goldens.rs, and those of the GPU's tests that compare with them) take an hour while lines are
# counted, and reach what single layers and small networks reach; they are left out. Printed are files of which less
# than nine tenths are reached; the whole list, line by line, is in target/coverage.txt.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

command -v cargo-llvm-cov >/dev/null ||
    { printf 'coverage: there is no cargo-llvm-cov: cargo install cargo-llvm-cov\n' >&2; exit 3; }

tests=(--lib)
for file in tests/*.rs tests/*/main.rs; do
    name=$(basename "${file%/main.rs}" .rs)
    case $name in
        reference_goldens) ;;
        gpu) [[ " $* " != *" all "* ]] || tests+=(--test gpu) ;;
        *) tests+=(--test "$name") ;;
    esac
done
whole_networks=(--skip goldens --skip every_ --skip recipes_ --skip hard_inputs --skip fullgrad_is_complete)
toolchain=() options=()
[[ " $* " != *" branches "* ]] || { toolchain=(+nightly) options=(--branch); }

coverage() { cargo "${toolchain[@]}" llvm-cov "$@"; }
coverage clean --profraw-only
coverage --no-report "${options[@]}" --workspace --exclude agf-viewer "${tests[@]}" -- "${whole_networks[@]}"
coverage report "${options[@]}" --text --output-path target/coverage.txt
coverage report "${options[@]}" --summary-only | awk 'NR == 1 || /^TOTAL/ || $10 + 0 < 90'
