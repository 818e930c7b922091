#!/bin/sh
# Any call of the recorder fails: COMMAND's output and status stay, nothing crashes or hangs.
# DDPROF_FAULTS: how many of the faults (80, chosen by DDPROF_SEED; 0: all).
. "$(dirname "$0")/lib.sh"
need_report
need_perf
need python3

faults() {
	status=0
	python3 "$src/tests/check/failcall.py" --seed "${DDPROF_SEED:-1}" --jobs 4 "$@" || status=$?
	[ $status -eq 0 ] || exit $status
}

faults --some "${DDPROF_FAULTS:-80}"
faults --some "$((${DDPROF_FAULTS:-80} / 2))" --attach
