#!/bin/sh
# Forks, execs, vforks and children that live for milliseconds are on the right functions.
. "$(dirname "$0")/lib.sh"
. "$targets/truth.sh"
need_report
need_perf

compile processes.c processes
profile "$tmp/processes" chain 150
shares_agree 0.04
at_least "exec_work below its own main" "$(share '(^|;)main;exec_work(;|$)' exec_work)" 0.95
at_least "child_work below its parent's main" "$(share '(^|;)main;(chain;)?child_work(;|$)' child_work)" 0.95

profile "$tmp/processes" brief 40 10
at_least "brief_work" "$(share '(^|;)main;(brief;)?brief_work(;|$)')" 0.80
profile "$tmp/processes" vfork 40 10
at_least "brief_work after vfork and exec" "$(share '(^|;)main;brief_work(;|$)')" 0.60
