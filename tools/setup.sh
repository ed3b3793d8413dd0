#!/usr/bin/env bash
# Gets a machine ready to build and run agf, given a Rust toolchain: a C linker (cargo needs one) and a Vulkan driver.
# On Debian and Ubuntu it installs what is missing; on other systems it says what to install and goes on.
# Where all is there it changes nothing and takes a fraction of a second.
#
# On Debian Mesa comes from the backports where those have a newer one: it is faster, and the rest of the system stays
# as it is.
#
#   tools/setup.sh browser                  Chromium too, in which the tests open the viewer's page
#   tools/setup.sh windows                  wine too, with a linker for Windows and a screen in memory, for
#                                           tools/windows.sh
#   AGF_MESA=distribution tools/setup.sh    Mesa from the distribution itself, not from its backports
set -euo pipefail

say()  { printf 'setup: %s\n' "$*"; }
warn() { printf 'setup: %s\n' "$*" >&2; }
die()  { warn "$@"; exit 1; }

# --- what is there --------------------------------------------------------------------------------------------------

# The Vulkan loader, libvulkan.so.1.
have_loader() {
    local cache dir
    cache=$(PATH="$PATH:/sbin:/usr/sbin" ldconfig -p 2>/dev/null || true)
    [[ $cache == *libvulkan.so.1* ]] && return
    while IFS= read -r -d : dir; do
        [[ -n $dir && -e $dir/libvulkan.so.1 ]] && return
    done <<<"${LD_LIBRARY_PATH:-}:"
    return 1
}

