#!/usr/bin/env bash
# Runs every fuzzer of fuzz/ for a time, and says how many inputs it tried, how much of the code it reached, and what it
# found.
#
#   tools/fuzz.sh [--address] [--inputs N] [SECONDS [TARGET...]]
#   tools/fuzz.sh --keep [TARGET...]                    the smallest inputs that reach as far, into fuzz/corpus/
#
# 60 seconds and all of them where nothing is said. With --inputs a target ends earlier where it has tried so many. It
# needs a nightly compiler and `cargo install cargo-fuzz`. Overflows and debug assertions are on; --address adds
# AddressSanitizer, which takes three times as long and has little to look for in a crate without `unsafe`. Inputs that
# reach something new stay below target/fuzz/corpus/, what was found below fuzz/artifacts/.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

command -v cargo-fuzz >/dev/null || { printf 'fuzz: there is no cargo-fuzz: cargo install cargo-fuzz\n' >&2; exit 3; }
keep= sanitizer=none inputs=-1
[[ ${1:-} == --address ]] && { sanitizer=address; shift; }
[[ ${1:-} == --inputs ]] && { inputs=$2; shift 2; }
[[ ${1:-} == --keep ]] && { keep=1; shift; }
seconds=60
[[ -z $keep && -n ${1:-} ]] && { seconds=$1; shift; }
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

# Pictures may take 512 MiB decoded, and some decoders need as much again.
megabytes_of() {
    case $1 in
        picture)    echo 2048 ;;
        *)          echo 512 ;;
    esac
}

# How a target is built. Where bytes are choices, whatever they are, the fuzzer need not see what they are compared
# with, which takes half of the time.
built_as() {
    case $1 in
        plans|safetensors|sizes|text) echo --no-trace-compares --target-dir target/fuzz/choices ;;
    esac
    echo --sanitizer "$sanitizer" "$1"
}

# Readers of files find them in memory, where there is a place for that. What a target does takes less than threads take
# to begin.
[[ ! -d /dev/shm ]] || export TMPDIR=/dev/shm
export RAYON_NUM_THREADS=1
mkdir -p target/fuzz
printf 'fuzz: building, see target/fuzz/build.log\n' >&2
for target in "${targets[@]}"; do
    cargo +nightly fuzz build $(built_as "$target")
done >target/fuzz/build.log 2>&1

found=0
for target in "${targets[@]}"; do
    corpus=target/fuzz/corpus/$target
    mkdir -p "$corpus" "fuzz/corpus/$target"
    read -ra seeds <<<"$(seeds_of "$target")" || true
    folders=("$corpus" "fuzz/corpus/$target" "${seeds[@]}")
    log=target/fuzz/$target.log
    if [[ -n $keep ]]; then
        cargo +nightly fuzz cmin $(built_as "$target") "$corpus" -- -max_len=4096 >"$log" 2>&1
        find "$corpus" -type f -size -4k -printf '%s %p\n' | sort -n | head -n 60 | cut -d ' ' -f 2- |
            xargs -I{} cp {} "fuzz/corpus/$target/"
        continue
    fi
    options=(-max_total_time="$seconds" -runs="$inputs" -max_len=4096 -timeout=20
        -rss_limit_mb="$(megabytes_of "$target")" -print_final_stats=1)
    if ! cargo +nightly fuzz run $(built_as "$target") "${folders[@]}" -- "${options[@]}" >"$log" 2>&1; then
        printf 'fuzz: %s found something, see %s\n' "$target" "$log" >&2
        found=1
    fi
    awk -v target="$target" '/cov: /    { for (i = 1; i < NF; i++) if ($i == "cov:") reached = $(i + 1) }
        /number_of_executed_units/ { runs = $2 } /slowest_unit_time_sec/ { slowest = $2 } /peak_rss_mb/ { memory = $2 }
        END { printf "%-12s %10d inputs  %6d places reached  slowest %d s  %d MB\n",
            target, runs, reached, slowest, memory }' "$log"
done
exit $found
