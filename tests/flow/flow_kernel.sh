#!/bin/sh
# Time in system calls stands below the function that called, with the kernel's functions under it where allowed.
. "$(dirname "$0")/lib.sh"
. "$targets/truth.sh"
need_report
need_perf

compile syscalls.c syscalls
profile "$tmp/syscalls" 800
shares_agree 0.06
at_least "stacks from main" "$(share '(^|;)main;(getpid|read)_work')" 0.90
