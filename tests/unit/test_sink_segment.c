#include "record/sink/segment.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/err.h"
#include "common/format/chunk.h"
#include "record/sink/settle.h"
#include "tests/unit/check.h"

static char dir[64];
static struct segments s;

static void open_all(uint32_t keep, bool look)
{
	char path[128];
	struct err err = { .code = 0 };

	snprintf(path, sizeof(path), "%s/name", dir);
	REQUIRE_INT(segments_open(&s, path, keep, look, &err), 0);
}

static void begin(uint32_t keep, bool look)
{
	snprintf(dir, sizeof(dir), "/tmp/ddprof-segment.XXXXXX");
	REQUIRE_TRUE(mkdtemp(dir));
	open_all(keep, look);
}

static void end(void)
{
	char command[96];

	segments_close(&s);
	snprintf(command, sizeof(command), "rm -rf %s", dir);
	CHECK_INT(system(command), 0);
}

static bool is_there(const char *name)
{
	return faccessat(s.dir, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

/* The head of a recording, so that it may be removed again; 100 bytes are its reserve. */
static int create(uint32_t *ret_number)
{
	struct file_header header = { .major = 1 };
	uint8_t bytes[FILE_HEADER_BYTES + 100] = { 0 };
	int fd = segments_create(&s, ret_number);

	REQUIRE_TRUE(fd >= 0);
	file_header_put(&header, bytes);
	REQUIRE_INT(write(fd, bytes, sizeof(bytes)), sizeof(bytes));
	return fd;
}

static void put_text(const char *name)
{
	int fd = openat(s.dir, name, O_WRONLY | O_CREAT, 0600);

	REQUIRE_TRUE(fd >= 0);
	REQUIRE_INT(write(fd, "text", 4), 4);
	close(fd);
}

static void names(void)
{
	struct stat st;
	uint32_t number;

	begin(0, true);
	int fd = create(&number);
	CHECK_UINT(number, 1);
	CHECK_TRUE(is_there("name.000001.part"));
	CHECK_INT(segments_finish(&s, number, fd, FILE_HEADER_BYTES), 0);
	CHECK_TRUE(is_there("name.000001"));
	CHECK_TRUE(!is_there("name.000001.part"));
	CHECK_INT(fstatat(s.dir, "name.000001", &st, 0), 0);
	CHECK_INT(st.st_mode & 0777, 0600);
	CHECK_INT(st.st_size, FILE_HEADER_BYTES);
	end();
}

static void go_on(void)
{
	uint32_t number;

	begin(0, true);
	put_text("name.000007");
	put_text("name.000012.part");
	put_text("name.99");
	put_text("name.000031.old");
	put_text("names.000044");
	segments_close(&s);
	open_all(0, true);
	close(create(&number));
	CHECK_UINT(number, 13);
	put_text("name.000014");
	close(create(&number)); /* one that came meanwhile is passed over */
	CHECK_UINT(number, 15);
	end();
}

static void oldest_go(void)
{
	uint32_t number;

	begin(2, true);
	for (int i = 0; i < 3; i++) {
		int fd = create(&number);

		CHECK_INT(segments_finish(&s, number, fd, FILE_HEADER_BYTES), 0);
	}
	CHECK_TRUE(!is_there("name.000001"));
	CHECK_TRUE(is_there("name.000002") && is_there("name.000003"));
	CHECK_INT(unlinkat(s.dir, "name.000002", 0), 0);
	put_text("name.000002"); /* not ours: it stays */
	segments_close(&s);
	open_all(1, true);
	int fd = create(&number);
	CHECK_INT(segments_finish(&s, number, fd, FILE_HEADER_BYTES), 0);
	CHECK_UINT(number, 4);
	CHECK_TRUE(is_there("name.000002"));
	CHECK_TRUE(!is_there("name.000003")); /* of an earlier run */
	CHECK_TRUE(is_there("name.000004"));
	end();
}

static void links(void)
{
	uint32_t number;
	char target[96];

	begin(1, true);
	snprintf(target, sizeof(target), "%s/elsewhere", dir);
	CHECK_INT(symlinkat(target, s.dir, "name.000001.part"), 0);
	close(create(&number));
	CHECK_UINT(number, 2);
	CHECK_TRUE(!is_there("elsewhere"));
	end();
}

static void in_a_thread(void)
{
	struct settle_job job = { .kind = SETTLE_FINISH, .bytes = FILE_HEADER_BYTES }, done;
	struct settle *settle;
	struct err err = { .code = 0 };

	begin(0, true);
	REQUIRE_INT(settle_start(&s, &settle, &err), 0);
	for (int i = 0; i < 3; i++) {
		job.fd = create(&job.number);
		CHECK_TRUE(settle_ask(settle, &job));
	}
	job = (struct settle_job){ .kind = SETTLE_SYNC, .fd = -1 };
	CHECK_TRUE(settle_ask(settle, &job));
	CHECK_TRUE(settle_wait(settle, UINT64_MAX / 2));
	for (uint32_t i = 1; i <= 3; i++) {
		CHECK_TRUE(settle_take(settle, &done));
		CHECK_INT(done.code, 0);
		CHECK_UINT(done.number, i);
	}
	CHECK_TRUE(settle_take(settle, &done));
	CHECK_INT(done.code, -9); /* EBADF is told, not hidden */
	CHECK_TRUE(!settle_take(settle, &done));
	CHECK_TRUE(is_there("name.000003"));
	settle_stop(settle);
	end();
}

SUITE(sink_segment, { "a segment gets its name when it is finished", names },
      { "numbers go on behind those that are there", go_on },
      { "only recordings of ours are removed, the oldest first", oldest_go },
      { "a link where a segment is to be is not followed", links },
      { "jobs are done in order and each is answered once", in_a_thread }, )
