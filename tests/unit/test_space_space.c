/* Address spaces: common/space/{space,object,table}.c */
#include "common/space/space.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/check.h"

static struct spaces *spaces;

static void begin(void)
{
	spaces = spaces_new(NULL);
}

static void end(void)
{
	spaces_free(spaces);
}

static void map_at(uint32_t pid, uint64_t start, uint64_t stop, uint64_t pgoff, const char *path)
{
	struct event e = {
		.type = EVENT_MMAP,
		.pid = pid,
		.tid = pid,
		.mmap = { .start = start, .size = stop - start, .pgoff = pgoff, .path = path }
	};

	spaces_apply(spaces, &e);
}

static void comm(uint32_t pid, uint32_t tid, bool exec, const char *name)
{
	struct event e = { .type = EVENT_COMM, .pid = pid, .tid = tid, .comm.exec = exec };

	snprintf(e.comm.comm, sizeof(e.comm.comm), "%s", name);
	spaces_apply(spaces, &e);
}

static void fork_of(uint32_t ppid, uint32_t ptid, uint32_t pid, uint32_t tid)
{
	struct event e = {
		.type = EVENT_FORK, .time_ns = 5, .pid = pid, .tid = tid, .fork = { ppid, ptid }
	};

	spaces_apply(spaces, &e);
}

static void exit_of(uint32_t pid, uint32_t tid)
{
	struct event e = { .type = EVENT_EXIT, .pid = pid, .tid = tid };

	spaces_apply(spaces, &e);
}

static void snapshot(uint32_t pid)
{
	struct event e = { .type = EVENT_SPACE, .pid = pid, .tid = pid };

	spaces_apply(spaces, &e);
}

/* Path of what is mapped at addr; "" when nothing is, "?" without the process. */
static const char *at(uint32_t pid, uint64_t addr)
{
	const struct space *sp = spaces_find(spaces, pid);
	const struct mapping *m = sp ? space_find(sp, addr) : NULL;

	if (!sp)
		return "?";
	CHECK_TRUE(space_has_code(sp, addr) == (m != NULL), "%jx", (uintmax_t)addr);
	return m ? spaces_object(spaces, m->object)->path : "";
}

static uint64_t pgoff_at(uint32_t pid, uint64_t addr)
{
	const struct mapping *m = space_find(spaces_find(spaces, pid), addr);

	return m ? addr - m->start + m->pgoff : UINT64_MAX;
}

static void later_replaces(void)
{
	begin();
	comm(1, 1, true, "a");
	map_at(1, 0x1000, 0x9000, 0, "a");
	map_at(1, 0x3000, 0x5000, 0x100000, "b");
	CHECK_STR(at(1, 0xfff), "");
	CHECK_STR(at(1, 0x1000), "a");
	CHECK_STR(at(1, 0x2fff), "a");
	CHECK_STR(at(1, 0x3000), "b");
	CHECK_STR(at(1, 0x4fff), "b");
	CHECK_STR(at(1, 0x5000), "a");
	CHECK_STR(at(1, 0x8fff), "a");
	CHECK_STR(at(1, 0x9000), "");
	CHECK_UINT(pgoff_at(1, 0x5000), 0x4000); /* the tail keeps its place in the file */
	CHECK_UINT(pgoff_at(1, 0x4000), 0x101000);
	map_at(1, 0x2000, 0x6000, 0, "c"); /* cuts a's head, takes b, cuts a's tail */
	CHECK_STR(at(1, 0x1fff), "a");
	CHECK_STR(at(1, 0x3000), "c");
	CHECK_STR(at(1, 0x6000), "a");
	CHECK_UINT(pgoff_at(1, 0x6000), 0x5000);
	map_at(1, 0, 0x10000, 0, "d");
	CHECK_INT(spaces_find(spaces, 1)->n, 1);
	end();
}

