#!/usr/bin/env bash
# Runs every fuzzer of fuzz/ for a time, and says how many inputs it tried, how much of the code it reached, and what it found.
#
#   tools/fuzz.sh [SECONDS [TARGET...]]     60 seconds and all of them where nothing is said
#
# It needs a nightly compiler and `cargo install cargo-fuzz`. Inputs that reach something new stay below target/fuzz/corpus/, what was found
# below fuzz/artifacts/. `tools/fuzz.sh --keep` brings corpora down to the smallest inputs that reach as far, and copies them to fuzz/corpus/.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

command -v cargo-fuzz >/dev/null || { printf 'fuzz: there is no cargo-fuzz: cargo install cargo-fuzz\n' >&2; exit 3; }
keep=
[[ ${1:-} == --keep ]] && { keep=1; shift; }
seconds=${1:-60}
shift || true
targets=("$@")
((${#targets[@]})) || mapfile -t targets < <(cd fuzz/fuzz_targets && basename -s .rs -- *.rs)

# Files of the repository to begin with, as in tests/fuzz_corpus.rs.
seeds_of() {
    case $1 in
        checkpoint) echo tests/checkpoints ;;
        onnx)       echo tests/onnx ;;
        picture)    echo tests/hostile tests/image/fixtures tests/self_supervised ;;
        rules)      echo src/methods/relevance/presets ;;
    esac
}

# Pictures may take 512 MiB decoded, an ONNX file of empty messages 170 times its size.
megabytes_of() {
    case $1 in
        picture)    echo 3000 ;;
        onnx)       echo 2048 ;;
        *)          echo 512 ;;
    esac
}

found=0
for target in "${targets[@]}"; do
    corpus=target/fuzz/corpus/$target
    mkdir -p "$corpus" "fuzz/corpus/$target"
    read -ra seeds <<<"$(seeds_of "$target")"
    folders=("$corpus" "fuzz/corpus/$target" "${seeds[@]}")
    log=target/fuzz/$target.log
    if [[ -n $keep ]]; then
        cargo +nightly fuzz cmin "$target" "$corpus" -- -max_len=4096 >"$log" 2>&1
        find "$corpus" -type f -size -4k -printf '%s %p\n' | sort -n | head -n 60 | cut -d ' ' -f 2- | xargs -I{} cp {} "fuzz/corpus/$target/"
        continue
    fi
    options=(-max_total_time="$seconds" -max_len=16384 -timeout=120 -rss_limit_mb="$(megabytes_of "$target")" -print_final_stats=1)
    if ! cargo +nightly fuzz run "$target" "${folders[@]}" -- "${options[@]}" >"$log" 2>&1; then
        printf 'fuzz: %s found something, see %s\n' "$target" "$log" >&2
        found=1
    fi
    awk -v target="$target" '/cov: /    { for (i = 1; i < NF; i++) if ($i == "cov:") reached = $(i + 1) }
        /number_of_executed_units/ { runs = $2 } /slowest_unit_time_sec/ { slowest = $2 } /peak_rss_mb/ { memory = $2 }
        END { printf "%-12s %10d inputs  %6d places reached  slowest %d s  %d MB\n", target, runs, reached, slowest, memory }' "$log"
done
exit $found
