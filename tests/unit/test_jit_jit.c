/* Which code held an address at a time: by jitdump's times, by looks at a perf map, in forks. */
#include <stdio.h>
#include <string.h>

#include "report/jit/jit.h"
#include "report/jit/timeline.h"
#include "tests/unit/check.h"

static struct jit *jit;

static void load(const char *name, uint64_t addr, uint64_t size, uint64_t since_ns,
		 uint64_t time_ns)
{
	struct jit_record r = { .kind = JIT_LOAD,
				.origin = since_ns == time_ns ? JIT_FROM_JITDUMP :
								JIT_FROM_PERF_MAP,
				.pid = 7,
				.addr = addr,
				.size = size,
				.since_ns = since_ns,
				.time_ns = time_ns,
				.name = name };

	jit_add(jit, &r);
}

static const char *name_in(uint32_t pid, uint64_t addr, uint64_t time_ns)
{
	struct jit_code about;
	uint64_t until_ns;

	jit_code(jit, jit_find(jit, pid, addr, time_ns, &until_ns), &about);
	CHECK_TRUE(until_ns > time_ns);
	return about.name;
}

static const char *name_at(uint64_t addr, uint64_t time_ns)
{
	return name_in(7, addr, time_ns);
}

static void begin(void)
{
	jit = jit_new(MACHINE_X86_64);
}

static void reused(void)
{
	begin();
	load("b", 0x1000, 0x40, 200, 200); /* in any order of time */
	load("a", 0x1000, 0x80, 100, 100);
	load("c", 0x1060, 0x10, 300, 300);
	jit_seal(jit);
	CHECK_STR(name_at(0x1000, 99), "");
	CHECK_STR(name_at(0x1000, 100), "a");
	CHECK_STR(name_at(0x107f, 199), "a");
	CHECK_STR(name_at(0x1000, 200), "b");
	CHECK_STR(name_at(0x103f, 1000), "b");
	CHECK_STR(name_at(0x1040, 1000), ""); /* a is gone as a whole */
	CHECK_STR(name_at(0x1060, 300), "c");
	CHECK_STR(name_at(0x1070, 300), "");
	CHECK_STR(name_at(0xfff, 300), "");
	CHECK_STR(name_in(8, 0x1000, 100), "");
	jit_free(jit);
}

static void moved(void)
{
	struct jit_record move = { .kind = JIT_MOVE,
				   .origin = JIT_FROM_JITDUMP,
				   .pid = 7,
				   .addr = 0x5000,
				   .size = 0x40,
				   .old_addr = 0x1000,
				   .time_ns = 150,
				   .since_ns = 150 };

	begin();
	load("a", 0x1000, 0x40, 100, 100);
	jit_add(jit, &move);
	jit_seal(jit);
	CHECK_STR(name_at(0x1010, 149), "a");
	CHECK_STR(name_at(0x1010, 150), "");
	CHECK_STR(name_at(0x5010, 149), "");
	CHECK_STR(name_at(0x5010, 150), "a");
	jit_free(jit);
}

static void looked_at(void)
{
	begin();
	load("a", 0x1000, 0x40, 0, 100);
	load("b", 0x1000, 0x40, 100, 200);
	load("c", 0x1000, 0x40, 100, 200);
	load("late", 0x9000, 0x40, 500, 600);
	load("later", 0x9000, 0x40, 500, 600);
	jit_seal(jit);
	CHECK_STR(name_at(0x1000, 50), "a");
	CHECK_STR(name_at(0x1000, 100), "c"); /* may have been written right after the look */
	CHECK_STR(name_at(0x9000, 50), "late"); /* runtimes write late: the first of them */
	CHECK_STR(name_at(0x9000, 500), "later");
	jit_free(jit);
}

static void exact_first(void)
{
	begin();
	load("seen", 0x1000, 0x40, 0, 100);
	load("told", 0x1000, 0x40, 150, 150);
	jit_seal(jit);
	CHECK_STR(name_at(0x1000, 120), "seen");
	CHECK_STR(name_at(0x1000, 150), "told");
	jit_free(jit);
}

static void families(void)
{
	begin();
	load("a", 0x1000, 0x40, 100, 100);
	load("b", 0x1000, 0x40, 300, 300);
	jit_seal(jit);
	jit_fork(jit, 7, 8, 200);
	jit_fork(jit, 8, 9, 250);
	CHECK_STR(name_in(8, 0x1000, 400), "a"); /* b came to the parent alone */
	CHECK_STR(name_in(9, 0x1000, 400), "a");
	CHECK_STR(name_in(7, 0x1000, 400), "b");
	jit_exec(jit, 8, 500);
	CHECK_STR(name_in(8, 0x1000, 600), "");
	CHECK_STR(name_in(9, 0x1000, 600), "a");
	jit_fork(jit, 1, 7, 700); /* another process under that number */
	CHECK_STR(name_in(7, 0x1000, 800), "");
	jit_free(jit);
}

