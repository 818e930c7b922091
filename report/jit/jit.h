/*
 * Code that a program made while it ran, by process, address and time: entries of perf maps and
 * jitdump records that the recorder kept, in the order of their times. An address that was used
 * twice has two codes, and a sample gets the one that was there when it was taken.
 * Knows no stacks and no files of the machine.
 */
#ifndef REPORT_JIT_H
#define REPORT_JIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct elf_image;
struct err;
struct jit;

/* One record, in any order of time; strings are copied. Also the recorder's and the file's form. */
enum jit_kind { JIT_LOAD, JIT_MOVE, JIT_LINES, JIT_UNWIND, JIT_KINDS };
enum jit_origin { JIT_FROM_PERF_MAP, JIT_FROM_JITDUMP };

struct jit_line {
	uint64_t addr;
	uint32_t line, column;
	const char *file;
};

struct jit_record {
	enum jit_kind kind;
	enum jit_origin origin;
	uint32_t pid;
	/*
	 * CLOCK_MONOTONIC of the recorded host. jitdump: the record's own. Perf map: when the
	 * recorder first saw the line; since_ns: when it had looked before (the line was written
	 * between the two).
	 */
	uint64_t time_ns, since_ns;
	uint64_t addr, size; /* MOVE: the new place */
	uint64_t old_addr;   /* MOVE */
	uint64_t index;	     /* jitdump code_index; 0 for perf maps */
	const char *name;    /* LOAD */
	const struct jit_line *line; /* LINES: of the next LOAD at addr */
	uint32_t n_lines;
	/* UNWIND: of the next LOAD: .eh_frame_hdr, then .eh_frame, as the runtime wrote them */
	const uint8_t *bytes;
	uint32_t n_bytes, hdr_bytes;
};

struct jit *jit_new(void);
void jit_free(struct jit *j);
void jit_add(struct jit *j, const struct jit_record *r);
void jit_seal(struct jit *j); /* sorts; then find */

/* A child has its parent's code until it execs. In time order, while reading. */
void jit_fork(struct jit *j, uint32_t pid, uint32_t child);
void jit_exec(struct jit *j, uint32_t pid);

enum { JIT_NO_CODE = 0 };
/* Code at this address at this time; JIT_NO_CODE. Threads: one caller. */
uint32_t jit_find(struct jit *j, uint32_t pid, uint64_t addr, uint64_t time_ns);

struct jit_code {
	const char *name;
	enum jit_origin origin;
	uint64_t start, size;
};
void jit_code(const struct jit *j, uint32_t code, struct jit_code *ret);
/* File and line of an offset into the code; false: not recorded. */
bool jit_line(const struct jit *j, uint32_t code, uint64_t offset, struct jit_line *ret);
/* Call frame information that came with the code; NULL. Addresses in it are run-time ones. */
const struct elf_image *jit_image(struct jit *j, uint32_t code);

#endif
