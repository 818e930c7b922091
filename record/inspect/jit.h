/*
 * Files in which runtimes describe the code that they make: found under the process's root, opened
 * once, kept open, read as they grow, into JIT chunks. Private to the room.
 *
 * They are hostile: whoever can write to /tmp can put one there for somebody else's process. One is
 * used only if it is a regular file of the process's own user or root, with one name, writable by
 * nobody else, and not larger than its limit; else one line says why not.
 */
#ifndef RECORD_INSPECT_JIT_H
#define RECORD_INSPECT_JIT_H

#include "record/inspect/serve.h"

struct err;
struct jit_files; /* those that are watched */

enum {
	JIT_MAP_BYTES_MAX = 64 << 20,
	JIT_DUMP_BYTES_MAX = 1 << 30,
	JIT_FILES_MAX = 512,
	JIT_RECORDS_MAX = 4 << 20, /* of one recording */
};

struct jit_files *jit_files_new(void);

/*
 * Answers a MESSAGE_JIT_... request: JIT chunks, notes for the user, and MESSAGE_JIT_STATE where
 * something was read. 1: the process lives, its files stay watched.
 */
int jit_answer(struct jit_files *f, struct serve *s, const struct message *request,
	       const uint8_t *bytes, struct err *err);

#endif
