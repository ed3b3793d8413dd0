#!/usr/bin/env bash
# Changes the library in one place after the other, and says which changes no test notices: src/graph, methods, plan, reference and evaluation,
# by the tests that need no GPU.
#
#   tools/mutants.sh K/N [OPTION...]    one part of N, from 0/N on; options of cargo-mutants, instead of --copy-target=true
#
# It needs `cargo install cargo-mutants`. A change takes about a minute, and there are thousands: tools/mutants.sh 0/100 takes a sample. Results
# stay in target/mutants/mutants.out.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

command -v cargo-mutants >/dev/null || { printf 'mutants: there is no cargo-mutants: cargo install cargo-mutants\n' >&2; exit 3; }
[[ ${1:-} == */* ]] || { printf 'mutants: which part, as in 0/100?\n' >&2; exit 2; }
shard=$1
shift
options=("$@")
((${#options[@]})) || options=(--copy-target=true)

files=()
for folder in graph methods plan reference evaluation; do
    files+=(--file "src/$folder/**")
done
# Their own tests, and those of all layers from a network's graph to its plan.
tests=(--lib --test dense_derivation --test planning --test plans --test reference_goldens --test rule_files)
mkdir -p target/mutants
cargo mutants --package agf --shard "$shard" "${files[@]}" --output target/mutants --no-shuffle --sharding round-robin --timeout-multiplier 3 --colors never \
    "${options[@]}" -- "${tests[@]}"
