/* common/base/arena.c: memory by lifetime. */
#include "common/base/arena.h"

#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/check.h"

static void aligned_and_apart(void)
{
	static const size_t sizes[] = { 0, 1, 15, 16, 17, 100, 5000, 9000, 40000, 3 << 20, 1, 0 };
	enum { N = sizeof(sizes) / sizeof(sizes[0]) };
	struct arena a;
	unsigned char *p[N];

	arena_init(&a);
	for (size_t i = 0; i < N; i++) {
		p[i] = arena_alloc(&a, sizes[i]);
		CHECK_UINT((uintptr_t)p[i] % 16, 0);
		memset(p[i], (int)i + 1, sizes[i]);
	}
	for (size_t i = 0; i < N; i++)
		for (size_t j = 0; j < sizes[i]; j++)
			if (p[i][j] != i + 1) {
				CHECK_TRUE(false, "allocation %zu changed at byte %zu", i, j);
				break;
			}
	CHECK_TRUE(p[0] != p[1], "nothing has an address of its own");
	arena_done(&a);
}

static void reset_keeps_a_block(void)
{
	size_t after_first;
	struct arena a;

	arena_init(&a);
	arena_reset(&a); /* of an empty one */
	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < 1000; i++)
			memset(arena_alloc(&a, 100), 0x55, 100);
		arena_reset(&a);
	}
	after_first = a.total_bytes;
	for (int i = 0; i < 300; i++)
		arena_alloc(&a, 100);
	CHECK_UINT(a.total_bytes, after_first);
	arena_done(&a);
	CHECK_TRUE(!a.head);
	arena_done(&a);
	arena_done(NULL);
}

static void large_request_wastes_nothing(void)
{
	struct arena a;
	char *before, *after;

	arena_init(&a);
	before = arena_alloc(&a, 16);
	memset(arena_alloc(&a, 10 << 20), 1, 10 << 20);
	after = arena_alloc(&a, 16);
	CHECK_INT(after - before, 16);
	CHECK_TRUE(a.total_bytes < (11 << 20), "%zu bytes asked", a.total_bytes);
	arena_done(&a);
}

static void texts(void)
{
	char long_text[20000];
	struct arena a;

	arena_init(&a);
	CHECK_STR(arena_strdup(&a, ""), "");
	CHECK_STR(arena_strdup(&a, "libc.so.6"), "libc.so.6");
	CHECK_STR(arena_strndup(&a, "libc.so.6", 4), "libc");
	CHECK_STR(arena_strndup(&a, "abc\0def", 7), "abc");
	CHECK_STR(arena_printf(&a, "[%s+0x%x]", "libx.so", 0x123), "[libx.so+0x123]");
	memset(long_text, 'y', sizeof(long_text) - 1);
	long_text[sizeof(long_text) - 1] = 0;
	CHECK_STR(arena_printf(&a, "%s", long_text), long_text);
	CHECK_INT(*(char *)arena_zalloc(&a, 1), 0);
	arena_done(&a);
}

static void arrays_double(void)
{
	size_t cap = 0, n_grown = 0;
	uint32_t *items = NULL;

	for (size_t i = 0; i < 100000; i++) {
		size_t before = cap;

		mem_grow(&items, &cap, i + 1, sizeof(*items));
		n_grown += cap != before;
		items[i] = (uint32_t)i;
	}
	CHECK_TRUE(n_grown < 16, "grown %zu times", n_grown);
	CHECK_UINT(items[99999], 99999);
	CHECK_UINT(items[0], 0);
	free(items);
}

/* Runs `f` in a child and returns its wait status. */
static int status_of(void (*f)(void))
{
	int status = -1;
	pid_t pid = fork();

	if (pid == 0) {
		close(STDERR_FILENO);
		f();
		_exit(0);
	}
	waitpid(pid, &status, 0);
	return status;
}

static void grow_past_everything(void)
{
	size_t cap = 0;
	uint64_t *items = NULL;

	mem_grow(&items, &cap, SIZE_MAX / 2, sizeof(*items));
}

static void alloc_past_everything(void)
{
	struct arena a;

	arena_init(&a);
	arena_alloc(&a, 16);
	arena_alloc(&a, SIZE_MAX - 8);
}

static void overflow_ends_the_program(void)
{
	int status = status_of(grow_past_everything);

	CHECK_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 1, "status 0x%x", status);
	status = status_of(alloc_past_everything);
	CHECK_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 1, "status 0x%x", status);
}

SUITE(base_arena,
      { "allocations are aligned to 16 and do not overlap", aligned_and_apart },
      { "a reset arena asks the system for nothing new", reset_keeps_a_block },
      { "a large request does not end the current block", large_request_wastes_nothing },
      { "texts are copied with their end", texts },
      { "arrays double, so that growing is rare", arrays_double },
      { "a size that overflows ends the program with status 1", overflow_ends_the_program },
)
