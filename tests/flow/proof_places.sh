#!/bin/sh
# Containers that point outside: nothing of the host's files is recorded, nothing hangs.
# DDPROF_PLACES: how many layouts (8; 0: all). DDPROF_RACES: files swapped under the inspector (60).
. "$(dirname "$0")/lib.sh"
need_report
need_perf
need_root
need python3
need readelf unshare
exec python3 "$src/tests/check/places.py" --some "${DDPROF_PLACES:-8}" --races "${DDPROF_RACES:-60}"
