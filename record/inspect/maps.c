/*
 * Build-ids come from the kernel where it answers PROCMAP_QUERY (Linux 6.11): no file is opened.
 * Before, they are read from the mapped file, which is what may hang and why this runs in a child.
 */
#include "record/inspect/maps.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/auto.h"
#include "common/base/err.h"
#include "common/base/io.h"
#include "record/inspect/embed.h"

enum { MAPS_BYTES_MAX = 64 << 20, THREADS_MAX = 1 << 16 };

/* linux/fs.h of Linux 6.11; ours are older. */
struct procmap_query {
	uint64_t size, query_flags, query_addr;
	uint64_t vma_start, vma_end, vma_flags, vma_page_size, vma_offset, inode;
	uint32_t dev_major, dev_minor;
	uint32_t vma_name_size, build_id_size;
	uint64_t vma_name_addr, build_id_addr;
};
#define PROCMAP_QUERY_IOCTL _IOWR('f', 17, struct procmap_query)

/* A hexadecimal or decimal number that ends in `end`; moves behind it. */
static bool take_number(char **at, int base, char end, uint64_t *ret)
{
	char *stop;

	if (!isxdigit((unsigned char)**at))
		return false;
	errno = 0;
	*ret = strtoull(*at, &stop, base);
	if (errno || *stop != end)
		return false;
	*at = stop + 1;
	return true;
}

bool maps_parse_line(char *line, struct maps_line *ret)
{
	uint64_t maj, min;
	char *at = line;

	*ret = (struct maps_line){ 0 };
	if (!take_number(&at, 16, '-', &ret->start) || !take_number(&at, 16, ' ', &ret->end))
		return false;
	if (ret->end <= ret->start || strlen(at) < 5 || at[4] != ' ')
		return false;
	ret->executable = at[2] == 'x';
	at += 5;
	if (!take_number(&at, 16, ' ', &ret->pgoff) || !take_number(&at, 16, ':', &maj) ||
	    !take_number(&at, 16, ' ', &min))
		return false;
	char *stop;
	ret->ino = strtoull(at, &stop, 10);
	if (stop == at || (*stop && *stop != ' '))
		return false;
	ret->maj = (uint32_t)maj;
	ret->min = (uint32_t)min;
	ret->path = stop + strspn(stop, " ");
	return true;
}

static void ask_build_id(int maps_fd, uint32_t pid, const struct maps_line *line,
			 struct message_event *event)
{
	struct procmap_query query = {
		.size = sizeof(query),
		.query_addr = line->start,
		.build_id_size = BUILD_ID_MAX,
		.build_id_addr = (uintptr_t)event->build_id.bytes,
	};

	if (!line->ino)
		return;
	if (ioctl(maps_fd, PROCMAP_QUERY_IOCTL, &query) == 0) {
		if (query.build_id_size <= BUILD_ID_MAX)
			event->build_id.n = (uint8_t)query.build_id_size;
		return;
	}
	if (errno != ENOTTY && errno != EINVAL)
		return;
	struct embed_place place = {
		.pid = pid, .start = line->start, .end = line->end, .ino = line->ino
	};
	AUTO_CLOSE int fd = embed_open(&place, line->path, NULL, NULL);
	if (fd >= 0)
		elf_build_id(fd, &event->build_id, NULL);
}

static void send_line(struct serve *s, int maps_fd, uint32_t pid, uint64_t time_ns, char *text)
{
	struct maps_line line;

	if (!maps_parse_line(text, &line) || !line.executable)
		return;
	struct message_event event = {
		.type = EVENT_MMAP,
		.time_ns = time_ns,
		.pid = pid,
		.tid = pid,
		.start = line.start,
		.size = line.end - line.start,
		.pgoff = line.ino ? line.pgoff : 0,
		.maj = line.maj,
		.min = line.min,
		.ino = line.ino,
	};
	ask_build_id(maps_fd, pid, &line, &event);
	if (event.build_id.n) /* as the kernel's own record: one or the other */
		event.maj = event.min = 0, event.ino = 0;
	serve_event(s, &event, *line.path ? line.path : "//anon");
}

