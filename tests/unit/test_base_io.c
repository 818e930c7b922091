/* common/base/io.c: whole transfers over real pipes and files. */
#include "common/base/io.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/auto.h"
#include "common/base/err.h"
#include "tests/unit/check.h"

enum { PIPE_LOAD_BYTES = 1 << 20 };

static void on_alarm(int signal)
{
	(void)signal;
}

/* Signals without SA_RESTART interrupt both ends all the time. */
static void disturb(void)
{
	struct sigaction action = { .sa_handler = on_alarm };

	sigaction(SIGALRM, &action, NULL);
	ualarm(500, 500);
}

static void pipe_in_pieces(void)
{
	unsigned char *bytes = malloc(PIPE_LOAD_BYTES), *got = malloc(PIPE_LOAD_BYTES + 100);
	int ends[2], status;
	pid_t pid;

	for (size_t i = 0; i < PIPE_LOAD_BYTES; i++)
		bytes[i] = (unsigned char)(i * 7 + i / 251);
	REQUIRE_INT(pipe(ends), 0);
	pid = fork();
	if (pid == 0) {
		size_t done = 0;

		disturb();
		close(ends[0]);
		_exit(io_write(ends[1], bytes, PIPE_LOAD_BYTES, &done) || done != PIPE_LOAD_BYTES);
	}
	close(ends[1]);
	disturb();
	CHECK_INT(io_read(ends[0], got, PIPE_LOAD_BYTES + 100), PIPE_LOAD_BYTES);
	ualarm(0, 0);
	CHECK_MEM(got, bytes, PIPE_LOAD_BYTES);
	CHECK_INT(io_read(ends[0], got, 10), 0);
	close(ends[0]);
	waitpid(pid, &status, 0);
	CHECK_INT(status, 0);
	free(bytes);
	free(got);
}

static void full_pipe_says_how_much(void)
{
	char *bytes = calloc(1, PIPE_LOAD_BYTES);
	size_t done = 0;
	int ends[2];

	REQUIRE_INT(pipe2(ends, O_NONBLOCK), 0);
	CHECK_INT(io_write(ends[1], bytes, PIPE_LOAD_BYTES, &done), -EAGAIN);
	CHECK_TRUE(done > 0 && done < PIPE_LOAD_BYTES, "done %zu", done);
	CHECK_INT(io_read(ends[0], bytes, done), (int64_t)done);
	CHECK_INT(io_read(ends[0], bytes, 1), -EAGAIN);
	close(ends[0]);
	close(ends[1]);
	CHECK_INT(io_write(-1, "x", 1, NULL), -EBADF);
	CHECK_INT(io_read(-1, bytes, 1), -EBADF);
	free(bytes);
}

static char *temporary(char *path, const char *text)
{
	int fd;

	strcpy(path, "/tmp/ddprof-unit.XXXXXX");
	fd = mkstemp(path);
	if (fd < 0 || io_write(fd, text, strlen(text), NULL) < 0)
		check_stop();
	close(fd);
	return path;
}

static void pread_at_offsets(void)
{
	char path[64], bytes[16] = "";
	AUTO_CLOSE int fd = open(temporary(path, "0123456789"), O_RDONLY);

	unlink(path);
	CHECK_INT(io_pread(fd, bytes, 4, 3), 4);
	CHECK_STR(bytes, "3456");
	CHECK_INT(io_pread(fd, bytes, 16, 8), 2);
	CHECK_INT(io_pread(fd, bytes, 16, 10), 0);
	CHECK_INT(io_pread(fd, bytes, 16, INT64_MAX), -EOVERFLOW);
	CHECK_INT(io_pread(fd, bytes, 16, UINT64_MAX), -EOVERFLOW);
	CHECK_INT(io_pread(fd, bytes, 0, 0), 0);
}

static void whole_files(void)
{
	AUTO_FREE char *text = NULL, *maps = NULL, *same = NULL;
	struct err err = { 0 };
	char path[64];
	size_t n = 0;

	CHECK_INT(io_read_file("/proc/self/maps", 1 << 20, &maps, &n, &err), 0);
	CHECK_UINT(strlen(maps), n);
	CHECK_HAS(maps, "[stack]");

	temporary(path, "exactly 20 bytes !!\n");
	CHECK_INT(io_read_file(path, 20, &text, &n, &err), 0);
	CHECK_UINT(n, 20);
	CHECK_STR(text, "exactly 20 bytes !!\n");
	same = text;
	CHECK_INT(io_read_file(path, 19, &text, &n, &err), -EFBIG);
	CHECK_HAS(err.text, "limit of 19 bytes");
	CHECK_TRUE(text == same, "an output was touched on failure");
	text = NULL;
	CHECK_INT(io_read_file(path, SIZE_MAX, &text, NULL, &err), 0);
	unlink(path);
	CHECK_INT(io_read_file(path, 20, &text, &n, &err), -ENOENT);
	CHECK_HAS(err.text, path);
}

static void never_blocks(void)
{
	char path[64];
	struct err err = { 0 };
	char *text = NULL;

	temporary(path, "");
	unlink(path);
	REQUIRE_INT(mkfifo(path, 0600), 0);
	CHECK_INT(io_read_file(path, 100, &text, NULL, &err), -EINVAL);
	CHECK_HAS(err.text, "not a regular file");
	unlink(path);
	CHECK_INT(io_read_file("/", 100, &text, NULL, &err), -EINVAL);
	CHECK_INT(io_read_file("/dev/zero", 100, &text, NULL, &err), -EINVAL);
	CHECK_TRUE(!text);
}

static int64_t ahead_of(const char *text)
{
	char path[] = "/tmp/ddprof-unit-clock.XXXXXX";
	int fd = mkstemp(path);

	CHECK_INT(io_write(fd, text, strlen(text), NULL), 0);
	close(fd);
	int64_t ret = io_read_clock_ahead(path);
	unlink(path);
	return ret;
}

static void clocks_of_time_namespaces(void)
{
	CHECK_INT(ahead_of("monotonic      100000         0\nboottime       100000         0\n"),
		  INT64_C(100000000000000));
	CHECK_INT(ahead_of("monotonic         -20 500000000\n"), INT64_C(-19500000000));
	CHECK_INT(ahead_of("monotonic 99999999999999999 0\n"), 0);
	CHECK_INT(ahead_of("monotonic\n"), 0);
	CHECK_INT(ahead_of(""), 0);
	CHECK_INT(io_read_clock_ahead("/proc/self/there-is-no-such-file"), 0);
}

SUITE(base_io,
      { "interrupted transfers over a pipe arrive whole", pipe_in_pieces },
      { "a write that cannot go on says how much went out", full_pipe_says_how_much },
      { "reads at an offset stop at the end", pread_at_offsets },
      { "a file without a size is read whole, one over the limit refused", whole_files },
      { "FIFOs, directories and devices are refused without blocking", never_blocks },
      { "how far the clock of a time namespace is ahead", clocks_of_time_namespaces },
)
