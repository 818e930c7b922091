/* The recorder itself among the other processes: its priority and its CPUs. */
#ifndef RECORD_SELF_H
#define RECORD_SELF_H

#include <sched.h>
#include <stdbool.h>
#include <sys/types.h>

struct err;

struct self_options {
	bool has_nice, has_cpus;
	int nice; /* -20..19 */
	int realtime; /* --realtime: REALTIME_AUTO, REALTIME_NO or 1..99; turn.h */
	cpu_set_t cpus;
};

/* A mask in hexadecimal, "0xff", "f", "ffffffff,00000001": commas are passed over. -EINVAL. */
int self_parse_cpus(const char *text, cpu_set_t *ret, struct err *err);

/*
 * pid 0: ourselves; COMMAND must exist already, as it would inherit both. What is refused is warned
 * about.
 */
void self_place(const struct self_options *options, pid_t pid);

#endif
