#include "report/read/spool.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/auto.h"
#include "common/base/err.h"
#include "common/base/io.h"
#include "common/format/file.h"
#include "report/read/perfdata.h"

enum { SPOOL_BYTES = 1 << 20 };

static int open_temporary(struct err *err)
{
	const char *dir = getenv("TMPDIR");
	char path[4096];
	int fd;

	snprintf(path, sizeof(path), "%s/ddprof-XXXXXX", dir && *dir ? dir : "/tmp");
	fd = mkostemp(path, O_CLOEXEC);
	if (fd < 0)
		return err_set(err, -errno, "cannot create temporary file '%s': %s", path,
			       strerror(errno));
	unlink(path);
	return fd;
}

/* Endless input that is no recording (/dev/zero) must not fill the disk: the first bytes decide. */
static bool looks_like_recording(int fd)
{
	struct chunk_reader *r;

	if (perfdata_is(fd))
		return true;
	if (chunk_reader_open(fd, &r, NULL) < 0)
		return false;
	chunk_reader_free(r);
	return true;
}

static int spool_copy(int from, int to, struct err *err)
{
	AUTO_FREE char *bytes = malloc(SPOOL_BYTES);
	bool first = true;

	if (!bytes)
		return err_set(err, -ENOMEM, "no memory to read input");
	for (;;) {
		ssize_t n = io_read(from, bytes, SPOOL_BYTES);
		int r;

		if (n < 0)
			return err_set(err, (int)n, "cannot read: %s", strerror((int)-n));
		if (n == 0)
			return 0;
		r = io_write(to, bytes, (size_t)n, NULL);
		if (r < 0)
			return err_set(err, r, "cannot write temporary file: %s", strerror(-r));
		if (n == SPOOL_BYTES && first && !looks_like_recording(to))
			return 0; /* the reader will say what it is not */
		first = false;
	}
}

int spool_open(const char *path, struct err *err)
{
	AUTO_CLOSE int opened = -1;
	int fd = 0, spool, r;
	struct stat st;

	if (strcmp(path, "-")) {
		fd = opened = open(path, O_RDONLY | O_CLOEXEC);
		if (fd < 0)
			return err_set(err, -errno, "%s", strerror(errno));
	}
	if (fstat(fd, &st) < 0)
		return err_set(err, -errno, "%s", strerror(errno));
	if (S_ISDIR(st.st_mode))
		return err_set(err, -EISDIR, "is a directory");
	if (S_ISREG(st.st_mode)) {
		spool = fcntl(fd, F_DUPFD_CLOEXEC, 3);
		return spool < 0 ? err_set(err, -errno, "%s", strerror(errno)) : spool;
	}
	spool = open_temporary(err);
	if (spool < 0)
		return spool;
	r = spool_copy(fd, spool, err);
	if (r < 0) {
		close(spool);
		return r;
	}
	return spool;
}
