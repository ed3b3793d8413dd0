#!/usr/bin/env bash
# Runs agf's Windows program on Direct3D 12, without Windows: wine translates it to the machine's Vulkan driver, and
# Microsoft's FXC compiles the shaders, as wgpu has it done on Windows.
#
#   tools/windows.sh [--program AGF-RUN] [PART...]     only these of devices, kernels, maps, goldens, verify
#
# Compiles every kernel for shader model 5.1; holds maps of a photo to the Linux program's on Vulkan, and those of small
# networks to goldens; verifies four networks, one of them with every method. By hand: it takes an hour on two cores.
#
# The compiler comes from the Python package kivy-deps.angle, which bundles it; all is kept in target/windows. Exits
# with 3 where something cannot be had.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1

say() { printf 'windows: %s\n' "$*"; }
missing() { say "$@" >&2; exit 3; }
fail() { say "$@" >&2; exit 1; }

linux_program=target/debug/agf-run
arguments=("$@")
wanted=()
while (($#)); do
    case $1 in
        --program) linux_program=$2; shift 2 ;;
        devices | kernels | maps | goldens | verify) wanted+=("$1"); shift ;;
        *) say "there is no $1" >&2; exit 2 ;;
    esac
done

# Of two maps of a photo, as a share of the largest value: sums in another order move them by up to a quarter of this.
MAP_TOLERANCE=1e-4

target=x86_64-pc-windows-gnu
[[ $(uname -sm) == "Linux x86_64" ]] || missing "wine runs the program on Linux on x86-64 alone"
for needed in wine wineserver xvfb-run x86_64-w64-mingw32-gcc; do
    command -v "$needed" >/dev/null || missing "there is no $needed: tools/setup.sh windows installs it"
done
python3 -m pip --version >/dev/null 2>&1 || missing "Python has no pip"
[[ -x $linux_program ]] || missing "there is no $linux_program to compare with: cargo build, or --program"
# Without a screen wine finds no Vulkan driver; this one is memory alone.
[[ -n ${DISPLAY:-} ]] || exec xvfb-run --auto-servernum tools/windows.sh "${arguments[@]}"

work=$(mktemp -d)
folder=$PWD/target/windows
# Otherwise wine makes Vulkan descriptors for a whole heap of a million again and again: gigabytes on Mesa's software
# driver.
export VKD3D_CONFIG=virtual_heaps
export WINEPREFIX=$folder/prefix WINEDEBUG=-all WINEDLLOVERRIDES="d3dcompiler_47=n;mscoree,mshtml="
trap 'wineserver -k; rm -rf "$work"' EXIT

# --- the program, and Microsoft's compiler beside it ----------------------------------------------------------------

rustup target add "$target" >"$work/log" 2>&1 || missing "rustup cannot add $target: $(tail -n 1 "$work/log")"
cargo build --release --package agf-cli --target "$target" || fail "the program does not build"
mkdir -p "$folder"
cp "target/$target/release/agf-run.exe" "$folder/" || exit
compile() { x86_64-w64-mingw32-gcc -Wall -Wextra -Werror -O1 "$@" || fail "the C compiler fails at tools/windows"; }
compile -o "$folder/fxc.exe" tools/windows/fxc.c
compile -shared -o "$folder/bcryptprimitives.dll" tools/windows/bcryptprimitives.c

version=0.5.0
if [[ ! -f $folder/d3dcompiler_47.dll ]]; then
    timeout 120 python3 -m pip download --quiet --disable-pip-version-check --no-deps --only-binary :all: \
        --python-version 3.11 --implementation cp --abi cp311 --platform win_amd64 --dest "$work" \
        "kivy-deps.angle==$version" >"$work/log" 2>&1 ||
        missing "kivy-deps.angle $version cannot be had: $(tail -n 1 "$work/log")"
    python3 -m zipfile -e "$work"/*.whl "$work/unpacked" || missing "the package cannot be unpacked"
    mv "$work/unpacked/kivy_deps_angle-$version.data/data/share/angle/bin/d3dcompiler_47.dll" "$folder/" ||
        missing "the package has no d3dcompiler_47.dll"
fi

# A program like any other, for what runs agf-run. Through cmd, which has its exit code: under load wine kills what is
# left of a process that ended.
program=$folder/agf-run
export WINEPATH=Z:${folder//\//\\}
cat >"$program" <<END
#!/bin/sh
exec timeout 600 wine cmd /c agf-run.exe "\$@" --backend dx12
END
chmod +x "$program"

wineboot --init >/dev/null 2>&1 || fail "wine cannot make $WINEPREFIX"

# --- what it does ---------------------------------------------------------------------------------------------------

failed=()
part() {
    local name=$1
    shift
    [[ ${#wanted[@]} == 0 || " ${wanted[*]} " == *" $name "* ]] || return
    say "== $name"
    "$@" || failed+=("$name")
}

explain() {
    "$1" explain samples/panda_macaw.jpg --class 388 --class 88 --save npy --no-tuning --out "$2" >/dev/null
}

# The greatest difference of any of the maps in two folders.
compare() {
    explain "$program" "$work/windows" && explain "$linux_program" "$work/linux" || return 1
    python3 - "$work/windows" "$work/linux" "$MAP_TOLERANCE" <<'END'
import pathlib, sys
sys.path.insert(0, "tools/gpu")
from goldens import read_npy

windows, linux = (sorted(pathlib.Path(folder).glob("*.npy")) for folder in sys.argv[1:3])
names = [path.name for path in windows]
if names != [path.name for path in linux] or len(names) != 2:
    sys.exit(f"maps of {names} and {[path.name for path in linux]}")
for one, other in zip(windows, linux):
    found, expected = read_npy(one), read_npy(other)
    if len(found) != len(expected):
        sys.exit(f"{one.name}: {len(found)} and {len(expected)} values")
    largest = max(map(abs, expected))
    shares = [abs(a - b) / largest for a, b in zip(found, expected)]
    print(f"{one.name}: differs by {max(shares):.1e} of the largest value")
    # NaN is not within it.
    if not all(share <= float(sys.argv[3]) for share in shares):
        sys.exit(f"{one.name}: that is more than {sys.argv[3]}")
END
}

part devices "$program" devices
part kernels env "AGF_FXC=$folder/fxc.exe" cargo test --workspace --exclude agf-viewer --test fxc -- \
    --ignored --nocapture
part maps compare
part goldens python3 tools/gpu/goldens.py --program "$program" --only tiny
part verify python3 tools/gpu/verify.py --program "$program" --families efficientnet_lite0 resnext50_32x4d tiny_vgg \
    --whole tiny_resnet

((${#failed[@]} == 0)) || fail "failed: ${failed[*]}"
say "all passed"