# A driver's manifest: one of the JSON files that tell the loader which drivers there are.
have_manifest() {
    local entry file
    while IFS= read -r -d : entry; do
        [[ -n $entry ]] || continue
        for file in "$entry" "$entry"/*.json; do
            [[ $file == *.json && -f $file ]] && return
        done
    done <<<"$(manifest_places):"
    return 1
}

# Where the loader looks, separated by colons. The two variables replace the usual folders.
manifest_places() {
    local override=${VK_DRIVER_FILES:-${VK_ICD_FILENAMES:-}}
    if [[ -n $override ]]; then
        printf '%s' "$override"
    else
        printf '%s' "${XDG_DATA_HOME:-${HOME:-}/.local/share}/vulkan/icd.d:/etc/vulkan/icd.d" \
            ":/usr/local/etc/vulkan/icd.d:/usr/local/share/vulkan/icd.d:/usr/share/vulkan/icd.d"
    fi
}

have_vulkan() { have_loader && have_manifest; }

# RADV's manifest, where tools/isa looks for it.
have_radv() {
    [[ -n ${AGF_RADV:-} ]] || compgen -G '/usr/share/vulkan/icd.d/radeon_icd*.json' >/dev/null ||
        compgen -G '/usr/local/share/vulkan/icd.d/radeon_icd*.json' >/dev/null ||
        compgen -G '/etc/vulkan/icd.d/radeon_icd*.json' >/dev/null
}

# What tools/windows.sh runs.
have_wine() {
    local program
    for program in wine wineserver xvfb-run x86_64-w64-mingw32-gcc; do
        command -v "$program" >/dev/null || return
    done
}

# --- installing on Debian and Ubuntu --------------------------------------------------------------------------------

# Runs a command as root, or says that somebody has to.
as_root() {
    if [[ $(id -u) == 0 ]]; then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo "$@"
    else
        die "neither root nor sudo. As root, run:" \
            "apt-get update && apt-get install gcc libc6-dev mesa-vulkan-drivers libvulkan1"
    fi
}

apt() { as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -o DPkg::Lock::Timeout=300 "$@"; }

updated=
apt_update() {
    [[ -n $updated ]] || apt update || warn "apt could not refresh every source; going on with what it has"
    updated=1
}

apt_install() {
    apt_update
    apt install -y --no-install-recommends "$@" || die "apt could not install: $*"
}

# The archive that this machine's apt takes a release of Debian from; nothing where it has none.
debian_archive() {
    local found
    # shellcheck disable=SC2016  # the placeholder is apt's
    found=$(apt-get indextargets --format '$(REPO_URI)' \
        'Origin: Debian' "Codename: $1" 'Component: main' 'Created-By: Packages' || true)
    printf '%s' "${found%%$'\n'*}"
}

# The newest Mesa of a release's sources, "main" or its backports; nothing where there is none.
mesa_version() {
    local versions name version source newest=""
    versions=$(apt-cache madison mesa-vulkan-drivers || true)
    while IFS='|' read -r name version source; do
        version=${version// /}
        case $1 in
            backports) [[ $source == *-backports/main* ]] || continue ;;
            *) [[ -n $name && $source != *-backports/main* ]] || continue ;;
        esac
        if [[ -z $newest ]] || dpkg --compare-versions "$version" gt "$newest"; then newest=$version; fi
    done <<<"$versions"
    printf '%s' "$newest"
}

# Makes a Debian release's backports known to apt, at the address the machine already uses for Debian itself.
# Packages of backports are only taken when asked for, so nothing else on the machine changes.
enable_backports() {
    local codename=$1
    local list=/etc/apt/sources.list.d/agf-backports.sources
    local keys=/usr/share/keyrings/debian-archive-keyring.gpg
    local uri

    apt_update
    [[ -n $(mesa_version backports) ]] && return
    uri=$(debian_archive "$codename")
    [[ -n $uri ]] || return 1

    say "adding Debian's backports to apt ($list)"
    {
        printf 'Types: deb\nURIs: %s\nSuites: %s-backports\nComponents: main\n' "$uri" "$codename"
        if [[ -f $keys ]]; then printf 'Signed-By: %s\n' "$keys"; fi
    } | as_root tee "$list" >/dev/null
    updated=
    apt_update
    [[ -n $(mesa_version backports) ]] && return

    as_root rm -f "$list"
    updated=
    apt_update
    return 1
}

# Mesa has a Vulkan driver that runs on the CPU (lavapipe) beside those for graphics cards, and newer ones are faster.
install_mesa() {
    local distribution=$1 codename=$2 own backports
    if [[ $distribution == debian && -n $codename && ${AGF_MESA:-} != distribution ]] &&
        enable_backports "$codename"; then
        own=$(mesa_version own)
        backports=$(mesa_version backports)
        if [[ -z $own ]] || dpkg --compare-versions "$backports" gt "$own"; then
            say "Mesa $backports from the backports${own:+, which is newer than $own}"
            apt_install -t "$codename-backports" mesa-vulkan-drivers libvulkan1
            return
        fi
    elif [[ $distribution == debian && ${AGF_MESA:-} != distribution ]]; then
        warn "no Mesa in Debian's backports, or they can't be reached: taking the distribution's own"
    fi
    apt_install mesa-vulkan-drivers libvulkan1
}

# --- the steps ------------------------------------------------------------------------------------------------------

command -v cargo >/dev/null ||
    die "no cargo: install Rust (https://www.rust-lang.org/tools/install), or add ~/.cargo/bin to PATH"

system=$(uname -s)
distribution="" codename=""
if [[ -r /etc/os-release ]]; then
    # shellcheck source=/dev/null
    read -r distribution codename <<<"$(. /etc/os-release && printf '%s %s' "${ID:-}" "${VERSION_CODENAME:-}")"
fi

if ! command -v cc >/dev/null; then
    if command -v apt-get >/dev/null; then
        say "installing a C compiler"
        apt_install gcc libc6-dev
    elif [[ $system == Darwin ]]; then
        warn "no C compiler: run xcode-select --install"
    else
        warn "no C compiler (cc): install your system's gcc or clang package"
    fi
fi

if [[ $system == Linux ]] && ! have_vulkan; then
    if command -v apt-get >/dev/null; then
        say "no Vulkan driver found: installing Mesa's"
        install_mesa "$distribution" "$codename"
        have_vulkan || die "Mesa is installed, but no Vulkan driver is found (VK_DRIVER_FILES=${VK_DRIVER_FILES:-})"
    else
        warn "no Vulkan driver found. Install your graphics card's, or Mesa's, which also runs on the CPU:"
        warn "  Fedora: mesa-vulkan-drivers vulkan-loader    Arch: vulkan-swrast vulkan-icd-loader"
        warn "  openSUSE: libvulkan_lvp libvulkan1    Alpine: mesa-vulkan-swrast vulkan-loader"
    fi
elif [[ $system == Linux ]] && ! have_radv; then
    # For tools/isa, which compiles for AMD's cards without one.
    if command -v apt-get >/dev/null; then
        say "no RADV found: installing Mesa's drivers"
        install_mesa "$distribution" "$codename"
    else
        warn "no RADV found, Mesa's driver for AMD cards: tools/isa cannot run"
    fi
elif [[ $system != Linux && $system != Darwin ]]; then
    warn "not a system this script knows: agf needs a Vulkan, Metal or Direct3D 12 driver"
fi

if [[ ${1:-} == browser ]] && ! command -v "${AGF_CHROMIUM:-chromium}" >/dev/null; then
    # Ubuntu's package of that name is only a way to a snap.
    if [[ $distribution == debian ]]; then
        say "no Chromium found: installing Debian's"
        apt_install chromium
    else
        warn "no Chromium found: install one, and name it with AGF_CHROMIUM, to test the viewer's page"
    fi
fi

if [[ ${1:-} == windows ]] && ! have_wine; then
    if command -v apt-get >/dev/null; then
        say "installing wine, a linker for Windows and a screen in memory"
        apt_install wine wine64 xvfb xauth gcc-mingw-w64-x86-64
    else
        warn "install wine, Xvfb and MinGW's gcc for x86-64 to run the Windows program (tools/windows.sh)"
    fi
fi

say "ready"
