#!/usr/bin/env bash
# Compiles every kernel's HLSL with Microsoft's compiler for Direct3D 12 (DXC), as wgpu would have it done on Windows.
#
#   tools/dxc.sh
#
# The library comes from the Python package compushady-lrtu, which bundles it, and is unpacked below target/. Exits with
# 3 where it cannot be had.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1

version=0.18.0
folder=$PWD/target/drivers/dxc-$version
missing() { printf 'dxc: %s\n' "$*" >&2; exit 3; }

[[ $(uname -sm) == "Linux x86_64" ]] || missing "the library is for Linux on x86-64"
if [[ ! -f $folder/libdxcompiler.so ]]; then
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
    python3 -m pip --version >/dev/null 2>&1 || missing "Python has no pip"
    timeout 120 python3 -m pip download --quiet --disable-pip-version-check --no-deps --only-binary :all: \
        --python-version 3.11 --implementation cp --abi cp311 --platform manylinux_2_28_x86_64 --dest "$work" \
        "compushady-lrtu==$version" >"$work/log" 2>&1 ||
        missing "compushady-lrtu $version cannot be had: $(tail -n 1 "$work/log")"
    python3 -m zipfile -e "$work"/*.whl "$work/unpacked" || missing "the package cannot be unpacked"
    mkdir -p "$folder"
    mv "$work/unpacked/compushady/backends/libdxcompiler_x86_64.so" "$folder/libdxcompiler.so" ||
        missing "the package has no libdxcompiler"
fi

AGF_DXC=$folder/libdxcompiler.so cargo test --workspace --exclude agf-viewer --test dxc -- --ignored --nocapture
