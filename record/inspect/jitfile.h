/*
 * One watched file: whose it is, where it is, whether it may be used, what of it was read. Private
 * to the room.
 */
#ifndef RECORD_INSPECT_JITFILE_H
#define RECORD_INSPECT_JITFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "record/inspect/jitdump.h"
#include "record/inspect/message.h"

struct err;

enum { JIT_BUFFER_BYTES = 256 << 10 };

struct jit_file {
	uint32_t pid;
	enum jit_file_kind kind;
	char *path; /* in the process's root */
	/* of the process, when it was first looked at */
	uid_t uid;
	int root_fd;			  /* survives the process */
	uint64_t start_ns, start_real_ns; /* when it began: CLOCK_MONOTONIC, CLOCK_REALTIME */
	int64_t ahead_ns; /* its CLOCK_MONOTONIC before the host's */

	int fd;	   /* -1: not open */
	bool done; /* refused, or used up: not opened again */
	uint64_t dev, ino;
	uint64_t size; /* at the last look */
	uint64_t off, since_ns;
	uint64_t found_ns; /* when its name was last looked up */

	struct jitdump dump;
	uint64_t n_lines, n_odd;
	bool skip; /* in a line that is longer than the buffer */
	/* bytes of the file from buf_off on */
	uint8_t *buf;
	uint64_t buf_off;
	size_t buf_n;
};

/* `path` NULL: the perf map of this process, in its own pid namespace's number. */
int jit_file_init(struct jit_file *f, uint32_t pid, enum jit_file_kind kind, const char *path,
		  struct err *err);
void jit_file_done(struct jit_file *f);

/* "perf map '/tmp/perf-12.map'" */
const char *jit_file_name(const struct jit_file *f, char *text, size_t n);

/*
 * Opens it if it is there, and again when another file has its name. 1: open, `size` is set;
 * 0: not there; negative: it may not be used, err says why.
 */
int jit_file_open(struct jit_file *f, uint64_t now_ns, bool final, struct err *err);

/* jitdump_source's peek, of a struct jit_file. */
const uint8_t *jit_file_peek(void *file, uint64_t off, size_t n);

/* Whether this process still runs (a zombie does not). */
bool jit_process_lives(uint32_t pid);

#endif
