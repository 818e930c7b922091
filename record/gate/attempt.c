/*
 * A filter may kill whoever calls perf_event_open, so a child does it. Its results come through
 * shared memory: that needs no descriptor, and none may be left. The child leaves no core file.
 */
#include "record/gate/facts.h"

#include <errno.h>
#include <linux/perf_event.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static int open_event(struct perf_event_attr *attr, pid_t pid, int cpu, unsigned long flags)
{
	attr->size = sizeof(*attr);
	attr->disabled = 1;
	return (int)syscall(SYS_perf_event_open, attr, pid, cpu, -1, flags);
}

/* 0, or errno. */
static int try_event(uint32_t type, uint64_t config, bool kernel, pid_t pid, int cpu)
{
	struct perf_event_attr attr = { .type = type, .config = config, .exclude_kernel = !kernel };
	int fd = open_event(&attr, pid, cpu, PERF_FLAG_FD_CLOEXEC);

	if (fd < 0)
		return errno;
	close(fd);
	return 0;
}

/* Each on an event of its own: a ring once mapped is not mapped again. */
static int try_ring(size_t bytes)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_SOFTWARE,
		.config = PERF_COUNT_SW_DUMMY,
		.exclude_kernel = 1,
	};
	size_t page_bytes = (size_t)sysconf(_SC_PAGESIZE);
	int fd = open_event(&attr, 0, -1, PERF_FLAG_FD_CLOEXEC), code = 0;

	if (fd < 0)
		return errno;
	void *ring = mmap(NULL, bytes + page_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (ring == MAP_FAILED)
		code = errno;
	else
		munmap(ring, bytes + page_bytes);
	close(fd);
	return code;
}

/* The smallest first, and one at a time: others' recorders want of the same budget. */
static void try_rings(struct gate_attempts *ret)
{
	ret->ring = try_ring(GATE_RING_BYTES_MIN);
	for (size_t bytes = GATE_RING_BYTES_MIN; bytes <= GATE_RING_BYTES_MAX; bytes *= 2) {
		if (try_ring(bytes))
			break;
		ret->ring_bytes = bytes;
	}
}

static void try_all(struct gate_attempts *ret)
{
	struct perf_event_attr attr = { .type = PERF_TYPE_SOFTWARE };

	ret->reach = open_event(&attr, 0, -1, ~0ul) < 0 ? errno : 0;
	ret->own_user = try_event(PERF_TYPE_SOFTWARE, PERF_COUNT_SW_TASK_CLOCK, false, 0, -1);
	ret->own_kernel = try_event(PERF_TYPE_SOFTWARE, PERF_COUNT_SW_TASK_CLOCK, true, 0, -1);
	ret->system = try_event(PERF_TYPE_SOFTWARE, PERF_COUNT_SW_CPU_CLOCK, false, -1, 0);
	ret->cycles = try_event(PERF_TYPE_HARDWARE, PERF_COUNT_HW_CPU_CYCLES, false, 0, -1);
	try_rings(ret);
	ret->done = true;
}

void attempts_make(struct gate_attempts *ret)
{
	struct gate_attempts *shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
					    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int status = 0;

	*ret = (struct gate_attempts){ .done = false };
	if (shared == MAP_FAILED)
		return;
	pid_t child = fork();
	if (child == 0) {
		prctl(PR_SET_DUMPABLE, 0);
		try_all(shared);
		_exit(0);
	}
	while (child > 0 && waitpid(child, &status, 0) < 0 && errno == EINTR)
		;
	*ret = *shared;
	ret->signal = child > 0 && WIFSIGNALED(status) ? WTERMSIG(status) : 0;
	munmap(shared, sizeof(*shared));
}
