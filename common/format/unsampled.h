/*
 * Programs that the kernel gave no samples of: when a program starts with more rights than who
 * started it, or may not be read by them, the kernel ends all events of its task, and with them
 * what it would start. And those whose samples are addresses alone, as it does not let the recorder
 * look at what they had mapped before. ddprof.data(5), "Unsampled".
 */
#ifndef COMMON_FORMAT_UNSAMPLED_H
#define COMMON_FORMAT_UNSAMPLED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/format/event.h"

struct cursor; /* wire.h */

/* Values are in the file: append only. */
enum unsampled_reason {
	UNSAMPLED_UNKNOWN, /* it ended too soon to be looked at, or nothing about it is sure */
	UNSAMPLED_SETUID,
	UNSAMPLED_SETGID,
	UNSAMPLED_CAPABILITIES, /* of its file */
	UNSAMPLED_UNREADABLE,
	UNSAMPLED_HIDDEN, /* sampled, but nobody knows in what */
	UNSAMPLED_REASONS
};
/* "setuid": the words of summary, reports and doctor. */
const char *unsampled_reason_text(enum unsampled_reason reason);

struct unsampled {
	enum unsampled_reason reason;
	uint64_t n;	     /* processes since the recording began */
	char name[COMM_MAX]; /* as the kernel cut it; "": several, beyond UNSAMPLED_NAMES_MAX */
};

enum {
	UNSAMPLED_NAMES_MAX = 32, /* pairs of reason and name */
	UNSAMPLED_MAX = UNSAMPLED_NAMES_MAX + UNSAMPLED_REASONS,
	UNSAMPLED_BYTES_MAX = 2 * 10 + COMM_MAX, /* of one record's contents */
};

struct unsampled_table { /* all 0: empty */
	struct unsampled at[UNSAMPLED_MAX];
	uint32_t n;
};

/*
 * One process more of that name. Returns its index; when names are used up, that of the nameless
 * one with this reason.
 */
uint32_t unsampled_add(struct unsampled_table *t, enum unsampled_reason reason, const char *name);
/* As a record says it: counts never fall. */
void unsampled_set(struct unsampled_table *t, const struct unsampled *u);

/* Those of another recording. */
void unsampled_add_all(struct unsampled_table *t, const struct unsampled_table *from);

/* Contents of a record. get: false when they make no sense; a reason of the future is UNKNOWN. */
uint8_t *unsampled_put(const struct unsampled *u, uint8_t *at);
bool unsampled_get(struct cursor *c, struct unsampled *ret);

/*
 * "3 processes could not be sampled: sudo (setuid), x (not readable, 2)"; "" where there are none.
 * Names stand in it as they are: who shows the text escapes it. Cut at `cap`.
 */
void unsampled_describe(const struct unsampled_table *t, char *text, size_t cap);
/* "2 processes could not be looked into: nginx (mappings not readable, 2)" */
void unsampled_describe_hidden(const struct unsampled_table *t, char *text, size_t cap);
enum { UNSAMPLED_TEXT_MAX = 64 + UNSAMPLED_MAX * (COMM_MAX + 48) };

#endif
