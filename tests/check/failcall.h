/*
 * The file that failcall.c counts in. All 0 when it is new; shared by all processes that count.
 */
#ifndef TESTS_CHECK_FAILCALL_H
#define TESTS_CHECK_FAILCALL_H

#include <stdint.h>

enum failcall_kind {
	FAILCALL_OPEN,
	FAILCALL_READ,
	FAILCALL_WRITE,
	FAILCALL_SEND,
	FAILCALL_SYNC,
	FAILCALL_TRUNCATE,
	FAILCALL_SEEK,
	FAILCALL_RENAME,
	FAILCALL_STAT,
	FAILCALL_CLOSE,
	FAILCALL_POLL,
	FAILCALL_MMAP,
	FAILCALL_MEMORY,
	FAILCALL_PERF,
	FAILCALL_IOCTL,
	FAILCALL_FCNTL,
	FAILCALL_PRCTL,
	FAILCALL_SYSCALL, /* the others that have no function of their own */
	FAILCALL_FORK,
	FAILCALL_THREAD,
	FAILCALL_WAIT,
	FAILCALL_PIPE, /* also memfd, socketpair, signalfd */
	FAILCALL_RANDOM,
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
	[FAILCALL_RANDOM] = "random",
};

enum { FAILCALL_SITES = 1024, FAILCALL_SYNCS = 4096 };

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
	uint64_t n_fired;   /* how often a call was made to fail */
	uint64_t n_crashed; /* processes that died of a fault of their own */
	uint64_t killed_ns; /* CLOCK_MONOTONIC */
	uint64_t n[FAILCALL_KINDS];
	struct failcall_site site[FAILCALL_SITES];
	uint64_t n_syncs;
	struct failcall_sync sync[FAILCALL_SYNCS]; /* a ring */
};

#endif
