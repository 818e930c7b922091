/*
 * Such a process shows neither its maps nor its executable to others. Its ids say most: a setuid
 * file changes the effective and the saved one and leaves the real one. Programs that go on and
 * change the real one too (sudo), or take all back (ping), are told by their file, if argv[0] leads
 * to one of the name that the kernel saw.
 */
#include "record/inspect/rights.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "common/base/auto.h"
#include "common/base/io.h"

enum { STATUS_BYTES = 4096, ARGV0_BYTES = 512, STAT_START_FIELD = 22 };

static const uint64_t second_ns = 1000000000;

/* ---- what the process is ---- */

/* What follows "\nKEY:"; NULL: not there. */
static const char *field(const char *text, const char *key)
{
	const char *at = strstr(text, key);

	return at ? at + strlen(key) : NULL;
}

/* Numbers of one line, as many as fit. *ret_all: these are all. */
static uint32_t numbers(const char *at, uint32_t *ret, uint32_t max, bool *ret_all)
{
	uint32_t n = 0;

	for (; at; n++) {
		at += strspn(at, " \t");
		if (*at < '0' || *at > '9' || n == max)
			break;
		char *end;
		ret[n] = (uint32_t)strtoul(at, &end, 10);
		at = end;
	}
	*ret_all = at && (*at == '\n' || !*at);
	return n;
}

bool rights_parse_status(const char *text, struct rights *ret)
{
	const char *capabilities = field(text, "\nCapPrm:"), *no_new = field(text, "\nNoNewPrivs:");
	bool all;

	*ret = (struct rights){ 0 };
	if (numbers(field(text, "\nPPid:"), &ret->ppid, 1, &all) != 1 ||
	    numbers(field(text, "\nUid:"), ret->uid, 3, &all) != 3 ||
	    numbers(field(text, "\nGid:"), ret->gid, 3, &all) != 3 || !capabilities)
		return false;
	ret->n_groups =
		numbers(field(text, "\nGroups:"), ret->group, RIGHTS_GROUPS_MAX, &ret->all_groups);
	ret->permitted = strtoull(capabilities, NULL, 16);
	ret->no_new = no_new && strtoul(no_new, NULL, 10) != 0;
	return true;
}

static bool is_member(const struct rights *r, gid_t gid)
{
	for (uint32_t i = 0; i < r->n_groups; i++)
		if (r->group[i] == gid)
			return true;
	return r->gid[0] == gid;
}

/* By the mode alone. False also where it is not sure. */
static bool is_unreadable(const struct rights *r, const struct rights_file *file)
{
	if (r->uid[0] == file->uid)
		return !(file->mode & S_IRUSR);
	if (is_member(r, file->gid))
		return !(file->mode & S_IRGRP);
	return r->all_groups && !(file->mode & S_IROTH);
}

static enum unsampled_reason judge_file(const struct rights *r, const struct rights_file *file)
{
	if (!r->no_new && file->mode & S_ISUID)
		return UNSAMPLED_SETUID;
	if (!r->no_new && file->mode & S_ISGID && file->mode & S_IXGRP)
		return UNSAMPLED_SETGID;
	if (r->uid[0] == r->uid[1] && r->uid[1] == r->uid[2] && !r->gained &&
	    is_unreadable(r, file))
		return UNSAMPLED_UNREADABLE;
	return UNSAMPLED_UNKNOWN;
}

enum unsampled_reason rights_judge(const struct rights *r, const struct rights_file *file)
{
	enum unsampled_reason reason = file ? judge_file(r, file) : UNSAMPLED_UNKNOWN;

	if (reason != UNSAMPLED_UNKNOWN)
		return reason;
	if (r->uid[0] != r->uid[1] && r->uid[1] == r->uid[2])
		return UNSAMPLED_SETUID;
	if (r->gid[0] != r->gid[1] && r->gid[1] == r->gid[2])
		return UNSAMPLED_SETGID;
	/* A setuid program may keep some when it changes back: only its file tells. */
	return file && r->gained && r->uid[1] && r->uid[2] ? UNSAMPLED_CAPABILITIES :
							     UNSAMPLED_UNKNOWN;
}

/* ---- where to look ---- */

