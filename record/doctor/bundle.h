/* doctor --bundle: what a support ticket asks for, listed before it is written. Private. */
#ifndef RECORD_DOCTOR_BUNDLE_H
#define RECORD_DOCTOR_BUNDLE_H

#include <stdbool.h>
#include <stdio.h>
#include <sys/types.h>

struct checks;
struct err;

struct bundle_options {
	const char *path;
	bool dry_run;
	char **operands; /* of doctor: PID, or PROGRAM and its arguments; NULL-terminated */
	pid_t pid;	 /* 0: none */
};

/* Prints the files that bundle_write makes, each with what is in it. True: the list went out. */
bool bundle_list(const struct bundle_options *o, FILE *out);

/* -EEXIST: something stands there already. */
int bundle_write(const struct bundle_options *o, const struct checks *checks, struct err *err);

#endif
