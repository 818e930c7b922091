/*
 * What was looked for and not found while answers were made, as a list of questions: kept with
 * answers that are incomplete for it, and asked again before they are used. A question is bytes
 * that only their maker understands (supply.c).
 */
#ifndef REPORT_SYMBOL_MISSING_H
#define REPORT_SYMBOL_MISSING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;

enum {
	MISSING_BYTES_MAX = 1 << 20, /* of one list */
};

/* False: the list is full, or a question is longer than 65535 bytes. */
bool missing_put(struct buf *list, const void *question, size_t n);

/* Next question of a list of hostile bytes. False: at its end, or at what is none. */
bool missing_next(const uint8_t **at, const uint8_t *end, const void **ret, size_t *ret_n);

/* Adds to `list` what it lacks of the other. False: it became too long. */
bool missing_merge(struct buf *list, const void *bytes, size_t n);

#endif
