#!/usr/bin/env bash
# All checks of the project, one after the other; stops at the first that fails.
# Where there is no GPU the tests run on Mesa's software driver (tools/setup.sh sees to it).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

step() {
    local title=$1
    shift
    printf '\n== %s ==\n' "$title"
    "$@" || {
        printf '\ntest: "%s" failed\n' "$title" >&2
        exit 1
    }
}

step "setup"  tools/setup.sh
step "format" cargo fmt --all --check
step "lint"   cargo clippy --workspace --all-targets -- -D warnings
# With AMD's compiler, which needs no card but is only there where Mesa is.
if [[ $(uname -s) == Linux ]]; then
    step "tests" cargo test --workspace
else
    step "tests" cargo test
fi
# The script for graphics cards, with small networks, so that it runs where there is a card.
step "card"   tools/gpu.sh --small --program target/debug/agf-run --out out/gpu-small
step "docs"   env RUSTDOCFLAGS=-Dwarnings cargo doc --no-deps

printf '\ntest: all passed\n'
