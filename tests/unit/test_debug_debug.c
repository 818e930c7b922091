/* Objects are found by build-id, whatever lies at a recorded path or in a root. */
#include "tests/unit/check.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/err.h"
#include "common/elf/image.h"
#include "common/format/object.h"
#include "report/debug/debug.h"

static char self[PATH_MAX_BYTES];

static struct object_key own_key(void)
{
	struct object_key key = { .path = self };
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	struct err err = { 0 };

	REQUIRE_TRUE(n > 0 && fd >= 0);
	self[n] = 0;
	if (elf_build_id(fd, &key.build_id, &err) < 0)
		check_skip("this program has no build-id: %s", err.text);
	close(fd);
	return key;
}

static int locate(const struct object_key *key)
{
	static const struct debug_options options = { .n_dirs = 0 };
	struct debug_file file = { .fd = -1 };
	struct err err = { 0 };
	struct debug *debug;
	int status;

	REQUIRE_INT(debug_open(&options, &debug, &err), 0);
	status = debug_find_object(debug, key, &file, &err);
	CHECK_TRUE(status == 0 ? file.fd >= 0 : err.text[0]);
	debug_file_done(&file);
	debug_close(debug);
	return status;
}

static void same_build(void)
{
	struct object_key key = own_key();

	CHECK_INT(locate(&key), 0);
}

static void other_build(void)
{
	struct object_key key = own_key();

	key.build_id.bytes[0] ^= 1;
	CHECK_INT(locate(&key), -ENOENT);
	key.build_id.n = 0;
	CHECK_INT(locate(&key), -ENODATA);
}

/* A FIFO would block whoever opens it; the deadline of the suite says so. */
static void no_file(void)
{
	char fifo[] = "/tmp/ddprof-unit-XXXXXX";
	struct object_key key = own_key();
	static const char *const paths[] = {
		"/dev/null", "/", "relative", "", "[vdso]", "/no/such"
	};

	REQUIRE_TRUE(mkdtemp(fifo) && rmdir(fifo) == 0 && mkfifo(fifo, 0600) == 0);
	key.path = fifo;
	CHECK_INT(locate(&key), -ENOENT);
	unlink(fifo);
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		key.path = paths[i];
		CHECK_INT(locate(&key), -ENOENT);
	}
}

SUITE(debug_debug, { "a file of the recorded build is found at its path", same_build },
      { "a file of another build, or of none, is not used", other_build },
      { "FIFOs, devices, folders and names that are no paths are not opened", no_file }, )
