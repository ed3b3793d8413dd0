#!/usr/bin/env bash
# Changes the library in one place after the other, and says which changes no test notices: src/graph, methods, plan,
# reference and evaluation, by tests that need no GPU, first those that take a second, then, for what these miss, all.
#
#   tools/mutants.sh K/N [FOLDER...]    one part of N, from 0/N on, of these folders, or of all
#
# It needs `cargo install cargo-mutants`. Changes are made in a copy of the tree, target/mutants/tree, which keeps what
# it has built: a change takes some seconds of a core. Results stay in target/mutants/FOLDER, those of the first tests
# in quick/mutants.out, those of all in whole/mutants.out.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

command -v cargo-mutants >/dev/null ||
    { printf 'mutants: there is no cargo-mutants: cargo install cargo-mutants\n' >&2; exit 3; }
[[ ${1:-} == */* ]] || { printf 'mutants: which part, as in 0/100?\n' >&2; exit 2; }
shard=$1
shift
folders=("$@")
((${#folders[@]})) || folders=(graph methods plan reference evaluation)

# Only what differs is copied, so that only that is built again.
tree=target/mutants/tree
mkdir -p "$tree"
git ls-files -z --cached --others --exclude-standard -- ':!viewer' | while IFS= read -r -d '' file; do
    cmp -s "$file" "$tree/$file" || cp --parents "$file" "$tree"
done
sed -i 's/, "viewer"\]/]/' "$tree/Cargo.toml"

# What only runs where there is a GPU.
with_gpu=(--exclude-re '\b(in|replace) evaluate\b')
for file in 'bench*' 'bench/**' evaluator.rs pixels.rs; do
    with_gpu+=(--exclude "src/evaluation/$file")
done

# mutate FOLDER RESULTS LEVEL TESTS [OPTION...] [-- ARGUMENT...]: at a level of optimisation, by these tests, with
# arguments of the test programs.
mutate() {
    local folder=$1 results=target/mutants/$1/$2 level=$3 tests
    read -ra tests <<<"$4"
    shift 4
    mkdir -p "$results"
    # Missed changes are the result, not a failure.
    cargo mutants --dir "$tree" --in-place --package agf "${with_gpu[@]}" \
        --output "$results" --colors never --minimum-test-timeout 60 \
        --cargo-arg="--config=profile.dev.package.agf.opt-level=$level" \
        --cargo-arg=--config=profile.dev.package.agf.debug=false \
        "${tests[@]/#/--cargo-arg=}" "$@" || (($? == 2 || $? == 3))
}

# missed FOLDER: options that choose the changes that the first tests missed. cargo-mutants 27 tries those of the same
# files that leave out a field of a struct besides, whatever is chosen.
missed() {
    local list=target/mutants/$1/quick/mutants.out/missed.txt
    sed -e 's/:.*//' -e 's/.*/--file=&/' "$list" | sort -u
    sed -e 's/[][(){}.*+?^$|\\]/\\&/g' -e 's/.*/--re=^&$/' "$list"
}

all_tests='--lib --test=dense_derivation --test=packing --test=planning --test=plans --test=rule_files'
# Tests that speak of a folder.
tests_of() {
    case $1 in
        evaluation) echo --lib ;;
        plan)       echo --lib --test=plans --test=packing ;;
        *)          echo --lib --test=dense_derivation --test=rule_files ;;
    esac
}
# What is held to a time, which these levels and busy machines do not keep.
timed=(--skip ten_thousand_vectors --skip planning_is_linear)
# Left out of these: what takes longer than all others together.
slow=("${timed[@]}")
for name in models:: convolutions_and_their logit_methods::the_gradient gradients_of_every_layer alpha_beta \
    steps_read_what_was_written values_stay_near_the_lower defaults_are_among; do
    slow+=(--skip "$name")
done

for folder in "${folders[@]}"; do
    printf '\n== %s ==\n' "$folder"
    mutate "$folder" quick 0 "$(tests_of "$folder")" --file "src/$folder/**" --shard "$shard" \
        --sharding round-robin --no-shuffle -- -- "${slow[@]}"
    mapfile -t chosen < <(missed "$folder")
    ((${#chosen[@]})) || continue
    mutate "$folder" whole 1 "$all_tests" "${chosen[@]}" -- -- "${timed[@]}"
done
