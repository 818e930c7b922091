/*
 * spawner MS: one thread from the start, a second and a child later, each for MS / 3 milliseconds
 * of its CPU. spawner storm MS: threads of 2 ms one after another, two at a time.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "truth.h"

#define WORK(name)                            \
	NOINLINE static void *name(void *arg) \
	{                                     \
		uint64_t *ns = arg;           \
		*ns = truth_burn(*ns);        \
		NOT_A_TAIL_CALL;              \
		return NULL;                  \
	}

WORK(old_thread_work)
WORK(new_thread_work)
WORK(storm_work)

NOINLINE static uint64_t child_work(uint64_t ns)
{
	return truth_burn(ns);
}

static uint64_t wall_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * UINT64_C(1000000000) + now.tv_nsec;
}

static int storm(uint64_t total_ns)
{
	uint64_t start = wall_ns();

	while (wall_ns() - start < total_ns) {
		pthread_t id[2];
		uint64_t ns[2] = { 2 * MS_NS, 2 * MS_NS };

		for (int i = 0; i < 2; i++)
			if (pthread_create(&id[i], NULL, storm_work, &ns[i]) != 0)
				return 1;
		for (int i = 0; i < 2; i++)
			pthread_join(id[i], NULL);
	}
	return 0;
}

static uint64_t cpu_ns(int who)
{
	struct rusage usage;

	getrusage(who, &usage);
	return (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * UINT64_C(1000000000) +
	       (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * UINT64_C(1000);
}

int main(int argc, char **argv)
{
	int is_storm = argc == 3 && !strcmp(argv[1], "storm");
	uint64_t total = strtoull(argv[argc - 1], NULL, 10) * MS_NS;
	uint64_t old_ns = total / 3, new_ns = total / 3;
	pthread_t old_thread, new_thread;

	puts("ready");
	fflush(stdout);
	if (is_storm)
		return storm(total);
	if (pthread_create(&old_thread, NULL, old_thread_work, &old_ns) != 0)
		return 1;
	usleep(500000);
	if (pthread_create(&new_thread, NULL, new_thread_work, &new_ns) != 0)
		return 1;
	pid_t child = fork();
	if (child == 0) {
		child_work(total / 3);
		_exit(0);
	}
	pthread_join(old_thread, NULL);
	pthread_join(new_thread, NULL);
	waitpid(child, NULL, 0);
	printf("cpu_ns all %llu\n",
	       (unsigned long long)(cpu_ns(RUSAGE_SELF) + cpu_ns(RUSAGE_CHILDREN)));
	return 0;
}
