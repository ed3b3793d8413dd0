#!/usr/bin/env bash
# Compiles every kernel that the planner chooses for graphics cards with the compilers of four vendors' cards, none of
# which need be there: Mesa's drivers for AMD (RADV), NVIDIA (NVK), Qualcomm (Turnip) and Apple (Honeykrisp) run on
# stand-ins for the kernel's side.
#
#   tools/vendors.sh [--program AGF-ISA]
#
# Prints registers, spills and instructions of each kernel, and fails where one spills that is not known to
# (tools/isa/src/vendor.rs). The drivers come from Debian's unstable suite, with the C library that they need, and are
# unpacked below target/. Exits with 3 where they cannot be had.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1

program=target/debug/agf-isa
while (($#)); do
    case $1 in
        --program) program=$2; shift 2 ;;
        *) printf 'vendors: unknown option %s\n' "$1" >&2; exit 2 ;;
    esac
done

folder=$PWD/target/drivers/vendors
tools/debian.sh sid "$folder" mesa-vulkan-drivers mesa-drm-shim libvulkan1 libc6 libstdc++6 libgcc-s1 \
    libdisplay-info3 libllvm22 libdrm2 libdrm-amdgpu1 libwayland-client0 libelf1t64 libxml2-16 libedit2 zlib1g \
    libzstd1 libexpat1 || exit
libraries=$folder/usr/lib/x86_64-linux-gnu
[[ -e $libraries/ld-linux-x86-64.so.2 ]] || { printf 'vendors: only x86-64 is known here\n' >&2; exit 3; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Driver, stand-in, part of the card's name, and the variable that chooses the card.
compile() {
    env "$4" XDG_CACHE_HOME="$work" MESA_SHADER_CACHE_DISABLE=true \
        VK_DRIVER_FILES="$folder/usr/share/vulkan/icd.d/$1_icd.json" \
        "$libraries/ld-linux-x86-64.so.2" --library-path "$libraries:/usr/lib/x86_64-linux-gnu:/lib/x86_64-linux-gnu" \
        --preload "$libraries/lib$2_noop_drm_shim.so" "$program" --card "$3" >"$work/$1" 2>&1 || touch "$work/$1.failed"
}

# Two at a time.
compile radeon amdgpu navi31 AMDGPU_GPU_ID=navi31 &
compile nouveau nouveau nvk NOUVEAU_CHIPSET=174
wait
compile freedreno freedreno 660 FD_GPU_ID=660 &
compile asahi asahi m1 AGF_UNUSED=
wait
failed=()
for driver in radeon nouveau freedreno asahi; do
    [[ ! -e $work/$driver.failed ]] || failed+=("$driver")
    cat "$work/$driver"
done
((${#failed[@]} == 0)) || { printf 'vendors: failed with the drivers: %s\n' "${failed[*]}" >&2; exit 1; }
