#!/bin/sh
# Makes sure of the system libraries that Qt, OpenGL and sound need on Linux; macOS and Windows bring theirs.
set -eu
[ "$(uname -s)" = Linux ] || exit 0

packages="python3-venv xvfb libegl1 libgl1 libglx-mesa0 libgl1-mesa-dri libxkbcommon-x11-0 libxcb-cursor0 libxcb-icccm4
libxcb-keysyms1 libxcb-shape0 libxcb-image0 libxcb-render-util0 libxcb-xinerama0 libdbus-1-3 libfontconfig1
fonts-dejavu-core libportaudio2"

if ! command -v dpkg-query >/dev/null 2>&1; then
    for library in libEGL.so.1 libGL.so.1 libxcb-cursor.so.0 libxkbcommon-x11.so.0; do
        ldconfig -p 2>/dev/null | grep -q "$library" || echo "Missing: $library. Install your system's packages for EGL, GL, xcb-cursor, xkbcommon-x11, xvfb and portaudio." >&2
    done
    exit 0
fi

missing=""
for package in $packages; do
    case $(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true) in
        installed) ;;
        *) missing="$missing $package" ;;
    esac
done
# Another way to Python's venv module, and Debian's renamed packages, count too.
python3 -c 'import venv, ensurepip' 2>/dev/null && missing=$(echo "$missing" | sed 's/ python3-venv//')
[ -n "$missing" ] || exit 0

as_root=""
if [ "$(id -u)" != 0 ]; then
    if command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null; then
        as_root="sudo"
    else
        echo "These system packages are missing. Please install them, then run make again:" >&2
        echo "    sudo apt-get install$missing" >&2
        exit 1
    fi
fi
echo "Installing system packages:$missing"
DEBIAN_FRONTEND=noninteractive
export DEBIAN_FRONTEND
# shellcheck disable=SC2086 # a list of names
$as_root apt-get install -y -qq $missing >/dev/null 2>&1 || {
    $as_root apt-get update -qq
    $as_root apt-get install -y -qq $missing >/dev/null
}
