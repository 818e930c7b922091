/* Files of this machine that a perf.data speaks of, and perf maps of its processes. */
#include <stdlib.h>
#include <sys/stat.h>

#include "common/base/bits.h"
#include "report/read/perfdata_maps.h"
#include "tests/unit/perfdata_made.h"

/* ---- files of this machine ---- */

static void local_files(void)
{
	struct made_perf m = made_file(MADE_TYPE);
	const struct event_mmap *e;
	struct recording *r;

	made_mmap(&m, 40, 0x400000, "/proc/self/exe", 100); /* inode and device are not 77 on 8:1 */
	r = made_require_open(&m);
	recording_use_local(r, true);
	e = &next(r, EVENT_MMAP)->mmap;
	CHECK_UINT(e->build_id.n, 0);
	CHECK_UINT(e->ino, 77);
	made_done(&m, r);
}

/* ---- perf maps ---- */

struct seen {
	unsigned int n_loads, n_notes;
	uint64_t addr[4];
	char text[200];
};

static int see(void *ctx, const struct jit_record *r)
{
	struct seen *s = ctx;

	snprintf(s->text, sizeof(s->text), "%s", r->name);
	s->n_notes += r->kind == JIT_NOTE;
	if (r->kind == JIT_LOAD)
		s->addr[s->n_loads++ % 4] = r->addr;
	return 0;
}

static void write_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	REQUIRE_TRUE(f && fputs(text, f) >= 0);
	fclose(f);
}

static void perf_maps(void)
{
	char dir[] = "/tmp/perfmapsXXXXXX", path[5][64];
	static const char *const name[5] = { "perf-70.map", "perf-8.map", "perf-9.map",
					     "perf-08.map", "perf-5.mapx" };
	uint32_t pid[PERF_MAPS_MAX];
	struct seen s = { 0 };

	REQUIRE_TRUE(mkdtemp(dir) != NULL);
	for (int i = 0; i < 5; i++)
		snprintf(path[i], sizeof(path[i]), "%s/%s", dir, name[i]);
	write_file(path[0], "1000 20 f\n2000 10 g h\nnonsense\n3000 10 cut");
	REQUIRE_INT(mkfifo(path[1], 0600), 0);
	REQUIRE_INT(symlink(path[0], path[2]), 0);
	write_file(path[3], "");
	write_file(path[4], "");
	REQUIRE_INT(perf_maps_list(dir, INT64_MAX, pid), 3);
	CHECK_UINT(pid[0], 8);
	CHECK_UINT(pid[2], 70);
	CHECK_INT(perf_maps_list(dir, 1, pid), 0); /* all were made later */
	perf_map_each(dir, 70, see, &s);
	CHECK_INT(s.n_loads, 2);
	CHECK_UINT(s.addr[1], 0x2000);
	CHECK_STR(s.text, "g h");
	perf_map_each(dir, 8, see, &s);
	CHECK_HAS(s.text, "perf-8.map' is not a regular file");
	perf_map_each(dir, 9, see, &s);
	CHECK_HAS(s.text, "perf-9.map");
	CHECK_INT(s.n_notes, 2);
	for (int i = 0; i < 5; i++)
		unlink(path[i]);
	rmdir(dir);
}

SUITE(read_perfdata_maps, { "perf maps are plain files of the right name and age", perf_maps },
      { "a file of another inode lends no build-id", local_files }, )
