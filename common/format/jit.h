/*
 * Code that programs made at run time, as their runtimes told it in perf maps and jitdump files:
 * records of JIT chunks <-> bytes. Wire form: ddprof.data(5), "Code made at run time". The same
 * struct goes from the recorder through the file to the report (report/jit/).
 */
#ifndef COMMON_FORMAT_JIT_H
#define COMMON_FORMAT_JIT_H

#include <stddef.h>
#include <stdint.h>

struct err;

enum {
	JIT_TEXT_MAX = 4095,		 /* bytes of a name or path; longer ones are cut */
	JIT_LINES_MAX = 1024,		 /* entries of one LINES record */
	JIT_UNWIND_BYTES_MAX = 64 << 10, /* of one UNWIND record; more is not kept */
	JIT_CODE_BYTES_MAX = 1 << 30,	 /* of one piece of code */
};

/* Values are in the file. */
enum jit_kind { JIT_LOAD = 1, JIT_MOVE, JIT_LINES, JIT_UNWIND, JIT_NOTE, JIT_KINDS };
enum jit_origin { JIT_FROM_PERF_MAP, JIT_FROM_JITDUMP, JIT_ORIGINS };

struct jit_line {
	uint64_t addr;
	uint32_t line, column; /* 0: not known */
	const char *file;
};

struct jit_record {
	enum jit_kind kind;
	enum jit_origin origin; /* LOAD, MOVE */
	uint32_t pid;
	/*
	 * LOAD, MOVE. CLOCK_MONOTONIC of the recorded host. Equal: the runtime said when. Else the
	 * recorder first saw it at time_ns and had looked before at since_ns (0: never): it was
	 * written between the two, and the code may be older.
	 */
	uint64_t time_ns, since_ns;
	uint64_t addr, size; /* MOVE: the new place; LINES, UNWIND: start of the code */
	uint64_t old_addr;   /* MOVE */
	uint64_t index;	     /* code_index of jitdump; 0 for perf maps */
	const char *name;    /* LOAD: as the runtime wrote it; NOTE: what was not used, and why */
	/* of the next LOAD of this process at addr; several LINES of one code add up */
	const struct jit_line *line;
	uint32_t n_lines;
	/*
	 * UNWIND, the same: .eh_frame, then its last hdr_bytes are .eh_frame_hdr. Addresses in it
	 * are as if it lay behind the code, at the next multiple of 8.
	 */
	const uint8_t *bytes;
	uint32_t n_bytes, hdr_bytes;
};

/* Contents of one chunk in memory of the caller. */
struct jit_writer {
	uint8_t *begin, *at, *end;
	uint32_t n_records;
	uint64_t time_ns, addr; /* of the last record: fields are differences to it */
};

void jit_writer_begin(struct jit_writer *w, void *bytes, size_t cap);
/* 0, or -ENOSPC: nothing was added. What is over the limits above is cut or left out. */
int jit_writer_put(struct jit_writer *w, const struct jit_record *r);

/* Pointers in the record are lent until `got` returns; negative stops and is returned. */
typedef int jit_got(void *ctx, const struct jit_record *r);
/* -EBADMSG: contents make no sense; records before that were given. */
int jit_decode(const uint8_t *raw, size_t n, jit_got *got, void *ctx, struct err *err);

#endif
