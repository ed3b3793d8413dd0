#!/usr/bin/env bash
# Which lines of the library tests reach.
#
#   tools/coverage.sh [all]     by the tests that need no GPU; with all, by those that need one too
#
# It needs `cargo install cargo-llvm-cov` and `rustup component add llvm-tools`. Whole networks in f64
# (tests/reference_goldens.rs) take an hour while lines are counted, and reach what the layers of tests/dense reach;
# they are left out. Printed are files of which less than nine tenths are reached; the whole list, line by line, is in
# target/coverage.txt.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

command -v cargo-llvm-cov >/dev/null ||
    { printf 'coverage: there is no cargo-llvm-cov: cargo install cargo-llvm-cov\n' >&2; exit 3; }
source <(cargo llvm-cov show-env --sh 2>/dev/null)
cargo llvm-cov clean --profraw-only
tests=(--lib)
for file in tests/*.rs tests/*/main.rs; do
    name=$(basename "${file%/main.rs}" .rs)
    case $name in
        reference_goldens) ;;
        gpu) [[ ${1:-} != all ]] || tests+=(--test gpu) ;;
        *) tests+=(--test "$name") ;;
    esac
done
cargo test --workspace --exclude agf-viewer "${tests[@]}"
cargo llvm-cov report --text --output-path target/coverage.txt
cargo llvm-cov report --summary-only | awk 'NR == 1 || /^TOTAL/ || $10 + 0 < 90'
