#include "record/hidden.h"

static uint32_t find(const struct hidden *h, uint32_t pid)
{
	uint32_t i = 0;

	while (i < h->n && h->pid[i] != pid)
		i++;
	return i;
}

bool hidden_has(const struct hidden *h, uint32_t pid)
{
	return find(h, pid) < h->n;
}

bool hidden_add(struct hidden *h, uint32_t pid)
{
	if (h->n == HIDDEN_MAX || hidden_has(h, pid))
		return false;
	h->pid[h->n++] = pid;
	return true;
}

void hidden_remove(struct hidden *h, uint32_t pid)
{
	uint32_t i = find(h, pid);

	if (i < h->n)
		h->pid[i] = h->pid[--h->n];
}