/* Against an array of pages, with the layouts that come out of chance. */
static void like_an_array(void)
{
	enum { PAGES = 200 };
	static uint32_t want[PAGES];
	uint64_t random = 88172645463325252u;
	char path[16];

	begin();
	comm(1, 1, true, "a");
	for (uint32_t round = 1; round <= 3000; round++) {
		random ^= random << 13, random ^= random >> 7, random ^= random << 17;
		uint64_t from = random % PAGES, to = from + 1 + (random >> 32) % 20;

		if (to > PAGES)
			continue;
		snprintf(path, sizeof(path), "%u", round % 50);
		map_at(1, from << 12, to << 12, from << 12, path);
		for (uint64_t p = from; p < to; p++)
			want[p] = round % 50 + 1;
		for (uint64_t p = 0; p < PAGES; p++) {
			const char *got = at(1, p << 12 | 0xabc);

			snprintf(path, sizeof(path), "%u", want[p] - 1);
			if (strcmp(got, want[p] ? path : ""))
				CHECK_STR(got, want[p] ? path : "");
			if (want[p] && pgoff_at(1, p << 12) != p << 12)
				CHECK_UINT(pgoff_at(1, p << 12), p << 12);
		}
	}
	end();
}

static void fork_copies(void)
{
	begin();
	comm(1, 1, true, "parent");
	map_at(1, 0x1000, 0x2000, 0, "a");
	fork_of(1, 1, 2, 2);
	CHECK_STR(at(2, 0x1000), "a");
	CHECK_TRUE(spaces_find(spaces, 2)->known);
	CHECK_TRUE(spaces_find(spaces, 1)->generation != spaces_find(spaces, 2)->generation);
	CHECK_STR(spaces_thread(spaces, 2)->comm, "parent");
	CHECK_UINT(spaces_thread(spaces, 2)->start_ns, 5);
	map_at(2, 0x1000, 0x2000, 0, "b");
	CHECK_STR(at(1, 0x1000), "a");
	CHECK_STR(at(2, 0x1000), "b");
	exit_of(1, 1);
	CHECK_STR(at(1, 0x1000), "?");
	CHECK_STR(at(2, 0x1000), "b");
	fork_of(77, 77, 3, 3); /* of a parent that nobody saw */
	CHECK_TRUE(!spaces_find(spaces, 3)->known);
	end();
}

static void exec_clears(void)
{
	begin();
	comm(1, 1, true, "sh");
	map_at(1, 0x1000, 0x2000, 0, "sh");
	fork_of(1, 1, 1, 5); /* a second thread */
	comm(1, 1, false, "renamed");
	CHECK_STR(at(1, 0x1000), "sh");
	comm(1, 1, true, "ls");
	CHECK_STR(at(1, 0x1000), "");
	CHECK_TRUE(spaces_find(spaces, 1)->known);
	CHECK_TRUE(!spaces_thread(spaces, 5), "exec ends the other threads");
	CHECK_STR(spaces_thread(spaces, 1)->comm, "ls");
	end();
}

static void vfork_and_exec(void)
{
	begin();
	comm(1, 1, true, "make");
	map_at(1, 0x1000, 0x2000, 0, "make");
	fork_of(1, 1, 2, 2);
	comm(2, 2, true, "cc");
	map_at(2, 0x1000, 0x2000, 0, "cc");
	CHECK_STR(at(1, 0x1000), "make");
	CHECK_STR(at(2, 0x1000), "cc");
	end();
}

static void main_thread_may_go_first(void)
{
	begin();
	comm(1, 1, true, "a");
	map_at(1, 0x1000, 0x2000, 0, "a");
	fork_of(1, 1, 1, 2);
	fork_of(1, 2, 1, 3);
	exit_of(1, 1);
	CHECK_STR(at(1, 0x1000), "a");
	exit_of(1, 3);
	CHECK_STR(at(1, 0x1000), "a");
	exit_of(1, 2);
	CHECK_STR(at(1, 0x1000), "?");
	end();
}