/* A file of procfs, zero-terminated. */
static bool read_text(int dir, const char *name, char *text, size_t cap)
{
	AUTO_CLOSE int fd = openat(dir, name, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : io_read(fd, text, cap - 1);

	text[n < 0 ? 0 : n] = 0;
	return n > 0;
}

/* What CLOCK_BOOTTIME was then, as this time namespace sees it: /proc speaks of that. */
static uint64_t boot_ns(uint64_t time_ns)
{
	uint64_t now_ns = io_monotonic_ns(), age_ns = now_ns > time_ns ? now_ns - time_ns : 0;
	struct timespec t;

	clock_gettime(CLOCK_BOOTTIME, &t);
	return (uint64_t)t.tv_sec * second_ns + (uint64_t)t.tv_nsec - age_ns;
}

static bool read_rights(int dir, struct rights *ret)
{
	char text[STATUS_BYTES];

	return read_text(dir, "status", text, sizeof(text)) && rights_parse_status(text, ret);
}

static int open_process(uint32_t pid)
{
	char path[32];

	snprintf(path, sizeof(path), "/proc/%u", pid);
	return open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
}

/* A parent that is gone had none, for all that is known. */
static bool has_gained(const struct rights *r)
{
	struct rights parent = { 0 };
	AUTO_CLOSE int dir = r->permitted ? open_process(r->ppid) : -1;

	if (dir >= 0 && !read_rights(dir, &parent))
		parent = (struct rights){ 0 };
	return r->permitted & ~parent.permitted;
}

/* Not another process under its pid, which began later. */
static bool began_before(int dir, uint64_t time_ns)
{
	char text[STATUS_BYTES];
	long ticks = sysconf(_SC_CLK_TCK);

	if (ticks <= 0 || !read_text(dir, "stat", text, sizeof(text)))
		return false;
	const char *at = strrchr(text, ')');
	for (int i = 2; at && i < STAT_START_FIELD; i++)
		at = strchr(at + 1, ' ');
	if (!at)
		return false;
	return strtoull(at, NULL, 10) <= boot_ns(time_ns) / (second_ns / (uint64_t)ticks);
}

/* The kernel's name of a program: the last part of its path, cut. */
static bool is_named(const char *path, const char *comm)
{
	const char *slash = strrchr(path, '/');

	return comm[0] && !strncmp(slash ? slash + 1 : path, comm, COMM_MAX - 1);
}

/* Nothing is opened for reading: a FIFO or a device is not touched. */
static bool stat_at(int dir, const char *path, uint64_t resolve, struct rights_file *ret)
{
	struct open_how how = { .flags = O_PATH | O_CLOEXEC,
				.resolve = resolve | RESOLVE_NO_MAGICLINKS };
	AUTO_CLOSE int fd = (int)syscall(SYS_openat2, dir, path, &how, sizeof(how));
	struct statvfs fs;
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0 || fstatvfs(fd, &fs) < 0 || !S_ISREG(st.st_mode) ||
	    !(st.st_mode & (S_IXUSR | S_IXGRP | S_IXOTH)))
		return false;
	if (fs.f_flag & ST_NOSUID)
		st.st_mode &= ~(mode_t)(S_ISUID | S_ISGID);
	*ret = (struct rights_file){ .mode = st.st_mode, .uid = st.st_uid, .gid = st.st_gid };
	return true;
}

/* As a shell would: the first in PATH. */
static bool find_by_path(int root, const char *name, struct rights_file *ret)
{
	const char *path = getenv("PATH");

	for (const char *at = path ? path : "/bin:/usr/bin"; *at;) {
		size_t n = strcspn(at, ":");
		char file[PATH_MAX_BYTES];

		if (*at == '/' &&
		    snprintf(file, sizeof(file), "%.*s/%s", (int)n, at, name) < (int)sizeof(file) &&
		    stat_at(root, file, RESOLVE_IN_ROOT, ret))
			return true;
		at += n + (at[n] == ':');
	}
	return false;
}

/* Seen from who started it: its own root and directory are not shown. */
static bool find_file(int dir, uint32_t ppid, const char *comm, struct rights_file *ret)
{
	char argv0[ARGV0_BYTES], from[48];

	if (!read_text(dir, "cmdline", argv0, sizeof(argv0)) ||
	    strlen(argv0) == sizeof(argv0) - 1 || !is_named(argv0, comm))
		return false;
	bool relative = argv0[0] != '/' && strchr(argv0, '/');
	snprintf(from, sizeof(from), "/proc/%u/%s", ppid, relative ? "cwd" : "root");
	AUTO_CLOSE int fd = open(from, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return false;
	if (relative)
		return stat_at(fd, argv0, RESOLVE_BENEATH, ret);
	return argv0[0] == '/' ? stat_at(fd, argv0, RESOLVE_IN_ROOT, ret) :
				 find_by_path(fd, argv0, ret);
}

enum unsampled_reason rights_look(const struct message_exec *exec)
{
	AUTO_CLOSE int dir = open_process(exec->pid);
	struct rights_file file;
	struct rights rights;
	char comm[COMM_MAX];

	if (dir < 0 || !began_before(dir, exec->time_ns) || !read_rights(dir, &rights))
		return UNSAMPLED_UNKNOWN;
	rights.gained = has_gained(&rights);
	snprintf(comm, sizeof(comm), "%.*s", COMM_MAX - 1, exec->comm);
	return rights_judge(&rights, find_file(dir, rights.ppid, comm, &file) ? &file : NULL);
}
