#!/bin/sh
# Opens the workbench; without a display, drives the real window on a virtual one and saves what it did to out/.
set -eu
python=$1
if [ "$(uname -s)" != Linux ] || [ -n "${DISPLAY:-}" ] || [ -n "${WAYLAND_DISPLAY:-}" ]; then
    exec "$python" -m workbench
fi
echo "There is no display here, so the window opens on a virtual one: it trains, plays and exports by itself."
echo "What it does is saved to out/ (a few minutes)."
rm -rf out
sh packaging/with_display.sh "$python" -m workbench selftest --first --out out --steps 400
