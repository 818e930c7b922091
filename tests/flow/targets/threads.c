/*
 * Named threads, each in a function of its own, in shares 4:3:2:1. Argument: milliseconds of the
 * smallest.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdlib.h>

#include "truth.h"

static uint64_t unit_ns = 100 * MS_NS;

#define THREAD(name, parts)                                                                    \
	NOINLINE static void *name##_work(void *arg)                                           \
	{                                                                                      \
		*(uint64_t *)arg = truth_burn((parts)*unit_ns);                                \
		NOT_A_TAIL_CALL;                                                               \
		return NULL;                                                                   \
	}                                                                                      \
	NOINLINE static void *name##_main(void *arg)                                           \
	{                                                                                      \
		pthread_setname_np(pthread_self(), #name "-thread");                           \
		void *r = name##_work(arg);                                                    \
		NOT_A_TAIL_CALL;                                                               \
		return r;                                                                      \
	}

THREAD(red, 4)
THREAD(green, 3)
THREAD(blue, 2)
THREAD(white, 1)

static const struct {
	const char *name;
	void *(*run)(void *arg);
} thread[] = {
	{ "red", red_main }, { "green", green_main }, { "blue", blue_main }, { "white", white_main }
};

enum { N_THREADS = sizeof(thread) / sizeof(thread[0]) };

int main(int argc, char **argv)
{
	pthread_t id[N_THREADS];
	uint64_t ns[N_THREADS], all = 0;

	if (argc > 1)
		unit_ns = strtoull(argv[1], NULL, 10) * MS_NS;
	for (int i = 0; i < N_THREADS; i++)
		if (pthread_create(&id[i], NULL, thread[i].run, &ns[i]) != 0)
			return 1;
	for (int i = 0; i < N_THREADS; i++) {
		pthread_join(id[i], NULL);
		all += ns[i];
	}
	for (int i = 0; i < N_THREADS; i++)
		printf("thread %s-thread %s_work %.4f\n", thread[i].name, thread[i].name,
		       (double)ns[i] / all);
	return 0;
}
