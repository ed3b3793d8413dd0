#!/usr/bin/env bash
# Unpacks Debian packages into a folder, without installing them and without a change to the system's own sources.
#
#   tools/debian.sh own|SUITE FOLDER PACKAGE...
#
# Packages come from the machine's own sources, or from another suite of the archive that they name. A folder that has
# them already is left as it is. Exits with 3, and says why, where they cannot be had: that is no fault of the project.
set -euo pipefail

suite=$1
folder=$2
shift 2
missing() { printf 'debian: %s\n' "$*" >&2; exit 3; }

wanted="$suite $*"
[[ -f $folder/packages && $(<"$folder/packages") == "$wanted" ]] && exit
command -v apt-get >/dev/null || missing "not a Debian system: there is no apt-get"
keys=/usr/share/keyrings/debian-archive-keyring.gpg
# shellcheck disable=SC2016  # the placeholder is apt's
archive=$(apt-get indextargets --format '$(REPO_URI)' 'Origin: Debian' 'Component: main' 'Created-By: Packages' \
    2>/dev/null || true)
archive=${archive%%$'\n'*}
[[ -n $archive && -f $keys ]] || missing "apt knows no archive of Debian's, or there are no keys in $keys"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work"/lists/partial "$work"/cache/archives/partial "$work"/unpacked
options=(-q -o "Dir::State::Lists=$work/lists" -o "Dir::Cache=$work/cache" -o "APT::Sandbox::User=root"
    -o Acquire::http::Timeout=15 -o Acquire::https::Timeout=15 -o Acquire::Retries=1)
if [[ $suite != own ]]; then
    printf 'deb [signed-by=%s] %s %s main\n' "$keys" "$archive" "$suite" >"$work/sources.list"
    options+=(-o "Dir::Etc::sourcelist=$work/sources.list" -o "Dir::Etc::sourceparts=$work/none")
fi
timeout 90 apt-get "${options[@]}" update >"$work/log" 2>&1 ||
    missing "no list of packages of $suite: $(tail -n 1 "$work/log")"
(cd "$work" && timeout 120 apt-get "${options[@]}" download "$@" >"$work/log" 2>&1) ||
    missing "$* cannot be had from $suite: $(tail -n 1 "$work/log")"
for package in "$work"/*.deb; do
    dpkg-deb -x "$package" "$work/unpacked" || missing "$(basename "$package") cannot be unpacked"
done
printf '%s' "$wanted" >"$work/unpacked/packages"
rm -rf "$folder"
mkdir -p "$(dirname "$folder")"
mv "$work/unpacked" "$folder"
