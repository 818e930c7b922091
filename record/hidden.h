/*
 * Processes that we may not look into: they are not asked for again while they live. Of fixed size;
 * those beyond it are not remembered.
 */
#ifndef RECORD_HIDDEN_H
#define RECORD_HIDDEN_H

#include <stdbool.h>
#include <stdint.h>

enum { HIDDEN_MAX = 1024 };

struct hidden {
	uint32_t pid[HIDDEN_MAX];
	uint32_t n;
};

bool hidden_has(const struct hidden *h, uint32_t pid);
bool hidden_add(struct hidden *h, uint32_t pid);    /* false: it was there, or there is no room */
void hidden_remove(struct hidden *h, uint32_t pid); /* it ended, or runs another program */

#endif
