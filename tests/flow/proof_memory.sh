#!/bin/sh
# Memory cgroups: the child that reads files is killed, then the recorder; COMMAND is left alone.
# Limits of 32 to 4 MiB: tests/check/memory.py.
. "$(dirname "$0")/lib.sh"
need_report
need_perf
need_root
need python3
exec python3 "$src/tests/check/memory.py" --seconds 2 --mib 8
