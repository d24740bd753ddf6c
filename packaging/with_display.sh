#!/bin/sh
# Runs a command on a virtual X server with OpenGL, whatever display there is: tests need one of known size.
set -eu
if [ "$(uname -s)" = Linux ]; then
    exec xvfb-run -a -s "-screen 0 2600x1500x24 -ac +extension GLX +render -noreset" "$@"
fi
exec "$@"
