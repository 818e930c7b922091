/* The running kernel, as far as it is the recorded one. Private to the room. */
#ifndef REPORT_READ_PERFDATA_KERNEL_H
#define REPORT_READ_PERFDATA_KERNEL_H

#include <stdbool.h>

#include "common/format/event.h"

/* Its build-id (/sys/kernel/notes) is this one. */
bool perf_kernel_is_ours(const struct build_id *recorded);

#endif
