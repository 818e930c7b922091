/*
 * Perf maps of this machine for the processes of a perf.data: /tmp/perf-PID.map tells what code a
 * runtime made. Only on a host of the recorded name, only plain files that
 * belong to root or to whoever reads. They say no times: what stands last for an address holds.
 * Private to the room.
 */
#ifndef REPORT_READ_PERFDATA_MAPS_H
#define REPORT_READ_PERFDATA_MAPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/format/jit.h"

enum { PERF_MAPS_MAX = 4096, PERF_MAP_BYTES_MAX = 512 << 20 };

/*
 * Pids that have such a file, rising; how many, at most PERF_MAPS_MAX. Files that were made after
 * `until_s` (when the recording was written) are of later processes.
 */
size_t perf_maps_list(const char *dir, int64_t until_s, uint32_t *ret_pid);

/*
 * Each entry of one process as JIT_LOAD, or why the file is not used as JIT_NOTE. Returns what
 * `got` returned, or 0.
 */
int perf_map_each(const char *dir, uint32_t pid, jit_got *got, void *ctx);

#endif
