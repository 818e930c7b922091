/*
 * The thread takes what a program costs from the common budget before it starts, and allocates
 * nothing in nearly all cases: rows are kept only when a unit is asked for the second time.
 */
#include "report/dwarf/lines_aside.h"

enum {
	WORTH_BYTES = 128 << 10, /* of program: below, a thread costs as much */
	STACK_BYTES = 256 << 10,
};

static void *run(void *ctx)
{
	struct lines_aside *a = ctx;

	lines_match(a->lines, a->addr, a->n, &a->budget, a->ret);
	return NULL;
}

static bool thread_start(struct lines_aside *a)
{
	pthread_attr_t attr;
	bool started;

	if (pthread_attr_init(&attr) != 0)
		return false;
	pthread_attr_setstacksize(&attr, STACK_BYTES);
	started = pthread_create(&a->thread, &attr, run, a) == 0;
	pthread_attr_destroy(&attr);
	return started;
}

void lines_aside_start(struct lines_aside *a, struct lines *l, const uint64_t *addr, uint32_t n,
		       struct budget *budget, struct line_row *ret)
{
	size_t steps = cursor_left(&l->program);

	a->is_running = false;
	if (steps >= WORTH_BYTES && !l->n_matches && budget_take(budget, steps)) {
		*a = (struct lines_aside){
			.lines = l, .addr = addr, .n = n, .ret = ret, .budget = { .steps = steps }
		};
		a->is_running = thread_start(a);
		if (a->is_running)
			return;
		budget->steps += steps;
	}
	lines_match(l, addr, n, budget, ret);
}

void lines_aside_await(struct lines_aside *a)
{
	if (a->is_running)
		pthread_join(a->thread, NULL);
	a->is_running = false;
}
