#!/usr/bin/env bash
# Opens the viewer in a real window, on a screen that exists only in memory, and takes a picture of it.
#
#   tools/screenshot.sh [PICTURE.png [PHOTO]]     by default docs/viewer.png of samples/panda_macaw.jpg
#
# It needs Xvfb and ImageMagick: on Debian and Ubuntu, apt-get install xvfb imagemagick.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

picture=${1:-docs/viewer.png}
photo=${2:-samples/panda_macaw.jpg}
for program in xvfb-run import; do
    command -v "$program" >/dev/null || { echo "screenshot: no $program: install xvfb and imagemagick" >&2; exit 1; }
done

cargo build --package agf-viewer
export photo picture
# shellcheck disable=SC2016  # the inner shell expands it
xvfb-run --auto-servernum --server-args '-screen 0 1280x800x24' bash -c '
    target/debug/agf-viewer "$photo" &
    viewer=$!
    sleep "${AGF_PATIENCE:-20}"
    import -window root "$picture"
    kill "$viewer"
'
echo "screenshot: $picture"
