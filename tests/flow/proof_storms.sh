#!/bin/sh
# Storms of processes, threads, libraries, mappings: samples keep their binaries. How long the rings
# waited is told; a machine that runs tests says nothing about it (tests/check/storms.py does).
. "$(dirname "$0")/lib.sh"
need_report
need_perf
need python3
exec python3 "$src/tests/check/storms.py" --small --drain-ms 10000
