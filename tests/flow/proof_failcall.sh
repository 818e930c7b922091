#!/bin/sh
# Any call of the recorder fails: COMMAND's output and status stay, nothing crashes or hangs.
# DDPROF_FAULTS: how many of the faults (80, chosen by DDPROF_SEED; 0: all).
. "$(dirname "$0")/lib.sh"
need_report
need_perf
need python3
exec python3 "$src/tests/check/failcall.py" --some "${DDPROF_FAULTS:-80}" --seed "${DDPROF_SEED:-1}" --jobs 4
