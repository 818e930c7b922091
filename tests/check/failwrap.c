/*
 * The calls that failcall.c lets fail: one function for each that the program may call, by the
 * program's own name for it. What libc calls inside itself does not come here.
 */
#define _GNU_SOURCE
#include "failcall.h"

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/klog.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

#define HERE __builtin_return_address(0)
#define REAL(name)                     \
	static __typeof__(&name) real; \
	if (!real)                     \
	real = (__typeof__(&name))dlsym(RTLD_NEXT, #name)

/* A call that returns -1 and errno. */
#define WRAP(kind, type, name, params, args)                                \
	type name params                                                    \
	{                                                                   \
		REAL(name);                                                 \
		return failcall_refuses(kind, HERE) ? (type)-1 : real args; \
	}
/* One that returns a new descriptor. */
#define WRAP_FD(name, kind, params, args)                                              \
	int name params                                                                \
	{                                                                              \
		REAL(name);                                                            \
		return failcall_refuses(kind, HERE) ? -1 : failcall_opened(real args); \
	}
/* One that returns two of them. */
#define WRAP_PAIR(name, params, args)                                           \
	int name params                                                         \
	{                                                                       \
		REAL(name);                                                     \
		int r = failcall_refuses(FAILCALL_PIPE, HERE) ? -1 : real args; \
		if (r == 0)                                                     \
			failcall_opened(fd[0]), failcall_opened(fd[1]);         \
		return r;                                                       \
	}
/* One that returns an errno. */
#define WRAP_CODE(kind, name, params, args)          \
	int name params                              \
	{                                            \
		REAL(name);                          \
		int r = failcall_decide(kind, HERE); \
		return r > 0 ? r : real args;        \
	}
/* Output of libc: -1, and the stream remembers it. */
#define WRAP_OUTPUT(type, name, failed, params, args)                   \
	type name params                                                \
	{                                                               \
		REAL(name);                                             \
		return output_fails(stream, HERE) ? failed : real args; \
	}

WRAP(FAILCALL_SEND, ssize_t, send, (int fd, const void *b, size_t n, int flags), (fd, b, n, flags))
WRAP(FAILCALL_SEND, ssize_t, sendmsg, (int fd, const struct msghdr *m, int flags), (fd, m, flags))
WRAP(FAILCALL_SEND, int, connect, (int fd, const struct sockaddr *a, socklen_t n), (fd, a, n))
WRAP(FAILCALL_POLL, int, poll, (struct pollfd * fds, nfds_t n, int ms), (fds, n, ms))
WRAP(FAILCALL_FORK, pid_t, fork, (void), ())
WRAP_PAIR(pipe, (int fd[2]), (fd))
WRAP_PAIR(pipe2, (int fd[2], int flags), (fd, flags))
WRAP_PAIR(socketpair, (int domain, int type, int protocol, int fd[2]), (domain, type, protocol, fd))
WRAP_FD(memfd_create, FAILCALL_PIPE, (const char *name, unsigned int flags), (name, flags))
WRAP_FD(signalfd, FAILCALL_PIPE, (int fd, const sigset_t *mask, int flags), (fd, mask, flags))
WRAP_FD(socket, FAILCALL_PIPE, (int domain, int type, int protocol), (domain, type, protocol))
WRAP_FD(dup, FAILCALL_FCNTL, (int fd), (fd))
WRAP_FD(dup2, FAILCALL_FCNTL, (int fd, int to), (fd, to))
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
WRAP(FAILCALL_STAT, int, fstatat, (int dir, const char *path, struct stat *ret, int flags),
     (dir, path, ret, flags))
WRAP(FAILCALL_STAT, int, statvfs, (const char *path, struct statvfs *ret), (path, ret))
WRAP(FAILCALL_STAT, int, access, (const char *path, int mode), (path, mode))
WRAP(FAILCALL_STAT, int, faccessat, (int dir, const char *path, int mode, int flags),
     (dir, path, mode, flags))
WRAP(FAILCALL_STAT, ssize_t, readlink, (const char *path, char *ret, size_t n), (path, ret, n))
WRAP(FAILCALL_STAT, ssize_t, fgetxattr, (int fd, const char *name, void *ret, size_t n),
     (fd, name, ret, n))
WRAP(FAILCALL_WAIT, pid_t, waitpid, (pid_t pid, int *status, int flags), (pid, status, flags))
WRAP(FAILCALL_RANDOM, ssize_t, getrandom, (void *b, size_t n, unsigned int flags), (b, n, flags))
WRAP(FAILCALL_KILL, int, kill, (pid_t pid, int sig), (pid, sig))
WRAP(FAILCALL_EXEC, int, execvp, (const char *file, char *const *argv), (file, argv))
WRAP(FAILCALL_MMAP, int, munmap, (void *at, size_t n), (at, n))
WRAP(FAILCALL_MMAP, int, madvise, (void *at, size_t n, int advice), (at, n, advice))
WRAP(FAILCALL_SYSTEM, int, getrlimit, (__rlimit_resource_t what, struct rlimit *ret), (what, ret))
WRAP(FAILCALL_SYSTEM, int, setrlimit, (__rlimit_resource_t what, const struct rlimit *limit),
     (what, limit))
WRAP(FAILCALL_SYSTEM, int, uname, (struct utsname * ret), (ret))
WRAP(FAILCALL_SYSTEM, int, klogctl, (int type, char *ret, int n), (type, ret, n))
WRAP(FAILCALL_SYSTEM, long, sysconf, (int what), (what))
WRAP(FAILCALL_SYSTEM, int, setpriority, (__priority_which_t which, id_t who, int nice),
     (which, who, nice))
WRAP(FAILCALL_SYSTEM, int, sched_setaffinity, (pid_t pid, size_t n, const cpu_set_t *cpus),
     (pid, n, cpus))
WRAP(FAILCALL_SYSTEM, int, sched_getaffinity, (pid_t pid, size_t n, cpu_set_t *cpus),
     (pid, n, cpus))
WRAP(FAILCALL_SYSTEM, int, setgroups, (size_t n, const gid_t *groups), (n, groups))
WRAP(FAILCALL_SYSTEM, int, setresuid, (uid_t r, uid_t e, uid_t s), (r, e, s))
WRAP(FAILCALL_SYSTEM, int, setresgid, (gid_t r, gid_t e, gid_t s), (r, e, s))
WRAP(FAILCALL_SYSTEM, int, getresuid, (uid_t * r, uid_t *e, uid_t *s), (r, e, s))
WRAP(FAILCALL_SYSTEM, int, getresgid, (gid_t * r, gid_t *e, gid_t *s), (r, e, s))
WRAP_CODE(FAILCALL_SYSTEM, clock_getcpuclockid, (pid_t pid, clockid_t *ret), (pid, ret))
WRAP_CODE(FAILCALL_THREAD, pthread_create,
	  (pthread_t * ret, const pthread_attr_t *attr, void *(*run)(void *), void *arg),
	  (ret, attr, run, arg))

char *getcwd(char *ret, size_t n)
{
	REAL(getcwd);
	return failcall_refuses(FAILCALL_STAT, HERE) ? NULL : real(ret, n);
}

int execl(const char *path, const char *arg, ...)
{
	char *argv[32] = { (char *)arg };
	va_list args;

	va_start(args, arg);
	for (size_t n = 1; n < 31 && (argv[n] = va_arg(args, char *)); n++)
		;
	va_end(args);
	return failcall_refuses(FAILCALL_EXEC, HERE) ? -1 : execv(path, argv);
}

void _exit(int status)
{
	REAL(_exit);
	failcall_ends();
	real(status);
	__builtin_unreachable();
}

/* ---- reading; "short" gives half ---- */

static ssize_t half(int decision, size_t *n)
{
	if (decision == FAILCALL_DIE || decision == FAILCALL_TORN)
		failcall_die();
	if (decision == FAILCALL_SHORT)
		*n = (*n + 1) / 2;
	if (decision > 0)
		errno = decision;
	return decision > 0 ? -1 : 0;
}

#define WRAP_READ(name, params, args)                                \
	ssize_t name params                                          \
	{                                                            \
		REAL(name);                                          \
		int decision = failcall_decide(FAILCALL_READ, HERE); \
		return half(decision, &n) < 0 ? -1 : real args;      \
	}

WRAP_READ(read, (int fd, void *bytes, size_t n), (fd, bytes, n))
WRAP_READ(pread, (int fd, void *bytes, size_t n, off_t at), (fd, bytes, n, at))
WRAP_READ(recv, (int fd, void *bytes, size_t n, int flags), (fd, bytes, n, flags))

/* Descriptors come with it. */
ssize_t recvmsg(int fd, struct msghdr *m, int flags)
{
	REAL(recvmsg);
	ssize_t r = failcall_refuses(FAILCALL_READ, HERE) ? -1 : real(fd, m, flags);

	for (struct cmsghdr *c = r < 0 ? NULL : CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
		int got;

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		for (size_t at = 0; at + sizeof(got) <= c->cmsg_len - CMSG_LEN(0);
		     at += sizeof(got)) {
			memcpy(&got, CMSG_DATA(c) + at, sizeof(got));
			failcall_opened(got);
		}
	}
	return r;
}

/* ---- files and folders ---- */

int close(int fd)
{
	REAL(close);
	bool refuse = failcall_refuses(FAILCALL_CLOSE, HERE);
	int code = errno, r = real(fd); /* it is closed whatever it says */

	failcall_closed(fd, r == 0 || errno != EBADF);
	if (refuse)
		errno = code;
	return refuse ? -1 : r;
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
	return failcall_refuses(FAILCALL_OPEN, HERE) ? -1 :
						       failcall_opened(real(path, flags, mode));
}

int openat(int dir, const char *path, int flags, ...)
{
	va_list args;

	REAL(openat);
	va_start(args, flags);
	mode_t mode = mode_of(flags, args);
	va_end(args);
	return failcall_refuses(FAILCALL_OPEN, HERE) ?
		       -1 :
		       failcall_opened(real(dir, path, flags, mode));
}

FILE *fopen(const char *path, const char *mode)
{
	REAL(fopen);
	FILE *f = failcall_refuses(FAILCALL_OPEN, HERE) ? NULL : real(path, mode);

	if (f)
		failcall_opened(fileno(f));
	return f;
}

int fclose(FILE *f)
{
	REAL(fclose);
	bool refuse = failcall_refuses(FAILCALL_STDIO, HERE);
	int code = errno;

	failcall_closed(fileno(f), true);
	int r = real(f);
	if (refuse)
		errno = code;
	return refuse ? EOF : r;
}

static DIR *opened_dir(DIR *dir)
{
	if (dir)
		failcall_opened(dirfd(dir));
	return dir;
}

DIR *opendir(const char *path)
{
	REAL(opendir);
	return failcall_refuses(FAILCALL_OPEN, HERE) ? NULL : opened_dir(real(path));
}

DIR *fdopendir(int fd)
{
	REAL(fdopendir);
	return failcall_refuses(FAILCALL_OPEN, HERE) ? NULL : opened_dir(real(fd));
}

struct dirent *readdir(DIR *dir)
{
	REAL(readdir);
	return failcall_refuses(FAILCALL_READ, HERE) ? NULL : real(dir);
}

int closedir(DIR *dir)
{
	REAL(closedir);
	failcall_closed(dirfd(dir), true);
	return failcall_refuses(FAILCALL_CLOSE, HERE) ? (real(dir), -1) : real(dir);
}

/* ---- calls with arguments by their number ---- */

void *mmap(void *at, size_t n, int prot, int flags, int fd, off_t off)
{
	REAL(mmap);
	return failcall_refuses(FAILCALL_MMAP, HERE) ? MAP_FAILED :
						       real(at, n, prot, flags, fd, off);
}

int ioctl(int fd, unsigned long what, ...)
{
	va_list args;

	REAL(ioctl);
	va_start(args, what);
	void *arg = va_arg(args, void *);
	va_end(args);
	return failcall_refuses(FAILCALL_IOCTL, HERE) ? -1 : real(fd, what, arg);
}

int fcntl(int fd, int what, ...)
{
	va_list args;

	REAL(fcntl);
	va_start(args, what);
	void *arg = va_arg(args, void *);
	va_end(args);
	int r = failcall_refuses(FAILCALL_FCNTL, HERE) ? -1 : real(fd, what, arg);
	return what == F_DUPFD_CLOEXEC || what == F_DUPFD ? failcall_opened(r) : r;
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
	return failcall_refuses(FAILCALL_PRCTL, HERE) ? -1 : real(what, a[0], a[1], a[2], a[3]);
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
	long r = failcall_refuses(kind, HERE) ? -1 :
						real(number, a[0], a[1], a[2], a[3], a[4], a[5]);
	bool is_fd = kind != FAILCALL_SYSCALL || number == SYS_pidfd_open;
	return is_fd ? failcall_opened((int)r) : r;
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

ssize_t write(int fd, const void *bytes, size_t n)
{
	REAL(write);
	int decision = failcall_decide(FAILCALL_WRITE, HERE);
	struct stat st;

	if (decision == FAILCALL_DIE)
		failcall_die();
	if (decision == FAILCALL_TORN || decision == FAILCALL_SHORT)
		n = (n + 1) / 2;
	if (decision > 0) {
		errno = decision;
		return -1;
	}
	ssize_t done = real(fd, bytes, n);
	if (decision == FAILCALL_TORN)
		failcall_die();
	if (done > 0 && failcall && is_plain(fd, &st))
		failcall_shadow(fd, bytes, done, position(fd), &st);
	return done;
}

#define WRAP_SYNC(name)                                    \
	int name(int fd)                                   \
	{                                                  \
		struct stat st;                            \
		REAL(name);                                \
		if (failcall_refuses(FAILCALL_SYNC, HERE)) \
			return -1;                         \
		bool plain = is_plain(fd, &st);            \
		int r = real(fd);                          \
		if (r == 0 && failcall && plain)           \
			failcall_synced(&st);              \
		return r;                                  \
	}

WRAP_SYNC(fdatasync)
WRAP_SYNC(fsync)

static bool output_fails(FILE *stream, const void *from)
{
	if (!failcall_refuses(FAILCALL_STDIO, from))
		return false;
	stream->_flags |= _IO_ERR_SEEN;
	return true;
}

WRAP_OUTPUT(size_t, fwrite, 0, (const void *b, size_t size, size_t n, FILE *stream),
	    (b, size, n, stream))
WRAP_OUTPUT(int, fputs, EOF, (const char *text, FILE *stream), (text, stream))
WRAP_OUTPUT(int, fputc, EOF, (int c, FILE *stream), (c, stream))
WRAP_OUTPUT(int, fflush, EOF, (FILE * stream), (stream))
WRAP_OUTPUT(char *, fgets, NULL, (char *ret, int n, FILE *stream), (ret, n, stream))

int puts(const char *text)
{
	REAL(puts);
	return output_fails(stdout, HERE) ? EOF : real(text);
}

int fprintf(FILE *stream, const char *fmt, ...)
{
	va_list args;

	if (output_fails(stream, HERE))
		return -1;
	va_start(args, fmt);
	int r = vfprintf(stream, fmt, args);
	va_end(args);
	return r;
}

int printf(const char *fmt, ...)
{
	va_list args;

	if (output_fails(stdout, HERE))
		return -1;
	va_start(args, fmt);
	int r = vfprintf(stdout, fmt, args);
	va_end(args);
	return r;
}

/* ---- memory; before failcall.c has begun nothing fails ---- */

void *__libc_malloc(size_t n);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *p, size_t n);
void *__libc_memalign(size_t align, size_t n);

void *malloc(size_t n)
{
	return failcall_refuses(FAILCALL_MEMORY, HERE) ? NULL : __libc_malloc(n);
}

void *calloc(size_t n, size_t size)
{
	return failcall_refuses(FAILCALL_MEMORY, HERE) ? NULL : __libc_calloc(n, size);
}

void *realloc(void *p, size_t n)
{
	return failcall_refuses(FAILCALL_MEMORY, HERE) ? NULL : __libc_realloc(p, n);
}

void *aligned_alloc(size_t align, size_t n)
{
	return failcall_refuses(FAILCALL_MEMORY, HERE) ? NULL : __libc_memalign(align, n);
}

static char *copy_of(const char *text, size_t n, const void *from)
{
	char *copy = failcall_refuses(FAILCALL_MEMORY, from) ? NULL : __libc_malloc(n + 1);

	if (copy)
		memcpy(copy, text, n), copy[n] = 0;
	return copy;
}

char *strdup(const char *text)
{
	return copy_of(text, strlen(text), HERE);
}

char *strndup(const char *text, size_t n)
{
	return copy_of(text, strnlen(text, n), HERE);
}

/* ---- zstd: its "not enough memory" ---- */

static const size_t zstd_error = (size_t)-64;

size_t ZSTD_compressCCtx(void *ctx, void *to, size_t cap, const void *from, size_t n, int level);
size_t ZSTD_compress(void *to, size_t cap, const void *from, size_t n, int level);
void *ZSTD_createCCtx(void);
void *ZSTD_initStaticCCtx(void *memory, size_t n);

#define WRAP_ZSTD(type, name, failed, params, args)                                \
	type name params                                                           \
	{                                                                          \
		REAL(name);                                                        \
		return failcall_refuses(FAILCALL_ZSTD, HERE) ? failed : real args; \
	}

WRAP_ZSTD(size_t, ZSTD_compressCCtx, zstd_error,
	  (void *ctx, void *to, size_t cap, const void *from, size_t n, int level),
	  (ctx, to, cap, from, n, level))
WRAP_ZSTD(size_t, ZSTD_compress, zstd_error,
	  (void *to, size_t cap, const void *from, size_t n, int level), (to, cap, from, n, level))
WRAP_ZSTD(void *, ZSTD_createCCtx, NULL, (void), ())
WRAP_ZSTD(void *, ZSTD_initStaticCCtx, NULL, (void *memory, size_t n), (memory, n))
