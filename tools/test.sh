#!/usr/bin/env bash
# All checks of the project, one after the other, what needs no GPU first; stops at the first that fails.
# Where there is no GPU the tests run on Mesa's software driver (tools/setup.sh sees to it).
#
#   tools/test.sh [STEP...]     only these of setup, format, lint, docs, features, wasm, platforms, package, build,
#                               dependencies, advisories, tests, isa, gpu, program, examples, viewer, web, card,
#                               swiftshader, dxc, vendors, validation
#
# What needs a driver that cannot be had here is not run; the last lines say so, and how long each step took.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

wanted=" $* "
not_run=()
times=

step() {
    local title=$1 status=0 begin=$SECONDS
    shift
    [[ $wanted == *[a-z]* && $wanted != *" $title "* ]] && return
    printf '\n== %s ==\n' "$title"
    "$@" || status=$?
    case $status in
        0) ;;
        3) printf '\nNOT RUN: %s\n' "$title" >&2; not_run+=("$title") ;;
        *) printf '\ntest: "%s" failed\n' "$title" >&2; exit 1 ;;
    esac
    times+=$(printf '%6d s  %s' $((SECONDS - begin)) "$title")$'\n'
}

# One choice of packages throughout: with another one, shared dependencies have other features and are built anew. The
# viewer's are many.
packages=(--workspace --exclude agf-viewer)
# tools/isa runs AMD's compiler, which needs no card but is only there where Mesa is.
[[ $(uname -s) == Linux ]] || packages+=(--exclude agf-isa)

# rustfmt leaves long texts alone, and other languages.
format() {
    cargo fmt --all --check || return 1
    ! git grep -nE '^.{121,}$' -- '*.rs' '*.wgsl' '*.py' '*.sh' '*.js' '*.html' '*.css' '*.toml' '*.yml'
}

# What a host may leave out: all of it, and all but one. With --examples, which need more and are left out themselves,
# shared dependencies have the features that the other steps give them.
lint_features() {
    local features
    for features in "" pictures evaluation embedded-weights onnx; do
        cargo clippy --package agf --lib --examples --no-default-features --features "$features" -- -D warnings ||
            return 1
    done
}

# The library for browsers, with all that a page may use. It needs the target's standard library.
lint_wasm() {
    local target=wasm32-unknown-unknown
    rustup target add "$target" || return 3
    cargo clippy --package agf --lib --target "$target" --no-default-features \
        --features embedded-weights,evaluation,onnx -- -D warnings
}

# The script for graphics cards, with small networks, so that it runs where there is a card; and tests of the GPU that
# failed on one by what they took for granted, with a card's plans.
card_checks() {
    tools/gpu.sh --small --program target/debug/agf-run --out out/gpu-small || return 1
    AGF_PLANS=card cargo test "${packages[@]}" --test gpu -- faults precision without_class::nothing
}

# Library and program for systems that are not here. Nothing is linked, so a stand-in takes the place of Apple's C
# compiler.
lint_platforms() {
    local target
    for target in x86_64-pc-windows-gnu aarch64-apple-darwin; do
        rustup target add "$target" || return 3
        CC_aarch64_apple_darwin=true AR_aarch64_apple_darwin=true \
            cargo clippy --package agf --package agf-cli --target "$target" -- -D warnings || return 1
    done
}

# What a registry would get, and takes: 10 MB at most.
package_size() {
    local folder size
    cargo package --package agf --no-verify --allow-dirty --quiet || return 1
    folder=${CARGO_TARGET_DIR:-target}/package
    size=$(wc -c <"$(ls -t "$folder"/agf-*.crate | head -n 1)")
    echo "the library's package has $size bytes"
    ((size < 10000000))
}

# Units, and every test program of the library but the one that needs a GPU.
tests_without_gpu() {
    local file names=()
    for file in tests/*.rs tests/*/main.rs; do
        file=$(basename "${file%/main.rs}" .rs)
        [[ $file == gpu ]] || names+=(--test "$file")
    done
    cargo test "${packages[@]}" --lib --bins "${names[@]}"
}

# The window, driven without a screen. It compares its maps with those of the program agf-run, which the step build has
# made.
viewer_tests() {
    cargo clippy --package agf-viewer --all-targets -- -D warnings && cargo test --package agf-viewer
}

# The window as a page, in a browser without a screen.
web_tests() {
    local browser=${AGF_CHROMIUM:-chromium}
    command -v "$browser" >/dev/null || { echo "there is no $browser: tools/setup.sh browser" >&2; return 3; }
    tools/web.sh --build || return
    cargo test "${packages[@]}" --test page -- --nocapture
}

step setup    tools/setup.sh browser
step format   format
step lint     cargo clippy "${packages[@]}" --all-targets -- -D warnings
step docs     env RUSTDOCFLAGS=-Dwarnings cargo doc --no-deps
step features lint_features
step wasm     lint_wasm
step platforms lint_platforms
step package  package_size
step build    cargo test "${packages[@]}" --no-run
step dependencies tools/dependencies.sh
step advisories tools/dependencies.sh advisories
step tests    tests_without_gpu
[[ $(uname -s) != Linux ]] || step isa cargo test "${packages[@]}" --test bounds
step gpu      cargo test "${packages[@]}" --test gpu
step program  cargo test "${packages[@]}" --test cli
step examples cargo test "${packages[@]}" --doc
step viewer   viewer_tests
step web      web_tests
step card     card_checks
# A second driver, and what the first one does not mind.
step swiftshader tools/swiftshader.sh
step dxc         tools/dxc.sh
step vendors     tools/vendors.sh
step validation  tools/validation.sh

printf '\n%s' "$times"
if ((${#not_run[@]})); then
    printf 'test: all passed in %d s, but NOT RUN: %s\n' "$SECONDS" "${not_run[*]}"
else
    printf 'test: all passed in %d s\n' "$SECONDS"
fi
