/*
 * A line program that runs while its caller reads the functions of the same unit: of a large unit
 * one takes as long as the other.
 */
#ifndef REPORT_DWARF_LINES_ASIDE_H
#define REPORT_DWARF_LINES_ASIDE_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "report/dwarf/lines.h"

struct lines_aside {
	struct lines *lines;
	const uint64_t *addr;
	uint32_t n;
	struct line_row *ret;
	struct budget budget; /* the thread's own */
	pthread_t thread;
	bool is_running;
};

/*
 * As lines_match. Short programs have run when it returns, long ones perhaps; until
 * lines_aside_await nobody else may use `l` and `ret`.
 */
void lines_aside_start(struct lines_aside *a, struct lines *l, const uint64_t *addr, uint32_t n,
		       struct budget *budget, struct line_row *ret);
void lines_aside_await(struct lines_aside *a);

#endif
