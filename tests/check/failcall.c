/*
 * Calls that fail when a test wants it, for LD_PRELOAD before one program (with failwrap.c, which
 * wraps them). Every wrapped call is counted by kind and by the place that called it, so a sweep
 * can show that it met them all; the counts are in a file that all processes of the program share.
 * Programs that it execs are left alone. By environment:
 *	FAILCALL_EXE	basename of the program
 *	FAILCALL_LOG	file of the counts, made here when it is not there (failsites.c shows it)
 *	FAILCALL	WHAT:N:ACTION[:good], up to four, with commas between: the Nth call (from 1)
 *			of WHAT, with "good" all after it too. WHAT: a kind ("write"), or @HEX, a
 *			place as failsites shows it. ACTION: an errno as a number; "kill", the
 *			program dies there; "torn", it dies when half is written (its first process
 *			alone is counted then); "short", half is read or written and it goes on
 *	FAILCALL_SHADOW	copy of the first regular file that the first process writes
 * Time and sizes of completed syncs are in the log too, see struct failcall_log.
 */
#define _GNU_SOURCE
#include "failcall.h"

#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

struct wish {
	enum failcall_kind kind; /* FAILCALL_KINDS: a place */
	uint64_t site, n;
	bool good;
	int action;
};

struct failcall_log *failcall;
static struct wish wishes[FAILCALL_WISHES];
static size_t n_wishes;
static bool only_first;
static uintptr_t exe_base, exe_end;
static pid_t first_pid;
static int shadow_fd = -1;

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static uint64_t count_site(enum failcall_kind kind, uint64_t site)
{
	uint64_t key = site << 8 | kind;

	for (uint64_t i = site * 0x9e3779b97f4a7c15 >> 40, n = 0; n < FAILCALL_SITES; i++, n++) {
		struct failcall_site *s = &failcall->site[i % FAILCALL_SITES];
		uint64_t was = 0;

		if (__atomic_load_n(&s->key, __ATOMIC_ACQUIRE) == key ||
		    __atomic_compare_exchange_n(&s->key, &was, key, false, __ATOMIC_ACQ_REL,
						__ATOMIC_ACQUIRE) ||
		    was == key)
			return __atomic_add_fetch(&s->n, 1, __ATOMIC_RELAXED);
	}
	return 0;
}

static bool is_wished(const struct wish *w, enum failcall_kind kind, uint64_t site, uint64_t n_kind,
		      uint64_t n_site)
{
	uint64_t n = w->site ? n_site : n_kind;

	if (w->site ? w->site != site : w->kind != kind)
		return false;
	return w->good ? n >= w->n : n == w->n;
}

int failcall_decide(enum failcall_kind kind, const void *from)
{
	uintptr_t pc = (uintptr_t)from;

	if (!failcall)
		return 0;
	uint64_t site = pc >= exe_base && pc < exe_end ? pc - exe_base : 0;
	if (only_first && getpid() != first_pid)
		return 0; /* nor is it counted */
	uint64_t n_site = count_site(kind, site);
	uint64_t n_kind = __atomic_add_fetch(&failcall->n[kind], 1, __ATOMIC_RELAXED);

	for (size_t i = 0; i < n_wishes; i++)
		if (is_wished(&wishes[i], kind, site, n_kind, n_site)) {
			__atomic_add_fetch(&failcall->fired[i], 1, __ATOMIC_RELAXED);
			return wishes[i].action;
		}
	return 0;
}

void failcall_die(void)
{
	failcall->killed_ns = now_ns();
	kill(getpid(), SIGKILL);
	for (;;)
		pause();
}

bool failcall_refuses(enum failcall_kind kind, const void *from)
{
	int r = failcall_decide(kind, from);

	if (r == FAILCALL_DIE || r == FAILCALL_TORN)
		failcall_die();
	if (r <= 0)
		return false;
	errno = r;
	return true;
}

/* ---- descriptors; by number, as a seccomp filter may not let us ask for them at the end ---- */

enum { FDS = 1024 };

static uint8_t is_open[FDS]; /* each process has its own copy, and its descriptors by fork */

int failcall_opened(int fd)
{
	if (fd >= 0 && fd < FDS)
		is_open[fd] = 1;
	return fd;
}

void failcall_closed(int fd, bool was_open)
{
	if (fd >= 0 && fd < FDS)
		is_open[fd] = 0;
	if (failcall && fd >= 0 && !was_open)
		__atomic_add_fetch(&failcall->n_bad_closes, 1, __ATOMIC_RELAXED);
}

void failcall_ends(void)
{
	uint64_t n = 0;

	if (!failcall || getpid() != first_pid)
		return;
	for (int fd = 0; fd < FDS; fd++)
		n += is_open[fd];
	failcall->n_left_open = n;
}

__attribute__((destructor)) static void end(void)
{
	failcall_ends();
}

