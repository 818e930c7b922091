/*
 * Two threads on one CPU hand a byte to and fro for some milliseconds: two switches each time.
 * Prints how many.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static int there[2], back[2];

static void *answer(void *unused)
{
	char c;

	(void)unused;
	while (read(there[0], &c, 1) == 1)
		if (write(back[1], &c, 1) != 1)
			break;
	return NULL;
}

int main(int argc, char **argv)
{
	uint64_t end_ns = now_ns() + strtoull(argc > 1 ? argv[1] : "1000", NULL, 10) * 1000000;
	pthread_t thread;
	cpu_set_t one;
	char c = 1;
	long n = 0;

	CPU_ZERO(&one);
	CPU_SET(sched_getcpu(), &one);
	sched_setaffinity(0, sizeof(one), &one);
	if (pipe(there) || pipe(back) || pthread_create(&thread, NULL, answer, NULL))
		return 1;
	for (; now_ns() < end_ns; n += 2)
		if (write(there[1], &c, 1) != 1 || read(back[0], &c, 1) != 1)
			return 1;
	close(there[1]);
	pthread_join(thread, NULL);
	printf("switches %ld\n", n);
	return 0;
}
