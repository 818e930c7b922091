/*
 * The file that failcall.c counts in. All 0 when it is new; shared by all processes that count.
 * Behind it: what failcall.c decides for the calls that failwrap.c wraps.
 */
#ifndef TESTS_CHECK_FAILCALL_H
#define TESTS_CHECK_FAILCALL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

enum failcall_kind {
	FAILCALL_OPEN,
	FAILCALL_READ,
	FAILCALL_WRITE,
	FAILCALL_SEND,
	FAILCALL_SYNC,
	FAILCALL_TRUNCATE,
	FAILCALL_SEEK,
	FAILCALL_RENAME,
	FAILCALL_STAT, /* also access, readlink, statvfs, extended attributes */
	FAILCALL_CLOSE,
	FAILCALL_POLL,
	FAILCALL_MMAP,
	FAILCALL_MEMORY,
	FAILCALL_PERF,
	FAILCALL_IOCTL,
	FAILCALL_FCNTL, /* also dup, dup2 */
	FAILCALL_PRCTL,
	FAILCALL_SYSCALL, /* the others that have no function of their own */
	FAILCALL_FORK,
	FAILCALL_THREAD,
	FAILCALL_WAIT,
	FAILCALL_PIPE, /* also memfd, socketpair, socket, signalfd */
	FAILCALL_RANDOM,
	FAILCALL_SYSTEM, /* limits, uname, users, CPUs, priorities */
	FAILCALL_KILL,
	FAILCALL_EXEC,
	FAILCALL_STDIO,
	FAILCALL_ZSTD,
	FAILCALL_KINDS
};

static const char *const failcall_kind_name[FAILCALL_KINDS] = {
	[FAILCALL_OPEN] = "open",     [FAILCALL_READ] = "read",
	[FAILCALL_WRITE] = "write",   [FAILCALL_SEND] = "send",
	[FAILCALL_SYNC] = "sync",     [FAILCALL_TRUNCATE] = "truncate",
	[FAILCALL_SEEK] = "seek",     [FAILCALL_RENAME] = "rename",
	[FAILCALL_STAT] = "stat",     [FAILCALL_CLOSE] = "close",
	[FAILCALL_POLL] = "poll",     [FAILCALL_MMAP] = "mmap",
	[FAILCALL_MEMORY] = "memory", [FAILCALL_PERF] = "perf",
	[FAILCALL_IOCTL] = "ioctl",   [FAILCALL_FCNTL] = "fcntl",
	[FAILCALL_PRCTL] = "prctl",   [FAILCALL_SYSCALL] = "syscall",
	[FAILCALL_FORK] = "fork",     [FAILCALL_THREAD] = "thread",
	[FAILCALL_WAIT] = "wait",     [FAILCALL_PIPE] = "pipe",
	[FAILCALL_RANDOM] = "random", [FAILCALL_SYSTEM] = "system",
	[FAILCALL_KILL] = "kill",     [FAILCALL_EXEC] = "exec",
	[FAILCALL_STDIO] = "stdio",   [FAILCALL_ZSTD] = "zstd",
};

enum { FAILCALL_SITES = 2048, FAILCALL_SYNCS = 4096, FAILCALL_WISHES = 4 };

struct failcall_site {
	uint64_t key; /* return address in the program << 8 | kind; address 0: a library's call */
	uint64_t n;
};

/* A sync that returned 0: so many bytes of the file are on the disk. */
struct failcall_sync {
	uint64_t returned_ns; /* CLOCK_MONOTONIC */
	uint64_t bytes;	      /* size of the file when it was called */
	uint64_t ino;
};

struct failcall_log {
	uint64_t fired[FAILCALL_WISHES]; /* how often a call was made to fail, by wish */
	uint64_t n_crashed;		 /* processes that died of a fault of their own */
	uint64_t n_bad_closes;		 /* of descriptors that were not open */
	uint64_t n_left_open;		 /* descriptors when the first process ended */
	uint64_t killed_ns;		 /* CLOCK_MONOTONIC */
	uint64_t n[FAILCALL_KINDS];
	struct failcall_site site[FAILCALL_SITES];
	uint64_t n_syncs;
	struct failcall_sync sync[FAILCALL_SYNCS]; /* a ring */
};

/* ---- of failcall.c, for failwrap.c ---- */

enum { FAILCALL_DIE = -1, FAILCALL_TORN = -2, FAILCALL_SHORT = -3 };

extern struct failcall_log *failcall; /* NULL: leave everything alone */

/* 0: the call goes on; positive: errno; negative: one of the actions. */
int failcall_decide(enum failcall_kind kind, const void *from);
/* The same for calls that have nothing to tear: true with errno set, or it ends here. */
bool failcall_refuses(enum failcall_kind kind, const void *from);
void failcall_die(void);

/* Descriptors that are open: `fd` as it was returned, negative ones too; what was closed. */
int failcall_opened(int fd);
void failcall_closed(int fd, bool was_open);
void failcall_ends(void);

/* Copies what was just written, if the file is the one to be copied. */
void failcall_shadow(int fd, const void *bytes, ssize_t n, off_t end, const struct stat *st);
void failcall_synced(const struct stat *st);

#endif
