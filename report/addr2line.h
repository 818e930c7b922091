/*
 * What the verb addr2line is made of: answers for addresses of one file, out of the jail
 * (addr2line_source.c), and their text, byte for byte as binutils writes it (addr2line_print.c).
 */
#ifndef REPORT_ADDR2LINE_H
#define REPORT_ADDR2LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/buf.h"
#include "common/base/map.h"
#include "report/debug/debug.h"
#include "report/symbol/answer.h"

struct err;

struct addr2line_source;

/* ---- input ---- */

/* Length of a line like "0x1f\n" or "1f\n", as nearly all input is; 0: it is something else. */
size_t addr2line_plain_line(const char *text, size_t n, uint64_t *ret);

/* Of any other text: a number, or a symbol and what is added to it; 0: neither. */
uint64_t addr2line_address(struct addr2line_source *s, const char *text);

/* ---- text ---- */

struct addr2line_form {
	bool addresses, functions, inlines, pretty, basenames;
	unsigned int languages; /* to demangle: enum symbol_language; 0: none */
	bool escape;		/* the output is a terminal */
};

struct addr2line_printer {
	const struct addr2line_form *form;
	const struct answers *answers;
	struct map made; /* name's text + 1 -> place of what is printed for it */
	struct buf text;
};

/* Both are lent. */
void addr2line_printer_init(struct addr2line_printer *p, const struct addr2line_form *form,
			    const struct answers *answers);
void addr2line_printer_done(struct addr2line_printer *p);
/* One address's lines; `first` may be ANSWER_NONE, then nothing else of p is used. */
void addr2line_print(struct addr2line_printer *p, uint64_t addr, uint32_t first, struct buf *out);

/* ---- answers ---- */

struct addr2line_file {
	const char *path;
	const char *section;	    /* addresses are offsets in it; NULL: as linked */
	struct debug_options debug; /* cache_dir is set by the source */
	bool no_cache;
};

/* -ENOENT and so on: the file cannot be opened, or is none to read. */
int addr2line_source_open(const struct addr2line_file *file, struct addr2line_source **ret,
			  struct err *err);
void addr2line_source_close(struct addr2line_source *s);

/*
 * What is known of n addresses, as they were given: first[i] is a frame of `answers`, or
 * ANSWER_NONE; all is lent during the call. Negative status: nothing is known, and err says why
 * (-ENOENT: no such section); answers and first are NULL then.
 */
typedef void addr2line_got(void *ctx, const uint64_t *addr, size_t n, const struct answers *answers,
			   const uint32_t *first, int status, const struct err *err);

/* One child reads the file for n addresses in any order; `got` is called once. */
void addr2line_source_answer(struct addr2line_source *s, const uint64_t *addr, size_t n,
			     addr2line_got *got, void *ctx);

/* The next addresses of a conversation; 0: it is over. At most `cap`. */
typedef size_t addr2line_next(void *ctx, uint64_t *addr, size_t cap);

/* Address of a symbol of the file by its name, mangled or not; false: there is none. */
bool addr2line_source_symbol(struct addr2line_source *s, const char *name, uint64_t *ret);

/*
 * One child that stays, and is asked again and again: files are read once. When it dies, another
 * one takes over at the addresses that were not answered.
 */
void addr2line_source_talk(struct addr2line_source *s, addr2line_next *next, addr2line_got *got,
			   void *ctx);

#endif
