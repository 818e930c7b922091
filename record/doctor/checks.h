/*
 * What was looked at, line by line: name, value, verdict, remedy. All texts are printable, whoever
 * wrote them: process names, paths and interpreters come from outside. Private to the room.
 */
#ifndef RECORD_DOCTOR_CHECKS_H
#define RECORD_DOCTOR_CHECKS_H

#include <stdbool.h>
#include <stddef.h>

#include "record/gate/gate.h"

enum { CHECKS_MAX = 64 };

enum check_about { CHECK_HOST, CHECK_RECORDING, CHECK_TARGET, CHECK_ABOUTS };

struct check {
	enum check_about about;
	enum gate_verdict verdict;
	char name[32];
	char value[320];
	char means[768];  /* "" when there is nothing to say */
	char remedy[512]; /* one line; "" none is needed or known */
};

struct checks {
	struct check at[CHECKS_MAX];
	size_t n;
	enum gate_place place;
	bool no_output; /* a recording could not be written where it would be */
	bool possible;	/* what was asked about can be recorded */
	char summary[512];
};

/* Appends a check and lends it, to have means and remedy set; the last one is used again when full.
 */
struct check *checks_add(struct checks *c, enum check_about about, enum gate_verdict verdict,
			 const char *name, const char *fmt, ...)
	__attribute__((format(printf, 5, 6)));
void check_means(struct check *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void check_remedy(struct check *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void checks_summary(struct checks *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* In place: control characters, line ends and what is not UTF-8 become '?'. */
void text_clean(char *text);

#endif
