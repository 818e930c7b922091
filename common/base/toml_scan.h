/*
 * Where the reader of TOML stands in a file, and what its parts share. Private to toml*.c.
 */
#ifndef COMMON_BASE_TOML_SCAN_H
#define COMMON_BASE_TOML_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;
struct err;
struct toml_item;

struct toml_scan {
	const char *name;
	const char *start, *at, *end;
	const char *line_start;
	uint32_t line;
	struct arena *arena;
	struct err *err;
};

/* Where a message points to. */
struct toml_spot {
	uint32_t line, column;
};

struct toml_spot toml_spot_at(const struct toml_scan *s, const char *at);

/* Sets "NAME:LINE:COLUMN: ..." and returns code. */
int toml_fail_at(const struct toml_scan *s, struct toml_spot at, int code, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
#define toml_fail(s, at, ...) toml_fail_at(s, toml_spot_at(s, at), -EINVAL, __VA_ARGS__)

/* All bytes, before anything else is done: UTF-8 without control characters. */
int toml_check_bytes(struct toml_scan *s);

/* The byte at hand; an end of line at the end of the file, which need not have one. */
char toml_peek(const struct toml_scan *s);
bool toml_starts_with(const struct toml_scan *s, const char *text);
void toml_skip_blanks(struct toml_scan *s);
void toml_skip_lines(struct toml_scan *s); /* blanks, comments and ends of lines */
/* Nothing but blanks and a comment is left in the line. */
int toml_end_line(struct toml_scan *s);
/* What stands here, for messages. */
const char *toml_shown(const struct toml_scan *s);

bool toml_is_bare(char c); /* of a key */

/* ---- toml_value.c ---- */

int toml_take_value(struct toml_scan *s, struct toml_item *item);

#endif
