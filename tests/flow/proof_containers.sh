#!/bin/sh
# A real container where there is podman: its filter is named, a profile opens it, names are its own.
# All remedies, rootless containers and pods: tests/check/containers.py.
. "$(dirname "$0")/lib.sh"
need_report
need_perf
need_root
need python3 podman crun
exec python3 "$src/tests/check/containers.py" --quick
