/* What waits is a few rising runs (one for each ring): they are found and merged, not sorted. */
#include "report/read/perfdata_order.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/arena.h"
#include "common/base/bits.h"

void perf_order_reset(struct perf_order *o)
{
	for (size_t i = o->at ? o->at - 1 : 0; i < o->n; i++)
		perf_record_drop(&o->item[i].record);
	o->n = o->n_ready = o->at = 0;
	o->newest_ns = o->limit_ns = 0;
}

void perf_order_done(struct perf_order *o)
{
	perf_order_reset(o);
	free(o->item);
	free(o->spare);
	*o = (struct perf_order){ 0 };
}

void perf_order_put(struct perf_order *o, uint64_t time_ns, const struct perf_record *record)
{
	mem_grow(&o->item, &o->cap, o->n + 1, sizeof(*o->item));
	o->item[o->n++] = (struct perf_waiting){ time_ns, *record };
	o->newest_ns = MAX(o->newest_ns, time_ns);
	perf_record_keep(record);
}

/* End of the rising run that begins at `from`. */
static size_t run_end(const struct perf_waiting *w, size_t from, size_t n)
{
	size_t i = from + 1;

	while (i < n && w[i - 1].time_ns <= w[i].time_ns)
		i++;
	return MIN(i, n);
}

/* from[a..b) and from[b..c), both rising, into `to`; what came first stays first. */
static void merge(const struct perf_waiting *from, size_t a, size_t b, size_t c,
		  struct perf_waiting *to)
{
	size_t i = a, k = b;

	for (size_t at = a; at < c; at++)
		to[at] = k == c || (i < b && from[i].time_ns <= from[k].time_ns) ? from[i++] :
										   from[k++];
}

/* One pass halves the number of runs. */
static void order(struct perf_order *o)
{
	while (run_end(o->item, 0, o->n) < o->n) {
		struct perf_waiting *swap;
		size_t cap;

		mem_grow(&o->spare, &o->spare_cap, o->n, sizeof(*o->spare));
		for (size_t a = 0, b, c; a < o->n; a = c) {
			b = run_end(o->item, a, o->n);
			c = b < o->n ? run_end(o->item, b, o->n) : b;
			merge(o->item, a, b, c, o->spare);
		}
		swap = o->item;
		o->item = o->spare;
		o->spare = swap;
		cap = o->cap;
		o->cap = o->spare_cap;
		o->spare_cap = cap;
	}
}

/* Those until `limit_ns` are ready. */
static void make_ready(struct perf_order *o, uint64_t limit_ns)
{
	size_t lo = 0, hi;

	order(o);
	for (hi = o->n; lo < hi;) {
		size_t mid = lo + (hi - lo) / 2;

		if (o->item[mid].time_ns <= limit_ns)
			lo = mid + 1;
		else
			hi = mid;
	}
	o->n_ready = lo;
}

void perf_order_round(struct perf_order *o)
{
	make_ready(o, o->limit_ns);
	o->limit_ns = o->newest_ns;
}

void perf_order_flush(struct perf_order *o, bool half)
{
	order(o);
	o->n_ready = half ? (o->n + 1) / 2 : o->n;
}

const struct perf_waiting *perf_order_next(struct perf_order *o)
{
	if (o->at)
		perf_record_drop(&o->item[o->at - 1].record);
	if (o->at < o->n_ready)
		return &o->item[o->at++];
	if (o->at) {
		memmove(o->item, o->item + o->at, (o->n - o->at) * sizeof(*o->item));
		o->n -= o->at;
		o->at = o->n_ready = 0;
	}
	return NULL;
}
