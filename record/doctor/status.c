/*
 * A name may hold anything, blanks, parentheses and line ends too: in stat what follows its last
 * ')' counts, in status the kernel escapes it.
 */
#include "record/doctor/status.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/auto.h"
#include "common/base/bits.h"
#include "common/base/err.h"
#include "common/base/io.h"
#include "record/doctor/checks.h"

enum { STAT_BYTES_MAX = 4096, STATUS_BYTES_MAX = 65536, FLAG_KTHREAD = 0x200000 };

/* "4711 (sh) S 1 4711 4711 0 -1 4194560 ...": the flags are the seventh after the name */
bool status_parse_stat(const char *text, struct status *ret)
{
	const char *open = strchr(text, '('), *close = strrchr(text, ')');
	unsigned int flags;
	char state;

	if (!open || !close || close < open ||
	    sscanf(close + 1, " %c %*d %*d %*d %*d %*d %u", &state, &flags) != 2)
		return false;
	size_t n = MIN((size_t)(close - open - 1), sizeof(ret->name) - 1);
	memcpy(ret->name, open + 1, n);
	ret->name[n] = 0;
	text_clean(ret->name);
	ret->state = state;
	ret->kernel_thread = flags & FLAG_KTHREAD;
	return true;
}

/* The line's value, or NULL. */
static const char *find_line(const char *text, const char *key)
{
	size_t n = strlen(key);

	for (const char *line = text; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (!strncmp(line, key, n) && line[n] == ':')
			return line + n + 1;
	}
	return NULL;
}

static long find_number(const char *text, const char *key, long otherwise)
{
	const char *value = find_line(text, key);

	return value ? strtol(value, NULL, 10) : otherwise;
}

/* "NSpid:\t4711\t12": a number for each namespace, ours first */
static int count_words(const char *line)
{
	int n = 0;

	for (; line && *line && *line != '\n'; line++)
		n += *line == '\t';
	return n;
}

void status_parse_status(const char *text, struct status *ret)
{
	ret->tgid = (pid_t)find_number(text, "Tgid", 0);
	ret->uid = (unsigned int)find_number(text, "Uid", 0);
	ret->n_threads = (int)find_number(text, "Threads", 0);
	ret->seccomp = (int)find_number(text, "Seccomp", -1);
	ret->ns_depth = count_words(find_line(text, "NSpid"));
}

static void read_namespaces(pid_t pid, struct status *ret)
{
	static const char *const names[] = { "mnt", "pid", "user" };

	for (size_t i = 0; i < N_ELEMENTS(names); i++) {
		struct stat own, its;
		char path[64];

		snprintf(path, sizeof(path), "/proc/self/ns/%s", names[i]);
		bool known = stat(path, &own) == 0;
		snprintf(path, sizeof(path), "/proc/%d/ns/%s", (int)pid, names[i]);
		known = known && stat(path, &its) == 0;
		if (!known)
			ret->ns_code = errno;
		ret->other_ns[i] = known && own.st_ino != its.st_ino;
	}
}

/* /proc/PID/NAME; that it is not there says that the process is not. */
static int read_proc(pid_t pid, const char *name, size_t limit, char **ret, struct err *err)
{
	char path[48];
	size_t n;

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
	int r = io_read_file(path, limit, ret, &n, err);
	if (r == -ENOENT || r == -ESRCH)
		return err_set(err, -ESRCH, "there is no process %d", (int)pid);
	return r;
}

int status_read(pid_t pid, struct status *ret, struct err *err)
{
	AUTO_FREE char *stat_text = NULL;
	AUTO_FREE char *status_text = NULL;

	*ret = (struct status){ .seccomp = -1 };
	if (access("/proc/self/stat", F_OK) < 0)
		return errno != ENOENT ?
			       err_set(err, -errno, "/proc/self/stat: %s", strerror(errno)) :
			       err_set(err, -ENOENT,
				       "/proc is not mounted: processes cannot be looked at");
	int r = read_proc(pid, "stat", STAT_BYTES_MAX, &stat_text, err);
	if (r == 0 && !status_parse_stat(stat_text, ret))
		r = err_set(err, -EIO, "/proc/%d/stat is not understood", (int)pid);
	if (r == 0)
		r = read_proc(pid, "status", STATUS_BYTES_MAX, &status_text, err);
	if (r < 0)
		return r;
	status_parse_status(status_text, ret);
	read_namespaces(pid, ret);
	return 0;
}
