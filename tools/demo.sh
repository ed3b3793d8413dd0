#!/usr/bin/env bash
# From a fresh checkout to pictures: what speaks for "giant panda", and what for "macaw", in a photo of both.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

tools/setup.sh
cargo build --release --bin agf-run

out=out/demo
"${CARGO_TARGET_DIR:-target}/release/agf-run" explain samples/panda_macaw.jpg \
    --class "giant panda" --class macaw --save overlay,panel --out "$out"

printf '\nThe pictures are in %s:\n' "$PWD/$out"
ls "$out"
