/*
 * The command of a trial is a child that waits for its end: nothing is executed. What the kernel's
 * room logs on its way down is silenced, as the facts and the error say the same.
 */
#include "record/doctor/trial.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/log.h"
#include "record/doctor/apart.h"

enum {
	TRIAL_TIDS_MAX = 64,
	TRIAL_DEADLINE_S = 10,
	OTHER_FILES = 3, /* what a recording has open beside our own: signals, inspector, output */
};

/* Some threads of a process are enough to know whether they may be sampled. */
static size_t read_tids(pid_t pid, pid_t *tids)
{
	struct dirent *entry;
	char path[48];
	size_t n = 0;

	snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
	DIR *dir = opendir(path);
	if (!dir) {
		tids[0] = pid;
		return 1;
	}
	while (n < TRIAL_TIDS_MAX && (entry = readdir(dir)))
		if (isdigit((unsigned char)entry->d_name[0]))
			tids[n++] = (pid_t)strtol(entry->d_name, NULL, 10);
	closedir(dir);
	if (!n)
		tids[n++] = pid;
	return n;
}

/* Waits until killed: the command of a recording that never starts. */
static pid_t fork_idle(void)
{
	pid_t parent = getpid(), pid = fork();

	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		while (getppid() == parent) /* it may have died before that */
			pause();
		_exit(0);
	}
	return pid;
}

static void try_kernel(const struct trial *trial, struct trial_result *ret)
{
	static struct watchers watchers;
	pid_t tids[TRIAL_TIDS_MAX], idle = 0;
	struct kernel *kernel = NULL;
	struct kernel_options options = {
		.watchers = &watchers,
		.whole_system = trial->pid == -1,
		.enable_on_exec = trial->pid == 0,
		.stack = trial->stack,
		.tids = tids,
	};

	if (watchers_add(&watchers, trial->events, &ret->err) < 0 ||
	    watchers_resolve(&watchers, NULL, &ret->err) < 0)
		return;
	if (trial->pid > 0) {
		options.n_tids = read_tids(trial->pid, tids);
	} else if (trial->pid == 0) {
		tids[0] = idle = fork_idle();
		options.n_tids = 1;
	}
	if (idle < 0) {
		err_set(&ret->err, -errno, "cannot fork: %s", strerror(errno));
		ret->not_tried = true;
	} else if (kernel_open(&options, &kernel, &ret->err) == 0) {
		ret->facts = *kernel_facts(kernel);
	}
	kernel_close(kernel);
	if (idle > 0 && kill(idle, SIGKILL) == 0) /* otherwise it dies with us */
		waitpid(idle, NULL, 0);
}

struct trial_work {
	const struct trial *trial;
	struct trial_result result;
};

/* Never closed: the child ends. */
static void open_other_files(void)
{
	for (int i = 0; i < OTHER_FILES; i++)
		if (dup(STDERR_FILENO) < 0)
			return;
}

static void work(void *data)
{
	struct trial_work *w = data;

	open_other_files();
	log_set_level(LOG_ERROR);
	try_kernel(w->trial, &w->result);
}

void trial_run(const struct trial *trial, struct trial_result *ret)
{
	static struct trial_work w;
	struct err err = { .code = 0 };

	w = (struct trial_work){ .trial = trial };
	if (apart_run(work, &w, sizeof(w), TRIAL_DEADLINE_S, &err) < 0) {
		w.result.err = err;
		w.result.not_tried = err.code != -EPERM; /* killed by a filter: so would we be */
	}
	w.result.not_tried |= w.result.err.code == -ENOMEM; /* of this moment; limits say EPERM */
	*ret = w.result;
}