static void lines(void)
{
	static const struct jit_line line[] = { { 0x1010, 5, 2, "x.js" },
						{ 0x1004, 4, 1, "x.js" } };
	struct jit_record r = {
		.kind = JIT_LINES, .pid = 7, .addr = 0x1000, .line = line, .n_lines = 2
	};
	struct jit_line got;
	uint64_t until_ns;
	uint32_t code;

	begin();
	jit_add(jit, &r);
	load("other", 0x2000, 0x40, 90, 90);
	load("a", 0x1000, 0x40, 100, 100);
	jit_seal(jit);
	code = jit_find(jit, 7, 0x1000, 100, &until_ns);
	CHECK_TRUE(!jit_line(jit, code, 3, &got));
	REQUIRE_TRUE(jit_line(jit, code, 4, &got));
	CHECK_UINT(got.line, 4);
	REQUIRE_TRUE(jit_line(jit, code, 0x3f, &got));
	CHECK_UINT(got.line, 5);
	CHECK_STR(got.file, "x.js");
	code = jit_find(jit, 7, 0x2000, 100, &until_ns);
	CHECK_TRUE(!jit_line(jit, code, 4, &got));
	CHECK_TRUE(jit_image(jit, code) == NULL);
	jit_free(jit);
}

/* As V8 writes them: 64 further on; and sometimes garbage. */
static void odd_lines(void)
{
	static const struct jit_line shifted[] = { { 0x1040, 4, 1, "x.js" },
						   { 0x1048, 5, 1, "x.js" } };
	static const struct jit_line garbage[] = { { 0x2040, 4, 1, "F(" },
						   { 0x3fffffffffff, 9, 9, "" } };
	struct jit_record r = { .kind = JIT_LINES, .pid = 7, .addr = 0x1000, .n_lines = 2 };
	struct jit_line got;
	uint64_t until_ns;

	begin();
	r.line = shifted;
	jit_add(jit, &r);
	load("a", 0x1000, 0x40, 90, 90);
	r.line = garbage;
	r.addr = 0x2000;
	jit_add(jit, &r);
	load("b", 0x2000, 0x40, 90, 90);
	jit_seal(jit);
	REQUIRE_TRUE(jit_line(jit, jit_find(jit, 7, 0x1000, 90, &until_ns), 0, &got));
	CHECK_UINT(got.line, 4);
	REQUIRE_TRUE(jit_line(jit, jit_find(jit, 7, 0x1000, 90, &until_ns), 8, &got));
	CHECK_UINT(got.line, 5);
	CHECK_TRUE(!jit_line(jit, jit_find(jit, 7, 0x2000, 90, &until_ns), 8, &got));
	jit_free(jit);
}

/* What timeline_find means, said without a tree. */
static uint32_t slowly(const struct timeline_span *s, size_t n, uint64_t addr, uint64_t time_ns)
{
	for (size_t i = n; i-- > 0;) {
		bool dead = false;

		if (s[i].born_ns > time_ns || addr < s[i].start || addr >= s[i].end)
			continue;
		for (size_t k = i + 1; k < n; k++)
			dead |= s[k].born_ns <= time_ns && s[k].start < s[i].end &&
				s[k].end > s[i].start;
		if (!dead)
			return s[i].code;
	}
	return 0;
}

static void at_random(void)
{
	enum { N = 300, QUESTIONS = 3000 };
	uint64_t x = 1;

	for (int round = 0; round < 20; round++) {
		struct timeline_span span[N];
		struct timeline t = { 0 };

		for (size_t i = 0; i < N; i++) {
			x = x * 6364136223846793005u + 1442695040888963407u;
			span[i].start = 1000 + (x >> 33) % (round < 10 ? 500 : 50000);
			span[i].end = span[i].start + 1 + (x >> 50) % (round % 2 ? 8 : 200);
			span[i].born_ns = i / 3;
			span[i].code = (uint32_t)i + 1;
			timeline_add(&t, &span[i]);
		}
		timeline_seal(&t);
		for (int i = 0; i < QUESTIONS; i++) {
			uint64_t addr, time_ns;
			const struct timeline_span *now;

			x = x * 6364136223846793005u + 1442695040888963407u;
			addr = 990 + (x >> 33) % (round < 10 ? 800 : 50300);
			time_ns = (x >> 50) % 110;
			now = timeline_find(&t, addr, time_ns).now;
			if (!CHECK_UINT(now ? now->code : 0, slowly(span, N, addr, time_ns)))
				return;
		}
		timeline_done(&t);
	}
}

/* A million pieces at one place, and ones over all of them: seconds would be too slow. */
static void crowded(void)
{
	enum { N = 200000 };
	struct timeline t = { 0 };
	uint64_t n_found = 0;

	for (uint64_t i = 0; i < N; i++) {
		uint64_t start = i % 2 ? 0x1000 : 0x1000 + i % 64;

		timeline_add(&t, &(struct timeline_span){ .start = start,
							  .end = start + (i % 2 ? 1 << 20 : 1),
							  .born_ns = i,
							  .code = (uint32_t)i + 1 });
	}
	timeline_seal(&t);
	for (uint64_t i = 0; i < N; i++)
		n_found += timeline_find(&t, 0x1000 + i % 64, i).now != NULL;
	CHECK_TRUE(n_found > N / 2);
	timeline_done(&t);
}

SUITE_WITHIN(20, jit_jit,
	{ "an address that was used twice has the code of that time", reused },
	{ "moved code is at its new place from then on, and no more at the old", moved },
	{ "without times the last line that may have been written counts, else the first later",
	  looked_at },
	{ "what a runtime timed goes before what was seen", exact_first },
	{ "forks inherit, exec and another process of that number forget", families },
	{ "lines are of the code at their address", lines },
	{ "lines that begin behind an ELF header are put right, garbage is left out", odd_lines },
	{ "the tree says what the definition says", at_random },
	{ "many pieces at one place are found quickly", crowded },
)
