/*
 * Names of kernel code that samples of the whole recording met, as one list: each further file has
 * all of them in one chunk. Fixed memory, touched as it is used. Private to the room.
 */
#ifndef RECORD_SINK_NAMES_H
#define RECORD_SINK_NAMES_H

#include <stddef.h>
#include <stdint.h>

struct chunk_writer;
struct err;
struct names;

struct names *names_new(struct err *err);
void names_free(struct names *n);

/* A payload of a KERNEL chunk. What is damaged or has no room is left out and counted. */
void names_add(struct names *n, const uint8_t *raw, size_t raw_bytes);
/* All of them, in chunks as large as they may be. Negative: the output refused one. */
int names_write(struct names *n, struct chunk_writer *to);

uint32_t names_n(const struct names *n);
uint64_t names_n_gone(const struct names *n);

#endif
