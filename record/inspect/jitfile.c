/*
 * The process's root directory is opened at the first look and kept: a file that is written in the
 * last moment (the JVM's, at exit) is found when the process is gone. A process that was gone
 * before the first look is taken for one of our own root and user: COMMAND and its children are.
 */
#include "record/inspect/jitfile.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "common/base/auto.h"
#include "common/base/bits.h"
#include "common/base/err.h"
#include "common/base/io.h"
#include "record/inspect/jit.h"

enum { PROC_BYTES_MAX = 16 << 10, STAT_START_FIELD = 22 };

static const uint64_t second_ns = 1000000000;
static const uint64_t find_every_ns = 1000000000; /* a name is looked up so often */

static uint64_t clock_ns(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (uint64_t)t.tv_sec * second_ns + (uint64_t)t.tv_nsec;
}

/* ---- the process ---- */

/* Text of /proc/PID/NAME; NULL: gone or not ours. */
static char *read_proc(uint32_t pid, const char *name)
{
	char path[48], *text;

	snprintf(path, sizeof(path), "/proc/%u/%s", pid, name);
	return io_read_file(path, PROC_BYTES_MAX, &text, NULL, NULL) < 0 ? NULL : text;
}

/* What follows "KEY:" in /proc/PID/status; "" when it is not there. */
static const char *status_field(const char *status, const char *key)
{
	const char *at = strstr(status, key);

	return at ? at + strlen(key) : "";
}

/* Fields of /proc/PID/stat behind the name, which may hold anything. NULL: too few. */
static const char *stat_field(const char *stat, unsigned int field)
{
	const char *at = strrchr(stat, ')');

	for (unsigned int i = 2; at && i < field; i++)
		at = strchr(at + 1, ' ');
	return at && *at ? at + 1 : NULL;
}

bool jit_process_lives(uint32_t pid)
{
	AUTO_FREE char *stat = read_proc(pid, "stat");
	const char *state = stat ? stat_field(stat, 3) : NULL;

	return state && *state != 'Z' && *state != 'X';
}

/* The runtime writes the times of its own time namespace. */
static int64_t clock_ahead(uint32_t pid)
{
	char path[48];

	snprintf(path, sizeof(path), "/proc/%" PRIu32 "/timens_offsets", pid);
	return io_read_clock_ahead(path);
}

static void set_start(struct jit_file *f, uint32_t pid)
{
	AUTO_FREE char *stat = read_proc(pid, "stat");
	const char *text = stat ? stat_field(stat, STAT_START_FIELD) : NULL;
	uint64_t boot_ns = clock_ns(CLOCK_BOOTTIME), began_ns, ago_ns;
	long ticks = sysconf(_SC_CLK_TCK);

	if (!text || ticks <= 0)
		return;
	began_ns = strtoull(text, NULL, 10) * (second_ns / (uint64_t)ticks);
	ago_ns = boot_ns > began_ns ? boot_ns - began_ns + second_ns : second_ns;
	f->start_ns = io_monotonic_ns();
	f->start_ns -= MIN(f->start_ns, ago_ns);
	f->start_real_ns = clock_ns(CLOCK_REALTIME);
	f->start_real_ns -= MIN(f->start_real_ns, ago_ns);
	f->ahead_ns = clock_ahead(pid);
}

/* "NSpid:\t1200\t7": the last number is the process's own. */
static uint32_t own_number(const char *status, uint32_t pid)
{
	const char *at = status_field(status, "\nNSpid:"), *end = at + strcspn(at, "\n");

	while (end > at && end[-1] >= '0' && end[-1] <= '9')
		end--;
	return *end >= '0' && *end <= '9' ? (uint32_t)strtoul(end, NULL, 10) : pid;
}

/* "Uid:\t" real, effective, saved, file system: files are made by the last one. */
static uid_t file_user(const char *status)
{
	const char *at = status_field(status, "\nUid:");
	char *end = (char *)at;
	unsigned long uid = 0;

	for (int i = 0; i < 4; i++)
		uid = strtoul(end, &end, 10);
	return (uid_t)uid;
}

static int enter_process(struct jit_file *f, uint32_t *ret_number, struct err *err)
{
	AUTO_FREE char *status = read_proc(f->pid, "status");
	char root[48];

	snprintf(root, sizeof(root), "/proc/%u/root", f->pid);
	f->root_fd = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
	*ret_number = status ? own_number(status, f->pid) : f->pid;
	if (f->root_fd >= 0 && status) {
		f->uid = file_user(status);
		set_start(f, f->pid);
		return 0;
	}
	if (f->root_fd < 0 && errno != ENOENT && errno != ESRCH)
		return err_set(err, -errno, "cannot enter the root of process %u: %s", f->pid,
			       strerror(errno));
	if (f->root_fd < 0)
		f->root_fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	f->uid = geteuid();
	set_start(f, (uint32_t)getpid());
	return f->root_fd < 0 ? err_set(err, -errno, "cannot enter /: %s", strerror(errno)) : 0;
}

int jit_file_init(struct jit_file *f, uint32_t pid, enum jit_file_kind kind, const char *path,
		  struct err *err)
{
	char map[48];
	uint32_t number;

	*f = (struct jit_file){ .pid = pid, .kind = kind, .root_fd = -1, .fd = -1 };
	int r = enter_process(f, &number, err);
	if (r < 0)
		return r;
	snprintf(map, sizeof(map), "/tmp/perf-%u.map", number);
	f->path = strdup(path && *path ? path : map);
	f->buf = malloc(JIT_BUFFER_BYTES);
	return f->path && f->buf ? 0 : err_set(err, -ENOMEM, "no memory");
}

