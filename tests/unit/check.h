/*
 * Unit tests: a suite is a file, a test is a sentence. Each suite runs in a process of its own.
 *
 *	static void cut_stack(void)
 *	{
 *		CHECK_INT(frames.n, 3);
 *	}
 *
 *	SUITE(unwind_unwind,
 *		{ "a cut stack keeps the frames that were walked", cut_stack },
 *	)
 *
 * The file registers itself; it only has to be listed in tests/Makefile.inc. Checks print both
 * values and let the test go on; REQUIRE_... end the test (setjmp: no cleanup is run).
 */
#ifndef TESTS_UNIT_CHECK_H
#define TESTS_UNIT_CHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct check_test {
	const char *name; /* a sentence; NULL ends the table */
	void (*run)(void);
};

struct check_suite {
	const char *name;
	const struct check_test *tests;
	unsigned int deadline_s;
	struct check_suite *next;
};

void check_register(struct check_suite *suite);

/* In seconds; a suite that needs longer uses SUITE_WITHIN. */
enum { CHECK_DEADLINE_S = 120 };

#define SUITE(id, ...) SUITE_WITHIN(CHECK_DEADLINE_S, id, __VA_ARGS__)
#define SUITE_WITHIN(seconds, id, ...)                                               \
	static const struct check_test id##_tests[] = { __VA_ARGS__{ NULL, NULL } }; \
	static struct check_suite id##_suite = { #id, id##_tests, seconds, NULL };   \
	static void __attribute__((constructor)) id##_register(void)                 \
	{                                                                            \
		check_register(&id##_suite);                                         \
	}

struct check_at {
	const char *file;
	int line;
	const char *text; /* the check as written */
};

/* Each counts one assertion, prints values when it fails, and returns whether it held. */
bool check_true(struct check_at at, bool holds, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
bool check_int(struct check_at at, int64_t got, int64_t want);
bool check_uint(struct check_at at, uint64_t got, uint64_t want);
bool check_str(struct check_at at, const char *got, const char *want);
bool check_mem(struct check_at at, const void *got, const void *want, size_t n);
bool check_has(struct check_at at, const char *text, const char *part);
void check_stop(void) __attribute__((noreturn));

/* The test cannot run here; the reason is printed and counted. Ends the test. */
void check_skip(const char *fmt, ...) __attribute__((format(printf, 1, 2), noreturn));

/* Deadline of the suite in which this test runs, from now. */
void check_more_time(unsigned int seconds);

/* A path below the source tree ("tests/data/x"); lent until the next call. */
const char *check_source_path(const char *path);

#define CHECK_AT(text) ((struct check_at){ __FILE__, __LINE__, text })

#define CHECK_TRUE(cond, ...) check_true(CHECK_AT("CHECK_TRUE(" #cond ")"), (cond), " " __VA_ARGS__)
#define CHECK_INT(got, want) check_int(CHECK_AT("CHECK_INT(" #got ", " #want ")"), (got), (want))
#define CHECK_UINT(got, want) check_uint(CHECK_AT("CHECK_UINT(" #got ", " #want ")"), (got), (want))
#define CHECK_STR(got, want) check_str(CHECK_AT("CHECK_STR(" #got ", " #want ")"), (got), (want))
#define CHECK_MEM(got, want, n) \
	check_mem(CHECK_AT("CHECK_MEM(" #got ", " #want ", " #n ")"), (got), (want), (n))
/* `text` contains `part` */
#define CHECK_HAS(text, part) check_has(CHECK_AT("CHECK_HAS(" #text ", " #part ")"), (text), (part))

#define REQUIRE_TRUE(cond, ...)                                                                \
	do {                                                                                   \
		if (!check_true(CHECK_AT("REQUIRE_TRUE(" #cond ")"), (cond), " " __VA_ARGS__)) \
			check_stop();                                                          \
	} while (0)
#define REQUIRE_INT(got, want)                                                               \
	do {                                                                                 \
		if (!check_int(CHECK_AT("REQUIRE_INT(" #got ", " #want ")"), (got), (want))) \
			check_stop();                                                        \
	} while (0)

#endif
