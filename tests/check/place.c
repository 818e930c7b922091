/*
 * Runs code of a file that it maps, after something else has been put in the file's place; for a
 * root of its own (chroot, namespaces of mounts and pids), static. Arguments:
 *	place MODE FILE TARGET MS	puts it, works MS: half in FILE, half in code made here that
 *					/tmp/perf-PID.map describes (the same is put there)
 *	place race FILE TARGET N OFF	N copies of FILE with their number at OFF in the build-id,
 *					each replaced by TARGET while it is looked at
 * MODE: keep; link, dirlink (the folder is the link), hard, over (a bind mount), rename, fifo, dir,
 * zero, socket, gone, fuse (a mount that never answers).
 * Works in page 3 of FILE: twin.c with -DFIRST. Ends with 7.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { WORK_OFF = 3 << 12, TURNS = 200000 };

typedef void work(unsigned long turns);

static void check(int failed, const char *what)
{
	if (failed) {
		perror(what);
		exit(3);
	}
}

static void work_ms(work *run, double ms)
{
	struct timespec t;
	double end = 0, now;

	do {
		run(TURNS);
		clock_gettime(CLOCK_MONOTONIC, &t);
		now = (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
		end = end > 0 ? end : now + ms;
	} while (now < end);
}

static work *map_work(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	check(fd < 0, path);
	char *p = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, WORK_OFF);
	check(p == MAP_FAILED, "mmap");
	close(fd);
	return (work *)p;
}

static void mount_silent(const char *at)
{
	char options[96];
	int fd = open("/dev/fuse", O_RDWR); /* stays open, nobody reads it */

	check(fd < 0, "/dev/fuse");
	snprintf(options, sizeof(options), "fd=%d,rootmode=40000,user_id=0,group_id=0", fd);
	check(mount("silent", at, "fuse", 0, options) < 0, "mount fuse");
}

static void folder_of(const char *path, char *ret)
{
	strcpy(ret, path);
	*strrchr(ret, '/') = 0;
}

static void put_socket(const char *path)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(a.sun_path, sizeof(a.sun_path), "%s", path);
	check(bind(fd, (struct sockaddr *)&a, sizeof(a)) < 0, "bind");
}

static void put_node(const char *mode, const char *path, const char *target)
{
	if (strcmp(mode, "link") == 0)
		check(symlink(target, path) < 0, "symlink");
	else if (strcmp(mode, "hard") == 0)
		check(link(target, path) < 0, "link");
	else if (strcmp(mode, "rename") == 0)
		check(rename(target, path) < 0, "rename");
	else if (strcmp(mode, "fifo") == 0)
		check(mkfifo(path, 0600) < 0, "mkfifo");
	else if (strcmp(mode, "dir") == 0)
		check(mkdir(path, 0700) < 0, "mkdir");
	else if (strcmp(mode, "zero") == 0)
		check(mknod(path, S_IFCHR | 0600, makedev(1, 5)) < 0, "mknod");
	else if (strcmp(mode, "socket") == 0)
		put_socket(path);
}

static void put(const char *mode, const char *path, const char *target)
{
	char folder[256], away[256];

	if (strcmp(mode, "keep") == 0)
		return;
	folder_of(path, folder);
	if (strcmp(mode, "fuse") == 0) {
		mount_silent(folder);
		return;
	}
	if (strcmp(mode, "over") == 0) {
		check(mount(target, path, NULL, MS_BIND, NULL) < 0, "bind mount");
		return;
	}
	const char *what = strcmp(mode, "dirlink") == 0 ? folder : path;
	snprintf(away, sizeof(away), "%s.away", what);
	check(rename(what, away) < 0, "rename away");
	if (what == folder)
		check(symlink(target, folder) < 0, "symlink");
	else
		put_node(mode, path, target);
}

static work *make_code(work *model)
{
	void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS,
		       -1, 0);

	check(p == MAP_FAILED, "mmap");
	memcpy(p, (const void *)model, 64);
	return (work *)p;
}

static void write_map(const char *path, work *code)
{
	FILE *out = fopen(path, "we");

	check(!out, path);
	fprintf(out, "%lx 40 made_by_us\n", (unsigned long)(uintptr_t)code);
	fclose(out);
}

static void one(char **argv)
{
	char map[64];
	work *run = map_work(argv[2]), *code = make_code(run);
	double ms = atof(argv[4]);

	snprintf(map, sizeof(map), "/tmp/perf-%d.map", (int)getpid());
	write_map(map, code);
	put(argv[1], argv[2], argv[3]);
	if (strcmp(argv[1], "dirlink") != 0 && strcmp(argv[1], "rename") != 0 &&
	    strcmp(argv[1], "hard") != 0) {
		char target[256];
		snprintf(target, sizeof(target), "%s.map", argv[3]);
		put(argv[1], map, target);
	}
	work_ms(run, ms / 2);
	work_ms(code, ms / 2);
}

static size_t read_whole(const char *path, char *ret, size_t cap)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = read(fd, ret, cap);

	check(n <= 0, path);
	close(fd);
	return (size_t)n;
}

static void write_whole(const char *path, const char *bytes, size_t n)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0755);

	check(fd < 0 || write(fd, bytes, n) != (ssize_t)n, path);
	close(fd);
}

static void race(char **argv)
{
	static char good[1 << 16], bad[1 << 16];
	size_t n_good = read_whole(argv[2], good, sizeof(good));
	size_t n_bad = read_whole(argv[3], bad, sizeof(bad));
	long n = atol(argv[4]), off = atol(argv[5]);
	unsigned int seed = 1;

	for (long i = 0; i < n; i++) {
		char path[64], next[64];

		snprintf(path, sizeof(path), "/app/race_%ld.so", i);
		snprintf(next, sizeof(next), "/app/next_%ld.so", i);
		good[off] = (char)(i >> 8);
		good[off + 1] = (char)i;
		write_whole(path, good, n_good);
		write_whole(next, bad, n_bad);
		work *run = map_work(path);
		work_ms(run, (double)(rand_r(&seed) % 30) / 10);
		check(rename(next, path) < 0, "rename");
		work_ms(run, 1.5);
		munmap((void *)run, 4096);
	}
	printf("races %ld\n", n);
}

int main(int argc, char **argv)
{
	if (argc == 6 && strcmp(argv[1], "race") == 0)
		race(argv);
	else if (argc == 5)
		one(argv);
	else
		return 2;
	return 7;
}
