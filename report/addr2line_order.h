/*
 * Addresses as somebody gave them -> rising, each once, and back: readers want the one, answers are
 * wanted in the other order.
 */
#ifndef REPORT_ADDR2LINE_ORDER_H
#define REPORT_ADDR2LINE_ORDER_H

#include <stddef.h>
#include <stdint.h>

struct addr2line_order {
	uint64_t *addr; /* n of them, rising, no two equal */
	size_t n;
	uint32_t *of; /* of each address that was given: its index in addr */
};

/* Fewer than 2^32. Replaces what was there; zeroed at first. */
void addr2line_order_make(struct addr2line_order *o, const uint64_t *addr, size_t n);
void addr2line_order_done(struct addr2line_order *o);

#endif
