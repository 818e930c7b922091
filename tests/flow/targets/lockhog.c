/*
 * lockhog COMMAND...: runs it while this process holds all the memory that this user may lock for
 * perf rings beyond RLIMIT_MEMLOCK, and all of its own.
 */
#include <errno.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PAGES_MAX = 256, PAGE = 4096 };

/* 0: a ring of so many pages is held now. */
static int hold(long n_pages)
{
	struct perf_event_attr attr = {
		.size = sizeof(attr),
		.type = PERF_TYPE_SOFTWARE,
		.config = PERF_COUNT_SW_DUMMY,
		.exclude_kernel = 1,
		.disabled = 1,
	};
	int fd = (int)syscall(SYS_perf_event_open, &attr, 0, -1, -1, PERF_FLAG_FD_CLOEXEC);

	if (fd < 0)
		return errno;
	void *ring =
		mmap(NULL, (size_t)(n_pages + 1) * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	int code = ring == MAP_FAILED ? errno : 0;
	close(fd); /* the mapping keeps it */
	return code;
}

int main(int argc, char **argv)
{
	int status = 0;

	if (argc < 2)
		return 2;
	for (long n_pages = PAGES_MAX; n_pages; n_pages /= 2)
		while (hold(n_pages) == 0)
			;
	pid_t child = fork();
	if (child == 0) {
		execvp(argv[1], argv + 1);
		_exit(127);
	}
	while (child > 0 && waitpid(child, &status, 0) < 0 && errno == EINTR)
		;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