void jit_file_done(struct jit_file *f)
{
	if (f->root_fd >= 0)
		close(f->root_fd);
	if (f->fd >= 0)
		close(f->fd);
	free(f->path);
	free(f->buf);
	*f = (struct jit_file){ .root_fd = -1, .fd = -1 };
}

/* ---- the file ---- */

const char *jit_file_name(const struct jit_file *f, char *text, size_t n)
{
	snprintf(text, n, "%s '%s'", f->kind == JIT_FILE_MAP ? "perf map" : "jitdump", f->path);
	return text;
}

static uint64_t bytes_max(const struct jit_file *f)
{
	return f->kind == JIT_FILE_MAP ? JIT_MAP_BYTES_MAX : JIT_DUMP_BYTES_MAX;
}

static int check(const struct jit_file *f, const struct stat *st, struct err *err)
{
	if (!S_ISREG(st->st_mode))
		return err_set(err, -EINVAL, "is not a regular file");
	if (st->st_uid != f->uid && st->st_uid != 0)
		return err_set(err, -EPERM, "belongs to uid %u, not to the process's uid %u",
			       (unsigned int)st->st_uid, (unsigned int)f->uid);
	if (st->st_nlink > 1)
		return err_set(err, -EPERM, "has %u names, expected 1", (unsigned int)st->st_nlink);
	if (st->st_mode & (S_IWGRP | S_IWOTH))
		return err_set(err, -EPERM, "can be written by others than its owner, mode %04o",
			       (unsigned int)st->st_mode & 07777);
	if ((uint64_t)st->st_size > bytes_max(f))
		return err_set(err, -EFBIG, "has %" PRIu64 " MiB, limit is %" PRIu64 " MiB",
			       (uint64_t)st->st_size >> 20, bytes_max(f) >> 20);
	return 0;
}

/* Left by an older process of this number: its owner has not begun to write. */
static bool is_stale(const struct jit_file *f, const struct stat *st)
{
	uint64_t changed_ns =
		(uint64_t)st->st_mtim.tv_sec * second_ns + (uint64_t)st->st_mtim.tv_nsec;

	return changed_ns < f->start_real_ns;
}

static int open_by_name(const struct jit_file *f)
{
	struct open_how how = {
		.flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY | O_NOFOLLOW,
		.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS,
	};

	return (int)syscall(SYS_openat2, f->root_fd, f->path, &how, sizeof(how));
}

/* From the beginning, unless it is the file that was read before (by an inspector now gone). */
static void take_file(struct jit_file *f, int fd, const struct stat *st)
{
	if (f->fd >= 0)
		close(f->fd);
	f->fd = fd;
	f->buf_n = 0;
	if (f->ino == st->st_ino && f->dev == st->st_dev)
		return;
	f->ino = st->st_ino;
	f->dev = st->st_dev;
	f->off = 0;
	f->skip = false;
	f->dump = (struct jitdump){ .start_ns = f->start_ns,
				    .ahead_ns = f->ahead_ns,
				    .counts = f->dump.counts };
}

/* Looks the name up. 0: nothing to open, or what is open already. */
static int find(struct jit_file *f, struct err *err)
{
	AUTO_CLOSE int fd = open_by_name(f);
	struct stat st;

	if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
		return 0;
	if (fd < 0 && errno == ELOOP)
		return err_set(err, -ELOOP, "is a symbolic link");
	if (fd < 0 || fstat(fd, &st) < 0)
		return err_set(err, -errno, "cannot be opened: %s", strerror(errno));
	if (f->fd >= 0 && f->ino == st.st_ino && f->dev == st.st_dev)
		return 0;
	if (S_ISREG(st.st_mode) && is_stale(f, &st))
		return 0;
	int r = check(f, &st, err);
	if (r < 0)
		return r;
	take_file(f, fd, &st);
	fd = -1;
	return 0;
}

int jit_file_open(struct jit_file *f, uint64_t now_ns, bool final, struct err *err)
{
	struct stat st;

	if (f->done)
		return 0;
	if (final || f->fd < 0 || now_ns - f->found_ns >= find_every_ns) {
		int r = find(f, err);

		f->found_ns = now_ns;
		if (r < 0)
			return r;
	}
	if (f->fd < 0 || fstat(f->fd, &st) < 0)
		return 0;
	f->size = (uint64_t)st.st_size;
	if (f->size > bytes_max(f)) {
		f->size = bytes_max(f);
		f->done = true;
		return err_set(err, -EFBIG,
			       "has grown to %" PRIu64 " MiB, limit is %" PRIu64 " MiB",
			       (uint64_t)st.st_size >> 20, bytes_max(f) >> 20);
	}
	if (f->size < f->off) { /* written anew */
		f->off = 0;
		f->skip = false;
	}
	return 1;
}

const uint8_t *jit_file_peek(void *file, uint64_t off, size_t n)
{
	struct jit_file *f = file;

	if (n > JIT_BUFFER_BYTES || off > f->size || f->size - off < n)
		return NULL;
	if (off < f->buf_off || off - f->buf_off > f->buf_n || f->buf_n - (off - f->buf_off) < n) {
		size_t want = MIN(f->size - off, (uint64_t)JIT_BUFFER_BYTES / 4);
		ssize_t got = io_pread(f->fd, f->buf, MAX(want, n), off);

		f->buf_off = off;
		f->buf_n = got > 0 ? (size_t)got : 0;
	}
	return f->buf_n - (off - f->buf_off) >= n ? f->buf + (off - f->buf_off) : NULL;
}
