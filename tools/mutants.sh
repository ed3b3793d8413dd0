#!/usr/bin/env bash
# Changes the library in one place after the other, as cargo-mutants does, and says which changes no test notices:
# src/graph, methods, plan, reference and evaluation. All changes are built once, and chosen when a test runs, so that
# thousands of them take minutes (tools/mutants/).
#
#   tools/mutants.sh            all of them, by tests that need no GPU; about half an hour of two cores
#   tools/mutants.sh --gpu      then, what these did not notice, by tests that need one; hours on a software driver
#   tools/mutants.sh --apart    then those that cannot be chosen when a test runs, each by a build of its own
#
# It needs `cargo install cargo-mutants`. The sources with all changes are in target/mutants/tree, which keeps what it
# has built, results in target/mutants/results: what is judged there is not asked again, so that a run goes on where
# another ended, until sources or tests change.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

command -v cargo-mutants >/dev/null ||
    { printf 'mutants: there is no cargo-mutants: cargo install cargo-mutants\n' >&2; exit 3; }
root=$PWD
sources=$root/target/mutants/sources tree=$root/target/mutants/tree results=$root/target/mutants/results
tests=(--lib --test=dense_derivation --test=fuzz_corpus --test=onnx_nodes --test=packing --test=planning --test=plans
    --test=rule_files)

# What only runs where there is a GPU is left out.
chosen=(--exclude-re '\b(in|replace) evaluate\b')
for file in 'bench*' 'bench/**' evaluator.rs pixels.rs; do
    chosen+=(--exclude "src/evaluation/$file")
done
for folder in graph methods plan reference evaluation; do
    chosen+=(--file "src/$folder/**")
done

# copy FOLDER [PATTERN...]: only what differs, so that only that is built again.
copy() {
    local folder=$1
    mkdir -p "$folder"
    git ls-files -z --cached --others --exclude-standard -- ':!viewer' ':!Cargo.toml' "${@:2}" |
        while IFS= read -r -d '' file; do
            cmp -s "$file" "$folder/$file" || cp --parents "$file" "$folder"
        done
    sed 's/, "viewer"\]/]/' Cargo.toml | cmp -s - "$folder/Cargo.toml" ||
        sed 's/, "viewer"\]/]/' Cargo.toml >"$folder/Cargo.toml"
}

# programs TEST...: builds test programs of the tree, and prints where they are.
programs() {
    (cd "$tree" && CARGO_PROFILE_DEV_DEBUG=false cargo test --package agf --no-run "$@" 2>&1) |
        sed -n 's/^ *Executable .*(\(.*\))$/\1/p' | sed "s#^#$tree/#"
}

# What cannot be chosen when a test runs: one build for each, in the sources.
apart() {
    local names
    mapfile -t names < <(python3 - "$results" <<'PY'
import json, re, sys
names = [change["name"] for change in json.load(open(sys.argv[1] + "/list.json"))]
for number in json.load(open(sys.argv[1] + "/tree.json"))["apart"]:
    print("--re=^" + re.escape(names[number - 1]) + "$")
PY
    )
    # Missed changes are the result, not a failure.
    cargo mutants --dir "$sources" --in-place --package agf "${chosen[@]}" "${names[@]}" --output "$results" \
        --colors never --minimum-test-timeout 60 --cargo-arg=--config=profile.dev.package.agf.opt-level=1 \
        --cargo-arg=--config=profile.dev.package.agf.debug=false "${tests[@]/#/--cargo-arg=}" -- -- \
        --skip ten_thousand_vectors --skip planning_is_linear || (($? == 2 || $? == 3))
}

[[ $# == 0 || $1 == --gpu || $1 == --apart ]] || { printf 'mutants: --gpu, --apart or nothing\n' >&2; exit 2; }
copy "$sources"
copy "$tree" ':!src'
if [[ ! -e $results/tree.json || -n $(find "$sources" -newer "$results/tree.json" -type f -name '*.rs' -print -quit) ]]
then
    rm -rf "$results"
    mkdir -p "$results"
    cargo mutants --dir "$sources" --package agf "${chosen[@]}" --list --json >"$results/list.json"
    python3 tools/mutants/tree.py "$results/list.json" "$sources" "$tree" "$results"
fi
cd "$tree"
case ${1:-} in
    --apart) apart; exit ;;
    --gpu)   tests=(--test=gpu) ;;
esac
mapfile -t built < <(programs "${tests[@]}")
python3 "$root/tools/mutants/judge.py" "$@" "$results/list.json" "$results" "${built[@]}"
