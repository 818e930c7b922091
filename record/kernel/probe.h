/* What this machine is and what its kernel lets this user do, read once at the start. */
#ifndef RECORD_KERNEL_PROBE_H
#define RECORD_KERNEL_PROBE_H

#include <stdbool.h>
#include <stdint.h>

enum { CPUS_MAX = 4096 };

struct probe {
	char release[80]; /* "6.1.0-18-amd64" */
	char machine[16]; /* "x86_64" */
	int paranoid;	  /* kernel.perf_event_paranoid; PROBE_UNKNOWN: no such file */
	int kptr_restrict;
	int mlock_kb;		/* kernel.perf_event_mlock_kb */
	int max_rate_hz;	/* kernel.perf_event_max_sample_rate */
	bool nested_pids;	/* this is not the first pid namespace: others' processes are 0 */
	uint32_t n_cpus;	/* online */
	uint16_t cpu[CPUS_MAX]; /* their numbers */
};

enum { PROBE_UNKNOWN = -1000 }; /* KERNEL_UNKNOWN, for the others */

void probe_read(struct probe *ret);

/* "0-3,8\n" -> numbers; returns how many (at most `cap`), 0 when it is no such list. */
uint32_t probe_parse_cpus(const char *text, uint16_t *cpus, uint32_t cap);

#endif
