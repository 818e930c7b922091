/*
 * LD_PRELOAD: a disk that is slow or fails. SYNC_DELAY_MS: what each fdatasync and fsync takes;
 * SYNC_FAIL: the number of the fdatasync that fails with EIO; FSYNC_FAIL: of the fsync. Each is
 * told in the file SYNC_LOG.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static long number(const char *name)
{
	const char *text = getenv(name);

	return text ? strtol(text, NULL, 10) : 0;
}

static void slow(const char *what)
{
	const char *path = getenv("SYNC_LOG");
	FILE *f = path ? fopen(path, "a") : NULL;
	long ms = number("SYNC_DELAY_MS");

	nanosleep(&(struct timespec){ .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 }, NULL);
	if (f) {
		fprintf(f, "%s\n", what);
		fclose(f);
	}
}

int fdatasync(int fd)
{
	static int n;
	int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, "fdatasync");

	slow("fdatasync");
	if (++n == number("SYNC_FAIL")) {
		errno = EIO;
		return -1;
	}
	return real(fd);
}

int fsync(int fd)
{
	static int n;
	int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, "fsync");

	slow("fsync");
	if (++n == number("FSYNC_FAIL")) {
		errno = EIO;
		return -1;
	}
	return real(fd);
}