/* ---- what is written ---- */

void failcall_shadow(int fd, const void *bytes, ssize_t n, off_t end, const struct stat *st)
{
	static ino_t shadowed;

	if (shadow_fd < 0 || n <= 0 || fd <= STDERR_FILENO || getpid() != first_pid)
		return;
	shadowed = shadowed ? shadowed : st->st_ino;
	if (shadowed != st->st_ino)
		return;
	for (off_t at = end - n; n > 0;) {
		ssize_t r = pwrite(shadow_fd, bytes, (size_t)n, at);
		if (r <= 0)
			return;
		n -= r;
		at += r;
		bytes = (const char *)bytes + r;
	}
}

void failcall_synced(const struct stat *st)
{
	uint64_t i = __atomic_fetch_add(&failcall->n_syncs, 1, __ATOMIC_RELAXED);

	failcall->sync[i % FAILCALL_SYNCS] = (struct failcall_sync){ .returned_ns = now_ns(),
								     .bytes = (uint64_t)st->st_size,
								     .ino = st->st_ino };
}

/* ---- the start ---- */

/* The default action follows when the instruction is tried again. */
static void on_crash(int signal)
{
	(void)signal;
	__atomic_add_fetch(&failcall->n_crashed, 1, __ATOMIC_RELAXED);
}

static void count_crashes(void)
{
	static const int crashes[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT };
	struct sigaction sa = { .sa_handler = on_crash, .sa_flags = SA_RESETHAND };

	for (size_t i = 0; i < sizeof(crashes) / sizeof(*crashes); i++)
		sigaction(crashes[i], &sa, NULL);
}

static int find_exe(struct dl_phdr_info *info, size_t size, void *unused)
{
	(void)size, (void)unused;
	exe_base = info->dlpi_addr;
	for (int i = 0; i < info->dlpi_phnum; i++)
		if (info->dlpi_phdr[i].p_type == PT_LOAD)
			exe_end =
				exe_base + info->dlpi_phdr[i].p_vaddr + info->dlpi_phdr[i].p_memsz;
	return 1; /* the program itself is first */
}

static bool read_wish(const char *text, struct wish *ret)
{
	char what[32], does[16], good[8] = "";
	unsigned long long n;

	if (sscanf(text, "%31[^:,]:%llu:%15[^:,]:%7[^:,]", what, &n, does, good) < 3)
		return false;
	*ret = (struct wish){ .kind = FAILCALL_KINDS, .n = n, .good = strcmp(good, "good") == 0 };
	if (what[0] == '@')
		ret->site = strtoull(what + 1, NULL, 16);
	for (int kind = 0; kind < FAILCALL_KINDS; kind++)
		if (strcmp(what, failcall_kind_name[kind]) == 0)
			ret->kind = (enum failcall_kind)kind;
	ret->action = strcmp(does, "kill") == 0	 ? FAILCALL_DIE :
		      strcmp(does, "torn") == 0	 ? FAILCALL_TORN :
		      strcmp(does, "short") == 0 ? FAILCALL_SHORT :
						   atoi(does);
	only_first |= ret->action == FAILCALL_DIE || ret->action == FAILCALL_TORN;
	return ret->action && (ret->site || ret->kind != FAILCALL_KINDS);
}

static bool read_wishes(const char *text)
{
	for (; text && *text && n_wishes < FAILCALL_WISHES; text += *text == ',') {
		if (!read_wish(text, &wishes[n_wishes++]))
			return false;
		text += strcspn(text, ",");
	}
	return true;
}

static bool is_wanted(const char *exe)
{
	char path[4096];
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 1);

	if (n < 0 || !exe)
		return false;
	path[n] = 0;
	return strcmp(basename(path), exe) == 0;
}

static struct failcall_log *map_log(const char *path)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	if (fd < 0 || ftruncate(fd, sizeof(*failcall)) < 0)
		abort();
	struct failcall_log *log =
		mmap(NULL, sizeof(*log), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (log == MAP_FAILED)
		abort();
	close(fd);
	return log;
}

/* High, where nobody looks and closes. */
static void open_shadow(const char *path)
{
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	shadow_fd = fcntl(fd, F_DUPFD_CLOEXEC, (void *)900);
	close(fd);
	is_open[shadow_fd < 0 ? 0 : shadow_fd] = 0;
}

__attribute__((constructor)) static void start(void)
{
	const char *log_path = getenv("FAILCALL_LOG"), *shadow_path = getenv("FAILCALL_SHADOW");

	if (!log_path || !is_wanted(getenv("FAILCALL_EXE")))
		return;
	struct failcall_log *log = map_log(log_path);
	if (!read_wishes(getenv("FAILCALL")))
		abort();
	if (shadow_path)
		open_shadow(shadow_path);
	first_pid = getpid();
	dl_iterate_phdr(find_exe, NULL);
	failcall = log;
	count_crashes();
}
