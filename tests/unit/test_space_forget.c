/* What is forgotten: common/space/{table,object,touch}.c, spaces_sweep */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/space/object.h"
#include "common/space/space.h"
#include "common/space/table.h"
#include "common/space/touch.h"
#include "tests/unit/check.h"

enum { IDS = 40000 };

static void table_follows_its_ids(void)
{
	struct id_table t;

	REQUIRE_TRUE(id_table_init(&t, IDS));
	uint32_t mask = t.mask;
	for (uint32_t i = 0; i < IDS; i++) {
		id_table_put(&t, i * 7, i);
		if (i % 4096 == 0)
			for (uint32_t k = 0; k <= i; k++)
				CHECK_UINT(id_table_find(&t, k * 7), k);
	}
	CHECK_TRUE(t.mask > mask && t.mask >= IDS);
	for (uint32_t i = 0; i < IDS; i++) {
		if (i % 100 == 0)
			continue;
		id_table_remove(&t, i * 7);
		CHECK_UINT(id_table_find(&t, i * 7), UINT32_MAX);
		if (i % 4096 == 1)
			for (uint32_t k = i + 1; k < IDS; k++)
				CHECK_UINT(id_table_find(&t, k * 7), k);
	}
	CHECK_UINT(t.n, IDS / 100);
	CHECK_TRUE(t.mask < IDS / 2);
	for (uint32_t i = 0; i < IDS; i += 100)
		CHECK_UINT(id_table_find(&t, i * 7), i);
	for (uint32_t i = 0; i < IDS; i += 100)
		id_table_remove(&t, i * 7);
	CHECK_UINT(t.mask, mask);
	id_table_done(&t);
}

/* Ids that come and go one by one stay in the part that was used first. */
static void churn_stays_small(void)
{
	struct id_table t;

	REQUIRE_TRUE(id_table_init(&t, IDS));
	uint32_t mask = t.mask;
	for (uint32_t i = 0; i < 1000000; i++) {
		id_table_put(&t, i, i);
		if (i >= 200)
			id_table_remove(&t, i - 200);
	}
	CHECK_UINT(t.mask, mask);
	CHECK_UINT(t.n, 200);
	id_table_done(&t);
}

static struct spaces *spaces;
static uint32_t gone[70000], n_gone;

static void on_gone(void *ctx, uint32_t object)
{
	(void)ctx;
	CHECK_TRUE(spaces_object(spaces, object) != NULL);
	gone[n_gone++ % (sizeof(gone) / sizeof(*gone))] = object;
}

static void run_program(uint32_t pid, const char *path)
{
	struct event e = { .type = EVENT_COMM, .pid = pid, .tid = pid, .comm.exec = true };

	spaces_apply(spaces, &e);
	e = (struct event){ .type = EVENT_MMAP,
			    .pid = pid,
			    .tid = pid,
			    .mmap = { .start = 0x1000, .size = 0x1000, .path = path } };
	spaces_apply(spaces, &e);
}

static void end_program(uint32_t pid)
{
	struct event e = { .type = EVENT_EXIT, .pid = pid, .tid = pid };

	spaces_apply(spaces, &e);
}

static uint32_t object_of(uint32_t pid)
{
	return space_find(spaces_find(spaces, pid), 0x1000)->object;
}

static void dead_files_go(void)
{
	char path[64];

	spaces = spaces_new(NULL);
	n_gone = 0;
	run_program(1, "/bin/server");
	for (uint32_t i = 0; i < 100000; i++) {
		snprintf(path, sizeof(path), "/tmp/%*u", (int)(i % 40), i);
		run_program(2, path);
		CHECK_STR(spaces_object(spaces, object_of(2))->path, path);
		end_program(2);
		if (i % 100 == 0) { /* what runs again and again is known again */
			run_program(3, "/bin/sh");
			CHECK_UINT(object_of(3), 3);
			end_program(3);
		}
		if (i % 500 == 499)
			spaces_sweep(spaces, on_gone, NULL);
	}
	CHECK_UINT(spaces_refused(spaces), 0);
	CHECK_UINT(n_gone, 100002 - 2 - OBJECTS_IDLE_MAX + 1);
	CHECK_TRUE(spaces_n_objects(spaces) <= OBJECTS_IDLE_MAX + 500 + 2);
	CHECK_UINT(object_of(1), 1);
	CHECK_STR(spaces_object(spaces, 1)->path, "/bin/server");
	CHECK_TRUE(spaces_object_is_mapped(spaces, 1) && !spaces_object_is_mapped(spaces, 3));
	uint32_t last = gone[(n_gone - 1) % (sizeof(gone) / sizeof(*gone))];
	CHECK_TRUE(!spaces_object(spaces, last) && !spaces_object_is_mapped(spaces, last));
	spaces_free(spaces);
}

static void dead_processes_go(void)
{
	struct event lost = { .type = EVENT_LOST, .lost = { .source = SOURCE_MAX, .n = 5 } };

	spaces = spaces_new(NULL);
	run_program(1, "/bin/a"); /* it is looked up again */
	run_program(2, "/bin/b"); /* its exit was among what was lost */
	spaces_apply(spaces, &lost);
	for (int i = 0; i < SPACES_SWEEPS_UNKNOWN; i++) {
		spaces_sweep(spaces, on_gone, NULL);
		if (i == 2)
			run_program(1, "/bin/a");
		CHECK_TRUE(spaces_find(spaces, 1) && spaces_find(spaces, 2));
		CHECK_TRUE(spaces_thread(spaces, 2) != NULL);
	}
	spaces_sweep(spaces, on_gone, NULL);
	CHECK_TRUE(spaces_find(spaces, 1) && spaces_find(spaces, 1)->known);
	CHECK_TRUE(!spaces_find(spaces, 2) && !spaces_thread(spaces, 2));
	spaces_free(spaces);
}

static uint32_t n_told;

static void on_object(void *ctx, const struct space *space, const struct mapping *mapping)
{
	(void)ctx, (void)space, (void)mapping;
	n_told++;
}

static void number_for_another_file(void)
{
	struct touch *t = calloc(1, sizeof(*t));
	struct event_sample sample = { .ip = 0x1010 };

	REQUIRE_TRUE(t);
	t->on_object = on_object;
	n_told = 0;
	spaces = spaces_new(NULL);
	run_program(1, "/a");
	touch_sample(t, spaces_find(spaces, 1), MACHINE_X86_64, &sample);
	run_program(1, "/a"); /* the same one: told already */
	touch_sample(t, spaces_find(spaces, 1), MACHINE_X86_64, &sample);
	CHECK_UINT(n_told, 1);
	touch_forget(t, object_of(1));
	run_program(1, "/a");
	touch_sample(t, spaces_find(spaces, 1), MACHINE_X86_64, &sample);
	CHECK_UINT(n_told, 2);
	spaces_free(spaces);
	free(t);
}

SUITE(space_forget, { "a table grows and shrinks with its ids", table_follows_its_ids },
      { "ids that come and go touch no more than those there are", churn_stays_small },
      { "files that nobody maps go, but for the last thousand", dead_files_go },
      { "a process whose end was lost goes after a while", dead_processes_go },
      { "a number that is for another file is told again", number_for_another_file }, )
