#!/bin/sh
# Any call of the recorder fails: COMMAND's output and status stay, nothing crashes or hangs, and what
# doctor could not try it calls neither right nor refused.
# DDPROF_FAULTS: how many of the faults (40, chosen by DDPROF_SEED; 0: all).
. "$(dirname "$0")/lib.sh"
need_report
need_perf
need python3

faults() {
	status=0
	python3 "$src/tests/check/failcall.py" --seed "${DDPROF_SEED:-1}" --jobs 4 "$@" || status=$?
	[ $status -eq 0 ] || exit $status
}

need zstd
need objdump
need setpriv
faults --some "${DDPROF_FAULTS:-40}" --pairs $((${DDPROF_FAULTS:-40} / 8))
faults --some "$((${DDPROF_FAULTS:-40} / 2))" --modes attach
# The other ways of running, a few in each: COMMAND, doctor, snapshot, texts (tests/check/failmodes.py).
[ "$(id -u)" -ne 0 ] || faults --some 1 --modes all --nth 3
