/*
 * Much of one thing at once. Modes:
 *	processes N TWIN_A TWIN_B	N programs, by turns
 *	reuse N TWIN_A TWIN_B		the same under one pid (root, a pid namespace of its own)
 *	forks N				N processes that end at once
 *	bomb MS				forks until it may not, and again, until the time is over
 *	threads N			N threads at once, each works a little
 *	maps N				N mappings of code that cannot be joined
 *	perfmap MIB			a perf map of that size, then works
 *	swap MS LIB_A LIB_B		dlopen, work, dlclose: the twins in turn
 * Prints what it did, and ends with 7.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double now_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void work(unsigned long turns)
{
	for (volatile unsigned long i = 0; i < turns; i++)
		;
}

static pid_t run(const char *program)
{
	pid_t pid = vfork();

	if (pid == 0) {
		execl(program, program, "300", (char *)NULL);
		_exit(127);
	}
	return pid;
}

static void processes(int n, char **twin)
{
	int failed = 0;

	for (int i = 0; i < n; i++) {
		int status = 1;
		pid_t pid = run(twin[i % 2]);
		failed += pid < 0 || waitpid(pid, &status, 0) != pid || status;
	}
	printf("processes %d failed %d\n", n, failed);
}

static void reuse(int n, char **twin)
{
	pid_t wanted = 0;
	int same = 0;

	for (int i = 0; i < n; i++) {
		if (wanted) {
			int fd = open("/proc/sys/kernel/ns_last_pid", O_WRONLY | O_CLOEXEC);
			dprintf(fd, "%d", (int)wanted - 1);
			close(fd);
		}
		pid_t pid = run(twin[i % 2]);
		waitpid(pid, NULL, 0);
		same += pid == wanted;
		wanted = wanted ? wanted : pid;
	}
	printf("reused %d of %d\n", same, n);
}

static void forks(int n)
{
	int failed = 0;
	double began = now_s();

	for (int i = 0; i < n; i++) {
		int status = 1;
		pid_t pid = fork();
		if (pid == 0)
			_exit(0);
		failed += pid < 0 || waitpid(pid, &status, 0) != pid || status;
	}
	printf("forks %d failed %d a second %.0f\n", n, failed, n / (now_s() - began));
}

static void bomb(double ms)
{
	double end = now_s() + ms / 1e3;
	int refused = 0, forked = 0;
	pid_t first = getpid();

	while (now_s() < end) {
		pid_t pid = fork();
		forked += pid > 0;
		if (pid < 0) {
			refused++;
			usleep(2000);
			while (waitpid(-1, NULL, WNOHANG) > 0)
				;
		}
		if (pid == 0 && forked > 3)
			_exit(0);
		if (pid > 0 && forked % 16 == 0)
			waitpid(-1, NULL, WNOHANG);
	}
	while (wait(NULL) > 0)
		;
	if (getpid() != first)
		_exit(0);
	printf("bomb forked %d refused %d\n", forked, refused);
}

static void *thread(void *barrier)
{
	work(300000);
	pthread_barrier_wait(barrier);
	work(300000);
	return NULL;
}

static void threads(int n)
{
	pthread_t *id = calloc((size_t)n, sizeof(*id));
	pthread_attr_t attr;
	pthread_barrier_t barrier;
	int made = 0;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 32 << 10);
	pthread_barrier_init(&barrier, NULL, (unsigned int)n);
	while (made < n && pthread_create(&id[made], &attr, thread, &barrier) == 0)
		made++;
	if (made < n) {
		printf("threads %d of %d\n", made, n);
		exit(3);
	}
	for (int i = 0; i < made; i++)
		pthread_join(id[i], NULL);
	printf("threads %d\n", made);
}

static void maps(int n)
{
	int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC), made = 0;

	while (made < n && mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd,
				made % 2 * 4096) != MAP_FAILED)
		made++;
	work(2000000000);
	printf("maps %d\n", made);
}

static void perfmap(int mib)
{
	char path[64];

	snprintf(path, sizeof(path), "/tmp/perf-%d.map", (int)getpid());
	FILE *out = fopen(path, "we");
	if (!out)
		exit(3);
	for (long i = 0; i < (long)mib << 15; i++)
		fprintf(out, "%012lx 40 name_%010ld\n", 0x10000000 + i * 64, i);
	fclose(out);
	void *code = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE | PROT_EXEC,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	work(code ? 600000000 : 0);
	unlink(path);
	printf("perfmap %d MiB\n", mib);
}

static void swap(double ms, char **lib)
{
	double began = now_s(), end = began + ms / 1e3;
	void *base[2] = { NULL, NULL };
	long n = 0;

	for (; now_s() < end; n++) {
		void *l = dlopen(lib[n % 2], RTLD_NOW | RTLD_LOCAL);
		void (*run_it)(unsigned long) =
			l ? (void (*)(unsigned long))dlsym(l, "twin_work") : NULL;
		Dl_info info;

		if (!run_it || !dladdr((void *)run_it, &info))
			exit(3);
		base[n % 2] = info.dli_fbase;
		run_it(600000);
		dlclose(l);
	}
	printf("swaps %ld a second %.0f same %d\n", n, (double)n / (now_s() - began),
	       base[0] == base[1]);
}

int main(int argc, char **argv)
{
	const char *mode = argc > 2 ? argv[1] : "";
	int n = argc > 2 ? atoi(argv[2]) : 0;

	if (strcmp(mode, "processes") == 0 && argc > 4)
		processes(n, argv + 3);
	else if (strcmp(mode, "reuse") == 0 && argc > 4)
		reuse(n, argv + 3);
	else if (strcmp(mode, "forks") == 0)
		forks(n);
	else if (strcmp(mode, "bomb") == 0)
		bomb(n);
	else if (strcmp(mode, "threads") == 0)
		threads(n);
	else if (strcmp(mode, "maps") == 0)
		maps(n);
	else if (strcmp(mode, "perfmap") == 0)
		perfmap(n);
	else if (strcmp(mode, "swap") == 0 && argc > 4)
		swap(n, argv + 3);
	else
		return 2;
	return 7;
}
