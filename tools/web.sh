#!/usr/bin/env bash
# Makes the viewer a page of static files in dist/, and serves it on this machine until Ctrl-C.
#
#   tools/web.sh [--build]    with --build only makes it
#
# The page needs a browser with WebGPU and no server but one for files. Rust's standard library for browsers comes from
# rustup. Where that cannot get it, Debian's packages rustc-web and rust-web-src build it; the script exits with 3 where
# these cannot be had either.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

most_bytes=15000000 most_without_network=4000000
network=weights/efficientnet_lite0.safetensors
target=wasm32-unknown-unknown
folder=${CARGO_TARGET_DIR:-target}

# Installs packages of Debian, where nobody has to be asked.
get() {
    command -v apt-get >/dev/null && [[ $(id -u) == 0 ]] || return 1
    DEBIAN_FRONTEND=noninteractive apt-get -q -o DPkg::Lock::Timeout=300 install -y "$@" >&2
}

# Debian's compiler and the sources of its standard library, with the linker of the other compiler.
environment=() options=()
use_debian() {
    local host library=/usr/lib/rustlib/src/rust/library
    [[ -x /usr/bin/rustc && -d $library ]] || get rustc-web rust-web-src || return 1
    host=$(rustc --version --verbose | sed -n 's/^host: //p')
    environment=(RUSTC=/usr/bin/rustc RUSTC_BOOTSTRAP=1
        CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER="$(rustc --print sysroot)/lib/rustlib/$host/bin/rust-lld")
    options=(-Z build-std=std,panic_abort)
    echo "web: $(/usr/bin/rustc --version) builds the page and its standard library" >&2
}

rustup target add "$target" || use_debian ||
    { echo "web: neither rustup can get the target $target, nor apt-get rustc-web and rust-web-src" >&2; exit 3; }
# Browsers that have WebGPU have 128-bit vectors too; without them code for both is built in.
environment+=(RUSTFLAGS="${RUSTFLAGS:-} -C target-feature=+simd128")
env "${environment[@]}" cargo rustc --package agf-viewer --lib --crate-type cdylib --profile web \
    --target "$target" "${options[@]}"
# With all packages, so that what they share is as in the tests.
cargo build --workspace --exclude agf-viewer --bin agf-web
rm -rf dist
mkdir dist
"$folder/debug/agf-web" bundle "$folder/$target/web/agf_viewer.wasm" dist
cp viewer/web/index.html viewer/web/start.js samples/panda_macaw.jpg dist/

bytes=0
for file in dist/*; do
    size=$(wc -c <"$file")
    bytes=$((bytes + size))
    printf '%9d bytes, %9d gzipped  %s\n' "$size" "$(gzip -c "$file" | wc -c)" "$file"
done
without_network=$((bytes - $(wc -c <"$network")))
printf '%9d bytes together, %d without the network\n' "$bytes" "$without_network"
((bytes < most_bytes && without_network < most_without_network)) ||
    { echo "web: that is more than $most_bytes, or than $most_without_network without the network" >&2; exit 1; }
[[ ${1:-} == --build ]] || exec "$folder/debug/agf-web" serve dist
