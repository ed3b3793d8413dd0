#!/usr/bin/env bash
# All checks of the project, one after the other; stops at the first that fails.
# Where there is no GPU the tests run on Mesa's software driver (tools/setup.sh sees to it).
#
#   tools/test.sh [STEP...]     only these of setup, format, lint, tests, card, swiftshader, validation, docs
#
# What needs a driver that cannot be had here is not run; the last line says so.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

wanted=" $* "
not_run=()

step() {
    local title=$1 status=0
    shift
    [[ $wanted == *[a-z]* && $wanted != *" $title "* ]] && return
    printf '\n== %s ==\n' "$title"
    "$@" || status=$?
    case $status in
        0) ;;
        3) printf '\nNOT RUN: %s\n' "$title" >&2; not_run+=("$title") ;;
        *) printf '\ntest: "%s" failed\n' "$title" >&2; exit 1 ;;
    esac
}

step setup  tools/setup.sh
step format cargo fmt --all --check
step lint   cargo clippy --workspace --all-targets -- -D warnings
# With AMD's compiler, which needs no card but is only there where Mesa is.
if [[ $(uname -s) == Linux ]]; then
    step tests cargo test --workspace
else
    step tests cargo test --workspace --exclude agf-isa
fi
# The script for graphics cards, with small networks, so that it runs where there is a card.
step card   tools/gpu.sh --small --program target/debug/agf-run --out out/gpu-small
# A second driver, and what the first one does not mind.
step swiftshader tools/swiftshader.sh
step validation  tools/validation.sh
step docs   env RUSTDOCFLAGS=-Dwarnings cargo doc --no-deps

if ((${#not_run[@]})); then
    printf '\ntest: all passed, but NOT RUN: %s\n' "${not_run[*]}"
else
    printf '\ntest: all passed\n'
fi
