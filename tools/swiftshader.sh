#!/usr/bin/env bash
# Runs agf on SwiftShader, a second Vulkan driver for the CPU: four lanes and no f16, so it executes the plans of
# graphics cards.
#
#   tools/swiftshader.sh [--program AGF-RUN] [--tests]
#
# Verifies three networks; with --tests it also runs those of the GPU tests that are quick there, one by one. The driver
# comes from Debian's package of Chromium, which is unpacked below target/ and not installed. Exits with 3 where it
# cannot be had.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1

program=target/debug/agf-run
tests=
while (($#)); do
    case $1 in
        --program) program=$2; shift 2 ;;
        --tests) tests=1; shift ;;
        *) printf 'swiftshader: unknown option %s\n' "$1" >&2; exit 2 ;;
    esac
done

folder=$PWD/target/drivers/swiftshader
tools/debian.sh own "$folder" chromium-common || exit
export VK_DRIVER_FILES=$folder/usr/lib/chromium/vk_swiftshader_icd.json
caches=$(mktemp -d)
trap 'rm -rf "$caches"' EXIT
export XDG_CACHE_HOME=$caches
# Kibibytes: a driver that keeps everything should not take the machine down.
ulimit -v 8000000

"$program" devices | grep SwiftShader || { printf 'swiftshader: %s does not run on it\n' "$program" >&2; exit 1; }
for network in "tiny_vgg 32x40" "tiny_resnet 32x40" "efficientnet_lite0 32x32"; do
    read -r model size <<<"$network"
    "$program" verify --model "$model" --size "$size" --no-tuning | tail -n 2 || exit 1
done

[[ -n $tests ]] || exit 0
# Whole modules of tests/gpu that need no large network, at 60 seconds a test.
failed=()
mapfile -t names < <(cargo test -q --workspace --exclude agf-viewer --test gpu -- --list 2>/dev/null |
    sed -n 's/^\(\(traces\|hard_inputs\|pixels\|winograd\)::.*\): test$/\1/p')
((${#names[@]})) || { printf 'swiftshader: there are no such tests any more\n' >&2; exit 1; }
for name in "${names[@]}"; do
    timeout 60 cargo test -q --workspace --exclude agf-viewer --test gpu -- --exact "$name" >"$caches/log" 2>&1
    case $? in
        0) printf 'swiftshader: %s passed\n' "$name" ;;
        124) printf 'swiftshader: %s NOT RUN to its end in 60 s\n' "$name" ;;
        *) failed+=("$name"); tail -n 20 "$caches/log" ;;
    esac
done
((${#failed[@]} == 0)) || { printf 'swiftshader: failed: %s\n' "${failed[*]}" >&2; exit 1; }
