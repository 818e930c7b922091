/*
 * Calls that fail when a test wants it, for LD_PRELOAD before one program. Every wrapped call is
 * counted by kind and by the place that called it, so a sweep can show that it met them all; the
 * counts are in a file that all processes of the program share. Programs that it execs are left
 * alone. By environment:
 *	FAILCALL_EXE	basename of the program
 *	FAILCALL_LOG	file of the counts, made here when it is not there (failsites.c shows it)
 *	FAILCALL	WHAT:N:ACTION[:good]: the Nth call (from 1) of WHAT, with "good" all
 *			after it too. WHAT: a kind ("write"), or @HEX, a place as failsites shows
 *			it. ACTION: an errno as a number; "kill", the program dies there; "torn",
 *			it dies when half is written (its first process alone is counted then);
 *			"short", half is written and it goes on
 *	FAILCALL_SHADOW	copy of the first regular file that the first process writes
 * Time and sizes of completed syncs are in the log too, see struct failcall_log.
 */
#define _GNU_SOURCE
#include "failcall.h"

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { DIE = -1, TORN = -2, SHORT = -3 };

static struct failcall_log *failcall; /* NULL: leave everything alone */
static enum failcall_kind want_kind = FAILCALL_KINDS;
static uint64_t want_site, want_n;
static bool want_good, only_first;
static int action;
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

/* 0: the call goes on; positive: errno; negative: one of the actions. */
static int fails(enum failcall_kind kind, const void *from)
{
	uintptr_t pc = (uintptr_t)from;

	if (!failcall)
		return 0;
	uint64_t site = pc >= exe_base && pc < exe_end ? pc - exe_base : 0;
	if (only_first && getpid() != first_pid)
		return 0; /* nor is it counted */
	uint64_t n_site = count_site(kind, site);
	uint64_t n_kind = __atomic_add_fetch(&failcall->n[kind], 1, __ATOMIC_RELAXED);
	uint64_t n = want_site ? n_site : n_kind;

	if (want_site ? want_site != site : want_kind != kind)
		return 0;
	if (want_good ? n < want_n : n != want_n)
		return 0;
	__atomic_add_fetch(&failcall->n_fired, 1, __ATOMIC_RELAXED);
	return action;
}

static void die(void)
{
	failcall->killed_ns = now_ns();
	kill(getpid(), SIGKILL);
	for (;;)
		pause();
}

/* What `fails` said, for calls that have nothing to tear. */
static bool refused(enum failcall_kind kind, const void *from)
{
	int r = fails(kind, from);

	if (r == DIE || r == TORN)
		die();
	if (r <= 0)
		return false;
	errno = r;
	return true;
}

