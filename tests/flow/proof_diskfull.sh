#!/bin/sh
# The disk is full, or takes only so much: COMMAND runs on, the rest is read and counted, room is used.
# DDPROF_SIZES: of how many file systems (4; 16 for the full proof).
. "$(dirname "$0")/lib.sh"
need_report
need_perf
need_root
need python3
exec python3 "$src/tests/check/diskfull.py" --sizes "${DDPROF_SIZES:-4}" --jobs 4
