#!/bin/sh
# kill -9 at any moment and inside any write: the file opens, at most 1.0 s is lost.
# DDPROF_KILLS: how often (30; 500 for the full proof).
. "$(dirname "$0")/lib.sh"
need_report
need_perf
need python3
exec python3 "$src/tests/check/killed.py" --kills "${DDPROF_KILLS:-30}" --jobs 6
