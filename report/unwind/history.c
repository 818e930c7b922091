#include "report/unwind/history.h"

#include <stdlib.h>

#include "common/base/arena.h"
#include "common/base/bits.h"

void histories_done(struct histories *all)
{
	for (uint32_t i = 0; i < HISTORY_THREADS; i++)
		free(all->slot[i].frame);
}

struct history *histories_get(struct histories *all, uint32_t pid, uint32_t tid,
			      uint64_t generation)
{
	struct history *h = &all->slot[hash_u64(tid) % HISTORY_THREADS];

	if (h->tid != tid || h->pid != pid || h->generation != generation) {
		h->n = 0;
		h->tid = tid;
		h->pid = pid;
		h->generation = generation;
		h->floor = UINT64_MAX;
		h->previous = false;
	}
	return h;
}

bool histories_take_previous(struct histories *all, uint32_t tid)
{
	struct history *h = &all->slot[hash_u64(tid) % HISTORY_THREADS];
	bool previous = h->tid == tid && h->previous;

	if (h->tid == tid)
		h->previous = false;
	return previous;
}

void history_store(struct history *h, uint32_t n_shared, const struct walked *inner, uint32_t n,
		   bool joined)
{
	mem_grow(&h->frame, &h->cap, (size_t)n_shared + n, sizeof(h->frame[0]));
	for (uint32_t i = 0; i < n; i++)
		h->frame[n_shared + i] = inner[n - 1 - i];
	h->n = n_shared + n;
	h->floor = 0;
	h->previous = true;
	h->joined = joined;
}
