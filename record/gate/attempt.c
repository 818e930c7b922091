/*
 * A filter may kill whoever calls perf_event_open, or hand the call to a supervisor that never
 * answers, so a child does it. Its results come through shared memory and its end is looked for
 * by the clock: that needs no descriptor, and none may be left. The child leaves no core file.
 */
#include "record/gate/facts.h"

#include <errno.h>
#include <linux/perf_event.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "common/base/auto.h"
#include "common/base/bits.h"
#include "common/base/io.h"

/*
 * perf_event_open for oneself never sleeps, so a child that is always found asleep waits for a
 * supervisor's answer. One that finds no CPU on a busy host is given all the time it needs; the
 * last limit is for where states cannot be seen.
 */
static const uint64_t late_ns = 10000000000;
static const uint64_t look_ns = 50000, look_most_ns = 2000000;
enum { ASLEEP_MAX = 20 }; /* looks in a row: 40 ms and more */

/* State of a process as its stat file says it: 'S' sleeps. 0: not known. */
static char state_of(pid_t pid)
{
	AUTO_FREE char *text = NULL;
	char path[32];
	size_t n;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	if (io_read_file(path, 4096, &text, &n, NULL) < 0)
		return 0;
	const char *at = strrchr(text, ')');
	return at && at[1] == ' ' ? at[2] : 0;
}

enum filter { FILTER_NONE, FILTER_UNKNOWN, FILTER_THERE };

static enum filter look_for_filter(void)
{
	AUTO_FREE char *text = NULL;
	size_t n;

	if (io_read_file("/proc/self/status", 65536, &text, &n, NULL) < 0)
		return FILTER_UNKNOWN;
	return strstr(text, "\nSeccomp:\t2") ? FILTER_THERE : FILTER_NONE;
}

static void pause_ns(uint64_t ns)
{
	nanosleep(&(struct timespec){ .tv_nsec = (long)ns }, NULL);
}

/* What cannot be killed either is left to whoever reaps us. */
static void kill_child(pid_t child)
{
	kill(child, SIGKILL);
	for (int i = 0; i < 50 && waitpid(child, NULL, WNOHANG) == 0; i++)
		pause_ns(look_most_ns);
}

/* 0: it came to its end; GATE_SILENT: it would not have; else the signal that ended it. */
static int wait_for_child(pid_t child)
{
	uint64_t end_ns = io_monotonic_ns() + late_ns, step_ns = look_ns;
	int status, n_asleep = 0;

	while ((n_asleep < ASLEEP_MAX && io_monotonic_ns() < end_ns) ||
	       look_for_filter() == FILTER_NONE) {
		pid_t pid = waitpid(child, &status, WNOHANG);
		if (pid == child)
			return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
		if (pid < 0 && errno != EINTR)
			return 0;
		if (step_ns < look_most_ns)
			step_ns *= 2;
		else
			n_asleep = state_of(child) == 'S' ? n_asleep + 1 : 0;
		pause_ns(step_ns);
	}
	kill_child(child);
	return GATE_SILENT;
}

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

int gate_call_ends(void)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_SOFTWARE,
		.config = PERF_COUNT_SW_DUMMY,
		.exclude_kernel = 1,
	};
	pid_t child = fork();

	if (child < 0) /* who has a filter does not try it himself */
		return look_for_filter() == FILTER_THERE ? SIGSYS : 0;
	if (child == 0) {
		prctl(PR_SET_DUMPABLE, 0);
		open_event(&attr, 0, -1, PERF_FLAG_FD_CLOEXEC);
		_exit(0);
	}
	return wait_for_child(child);
}

void attempts_make(struct gate_attempts *ret)
{
	struct gate_attempts *shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
					    MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	*ret = (struct gate_attempts){ .done = false };
	if (shared == MAP_FAILED)
		return;
	pid_t child = fork();
	if (child == 0) {
		prctl(PR_SET_DUMPABLE, 0);
		try_all(shared);
		_exit(0);
	}
	int ended = child > 0 ? wait_for_child(child) : 0;
	*ret = *shared;
	ret->signal = ended;
	munmap(shared, sizeof(*shared));
}
