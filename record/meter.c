#include "record/meter.h"

#include "common/base/bits.h"
#include "common/base/io.h"

/* What took longer waited for a CPU, or closed a chunk for all. */
static const uint64_t record_max_ns = 50000;
static const uint64_t mean_first_ns = 1000;
enum { MEASURED_OF = 4, MEAN_OF = 16 };

void meter_round(struct meter *m, uint64_t now_ns)
{
	m->at_ns = m->n_rounds++ % MEASURED_OF ? 0 : now_ns;
}

static void measure(struct meter *m, unsigned int kind)
{
	uint64_t now_ns = io_monotonic_ns(), took_ns = MIN(now_ns - m->at_ns, record_max_ns);
	uint64_t mean_ns = m->kind[kind].mean_ns ? m->kind[kind].mean_ns : mean_first_ns;

	m->kind[kind].mean_ns = (mean_ns * (MEAN_OF - 1) + took_ns) / MEAN_OF;
	m->at_ns = now_ns;
}

void meter_record(struct meter *m, unsigned int kind)
{
	if (m->at_ns)
		measure(m, kind);
	m->kind[kind].cost_ns += m->kind[kind].mean_ns ? m->kind[kind].mean_ns : mean_first_ns;
}
