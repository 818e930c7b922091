/*
 * Waits in five ways and prints for each how long it was off a CPU, in ns: the time that passed
 * less the CPU time that was used; for threads that compete for CPUs what the kernel's own account
 * says (/proc/self/task/TID/schedstat, the second number). With a number: first waits so many ms.
 *
 *	waits [MS]
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { ROUNDS = 20, SPINNERS = 4 };

#define SITE __attribute__((noinline)) static void

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int ends[2];
static uint64_t off_ns[4];

static uint64_t clock_ns(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static uint64_t off(void)
{
	return clock_ns(CLOCK_MONOTONIC) - clock_ns(CLOCK_THREAD_CPUTIME_ID);
}

static void pause_ms(long ms)
{
	struct timespec t = { ms / 1000, ms % 1000 * 1000000 };

	while (nanosleep(&t, &t) < 0)
		;
}

SITE site_sleep(void)
{
	uint64_t from = off();

	pause_ms(10);
	off_ns[0] += off() - from;
}

SITE site_lock(void)
{
	uint64_t from = off();

	pthread_mutex_lock(&lock);
	off_ns[1] += off() - from;
}

SITE site_read(void)
{
	uint64_t from = off();
	char c;

	if (read(ends[0], &c, 1) != 1)
		abort();
	off_ns[2] += off() - from;
}

SITE site_sync(int fd)
{
	uint64_t from = off();

	if (pwrite(fd, "x", 1, 0) != 1 || fsync(fd) < 0)
		abort();
	off_ns[3] += off() - from;
}

static void *hold_lock(void *unused)
{
	for (int i = 0; i < ROUNDS; i++) {
		pthread_mutex_lock(&lock);
		pause_ms(8);
		pthread_mutex_unlock(&lock);
		pause_ms(2);
	}
	return unused;
}

static void *write_pipe(void *unused)
{
	for (int i = 0; i < ROUNDS; i++) {
		pause_ms(8);
		if (write(ends[1], "x", 1) != 1)
			abort();
	}
	return unused;
}

SITE site_spin(void)
{
	uint64_t from = clock_ns(CLOCK_MONOTONIC);

	while (clock_ns(CLOCK_MONOTONIC) - from < 600000000)
		;
}

static void *spin(void *waited_ns)
{
	char path[64];
	FILE *file;

	site_spin();
	snprintf(path, sizeof(path), "/proc/self/task/%ld/schedstat", syscall(SYS_gettid));
	file = fopen(path, "r");
	if (!file || fscanf(file, "%*u %lu", (uint64_t *)waited_ns) != 1)
		abort();
	fclose(file);
	return NULL;
}

/* More threads than CPUs: all on those two that are the first allowed. */
static void spin_all(void)
{
	uint64_t waited_ns[SPINNERS], sum = 0;
	pthread_t thread[SPINNERS];
	cpu_set_t all, two;
	int n = 0;

	CPU_ZERO(&two);
	sched_getaffinity(0, sizeof(all), &all);
	for (int i = 0; i < CPU_SETSIZE && n < 2; i++) {
		if (!CPU_ISSET(i, &all))
			continue;
		CPU_SET(i, &two);
		n++;
	}
	sched_setaffinity(0, sizeof(two), &two);
	for (int i = 0; i < SPINNERS; i++)
		pthread_create(&thread[i], NULL, spin, &waited_ns[i]);
	for (int i = 0; i < SPINNERS; i++) {
		pthread_join(thread[i], NULL);
		sum += waited_ns[i];
	}
	printf("site_spin %lu\n", sum);
}

int main(int argc, char **argv)
{
	int fd = open("waits.tmp", O_RDWR | O_CREAT | O_TRUNC, 0600);
	pthread_t thread;

	if (fd < 0 || pipe(ends) < 0)
		return 1;
	if (argc > 1)
		pause_ms(atol(argv[1]));
	for (int i = 0; i < ROUNDS; i++)
		site_sleep();
	pthread_create(&thread, NULL, hold_lock, NULL);
	pause_ms(4);
	for (int i = 0; i < ROUNDS; i++) {
		site_lock();
		pthread_mutex_unlock(&lock);
		pause_ms(4);
	}
	pthread_join(thread, NULL);
	pthread_create(&thread, NULL, write_pipe, NULL);
	for (int i = 0; i < ROUNDS; i++)
		site_read();
	pthread_join(thread, NULL);
	for (int i = 0; i < ROUNDS; i++)
		site_sync(fd);
	printf("site_sleep %lu\nsite_lock %lu\nsite_read %lu\nsite_sync %lu\n", off_ns[0],
	       off_ns[1], off_ns[2], off_ns[3]);
	spin_all();
	return 0;
}
