/*
 * What is asked for recordings that run for hours: limits, files in segments, the last minute kept
 * in memory, commands while it runs. Values of options; no file is touched here.
 */
#ifndef RECORD_LONG_RUN_H
#define RECORD_LONG_RUN_H

#include <stdbool.h>
#include <stdint.h>

#include "record/sink/sink.h"

struct err;

struct long_run_options {
	struct sink_limits sink;
	uint64_t max_bytes;	  /* of all files together; 0: no limit */
	uint32_t trigger_percent; /* CPU use of the target that asks for a snapshot; 0: none does */
	uint64_t trigger_ns;	  /* for so long */
	bool start_paused;
	uint64_t delay_ns;   /* then samples are taken; 0: when --control says so */
	const char *control; /* "fifo:CTL[,ACK]" or "fd:CTL[,ACK]"; NULL: none */
};

/* "30", "0.5", "30s", "5m", "1h", "2d" */
int long_run_parse_time(const char *text, uint64_t *ret_ns, struct err *err);
/* "65536", "64K", "64M", "1G" */
int long_run_parse_size(const char *text, uint64_t *ret_bytes, struct err *err);

/* Values of the options; -EINVAL with what was expected. */
int long_run_set_sync(struct long_run_options *o, const char *value, struct err *err);
int long_run_set_rotate(struct long_run_options *o, const char *value, struct err *err);
int long_run_set_last(struct long_run_options *o, const char *value, struct err *err);
int long_run_set_delay(struct long_run_options *o, const char *value, struct err *err);
int long_run_set_trigger(struct long_run_options *o, const char *value, struct err *err);

/* What contradicts what; `output` as given with -o. */
int long_run_check(const struct long_run_options *o, const char *output, struct err *err);

#endif
