#!/usr/bin/env bash
# Makes the viewer a page of static files in dist/, and serves it on this machine until Ctrl-C.
#
#   tools/web.sh [--build]    with --build only makes it
#
# The page needs a browser with WebGPU and no server but one for files. Exits with 3 where Rust's standard library for browsers cannot be had.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

most_bytes=15000000
target=wasm32-unknown-unknown
rustup target add "$target" || { echo "web: rustup cannot get the target $target" >&2; exit 3; }
folder=${CARGO_TARGET_DIR:-target}
# Browsers that have WebGPU have 128-bit vectors too; without them code for both is built in.
RUSTFLAGS="${RUSTFLAGS:-} -C target-feature=+simd128" cargo rustc --package agf-viewer --lib --crate-type cdylib --profile web --target "$target"
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
printf '%9d bytes together\n' "$bytes"
((bytes < most_bytes)) || { echo "web: dist/ has more than $most_bytes bytes" >&2; exit 1; }
[[ ${1:-} == --build ]] || exec "$folder/debug/agf-web" serve dist
