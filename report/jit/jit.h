/*
 * Code that programs made while they ran, by process, address and time: entries of perf maps and
 * jitdump records that the recorder kept. An address that was used twice has two codes, and a
 * sample gets the one that was there when it was taken.
 * Knows no stacks and no files of the machine.
 */
#ifndef REPORT_JIT_H
#define REPORT_JIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/format/event.h"
#include "common/format/jit.h"

struct elf_image;
struct jit;

struct jit *jit_new(enum machine machine);
void jit_free(struct jit *j);
/* In the order of the file; copied. */
void jit_add(struct jit *j, const struct jit_record *r);
void jit_seal(struct jit *j); /* no more records; then find */
bool jit_is_empty(const struct jit *j);

/*
 * A child has its parent's code until it execs; a process that begins has none of what another
 * had under its number. In time order, while samples are looked up.
 */
void jit_fork(struct jit *j, uint32_t pid, uint32_t child, uint64_t time_ns);
void jit_exec(struct jit *j, uint32_t pid, uint64_t time_ns);

/* Grows with each of these calls that matters: answers from before may not hold. */
uint32_t jit_changes(const struct jit *j);

enum { JIT_NO_CODE = 0 };
/*
 * Code at this address at this time; JIT_NO_CODE. What is known by its own times is taken first.
 * Without them (perf maps) the last entry counts that may have been written before; if there is
 * none, the first that was written later: runtimes write late. *ret_until_ns: the answer holds for
 * every time from time_ns up to it. Threads: one caller.
 */
uint32_t jit_find(struct jit *j, uint32_t pid, uint64_t addr, uint64_t time_ns,
		  uint64_t *ret_until_ns);

struct jit_code {
	const char *name;
	enum jit_origin origin;
	uint32_t pid;
	uint64_t start, size;
};
void jit_code(const struct jit *j, uint32_t code, struct jit_code *ret);
/* File and line of an offset into the code; false: not recorded. */
bool jit_line(const struct jit *j, uint32_t code, uint64_t offset, struct jit_line *ret);
/* Call frame information that came with the code, run-time addresses; NULL. Lives as long as j. */
const struct elf_image *jit_image(struct jit *j, uint32_t code);

/*
 * Runtimes that make code, known by a file that their processes map, and how each is told to
 * describe it.
 */
struct jit_hint {
	const char *runtime; /* "node" */
	const char *advice;  /* "start it with --perf-basic-prof" */
};

/* By the path of a mapped file; NULL: none that we know. */
const struct jit_hint *jit_hint_find(const char *path);

#endif
