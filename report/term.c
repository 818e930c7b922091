#include "report/term.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/err.h"
#include "common/base/io.h"

enum { PROGRESS_AFTER_NS = 500000000, PROGRESS_EVERY_NS = 100000000 };

static pid_t pager_pid;
static uint64_t started_ns, said_ns;

/* For the clock of progress: as early as possible. */
static void __attribute__((constructor)) term_init(void)
{
	started_ns = io_monotonic_ns();
}

int term_parse_when(const char *text, enum term_when *ret, struct err *err)
{
	static const char *const names[] = { "auto", "always", "never" };

	for (unsigned int i = 0; i < 3; i++) {
		if (strcmp(text, names[i]) != 0)
			continue;
		*ret = (enum term_when)i;
		return 0;
	}
	return err_set(err, -EINVAL, "'%s' is none of auto, always, never", text);
}

bool term_colour(enum term_when when)
{
	const char *no = getenv("NO_COLOR"), *term = getenv("TERM");

	if (when != TERM_AUTO)
		return when == TERM_ALWAYS;
	return isatty(STDOUT_FILENO) && !(no && *no) && term && strcmp(term, "dumb") != 0;
}

unsigned int term_columns(void)
{
	struct winsize size;

	return isatty(STDOUT_FILENO) && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 ?
		       size.ws_col :
		       0;
}

static const char *pager_command(void)
{
	const char *command = getenv("DDPROF_PAGER");

	if (!command)
		command = getenv("PAGER");
	if (!command)
		command = "less";
	return !*command || !strcmp(command, "cat") ? NULL : command;
}

static void __attribute__((noreturn)) run_pager(const char *command, int in)
{
	dup2(in, STDIN_FILENO);
	setenv("LESS", "FRX", 0);
	setenv("LV", "-c", 0);
	execl("/bin/sh", "sh", "-c", command, (char *)NULL);
	_exit(127);
}

void term_start_pager(void)
{
	const char *command = pager_command();
	int ends[2];

	if (!isatty(STDOUT_FILENO) || !command || pipe(ends) < 0)
		return;
	fflush(stdout);
	pager_pid = fork();
	if (pager_pid == 0) {
		close(ends[1]);
		run_pager(command, ends[0]);
	}
	if (pager_pid > 0)
		dup2(ends[1], STDOUT_FILENO);
	close(ends[0]);
	close(ends[1]);
}

int term_finish(struct err *err)
{
	bool failed = fflush(stdout) != 0 || ferror(stdout);
	int code = errno;

	if (pager_pid > 0) {
		fclose(stdout);
		close(STDOUT_FILENO);
		waitpid(pager_pid, NULL, 0);
		pager_pid = 0;
	}
	if (failed)
		return err_set(err, -EIO, "cannot write the result: %s", strerror(code));
	return 0;
}

void term_progress(void *ctx, uint64_t n_samples)
{
	uint64_t now = io_monotonic_ns();

	(void)ctx;
	if (now - started_ns < PROGRESS_AFTER_NS || now - said_ns < PROGRESS_EVERY_NS ||
	    !isatty(STDERR_FILENO))
		return;
	said_ns = now;
	fprintf(stderr, "\rreading: %" PRIu64 " samples", n_samples);
}

void term_progress_done(void)
{
	if (said_ns)
		fprintf(stderr, "\r%40s\r", "");
	said_ns = 0;
}
