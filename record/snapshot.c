/*
 * SIGUSR2 ends a process that does not expect it: it is sent only to a recorder that waits for it.
 * The process is held by a pidfd before it is looked at: what was looked at gets the signal.
 */
#include "record/snapshot.h"

#include <ctype.h>
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/base/auto.h"
#include "common/base/err.h"
#include "common/base/io.h"
#include "common/base/log.h"
#include "record/options.h"

enum { STATUS_BYTES_MAX = 64 << 10 };

/* "Name:\tddprof-record" -> what stands behind the tab, or NULL. */
static const char *status_field(const char *status, const char *name)
{
	size_t n = strlen(name);

	for (const char *at = status; at; at = strchr(at, '\n') ? strchr(at, '\n') + 1 : NULL)
		if (!strncmp(at, name, n) && at[n] == ':')
			return at + n + 1 + strspn(at + n + 1, "\t ");
	return NULL;
}

static bool blocks(const char *status, int signal)
{
	const char *blocked = status_field(status, "SigBlk");

	return blocked && strtoull(blocked, NULL, 16) >> (signal - 1) & 1;
}

static int check(pid_t pid, struct err *err)
{
	static const char own_name[] = "ddprof-record\n";
	char path[32];
	AUTO_FREE char *status = NULL;
	size_t n;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	int r = io_read_file(path, STATUS_BYTES_MAX, &status, &n, err);
	if (r == -ENOENT || r == -ESRCH)
		return err_set(err, -ESRCH, "process %d: %s", (int)pid, strerror(ESRCH));
	if (r < 0)
		return err_wrap(err, "process %d", (int)pid);
	const char *name = status_field(status, "Name");
	if (!name || strncmp(name, own_name, sizeof(own_name) - 1) != 0)
		return err_set(err, -EINVAL, "process %d is '%.*s', not ddprof-record", (int)pid,
			       name ? (int)strcspn(name, "\n") : 1, name ? name : "?");
	/* Recorders block the signal and read it from a descriptor. */
	if (!blocks(status, SIGUSR2))
		return err_set(err, -EINVAL, "process %d is a ddprof-record that does not record",
			       (int)pid);
	if (!blocks(status, SNAPSHOT_MARK))
		return err_set(err, -EINVAL,
			       "process %d records without --last and --rotate: it has no file to "
			       "write now",
			       (int)pid);
	return 0;
}

static int refused(pid_t pid, int code, struct err *err)
{
	if (code == EPERM)
		return err_set(err, -EPERM,
			       "process %d belongs to another user: only that one and root may ask "
			       "it",
			       (int)pid);
	return err_set(err, -code, "process %d: %s", (int)pid, strerror(code));
}

static int ask(pid_t pid, struct err *err)
{
	AUTO_CLOSE int fd = (int)syscall(SYS_pidfd_open, pid, 0);

	if (fd < 0 && errno != ENOSYS && errno != EPERM)
		return err_set(err, -errno, "process %d: %s", (int)pid, strerror(errno));
	int r = check(pid, err);
	if (r < 0)
		return r;
	long sent =
		fd >= 0 ? syscall(SYS_pidfd_send_signal, fd, SIGUSR2, NULL, 0) : kill(pid, SIGUSR2);
	return sent < 0 ? refused(pid, errno, err) : 0;
}

static int parse_pid(const char *text, pid_t *ret, struct err *err)
{
	char *end;

	errno = 0;
	long pid = strtol(text, &end, 10);
	if (!isdigit((unsigned char)text[0]) || *end || errno || pid < 1 || pid > INT32_MAX)
		return err_set(err, -EINVAL, "snapshot: '%s' is not a process number; see --help",
			       text);
	*ret = (pid_t)pid;
	return 0;
}

int snapshot_run(int argc, char **argv)
{
	struct err err = { .code = 0 };
	int status = 0;
	pid_t pid;

	if (argc < 2) {
		log_error("snapshot: give the PID of a ddprof-record that runs with --last");
		return EXIT_WRONG_USAGE;
	}
	for (int i = 1; i < argc; i++)
		if (parse_pid(argv[i], &pid, &err) < 0) {
			log_error("%s", err.text);
			return EXIT_WRONG_USAGE;
		}
	for (int i = 1; i < argc; i++) {
		parse_pid(argv[i], &pid, &err);
		if (ask(pid, &err) < 0) {
			log_error("%s", err.text);
			status = 1;
		}
	}
	return status;
}
