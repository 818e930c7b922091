/*
 * An inherited event and an own one on the same thread would count it twice, and /proc does not
 * say which threads are older than our events. The kernel does: a thread that began under them
 * shows as FORK.
 */
#include "record/attach.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "common/base/err.h"
#include "common/base/map.h"
#include "record/kernel/kernel.h"
#include "record/target.h"

enum { LOOKS_MAX = 16, OWN_PIDS_MAX = 4096 };

struct attach {
	struct kernel_options *options;
	struct kernel *kernel;
	struct map seen; /* tids that are counted, by their own events or by inheritance */
};

static int open_threads(struct attach *a, const pid_t *tids, size_t n, struct err *err)
{
	int r;

	if (a->kernel) {
		r = kernel_add_tasks(a->kernel, tids, n, err);
	} else {
		a->options->tids = tids;
		a->options->n_tids = n;
		r = kernel_open(a->options, &a->kernel, err);
	}
	/* From here on a thread that is begun by one of these shows as FORK. */
	return r < 0 ? r : kernel_enable_tasks(a->kernel, err);
}

/* A thread stands in /proc just before its FORK is told. */
static void let_forks_arrive(void)
{
	nanosleep(&(struct timespec){ .tv_nsec = 2000000 }, NULL);
}

/* Keeps of `tids` those that nobody counts yet; returns how many. */
static size_t keep_uncounted(struct attach *a, pid_t *tids, size_t n)
{
	size_t n_new = 0, n_kept = 0;
	bool is_new;

	for (size_t i = 0; i < n; i++) {
		map_put(&a->seen, (uint64_t)tids[i], &is_new);
		if (is_new)
			tids[n_new++] = tids[i];
	}
	if (!n_new || !a->kernel)
		return n_new;
	let_forks_arrive();
	for (size_t i = 0; i < n_new; i++)
		if (!kernel_saw_fork(a->kernel, tids[i]))
			tids[n_kept++] = tids[i];
	return n_kept;
}

/* One look at a process's threads. 1: there were new ones, look again; 0: there were none. */
static int look(struct attach *a, pid_t pid, struct err *err)
{
	pid_t *tids;
	size_t n;

	int r = target_threads(pid, &tids, &n, err);
	if (r < 0)
		return r;
	n = keep_uncounted(a, tids, n);
	if (n)
		r = open_threads(a, tids, n, err);
	free(tids);
	return r < 0 ? r : n != 0;
}

int attach_open(const struct target *target, struct kernel_options *options, struct kernel **ret,
		struct err *err)
{
	struct attach a = { .options = options };
	int r = -ESRCH;

	map_init(&a.seen);
	for (size_t i = 0; i < target->n_pids; i++) {
		r = 1;
		for (int n = 0; r == 1 && n < LOOKS_MAX; n++)
			r = look(&a, target->pid[i], err);
		if (r < 0 && !(r == -ESRCH && a.kernel)) {
			if (r == -ESRCH) /* refusals begin with words that are searched for */
				err_wrap(err, "process %d", (int)target->pid[i]);
			break;
		}
		r = 0;
	}
	map_done(&a.seen);
	if (r < 0) {
		kernel_close(a.kernel);
		return r;
	}
	*ret = a.kernel;
	return 0;
}

/* Perf asks the same of a process as its maps file: same user, and not made undumpable. */
static bool may_attach(pid_t pid)
{
	char path[32];
	struct stat st;

	snprintf(path, sizeof(path), "/proc/%d", (int)pid);
	if (stat(path, &st) < 0 || st.st_uid != geteuid())
		return false;
	snprintf(path, sizeof(path), "/proc/%d/maps", (int)pid);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

static bool is_skipped(pid_t pid, const pid_t *skip, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (skip[i] == pid)
			return true;
	return false;
}

/* False: it is gone, or may not be. */
static bool attach_one(struct attach *a, pid_t pid)
{
	struct err why;
	int r = 1;

	for (int n = 0; r == 1 && n < LOOKS_MAX; n++)
		r = look(a, pid, &why);
	return r >= 0;
}

int attach_open_own(struct kernel_options *options, const pid_t *skip, size_t n_skip,
		    struct kernel **ret, uint32_t *ret_n)
{
	struct attach a = { .options = options };
	DIR *dir = opendir("/proc");
	uint32_t n = 0;

	if (!dir)
		return -errno;
	options->whole_system = false;
	options->given_up = "the whole system (own processes only)";
	map_init(&a.seen);
	for (struct dirent *entry; n < OWN_PIDS_MAX && (entry = readdir(dir));) {
		pid_t pid = (pid_t)strtol(entry->d_name, NULL, 10);

		if (!isdigit((unsigned char)entry->d_name[0]) || is_skipped(pid, skip, n_skip) ||
		    !may_attach(pid))
			continue;
		n += attach_one(&a, pid);
	}
	closedir(dir);
	map_done(&a.seen);
	if (!a.kernel)
		return -ESRCH;
	*ret = a.kernel;
	*ret_n = n;
	return 0;
}
