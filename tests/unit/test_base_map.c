/* common/base/map.c against a plain array. */
#include "common/base/map.h"

#include <stdlib.h>

#include "tests/unit/check.h"

static void empty_map(void)
{
	struct map m;

	map_init(&m);
	CHECK_TRUE(!map_find(&m, 1));
	CHECK_TRUE(!map_find(&m, 0));
	CHECK_TRUE(!map_remove(&m, 1));
	map_reset(&m);
	map_done(&m);
	map_done(NULL);
}

static void put_and_find(void)
{
	enum { N = 100000 };
	struct map m;
	bool is_new;

	map_init(&m);
	for (uint64_t key = 1; key <= N; key++) {
		*map_put(&m, key * 4096, &is_new) = key;
		if (!is_new)
			CHECK_TRUE(false, "key %ju was there", (uintmax_t)key);
	}
	CHECK_UINT(m.n, N);
	for (uint64_t key = 1; key <= N; key++) {
		uint64_t *value = map_find(&m, key * 4096);

		if (!value || *value != key)
			CHECK_TRUE(false, "key %ju has no value", (uintmax_t)key);
	}
	CHECK_TRUE(!map_find(&m, 4095));
	CHECK_UINT(*map_put(&m, 4096, &is_new), 1);
	CHECK_TRUE(!is_new);
	CHECK_UINT(*map_put(&m, 8192, NULL), 2);
	map_done(&m);
}

static void new_value_is_zero(void)
{
	struct map m;
	bool is_new;

	map_init(&m);
	CHECK_UINT(*map_put(&m, UINT64_MAX, &is_new), 0);
	CHECK_TRUE(is_new);
	*map_find(&m, UINT64_MAX) = 7;
	CHECK_TRUE(map_remove(&m, UINT64_MAX));
	CHECK_UINT(*map_put(&m, UINT64_MAX, &is_new), 0);
	CHECK_TRUE(is_new);
	map_reset(&m);
	CHECK_UINT(m.n, 0);
	CHECK_TRUE(!map_find(&m, UINT64_MAX));
	CHECK_UINT(*map_put(&m, UINT64_MAX, &is_new), 0);
	map_done(&m);
}

/* Few keys, many changes: runs of neighbours form and are cut in every way. */
static void random_changes(void)
{
	enum { KEYS = 200, STEPS = 200000 };
	uint64_t want[KEYS] = { 0 }, random = 88172645463325252u;
	size_t n = 0;
	struct map m;

	map_init(&m);
	for (int step = 0; step < STEPS; step++) {
		uint64_t key, *value;

		random ^= random << 13, random ^= random >> 7, random ^= random << 17;
		key = random % (KEYS - 1) + 1;
		if (random >> 32 & 1) {
			n += !want[key];
			*map_put(&m, key, NULL) = want[key] = random | 1;
		} else {
			bool removed = map_remove(&m, key);

			if (removed != !!want[key])
				CHECK_TRUE(false, "step %d: key %ju", step, (uintmax_t)key);
			n -= removed;
			want[key] = 0;
		}
		key = random >> 40 & 127;
		value = map_find(&m, key);
		if (key && (value ? *value : 0) != want[key])
			CHECK_TRUE(false, "step %d: key %ju differs", step, (uintmax_t)key);
	}
	CHECK_UINT(m.n, n);
	for (uint64_t key = 1; key < KEYS; key++)
		CHECK_UINT(map_find(&m, key) ? *map_find(&m, key) : 0, want[key]);
	map_done(&m);
}

SUITE(base_map,
      { "an empty map finds and removes nothing", empty_map },
      { "what was put is found, also after growing", put_and_find },
      { "a new value is zero, also where one was removed", new_value_is_zero },
      { "random puts and removals agree with an array", random_changes },
)