#define HERE __builtin_return_address(0)
#define REAL(name)                     \
	static __typeof__(&name) real; \
	if (!real)                     \
	real = (__typeof__(&name))dlsym(RTLD_NEXT, #name)

/* A call that returns -1 and errno. */
#define WRAP(kind, type, name, params, args)                       \
	type name params                                           \
	{                                                          \
		REAL(name);                                        \
		return refused(kind, HERE) ? (type)-1 : real args; \
	}
/* One that returns NULL. */
#define WRAP_POINTER(kind, type, name, params, args)           \
	type name params                                       \
	{                                                      \
		REAL(name);                                    \
		return refused(kind, HERE) ? NULL : real args; \
	}

WRAP(FAILCALL_READ, ssize_t, read, (int fd, void *bytes, size_t n), (fd, bytes, n))
WRAP(FAILCALL_READ, ssize_t, pread, (int fd, void *b, size_t n, off_t at), (fd, b, n, at))
WRAP(FAILCALL_READ, ssize_t, recv, (int fd, void *b, size_t n, int flags), (fd, b, n, flags))
WRAP(FAILCALL_SEND, ssize_t, send, (int fd, const void *b, size_t n, int flags), (fd, b, n, flags))
WRAP(FAILCALL_POLL, int, poll, (struct pollfd * fds, nfds_t n, int ms), (fds, n, ms))
WRAP(FAILCALL_FORK, pid_t, fork, (void), ())
WRAP(FAILCALL_PIPE, int, pipe, (int fd[2]), (fd))
WRAP(FAILCALL_PIPE, int, pipe2, (int fd[2], int flags), (fd, flags))
WRAP(FAILCALL_PIPE, int, socketpair, (int domain, int type, int protocol, int fd[2]),
     (domain, type, protocol, fd))
WRAP(FAILCALL_PIPE, int, memfd_create, (const char *name, unsigned int flags), (name, flags))
WRAP(FAILCALL_PIPE, int, signalfd, (int fd, const sigset_t *mask, int flags), (fd, mask, flags))
WRAP(FAILCALL_TRUNCATE, int, ftruncate, (int fd, off_t n), (fd, n))
WRAP(FAILCALL_TRUNCATE, int, fallocate, (int fd, int mode, off_t at, off_t n), (fd, mode, at, n))
WRAP(FAILCALL_SEEK, off_t, lseek, (int fd, off_t at, int whence), (fd, at, whence))
WRAP(FAILCALL_RENAME, int, rename, (const char *a, const char *b), (a, b))
WRAP(FAILCALL_RENAME, int, renameat, (int da, const char *a, int db, const char *b), (da, a, db, b))
WRAP(FAILCALL_RENAME, int, unlink, (const char *path), (path))
WRAP(FAILCALL_RENAME, int, unlinkat, (int dir, const char *path, int flags), (dir, path, flags))
WRAP(FAILCALL_STAT, int, fstat, (int fd, struct stat *ret), (fd, ret))
WRAP(FAILCALL_STAT, int, stat, (const char *path, struct stat *ret), (path, ret))
WRAP(FAILCALL_STAT, int, lstat, (const char *path, struct stat *ret), (path, ret))
WRAP(FAILCALL_STAT, ssize_t, readlink, (const char *path, char *ret, size_t n), (path, ret, n))
WRAP(FAILCALL_WAIT, pid_t, waitpid, (pid_t pid, int *status, int flags), (pid, status, flags))
WRAP(FAILCALL_RANDOM, ssize_t, getrandom, (void *b, size_t n, unsigned int flags), (b, n, flags))
WRAP_POINTER(FAILCALL_OPEN, FILE *, fopen, (const char *path, const char *mode), (path, mode))
WRAP_POINTER(FAILCALL_OPEN, DIR *, opendir, (const char *path), (path))
WRAP_POINTER(FAILCALL_READ, struct dirent *, readdir, (DIR * dir), (dir))

int close(int fd)
{
	REAL(close);
	bool refuse = refused(FAILCALL_CLOSE, HERE);
	int code = errno, r = real(fd); /* it is closed whatever it says */

	if (refuse)
		errno = code;
	return refuse ? -1 : r;
}

void *mmap(void *at, size_t n, int prot, int flags, int fd, off_t off)
{
	REAL(mmap);
	return refused(FAILCALL_MMAP, HERE) ? MAP_FAILED : real(at, n, prot, flags, fd, off);
}

int pthread_create(pthread_t *ret, const pthread_attr_t *attr, void *(*run)(void *), void *arg)
{
	REAL(pthread_create);
	int r = fails(FAILCALL_THREAD, HERE);

	return r > 0 ? r : real(ret, attr, run, arg);
}

static mode_t mode_of(int flags, va_list args)
{
	return flags & (O_CREAT | O_TMPFILE) ? (mode_t)va_arg(args, int) : 0;
}

int open(const char *path, int flags, ...)
{
	va_list args;

	REAL(open);
	va_start(args, flags);
	mode_t mode = mode_of(flags, args);
	va_end(args);
	return refused(FAILCALL_OPEN, HERE) ? -1 : real(path, flags, mode);
}

int openat(int dir, const char *path, int flags, ...)
{
	va_list args;

	REAL(openat);
	va_start(args, flags);
	mode_t mode = mode_of(flags, args);
	va_end(args);
	return refused(FAILCALL_OPEN, HERE) ? -1 : real(dir, path, flags, mode);
}

int ioctl(int fd, unsigned long what, ...)
{
	va_list args;

	REAL(ioctl);
	va_start(args, what);
	void *arg = va_arg(args, void *);
	va_end(args);
	return refused(FAILCALL_IOCTL, HERE) ? -1 : real(fd, what, arg);
}

int fcntl(int fd, int what, ...)
{
	va_list args;

	REAL(fcntl);
	va_start(args, what);
	void *arg = va_arg(args, void *);
	va_end(args);
	return refused(FAILCALL_FCNTL, HERE) ? -1 : real(fd, what, arg);
}

int prctl(int what, ...)
{
	va_list args;
	unsigned long a[4];

	REAL(prctl);
	va_start(args, what);
	for (int i = 0; i < 4; i++)
		a[i] = va_arg(args, unsigned long);
	va_end(args);
	return refused(FAILCALL_PRCTL, HERE) ? -1 : real(what, a[0], a[1], a[2], a[3]);
}

long syscall(long number, ...)
{
	va_list args;
	long a[6];

	REAL(syscall);
	va_start(args, number);
	for (int i = 0; i < 6; i++)
		a[i] = va_arg(args, long);
	va_end(args);
	enum failcall_kind kind = number == SYS_perf_event_open ? FAILCALL_PERF :
				  number == SYS_openat2		? FAILCALL_OPEN :
								  FAILCALL_SYSCALL;
	return refused(kind, HERE) ? -1 : real(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}

/* ---- what is written ---- */

static bool is_plain(int fd, struct stat *ret)
{
	REAL(fstat);
	return real(fd, ret) == 0 && S_ISREG(ret->st_mode);
}

static off_t position(int fd)
{
	REAL(lseek);
	return real(fd, 0, SEEK_CUR);
}

static void shadow(int fd, const void *bytes, ssize_t n)
{
	static ino_t shadowed;
	struct stat st;

	if (shadow_fd < 0 || n <= 0 || fd <= STDERR_FILENO || getpid() != first_pid ||
	    !is_plain(fd, &st))
		return;
	shadowed = shadowed ? shadowed : st.st_ino;
	if (shadowed != st.st_ino)
		return;
	off_t end = position(fd);
	for (off_t at = end - n; n > 0;) {
		ssize_t r = pwrite(shadow_fd, bytes, (size_t)n, at);
		if (r <= 0)
			return;
		n -= r;
		at += r;
		bytes = (const char *)bytes + r;
	}
}

ssize_t write(int fd, const void *bytes, size_t n)
{
	REAL(write);
	int r = fails(FAILCALL_WRITE, HERE);

	if (r == DIE)
		die();
	if (r == TORN || r == SHORT)
		n = (n + 1) / 2;
	if (r > 0) {
		errno = r;
		return -1;
	}
	ssize_t done = real(fd, bytes, n);
	if (r == TORN)
		die();
	shadow(fd, bytes, done);
	return done;
}

static int synced(int fd, int (*real)(int), enum failcall_kind kind, const void *from)
{
	struct stat st;

	if (refused(kind, from))
		return -1;
	bool plain = is_plain(fd, &st);
	int r = real(fd);
	if (r == 0 && failcall && plain) {
		uint64_t i = __atomic_fetch_add(&failcall->n_syncs, 1, __ATOMIC_RELAXED);
		failcall->sync[i % FAILCALL_SYNCS] = (struct failcall_sync){
			.returned_ns = now_ns(), .bytes = (uint64_t)st.st_size, .ino = st.st_ino
		};
	}
	return r;
}

int fdatasync(int fd)
{
	REAL(fdatasync);
	return synced(fd, real, FAILCALL_SYNC, HERE);
}

int fsync(int fd)
{
	REAL(fsync);
	return synced(fd, real, FAILCALL_SYNC, HERE);
}

/* ---- memory; before `start` has run nothing fails ---- */

void *__libc_malloc(size_t n);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *p, size_t n);
void *__libc_memalign(size_t align, size_t n);

void *malloc(size_t n)
{
	return refused(FAILCALL_MEMORY, HERE) ? NULL : __libc_malloc(n);
}

void *calloc(size_t n, size_t size)
{
	return refused(FAILCALL_MEMORY, HERE) ? NULL : __libc_calloc(n, size);
}

void *realloc(void *p, size_t n)
{
	return refused(FAILCALL_MEMORY, HERE) ? NULL : __libc_realloc(p, n);
}

void *aligned_alloc(size_t align, size_t n)
{
	return refused(FAILCALL_MEMORY, HERE) ? NULL : __libc_memalign(align, n);
}

char *strdup(const char *text)
{
	size_t n = strlen(text) + 1;
	char *copy = refused(FAILCALL_MEMORY, HERE) ? NULL : __libc_malloc(n);

	return copy ? memcpy(copy, text, n) : NULL;
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

static bool read_wish(const char *text)
{
	char what[32], does[16], good[8] = "";
	unsigned long long n;

	if (sscanf(text, "%31[^:]:%llu:%15[^:]:%7s", what, &n, does, good) < 3)
		return false;
	want_n = n;
	want_good = strcmp(good, "good") == 0;
	if (what[0] == '@')
		want_site = strtoull(what + 1, NULL, 16);
	for (int kind = 0; kind < FAILCALL_KINDS; kind++)
		if (strcmp(what, failcall_kind_name[kind]) == 0)
			want_kind = (enum failcall_kind)kind;
	action = strcmp(does, "kill") == 0  ? DIE :
		 strcmp(does, "torn") == 0  ? TORN :
		 strcmp(does, "short") == 0 ? SHORT :
					      atoi(does);
	only_first = action == DIE || action == TORN;
	return action && (want_site || want_kind != FAILCALL_KINDS);
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

__attribute__((constructor)) static void start(void)
{
	const char *log_path = getenv("FAILCALL_LOG"), *wish = getenv("FAILCALL");
	const char *shadow_path = getenv("FAILCALL_SHADOW");

	if (!log_path || !is_wanted(getenv("FAILCALL_EXE")))
		return;
	int fd = open(log_path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0 || ftruncate(fd, sizeof(*failcall)) < 0)
		abort();
	struct failcall_log *log =
		mmap(NULL, sizeof(*log), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (log == MAP_FAILED || (wish && *wish && !read_wish(wish)))
		abort();
	close(fd);
	if (shadow_path) { /* high, where nobody looks and closes */
		fd = open(shadow_path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
		shadow_fd = fcntl(fd, F_DUPFD_CLOEXEC, (void *)900);
		close(fd);
	}
	first_pid = getpid();
	dl_iterate_phdr(find_exe, NULL);
	failcall = log;
	count_crashes();
}