static int send_maps(struct serve *s, uint32_t pid, uint64_t time_ns, struct err *err)
{
	char path[32];
	AUTO_FREE char *text = NULL;
	size_t n;

	snprintf(path, sizeof(path), "/proc/%u/maps", pid);
	AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return err_set(err, -errno, "cannot open %s: %s", path, strerror(errno));
	int r = io_read_file(path, MAPS_BYTES_MAX, &text, &n, err);
	if (r < 0)
		return r;
	if (!n)
		return 0; /* a kernel thread */
	struct message_event event = {
		.type = EVENT_SPACE, .time_ns = time_ns, .pid = pid, .tid = pid
	};
	serve_event(s, &event, "");
	for (char *line = text, *next; line && *line; line = next) {
		next = strchr(line, '\n');
		if (next)
			*next++ = '\0';
		send_line(s, fd, pid, time_ns, line);
	}
	return 0;
}

static void send_comm(struct serve *s, uint32_t pid, uint32_t tid, uint64_t time_ns)
{
	struct message_event event = {
		.type = EVENT_COMM, .time_ns = time_ns, .pid = pid, .tid = tid
	};
	char path[48];
	AUTO_FREE char *text = NULL;
	size_t n;

	snprintf(path, sizeof(path), "/proc/%u/task/%u/comm", pid, tid);
	if (io_read_file(path, 64, &text, &n, NULL) < 0)
		return;
	text[strcspn(text, "\n")] = '\0';
	snprintf(event.comm, sizeof(event.comm), "%.15s", text);
	serve_event(s, &event, "");
}

/* Calls for each numeric name in a directory. */
static int each_number(const char *path, void (*f)(void *ctx, uint32_t number), void *ctx)
{
	DIR *dir = opendir(path);
	struct dirent *entry;

	if (!dir)
		return -errno;
	for (int i = 0; i < THREADS_MAX && (entry = readdir(dir)); i++)
		if (isdigit((unsigned char)entry->d_name[0]))
			f(ctx, (uint32_t)strtoul(entry->d_name, NULL, 10));
	closedir(dir);
	return 0;
}

struct snapshot {
	struct serve *serve;
	uint32_t pid;
	uint64_t time_ns;
};

static void snapshot_thread(void *ctx, uint32_t tid)
{
	struct snapshot *snapshot = ctx;

	send_comm(snapshot->serve, snapshot->pid, tid, snapshot->time_ns);
}

/*
 * Events bear the time before the first look: what changed meanwhile comes after, from the kernel.
 */
static int snapshot_process(struct serve *s, uint32_t pid, struct err *err)
{
	struct snapshot snapshot = { .serve = s, .pid = pid, .time_ns = io_monotonic_ns() };
	char path[32];

	int r = send_maps(s, pid, snapshot.time_ns, err);
	if (r < 0 && r != -EACCES)
		return r;
	snprintf(path, sizeof(path), "/proc/%u/task", pid);
	each_number(path, snapshot_thread, &snapshot); /* these anybody may read */
	return r;
}

struct all {
	struct serve *serve;
	uint32_t n_hidden;
};

static void snapshot_one(void *ctx, uint32_t pid)
{
	struct all *all = ctx;

	all->n_hidden += snapshot_process(all->serve, pid, NULL) == -EACCES;
}

static void tell_hidden(struct serve *s, const char *whose)
{
	char text[160];

	snprintf(text, sizeof(text),
		 "the mappings of %s cannot be read: samples in them have no names "
		 "(CAP_SYS_PTRACE is missing)",
		 whose);
	serve_note(s, text);
}

static int snapshot_all(struct serve *s)
{
	struct all all = { .serve = s };
	char whose[48];

	int r = each_number("/proc", snapshot_one, &all);
	snprintf(whose, sizeof(whose), "%u process%s of others", all.n_hidden,
		 all.n_hidden == 1 ? "" : "es");
	if (all.n_hidden)
		tell_hidden(s, whose);
	return r;
}

int maps_snapshot(struct serve *s, uint32_t pid, struct err *err)
{
	static bool told; /* of one: the next ones are of its kind */
	char whose[32];

	if (!pid)
		return snapshot_all(s);
	int r = snapshot_process(s, pid, err);
	if (r == -EACCES && !told) {
		told = true;
		snprintf(whose, sizeof(whose), "process %u", pid);
		tell_hidden(s, whose);
	}
	return r;
}
