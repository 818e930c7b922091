/*
 * Configuration files: the part of TOML 1.0 that options need. Tables ([a.b]), bare and dotted
 * keys, basic and literal strings on one line, booleans, integers, decimal fractions, arrays of
 * strings over any number of lines, comments. What else TOML has is refused by name: quoted keys,
 * inline tables, arrays of tables, strings of several lines, dates, exponents, infinity.
 * A file is hostile like any other: everything is bounded, and errors say "NAME:LINE:COLUMN: ...",
 * both counted from 1, columns in characters.
 */
#ifndef COMMON_BASE_TOML_H
#define COMMON_BASE_TOML_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;
struct err;

enum {
	TOML_BYTES_MAX = 64 << 10, /* of a file */
	TOML_ITEMS_MAX = 512,	   /* keys and tables */
	TOML_KEY_BYTES_MAX = 128,  /* of a path: "table.key" */
	TOML_STRINGS_MAX = 1024,   /* of one array */
};

enum toml_type { TOML_STRING, TOML_BOOLEAN, TOML_INTEGER, TOML_FRACTION, TOML_STRINGS };

/* One key with its value, in the file's order. */
struct toml_item {
	const char *path; /* "key", "table.key" */
	enum toml_type type;
	/*
	 * STRING: itself, UTF-8 without zero bytes. BOOLEAN: "true", "false". Numbers: as text in
	 * decimal, without '_' and '+': "-12", "0.5". STRINGS: NULL.
	 */
	const char *text;
	int64_t integer;	   /* INTEGER; BOOLEAN 0, 1 */
	const char *const *string; /* STRINGS */
	size_t n_strings;
	uint32_t line, column; /* of the key */
	uint32_t value_line, value_column;
};

struct toml {
	const char *name;
	const struct toml_item *item;
	size_t n_items;
};

/*
 * n bytes of the file called `name`. What *ret points to lives in `arena`. -EINVAL; -EFBIG for a
 * limit.
 */
int toml_parse(const char *name, const char *bytes, size_t n, struct arena *arena, struct toml *ret,
	       struct err *err);

/*
 * The same of a file. -ENOENT when there is none; -EACCES; -EINVAL also for what is no regular
 * file (never waits for a FIFO).
 */
int toml_read(const char *path, struct arena *arena, struct toml *ret, struct err *err);

/*
 * Its two halves, for who wants to look at the open file before it is believed. `may_repeat`: a key
 * may be set several times, and each is an item.
 */
int toml_open(const char *path, struct err *err);
int toml_read_open(int fd, const char *path, bool may_repeat, struct arena *arena, struct toml *ret,
		   struct err *err);

/* "boolean", "array of strings", ... */
const char *toml_type_name(enum toml_type type);

#endif
