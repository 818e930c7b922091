#!/bin/sh
# The recorder's own children are killed: recordings go on and are whole, what is missing is said.
# DDPROF_KILLS: how many recordings (8; 100 for the full proof).
. "$(dirname "$0")/lib.sh"
need_report
need_perf
need python3
exec python3 "$src/tests/check/children.py" --kills "${DDPROF_KILLS:-8}"
