/* The inspector's side: answers requests until the socket closes. Private to the room. */
#ifndef RECORD_INSPECT_SERVE_H
#define RECORD_INSPECT_SERVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "record/inspect/inspect.h"
#include "record/inspect/message.h"

struct serve; /* memory of the child: buffers, compressor, kernel symbols */

/* Never returns while the recorder lives. */
void serve(int fd, enum inspect_embed embed);

/* For maps.c, embed.c, kallsyms.c: answers. A dead socket ends the process. */
void serve_event(struct serve *s, const struct message_event *event, const char *path);
/* Compresses and sends a payload, of JIT that of one pid. An object_put is serve_object(). */
int serve_chunk(struct serve *s, enum chunk_type type, uint32_t pid, const void *raw, size_t n,
		uint32_t n_records);
/* As it is. */
int serve_raw_chunk(struct serve *s, enum chunk_type type, const void *raw, size_t n,
		    uint32_t n_records);
int serve_object(void *s, const void *raw, size_t n, uint32_t n_records);
/* A line for the user. */
void serve_note(struct serve *s, const char *text);
void serve_jit_state(struct serve *s, uint32_t pid, const struct message_jit *state);
void *serve_scratch(struct serve *s); /* CHUNK_RAW_MAX bytes */

#endif
