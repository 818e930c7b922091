/*
 * A handler that burns CPU on top of interrupted work. Arguments: plain|onstack, milliseconds.
 * Path of the handler: main;main_work;<signal trampoline>;on_timer;handler_work
 */
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

#include "truth.h"

static uint64_t handler_ns;

NOINLINE static uint64_t handler_work(uint64_t ns)
{
	return truth_burn(ns);
}

static void on_timer(int signo)
{
	(void)signo;
	handler_ns += handler_work(8 * MS_NS);
}

NOINLINE static uint64_t main_work(uint64_t ns)
{
	return truth_burn(ns);
}

int main(int argc, char **argv)
{
	bool onstack = argc > 1 && strcmp(argv[1], "onstack") == 0;
	uint64_t ns = (argc > 2 ? strtoull(argv[2], NULL, 10) : 500) * MS_NS;
	struct sigaction action = { .sa_handler = on_timer,
				    .sa_flags = SA_RESTART | (onstack ? SA_ONSTACK : 0) };
	struct itimerval every = { .it_interval = { .tv_usec = 20000 },
				   .it_value = { .tv_usec = 20000 } };
	stack_t alternate = { .ss_sp = malloc(256 << 10), .ss_size = 256 << 10 };

	if (onstack && sigaltstack(&alternate, NULL) != 0)
		return 1;
	if (sigaction(SIGALRM, &action, NULL) != 0 || setitimer(ITIMER_REAL, &every, NULL) != 0)
		return 1;
	uint64_t all = main_work(ns);
	setitimer(ITIMER_REAL, &(struct itimerval){ 0 }, NULL);
	printf("share handler_work %.4f\nshare main_work %.4f\n", (double)handler_ns / all,
	       (double)(all - handler_ns) / all);
	return 0;
}
