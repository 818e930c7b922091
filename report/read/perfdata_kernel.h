/* The running kernel, as far as it is the recorded one. Private to the room. */
#ifndef REPORT_READ_PERFDATA_KERNEL_H
#define REPORT_READ_PERFDATA_KERNEL_H

#include <pthread.h>
#include <stdbool.h>

#include "common/format/event.h"

/* Its build-id (/sys/kernel/notes) is this one. */
bool perf_kernel_is_ours(const struct build_id *recorded);

/*
 * /proc/kallsyms as text. The kernel needs longer to write it than a report to do all the rest, so
 * it is read by a thread from the first kernel sample on, and asked for at the end.
 */
struct kallsyms_text {
	pthread_t thread;
	bool started, threaded;
	char *text; /* NULL: it could not be read */
};
void kallsyms_text_start(struct kallsyms_text *k); /* once; then nothing */
/* Starts it if need be, waits for it. Zero-terminated, changeable; NULL. */
char *kallsyms_text_get(struct kallsyms_text *k);
void kallsyms_text_done(struct kallsyms_text *k);

#endif
