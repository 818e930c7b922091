#!/bin/sh
# Power fails: all before the last sync that returned is read afterwards.
# DDPROF_LOSSES: how often (8; 200 for the full proof).
. "$(dirname "$0")/lib.sh"
need_report
need_perf
need_root
need python3
exec python3 "$src/tests/check/powerloss.py" --losses "${DDPROF_LOSSES:-8}" --sync 1 --jobs 4
