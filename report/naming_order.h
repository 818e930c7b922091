/* The places that samples touched, in the order in which files are asked. Private to naming. */
#ifndef REPORT_NAMING_ORDER_H
#define REPORT_NAMING_ORDER_H

#include <stddef.h>
#include <stdint.h>

struct touched {
	uint64_t addr;
	uint32_t object, place;
};

/* By (object, addr), stable. Takes `t` (heap, n elements); returns it or another in its place. */
struct touched *touched_sort(struct touched *t, size_t n);

#endif