static void pid_again(void)
{
	begin();
	comm(1, 1, true, "parent");
	map_at(1, 0x1000, 0x2000, 0, "parent");
	fork_of(1, 1, 2, 2);
	comm(2, 2, true, "first");
	map_at(2, 0x1000, 0x2000, 0, "first");
	fork_of(2, 2, 2, 9);
	/* its exit was lost */
	fork_of(1, 1, 2, 2);
	CHECK_STR(at(2, 0x1000), "parent");
	CHECK_TRUE(!spaces_thread(spaces, 9));
	exit_of(2, 2);
	CHECK_STR(at(2, 0x1000), "?");
	map_at(2, 0x1000, 0x2000, 0, "late");
	CHECK_TRUE(!spaces_find(spaces, 2)->known,
		   "a process of which only mappings were seen is not known");
	/* a tid of one process comes back in another */
	fork_of(1, 1, 1, 9);
	fork_of(2, 2, 2, 9);
	CHECK_UINT(spaces_thread(spaces, 9)->pid, 2);
	exit_of(1, 9);
	CHECK_UINT(spaces_thread(spaces, 9)->pid, 2);
	end();
}

static void snapshots(void)
{
	begin();
	map_at(1, 0x1000, 0x2000, 0, "old");
	snapshot(1);
	CHECK_STR(at(1, 0x1000), "");
	CHECK_TRUE(spaces_find(spaces, 1)->known);
	map_at(1, 0x5000, 0x6000, 0, "new");
	comm(1, 1, false, "a");
	comm(1, 4, false, "worker");
	exit_of(1, 1);
	CHECK_STR(at(1, 0x5000), "new");
	exit_of(1, 4);
	CHECK_STR(at(1, 0x5000), "?");
	end();
}

static void count_space(void *ctx, const struct space *sp)
{
	(void)sp;
	++*(uint32_t *)ctx;
}

static void count_thread(void *ctx, const struct thread *t)
{
	(void)t;
	++*(uint32_t *)ctx;
}

static void gap_forgets(void)
{
	struct event gap = { .type = EVENT_GAP };
	uint32_t n = 0;

	begin();
	for (uint32_t pid = 1; pid <= 50; pid++)
		comm(pid, pid, true, "a");
	spaces_each_space(spaces, count_space, &n);
	spaces_each_thread(spaces, count_thread, &n);
	CHECK_UINT(n, 100);
	spaces_apply(spaces, &gap);
	n = 0;
	spaces_each_space(spaces, count_space, &n);
	spaces_each_thread(spaces, count_thread, &n);
	CHECK_UINT(n, 0);
	CHECK_STR(at(1, 0), "?");
	end();
}

static void objects_are_one(void)
{
	struct event a = { .type = EVENT_MMAP,
			   .pid = 1,
			   .mmap = { .start = 0x1000, .size = 0x1000, .path = "/a" } };
	struct event b = a;

	begin();
	a.mmap.build_id = (struct build_id){ .n = 20, .bytes = { 1, 2, 3 } };
	b.mmap.build_id = a.mmap.build_id;
	b.mmap.path = "/copy/of/a";
	spaces_apply(spaces, &a);
	spaces_apply(spaces, &b);
	CHECK_UINT(spaces_n_objects(spaces), 1);
	CHECK_STR(spaces_object(spaces, 1)->path, "/a");
	b.mmap.build_id.bytes[19] = 1;
	spaces_apply(spaces, &b);
	CHECK_UINT(spaces_n_objects(spaces), 2);
	b.mmap.build_id.n = 0;
	spaces_apply(spaces, &b);
	b.mmap.ino = 7;
	spaces_apply(spaces, &b);
	CHECK_UINT(spaces_n_objects(spaces), 4);
	map_at(1, 0x1000, 0x2000, 0, "//anon");
	map_at(1, 0x1000, 0x2000, 0, "[vdso]");
	CHECK_TRUE(spaces_object(spaces, 5)->anonymous);
	CHECK_TRUE(!spaces_object(spaces, 6)->anonymous);
	CHECK_TRUE(!spaces_object(spaces, 7) && !spaces_object(spaces, 0));
	end();
}

static void limits_hold(void)
{
	struct spaces_limits l = {
		.n_mappings = 64, .n_objects = 4, .n_processes = 3, .n_threads = 5
	};
	char path[16];

	spaces = spaces_new(&l);
	for (uint32_t i = 0; i < 100; i++) {
		snprintf(path, sizeof(path), "o%u", i % 3);
		map_at(1, 0x10000 + i * 0x2000, 0x11000 + i * 0x2000, 0, path);
	}
	CHECK_TRUE(spaces_find(spaces, 1)->n <= 32 && spaces_find(spaces, 1)->n >= 8);
	CHECK_TRUE(spaces_refused(spaces) >= 60);
	for (uint32_t pid = 2; pid < 10; pid++)
		comm(pid, pid, true, "a");
	CHECK_TRUE(!spaces_find(spaces, 4));
	for (uint32_t tid = 100; tid < 110; tid++)
		comm(2, tid, false, "t");
	/* threads that found no room: the process lives until its main thread ends */
	for (uint32_t tid = 100; tid < 110; tid++)
		exit_of(2, tid);
	CHECK_TRUE(spaces_find(spaces, 2) != NULL);
	exit_of(2, 2);
	CHECK_TRUE(!spaces_find(spaces, 2));
	map_at(3, 0x1000, 0x2000, 0, "o4");
	map_at(3, 0x1000, 0x2000, 0, "o5");
	CHECK_UINT(spaces_n_objects(spaces), 4);
	map_at(3, UINT64_MAX - 5, 10, 0, "o1"); /* size wraps */
	end();
}

/* 10 000 short processes leave nothing behind. */
static void churn(void)
{
	uint32_t n = 0;

	begin();
	comm(1, 1, true, "sh");
	for (uint32_t i = 0; i < 60; i++)
		map_at(1, 0x100000 + i * 0x10000, 0x101000 + i * 0x10000, 0, "lib");
	for (uint32_t i = 0; i < 10000; i++) {
		uint32_t pid = 100 + i % 5000;

		fork_of(1, 1, pid, pid);
		fork_of(pid, pid, pid, 50000 + i);
		comm(pid, pid, true, "true");
		map_at(pid, 0x1000, 0x2000, 0, "true");
		exit_of(pid, pid);
	}
	CHECK_UINT(spaces_refused(spaces), 0);
	spaces_each_space(spaces, count_space, &n);
	CHECK_UINT(n, 1);
	n = 0;
	spaces_each_thread(spaces, count_thread, &n);
	CHECK_UINT(n, 1);
	end();
}

static void lost_tasks_leave_nothing_known(void)
{
	struct event lost = { .type = EVENT_LOST, .lost = { .source = 0, .n = 5 } };
	struct event snapshot = { .type = EVENT_SPACE, .pid = 10, .tid = 10 };
	uint64_t generation;

	begin();
	comm(10, 10, true, "a");
	map_at(10, 0x1000, 0x2000, 0, "a");
	generation = spaces_find(spaces, 10)->generation;
	spaces_apply(spaces, &lost); /* samples: mappings are what they were */
	CHECK_TRUE(spaces_find(spaces, 10)->known);
	CHECK_UINT(spaces_find(spaces, 10)->generation, generation);
	lost.lost.source = SOURCE_MAX;
	spaces_apply(spaces, &lost);
	CHECK_TRUE(!spaces_find(spaces, 10)->known);
	CHECK_TRUE(!space_has_code(spaces_find(spaces, 10), 0x1000));
	CHECK_TRUE(spaces_find(spaces, 10)->generation != generation);
	CHECK_STR(spaces_thread(spaces, 10)->comm, "a");
	fork_of(10, 10, 11, 11);
	CHECK_TRUE(!spaces_find(spaces, 11)->known);
	spaces_apply(spaces, &snapshot);
	CHECK_TRUE(spaces_find(spaces, 10)->known);
	end();
}

SUITE(space_space, { "a later mapping replaces what it overlaps", later_replaces },
      { "mappings answer like an array of pages", like_an_array },
      { "a fork has its parent's mappings and its own life", fork_copies },
      { "exec clears mappings and ends the other threads", exec_clears },
      { "a vforked child's exec leaves the parent alone", vfork_and_exec },
      { "a process lives until its last thread is gone", main_thread_may_go_first },
      { "a pid that comes back inherits nothing", pid_again },
      { "a snapshot is the truth from then on", snapshots },
      { "a gap forgets everything", gap_forgets },
      { "lost task events leave no mapping known", lost_tasks_leave_nothing_known },
      { "a file is one object, by build-id or by path and inode", objects_are_one },
      { "limits refuse and count", limits_hold },
      { "ten thousand short processes leave nothing behind", churn }, )
